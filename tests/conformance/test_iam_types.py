"""IAM's users, groups, profiles and exclusive policies, by our own engine."""

import json
import subprocess

import pytest

CONFIG = """
locals {
  trust = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
  read = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:Get*", Resource = "arn:aws:s3:::STAGE/*" }]
  })
}
resource "aws_iam_user" "u" {
  name = "types-user"
  path = "/STAGE/"
  tags = { stage = "STAGE" }
}
resource "aws_iam_access_key" "k" {
  user = aws_iam_user.u.name
}
resource "aws_iam_user_policy" "p" {
  name   = "own"
  user   = aws_iam_user.u.name
  policy = local.read
}
resource "aws_iam_user_policy_attachment" "a" {
  user       = aws_iam_user.u.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}
resource "aws_iam_group" "g" {
  count = 2
  name  = "types-group-${count.index}"
}
resource "aws_iam_group_policy" "p" {
  name_prefix = "of-"
  group       = aws_iam_group.g[0].name
  policy      = local.read
}
resource "aws_iam_group_policy_attachment" "a" {
  group      = aws_iam_group.g[0].name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSQSFullAccess"
}
resource "aws_iam_user_group_membership" "m" {
  user   = aws_iam_user.u.name
  groups = [for g in aws_iam_group.g : g.name if g.name == "types-group-0" || "STAGE" == "two"]
}
resource "aws_iam_role" "r" {
  name               = "types-role"
  assume_role_policy = local.trust
}
resource "aws_iam_instance_profile" "i" {
  name = "types-profile"
  role = aws_iam_role.r.name
  tags = { stage = "STAGE" }
}
resource "aws_iam_role_policy" "p" {
  name   = "known"
  role   = aws_iam_role.r.name
  policy = local.read
}
resource "aws_iam_role_policies_exclusive" "e" {
  role_name    = aws_iam_role.r.name
  policy_names = [aws_iam_role_policy.p.name]
}
resource "aws_iam_role_policy_attachments_exclusive" "e" {
  role_name   = aws_iam_role.r.name
  policy_arns = ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"]
}
resource "aws_iam_policy" "shared" {
  name   = "types-shared"
  policy = local.read
}
resource "aws_iam_policy_attachment" "all" {
  name       = "all"
  policy_arn = aws_iam_policy.shared.arn
  users      = [aws_iam_user.u.name]
  groups     = [for g in aws_iam_group.g : g.name if g.name == "types-group-1" || "STAGE" == "two"]
}
resource "aws_iam_service_linked_role" "l" {
  aws_service_name = "autoscaling.amazonaws.com"
  custom_suffix    = "types"
  description      = "STAGE"
}
output "key" {
  value = aws_iam_access_key.k.id
}
output "secret" {
  value     = aws_iam_access_key.k.secret
  sensitive = true
}
output "linked" {
  value = aws_iam_service_linked_role.l.arn
}
"""


@pytest.fixture
def run(region, tmp_path):
    def run(stage, *arguments):
        (tmp_path / "main.tf").write_text(CONFIG.replace("STAGE", stage))
        done = subprocess.run(
            [region.terrarium, *arguments], cwd=tmp_path, env=region.env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_types(region, run):
    iam = region.client("iam")
    run("one", "apply", "-auto-approve")
    assert "No changes." in run("one", "plan", "-detailed-exitcode")
    output = json.loads(run("one", "output", "-json"))
    assert output["linked"]["value"].endswith("/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling_types")
    assert output["key"]["value"].startswith("AKIA") and len(output["secret"]["value"]) == 40
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="types-user")["Groups"]] == ["types-group-0"]
    # What others add to an exclusive role is seen, and taken away.
    iam.put_role_policy(RoleName="types-role", PolicyName="stray", PolicyDocument='{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}')
    assert "1 changed" in run("one", "apply", "-auto-approve")
    assert iam.list_role_policies(RoleName="types-role")["PolicyNames"] == ["known"]

    run("two", "apply", "-auto-approve")
    assert "No changes." in run("two", "plan", "-detailed-exitcode")
    user = iam.get_user(UserName="types-user")["User"]
    assert user["Path"] == "/two/" and user["Tags"] == [{"Key": "stage", "Value": "two"}]
    assert len(iam.list_groups_for_user(UserName="types-user")["Groups"]) == 2
    entities = iam.list_entities_for_policy(PolicyArn="arn:aws:iam::000000000000:policy/types-shared")
    assert len(entities["PolicyGroups"]) == 2 and len(entities["PolicyUsers"]) == 1
    assert iam.get_role(RoleName="AWSServiceRoleForAutoScaling_types")["Role"]["Description"] == "two"
    run("two", "destroy", "-auto-approve")
    names = [u["UserName"] for u in iam.list_users()["Users"]] + [g["GroupName"] for g in iam.list_groups()["Groups"]]
    assert [name for name in names if name.startswith("types-")] == []
    assert [p for p in iam.list_instance_profiles()["InstanceProfiles"] if p["InstanceProfileName"] == "types-profile"] == []
