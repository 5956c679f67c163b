"""A pipeline for real: a push to git, builds side by side, a deployment to ECS; and what may go wrong on the way."""

import json
import os
import signal
import subprocess
import time

import pytest

from conftest import wait_until
from images import program
from stack import Stack

GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
for who in ["AUTHOR", "COMMITTER"]:
    GIT |= {f"GIT_{who}_NAME": "A U Thor", f"GIT_{who}_EMAIL": "author@example.com"}

BUILDSPEC = """
version: 0.2
env:
  exported-variables: [TAG]
phases:
  build:
    commands:
      - export TAG=$(cat tag)
      - echo "$WORD $TAG of $COMMIT"
      - sleep ${PAUSE:-0}
      - printf '[{"name":"web","imageUri":"%s:%s"}]' "$IMAGE" "$TAG" > imagedefinitions.json
artifacts:
  files: [imagedefinitions.json]
"""
TEST = """
version: 0.2
phases:
  build:
    commands: ["echo testing", "cat tag", "test ! -e broken"]
"""


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Delivery:
    """A repository, a service of the image that it names, and the pipeline between them."""

    def __init__(self, stack, folder):
        self.stack, self.region, self.name = stack, stack.region, stack.name
        self.pipeline, self.s3 = self.region.client("codepipeline"), self.region.client("s3")
        self.folder = folder / "app"
        self.bucket = f"{self.name}-artifacts"
        self.made = []
        self.make_repository()
        self.make_service()
        self.make_projects()
        self.make_pipeline()

    def git(self, *arguments):
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=dict(os.environ, HOME=str(self.folder), **GIT),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message, **files):
        for name, text in files.items():
            (self.folder / name.replace("_", ".")).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def make_repository(self):
        self.folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.commit("First", tag="1", buildspec_yml=BUILDSPEC, test_yml=TEST)
        connections = self.region.client("codestar-connections")
        self.connection = connections.create_connection(ConnectionName=self.name, ProviderType="GitHub")["ConnectionArn"]
        repository = f"acme/{self.name}={self.folder}"
        said = self.region.run("connection", "approve", self.name, "-r", repository)
        assert said.returncode == 0, said.stderr

    def make_service(self):
        for tag in ["1", "2", "3"]:
            self.stack.region.registry.push(self.name, tag, {"www/index.html": (tag, 0o644)})
        self.stack.region.registry.push(self.name, "environment", User="0")
        self.stack.define()
        self.stack.serve(deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})

    def make_projects(self):
        services = ["codebuild.amazonaws.com", "codepipeline.amazonaws.com"]
        trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        name, iam = f"{self.name}-pipe", self.stack.iam
        self.role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document(allow))
        for project, buildspec in [("build", None), ("test", "test.yml")]:
            self.region.client("codebuild").create_project(
                name=f"{self.name}-{project}",
                source={"type": "CODEPIPELINE", **({"buildspec": buildspec} if buildspec else {})},
                artifacts={"type": "CODEPIPELINE"},
                environment={
                    "type": "LINUX_CONTAINER",
                    "image": f"{self.stack.image}:environment",
                    "computeType": "BUILD_GENERAL1_SMALL",
                    "environmentVariables": [{"name": "IMAGE", "value": self.stack.image}],
                },
                serviceRole=self.role,
            )

    def make_pipeline(self, pause="0", **more):
        def action(name, category, provider, configuration, inputs=(), outputs=(), **more):
            return {
                "name": name,
                "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
                "configuration": configuration,
                "inputArtifacts": [{"name": each} for each in inputs],
                "outputArtifacts": [{"name": each} for each in outputs],
                **more,
            }

        repository = {"ConnectionArn": self.connection, "FullRepositoryId": f"acme/{self.name}"}
        source = {**repository, "BranchName": "main", **more}
        variables = [
            {"name": "COMMIT", "value": "#{Source.CommitId}"},
            {"name": "WORD", "value": "#{variables.Word}"},
            {"name": "PAUSE", "value": pause},
        ]
        build = {"ProjectName": f"{self.name}-build", "EnvironmentVariables": json.dumps(variables)}
        declaration = {
            "name": self.name,
            "roleArn": self.role,
            "pipelineType": "V2",
            "executionMode": "QUEUED",
            "artifactStore": {"type": "S3", "location": self.bucket},
            "variables": [{"name": "Word", "defaultValue": "tag"}],
            "stages": [
                {
                    "name": "Source",
                    "actions": [
                        action("Git", "Source", "CodeStarSourceConnection", source, [], ["src"], namespace="Source")
                    ],
                },
                {
                    "name": "Build",
                    "actions": [
                        action("Image", "Build", "CodeBuild", build, ["src"], ["image"], namespace="Image"),
                        action("Test", "Test", "CodeBuild", {"ProjectName": f"{self.name}-test"}, ["src"]),
                    ],
                },
                {
                    "name": "Deploy",
                    "actions": [
                        action(
                            "Ecs", "Deploy", "ECS", {"ClusterName": self.name, "ServiceName": "web"}, ["image"]
                        )
                    ],
                },
            ],
        }
        if self.made:
            self.pipeline.update_pipeline(pipeline=declaration)
            return
        self.s3.create_bucket(Bucket=self.bucket)
        self.pipeline.create_pipeline(pipeline=declaration)
        self.made.append(self.name)

    def executions(self):
        return self.pipeline.list_pipeline_executions(pipelineName=self.name)["pipelineExecutionSummaries"]

    def newest(self, count):
        found = wait_until(lambda: len(now := self.executions()) >= count and now, f"execution {count} has begun", 20)
        return found[0]["pipelineExecutionId"]

    def ended(self, execution, status, seconds=90):
        def look():
            answer = self.pipeline.get_pipeline_execution(pipelineName=self.name, pipelineExecutionId=execution)
            now = answer["pipelineExecution"]["status"]
            return now if now not in ("InProgress", "Stopping") else None

        now = wait_until(look, f"execution {execution} ends: {self.actions(execution)}", seconds)
        assert now == status, self.actions(execution)

    def error(self, execution, action):
        return self.actions(execution)[action]["output"]["executionResult"]["errorDetails"]

    def actions(self, execution):
        answer = self.pipeline.list_action_executions(
            pipelineName=self.name, filter={"pipelineExecutionId": execution}
        )
        return {each["actionName"]: each for each in reversed(answer["actionExecutionDetails"])}

    def retry(self, execution, stage):
        self.pipeline.retry_stage_execution(
            pipelineName=self.name, stageName=stage, pipelineExecutionId=execution, retryMode="FAILED_ACTIONS"
        )

    def running_image(self):
        self.stack.steady()
        (task,) = self.stack.tasks()
        return task["containers"][0]["image"]

    def close(self):
        self.pipeline.delete_pipeline(name=self.name)
        for project in ["build", "test"]:
            self.region.client("codebuild").delete_project(name=f"{self.name}-{project}")
        self.region.client("codestar-connections").delete_connection(ConnectionArn=self.connection)


@pytest.fixture
def delivery(region, tmp_path):
    stack = Stack(region)
    made = Delivery(stack, tmp_path)
    yield made
    made.close()
    stack.close()


def test_from_push_to_service(delivery):
    first = delivery.newest(1)
    delivery.ended(first, "Succeeded")
    assert delivery.running_image().endswith(":1")
    commit = delivery.commit("Second", tag="2")
    second = delivery.newest(2)
    delivery.ended(second, "Succeeded")
    assert delivery.running_image().endswith(":2")
    actions = delivery.actions(second)
    assert actions["Image"]["output"]["outputVariables"]["TAG"] == "2"
    assert actions["Image"]["startTime"] < actions["Test"]["lastUpdateTime"]
    assert actions["Test"]["startTime"] < actions["Image"]["lastUpdateTime"]
    assert actions["Image"]["output"]["executionResult"]["externalExecutionId"].startswith(f"{delivery.name}-build:")
    logs = delivery.region.run("pipeline", "logs", delivery.name)
    assert f"Image | tag 2 of {commit}" in logs.stdout, logs
    # A test that fails, mended by another commit; the failed execution says why.
    delivery.commit("Broken", broken="x")
    third = delivery.newest(3)
    delivery.ended(third, "Failed")
    details = delivery.error(third, "Test")
    assert details["code"] == "JobFailed" and "COMMAND_EXECUTION_ERROR" in details["message"], details
    assert delivery.actions(third)["Image"]["status"] == "Succeeded"
    # A buildspec that is none.
    (delivery.folder / "broken").unlink()
    delivery.commit("Odd", buildspec_yml="version: 0.2\nphases: [\n")
    fourth = delivery.newest(4)
    delivery.ended(fourth, "Failed")
    details = delivery.error(fourth, "Image")
    assert "YAML_FILE_ERROR" in details["message"], details
    # An image that is not there: ECS takes it back, and a retry after the push succeeds.
    delivery.commit("Not pushed yet", tag="9", buildspec_yml=BUILDSPEC)
    fifth = delivery.newest(5)
    delivery.ended(fifth, "Failed", 120)
    details = delivery.error(fifth, "Ecs")
    assert "ECS deployment" in details["message"], details
    assert delivery.running_image().endswith(":2")
    delivery.region.registry.push(delivery.name, "9", {"www/index.html": ("9", 0o644)})
    delivery.retry(fifth, "Deploy")
    delivery.ended(fifth, "Succeeded")
    assert delivery.running_image().endswith(":9")


def kill(region):
    pid = region.pid()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the region is gone")
    up = region.run("up")
    assert up.returncode == 0, up.stderr


def test_killed_in_source_build_and_deploy(delivery):
    delivery.ended(delivery.newest(1), "Succeeded")
    delivery.make_pipeline(pause="2")
    delivery.commit("Second", tag="2")
    second = delivery.newest(2)
    kill(delivery.region)  # while it fetches, or soon after
    wait_until(lambda: "Image" in delivery.actions(second), "it builds")
    time.sleep(1)
    kill(delivery.region)
    wait_until(lambda: "Ecs" in delivery.actions(second), "it deploys", 60)
    kill(delivery.region)
    delivery.ended(second, "Succeeded", 120)
    assert delivery.running_image().endswith(":2")
    names = delivery.pipeline.list_action_executions(
        pipelineName=delivery.name, filter={"pipelineExecutionId": second}
    )["actionExecutionDetails"]
    assert sorted(each["actionName"] for each in names) == ["Ecs", "Git", "Image", "Test"]
    assert not os.listdir(delivery.region.home / "codepipeline")
    assert not os.listdir(delivery.region.home / "git" / "sources")


CLONED = """
version: 0.2
env: {git-credential-helper: "no", exported-variables: [COMMITS, HEAD]}
phases:
  build:
    commands:
      - export COMMITS=$(git log --format=%s | tr "\\n" ,) HEAD=$(git rev-parse HEAD)
      - test "$(git rev-parse --abbrev-ref HEAD)" = HEAD
      - test "$CODEBUILD_RESOLVED_SOURCE_VERSION" = "$HEAD"
      - test -L link
      - printf '[{"name":"web","imageUri":"%s:%s"}]' "$IMAGE" "$(cat tag)" > imagedefinitions.json
artifacts:
  files: [imagedefinitions.json]
"""
ONLY_LOGS = {"Effect": "Allow", "Action": ["logs:*", "s3:*", "ecr:*"], "Resource": "*"}


def test_full_clone(delivery):
    """CODEBUILD_CLONE_REF: builds clone with the history, by a permission of their own; nobody else can use it."""
    delivery.ended(delivery.newest(1), "Succeeded")
    files = program("/usr/bin/git")
    delivery.region.registry.push(delivery.name, "environment", files, User="0", Env=["PATH=/bin:/usr/bin"])
    delivery.make_pipeline(OutputArtifactFormat="CODEBUILD_CLONE_REF")
    (delivery.folder / "link").symlink_to("tag")
    commit = delivery.commit("Second", tag="2", buildspec_yml=CLONED)
    second = delivery.newest(2)
    delivery.ended(second, "Succeeded")
    actions = delivery.actions(second)
    assert actions["Image"]["output"]["outputVariables"] == {"COMMITS": "Second,First,", "HEAD": commit}
    place = actions["Git"]["output"]["outputArtifacts"][0]["s3location"]
    told = json.loads(delivery.s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read())
    assert (told["CommitId"], told["ConnectionArn"]) == (commit, delivery.connection)
    assert delivery.running_image().endswith(":2")
    # The permission is the build's role's, not the pipeline's.
    role = f"{delivery.name}-build"
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = delivery.stack.iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    delivery.stack.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document(ONLY_LOGS))
    delivery.region.client("codebuild").update_project(name=f"{delivery.name}-build", serviceRole=made)
    third = delivery.pipeline.start_pipeline_execution(name=delivery.name)["pipelineExecutionId"]
    delivery.ended(third, "Failed")
    message = delivery.error(third, "Image")["message"]
    assert f"authorization failed for primary source and source version {commit}" in message
    assert "Phase: DOWNLOAD_SOURCE" in message
    use = {"Effect": "Allow", "Action": "codeconnections:UseConnection", "Resource": delivery.connection}
    delivery.stack.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document(ONLY_LOGS, use))
    delivery.retry(third, "Build")
    delivery.ended(third, "Succeeded")
    assert delivery.actions(third)["Image"]["output"]["outputVariables"]["HEAD"] == commit
