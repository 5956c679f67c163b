"""What the network's types have of the official provider by name only: refused, each with its reason."""

import json
import subprocess

import pytest

VPC = """
resource "aws_vpc" "main" { cidr_block = "10.45.0.0/16" }
resource "aws_route_table" "main" { vpc_id = aws_vpc.main.id }
"""
ROUTE = """
resource "aws_route" "r" {
  route_table_id         = aws_route_table.main.id
  destination_cidr_block = "10.1.0.0/16"
  %s
}
"""
INLINE = """
resource "aws_route_table" "r" {
  vpc_id = aws_vpc.main.id
  route {
    cidr_block = "10.1.0.0/16"
    %s
  }
}
"""
SUBNET = 'resource "aws_subnet" "s" {\n  vpc_id = aws_vpc.main.id\n  %s\n}'
NAT = 'resource "aws_nat_gateway" "n" {\n  vpc_id = aws_vpc.main.id\n  %s\n}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ROUTE % 'instance_id = "i-1"', "there are no EC2 instances"),
        (ROUTE % 'odb_network_arn = "arn:aws:odb:x"', "there are no ODB networks"),
        (INLINE % 'instance_id = "i-1"', "there are no EC2 instances"),
        (INLINE % 'odb_network_arn = "arn:aws:odb:x"', "there are no ODB networks"),
        (SUBNET % "", 'The argument "cidr_block" is required'),
        (SUBNET % 'ipv4_ipam_pool_id = "ipam-pool-1"', "there is no IPAM"),
        (NAT % 'availability_mode = "regional"', 'availability_mode = "regional" is not supported'),
        (NAT % "", 'The argument "subnet_id" is required'),
    ],
)
def test_refused(region, tmp_path, text, reason):
    (tmp_path / "main.tf").write_text(VPC + text)
    done = subprocess.run(
        [region.terrarium, "validate", "-json"],
        cwd=tmp_path,
        env=region.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (error,) = json.loads(done.stdout)["diagnostics"]
    assert reason in error["detail"]
