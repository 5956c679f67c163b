"""What tests of pipelines share: a region's pipelines and how they are declared; a git repository."""

import io
import json
import os
import subprocess
import time
import zipfile

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": ["codepipeline.amazonaws.com", "ecs-tasks.amazonaws.com"]},
            }
        ],
    }
)
ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def zipped(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return out.getvalue()


def until(check, seconds=10):
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found or time.monotonic() > end:
            assert found
            return found
        time.sleep(0.05)


def action(name, category, provider, configuration=None, inputs=(), outputs=(), **more):
    return {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": configuration or {},
        "inputArtifacts": [{"name": each} for each in inputs],
        "outputArtifacts": [{"name": each} for each in outputs],
        **more,
    }


SOURCE = action("Get", "Source", "S3", {"S3Bucket": "pipe-source", "S3ObjectKey": "app.zip"}, outputs=["app"], namespace="Got")
ASK = action("Ask", "Approval", "Manual", {"CustomData": "#{Got.VersionId}"})
SHIP = action("Ship", "Deploy", "S3", {"BucketName": "pipe-site", "Extract": "true"}, inputs=["app"])


class Pipes:
    """A region's pipelines, and what they need."""

    def __init__(self, region):
        self.region = region
        self.api = region.client("codepipeline")
        self.s3 = region.client("s3")
        iam = region.client("iam")
        self.role = iam.create_role(RoleName="pipe", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.put_role_policy(RoleName="pipe", PolicyName="all", PolicyDocument=ALL)
        for bucket in ["pipe-source", "pipe-artifacts", "pipe-site"]:
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket="pipe-source", VersioningConfiguration={"Status": "Enabled"})
        self.push("one")

    def push(self, text):
        body = zipped(index_html=text)
        return self.s3.put_object(Bucket="pipe-source", Key="app.zip", Body=body)["VersionId"]

    def declare(self, name, *stages, **more):
        return {
            "name": name,
            "roleArn": self.role,
            "pipelineType": "V2",
            "artifactStore": {"type": "S3", "location": "pipe-artifacts"},
            "stages": [{"name": f"S{i}", "actions": list(actions)} for i, actions in enumerate(stages)],
            **more,
        }

    def create(self, name, *stages, **more):
        self.api.create_pipeline(pipeline=self.declare(name, *stages, **more))
        return self.executions(name)[0]["pipelineExecutionId"]

    def executions(self, name):
        return self.api.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]

    def status(self, name, execution):
        answer = self.api.get_pipeline_execution(pipelineName=name, pipelineExecutionId=execution)
        return answer["pipelineExecution"]["status"]

    def wait(self, name, execution, status):
        until(lambda: self.status(name, execution) == status)

    def stage(self, name, index):
        return self.api.get_pipeline_state(name=name)["stageStates"][index]

    def token(self, name, index, execution=None):
        """Of the approval that waits in a stage; that of an execution as the mode PARALLEL needs it."""

        def of_state():
            latest = [each.get("latestExecution", {}) for each in self.stage(name, index)["actionStates"]]
            return next((each["token"] for each in latest if "token" in each), None)

        def of_execution():
            for each in self.actions(name, execution):
                asks = each["stageName"] == f"S{index}" and each["input"]["actionTypeId"]["category"] == "Approval"
                if asks and each["status"] == "InProgress":
                    return each["output"]["executionResult"]["externalExecutionId"]
            return None

        return until(of_execution if execution else of_state)

    def answer(self, name, index, status="Approved", summary="", token=None):
        return self.api.put_approval_result(
            pipelineName=name,
            stageName=f"S{index}",
            actionName="Ask",
            token=token or self.token(name, index),
            result={"status": status, "summary": summary},
        )

    def actions(self, name, execution):
        answer = self.api.list_action_executions(pipelineName=name, filter={"pipelineExecutionId": execution})
        return answer["actionExecutionDetails"]


def git_source(connection, repository, **more):
    configuration = {"ConnectionArn": connection, "FullRepositoryId": repository, "BranchName": "main", **more}
    return action("Git", "Source", "CodeStarSourceConnection", configuration, outputs=["app"], namespace="Git")


GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
for who in ["AUTHOR", "COMMITTER"]:
    GIT |= {f"GIT_{who}_NAME": "A U Thor", f"GIT_{who}_EMAIL": "author@example.com"}


class Repository:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

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

    def commit(self, text, message):
        (self.folder / "index.html").write_text(text)
        self.git("add", ".")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")
