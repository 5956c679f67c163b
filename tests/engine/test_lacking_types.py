"""Types and providers that Terrarium lacks: no matter as long as there are no instances of them."""

import json

import pytest
from test_engine import Folder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_type_without_instances(folder):
    folder.write("""
        variable "flow" { default = false }
        resource "terraform_data" "vpc" { input = "vpc-1" }
        resource "terraform_flow_log" "x" {
          count  = var.flow ? 1 : 0
          vpc_id = terraform_data.vpc.output
          dynamic "destination" {
            for_each = ["a"]
            content { name = destination.value }
          }
          lifecycle { ignore_changes = [tags] }
        }
        resource "terraform_endpoint" "each" {
          for_each = {}
          log      = terraform_flow_log.x[0].id
        }
        data "terraform_zones" "none" { count = 0 }
        output "splat" { value = terraform_flow_log.x[*].id }
        output "try" { value = try(terraform_flow_log.x[0].id, "none") }
        output "one" { value = one(terraform_flow_log.x[*].arn) == null }
        output "each" { value = [for key, value in terraform_endpoint.each : value.id] }
        output "data" { value = data.terraform_zones.none[*].names }
        """)
    assert "Apply complete! Resources: 1 added, 0 changed, 0 destroyed." in folder.apply()
    assert folder.outputs() == {"splat": [], "try": "none", "one": True, "each": [], "data": []}
    assert "No changes." in folder.run("plan", "-detailed-exitcode")
    refused = folder.run("apply", "-auto-approve", "-var", "flow=true", code=1)
    assert "Error: Invalid resource type" in refused
    assert 'no resource type "terraform_flow_log"' in refused.replace("\n│ ", " ")
    assert "with terraform_flow_log.x[0]," in refused
    assert [each["type"] for each in folder.state()["resources"]] == ["terraform_data"]
    assert "Destroy complete! Resources: 1 destroyed." in folder.run("destroy", "-auto-approve")


def test_provider_without_instances(folder):
    folder.write("""
        terraform {
          required_providers {
            cloudflare = { source = "cloudflare/cloudflare" }
          }
        }
        variable "token" { default = "x" }
        variable "dns" {
          type    = map(string)
          default = {}
        }
        provider "datadog" { api_key = var.token }
        resource "cloudflare_record" "x" {
          for_each = var.dns
          name     = each.key
          value    = each.value
        }
        output "records" { value = cloudflare_record.x }
        """)
    assert "cloudflare/cloudflare is not available here" in folder.run("init")
    folder.apply()
    assert folder.outputs() == {"records": {}}
    refused = folder.run("plan", "-var", 'dns={"www"="1"}', code=1)
    assert "Error: Provider not available" in refused
    assert 'cloudflare_record.x["www"] needs the provider "cloudflare/cloudflare"' in refused.replace("\n│ ", " ")


def test_in_modules(folder):
    folder.write("""
        resource "terraform_thing" "x" { name = "x" }
        resource "terraform_data" "y" { input = "y" }
        output "id" { value = terraform_thing.x.id }
        """, "child/main.tf")
    folder.write("""
        variable "n" { default = 0 }
        module "counted" {
          source = "./child"
          count  = var.n
        }
        module "each" {
          source   = "./child"
          for_each = {}
        }
        output "ids" { value = module.counted[*].id }
        """)
    assert "Resources: 0 added" in folder.apply()
    assert folder.outputs() == {"ids": []}
    refused = folder.run("plan", "-var", "n=2", code=1)
    assert 'no resource type "terraform_thing"' in refused.replace("\n│ ", " ")
    assert "with module.counted[0].terraform_thing.x," in refused


def test_what_can_be_told_is_told(folder):
    folder.write("""
        variable "n" { default = 0 }
        resource "terraform_thing" "x" { count = var.n }
        data "cloud_zone" "x" { count = 0 }
        """)
    told = folder.run("validate")
    assert "Warning: Types that Terrarium does not have" in told
    assert "data.cloud_zone" in told
    assert "terraform_thing" in told
    assert "Success! The configuration is valid" in told
    assert "Warning" not in folder.run("plan")
    report = json.loads(folder.run("validate", "-json"))
    assert (report["valid"], report["warning_count"]) == (True, 1)
    # Validation does not ask which instances there are, planning does.
    folder.write("""
        resource "terraform_thing" "x" { count = 0 }
        output "x" { value = terraform_thing.x[0].id }
        """)
    folder.run("validate")
    assert "Error: Invalid index" in folder.run("plan", code=1)
    # How many there are is known already, or there is nothing that could make it none.
    for text in ("count = 2", 'for_each = toset(["a"])', ""):
        folder.write(f'resource "terraform_thing" "x" {{\n {text}\n}}\n')
        told = folder.run("validate", code=1)
        assert "Error: Invalid resource type" in told
        assert "Warning" not in told


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("vpc = aws_vpc.main.id", "Reference to undeclared resource"),
        ("vpc = var.nothing", "Reference to undeclared input variable"),
        ("vpc = nothing(1)", "Call to unknown function"),
        ("inner { vpc = local.nothing }", "Reference to undeclared local value"),
    ],
)
def test_references_are_checked(folder, argument, message):
    folder.write(f'resource "terraform_thing" "x" {{\n  count = 0\n  {argument}\n}}\n')
    assert message in folder.run("validate", code=1)
