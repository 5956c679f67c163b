#!/usr/bin/env python3
"""Checks the golden tests of the language against Terraform itself.

Usage: check_goldens.py FILE... ; runs every expression through `terraform console` and compares what it
prints with what the golden file says. Exits with 77 (skipped) where Terraform is not installed.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def cases(path):
    expression = []
    for line in pathlib.Path(path).read_text().split("\n"):
        if line.startswith(("=> ", "!! ")):
            yield "\n".join(expression), line
            expression = []
        elif line and not line.startswith("#"):
            expression.append(line)


def ask(terraform, folder, expression):
    run = subprocess.run(
        [terraform, "console"], input=expression + "\n", capture_output=True, text=True,
        cwd=folder, timeout=60, check=False)
    output = re.sub(r"\x1b\[[0-9;]*m", "", run.stderr + run.stdout)
    error = re.search(r"Error: (.*)", output)
    if error:
        return "!! " + error.group(1)
    return "=> " + " ".join(line.strip() for line in run.stdout.rstrip("\n").split("\n"))


def main():
    terraform = shutil.which("terraform")
    if not terraform:
        print("terraform is not installed: skipped")
        return 77
    failed = passed = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in sys.argv[1:]:
            for expression, expected in cases(path):
                if "\n" in expression:  # the console reads line by line
                    continue
                actual = ask(terraform, folder, expression)
                if actual == expected:
                    passed += 1
                else:
                    failed += 1
                    print(f"{path}: {expression}\n  golden    {expected}\n  terraform {actual}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
