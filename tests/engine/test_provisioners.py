"""Provisioners: what they are given, what becomes of their failures, and what ends them."""

import os
import signal
import subprocess
import time

import pytest
from test_engine import Folder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def tainted(folder):
    return {
        f'{each["type"]}.{each["name"]}': each["instances"][0].get("status") == "tainted"
        for each in folder.state()["resources"]
    }


def test_environment_reaches_this_machine(folder):
    folder.write("""
        resource "terraform_data" "a" {
          provisioner "local-exec" { command = "env | grep ^AWS_ | sort > given" }
          provisioner "local-exec" {
            command     = "env | grep ^AWS_ | sort > own"
            environment = { AWS_ENDPOINT_URL = "http://elsewhere", AWS_PROFILE = "mine" }
          }
        }
        """)
    folder.apply(
        AWS_ENDPOINT_URL_ECR="https://ecr.us-east-1.amazonaws.com",
        AWS_PROFILE="production",
        AWS_SESSION_TOKEN="real",
        AWS_ACCESS_KEY_ID="AKIAREAL",
        AWS_PAGER="cat",
        TERRARIUM_PORT="45999",
        TERRARIUM_HOME=str(folder.path / "home"),
    )
    given = dict(line.split("=", 1) for line in (folder.path / "given").read_text().splitlines())
    assert given["AWS_ENDPOINT_URL"] == "http://127.0.0.1:45999"
    assert given["AWS_ACCESS_KEY_ID"] == "terrarium"
    assert given["AWS_PAGER"] == "cat"
    assert not {"AWS_ENDPOINT_URL_ECR", "AWS_PROFILE", "AWS_SESSION_TOKEN"} & set(given)
    own = dict(line.split("=", 1) for line in (folder.path / "own").read_text().splitlines())
    assert own == dict(given, AWS_ENDPOINT_URL="http://elsewhere", AWS_PROFILE="mine")


def test_failure_taints(folder):
    folder.write("""
        variable "code" { default = 3 }
        resource "null_resource" "a" {
          triggers = { x = "y" }
          provisioner "local-exec" { command = "echo ran >> log; exit ${var.code}" }
          provisioner "local-exec" {
            when    = destroy
            command = "echo ${self.triggers.x} gone >> log"
          }
        }
        resource "terraform_data" "dependent" { input = null_resource.a.id }
        """)
    shown = folder.run("apply", "-auto-approve", code=1)
    assert "Error: local-exec provisioner error" in shown
    assert "exit status 3" in shown
    assert tainted(folder) == {"null_resource.a": True}
    assert "Resources: 2 added, 0 changed, 1 destroyed." in folder.apply("-var", "code=0")
    assert tainted(folder) == {"null_resource.a": False, "terraform_data.dependent": False}
    # What is tainted is destroyed without asking it.
    assert (folder.path / "log").read_text() == "ran\nran\n"
    folder.run("destroy", "-auto-approve")
    assert (folder.path / "log").read_text() == "ran\nran\ny gone\n"


def test_failure_before_destruction_keeps_the_object(folder):
    folder.write("""
        resource "terraform_data" "a" {
          provisioner "local-exec" {
            when    = destroy
            command = "test -e may-go"
          }
        }
        """)
    folder.apply()
    assert "Error: local-exec provisioner error" in folder.run("destroy", "-auto-approve", code=1)
    assert tainted(folder) == {"terraform_data.a": False}
    folder.write("", "may-go")
    assert "Resources: 1 destroyed." in folder.run("destroy", "-auto-approve")


def test_secrets_are_not_told(folder):
    folder.write("""
        resource "terraform_data" "a" {
          provisioner "local-exec" {
            command     = "echo out $S; echo err $S >&2; exit 1"
            environment = { S = sensitive("hunter2") }
          }
        }
        """)
    shown = folder.run("apply", "-auto-approve", code=1)
    assert "(output suppressed due to sensitive value in config)" in shown
    assert "hunter2" not in shown
    assert "exit status 1" in shown


def test_json(folder):
    folder.write("""
        {"resource": {"terraform_data": {"a": {
          "input": "x",
          "provisioner": [
            {"local-exec": {"command": "echo ${self.input} > made", "when": "create"}},
            {"local-exec": {"command": "rm made", "when": "destroy"}}
          ]
        }}}}
        """, "main.tf.json")
    folder.apply()
    assert (folder.path / "made").read_text() == "x\n"
    folder.run("destroy", "-auto-approve")
    assert not (folder.path / "made").exists()


@pytest.mark.parametrize("kind", ["remote-exec", "file"])
def test_what_needs_a_machine_is_refused_when_it_would_run(folder, kind):
    folder.write(f"""
        variable "n" {{ default = 0 }}
        resource "terraform_data" "a" {{
          count = var.n
          connection {{ host = "127.0.0.1" }}
          provisioner "{kind}" {{
            inline = ["true"]
            connection {{ user = "root" }}
          }}
        }}
        """)
    folder.run("validate")
    folder.apply()
    refused = folder.run("plan", "-var", "n=1", code=1)
    assert "Error: Provisioner is not implemented" in refused
    assert f'The "{kind}" provisioner' in refused
    assert "with terraform_data.a[0]," in refused


def wait_for(path):
    for _ in range(600):
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


def is_there(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid):
    for _ in range(600):
        if not is_there(pid):
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still there")


SLEEPER = """
    resource "terraform_data" "a" {
      provisioner "local-exec" { command = "sleep 1000 & echo $$ $! > pids.new; mv pids.new pids; wait" }
    }
    """


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interruption_ends_the_program(folder, how):
    folder.write(SLEEPER)
    apply = subprocess.Popen(
        [os.environ["TERRARIUM"], "apply", "-auto-approve"],
        cwd=folder.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    pids = wait_for(folder.path / "pids").split()
    apply.send_signal(how)
    shown, _ = apply.communicate(timeout=60)
    assert apply.returncode == 1, shown
    assert "execution halted" in shown
    for pid in pids:
        wait_until_gone(pid)
    assert tainted(folder) == {"terraform_data.a": True}


def test_killed_apply_leaves_it_tainted(folder):
    folder.write(SLEEPER)
    apply = subprocess.Popen(
        [os.environ["TERRARIUM"], "apply", "-auto-approve"], cwd=folder.path, stdout=subprocess.DEVNULL
    )
    shell, sleep = wait_for(folder.path / "pids").split()
    apply.kill()
    apply.wait()
    wait_until_gone(shell)
    os.kill(int(sleep), signal.SIGKILL)
    assert "terraform_data.a is tainted, so must be replaced" in folder.run("plan")


def test_functions_of_the_moment_before_a_destruction(folder):
    folder.write("""
        resource "terraform_data" "a" {
          provisioner "local-exec" {
            when    = destroy
            command = "echo ${timestamp()} ${terraform.workspace} > moment"
          }
        }
        """)
    folder.apply()
    folder.run("destroy", "-auto-approve")
    moment, workspace = (folder.path / "moment").read_text().split()
    assert moment.startswith("20") and moment.endswith("Z")
    assert workspace == "default"
