#!/usr/bin/env python3
"""What is said of configurations that are wrong: the texts in errors/*.txt, which are Terraform's.

Each case of a file is the configuration, perhaps a first line "# COMMAND" instead of plan, further files behind
"=== NAME", and behind "----" what init, or else the command, tells. Line breaks of wrapped texts and carets are left out.

Run as a program this gives the same configurations to terraform, where it is installed, and tells where it says
something else; with --record it writes down again what both say.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

FOLDER = pathlib.Path(__file__).parent / "errors"


def read_cases(path):
    """Pairs of a configuration and what is told of it."""
    parts = re.split(r"^====\n", path.read_text(), flags=re.MULTILINE)[1:]
    return [part.split("\n----\n", 1) for part in parts]


def unwrapped(box):
    """The text in a box, a line for each paragraph; lines that are indented as they are."""
    lines, paragraph = [], []
    for line in [*(re.sub(r"^│ ?", "", line).rstrip() for line in box.splitlines()), ""]:
        if line and not line.startswith("  "):
            paragraph.append(line)
            continue
        if paragraph:
            lines.append(" ".join(paragraph))
        paragraph = []
        if line and not re.fullmatch(r"\s*(│ *)?\^+", line):
            lines.append(line)
    return "\n".join(lines)


def told(output):
    plain = re.sub(r"\033\[[0-9;]*m", "", output).replace("Terrarium", "Terraform")
    boxes = {unwrapped(box) for box in re.findall(r"╷\n(.*?)╵", plain, flags=re.DOTALL)}
    ignored = ("Unable to open CLI configuration file", "encountered problems during initialisation")
    return "\n".join(sorted(box for box in boxes if not any(each in box for each in ignored)))


def write_files(configuration, folder):
    parts = re.split(r"^=== (\S+)\n", configuration + "\n", flags=re.MULTILINE)
    for name, text in zip(["main.tf", *parts[1::2]], parts[::2]):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def run(program, configuration, folder):
    """What it tells, and whether it failed."""
    first, _, rest = configuration.partition("\n")
    command = first[2:].split() if first.startswith("# ") else ["plan"]
    write_files(rest if first.startswith("# ") else configuration, folder)
    env = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    for words in (["init"], command):
        done = subprocess.run(
            [program, *words],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            break
    return told(done.stdout + done.stderr), done.returncode != 0


def all_cases():
    for path in sorted(FOLDER.glob("*.txt")):
        for number, (configuration, expected) in enumerate(read_cases(path)):
            yield pytest.param(configuration, expected.rstrip("\n"), id=f"{path.stem}-{number}")


@pytest.mark.parametrize(("configuration", "expected"), list(all_cases()))
def test_error(configuration, expected, tmp_path):
    text, failed = run(os.environ["TERRARIUM"], configuration, tmp_path)
    assert text == expected
    assert failed == ("Error: " in expected)


def both(configuration):
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        return (
            run(os.environ["TERRARIUM"], configuration, pathlib.Path(ours)),
            run(shutil.which("terraform"), configuration, pathlib.Path(theirs)),
        )


def main():
    if not shutil.which("terraform"):
        print("terraform is not installed: nothing to compare with")
        return 77
    count = wrong = 0
    for path in sorted(FOLDER.glob("*.txt")):
        record = []
        for configuration, _ in read_cases(path):
            ours, theirs = both(configuration)
            count += 1
            if ours == theirs:
                record.append(f"====\n{configuration}\n----\n{ours[0]}\n")
                continue
            wrong += 1
            print(f"==== {path.name}\n{configuration}\n---- terraform\n{theirs[0]}\n---- terrarium\n{ours[0]}\n")
        if "--record" in sys.argv:
            path.write_text("".join(record))
    print(f"{count - wrong} cases are the same, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
