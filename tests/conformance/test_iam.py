"""IAM, by boto3 and by our own engine."""

import json
import subprocess

import pytest
from botocore.exceptions import ClientError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
EXECUTION = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


@pytest.fixture
def iam(region):
    return region.client("iam")


def code(failure):
    return failure.value.response["Error"]["Code"]


def test_roles(iam):
    role = iam.create_role(RoleName="task", AssumeRolePolicyDocument=json.dumps(TRUST), Path="/app/")["Role"]
    assert role["Arn"] == "arn:aws:iam::000000000000:role/app/task"
    assert role["RoleId"].startswith("AROA")
    assert iam.get_role(RoleName="task")["Role"]["AssumeRolePolicyDocument"] == TRUST
    with pytest.raises(ClientError) as failure:
        iam.create_role(RoleName="task", AssumeRolePolicyDocument=json.dumps(TRUST))
    assert code(failure) == "EntityAlreadyExists"
    with pytest.raises(ClientError) as failure:
        iam.create_role(RoleName="bad", AssumeRolePolicyDocument="{")
    assert code(failure) == "MalformedPolicyDocument"
    iam.put_role_policy(RoleName="task", PolicyName="read", PolicyDocument=json.dumps(READ))
    assert iam.get_role_policy(RoleName="task", PolicyName="read")["PolicyDocument"] == READ
    assert iam.list_role_policies(RoleName="task")["PolicyNames"] == ["read"]
    iam.attach_role_policy(RoleName="task", PolicyArn=EXECUTION)
    attached = iam.list_attached_role_policies(RoleName="task")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AmazonECSTaskExecutionRolePolicy", "PolicyArn": EXECUTION}]
    with pytest.raises(ClientError) as failure:
        iam.delete_role(RoleName="task")
    assert code(failure) == "DeleteConflict"
    iam.detach_role_policy(RoleName="task", PolicyArn=EXECUTION)
    iam.delete_role_policy(RoleName="task", PolicyName="read")
    iam.delete_role(RoleName="task")
    with pytest.raises(ClientError) as failure:
        iam.get_role(RoleName="task")
    assert code(failure) == "NoSuchEntity"


def test_policies(iam):
    arn = iam.create_policy(PolicyName="read", PolicyDocument=json.dumps(READ))["Policy"]["Arn"]
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(READ), SetAsDefault=True)
    with pytest.raises(ClientError) as failure:
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(READ))
    assert code(failure) == "LimitExceeded"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v5"
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v5")["PolicyVersion"]["Document"] == READ
    with pytest.raises(ClientError) as failure:
        iam.delete_policy(PolicyArn=arn)
    assert code(failure) == "DeleteConflict"
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


def test_types(region, iam, tmp_path):
    def run(*arguments):
        done = subprocess.run(
            [region.terrarium, *arguments], cwd=tmp_path, env=region.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    config = """
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}
resource "aws_iam_role" "task" {
  name               = "tf-task"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = { stage = "STAGE" }
}
resource "aws_iam_role_policy" "read" {
  name = "read"
  role = aws_iam_role.task.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::STAGE/*" }]
  })
}
resource "aws_iam_policy" "own" {
  name = "own"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:ListBucket", Resource = "arn:aws:s3:::STAGE" }]
  })
}
resource "aws_iam_role_policy_attachment" "all" {
  for_each   = { own = aws_iam_policy.own.arn, execution = "EXECUTION" }
  role       = aws_iam_role.task.name
  policy_arn = each.value
}
""".replace("EXECUTION", EXECUTION)
    (tmp_path / "main.tf").write_text(config.replace("STAGE", "one"))
    assert "5 added" in run("apply", "-auto-approve")
    assert "No changes." in run("plan", "-detailed-exitcode")
    assert len(iam.list_attached_role_policies(RoleName="tf-task")["AttachedPolicies"]) == 2
    (tmp_path / "main.tf").write_text(config.replace("STAGE", "two"))
    assert "0 added, 3 changed, 0 destroyed" in run("apply", "-auto-approve")
    assert "No changes." in run("plan", "-detailed-exitcode")
    document = iam.get_role_policy(RoleName="tf-task", PolicyName="read")["PolicyDocument"]
    assert document["Statement"][0]["Resource"] == "arn:aws:s3:::two/*"
    assert iam.get_role(RoleName="tf-task")["Role"]["Tags"] == [{"Key": "stage", "Value": "two"}]
    run("destroy", "-auto-approve")
    assert [role for role in iam.list_roles()["Roles"] if role["RoleName"] == "tf-task"] == []
