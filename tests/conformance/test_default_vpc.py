"""The types that take over what an account or a VPC has of its own accord."""

import json

TF = """
provider "aws" { region = "eu-west-3" }
resource "aws_default_vpc" "this" {
  tags = { Name = "mine" }
}
resource "aws_default_subnet" "a" {
  availability_zone       = "eu-west-3a"
  map_public_ip_on_launch = PUBLIC
}
resource "aws_default_security_group" "this" {
  vpc_id = aws_default_vpc.this.id
  RULES
}
data "aws_vpc" "default" {
  default    = true
  depends_on = [aws_default_vpc.this]
}
output "all" { value = { vpc = aws_default_vpc.this, subnet = aws_default_subnet.a, group = aws_default_security_group.this } }
output "same" { value = data.aws_vpc.default.id == aws_default_vpc.this.id }
"""
RULES = """ingress {
    protocol  = -1
    self      = true
    from_port = 0
    to_port   = 0
  }
  egress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }"""


def test_taken_over(region, terrarium, tmp_path):
    ec2 = region.client("ec2", region="eu-west-3")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    (tmp_path / "main.tf").write_text(TF.replace("PUBLIC", "true").replace("RULES", RULES))
    terrarium("apply", "-auto-approve")
    assert "No changes." in terrarium("plan")
    assert terrarium("output", "same").strip() == "true"
    made = json.loads(terrarium("output", "-json", "all"))
    assert (made["vpc"]["id"], made["vpc"]["cidr_block"]) == (vpc["VpcId"], "172.31.0.0/16")
    assert made["vpc"]["existing_default_vpc"] and made["subnet"]["existing_default_subnet"]
    assert made["subnet"]["vpc_id"] == vpc["VpcId"] and made["group"]["name"] == "default"

    def group():
        return ec2.describe_security_groups(GroupIds=[made["group"]["id"]])["SecurityGroups"][0]

    assert [each["FromPort"] for each in group()["IpPermissionsEgress"]] == [443]
    assert group()["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == made["group"]["id"]

    (tmp_path / "main.tf").write_text(TF.replace("PUBLIC", "false").replace("RULES", ""))
    terrarium("apply", "-auto-approve")
    (subnet,) = ec2.describe_subnets(SubnetIds=[made["subnet"]["id"]])["Subnets"]
    assert not subnet["MapPublicIpOnLaunch"]
    assert "No changes." in terrarium("plan")

    terrarium("destroy", "-auto-approve")
    assert [each["VpcId"] for each in ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])["Vpcs"]] == [vpc["VpcId"]]


def test_made_where_there_is_none(region, terrarium, tmp_path):
    """The subnet, then the VPC, are made by the types, and destroyed if that was asked for."""
    ec2 = region.client("ec2", region="ca-central-1")
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    (tmp_path / "main.tf").write_text(
        """
        provider "aws" { region = "ca-central-1" }
        resource "aws_default_subnet" "a" {
          availability_zone = "ca-central-1a"
          force_destroy     = true
        }
        output "subnet" { value = aws_default_subnet.a }
        """
    )
    terrarium("apply", "-auto-approve")
    made = json.loads(terrarium("output", "-json", "subnet"))
    assert (made["vpc_id"], made["existing_default_subnet"]) == (vpc["VpcId"], False)
    assert "No changes." in terrarium("plan")
    terrarium("destroy", "-auto-approve")
    assert ec2.describe_subnets()["Subnets"] == []
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    (tmp_path / "main.tf").write_text(
        """
        provider "aws" { region = "ca-central-1" }
        resource "aws_default_vpc" "this" { enable_dns_hostnames = false }
        output "vpc" { value = aws_default_vpc.this }
        """
    )
    terrarium("apply", "-auto-approve")
    made = json.loads(terrarium("output", "-json", "vpc"))
    assert made["id"] != vpc["VpcId"] and not made["existing_default_vpc"] and not made["enable_dns_hostnames"]
    assert len(ec2.describe_subnets()["Subnets"]) == 3
    terrarium("destroy", "-auto-approve")
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_second_block(region, terrarium, tmp_path):
    text = """
        resource "aws_vpc" "this" { cidr_block = "10.45.0.0/16" }
        resource "aws_vpc_ipv4_cidr_block_association" "second" {
          vpc_id     = aws_vpc.this.id
          cidr_block = "10.46.0.0/16"
        }
        resource "aws_subnet" "second" {
          vpc_id     = aws_vpc_ipv4_cidr_block_association.second.vpc_id
          cidr_block = "10.46.1.0/24"
        }
        data "aws_regions" "all" {}
        output "association" { value = aws_vpc_ipv4_cidr_block_association.second.id }
        output "regions" { value = contains(data.aws_regions.all.names, "us-east-1") }
        """
    (tmp_path / "main.tf").write_text(text)
    terrarium("apply", "-auto-approve")
    assert "No changes." in terrarium("plan")
    assert terrarium("output", "regions").strip() == "true"
    association = terrarium("output", "-raw", "association")
    terrarium("state", "rm", "aws_vpc_ipv4_cidr_block_association.second")
    terrarium("import", "aws_vpc_ipv4_cidr_block_association.second", association)
    assert "No changes." in terrarium("plan")
    terrarium("destroy", "-auto-approve")
