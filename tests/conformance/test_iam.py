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


def test_aws_policies(iam):
    policy = iam.get_policy(PolicyArn=EXECUTION)["Policy"]
    assert (policy["Path"], policy["DefaultVersionId"]) == ("/service-role/", "v1")
    document = iam.get_policy_version(PolicyArn=EXECUTION, VersionId="v1")["PolicyVersion"]["Document"]
    assert "ecr:GetAuthorizationToken" in document["Statement"][0]["Action"]
    names = [each["PolicyName"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for each in page["Policies"]]
    assert {"AdministratorAccess", "ReadOnlyAccess", "SecretsManagerReadWrite"} <= set(names)
    unheld = "arn:aws:iam::aws:policy/AmazonVPCFullAccess"
    with pytest.raises(ClientError) as failure:
        iam.get_policy_version(PolicyArn=unheld, VersionId="v1")
    assert code(failure) == "NotImplemented"
    with pytest.raises(ClientError) as failure:
        iam.create_policy_version(PolicyArn=EXECUTION, PolicyDocument=json.dumps(READ))
    assert code(failure) == "AccessDenied"
    with pytest.raises(ClientError) as failure:
        iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")
    assert code(failure) == "NoSuchEntity"


def test_users_and_groups(iam):
    user = iam.create_user(UserName="ann", Path="/staff/", Tags=[{"Key": "a", "Value": "1"}])["User"]
    assert user["Arn"] == "arn:aws:iam::000000000000:user/staff/ann"
    assert iam.get_user()["User"]["Arn"] == "arn:aws:iam::000000000000:root"
    iam.tag_user(UserName="ann", Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_user(UserName="ann", TagKeys=["a"])
    assert iam.get_user(UserName="ann")["User"]["Tags"] == [{"Key": "b", "Value": "2"}]
    key = iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    iam.create_access_key(UserName="ann")
    with pytest.raises(ClientError) as failure:
        iam.create_access_key(UserName="ann")
    assert code(failure) == "LimitExceeded"
    iam.update_user(UserName="ann", NewUserName="eve")
    assert iam.get_access_key_last_used(AccessKeyId=key)["UserName"] == "eve"
    assert iam.list_user_tags(UserName="eve")["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(GroupName="staff", UserName="eve")
    assert [each["UserName"] for each in iam.get_group(GroupName="staff")["Users"]] == ["eve"]
    assert [each["GroupName"] for each in iam.list_groups_for_user(UserName="eve")["Groups"]] == ["staff"]
    with pytest.raises(ClientError) as failure:
        iam.delete_user(UserName="eve")
    assert code(failure) == "DeleteConflict"
    for each in iam.list_access_keys(UserName="eve")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="eve", AccessKeyId=each["AccessKeyId"])
    with pytest.raises(ClientError) as failure:
        iam.delete_group(GroupName="staff")
    assert code(failure) == "DeleteConflict"
    iam.remove_user_from_group(GroupName="staff", UserName="eve")
    iam.delete_group(GroupName="staff")
    iam.delete_user(UserName="eve")
    assert iam.list_users()["Users"] == [] or "eve" not in [each["UserName"] for each in iam.list_users()["Users"]]
    with pytest.raises(ClientError) as failure:
        iam.create_login_profile(UserName="eve", Password="password")
    assert code(failure) == "NotImplemented"


def test_instance_profiles(iam):
    iam.create_role(RoleName="instance", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="instance")
    profile = iam.get_instance_profile(InstanceProfileName="profile")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["instance"]
    assert len(iam.list_instance_profiles_for_role(RoleName="instance")["InstanceProfiles"]) == 1
    for call, arguments in [("delete_role", {"RoleName": "instance"}), ("delete_instance_profile", {"InstanceProfileName": "profile"})]:
        with pytest.raises(ClientError) as failure:
            getattr(iam, call)(**arguments)
        assert code(failure) == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName="profile", RoleName="instance")
    iam.delete_instance_profile(InstanceProfileName="profile")
    iam.delete_role(RoleName="instance")


def test_service_linked_roles(iam):
    role = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]
    assert role["Arn"] == "arn:aws:iam::000000000000:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    with pytest.raises(ClientError) as failure:
        iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    assert code(failure) == "InvalidInput"
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


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
