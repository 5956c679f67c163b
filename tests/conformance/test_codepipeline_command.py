"""terrarium pipeline: what it prints and what it refuses, on a terminal and elsewhere."""

import json
import subprocess

from pipes import ASK, SHIP, SOURCE, until


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
