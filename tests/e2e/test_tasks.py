"""Tasks and services that really run: images pushed by hand, looked at by the API, logs and exec."""

import json
import os
import signal
import time

import pytest

from conftest import wait_until
from stack import ACCOUNT, SERVE, Stack


@pytest.fixture
def stack(region):
    made = Stack(region)
    yield made
    made.close()


def test_a_task_runs_to_its_end(stack):
    stack.push()
    stack.define(stack.container(command="echo one; echo two >&2; exit 7"))
    task = stack.ended(stack.run_task())
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    assert task["containers"][0]["exitCode"] == 7
    assert task["startedAt"] <= task["stoppedAt"]
    assert sorted(stack.lines()) == ["one", "two"]
    interfaces = stack.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [stack.vpc]}])
    assert interfaces["NetworkInterfaces"] == []


def test_a_line_in_pieces_is_one_line(stack):
    """However a program writes its lines, and what is left without an end when it ends."""
    stack.push()
    pieces = "printf one; echo between >&2; sleep 1; printf ,two; sleep 1; echo ,three; printf rest"
    stack.define(stack.container(command=pieces))
    stack.ended(stack.run_task())
    assert sorted(stack.lines()) == ["between", "one,two,three", "rest"]


def test_what_a_container_is_given(stack):
    stack.push()
    secret = stack.secrets.create_secret(Name=stack.name, SecretString=json.dumps({"password": "made up"}))["ARN"]
    parameters = stack.region.client("ssm")
    for value in ("first", "second"):
        parameters.put_parameter(Name=f"/{stack.name}/secure", Value=value, Type="SecureString", Overwrite=True)
    stack.define(
        stack.container(
            command="env; wget -q -O - $ECS_CONTAINER_METADATA_URI_V4/task; echo;"
            "wget -q -O - http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            environment=[{"name": "PLAIN", "value": "a b"}],
            secrets=[
                {"name": "PASSWORD", "valueFrom": f"{secret}:password::"},
                {"name": "BY_NAME", "valueFrom": f"/{stack.name}/secure"},
                {"name": "BY_ARN", "valueFrom": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/{stack.name}/secure:1"},
            ],
        )
    )
    arn = stack.run_task(
        overrides={"containerOverrides": [{"name": "web", "environment": [{"name": "MORE", "value": "c"}]}]}
    )
    assert stack.ended(arn)["containers"][0]["exitCode"] == 0
    lines = stack.lines()
    for line in ("PLAIN=a b", "PASSWORD=made up", "BY_NAME=second", "BY_ARN=first", "MORE=c", "AWS_REGION=us-east-1"):
        assert line in lines
    documents = [json.loads(line) for line in lines if line.startswith("{")]
    assert documents[0]["TaskARN"] == arn and documents[0]["Containers"][0]["Name"] == "web"
    assert documents[1]["RoleArn"] == stack.role and documents[1]["Token"]


def test_dependencies_and_health(stack):
    stack.push()
    healthy = {"command": ["CMD-SHELL", "test -f /tmp/ready"], "interval": 5, "retries": 10}
    stack.define(
        stack.container("first", command="echo begun; sleep 1; echo ready; touch /tmp/ready 2>/dev/null ||"
                        " echo > /tmp/ready; sleep 600", healthCheck=healthy),
        stack.container("second", command="echo after; sleep 600",
                        dependsOn=[{"containerName": "first", "condition": "HEALTHY"}]),
    )
    arn = stack.run_task()
    task = stack.running(arn)
    assert task["healthStatus"] == "HEALTHY"
    assert stack.lines("first") == ["begun", "ready"] and stack.lines("second") == ["after"]


def test_reasons(stack):
    stack.define()
    missing = stack.ended(stack.run_task())
    assert missing["stopCode"] == "TaskFailedToStart"
    assert "CannotPullContainerError" in missing["stoppedReason"]
    stack.push()
    stack.define({**stack.container(), "command": ["/nowhere"]})
    broken = stack.ended(stack.run_task())
    assert broken["stopCode"] == "TaskFailedToStart"
    assert "/nowhere" in broken["containers"][0]["reason"] + broken["stoppedReason"]
    stack.define(stack.container(secrets=[{"name": "A", "valueFrom":
        f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:none-AbCdEf"}]))
    assert "ResourceInitializationError" in stack.ended(stack.run_task())["stoppedReason"]


def test_a_service_waits_for_its_image(stack):
    stack.define()
    stack.serve(2)
    wait_until(lambda: any("CannotPullContainerError" in e["message"] for e in stack.service()["events"]),
               "the reason is told")
    stack.push()
    now = stack.steady(2)
    assert now["events"][0]["message"] == "(service web) has reached a steady state."
    assert len(stack.tasks()) == 2


def test_a_task_that_ends_is_replaced(stack):
    stack.push()
    stack.define()
    stack.serve()
    stack.steady()
    (before,) = stack.tasks()
    done = stack.region.run("exec", f"{stack.name}/web", "--", "sh", "-c", "kill -TERM 1; sleep 5")
    assert done.returncode != 1, done.stderr
    ended = stack.ended(before["taskArn"])
    assert ended["stopCode"] == "EssentialContainerExited" and ended["containers"][0]["exitCode"] == 0
    wait_until(lambda: [t["taskArn"] for t in stack.tasks()] not in ([], [before["taskArn"]]), "another one")
    stack.steady()


def test_tasks_outlive_the_region(stack):
    stack.push()
    stack.define(stack.container(command=SERVE + " & i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done"))
    stack.serve(2)
    stack.steady(2)
    before = {task["taskArn"]: task["containers"][0]["runtimeId"] for task in stack.tasks()}
    os.kill(stack.region.pid(), signal.SIGKILL)
    time.sleep(1)
    up = stack.region.run("up")
    assert up.returncode == 0, up.stderr
    time.sleep(1)
    assert {task["taskArn"]: task["containers"][0]["runtimeId"] for task in stack.tasks()} == before
    stream = f"x/web/{list(before)[0].split('/')[-1]}"
    events = stack.logs.get_log_events(logGroupName=stack.name, logStreamName=stream, startFromHead=True)["events"]
    numbers = [int(e["message"].split()[1]) for e in events if e["message"].startswith("line ")]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 15


def test_a_broken_deployment_is_rolled_back(stack):
    stack.push()
    stack.define()
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    stack.serve(deploymentConfiguration=breaker)
    good = stack.steady()["taskDefinition"]
    before = {task["taskArn"] for task in stack.tasks()}
    broken = stack.define(stack.container(command="exit 1"))
    stack.ecs.update_service(cluster=stack.name, service="web", taskDefinition=broken)
    wait_until(lambda: any("rolling back" in e["message"] for e in stack.service()["events"]), "rolled back", 60)
    now = stack.steady()
    assert now["taskDefinition"] == good
    assert {task["taskArn"] for task in stack.tasks()} == before


def test_commands_for_people(stack):
    stack.push()
    stack.define()
    stack.serve()
    stack.steady()
    service = f"{stack.name}/web"
    status = json.loads(stack.region.run("status", "--json").stdout)
    (row,) = [row for row in status["services"] if row["name"] == service]
    assert (row["running"], row["desired"], row["rollout"]) == (1, 1, "COMPLETED")
    assert service in stack.region.run("status").stdout
    assert "serving" in stack.region.run("logs", service).stdout
    done = stack.region.run("exec", service, "--", "sh", "-c", "cat /www/index.html; echo no >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "here\n", "no\n")
    nothing = stack.region.run("logs", "wbe")
    assert nothing.returncode == 1 and "there is no service" in nothing.stderr


STEADY = """
provider "aws" {{ region = "us-east-1" }}

resource "aws_ecs_service" "web" {{
  name                  = "steady"
  cluster               = "{cluster}"
  task_definition       = "{definition}"
  desired_count         = 2
  launch_type           = "FARGATE"
  wait_for_steady_state = true
  network_configuration {{
    subnets = {subnets}
  }}
}}
"""


def test_waiting_for_a_steady_state(stack, tmp_path):
    """Terraform's wait_for_steady_state and the SDKs' waiter return when the tasks run, and not before."""
    stack.push()
    definition = stack.define()
    text = STEADY.format(cluster=stack.name, definition=definition, subnets=json.dumps(stack.subnets))
    (tmp_path / "main.tf").write_text(text)
    applied = stack.region.run(f"-chdir={tmp_path}", "apply", "-auto-approve", "-no-color")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    service = stack.ecs.describe_services(cluster=stack.name, services=["steady"])["services"][0]
    assert (service["runningCount"], service["deployments"][0]["rolloutState"]) == (2, "COMPLETED")
    broken = stack.define(stack.container(command="exit 1"))
    stack.ecs.update_service(cluster=stack.name, service="steady", taskDefinition=broken)
    stack.ecs.update_service(cluster=stack.name, service="steady", taskDefinition=definition)
    waiter = stack.ecs.get_waiter("services_stable")
    waiter.wait(cluster=stack.name, services=["steady"], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    service = stack.ecs.describe_services(cluster=stack.name, services=["steady"])["services"][0]
    assert len(service["deployments"]) == 1 and service["taskDefinition"] == definition
    assert stack.region.run(f"-chdir={tmp_path}", "destroy", "-auto-approve").returncode == 0


def test_in_the_default_vpc(stack):
    """It is built when something comes to live in it; two tasks there reach each other."""
    default = [{"Name": "default-for-az", "Values": ["true"]}]
    subnets = [each["SubnetId"] for each in stack.ec2.describe_subnets(Filters=default)["Subnets"]]
    stack.push()

    def run(command):
        stack.define(stack.container(command=command))
        return stack.ecs.run_task(
            cluster=stack.name,
            taskDefinition=stack.name,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": "ENABLED"}},
        )["tasks"][0]["taskArn"]

    server = stack.running(run(SERVE))
    (address,) = [each["privateIpv4Address"] for each in server["containers"][0]["networkInterfaces"]]
    assert address.startswith("172.31.")
    client = stack.ended(run(f"wget -q -O - http://{address}/"))
    assert client["containers"][0]["exitCode"] == 0
    assert "here" in stack.lines()
