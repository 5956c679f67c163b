"""A VPC's main route table, by the types that take it over or replace it."""

import pytest

TF = """
resource "aws_vpc" "main" { cidr_block = "10.44.0.0/16" }
resource "aws_internet_gateway" "main" { vpc_id = aws_vpc.main.id }
MORE
output "vpc" { value = aws_vpc.main.id }
"""
DEFAULT = """
resource "aws_default_route_table" "main" {
  default_route_table_id = aws_vpc.main.default_route_table_id
  ROUTE
  tags = { Name = "main" }
}
"""
ROUTE = """route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }"""
REPLACED = """
resource "aws_route_table" "all" {
  count  = 2
  vpc_id = aws_vpc.main.id
}
ASSOCIATION
"""
ASSOCIATION = """
resource "aws_main_route_table_association" "main" {
  vpc_id         = aws_vpc.main.id
  route_table_id = aws_route_table.all[WHICH].id
}
"""


@pytest.fixture
def main_table(region, terrarium):
    def find():
        vpc = terrarium("output", "-raw", "vpc")
        (table,) = region.client("ec2").describe_route_tables(
            Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
        )["RouteTables"]
        return table

    return find


def destinations(table):
    return sorted(route["DestinationCidrBlock"] for route in table["Routes"])


def test_taken_over(terrarium, tmp_path, main_table):
    path = tmp_path / "main.tf"
    path.write_text(TF.replace("MORE", ""))
    terrarium("apply", "-auto-approve")
    before = main_table()["RouteTableId"]
    path.write_text(TF.replace("MORE", DEFAULT.replace("ROUTE", ROUTE)))
    terrarium("apply", "-auto-approve")
    table = main_table()
    assert table["RouteTableId"] == before
    assert destinations(table) == ["0.0.0.0/0", "10.44.0.0/16"]
    assert table["Tags"] == [{"Key": "Name", "Value": "main"}]
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    terrarium("state", "rm", "aws_default_route_table.main")
    terrarium("import", "aws_default_route_table.main", terrarium("output", "-raw", "vpc"))
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    path.write_text(TF.replace("MORE", DEFAULT.replace("ROUTE", "route = []")))
    assert "0 added, 1 changed, 0 destroyed" in terrarium("apply", "-auto-approve")
    assert destinations(main_table()) == ["10.44.0.0/16"]
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    path.write_text(TF.replace("MORE", ""))
    terrarium("apply", "-auto-approve")
    assert main_table()["RouteTableId"] == before


def test_replaced(terrarium, tmp_path, main_table):
    def write(which):
        association = "" if which is None else ASSOCIATION.replace("WHICH", str(which))
        (tmp_path / "main.tf").write_text(TF.replace("MORE", REPLACED.replace("ASSOCIATION", association)))

    write(None)
    terrarium("apply", "-auto-approve")
    original = main_table()["RouteTableId"]
    seen = [original]
    for which in (0, 1):
        write(which)
        terrarium("apply", "-auto-approve")
        assert "No changes." in terrarium("plan", "-detailed-exitcode")
        seen.append(main_table()["RouteTableId"])
    assert len(set(seen)) == 3
    write(None)
    terrarium("apply", "-auto-approve")
    assert main_table()["RouteTableId"] == original
