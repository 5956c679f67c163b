"""Network ACLs: by boto3, and by our own engine from .tf files."""

import subprocess

import pytest
from botocore.exceptions import ClientError

ANY = {"CidrBlock": "0.0.0.0/0", "Protocol": "-1", "RuleAction": "allow"}


@pytest.fixture
def ec2(region):
    return region.client("ec2")


@pytest.fixture
def vpc(ec2):
    vpc = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    yield vpc
    for subnet in ec2.describe_subnets(Filters=here(vpc))["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for acl in acls(ec2, vpc):
        if not acl["IsDefault"]:
            ec2.delete_network_acl(NetworkAclId=acl["NetworkAclId"])
    ec2.delete_vpc(VpcId=vpc)
    assert acls(ec2, vpc) == []


def here(vpc):
    return [{"Name": "vpc-id", "Values": [vpc]}]


def acls(ec2, vpc):
    return ec2.describe_network_acls(Filters=here(vpc))["NetworkAcls"]


def numbers(acl, egress=False):
    return sorted((e["RuleNumber"], e["RuleAction"]) for e in acl["Entries"] if e["Egress"] == egress)


def refused(expected, call, **arguments):
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    assert failure.value.response["Error"]["Code"] == expected


def test_a_vpc_begins_with_one_that_lets_all_through(ec2, vpc):
    (default,) = acls(ec2, vpc)
    assert default["IsDefault"] and default["Associations"] == []
    for egress in (False, True):
        assert numbers(default, egress) == [(100, "allow"), (32767, "deny")]
    refused("InvalidParameterValue", ec2.delete_network_acl, NetworkAclId=default["NetworkAclId"])
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.40.1.0/24")["Subnet"]["SubnetId"]
    (default,) = acls(ec2, vpc)
    assert [each["SubnetId"] for each in default["Associations"]] == [subnet]
    ec2.delete_subnet(SubnetId=subnet)
    assert acls(ec2, vpc)[0]["Associations"] == []


def test_entries(ec2, vpc):
    tags = [{"ResourceType": "network-acl", "Tags": [{"Key": "Name", "Value": "db"}]}]
    acl = ec2.create_network_acl(VpcId=vpc, TagSpecifications=tags)["NetworkAcl"]
    assert acl["Tags"] == [{"Key": "Name", "Value": "db"}] and not acl["IsDefault"]
    assert numbers(acl) == numbers(acl, egress=True) == [(32767, "deny")]
    rule = {"NetworkAclId": acl["NetworkAclId"], "Egress": False, "RuleNumber": 100}
    tcp = {"CidrBlock": "10.0.0.0/8", "Protocol": "tcp", "RuleAction": "allow", "PortRange": {"From": 80, "To": 81}}
    ec2.create_network_acl_entry(**rule, **tcp)
    (found,) = [each for each in acls(ec2, vpc) if not each["IsDefault"]]
    (entry,) = [each for each in found["Entries"] if each["RuleNumber"] == 100]
    assert entry == {**tcp, "Protocol": "6", "Egress": False, "RuleNumber": 100}
    refused("NetworkAclEntryAlreadyExists", ec2.create_network_acl_entry, **rule, **tcp)
    ec2.create_network_acl_entry(**{**rule, "Egress": True}, **ANY)
    ec2.replace_network_acl_entry(**rule, **{**tcp, "RuleAction": "deny"})
    ping = {"CidrBlock": "0.0.0.0/0", "Protocol": "1", "RuleAction": "allow", "IcmpTypeCode": {"Type": 8, "Code": -1}}
    ec2.create_network_acl_entry(**{**rule, "RuleNumber": 90}, **ping)
    (found,) = ec2.describe_network_acls(Filters=[{"Name": "entry.icmp.type", "Values": ["8"]}])["NetworkAcls"]
    assert numbers(found) == [(90, "allow"), (100, "deny"), (32767, "deny")]
    assert numbers(found, egress=True) == [(100, "allow"), (32767, "deny")]
    ec2.delete_network_acl_entry(**rule)
    refused("InvalidNetworkAclEntry.NotFound", ec2.delete_network_acl_entry, **rule)
    refused("InvalidNetworkAclEntry.NotFound", ec2.replace_network_acl_entry, **rule, **tcp)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"RuleNumber": 32767}, "InvalidParameterValue"),
        ({"RuleNumber": 0}, "InvalidParameterValue"),
        ({"Protocol": "carrier-pigeon"}, "InvalidParameterValue"),
        ({"Protocol": "6"}, "MissingParameter"),
        ({"Protocol": "6", "PortRange": {"From": 9, "To": 8}}, "InvalidParameterValue"),
        ({"Protocol": "icmp"}, "MissingParameter"),
        ({"CidrBlock": "10.0.0.1/8"}, "InvalidParameterValue"),
        ({"Ipv6CidrBlock": "::/0"}, "UnsupportedOperation"),
        ({"NetworkAclId": "acl-00000000000000000"}, "InvalidNetworkAclID.NotFound"),
    ],
)
def test_bad_entries(ec2, vpc, wrong, expected):
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    entry = {"NetworkAclId": acl, "RuleNumber": 1, "Egress": True, **ANY, **wrong}
    refused(expected, ec2.create_network_acl_entry, **entry)


def test_quota(ec2, vpc):
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    for number in range(1, 21):
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Egress=False, **ANY)
    one_more = {"NetworkAclId": acl, "RuleNumber": 21, **ANY}
    refused("NetworkAclEntryLimitExceeded", ec2.create_network_acl_entry, Egress=False, **one_more)
    ec2.create_network_acl_entry(Egress=True, **one_more)


def test_associations(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.40.1.0/24")["Subnet"]["SubnetId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    association = acls(ec2, vpc)[0]["Associations"] or acls(ec2, vpc)[1]["Associations"]
    first = association[0]["NetworkAclAssociationId"]
    second = ec2.replace_network_acl_association(AssociationId=first, NetworkAclId=acl)["NewAssociationId"]
    refused("InvalidAssociationID.NotFound", ec2.replace_network_acl_association, AssociationId=first, NetworkAclId=acl)
    (found,) = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"]
    assert found["NetworkAclId"] == acl
    assert found["Associations"] == [
        {"NetworkAclAssociationId": second, "NetworkAclId": acl, "SubnetId": subnet}
    ]
    refused("DependencyViolation", ec2.delete_network_acl, NetworkAclId=acl)
    other = ec2.create_vpc(CidrBlock="10.41.0.0/16")["Vpc"]["VpcId"]
    foreign = acls(ec2, other)[0]["NetworkAclId"]
    refused(
        "InvalidParameterValue", ec2.replace_network_acl_association, AssociationId=second, NetworkAclId=foreign
    )
    ec2.delete_vpc(VpcId=other)


TF = """
resource "aws_vpc" "main" { cidr_block = "10.42.0.0/16" }
resource "aws_subnet" "all" {
  count      = 3
  vpc_id     = aws_vpc.main.id
  cidr_block = cidrsubnet(aws_vpc.main.cidr_block, 8, count.index)
}
resource "aws_network_acl" "db" {
  vpc_id     = aws_vpc.main.id
  subnet_ids = [aws_subnet.all[SUBNET].id]
  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "tcp"
    cidr_block = "10.42.0.0/16"
    from_port  = 5432
    to_port    = 5432
  }
  ingress {
    rule_no    = 110
    action     = "ACTION"
    protocol   = "icmp"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
    icmp_type  = 8
    icmp_code  = -1
  }
  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }
  tags = { Name = "db" }
}
resource "aws_network_acl" "web" { vpc_id = aws_vpc.main.id }
resource "aws_network_acl_rule" "web" {
  network_acl_id = aws_network_acl.web.id
  rule_number    = 200
  protocol       = "TCP"
  rule_action    = "deny"
  cidr_block     = "192.168.0.0/16"
  from_port      = 22
  to_port        = PORT
}
resource "aws_network_acl_association" "web" {
  network_acl_id = aws_network_acl.web.id
  subnet_id      = aws_subnet.all[2].id
}
output "vpc" { value = aws_vpc.main.id }
output "rule" { value = "${aws_network_acl.web.id}:200:tcp:false" }
"""


def written(subnet=0, action="allow", port=22):
    return TF.replace("SUBNET", str(subnet)).replace("ACTION", action).replace("PORT", str(port))


def by_name(ec2, vpc):
    names = {True: "default"}
    return {
        names.get(acl["IsDefault"]) or ([tag["Value"] for tag in acl["Tags"]] or ["web"])[0]: acl
        for acl in acls(ec2, vpc)
    }


def test_types(ec2, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text(written())
    terrarium("apply", "-auto-approve")
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    vpc = terrarium("output", "-raw", "vpc")
    found = by_name(ec2, vpc)
    assert numbers(found["db"]) == [(100, "allow"), (110, "allow"), (32767, "deny")]
    assert numbers(found["db"], egress=True) == [(100, "allow"), (32767, "deny")]
    assert numbers(found["web"]) == [(200, "deny"), (32767, "deny")]
    assert [len(found[each]["Associations"]) for each in ("db", "web", "default")] == [1, 1, 1]
    before = found["db"]["Associations"][0]["SubnetId"]
    (tmp_path / "main.tf").write_text(written(subnet=1, action="deny", port=23))
    assert "1 added, 1 changed, 1 destroyed" in terrarium("apply", "-auto-approve")
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    found = by_name(ec2, vpc)
    assert numbers(found["db"]) == [(100, "allow"), (110, "deny"), (32767, "deny")]
    assert found["db"]["Associations"][0]["SubnetId"] != before
    assert [each["SubnetId"] for each in found["default"]["Associations"]] == [before]
    rule = terrarium("output", "-raw", "rule")
    terrarium("state", "rm", "aws_network_acl_rule.web")
    terrarium("import", "aws_network_acl_rule.web", rule)
    assert "No changes." in terrarium("plan", "-detailed-exitcode")


DEFAULTS = """
resource "aws_vpc" "main" { cidr_block = "10.43.0.0/16" }
resource "aws_default_network_acl" "main" {
  default_network_acl_id = aws_vpc.main.default_network_acl_id
  INGRESS
  tags = { Name = "mine" }
}
output "vpc" { value = aws_vpc.main.id }
"""
INGRESS = """ingress {
    rule_no    = 7
    action     = "deny"
    protocol   = 17
    cidr_block = "10.0.0.0/8"
    from_port  = 53
    to_port    = 53
  }"""


def test_the_default_one(ec2, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text(DEFAULTS.replace("INGRESS", INGRESS))
    terrarium("apply", "-auto-approve")
    (default,) = acls(ec2, terrarium("output", "-raw", "vpc"))
    assert numbers(default) == [(7, "deny"), (32767, "deny")]
    assert numbers(default, egress=True) == [(32767, "deny")]
    assert default["Tags"] == [{"Key": "Name", "Value": "mine"}]
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    (tmp_path / "main.tf").write_text(DEFAULTS.replace("INGRESS", ""))
    assert "0 added, 1 changed, 0 destroyed" in terrarium("apply", "-auto-approve")
    (default,) = acls(ec2, terrarium("output", "-raw", "vpc"))
    assert numbers(default) == [(32767, "deny")]
    assert "No changes." in terrarium("plan", "-detailed-exitcode")


def test_what_is_refused(terrarium, tmp_path, region):
    ipv6 = INGRESS.replace("cidr_block = ", "ipv6_cidr_block = ").replace("10.0.0.0/8", "::/0")
    text = DEFAULTS.replace("INGRESS", ipv6)
    (tmp_path / "main.tf").write_text(text)
    command = [region.terrarium, "validate"]
    done = subprocess.run(command, cwd=tmp_path, env=region.env, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "ipv6_cidr_block" in done.stdout + done.stderr
    (tmp_path / "main.tf").write_text("")
