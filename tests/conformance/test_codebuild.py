"""CodeBuild's control plane, by boto3 and by our own engine: nothing runs here."""

import json
import urllib.request

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"
BUILDSPEC = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo hello\n"


def code(failure):
    return failure.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def role(region):
    iam = region.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    made = iam.create_role(RoleName="codebuild-conformance", AssumeRolePolicyDocument=json.dumps(trust))
    yield made["Role"]["Arn"]
    iam.delete_role(RoleName="codebuild-conformance")


@pytest.fixture
def codebuild(region):
    return region.client("codebuild")


def settings(role, **more):
    return {
        "name": "app",
        "source": {"type": "NO_SOURCE", "buildspec": BUILDSPEC},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                        "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": role,
        **more,
    }


@pytest.fixture
def project(codebuild, role):
    made = codebuild.create_project(**settings(role))["project"]
    yield made
    ids = codebuild.list_builds()["ids"]
    for each in ids:
        codebuild.stop_build(id=each)
    wait_ended(codebuild, ids)
    if ids:
        codebuild.batch_delete_builds(ids=ids)
    codebuild.delete_project(name="app")


def wait_ended(codebuild, ids):
    for _ in range(200):
        if not ids or all(b["buildComplete"] for b in codebuild.batch_get_builds(ids=ids)["builds"]):
            return
    pytest.fail("builds do not end")


def test_life_of_a_project(codebuild, role, project):
    arn = f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/app"
    assert project["arn"] == arn
    assert (project["timeoutInMinutes"], project["queuedTimeoutInMinutes"]) == (60, 480)
    assert project["encryptionKey"] == f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/s3"
    assert project["cache"] == {"type": "NO_CACHE"} and project["projectVisibility"] == "PRIVATE"
    assert project["environment"]["imagePullCredentialsType"] == "CODEBUILD"
    with pytest.raises(ClientError) as failure:
        codebuild.create_project(**settings(role))
    assert code(failure) == "ResourceAlreadyExistsException"
    changed = codebuild.update_project(name="app", description="d", timeoutInMinutes=5)["project"]
    assert (changed["description"], changed["timeoutInMinutes"]) == ("d", 5)
    got = codebuild.batch_get_projects(names=[arn, "none"])
    assert got["projects"][0]["description"] == "d" and got["projectsNotFound"] == ["none"]
    assert codebuild.list_projects()["projects"] == ["app"]
    codebuild.invalidate_project_cache(projectName="app")
    assert "internal" not in codebuild.batch_get_projects(names=["app"])["projects"][0]


@pytest.mark.parametrize("change, expected, word", [
    ({"serviceRole": f"arn:aws:iam::{ACCOUNT}:role/none"}, "InvalidInputException", "ot authorized to perform"),
    ({"source": {"type": "S3"}}, "InvalidInputException", "location"),
    ({"source": {"type": "GITHUB", "location": "/home/me/app"}}, "InvalidInputException", "path on this machine"),
    ({"source": {"type": "CODEPIPELINE"}}, "InvalidInputException", "CODEPIPELINE"),
    ({"badgeEnabled": True}, "NotImplemented", "badges"),
    ({"cache": {"type": "LOCAL"}}, "InvalidInputException", "modes"),
    ({"environment": {"type": "WINDOWS_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"}},
     "NotImplemented", "WINDOWS_CONTAINER"),
    ({"environment": {"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL",
                      "environmentVariables": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}},
     "InvalidInputException", "duplicate"),
])
def test_what_is_refused(codebuild, role, change, expected, word):
    with pytest.raises(ClientError) as failure:
        codebuild.create_project(**settings(role, **change))
    assert code(failure) == expected and word in failure.value.response["Error"]["Message"]


def test_what_is_not_there(codebuild, project):
    with pytest.raises(ClientError) as failure:
        codebuild.start_build_batch(projectName="app")
    assert code(failure) == "NotImplemented" and "StartBuildBatch" in str(failure.value)
    with pytest.raises(ClientError) as failure:
        codebuild.start_build(projectName="none")
    assert code(failure) == "ResourceNotFoundException"


def test_a_build_is_queued_and_stopped(codebuild, project):
    build = codebuild.start_build(
        projectName="app", environmentVariablesOverride=[{"name": "A", "value": "b"}], timeoutInMinutesOverride=7
    )["build"]
    uuid = build["id"].split(":")[1]
    assert build["arn"] == f"arn:aws:codebuild:us-east-1:{ACCOUNT}:build/app:{uuid}"
    assert (build["buildNumber"], build["buildStatus"], build["currentPhase"]) == (1, "IN_PROGRESS", "QUEUED")
    assert build["initiator"] == "root" and build["timeoutInMinutes"] == 7
    assert build["logs"]["groupName"] == "/aws/codebuild/app" and build["logs"]["streamName"] == uuid
    assert build["environment"]["environmentVariables"] == [{"name": "A", "value": "b", "type": "PLAINTEXT"}]
    assert [p["phaseType"] for p in build["phases"]] == ["SUBMITTED", "QUEUED"]
    kept = codebuild.batch_delete_builds(ids=[build["id"]])
    assert kept["buildsNotDeleted"] == [{"id": build["id"], "statusCode": "BUILD_IN_PROGRESS"}]
    codebuild.stop_build(id=build["arn"])
    wait_ended(codebuild, [build["id"]])
    (stopped,) = codebuild.batch_get_builds(ids=[build["id"]])["builds"]
    assert stopped["buildStatus"] == "STOPPED" and stopped["currentPhase"] == "COMPLETED"
    assert [p.get("phaseStatus") for p in stopped["phases"]] == ["SUCCEEDED", "STOPPED", "SUCCEEDED", None]
    again = codebuild.retry_build(id=build["id"])["build"]
    assert again["buildNumber"] == 2 and again["timeoutInMinutes"] == 7
    assert codebuild.list_builds_for_project(projectName="app")["ids"] == [again["id"], build["id"]]
    assert codebuild.list_builds(sortOrder="ASCENDING")["ids"] == [build["id"], again["id"]]
    gone = codebuild.batch_delete_builds(ids=[build["id"]])
    assert gone["buildsDeleted"] == [build["arn"]]
    assert codebuild.batch_get_builds(ids=[build["id"]])["buildsNotFound"] == [build["id"]]


def test_what_the_status_says(region, project):
    with urllib.request.urlopen(f"{region.url}/_terrarium/status", timeout=10) as answer:
        status = json.load(answer)
    assert any("CodeBuild project app" in line for line in status["differences"])
    assert all(place["account"].isdigit() for place in status["places"])
    with urllib.request.urlopen(f"{region.url}/_terrarium/codebuild/environment", timeout=10) as answer:
        assert json.load(answer)["state"] == "failed"  # there is no glass


def test_limits_and_tokens(codebuild, role, project):
    codebuild.update_project(name="app", concurrentBuildLimit=1)
    first = codebuild.start_build(projectName="app", idempotencyToken="t")["build"]
    assert codebuild.start_build(projectName="app", idempotencyToken="t")["build"]["id"] == first["id"]
    with pytest.raises(ClientError) as failure:
        codebuild.start_build(projectName="app")
    assert code(failure) == "AccountLimitExceededException"


TF = """
resource "aws_iam_role" "build" {
  name = "tf-codebuild"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "codebuild.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}
resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
resource "aws_subnet" "main" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.0.0.0/24"
}
resource "aws_codebuild_project" "app" {
  name          = "tf-app"
  description   = "%s"
  service_role  = aws_iam_role.build.arn
  build_timeout = 10
  source {
    type      = "CODEPIPELINE"
    buildspec = "buildspec.yml"
  }
  artifacts { type = "CODEPIPELINE" }
  cache {
    type  = "LOCAL"
    modes = ["LOCAL_DOCKER_LAYER_CACHE"]
  }
  environment {
    compute_type    = "BUILD_GENERAL1_SMALL"
    image           = "aws/codebuild/amazonlinux2-x86_64-standard:5.0"
    type            = "LINUX_CONTAINER"
    privileged_mode = true
    environment_variable {
      name  = "REPOSITORY"
      value = "app"
    }
    environment_variable {
      name  = "PASSWORD"
      type  = "SECRETS_MANAGER"
      value = "app:password"
    }
  }
  %s
  tags = { a = "b" }
}
"""
IN_VPC = """vpc_config {
    vpc_id             = aws_vpc.main.id
    subnets            = [aws_subnet.main.id]
    security_group_ids = [aws_vpc.main.default_security_group_id]
  }"""


def test_type(codebuild, terrarium, tmp_path):
    main = tmp_path / "main.tf"
    main.write_text(TF % ("one", IN_VPC))
    terrarium("apply", "-auto-approve")
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    (project,) = codebuild.batch_get_projects(names=["tf-app"])["projects"]
    assert project["vpcConfig"]["subnets"] and project["tags"] == [{"key": "a", "value": "b"}]
    assert project["environment"]["environmentVariables"][1]["type"] == "SECRETS_MANAGER"
    main.write_text(TF % ("two", ""))
    assert "0 added, 1 changed, 0 destroyed" in terrarium("apply", "-auto-approve")
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    (project,) = codebuild.batch_get_projects(names=["tf-app"])["projects"]
    assert project["description"] == "two" and "vpcConfig" not in project
