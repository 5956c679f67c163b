"""terrarium pipeline: what it prints and what it refuses, on a terminal and elsewhere."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata

import pytest

from pipes import ASK, SHIP, SOURCE, Pipes, until


class Terminal:
    """A program on a terminal of a size, and what the terminal shows of it."""

    def __init__(self, region, *arguments, columns=80, rows=24):
        self.columns, self.rows = columns, rows
        self.lines, self.above, self.rest = [""], [], ""
        self.row = self.column = self.clears = 0
        self.fd, other = pty.openpty()
        self.resize(columns, rows)
        command = [region.terrarium, *arguments]
        self.program = subprocess.Popen(command, env=region.env, stdin=other, stdout=other, stderr=other)
        os.close(other)
        os.set_blocking(self.fd, False)

    def resize(self, columns, rows):
        """Gives it another size. Lines that do not fit any more go on below, as in many terminals."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        pieces = [[line[i : i + columns] for i in range(0, max(len(line), 1), columns)] for line in self.lines]
        self.row = sum(len(each) for each in pieces[: self.row]) if len(pieces) > 1 else self.row
        self.lines = [piece for each in pieces for piece in each]
        self.columns, self.rows = columns, rows
        while len(self.lines) > rows:
            self.above.append(self.lines.pop(0))
            self.row -= 1

    def look(self):
        """Takes what the program has written; the lines on the screen."""
        try:
            while data := os.read(self.fd, 65536):
                self.rest += data.decode()
        except (BlockingIOError, OSError):
            pass
        while self.rest:
            found = re.match(r"\x1b\[([0-9;]*)([A-Za-z])|[^\x1b]", self.rest)
            if not found:
                break  # an escape that is not whole yet
            self.rest = self.rest[found.end() :]
            self.take(found)
        return self.lines

    def take(self, found):
        text, what = found[0], found[2]
        if (text, what) == ("\x1b[2J", "J"):
            self.lines, self.clears = [""] * (self.row + 1), self.clears + 1
        elif what == "H":
            self.row = self.column = 0
        elif what == "A":
            self.row = max(self.row - int(found[1] or 1), 0)
        elif what in ("K", "J"):
            self.lines[self.row] = self.lines[self.row][: min(self.column, self.columns - 1)]
            if what == "J":
                del self.lines[self.row + 1 :]
        elif what:
            assert what == "m", f"an escape that was not looked for: {text!r}"
        elif text == "\n":
            self.down()
        elif text == "\r":
            self.column = 0
        else:
            self.put(text)

    def down(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")
        if self.row == self.rows:
            self.above.append(self.lines.pop(0))
            self.row -= 1

    def put(self, character):
        width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if self.column + width > self.columns:
            self.down()
            self.column = 0
        line = self.lines[self.row]
        self.lines[self.row] = line[: self.column].ljust(self.column) + character + "\0" * (width - 1) + line[self.column + width :]
        self.column += width

    def end(self):
        code = self.program.wait(timeout=20)
        lines = self.look()
        os.close(self.fd)
        return code, [line.replace("\0", "").rstrip() for line in lines]


@pytest.mark.parametrize(("columns", "rows"), [(100, 24), (100, 5), (31, 24), (12, 4)])
def test_on_a_terminal(pipes, name, columns, rows):
    """The picture is redrawn in place, cut where the terminal is lower or narrower than it."""
    words = "look at \x1b[2J\t日本語 日本語 日本語 日本語 日本語 日本語 日本語"
    ask = dict(ASK, configuration={"CustomData": words, "ExternalEntityLink": "http://localhost/x"})
    pipes.create(name, [SOURCE], [ask], [SHIP])
    pipes.token(name, 1)
    follow = Terminal(pipes.region, "pipeline", "follow", name, columns=columns, rows=rows)
    row = until(lambda: next((each for each in follow.look() if each.startswith("    Ask")), None))
    assert "InProgress"[: max(columns - 29, 0)] in row
    assert len(row) <= columns
    if columns == 100:
        assert "waits for you: terrarium pipeline approve" in row
    reject = Terminal(pipes.region, "pipeline", "reject", name, "-m", "nicht schön genug\nwirklich")
    assert reject.end() == (0, ["S1/Ask Rejected", ""])
    code, lines = follow.end()
    assert code == 1
    # What follows the picture is the error; the picture itself was never drawn twice.
    end = next(i for i, line in enumerate(lines) if line.startswith("Error: ")) if rows > 5 else len(lines)
    everything = follow.above + lines
    pictures = [line for line in everything if line.startswith(f"{name}  "[:columns])]
    assert len(pictures) == (1 if rows > 5 else 0), everything
    if rows > 5:
        picture = lines[:end]
        assert [line.split()[0] for line in picture] == [name[:columns], "S0", "Get", "S1", "Ask", "S2"]
        assert "Failed"[: max(columns - 29, 0)] in picture[4] and len(picture[4]) <= columns
    if columns == 100 and rows > 5:
        assert picture[4].endswith("nicht schön genug wirklich") and "日" not in "".join(picture)
        assert "".join(lines[end:]) == (
            f"Error: the execution {pipes.executions(name)[0]['pipelineExecutionId']} has ended as Failed. "
            f"Mend what it says, then: terrarium pipeline retry {name}"
        )


def test_terminal_that_changes_its_size(pipes, name):
    pipes.create(name, [SOURCE], [ASK])
    pipes.token(name, 1)
    follow = Terminal(pipes.region, "pipeline", "follow", name, columns=120, rows=30)
    until(lambda: any("waits for you" in line for line in follow.look()))
    for columns, rows in [(40, 30), (40, 10), (100, 12)]:
        clears = follow.clears
        follow.resize(columns, rows)
        until(lambda: follow.look() and follow.clears > clears and any(line.startswith("    Ask") for line in follow.lines))
        shown = [line.split()[0] for line in follow.lines if line.strip()]
        assert shown == [name[:columns], "S0", "Get", "S1", "Ask"]
    assert pipes.region.run("pipeline", "approve", name).returncode == 0
    code, lines = follow.end()
    assert code == 0 and [line.split()[0] for line in lines if line] == [name, "S0", "Get", "S1", "Ask"]


def test_approvals_that_wait_together(pipes, name):
    """Which one is meant has to be said, by names that the refusal tells."""
    run = pipes.region.run
    first = pipes.create(name, [SOURCE], [ASK, dict(ASK, name="Too")], executionMode="PARALLEL")
    pipes.token(name, 1, first)
    several = run("pipeline", "approve", name)
    assert several.returncode == 1
    assert several.stderr == (
        "Error: several approvals wait. Say which one:\n"
        f"  --action=Too --execution={first[:8]}\n  --action=Ask --execution={first[:8]}\n"
    )
    assert run("pipeline", "approve", name, "--action=Too").stdout == "S1/Too Approved\n"
    second = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    pipes.token(name, 1, second)
    assert run("pipeline", "reject", name, "--action=Ask").returncode == 1
    assert run("pipeline", "approve", name, f"--execution={first[:8]}", "-m", "gut").stdout == "S1/Ask Approved\n"
    pipes.wait(name, first, "Succeeded")
    told = {each["actionName"]: each for each in pipes.actions(name, first)}["Ask"]
    assert told["output"]["executionResult"]["externalExecutionSummary"] == "gut"
    assert told["updatedBy"] == "arn:aws:iam::000000000000:root"
    nothing = run("pipeline", "approve", name, f"--execution={first[:8]}")
    assert nothing.returncode == 1 and "no approval of" in nothing.stderr and "waits that is named so" in nothing.stderr
    status = run("pipeline", "status", name, f"--execution={first[:8]}")
    assert status.returncode == 0 and first[:8] in status.stdout and second[:8] not in status.stdout
    unknown = run("pipeline", "status", name, "--execution=zzz")
    assert unknown.returncode == 1 and f"the pipeline {name} has no execution zzz." in unknown.stderr
    assert run("pipeline", "stop", name, "-e", second[:8], "--abandon", "-r", "enough").returncode == 0
    assert pipes.status(name, second) == "Stopped"
    again = run("pipeline", "stop", name, "-e", second[:8])
    assert again.returncode == 1 and "might already be in a Stopped state" in again.stderr


@pytest.mark.parametrize(
    "command", ["list", "status", "release", "follow", "approve", "reject", "retry", "rollback", "stop", "logs"]
)
def test_help(pipes, command):
    told = pipes.region.run("pipeline", command, "--help")
    assert told.returncode == 0 and told.stderr == ""
    assert f"terrarium pipeline {command} [OPTION…]" in told.stdout
    wrong = pipes.region.run("pipeline", command, "--nonsense")
    assert wrong.returncode == 1 and f"See terrarium pipeline {command} --help." in wrong.stderr


def test_no_such_command(pipes):
    wrong = pipes.region.run("pipeline", "realese")
    assert wrong.returncode == 1 and wrong.stdout == ""
    assert wrong.stderr.startswith('Error: terrarium pipeline has no command named "realese". Did you mean "release"?\n')


def test_rollback(pipes, name):
    """The last stage goes back to what it had before the latest execution; or another one to what is said."""
    run = pipes.region.run
    pipes.push("first")
    first = pipes.create(name, [SOURCE], [SHIP])
    pipes.wait(name, first, "Succeeded")
    nothing = run("pipeline", "rollback", name)
    assert nothing.returncode == 1
    assert nothing.stderr == "Error: no execution before the latest one has succeeded in the stage S1.\n"
    for text in ["second", "third"]:
        count = len(pipes.executions(name))
        pipes.push(text)
        until(lambda: len(pipes.executions(name)) > count and pipes.executions(name)[0]["status"] == "Succeeded")

    def site():
        return pipes.s3.get_object(Bucket="pipe-site", Key="index.html")["Body"].read()

    assert site() == b"third"
    back = run("pipeline", "rollback", name)
    assert back.returncode == 0 and "S1/Ship Succeeded after" in back.stdout, back
    assert site() == b"second"
    assert run("pipeline", "rollback", name, "--stage=S1", f"--execution={first[:8]}").returncode == 0
    assert site() == b"first"
    wrong = run("pipeline", "rollback", name, "--stage=S7")
    assert wrong.returncode == 1 and wrong.stderr == f"Error: {name} has no stage S7.\n"
    source = run("pipeline", "rollback", name, "--stage=S0", f"--execution={first[:8]}")
    assert source.returncode == 1 and "a source stage cannot be rolled back" in source.stderr


def test_retry_of_one_of_several(pipes, name):
    run = pipes.region.run
    runs = [pipes.create(name, [SOURCE], [ASK], executionMode="PARALLEL")]
    runs.append(pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"])
    for each in runs:
        pipes.token(name, 1, each)
        assert run("pipeline", "reject", name, "-e", each).returncode == 0
        pipes.wait(name, each, "Failed")
    again = run("pipeline", "retry", name, "-e", runs[0][:8], "--no-wait")
    assert again.returncode == 0 and again.stdout == f"{runs[0]}\n", again
    pipes.token(name, 1, runs[0])
    assert pipes.status(name, runs[1]) == "Failed"
    wrong = run("pipeline", "retry", name, "-e", runs[0])
    assert wrong.returncode == 1 and "has failed" in wrong.stderr


def test_which_pipeline(stepped_region):
    """The only one need not be named; without any, and with several, the command says what to do."""
    pipes, run = Pipes(stepped_region), stepped_region.run
    none = run("pipeline", "status")
    assert none.returncode == 1 and "there is no pipeline: apply a configuration" in none.stderr
    assert run("pipeline", "list").stdout == ""
    pipes.create("one", [SOURCE], [ASK])
    pipes.token("one", 1)
    status = run("pipeline", "status")
    assert status.returncode == 0 and status.stdout.startswith("one  ")
    pipes.create("two", [SOURCE], [dict(ASK, configuration={})])
    several = run("pipeline", "approve")
    assert several.returncode == 1 and several.stderr == "Error: there are several pipelines, name one: one, two.\n"
    nothing = run("pipeline", "retry", "one")
    assert nothing.returncode == 1 and nothing.stderr == "Error: no stage of one has failed.\n"
    variable = run("pipeline", "release", "one", "--no-wait", "--variable=Size=1")
    assert variable.returncode == 1 and "The pipeline has no variable named 'Size'" in variable.stderr
    wrong = run("pipeline", "release", "one", "--variable=Size")
    assert wrong.returncode == 1 and '"Size" is no NAME=VALUE.' in wrong.stderr
    many = run("pipeline", "status", "one", "two")
    assert many.returncode == 1 and many.stderr == "Error: Name one pipeline.\n"
    assert run("down").returncode == 0
    down = run("pipeline", "status")
    assert down.returncode == 1 and "terrarium up" in down.stderr, down
    assert run("up", "--no-glass").returncode == 0


def test_command(pipes, name):
    pipes.create(name, [SOURCE], [ASK], [SHIP])
    pipes.answer(name, 1)
    until(lambda: pipes.executions(name)[0]["status"] == "Succeeded")
    run = pipes.region.run
    with subprocess.Popen(
        [pipes.region.terrarium, "pipeline", "release", name],
        env=pipes.region.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as release:
        until(lambda: len(pipes.executions(name)) == 2)
        newest = pipes.executions(name)[0]["pipelineExecutionId"]
        lines = []
        while not lines or "waits for: terrarium pipeline approve" not in lines[-1]:
            lines.append(release.stdout.readline())
        status = run("pipeline", "status", name)
        assert "waits for you" in status.stdout and newest[:8] in status.stdout, status
        approved = run("pipeline", "approve", name, "-m", "fine")
        assert approved.stdout == "S1/Ask Approved\n"
        out, error = release.communicate(timeout=20)
    assert release.returncode == 0, error
    assert any("S1/Ask InProgress" in line for line in lines) and "S2/Ship Succeeded after" in out
    assert "\x1b" not in out
    released = run("pipeline", "release", name, "--no-wait")
    third = released.stdout.strip()
    pipes.token(name, 1, third)
    assert run("pipeline", "reject", name).returncode == 0
    pipes.wait(name, third, "Failed")
    assert "Failed" in run("pipeline", "list").stdout
    shown = json.loads(run("status", "--json").stdout)["pipelines"]
    assert [each["status"] for each in shown if each["name"] == name] == ["Failed"]
    assert run("pipeline", "retry", name, "--no-wait").returncode == 0
    pipes.token(name, 1, third)
    assert run("pipeline", "stop", name, "--abandon").returncode == 0
    pipes.wait(name, third, "Stopped")
    wrong = run("pipeline", "status", name + "x")
    assert wrong.returncode == 1 and f'Did you mean "{name}"?' in wrong.stderr
    logs = run("pipeline", "logs", name)
    assert logs.returncode == 1 and "has run no build" in logs.stderr
