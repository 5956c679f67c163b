"""Secrets Manager, by boto3 and by our own engine."""

import json
import re
import subprocess

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def secrets(region):
    return region.client("secretsmanager")


def code(failure):
    return failure.value.response["Error"]["Code"]


def test_life_of_a_secret(secrets):
    made = secrets.create_secret(Name="app/db", SecretString="one", Tags=[{"Key": "a", "Value": "b"}])
    assert re.fullmatch(r"arn:aws:secretsmanager:us-east-1:000000000000:secret:app/db-[A-Za-z0-9]{6}", made["ARN"])
    assert secrets.get_secret_value(SecretId="app/db")["SecretString"] == "one"
    second = secrets.put_secret_value(SecretId=made["ARN"], SecretString="two")
    assert second["VersionStages"] == ["AWSCURRENT"]
    assert secrets.get_secret_value(SecretId="app/db")["SecretString"] == "two"
    previous = secrets.get_secret_value(SecretId="app/db", VersionStage="AWSPREVIOUS")
    assert (previous["SecretString"], previous["VersionId"]) == ("one", made["VersionId"])
    described = secrets.describe_secret(SecretId="app/db")
    assert described["VersionIdsToStages"] == {
        made["VersionId"]: ["AWSPREVIOUS"],
        second["VersionId"]: ["AWSCURRENT"],
    }
    assert described["Tags"] == [{"Key": "a", "Value": "b"}]
    with pytest.raises(ClientError) as failure:
        secrets.create_secret(Name="app/db")
    assert code(failure) == "ResourceExistsException"
    secrets.delete_secret(SecretId="app/db", RecoveryWindowInDays=7)
    with pytest.raises(ClientError) as failure:
        secrets.get_secret_value(SecretId="app/db")
    assert code(failure) == "InvalidRequestException"
    with pytest.raises(ClientError) as failure:
        secrets.create_secret(Name="app/db")
    assert code(failure) == "InvalidRequestException"
    secrets.restore_secret(SecretId="app/db")
    assert secrets.get_secret_value(SecretId="app/db")["SecretString"] == "two"
    secrets.delete_secret(SecretId="app/db", ForceDeleteWithoutRecovery=True)
    with pytest.raises(ClientError) as failure:
        secrets.describe_secret(SecretId="app/db")
    assert code(failure) == "ResourceNotFoundException"


def test_binary_tokens_and_stages(secrets):
    token = "0123456789abcdef0123456789abcdef"
    secrets.create_secret(Name="bytes", SecretBinary=b"\x00\xff", ClientRequestToken=token)
    assert secrets.get_secret_value(SecretId="bytes")["SecretBinary"] == b"\x00\xff"
    assert secrets.put_secret_value(SecretId="bytes", SecretBinary=b"\x00\xff", ClientRequestToken=token)
    with pytest.raises(ClientError) as failure:
        secrets.put_secret_value(SecretId="bytes", SecretString="x", ClientRequestToken=token)
    assert code(failure) == "ResourceExistsException"
    other = secrets.put_secret_value(SecretId="bytes", SecretString="x", VersionStages=["NEXT"])["VersionId"]
    assert secrets.get_secret_value(SecretId="bytes")["VersionId"] == token
    secrets.update_secret_version_stage(
        SecretId="bytes", VersionStage="AWSCURRENT", MoveToVersionId=other, RemoveFromVersionId=token
    )
    assert secrets.get_secret_value(SecretId="bytes")["SecretString"] == "x"
    secrets.delete_secret(SecretId="bytes", ForceDeleteWithoutRecovery=True)


def test_lists_and_passwords(secrets):
    for name in ["l/a", "l/b", "l/c"]:
        secrets.create_secret(Name=name)
    filters = [{"Key": "name", "Values": ["l/"]}]
    pages = secrets.get_paginator("list_secrets").paginate(Filters=filters, PaginationConfig={"PageSize": 2})
    assert [each["Name"] for page in pages for each in page["SecretList"]] == ["l/a", "l/b", "l/c"]
    for name in ["l/a", "l/b", "l/c"]:
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    password = secrets.get_random_password(PasswordLength=20, ExcludePunctuation=True)["RandomPassword"]
    assert re.fullmatch("[A-Za-z0-9]{20}", password)


def test_types(region, secrets, tmp_path):
    (tmp_path / "main.tf").write_text("""
variable "password" { sensitive = true }
resource "aws_secretsmanager_secret" "db" {
  name                    = "tf/db"
  recovery_window_in_days = 0
}
resource "aws_secretsmanager_secret_version" "db" {
  secret_id     = aws_secretsmanager_secret.db.id
  secret_string = jsonencode({ username = "app", password = var.password })
}
""")

    def run(*arguments):
        done = subprocess.run(
            [region.terrarium, *arguments], cwd=tmp_path, env=region.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "hunter2" not in run("apply", "-auto-approve", "-var=password=hunter2")
    value = json.loads(secrets.get_secret_value(SecretId="tf/db")["SecretString"])
    assert value == {"username": "app", "password": "hunter2"}
    assert "No changes." in run("plan", "-detailed-exitcode", "-var=password=hunter2")
    assert "1 added, 0 changed, 1 destroyed" in run("apply", "-auto-approve", "-var=password=other")
    assert json.loads(secrets.get_secret_value(SecretId="tf/db")["SecretString"])["password"] == "other"
    run("destroy", "-auto-approve", "-var=password=other")
    assert secrets.list_secrets(Filters=[{"Key": "name", "Values": ["tf/"]}])["SecretList"] == []
