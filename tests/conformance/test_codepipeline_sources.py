"""Sources of pipelines: connections to git repositories with their triggers, images in ECR."""

import datetime
import io
import json
import os
import signal
import time
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

from conftest import Region
from pipes import ASK, SHIP, SOURCE, TRUST, Pipes, Repository, action, git_source, until
from registry import Registry


@pytest.fixture
def connection(pipes):
    api = pipes.region.client("codestar-connections")
    arn = api.create_connection(ConnectionName="pipe", ProviderType="GitHub")["ConnectionArn"]
    yield arn
    api.delete_connection(ConnectionArn=arn)


def test_git(pipes, name, connection, tmp_path):
    repository = Repository(tmp_path / "app")
    first = repository.commit("from git", "First\n\nWith a body")
    ask = dict(ASK, configuration={"CustomData": "#{Git.CommitId} #{Git.BranchName} #{Git.CommitMessage}"})
    run = pipes.create(name, [git_source(connection, "acme/pipe")], [SHIP], [ask])
    pipes.wait(name, run, "Failed")
    reason = pipes.actions(name, run)[0]["output"]["executionResult"]["errorDetails"]
    assert "PENDING" in reason["message"] or "pending" in reason["message"], reason
    bound = pipes.region.run("connection", "approve", "pipe")
    assert bound.returncode == 0, bound.stderr
    bound = pipes.region.run("connection", "bind", "pipe", "acme/pipe", str(repository.folder))
    assert bound.returncode == 0, bound.stderr
    until(lambda: len(pipes.executions(name)) == 2)
    started = pipes.executions(name)[0]
    assert started["trigger"] == {"triggerType": "Webhook", "triggerDetail": connection}
    token = pipes.token(name, 2, started["pipelineExecutionId"])
    asked = pipes.actions(name, started["pipelineExecutionId"])[0]
    assert asked["input"]["resolvedConfiguration"]["CustomData"].startswith(f"{first} main First")
    assert pipes.s3.get_object(Bucket="pipe-site", Key="index.html")["Body"].read() == b"from git"
    source = pipes.actions(name, started["pipelineExecutionId"])[-1]
    assert source["output"]["outputVariables"]["AuthorDate"].endswith("Z")
    assert started["pipelineExecutionId"] == pipes.executions(name)[0]["pipelineExecutionId"]
    # A push during a run: another execution, with that commit.
    second = repository.commit("pushed", "Second")
    until(lambda: len(pipes.executions(name)) == 3)
    newest = pipes.executions(name)[0]["pipelineExecutionId"]
    pipes.answer(name, 2, token=token)
    pipes.answer(name, 2, token=pipes.token(name, 2, newest))
    pipes.wait(name, newest, "Succeeded")
    assert pipes.executions(name)[0]["sourceRevisions"][0]["revisionId"] == second
    assert json.loads(pipes.executions(name)[0]["sourceRevisions"][0]["revisionSummary"]) == {
        "CommitMessage": "Second",
        "ProviderType": "GitHub",
    }
    # An older commit by name; then a repository that is there no more.
    older = pipes.api.start_pipeline_execution(
        name=name, sourceRevisions=[{"actionName": "Git", "revisionType": "COMMIT_ID", "revisionValue": first}]
    )["pipelineExecutionId"]
    pipes.answer(name, 2, token=pipes.token(name, 2, older))
    assert pipes.s3.get_object(Bucket="pipe-site", Key="index.html")["Body"].read() == b"from git"
    repository.folder.rename(tmp_path / "elsewhere")
    gone = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    pipes.wait(name, gone, "Failed")
    assert pipes.actions(name, gone)[0]["output"]["executionResult"]["errorDetails"]["message"]
    (tmp_path / "elsewhere").rename(repository.folder)
    pipes.api.retry_stage_execution(
        pipelineName=name, stageName="S0", pipelineExecutionId=gone, retryMode="FAILED_ACTIONS"
    )
    pipes.token(name, 2, gone)


def test_triggers(pipes, name, connection, tmp_path):
    repository = Repository(tmp_path / "app")
    repository.commit("one", "First")
    for words in [["approve", "pipe"], ["bind", "pipe", "acme/triggers", str(repository.folder)]]:
        assert pipes.region.run("connection", *words).returncode == 0
    push = [{"branches": {"includes": ["main", "release/*"], "excludes": ["release/old"]}}]
    trigger = {
        "providerType": "CodeStarSourceConnection",
        "gitConfiguration": {"sourceActionName": "Git", "push": push},
    }
    ask = dict(ASK, configuration={"CustomData": "#{Git.BranchName}"})
    source = git_source(connection, "acme/triggers", DetectChanges="false")
    pipes.token(name, 1, pipes.create(name, [source], [ask], triggers=[trigger], executionMode="PARALLEL"))
    for branch in ["other", "release/old", "release/1"]:
        repository.git("checkout", "-q", "--detach")
        repository.commit(branch, branch)
        repository.git("branch", branch)
    until(lambda: len(pipes.executions(name)) == 2)
    until(lambda: len(pipes.actions(name, pipes.executions(name)[0]["pipelineExecutionId"])) == 2)
    asked = pipes.actions(name, pipes.executions(name)[0]["pipelineExecutionId"])[0]
    assert asked["input"]["resolvedConfiguration"] == {"CustomData": "release/1"}
    assert pipes.executions(name)[0]["trigger"]["triggerType"] == "WebhookV2"
    time.sleep(0.5)
    assert len(pipes.executions(name)) == 2


def test_triggers_by_paths_and_tags(pipes, name, connection, tmp_path):
    repository = Repository(tmp_path / "app")
    repository.commit("one", "First")
    for words in [["approve", "pipe"], ["bind", "pipe", "acme/paths", str(repository.folder)]]:
        assert pipes.region.run("connection", *words).returncode == 0
    push = [
        {"branches": {"includes": ["main"]}, "filePaths": {"includes": ["src/**"], "excludes": ["src/docs/**"]}},
        {"tags": {"includes": ["v*"]}},
    ]
    trigger = {
        "providerType": "CodeStarSourceConnection",
        "gitConfiguration": {"sourceActionName": "Git", "push": push},
    }
    ask = dict(ASK, configuration={"CustomData": "#{Git.CommitMessage}"})
    source = git_source(connection, "acme/paths")
    pipes.token(name, 1, pipes.create(name, [source], [ask], triggers=[trigger], executionMode="PARALLEL"))

    def asked_for(count):
        until(lambda: len(pipes.executions(name)) == count)
        newest = pipes.executions(name)[0]["pipelineExecutionId"]
        until(lambda: len(pipes.actions(name, newest)) == 2)
        return pipes.actions(name, newest)[0]["input"]["resolvedConfiguration"]["CustomData"].strip()

    (repository.folder / "src" / "docs").mkdir(parents=True)
    (repository.folder / "src" / "docs" / "a.md").write_text("a")
    repository.commit("two", "Words only")
    time.sleep(0.7)
    assert len(pipes.executions(name)) == 1
    (repository.folder / "src" / "main.c").write_text("a")
    repository.commit("three", "Source")
    assert asked_for(2) == "Source"
    repository.git("tag", "other")
    repository.git("tag", "-a", "v1", "-m", "Version one", "HEAD~1")
    assert asked_for(3) == "Words only"
    time.sleep(0.5)
    assert len(pipes.executions(name)) == 3


@pytest.fixture
def repository(pipes):
    ecr, name = pipes.region.client("ecr"), f"pipe/app-{uuid.uuid4().hex[:8]}"
    ecr.create_repository(repositoryName=name)
    yield name
    ecr.delete_repository(repositoryName=name, force=True)


def ecr_source(repository, **more):
    configuration = {"RepositoryName": repository, **more}
    return action("Image", "Source", "ECR", configuration, outputs=["image"], namespace="Ecr")


def artifact(pipes, name, execution, of):
    """What is in the files of an action's output artifact, and what it told of itself."""
    (found,) = [each for each in pipes.actions(name, execution) if each["actionName"] == of]
    place = found["output"]["outputArtifacts"][0]["s3location"]
    body = pipes.s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {each: archive.read(each) for each in archive.namelist()}, found["output"]["outputVariables"]


def test_ecr(pipes, name, repository):
    """A push of the tag starts it, other pushes do not; imageDetail.json and variables tell of the image."""
    registry, ecr = Registry(pipes.region), pipes.region.client("ecr")
    uri = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{repository}"
    ask = dict(ASK, configuration={"CustomData": "#{Ecr.RegistryId} #{Ecr.RepositoryName} #{Ecr.ImageTag} #{Ecr.ImageURI}"})
    ship = dict(SHIP, inputArtifacts=[{"name": "image"}], configuration={**SHIP["configuration"], "ObjectKey": "#{Ecr.ImageDigest}"})
    run = pipes.create(name, [ecr_source(repository, ImageTag="live"), SOURCE], [ship], [ask], executionMode="PARALLEL")
    pipes.wait(name, run, "Failed")
    (failed,) = [each for each in pipes.actions(name, run) if each["actionName"] == "Image"]
    details = failed["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "ConfigurationError" and "tag 'live'" in details["message"]
    first = registry.push(repository, "live", "1")
    until(lambda: len(pipes.executions(name)) == 2)
    run = pipes.executions(name)[0]["pipelineExecutionId"]
    assert pipes.executions(name)[0]["trigger"]["triggerType"] == "PollForSourceChanges"
    pipes.token(name, 2, run)
    files, variables = artifact(pipes, name, run, "Image")
    (image,) = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert json.loads(files["imageDetail.json"]) == {
        "ImageSizeInBytes": str(image["imageSizeInBytes"]),
        "ImageDigest": first,
        "Version": "1.0",
        "ImagePushedAt": image["imagePushedAt"].astimezone(datetime.UTC).strftime("%a %b %d %H:%M:%S UTC %Y"),
        "RegistryId": "000000000000",
        "RepositoryName": repository,
        "ImageURI": f"{uri}@{first}",
        "ImageTags": ["live"],
    }
    assert list(files) == ["imageDetail.json"]
    assert variables == {
        "RegistryId": "000000000000",
        "RepositoryName": repository,
        "ImageTag": "live",
        "ImageDigest": first,
        "ImageURI": f"{uri}@{first}",
    }
    asked = pipes.actions(name, run)[0]["input"]["resolvedConfiguration"]["CustomData"]
    assert asked == f"000000000000 {repository} live {uri}@{first}"
    shipped = pipes.s3.get_object(Bucket="pipe-site", Key=f"{first}/imageDetail.json")["Body"].read()
    assert shipped == files["imageDetail.json"]
    told = {each["actionName"]: each["revisionId"] for each in pipes.executions(name)[0]["sourceRevisions"]}
    assert told["Image"] == first
    # Another tag, another tag of the same image, the same image again: nothing has changed.
    registry.push(repository, "other", "2")
    registry.push(repository, "alias", "1")
    registry.push(repository, "live", "1")
    time.sleep(0.5)
    assert len(pipes.executions(name)) == 2
    second = registry.push(repository, "live", "3")
    until(lambda: len(pipes.executions(name)) == 3)
    pipes.token(name, 2, pipes.executions(name)[0]["pipelineExecutionId"])
    assert artifact(pipes, name, pipes.executions(name)[0]["pipelineExecutionId"], "Image")[1]["ImageDigest"] == second
    # By digest: no tag has led there, so that none is told.
    override = [{"actionName": "Image", "revisionType": "IMAGE_DIGEST", "revisionValue": first}]
    run = pipes.api.start_pipeline_execution(name=name, sourceRevisions=override)["pipelineExecutionId"]
    pipes.wait(name, run, "Failed")
    files, variables = artifact(pipes, name, run, "Image")
    assert json.loads(files["imageDetail.json"])["ImageTags"] == ["alias"]
    assert "ImageTag" not in variables and variables["ImageDigest"] == first
    details = pipes.actions(name, run)[0]["output"]["executionResult"]["errorDetails"]
    assert "#{Ecr.ImageTag}" in details["message"]


def test_objects_by_key_and_version(pipes, name):
    """An execution can be told another version of its object, and another object where the action allows that."""
    version = pipes.push("older")
    pipes.push("newer")
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("index.html", "other")
    other = pipes.s3.put_object(Bucket="pipe-source", Key="other.zip", Body=body.getvalue())["VersionId"]
    pipes.s3.put_object(Bucket="pipe-source", Key="other.zip", Body=b"no zip")

    def start(**revisions):
        told = [{"actionName": "Get", "revisionType": key, "revisionValue": value} for key, value in revisions.items()]
        return pipes.api.start_pipeline_execution(name=name, sourceRevisions=told)["pipelineExecutionId"]

    def shipped(run):
        pipes.wait(name, run, "Succeeded")
        return pipes.s3.get_object(Bucket="pipe-site", Key="index.html")["Body"].read()

    assert shipped(pipes.create(name, [SOURCE], [SHIP])) == b"newer"
    assert shipped(start(S3_OBJECT_VERSION_ID=version)) == b"older"
    for revisions in [{"S3_OBJECT_KEY": "other.zip"}, {"COMMIT_ID": "0" * 40}]:
        with pytest.raises(ClientError) as failure:
            start(**revisions)
        assert failure.value.response["Error"]["Code"] == "ValidationException"
    allows = dict(SOURCE, configuration={**SOURCE["configuration"], "AllowOverrideForS3ObjectKey": "true"})
    pipes.api.update_pipeline(pipeline=pipes.declare(name, [allows], [SHIP]))
    assert shipped(start(S3_OBJECT_KEY="other.zip", S3_OBJECT_VERSION_ID=other)) == b"other"
    (source,) = [each for each in pipes.actions(name, pipes.executions(name)[0]["pipelineExecutionId"]) if each["actionName"] == "Get"]
    assert source["output"]["outputVariables"]["ObjectKey"] == "other.zip"


def test_source_that_may_not_be_kept(pipes, name, connection, tmp_path):
    """Without permission to write the artifact, the source fails, and nothing of it stays behind."""
    repository = Repository(tmp_path / "app")
    repository.commit("one", "First")
    for words in [["approve", "pipe"], ["bind", "pipe", "acme/keep", str(repository.folder)]]:
        assert pipes.region.run("connection", *words).returncode == 0
    iam = pipes.region.client("iam")
    role = iam.create_role(RoleName="reads", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    use = {"Effect": "Allow", "Action": "codestar-connections:UseConnection", "Resource": connection}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [use]})
    iam.put_role_policy(RoleName="reads", PolicyName="own", PolicyDocument=policy)
    run = pipes.create(name, [dict(git_source(connection, "acme/keep"), roleArn=role)], [SHIP])
    pipes.wait(name, run, "Failed")
    details = pipes.actions(name, run)[0]["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "PermissionError" and "perform: s3:PutObject" in details["message"]
    until(lambda: not list((pipes.region.home / "git" / "sources").iterdir()))
    assert not list((pipes.region.home / "codepipeline").iterdir())


def test_clone_reference(pipes, name, connection, tmp_path):
    """What CODEBUILD_CLONE_REF makes is for builds only."""
    repository = Repository(tmp_path / "app")
    commit = repository.commit("one", "First")
    for words in [["approve", "pipe"], ["bind", "pipe", "acme/clone", str(repository.folder)]]:
        assert pipes.region.run("connection", *words).returncode == 0
    source = git_source(connection, "acme/clone", OutputArtifactFormat="CODEBUILD_CLONE_REF")
    whole = dict(SHIP, name="Whole", configuration={"BucketName": "pipe-site", "Extract": "false", "ObjectKey": "x.zip"})
    run = pipes.create(name, [source], [SHIP, whole])
    pipes.wait(name, run, "Failed")
    *deployments, git = pipes.actions(name, run)
    for each in deployments:
        message = each["output"]["executionResult"]["errorDetails"]["message"]
        assert "The input artifact 'app' is a reference to the Git repository acme/clone" in message
    assert len(deployments) == 2
    place = git["output"]["outputArtifacts"][0]["s3location"]
    assert json.loads(pipes.s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()) == {
        "ConnectionArn": connection,
        "FullRepositoryName": "acme/clone",
        "ProviderType": "GitHub",
        "CommitId": commit,
    }
    assert git["output"]["outputVariables"]["CommitId"] == commit


def test_pushes_while_the_region_is_killed(tmp_path):
    """kill -9 around a push: it starts the pipeline once, with its commit, and nothing is left lying about."""
    region = Region(tmp_path / "home")
    assert region.run("up", "--no-glass").returncode == 0
    try:
        pipes, repository = Pipes(region), Repository(tmp_path / "app")
        repository.commit("0", "First")
        arn = region.client("codeconnections").create_connection(ConnectionName="pipe", ProviderType="GitHub")["ConnectionArn"]
        approved = region.run("connection", "approve", "pipe", "-r", f"acme/killed={repository.folder}")
        assert approved.returncode == 0, approved.stderr
        push = [{"branches": {"includes": ["main"]}, "filePaths": {"includes": ["index.html"]}}]
        git = {"sourceActionName": "Git", "push": push}
        trigger = {"providerType": "CodeStarSourceConnection", "gitConfiguration": git}
        source = git_source(arn, "acme/killed")
        pipes.wait("killed", pipes.create("killed", [source], [SHIP], executionMode="QUEUED", triggers=[trigger]), "Succeeded")
        for round_ in range(1, 7):
            commit = repository.commit(str(round_), f"Round {round_}")
            time.sleep(0.05 * round_)
            pid = region.pid()
            os.kill(pid, signal.SIGKILL)
            until(lambda: region.pid() != pid)
            assert region.run("up", "--no-glass").returncode == 0
            until(lambda: len(pipes.executions("killed")) == round_ + 1)
            pipes.wait("killed", pipes.executions("killed")[0]["pipelineExecutionId"], "Succeeded")
            assert pipes.executions("killed")[0]["sourceRevisions"][0]["revisionId"] == commit
            assert pipes.s3.get_object(Bucket="pipe-site", Key="index.html")["Body"].read() == str(round_).encode()
        time.sleep(0.5)
        assert len(pipes.executions("killed")) == 7
        ran = [each["actionName"] for each in pipes.api.list_action_executions(pipelineName="killed")["actionExecutionDetails"]]
        assert sorted(ran) == ["Git"] * 7 + ["Ship"] * 7
        for folder in ["codepipeline", "git/sources"]:
            until(lambda: not list((region.home / folder).iterdir()))
    finally:
        region.end()
