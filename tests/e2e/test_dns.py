"""Names inside a VPC, asked by busybox's nslookup from its namespace."""

import re

import pytest
from conftest import wait_until

RESOLVERS = ("10.20.0.2", "169.254.169.253")


@pytest.fixture(scope="module")
def vpc(region):
    ec2 = region.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.1.0/24")
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    wait_until(lambda: lookup(region, vpc, "localhost"), "the VPC has a resolver")
    yield vpc
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc)


def ask(region, vpc, name, kind="a", server=RESOLVERS[0]):
    return region.inside(vpc, "busybox", "nslookup", f"-type={kind}", name, server).stdout


def lookup(region, vpc, name, server=RESOLVERS[0]):
    """The addresses, sorted."""
    answer = ask(region, vpc, name, server=server).partition("\n\n")[2]
    return sorted(re.findall(r"^Address(?: \d+)?: (\S+)", answer, re.MULTILINE))


@pytest.mark.parametrize("server", RESOLVERS)
@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("ip-10-20-1-5.ec2.internal", ["10.20.1.5"]),
        ("IP-10-20-1-5.ec2.INTERNAL", ["10.20.1.5"]),
        ("ip-10-99-1-5.ec2.internal", []),
        ("ecs.us-east-1.amazonaws.com", ["169.254.170.2"]),
        ("000000000000.dkr.ecr.us-east-1.amazonaws.com", ["169.254.170.2"]),
        ("localhost", ["127.0.0.1"]),
    ],
)
def test_the_vpcs_own_names(region, vpc, server, name, addresses):
    assert lookup(region, vpc, name, server) == addresses


def test_reverse(region, vpc):
    assert "name = ip-10-20-1-5.ec2.internal" in ask(region, vpc, "5.1.20.10.in-addr.arpa", "ptr")


def test_a_public_name_leads_to_the_private_address(region, vpc):
    ec2 = region.client("ec2")
    here = [{"Name": "vpc-id", "Values": [vpc]}]
    subnet = ec2.describe_subnets(Filters=here)["Subnets"][0]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc")
    made = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"])["NatGateway"]["NatGatewayId"]

    def nat():
        (found,) = ec2.describe_nat_gateways(NatGatewayIds=[made])["NatGateways"]
        return found

    try:
        wait_until(lambda: nat()["State"] == "available", "the NAT gateway is there")
        private = nat()["NatGatewayAddresses"][0]["PrivateIp"]
        dashed = address["PublicIp"].replace(".", "-")
        assert lookup(region, vpc, f"ec2-{dashed}.compute-1.amazonaws.com") == [private]
        assert lookup(region, vpc, "ec2-203-0-113-200.compute-1.amazonaws.com") == ["203.0.113.200"]
        backwards = ".".join(reversed(address["PublicIp"].split(".")))
        assert f"name = ec2-{dashed}.compute-1.amazonaws.com" in ask(region, vpc, f"{backwards}.in-addr.arpa", "ptr")
    finally:
        ec2.delete_nat_gateway(NatGatewayId=made)
        wait_until(lambda: nat()["State"] == "deleted", "the NAT gateway is gone")
        ec2.release_address(AllocationId=address["AllocationId"])
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway)


@pytest.fixture
def namespace(region, vpc):
    cloud_map = region.client("servicediscovery")
    made = cloud_map.create_private_dns_namespace(Name="Shop.internal", Vpc=vpc)
    namespace = cloud_map.get_operation(OperationId=made["OperationId"])["Operation"]["Targets"]["NAMESPACE"]
    yield namespace
    for service in cloud_map.list_services(Filters=[{"Name": "NAMESPACE_ID", "Values": [namespace]}])["Services"]:
        for instance in cloud_map.list_instances(ServiceId=service["Id"])["Instances"]:
            cloud_map.deregister_instance(ServiceId=service["Id"], InstanceId=instance["Id"])
        cloud_map.delete_service(Id=service["Id"])
    cloud_map.delete_namespace(Id=namespace)


def create_service(cloud_map, namespace, name, kind="A", policy="MULTIVALUE"):
    config = {"RoutingPolicy": policy, "DnsRecords": [{"Type": kind, "TTL": 5}]}
    return cloud_map.create_service(
        Name=name, NamespaceId=namespace, DnsConfig=config, HealthCheckCustomConfig={"FailureThreshold": 1}
    )["Service"]["Id"]


def test_a_service_and_its_health(region, vpc, namespace):
    cloud_map = region.client("servicediscovery")
    web = create_service(cloud_map, namespace, "web")
    assert "NXDOMAIN" in ask(region, vpc, "web.shop.internal")
    for number in (1, 2):
        cloud_map.register_instance(
            ServiceId=web, InstanceId=f"i{number}", Attributes={"AWS_INSTANCE_IPV4": f"10.20.1.{number}"}
        )
    assert lookup(region, vpc, "web.shop.internal") == ["10.20.1.1", "10.20.1.2"]
    cloud_map.update_instance_custom_health_status(ServiceId=web, InstanceId="i1", Status="UNHEALTHY")
    assert lookup(region, vpc, "web.shop.internal") == ["10.20.1.2"]
    cloud_map.update_instance_custom_health_status(ServiceId=web, InstanceId="i2", Status="UNHEALTHY")
    assert lookup(region, vpc, "web.shop.internal") == ["10.20.1.1", "10.20.1.2"]
    assert "NXDOMAIN" in ask(region, vpc, "other.shop.internal")
    assert "NXDOMAIN" not in ask(region, vpc, "shop.internal")
    # The name is there, but has no such record.
    six = ask(region, vpc, "web.shop.internal", "aaaa")
    assert "NXDOMAIN" not in six
    assert "10.20.1" not in six.partition("\n\n")[2]


def test_eight_answers_at_most_and_one_of_weighted(region, vpc, namespace):
    cloud_map = region.client("servicediscovery")
    many, one = (create_service(cloud_map, namespace, *each) for each in (["many"], ["one", "A", "WEIGHTED"]))
    for service in (many, one):
        for number in range(1, 13):
            cloud_map.register_instance(
                ServiceId=service, InstanceId=f"i{number}", Attributes={"AWS_INSTANCE_IPV4": f"10.20.1.{number}"}
            )
    seen = [lookup(region, vpc, "many.shop.internal") for _ in range(10)]
    assert {len(set(each)) for each in seen} == {8}
    assert len(set().union(*seen)) > 8
    seen = [lookup(region, vpc, "one.shop.internal") for _ in range(12)]
    assert {len(each) for each in seen} == {1}
    assert len({each[0] for each in seen}) > 1


def test_srv(region, vpc, namespace):
    cloud_map = region.client("servicediscovery")
    api = create_service(cloud_map, namespace, "api", "SRV")
    cloud_map.register_instance(
        ServiceId=api, InstanceId="Task-1", Attributes={"AWS_INSTANCE_IPV4": "10.20.1.7", "AWS_INSTANCE_PORT": "8080"}
    )
    answer = ask(region, vpc, "api.shop.internal", "srv")
    assert "1 1 8080 task-1.api.shop.internal" in answer.lower()
    assert lookup(region, vpc, "task-1.api.shop.internal") == ["10.20.1.7"]


def test_another_vpc_does_not_see_it(region, vpc, namespace):
    cloud_map, ec2 = region.client("servicediscovery"), region.client("ec2")
    web = create_service(cloud_map, namespace, "web")
    cloud_map.register_instance(ServiceId=web, InstanceId="i", Attributes={"AWS_INSTANCE_IPV4": "10.20.1.1"})
    other = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    try:
        ec2.modify_vpc_attribute(VpcId=other, EnableDnsHostnames={"Value": True})
        wait_until(lambda: lookup(region, other, "localhost"), "the other VPC has a resolver")
        assert lookup(region, vpc, "web.shop.internal") == ["10.20.1.1"]
        assert lookup(region, other, "web.shop.internal") == []
    finally:
        ec2.delete_vpc(VpcId=other)


def test_without_hostnames_private_names_are_not_answered(region, vpc, namespace):
    cloud_map, ec2 = region.client("servicediscovery"), region.client("ec2")
    web = create_service(cloud_map, namespace, "web")
    cloud_map.register_instance(ServiceId=web, InstanceId="i", Attributes={"AWS_INSTANCE_IPV4": "10.20.1.1"})
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    try:
        assert lookup(region, vpc, "web.shop.internal") == []
    finally:
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert lookup(region, vpc, "web.shop.internal") == ["10.20.1.1"]


def test_without_dns_support_nobody_answers(region, vpc):
    ec2 = region.client("ec2")
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
    try:
        wait_until(lambda: not lookup(region, vpc, "localhost"), "the resolver is gone")
    finally:
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})
    wait_until(lambda: lookup(region, vpc, "localhost"), "the resolver is back")
