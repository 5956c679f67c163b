"""Programs that a configuration has run here reach this machine's region; types that we lack are no matter without instances."""

import base64

# Debian 12's aws does not read AWS_ENDPOINT_URL of its own accord.
CONFIG = """
variable "flow" { default = false }
provider "aws" { region = "us-east-1" }
resource "aws_ecr_repository" "app" {
  name         = "from-local-exec"
  force_delete = true
  provisioner "local-exec" {
    command = "aws --endpoint-url $AWS_ENDPOINT_URL ecr get-login-password > password && aws --endpoint-url $AWS_ENDPOINT_URL ecr describe-repositories --output text --query 'repositories[].repositoryUri' --repository-names ${self.name} > uri"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "aws --endpoint-url $AWS_ENDPOINT_URL ecr describe-repositories --output text --query 'repositories[].repositoryName' --repository-names ${self.name} > last"
  }
}
data "external" "caller" { program = ["sh", "-c", "aws --endpoint-url $AWS_ENDPOINT_URL sts get-caller-identity --output json"] }
data "aws_caller_identity" "here" {}
resource "aws_vpc" "main" { cidr_block = "10.77.0.0/24" }
resource "aws_flow_log" "all" {
  count                = var.flow ? 1 : 0
  vpc_id               = aws_vpc.main.id
  traffic_type         = "ALL"
  log_destination_type = "s3"
}
data "aws_ami" "none" {
  for_each = {}
  filter {
    name   = "name"
    values = [each.key]
  }
}
output "same" { value = data.external.caller.result.Account == data.aws_caller_identity.here.account_id }
output "log" { value = one(aws_flow_log.all[*].id) == null }
"""


def test_programs_reach_this_machine(terrarium, region, tmp_path, monkeypatch):
    # What leads to AWS in the shell of whoever calls is not what the programs get.
    monkeypatch.setitem(region.env, "AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:9")
    monkeypatch.setitem(region.env, "AWS_PROFILE", "nobody")
    (tmp_path / "main.tf").write_text(CONFIG)
    applied = terrarium("apply", "-auto-approve")
    assert "same = true" in applied
    assert "log  = true" in applied
    repository = region.client("ecr").describe_repositories(repositoryNames=["from-local-exec"])["repositories"][0]
    assert (tmp_path / "uri").read_text().strip() == repository["repositoryUri"]
    token = region.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    assert base64.b64decode(token).startswith(b"AWS:")
    assert len((tmp_path / "password").read_text().strip()) > 20
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    terrarium("plan", "-var", "flow=true", code=1)
    terrarium("destroy", "-auto-approve")
    assert (tmp_path / "last").read_text().strip() == "from-local-exec"
