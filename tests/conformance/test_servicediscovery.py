"""Cloud Map, by boto3, the aws command and our own engine."""

import json
import os
import subprocess
import time

import pytest
from botocore.exceptions import ClientError


def without_host_prefix(params, **_):
    """SDKs put "data-" before the host of DiscoverInstances, which loopback's names have not."""
    params["url"] = params["url"].replace("//data-", "//", 1)


@pytest.fixture
def cloud_map(region):
    client = region.client("servicediscovery")
    client.meta.events.register("before-call.servicediscovery", without_host_prefix)
    return client


@pytest.fixture
def vpc(region):
    ec2 = region.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/24")["Vpc"]["VpcId"]
    yield vpc
    ec2.delete_vpc(VpcId=vpc)


def target(cloud_map, answer, kind="NAMESPACE"):
    operation = cloud_map.get_operation(OperationId=answer["OperationId"])["Operation"]
    assert operation["Status"] == "SUCCESS", operation
    return operation["Targets"][kind]


@pytest.fixture
def namespace(cloud_map, vpc):
    made = target(cloud_map, cloud_map.create_private_dns_namespace(Name="shop.internal", Vpc=vpc))
    yield made
    for service in cloud_map.list_services(Filters=[{"Name": "NAMESPACE_ID", "Values": [made]}])["Services"]:
        for instance in cloud_map.list_instances(ServiceId=service["Id"])["Instances"]:
            cloud_map.deregister_instance(ServiceId=service["Id"], InstanceId=instance["Id"])
        cloud_map.delete_service(Id=service["Id"])
    cloud_map.delete_namespace(Id=made)


def code(failure):
    return failure.value.response["Error"]["Code"]


def service(cloud_map, namespace, name="web", **more):
    config = {"DnsRecords": [{"Type": "A", "TTL": 15}]}
    return cloud_map.create_service(
        Name=name, NamespaceId=namespace, DnsConfig=config, HealthCheckCustomConfig={"FailureThreshold": 1}, **more
    )["Service"]


def test_namespaces(cloud_map, namespace, vpc):
    got = cloud_map.get_namespace(Id=namespace)["Namespace"]
    assert got["Arn"] == f"arn:aws:servicediscovery:us-east-1:000000000000:namespace/{namespace}"
    assert got["Type"] == "DNS_PRIVATE"
    assert got["ServiceCount"] == 0
    assert got["Properties"]["DnsProperties"]["HostedZoneId"].startswith("Z")
    assert got["Properties"]["DnsProperties"]["SOA"] == {"TTL": 15}
    assert got["Properties"]["HttpProperties"] == {"HttpName": "shop.internal"}
    assert cloud_map.get_namespace(Id=got["Arn"])["Namespace"]["Id"] == namespace
    with pytest.raises(ClientError) as failure:
        cloud_map.create_private_dns_namespace(Name="Shop.Internal", Vpc=vpc)
    assert code(failure) == "NamespaceAlreadyExists"
    assert failure.value.response["NamespaceId"] == namespace
    cloud_map.update_private_dns_namespace(
        Id=namespace, Namespace={"Description": "d", "Properties": {"DnsProperties": {"SOA": {"TTL": 30}}}}
    )
    changed = cloud_map.get_namespace(Id=namespace)["Namespace"]
    assert changed["Description"] == "d"
    assert changed["Properties"]["DnsProperties"]["SOA"] == {"TTL": 30}
    assert changed["Properties"]["DnsProperties"]["HostedZoneId"] == got["Properties"]["DnsProperties"]["HostedZoneId"]
    with pytest.raises(ClientError) as failure:
        cloud_map.create_private_dns_namespace(Name="bad..name", Vpc=vpc)
    assert code(failure) == "InvalidInput"
    with pytest.raises(ClientError) as failure:
        cloud_map.get_namespace(Id="ns-none")
    assert code(failure) == "NamespaceNotFound"
    with pytest.raises(ClientError) as failure:
        cloud_map.create_public_dns_namespace(Name="example.com")
    assert code(failure) == "NotImplemented"


def test_vpc_that_is_not_there(cloud_map):
    answer = cloud_map.create_private_dns_namespace(Name="lost.internal", Vpc="vpc-0123456789abcdef0")
    operation = cloud_map.get_operation(OperationId=answer["OperationId"])["Operation"]
    assert operation["Status"] == "FAIL"
    assert operation["ErrorCode"] == "CANNOT_CREATE_HOSTED_ZONE"
    assert "vpc-0123456789abcdef0" in operation["ErrorMessage"]


def test_http_namespaces_and_idempotence(cloud_map):
    first = cloud_map.create_http_namespace(Name="api", CreatorRequestId="once", Tags=[{"Key": "a", "Value": "b"}])
    again = cloud_map.create_http_namespace(Name="api", CreatorRequestId="once")
    assert again["OperationId"] == first["OperationId"]
    namespace = target(cloud_map, first)
    with pytest.raises(ClientError) as failure:
        cloud_map.create_http_namespace(Name="api")
    assert code(failure) == "NamespaceAlreadyExists"
    with pytest.raises(ClientError) as failure:
        service(cloud_map, namespace)
    assert code(failure) == "InvalidInput"
    with pytest.raises(ClientError) as failure:
        cloud_map.update_private_dns_namespace(Id=namespace, Namespace={"Description": "d"})
    assert code(failure) == "InvalidInput"
    made = cloud_map.create_service(Name="Web", NamespaceId=namespace)["Service"]
    other = cloud_map.create_service(Name="web", NamespaceId=namespace)["Service"]
    assert made["Type"] == "HTTP"
    with pytest.raises(ClientError) as failure:
        cloud_map.delete_namespace(Id=namespace)
    assert code(failure) == "ResourceInUse"
    for each in (made, other):
        cloud_map.delete_service(Id=each["Id"])
    assert cloud_map.list_tags_for_resource(
        ResourceARN=f"arn:aws:servicediscovery:us-east-1:000000000000:namespace/{namespace}"
    )["Tags"] == [{"Key": "a", "Value": "b"}]
    deleted = cloud_map.delete_namespace(Id=namespace)
    assert target(cloud_map, deleted) == namespace
    with pytest.raises(ClientError) as failure:
        cloud_map.get_operation(OperationId="none")
    assert code(failure) == "OperationNotFound"


def test_lists(cloud_map, namespace):
    found = cloud_map.list_namespaces(
        Filters=[{"Name": "TYPE", "Values": ["DNS_PRIVATE"]}, {"Name": "NAME", "Values": ["shop.internal"]}]
    )["Namespaces"]
    assert [each["Id"] for each in found] == [namespace]
    begins = [{"Name": "HTTP_NAME", "Values": ["shop."], "Condition": "BEGINS_WITH"}]
    assert [each["Id"] for each in cloud_map.list_namespaces(Filters=begins)["Namespaces"]] == [namespace]
    with pytest.raises(ClientError) as failure:
        cloud_map.list_namespaces(Filters=[{"Name": "NAME", "Values": ["a", "b"]}])
    assert code(failure) == "InvalidInput"
    for name in "abc":
        service(cloud_map, namespace, name)
    pages = cloud_map.get_paginator("list_services").paginate(
        Filters=[{"Name": "NAMESPACE_ID", "Values": [namespace]}], PaginationConfig={"PageSize": 2}
    )
    pages = [sorted(each["Name"] for each in page["Services"]) for page in pages]
    assert [len(page) for page in pages] == [2, 1]
    assert sorted(sum(pages, [])) == ["a", "b", "c"]
    with pytest.raises(ClientError) as failure:
        cloud_map.list_services(NextToken="made up")
    assert code(failure) == "InvalidInput"
    now = int(time.time())
    operations = cloud_map.list_operations(
        Filters=[
            {"Name": "NAMESPACE_ID", "Values": [namespace]},
            {"Name": "STATUS", "Values": ["SUCCESS", "FAIL"], "Condition": "IN"},
            {"Name": "UPDATE_DATE", "Values": [str(now - 60), str(now + 60)], "Condition": "BETWEEN"},
        ]
    )["Operations"]
    assert [each["Status"] for each in operations] == ["SUCCESS"]


def test_services(cloud_map, namespace):
    made = service(cloud_map, namespace, CreatorRequestId="once", Description="d")
    assert made["DnsConfig"] == {
        "NamespaceId": namespace,
        "RoutingPolicy": "MULTIVALUE",
        "DnsRecords": [{"Type": "A", "TTL": 15}],
    }
    assert made["Type"] == "DNS_HTTP"
    assert made["HealthCheckCustomConfig"] == {"FailureThreshold": 1}
    assert service(cloud_map, namespace, CreatorRequestId="once")["Id"] == made["Id"]
    with pytest.raises(ClientError) as failure:
        service(cloud_map, namespace, "WEB")
    assert code(failure) == "ServiceAlreadyExists"
    assert failure.value.response["ServiceId"] == made["Id"]
    answer = cloud_map.update_service(
        Id=made["Id"], Service={"Description": "e", "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 5}]}}
    )
    assert target(cloud_map, answer, "SERVICE") == made["Id"]
    got = cloud_map.get_service(Id=made["Arn"])["Service"]
    assert got["Description"] == "e"
    assert got["DnsConfig"]["DnsRecords"] == [{"Type": "A", "TTL": 5}]
    with pytest.raises(ClientError) as failure:
        cloud_map.update_service(Id=made["Id"], Service={"DnsConfig": {"DnsRecords": [{"Type": "SRV", "TTL": 5}]}})
    assert code(failure) == "InvalidInput"
    cloud_map.tag_resource(ResourceARN=made["Arn"], Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
    cloud_map.untag_resource(ResourceARN=made["Arn"], TagKeys=["a"])
    assert cloud_map.list_tags_for_resource(ResourceARN=made["Arn"])["Tags"] == [{"Key": "c", "Value": "d"}]
    with pytest.raises(ClientError) as failure:
        cloud_map.tag_resource(ResourceARN=made["Arn"] + "x", Tags=[])
    assert code(failure) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("records", "more", "expected"),
    [
        (["A", "AAAA"], {}, None),
        (["SRV"], {}, None),
        (["SRV", "A"], {}, "InvalidInput"),
        (["A", "A"], {}, "InvalidInput"),
        ([], {}, "InvalidInput"),
        (["CNAME"], {}, "NotImplemented"),
        (["A"], {"Type": "HTTP"}, "InvalidInput"),
        (["A"], {"HealthCheckConfig": {"Type": "TCP"}}, "InvalidInput"),
        (["A"], {"NamespaceId": "ns-none"}, "NamespaceNotFound"),
    ],
)
def test_what_services_may_be(cloud_map, namespace, records, more, expected):
    request = {
        "Name": "web",
        "NamespaceId": namespace,
        "DnsConfig": {"DnsRecords": [{"Type": each, "TTL": 5} for each in records]},
        **more,
    }
    if expected is None:
        assert cloud_map.create_service(**request)["Service"]["Name"] == "web"
        return
    with pytest.raises(ClientError) as failure:
        cloud_map.create_service(**request)
    assert code(failure) == expected


def ids(answer):
    return sorted(each["InstanceId"] for each in answer["Instances"])


def test_instances(cloud_map, namespace):
    made = service(cloud_map, namespace)["Id"]

    def discover(**more):
        return cloud_map.discover_instances(NamespaceName="shop.internal", ServiceName="web", **more)

    assert discover()["Instances"] == []
    for number in (1, 2, 3):
        answer = cloud_map.register_instance(
            ServiceId=made,
            InstanceId=f"i{number}",
            Attributes={"AWS_INSTANCE_IPV4": f"10.77.0.{number}", "colour": "red" if number == 3 else "blue"},
        )
        assert target(cloud_map, answer, "INSTANCE") == f"i{number}"
    assert ids(discover()) == ["i1", "i2", "i3"]
    assert ids(discover(QueryParameters={"colour": "blue"})) == ["i1", "i2"]
    assert ids(discover(OptionalParameters={"colour": "red"})) == ["i3"]
    assert len(ids(discover(OptionalParameters={"colour": "green"}, MaxResults=2))) == 2
    cloud_map.update_instance_custom_health_status(ServiceId=made, InstanceId="i1", Status="UNHEALTHY")
    assert ids(discover()) == ["i2", "i3"]
    assert ids(discover(HealthStatus="UNHEALTHY")) == ["i1"]
    assert ids(discover(HealthStatus="ALL")) == ["i1", "i2", "i3"]
    assert ids(discover(QueryParameters={"AWS_INSTANCE_IPV4": "10.77.0.1"})) == []
    assert ids(
        discover(QueryParameters={"AWS_INSTANCE_IPV4": "10.77.0.1"}, HealthStatus="HEALTHY_OR_ELSE_ALL")
    ) == ["i1"]
    assert cloud_map.get_instances_health_status(ServiceId=made)["Status"] == {
        "i1": "UNHEALTHY",
        "i2": "HEALTHY",
        "i3": "HEALTHY",
    }
    page = cloud_map.get_instances_health_status(ServiceId=made, MaxResults=2)
    assert len(page["Status"]) == 2
    assert page["NextToken"]
    got = cloud_map.get_instance(ServiceId=made, InstanceId="i3")["Instance"]
    assert got["Attributes"]["colour"] == "red"
    assert cloud_map.get_service(Id=made)["Service"]["InstanceCount"] == 3
    with pytest.raises(ClientError) as failure:
        cloud_map.delete_service(Id=made)
    assert code(failure) == "ResourceInUse"
    cloud_map.deregister_instance(ServiceId=made, InstanceId="i3")
    for call in (cloud_map.get_instance, cloud_map.deregister_instance):
        with pytest.raises(ClientError) as failure:
            call(ServiceId=made, InstanceId="i3")
        assert code(failure) == "InstanceNotFound"
    with pytest.raises(ClientError) as failure:
        cloud_map.discover_instances(NamespaceName="shop.internal", ServiceName="none")
    assert code(failure) == "ServiceNotFound"
    with pytest.raises(ClientError) as failure:
        cloud_map.discover_instances(NamespaceName="none", ServiceName="web")
    assert code(failure) == "NamespaceNotFound"


def test_newer_calls(cloud_map, namespace):
    if not hasattr(cloud_map, "get_service_attributes"):
        pytest.skip("this boto3 is older than these calls")
    made = service(cloud_map, namespace)["Id"]
    cloud_map.update_service_attributes(ServiceId=made, Attributes={"port": "80", "x": "y"})
    cloud_map.delete_service_attributes(ServiceId=made, Attributes=["x"])
    attributes = cloud_map.get_service_attributes(ServiceId=made)["ServiceAttributes"]
    assert attributes["Attributes"] == {"port": "80"}

    def revision():
        return cloud_map.discover_instances_revision(NamespaceName="shop.internal", ServiceName="web")[
            "InstancesRevision"
        ]

    before = revision()
    cloud_map.register_instance(ServiceId=made, InstanceId="i", Attributes={"AWS_INSTANCE_IPV4": "10.77.0.1"})
    after = revision()
    assert after > before
    found = cloud_map.discover_instances(NamespaceName="shop.internal", ServiceName="web")
    assert found["InstancesRevision"] == after
    cloud_map.update_instance_custom_health_status(ServiceId=made, InstanceId="i", Status="UNHEALTHY")
    assert revision() > after


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"AWS_INSTANCE_IPV4": "10.0.0"},
        {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INIT_HEALTH_STATUS": "WELL"},
        {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "0"},
        {"AWS_INSTANCE_IPV4": "10.0.0.1", **{f"k{i}": "v" for i in range(30)}},
    ],
)
def test_bad_instances(cloud_map, namespace, attributes):
    made = service(cloud_map, namespace)["Id"]
    with pytest.raises(ClientError) as failure:
        cloud_map.register_instance(ServiceId=made, InstanceId="i", Attributes=attributes)
    assert code(failure) == "InvalidInput"


def test_health_that_is_not_kept(cloud_map, namespace):
    made = cloud_map.create_service(
        Name="web", NamespaceId=namespace, DnsConfig={"DnsRecords": [{"Type": "SRV", "TTL": 5}]}
    )["Service"]["Id"]
    with pytest.raises(ClientError) as failure:
        cloud_map.register_instance(ServiceId=made, InstanceId="i", Attributes={"AWS_INSTANCE_IPV4": "10.77.0.1"})
    assert code(failure) == "InvalidInput"
    cloud_map.register_instance(
        ServiceId=made, InstanceId="i", Attributes={"AWS_INSTANCE_IPV4": "10.77.0.1", "AWS_INSTANCE_PORT": "80"}
    )
    assert cloud_map.get_instances_health_status(ServiceId=made, Instances=["i"])["Status"] == {"i": "UNKNOWN"}
    with pytest.raises(ClientError) as failure:
        cloud_map.update_instance_custom_health_status(ServiceId=made, InstanceId="i", Status="HEALTHY")
    assert code(failure) == "CustomHealthNotFound"
    found = cloud_map.discover_instances(NamespaceName="shop.internal", ServiceName="web")["Instances"]
    assert [each["InstanceId"] for each in found] == ["i"]


def test_aws_command(region, cloud_map, namespace):
    """With the settings of `terrarium env` the aws command needs nothing else."""
    made = service(cloud_map, namespace)["Id"]
    cloud_map.register_instance(ServiceId=made, InstanceId="i", Attributes={"AWS_INSTANCE_IPV4": "10.77.0.1"})
    exports = [line.removeprefix("export ") for line in region.run("env").stdout.splitlines()]
    settings = dict(line.split("=", 1) for line in exports)
    done = subprocess.run(
        ["aws", "--endpoint-url", region.url, "servicediscovery", "discover-instances"]
        + ["--namespace-name", "shop.internal", "--service-name", "web"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "data-127.0.0.1" in done.stderr:
        pytest.skip("this aws command is older than AWS_DISABLE_HOST_PREFIX_INJECTION")
    assert done.returncode == 0, done.stderr
    assert [each["InstanceId"] for each in json.loads(done.stdout)["Instances"]] == ["i"]


TYPES = """
resource "aws_vpc" "main" { cidr_block = "10.78.0.0/24" }
resource "aws_service_discovery_private_dns_namespace" "main" {
  name        = "tf.internal"
  description = "DESCRIPTION"
  vpc         = aws_vpc.main.id
  tags        = { Name = "main" }
}
resource "aws_service_discovery_service" "backend" {
  name          = "backend"
  description   = "DESCRIPTION"
  force_destroy = true
  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.main.id
    routing_policy = "WEIGHTED"
    dns_records {
      type = "A"
      ttl  = SECONDS
    }
  }
  health_check_custom_config { failure_threshold = 1 }
}
resource "aws_service_discovery_instance" "first" {
  instance_id = "first"
  service_id  = aws_service_discovery_service.backend.id
  attributes  = { AWS_INSTANCE_IPV4 = "10.78.0.9", colour = "DESCRIPTION" }
}
resource "aws_service_discovery_http_namespace" "api" {
  name        = "tf-api"
  description = "DESCRIPTION"
}
resource "aws_service_discovery_service" "api" {
  name         = "web"
  namespace_id = aws_service_discovery_http_namespace.api.id
}
data "aws_service_discovery_dns_namespace" "main" {
  name       = aws_service_discovery_private_dns_namespace.main.name
  type       = "DNS_PRIVATE"
  depends_on = [aws_service_discovery_private_dns_namespace.main]
}
data "aws_service_discovery_http_namespace" "api" {
  name       = aws_service_discovery_http_namespace.api.name
  depends_on = [aws_service_discovery_http_namespace.api]
}
data "aws_service_discovery_service" "backend" {
  name         = aws_service_discovery_service.backend.name
  namespace_id = aws_service_discovery_private_dns_namespace.main.id
  depends_on   = [aws_service_discovery_service.backend]
}
output "answers" {
  value = {
    zone   = aws_service_discovery_private_dns_namespace.main.hosted_zone
    same   = data.aws_service_discovery_dns_namespace.main.hosted_zone
    tags   = data.aws_service_discovery_dns_namespace.main.tags
    http   = data.aws_service_discovery_http_namespace.api.http_name
    ttl    = data.aws_service_discovery_service.backend.dns_config[0].dns_records[0].ttl
    type   = aws_service_discovery_service.backend.type
    api    = aws_service_discovery_service.api.type
    health = data.aws_service_discovery_service.backend.health_check_custom_config[0].failure_threshold
    id     = aws_service_discovery_service.backend.id
  }
}
"""

def test_types(region, cloud_map, tmp_path):
    def run(*arguments, code=0):
        done = subprocess.run(
            [region.terrarium, *arguments],
            cwd=tmp_path,
            env=region.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def configure(description, seconds):
        text = TYPES.replace("DESCRIPTION", description).replace("SECONDS", str(seconds))
        (tmp_path / "main.tf").write_text(text)

    configure("one", 15)
    run("apply", "-auto-approve")
    answers = json.loads(run("output", "-json", "answers"))
    assert answers["zone"] == answers["same"] != ""
    assert answers["tags"] == {"Name": "main"}
    assert (answers["http"], answers["ttl"], answers["health"]) == ("tf-api", 15, 1)
    assert (answers["type"], answers["api"]) == ("DNS_HTTP", "HTTP")
    assert "No changes." in run("plan", "-detailed-exitcode")
    configure("two", 5)
    assert "0 added, 4 changed, 0 destroyed" in run("apply", "-auto-approve")
    assert "No changes." in run("plan", "-detailed-exitcode")
    backend = cloud_map.get_service(Id=answers["id"])["Service"]
    assert backend["DnsConfig"]["DnsRecords"] == [{"Type": "A", "TTL": 5}]
    assert backend["DnsConfig"]["RoutingPolicy"] == "WEIGHTED"
    first = cloud_map.get_instance(ServiceId=answers["id"], InstanceId="first")["Instance"]
    assert first["Attributes"] == {"AWS_INSTANCE_IPV4": "10.78.0.9", "colour": "two"}
    # force_destroy takes along what others registered.
    cloud_map.register_instance(
        ServiceId=answers["id"], InstanceId="other", Attributes={"AWS_INSTANCE_IPV4": "10.78.0.10"}
    )
    run("destroy", "-auto-approve")
    left = [each["Name"] for each in cloud_map.list_namespaces()["Namespaces"]]
    assert not {"tf.internal", "tf-api"} & set(left)


def test_types_refuse(region, tmp_path):
    def plan(text):
        (tmp_path / "main.tf").write_text(text)
        done = subprocess.run(
            [region.terrarium, "plan"],
            cwd=tmp_path,
            env=region.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        return done.stdout + done.stderr

    refused = plan("""
resource "aws_service_discovery_service" "x" {
  name         = "x"
  namespace_id = "ns-0"
  health_check_config { type = "HTTP" }
}
""")
    assert "health_check_custom_config" in refused
