#!/usr/bin/env python3
"""Runs terraform and terrarium on the same configurations and tells where they differ.

Each folder of cases/ is one case: 1.tf, 2.tf, … are its steps, each the main.tf of its time; everything else in
the folder is there in all steps. A step runs the commands of its "# run:" lines, else the usual ones. Compared are
exit codes, what is printed, and the states. What may differ is made the same before: names of the programs, random
ids, durations, the order of progress lines, line breaks of wrapped texts.

A folder with a file named wording (which says why) is one whose errors are worded in another way.

    compare.py [CASE…]
"""

import argparse
import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
USUAL = [
    "validate",
    "plan -detailed-exitcode",
    "apply -auto-approve",
    "plan -detailed-exitcode",
    "output",
    "output -json",
    "state list",
    "show",
]
PROGRESS = re.compile(
    r"^\S.*: (Preparing import|Import|Importing|Creating|Creation|Destroying|Destruction|Modifying|Modifications|Refreshing|Reading|Read"
    r"|Provisioning) ?.*$|^\S.* \(local-exec\): .*$"
)


class Side:
    def __init__(self, name, program, state, folder, env):
        self.name, self.program, self.folder, self.env = name, program, folder, env
        self.state_path = folder / state

    def run(self, command):
        words = command.split()
        color = [] if words[0] in ("init", "validate") else []
        done = subprocess.run(
            [self.program, words[0], *color, *words[1:]],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def state(self):
        if not self.state_path.exists():
            return {"outputs": {}, "resources": []}
        return json.loads(self.state_path.read_text())


def normal(text):
    text = re.sub(r"\033\[[0-9;]*m", "", text)
    text = text.replace(" # forces replacement", "")  # which terraform does not always say of terraform_data
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"(complete after )\d+s", r"\1<n>s", text)
    text = re.sub(r"\(deposed object [0-9a-f]{8}\)", "(deposed object <key>)", text)
    return re.sub(r"terraform(?=[\s│]+(?:apply|output|plan|refresh|console|state)\b)", "terrarium", text.replace("Terraform", "Terrarium"))


def in_one_line(box):
    """A warning without its box; the items of a list in it are in no order."""
    text = " ".join(box[1].replace("│", "").split())
    return re.sub(r"(?: - \S+)+", lambda items: "".join(sorted(re.findall(r" - \S+", items[0]))), text) + "\n"


def printed(text):
    """Progress lines sorted, everything else as it is."""
    text = re.sub(r"^│ *(├─+|│ .*|\^+)\n", "", normal(text), flags=re.MULTILINE)
    boxes = re.sub(r"╷\n((?:│.*\n)*)╵\n?", in_one_line, text)
    lines = [line.rstrip() for line in boxes.splitlines()]
    progress = sorted(line for line in lines if PROGRESS.match(line))
    rest = "\n".join(line for line in lines if not PROGRESS.match(line))
    return progress + [line for line in re.sub(r"\n\n+", "\n", rest).split("\n") if line]


def problems(text):
    """Diagnostics in any order, their paragraphs unwrapped; the quoted lines as they are."""
    text = re.sub(r"^[╷╵│] ?", "", normal(text), flags=re.MULTILINE)
    text = text.split("There are some problems with the CLI configuration:")[-1]
    if "Unable to open CLI configuration file" in text:
        text = text.split("does not exist.", 1)[-1]
    text = re.sub(r"^ *\^+\n", "", text, flags=re.MULTILINE)  # which stand below what terraform underlines
    found = re.split(r"^(?=(?:Error|Warning): )", text, flags=re.MULTILINE)
    found = [one for one in found if "problems during initialisation" not in one]
    blocks = []
    for one in found:
        parts = [part for part in re.split(r"\n\s*\n", one.strip("\n")) if part.strip()]
        flat = [part if part.startswith("  ") else " ".join(part.split()) for part in parts]
        if flat:
            blocks.append("\n\n".join(flat))
    return "\n".join(sorted(set(blocks))).splitlines()


def forget_ids(value):
    if isinstance(value, dict):
        return {key: forget_ids(each) for key, each in value.items()}
    if isinstance(value, list):
        return [forget_ids(each) for each in value]
    return normal(value) if isinstance(value, str) else value


def by_name(paths):
    return sorted(json.dumps(path) for path in paths)


def state_lines(state):
    outputs = forget_ids(state["outputs"])
    resources = []
    for resource in state["resources"]:
        for instance in resource["instances"]:
            keep = {name: instance.get(name) for name in ("index_key", "status", "schema_version", "attributes")}
            keep["sensitive"] = by_name(instance.get("sensitive_attributes") or [])
            keep["dependencies"] = sorted(instance.get("dependencies") or [])
            keep["create_before_destroy"] = instance.get("create_before_destroy", False)
            keep["deposed"] = "deposed" in instance
            name = ".".join([resource.get("module", ""), resource["mode"], resource["type"], resource["name"]])
            resources.append({"name": name, "provider": resource["provider"], **keep})
    resources = sorted(forget_ids(resources), key=lambda each: json.dumps(each, sort_keys=True))
    return json.dumps({"outputs": outputs, "resources": resources}, indent=1, sort_keys=True).splitlines()


def differences(title, ours, theirs):
    lines = list(difflib.unified_diff(theirs, ours, "terraform", "terrarium", n=2, lineterm=""))
    return [f"--- {title}", *lines[2:]] if lines else []


def commands_of(step, last):
    own = re.findall(r"^# run: (.*)$", step.read_text(), flags=re.MULTILINE)
    return own or [*USUAL, *(["destroy -auto-approve"] if last else [])]


def run_command(command, sides, title, wording):
    ours, theirs = (side.run(command) for side in sides)
    found = []
    if ours[0] != theirs[0]:
        found.append(f"--- {title}: exit code {ours[0]}, terraform {theirs[0]}")
    if command.split()[:2] == ["output", "-json"] and theirs[0] == 0:
        mine, other = (json.dumps(forget_ids(json.loads(each[1] or "null")), indent=1) for each in (ours, theirs))
        found += differences(f"{title}: stdout", mine.splitlines(), other.splitlines())
    elif command != "init":
        found += differences(f"{title}: stdout", printed(ours[1]), printed(theirs[1]))
    if not wording:
        found += differences(f"{title}: stderr", problems(ours[2]), problems(theirs[2]))
    return found


def compare(case, scratch):
    """The differences of one case, as lines."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    sides = []
    for name, program, state in (
        ("terrarium", os.environ["TERRARIUM"], ".terrarium/default/terraform.tfstate"),
        ("terraform", shutil.which("terraform"), "terraform.tfstate"),
    ):
        folder = scratch / case.name / name
        folder.mkdir(parents=True)
        sides.append(Side(name, program, state, folder, env))
    steps = sorted(each for each in case.iterdir() if re.fullmatch(r"\d+\.tf", each.name))
    found = []
    for step in steps:
        for side in sides:
            for other in case.iterdir():
                if other in steps or other.name == "wording":
                    continue
                if other.is_dir():
                    shutil.copytree(other, side.folder / other.name, dirs_exist_ok=True)
                else:
                    shutil.copy(other, side.folder)
            shutil.copy(step, side.folder / "main.tf")
        ours, theirs = (side.run("init") for side in sides)
        if theirs[0] != 0:
            found += run_command("init", sides, f"{case.name}/{step.name} init", (case / "wording").exists())
            continue
        for command in commands_of(step, last=step == steps[-1]):
            found += run_command(
                command, sides, f"{case.name}/{step.name} {command}", (case / "wording").exists()
            )
        ours, theirs = (state_lines(side.state()) for side in sides)
        found += differences(f"{case.name}/{step.name} state", ours, theirs)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    if not shutil.which("terraform"):
        print("terraform is not installed: nothing to compare with")
        return 77
    cases = [HERE / "cases" / name for name in arguments.cases] or sorted((HERE / "cases").iterdir())
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(lambda case: compare(case, pathlib.Path(scratch)), cases))
    wrong = 0
    for case, found in zip(cases, results):
        wrong += bool(found)
        if found:
            print(f"==== {case.name}")
            print("\n".join(found))
    print(f"{len(cases) - wrong} cases are the same, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
