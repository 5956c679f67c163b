#!/usr/bin/env python3
"""Plans and applies of N terraform_data, by terrarium and by terraform in one go: seconds, memory, and the ratio.

    bench/engine.py [--shape pairs|plain|blocks] [--only terrarium] [--program PATH] [N…]

pairs: half of them refer to the other half; plain: none refers; blocks: pairs, each in a block of its own.
"""

import argparse
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

COMMANDS = (["plan"], ["apply", "-auto-approve"], ["plan"], ["destroy", "-auto-approve"])


def configuration(shape, n):
    if shape == "plain":
        return f'resource "terraform_data" "a" {{\n  count = {n}\n  input = count.index\n}}\n'
    if shape == "pairs":
        return (
            f'resource "terraform_data" "a" {{\n  count = {n // 2}\n  input = count.index\n}}\n'
            f'resource "terraform_data" "b" {{\n  count = {n // 2}\n'
            "  input = terraform_data.a[count.index].output\n}\n"
        )
    return "".join(
        f'resource "terraform_data" "a{i}" {{\n  input = {i}\n}}\n'
        f'resource "terraform_data" "b{i}" {{\n  input = terraform_data.a{i}.output\n}}\n'
        for i in range(n // 2)
    )


def measure(program, command, folder):
    """Seconds and the most memory in MiB."""
    started = time.monotonic()
    process = subprocess.Popen(
        [program, *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{program} {' '.join(command)} failed: {process.stderr.read().decode()}")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def run(program, text):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "main.tf").write_text(text)
        measure(program, ["init"], folder)
        return [measure(program, command, folder) for command in COMMANDS]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=("pairs", "plain", "blocks"), default="pairs")
    parser.add_argument("--only", choices=("terrarium",))
    parser.add_argument("--program", default=str(pathlib.Path(__file__).parent.parent / "build/src/cli/terrarium"))
    parser.add_argument("sizes", nargs="*", type=int, default=[200, 400])
    arguments = parser.parse_args()
    terraform = None if arguments.only else shutil.which("terraform")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(f"{'n':>7} {'command':<8} {'terrarium':>18} {'terraform':>18} {'ratio':>7}")
    for n in arguments.sizes:
        text = configuration(arguments.shape, n)
        ours = run(arguments.program, text)
        theirs = run(terraform, text) if terraform else [None] * len(ours)
        for command, mine, other in zip(COMMANDS, ours, theirs):
            shown = [f"{each[0]:8.2f} s {each[1]:5.0f} MB" if each else "-" for each in (mine, other)]
            ratio = f"{other[0] / mine[0]:6.1f}x" if other else ""
            print(f"{n:>7} {command[0]:<8} {shown[0]:>18} {shown[1]:>18} {ratio:>7}", flush=True)


if __name__ == "__main__":
    main()
