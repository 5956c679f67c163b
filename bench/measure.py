"""What the measurements share: a region of their own, and wrk."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
os.environ.setdefault("TERRARIUM", str(ROOT / "build/src/cli/terrarium"))

from conftest import Region, free_port  # noqa: E402, F401


@contextlib.contextmanager
def region(*options):
    """A region in a data folder of its own, gone in the end."""
    home = tempfile.mkdtemp(prefix="terrarium-bench-")
    os.chmod(home, 0o755)  # root inside the glass must be able to reach it
    made = Region(home)
    try:
        up = made.run("up", *options)
        if up.returncode != 0:
            sys.exit(f"no region: {up.stderr.strip()}")
        yield made
    finally:
        made.run("down", "--purge")
        shutil.rmtree(home, ignore_errors=True)


def wrk(url, seconds, connections, before=(), method="GET", body=None, headers=None):
    """Requests per second. `before`: a command that runs wrk elsewhere (nsenter)."""
    script = f"wrk.method = {json.dumps(method)}\n"
    script += f"wrk.body = {json.dumps(body)}\n" if body else ""
    script += "".join(f"wrk.headers[{json.dumps(k)}] = {json.dumps(v)}\n" for k, v in (headers or {}).items())
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        os.chmod(file.name, 0o644)
        command = [*before, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", file.name, url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if not found or "Non-2xx" in done.stdout:
        sys.exit(f"{' '.join(command)} failed: {done.stdout}{done.stderr}")
    return float(found[1])
