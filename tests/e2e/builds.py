"""A project of CodeBuild, with its role, its repository and a small image to build in, and its builds."""

import json
import uuid

from conftest import wait_until

ACCOUNT = "000000000000"
HOST = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"


class Builds:
    def __init__(self, region):
        self.region = region
        self.name = "b-" + uuid.uuid4().hex[:8]
        self.codebuild, self.logs = region.client("codebuild"), region.client("logs")
        self.iam, self.ecr = region.client("iam"), region.client("ecr")
        trust = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        self.role = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        self.allow("*")
        self.ecr.create_repository(repositoryName=self.name)
        region.registry.push(self.name, "environment", User="0")
        self.image = f"{HOST}/{self.name}:environment"
        self.made = False

    def allow(self, *actions):
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
        self.iam.put_role_policy(RoleName=self.name, PolicyName="all", PolicyDocument=json.dumps(policy))

    def project(self, buildspec, image=None, privileged=False, **more):
        self.codebuild.create_project(
            name=self.name,
            source=more.pop("source", {"type": "NO_SOURCE", "buildspec": buildspec}),
            artifacts=more.pop("artifacts", {"type": "NO_ARTIFACTS"}),
            environment={"type": "LINUX_CONTAINER", "image": image or self.image, "privilegedMode": privileged,
                         "computeType": "BUILD_GENERAL1_SMALL", **more.pop("environment", {})},
            serviceRole=self.role,
            **more,
        )
        self.made = True

    def start(self, **more):
        return self.codebuild.start_build(projectName=self.name, **more)["build"]["id"]

    def get(self, build):
        return self.codebuild.batch_get_builds(ids=[build])["builds"][0]

    def ended(self, build, seconds=60):
        def ended():
            now = self.get(build)
            return now if now["buildComplete"] else None
        return wait_until(ended, f"the build ends: {self.get(build)['currentPhase']}", seconds)

    def phases(self, build):
        return {p["phaseType"]: p.get("phaseStatus") for p in self.get(build)["phases"]}

    def context(self, build, phase):
        (found,) = [p for p in self.get(build)["phases"] if p["phaseType"] == phase]
        return found["contexts"][0]

    def lines(self, build):
        logs = self.get(build)["logs"]
        pages = self.logs.filter_log_events(
            logGroupName=logs["groupName"], logStreamNames=[logs["streamName"]], limit=10000)
        return [event["message"] for event in pages["events"]]

    def close(self):
        if self.made:
            ids = self.codebuild.list_builds_for_project(projectName=self.name)["ids"]
            for each in ids:
                self.codebuild.stop_build(id=each)
                self.ended(each)
            self.codebuild.delete_project(name=self.name)
        self.ecr.delete_repository(repositoryName=self.name, force=True)
        self.iam.delete_role_policy(RoleName=self.name, PolicyName="all")
        self.iam.delete_role(RoleName=self.name)
