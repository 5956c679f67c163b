"""EC2's VPC part, by boto3."""

import re

import pytest
from botocore.exceptions import ClientError

from conftest import Region


@pytest.fixture
def ec2(region):
    return region.client("ec2")


@pytest.fixture
def vpc(ec2):
    vpc = ec2.create_vpc(
        CidrBlock="10.20.0.0/16",
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "test"}]}],
    )["Vpc"]["VpcId"]
    yield vpc
    for group in ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]:
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group["GroupId"]]}])
        for rule in rules["SecurityGroupRules"]:
            revoke = ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
            revoke(GroupId=group["GroupId"], SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    for group in ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]:
        if group["GroupName"] != "default":
            ec2.delete_security_group(GroupId=group["GroupId"])
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for gateway in ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])[
        "InternetGateways"
    ]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    for table in ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]:
        if not any(each["Main"] for each in table["Associations"]):
            ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    ec2.delete_vpc(VpcId=vpc)
    assert not [each for each in ec2.describe_vpcs()["Vpcs"] if each["VpcId"] == vpc]


def code(failure):
    return failure.value.response["Error"]["Code"]


def test_zones(ec2):
    zones = ec2.describe_availability_zones(Filters=[{"Name": "state", "Values": ["available"]}])
    assert [(zone["ZoneName"], zone["ZoneId"]) for zone in zones["AvailabilityZones"]] == [
        ("us-east-1a", "use1-az1"),
        ("us-east-1b", "use1-az2"),
        ("us-east-1c", "use1-az3"),
    ]


def test_vpc(ec2, vpc):
    assert re.fullmatch("vpc-[0-9a-f]{17}", vpc)
    (found,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert (found["CidrBlock"], found["State"], found["IsDefault"]) == ("10.20.0.0/16", "available", False)
    assert found["Tags"] == [{"Key": "Name", "Value": "test"}]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    hostnames = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")
    assert hostnames["EnableDnsHostnames"] == {"Value": True}
    main = ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    assert [route["GatewayId"] for route in main[0]["Routes"]] == ["local"]
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    assert group["GroupName"] == "default"
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    assert group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


@pytest.mark.parametrize(
    ("cidr", "expected"),
    [("10.0.0.0/8", "InvalidVpc.Range"), ("10.0.0.1/16", "InvalidParameterValue"), ("x", "InvalidParameterValue")],
)
def test_bad_vpc(ec2, cidr, expected):
    with pytest.raises(ClientError) as failure:
        ec2.create_vpc(CidrBlock=cidr)
    assert code(failure) == expected


def test_vpc_that_is_not_there(ec2):
    with pytest.raises(ClientError) as failure:
        ec2.describe_vpcs(VpcIds=["vpc-00000000000000000"])
    assert code(failure) == "InvalidVpcID.NotFound"


def test_subnets(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.1.0/24", AvailabilityZone="us-east-1b")["Subnet"]
    assert subnet["AvailableIpAddressCount"] == 251
    assert subnet["AvailabilityZoneId"] == "use1-az2"
    for cidr, expected in [
        ("10.20.1.128/25", "InvalidSubnet.Conflict"),
        ("10.21.0.0/24", "InvalidSubnet.Range"),
        ("10.20.2.0/29", "InvalidSubnet.Range"),
    ]:
        with pytest.raises(ClientError) as failure:
            ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)
        assert code(failure) == expected
    ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": True})
    (found,) = ec2.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"]
    assert found["MapPublicIpOnLaunch"] is True
    with pytest.raises(ClientError) as failure:
        ec2.delete_vpc(VpcId=vpc)
    assert code(failure) == "DependencyViolation"


def test_gateways_and_routes(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.1.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    with pytest.raises(ClientError) as failure:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    assert code(failure) == "InvalidParameterValue"
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)["Return"]
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert found["Associations"][0]["SubnetId"] == subnet
    assert {route["DestinationCidrBlock"]: route["State"] for route in found["Routes"]} == {
        "10.20.0.0/16": "active",
        "0.0.0.0/0": "active",
    }
    with pytest.raises(ClientError) as failure:
        ec2.delete_route_table(RouteTableId=table)
    assert code(failure) == "DependencyViolation"
    elastic = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=elastic)["NatGateway"]["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat])
    (address,) = ec2.describe_addresses(AllocationIds=[elastic])["Addresses"]
    (described,) = ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"]
    assert described["NatGatewayAddresses"][0]["PublicIp"] == address["PublicIp"]
    assert described["NatGatewayAddresses"][0]["PrivateIp"].startswith("10.20.1.")
    with pytest.raises(ClientError) as failure:
        ec2.release_address(AllocationId=elastic)
    assert code(failure) == "InvalidIPAddress.InUse"
    ec2.delete_nat_gateway(NatGatewayId=nat)
    (described,) = ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"]
    assert described["State"] == "deleted"
    ec2.release_address(AllocationId=elastic)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    with pytest.raises(ClientError) as failure:
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    assert code(failure) == "InvalidRoute.NotFound"
    ec2.disassociate_route_table(AssociationId=association)


def test_security_groups(ec2, vpc):
    web = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    db = ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc)["GroupId"]
    permission = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": web}]}
    (rule,) = ec2.authorize_security_group_ingress(GroupId=db, IpPermissions=[permission])["SecurityGroupRules"]
    assert re.fullmatch("sgr-[0-9a-f]{17}", rule["SecurityGroupRuleId"])
    assert rule["ReferencedGroupInfo"]["GroupId"] == web
    with pytest.raises(ClientError) as failure:
        ec2.authorize_security_group_ingress(GroupId=db, IpPermissions=[permission])
    assert code(failure) == "InvalidPermission.Duplicate"
    ranges = [{"CidrIp": "10.0.0.0/8", "Description": "a"}, {"CidrIp": "192.168.0.0/16"}]
    ec2.authorize_security_group_ingress(
        GroupId=web, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": ranges}]
    )
    (found,) = ec2.describe_security_groups(GroupIds=[web])["SecurityGroups"]
    assert sorted(each["CidrIp"] for each in found["IpPermissions"][0]["IpRanges"]) == ["10.0.0.0/8", "192.168.0.0/16"]
    with pytest.raises(ClientError) as failure:
        ec2.delete_security_group(GroupId=web)
    assert code(failure) == "DependencyViolation"
    with pytest.raises(ClientError) as failure:
        ec2.create_security_group(GroupName="web", Description="again", VpcId=vpc)
    assert code(failure) == "InvalidGroup.Duplicate"
    ec2.revoke_security_group_ingress(GroupId=db, IpPermissions=[permission])
    with pytest.raises(ClientError) as failure:
        ec2.revoke_security_group_ingress(GroupId=db, IpPermissions=[permission])
    assert code(failure) == "InvalidPermission.NotFound"


def test_tags_filters_and_pages(ec2, vpc):
    for i in range(5):
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{i}.0/24")["Subnet"]["SubnetId"]
        ec2.create_tags(Resources=[subnet], Tags=[{"Key": "tier", "Value": "app" if i % 2 else "db"}])
    here = {"Name": "vpc-id", "Values": [vpc]}
    found = ec2.describe_subnets(Filters=[here, {"Name": "tag:tier", "Values": ["a*"]}])["Subnets"]
    assert sorted(subnet["CidrBlock"] for subnet in found) == ["10.20.1.0/24", "10.20.3.0/24"]
    pages = ec2.get_paginator("describe_subnets").paginate(Filters=[here], PaginationConfig={"PageSize": 5})
    assert sum(len(page["Subnets"]) for page in pages) == 5
    with pytest.raises(ClientError) as failure:
        ec2.describe_subnets(Filters=[{"Name": "colour", "Values": ["red"]}])
    assert code(failure) == "InvalidParameterValue"
    ec2.delete_tags(Resources=[found[0]["SubnetId"]], Tags=[{"Key": "tier"}])
    (untagged,) = ec2.describe_subnets(SubnetIds=[found[0]["SubnetId"]])["Subnets"]
    assert untagged.get("Tags", []) == []


def test_regions(ec2):
    regions = ec2.describe_regions()["Regions"]
    assert {"us-east-1", "eu-central-1"} <= {each["RegionName"] for each in regions}
    assert {each["OptInStatus"] for each in regions} == {"opt-in-not-required"}
    everywhere = ec2.describe_regions(AllRegions=True)["Regions"]
    assert "not-opted-in" in {each["OptInStatus"] for each in everywhere} and len(everywhere) > len(regions)
    (one,) = ec2.describe_regions(RegionNames=["eu-west-1"])["Regions"]
    assert one["Endpoint"] == "ec2.eu-west-1.amazonaws.com"
    with pytest.raises(ClientError) as failure:
        ec2.describe_regions(RegionNames=["moon-1"])
    assert code(failure) == "InvalidParameterValue"


def here(vpc):
    return [{"Name": "vpc-id", "Values": [vpc]}]


def empty_default_vpc(ec2, vpc):
    for subnet in ec2.describe_subnets(Filters=here(vpc))["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    attached = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])
    for gateway in attached["InternetGateways"]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])


def test_default_vpc(region):
    """Each region of an account has one; a deleted one stays deleted until it is made again."""
    ec2 = region.client("ec2", region="eu-north-1")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    assert (vpc["CidrBlock"], vpc["State"]) == ("172.31.0.0/16", "available")
    hostnames = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsHostnames")
    assert hostnames["EnableDnsHostnames"] == {"Value": True}
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    assert sorted((each["AvailabilityZone"], each["CidrBlock"]) for each in subnets) == [
        ("eu-north-1a", "172.31.0.0/20"),
        ("eu-north-1b", "172.31.16.0/20"),
        ("eu-north-1c", "172.31.32.0/20"),
    ]
    assert all(each["MapPublicIpOnLaunch"] and each["AvailableIpAddressCount"] == 4091 for each in subnets)
    (table,) = ec2.describe_route_tables(Filters=here(vpc["VpcId"]))["RouteTables"]
    assert [route["DestinationCidrBlock"] for route in table["Routes"]] == ["172.31.0.0/16", "0.0.0.0/0"]
    assert table["Routes"][1]["GatewayId"].startswith("igw-") and table["Routes"][1]["State"] == "active"
    group = ec2.create_security_group(GroupName="without-vpc", Description="in the default one")["GroupId"]
    (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert found["VpcId"] == vpc["VpcId"]
    ec2.delete_security_group(GroupId=group)
    attributes = ec2.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    assert attributes[0]["AttributeValues"] == [{"AttributeValue": vpc["VpcId"]}]
    with pytest.raises(ClientError) as failure:
        ec2.create_default_vpc()
    assert code(failure) == "DefaultVpcAlreadyExists"
    with pytest.raises(ClientError) as failure:
        ec2.create_default_subnet(AvailabilityZone="eu-north-1b")
    assert code(failure) == "DefaultSubnetAlreadyExistsInAvailabilityZone"

    empty_default_vpc(ec2, vpc["VpcId"])
    made = ec2.create_default_subnet(AvailabilityZone="eu-north-1c")["Subnet"]
    assert (made["CidrBlock"], made["DefaultForAz"]) == ("172.31.0.0/20", True)
    ec2.delete_subnet(SubnetId=made["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    assert ec2.describe_vpcs()["Vpcs"] == []
    with pytest.raises(ClientError) as failure:
        ec2.create_security_group(GroupName="without-vpc", Description="nowhere")
    assert code(failure) == "VPCIdNotSpecified"
    with pytest.raises(ClientError) as failure:
        ec2.create_default_subnet(AvailabilityZone="eu-north-1b")
    assert code(failure) == "DefaultVpcDoesNotExist"
    again = ec2.create_default_vpc()["Vpc"]
    assert again["IsDefault"] and again["VpcId"] != vpc["VpcId"]
    assert len(ec2.describe_subnets(Filters=here(again["VpcId"]))["Subnets"]) == 3


def test_default_vpc_survives_a_restart(tmp_path):
    region = Region(tmp_path / "home")
    for _ in range(2):
        up = region.run("up", "--no-glass")
        assert up.returncode == 0, up.stderr
        assert len(region.client("ec2").describe_vpcs()["Vpcs"]) == 1
        region.run("down")
    region.run("down", "--purge")


def test_more_blocks(ec2, vpc):
    """A second block: subnets in it, and local routes to it in old and new tables."""
    tables = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]]
    made = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.30.0.0/16")["CidrBlockAssociation"]
    assert made["CidrBlockState"]["State"] == "associated"
    tables.append(ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"])
    for table in ec2.describe_route_tables(RouteTableIds=tables)["RouteTables"]:
        local = {route["DestinationCidrBlock"] for route in table["Routes"] if route["GatewayId"] == "local"}
        assert local == {"10.20.0.0/16", "10.30.0.0/16"}
    (found,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert [each["CidrBlock"] for each in found["CidrBlockAssociationSet"]] == ["10.20.0.0/16", "10.30.0.0/16"]
    assert found["CidrBlock"] == "10.20.0.0/16"
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.30.1.0/24")["Subnet"]["SubnetId"]
    for cidr, expected in (("10.30.128.0/17", "CidrConflict"), ("10.40.0.0/8", "InvalidVpc.Range")):
        with pytest.raises(ClientError) as failure:
            ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=cidr)
        assert code(failure) == expected
    with pytest.raises(ClientError) as failure:
        ec2.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])
    assert code(failure) == "InvalidCidrBlock.InUse"
    with pytest.raises(ClientError) as failure:
        ec2.disassociate_vpc_cidr_block(AssociationId=found["CidrBlockAssociationSet"][0]["AssociationId"])
    assert code(failure) == "OperationNotPermitted"
    ec2.delete_subnet(SubnetId=subnet)
    gone = ec2.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])["CidrBlockAssociation"]
    assert gone["CidrBlockState"]["State"] == "disassociated"
    (table,) = ec2.describe_route_tables(RouteTableIds=tables[:1])["RouteTables"]
    assert [route["DestinationCidrBlock"] for route in table["Routes"]] == ["10.20.0.0/16"]


def test_descriptions_of_rules(ec2, vpc):
    group = ec2.create_security_group(GroupName="told", Description="x", VpcId=vpc)["GroupId"]
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    (rule,) = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])["SecurityGroupRules"]
    told = dict(permission, IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": "from inside"}])
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[told])
    (found,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])["SecurityGroupRules"]
    assert found["Description"] == "from inside"
    ec2.update_security_group_rule_descriptions_ingress(
        GroupId=group,
        SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "Description": "again"}],
    )
    (group_now,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert group_now["IpPermissions"][0]["IpRanges"][0]["Description"] == "again"
    with pytest.raises(ClientError) as failure:
        ec2.update_security_group_rule_descriptions_egress(GroupId=group, IpPermissions=[dict(told, FromPort=81, ToPort=81)])
    assert code(failure) == "InvalidPermission.NotFound"
