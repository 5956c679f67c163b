"""Elastic Load Balancing: balancers, listeners, rules, target groups and targets."""

import re

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def elb(region):
    return region.client("elbv2")


@pytest.fixture(scope="module")
def network(region):
    ec2 = region.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.60.{i}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for i, zone in enumerate("abb")
    ]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    group = ec2.create_security_group(GroupName="elb", Description="elb", VpcId=vpc)["GroupId"]
    return {"vpc": vpc, "subnets": subnets, "group": group, "gateway": gateway}


def code(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def forward(arn):
    return [{"Type": "forward", "TargetGroupArn": arn}]


@pytest.fixture
def group(elb, network):
    made = elb.create_target_group(
        Name="web", Protocol="HTTP", Port=3000, VpcId=network["vpc"], TargetType="ip", HealthCheckPath="/health"
    )["TargetGroups"][0]
    yield made
    elb.delete_target_group(TargetGroupArn=made["TargetGroupArn"])


@pytest.fixture
def balancer(elb, network, group):
    made = elb.create_load_balancer(
        Name="web", Subnets=network["subnets"][:2], SecurityGroups=[network["group"]], Tags=[{"Key": "a", "Value": "1"}]
    )["LoadBalancers"][0]
    yield made
    elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])


@pytest.fixture
def listener(elb, balancer, group):
    return elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Port=80,
        Protocol="HTTP",
        DefaultActions=forward(group["TargetGroupArn"]),
    )["Listeners"][0]


def test_balancer(region, elb, network, balancer):
    ec2 = region.client("ec2")
    arn = balancer["LoadBalancerArn"]
    found = re.fullmatch(
        r"arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/(app/web/[0-9a-f]{16})", arn
    )
    assert found
    assert re.fullmatch(r"web-[0-9]+\.us-east-1\.elb\.localhost(:[0-9]+)?", balancer["DNSName"])
    assert balancer["Type"] == "application" and balancer["Scheme"] == "internet-facing"
    elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    (seen,) = elb.describe_load_balancers(Names=["web"])["LoadBalancers"]
    assert seen["DNSName"] == balancer["DNSName"]
    assert [zone["ZoneName"] for zone in seen["AvailabilityZones"]] == ["us-east-1a", "us-east-1b"]
    filters = [
        {"Name": "attachment.instance-owner-id", "Values": ["amazon-elb"]},
        {"Name": "description", "Values": ["ELB " + found[1]]},
    ]
    interfaces = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert {each["SubnetId"] for each in interfaces} == set(network["subnets"][:2])
    assert all(each["Groups"][0]["GroupId"] == network["group"] for each in interfaces)
    assert elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"] == [{"Key": "a", "Value": "1"}]
    elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 3})
    assert ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"] == []
    assert code(elb.describe_load_balancers, Names=["web"]) == "LoadBalancerNotFound"


def test_balancer_refusals(elb, network, balancer):
    subnets = network["subnets"]
    create = elb.create_load_balancer
    assert code(create, Name="web", Subnets=subnets[:2], Scheme="internal") == "DuplicateLoadBalancerName"
    assert code(create, Name="one", Subnets=subnets[:1]) == "ValidationError"
    assert code(create, Name="same", Subnets=subnets[1:]) == "InvalidConfigurationRequest"
    assert code(create, Name="none", Subnets=["subnet-00000000000000000", subnets[0]]) == "SubnetNotFound"
    assert code(create, Name="-x", Subnets=subnets[:2]) == "ValidationError"
    assert code(create, Name="nlb", Subnets=subnets[:2], Type="network") == "InvalidConfigurationRequest"
    assert code(elb.describe_load_balancers, LoadBalancerArns=["arn:aws:s3:::x"]) == "ValidationError"
    again = create(Name="web", Subnets=subnets[:2], SecurityGroups=[network["group"]])["LoadBalancers"][0]
    assert again["LoadBalancerArn"] == balancer["LoadBalancerArn"]


def test_balancer_attributes(elb, balancer):
    arn = balancer["LoadBalancerArn"]

    def attributes():
        all_of_them = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        return {each["Key"]: each["Value"] for each in all_of_them}

    def modify(key, value):
        return elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": value}])

    assert attributes()["idle_timeout.timeout_seconds"] == "60"
    modify("idle_timeout.timeout_seconds", "120")
    assert attributes()["idle_timeout.timeout_seconds"] == "120"
    with pytest.raises(ClientError, match="attribute key 'a.b' is not recognized"):
        modify("a.b", "1")
    with pytest.raises(ClientError, match="does not support the value 'true' of the attribute 'access_logs.s3.enabled'"):
        modify("access_logs.s3.enabled", "true")
    modify("deletion_protection.enabled", "true")
    assert code(elb.delete_load_balancer, LoadBalancerArn=arn) == "OperationNotPermitted"
    modify("deletion_protection.enabled", "false")


def test_balancer_changes(region, elb, network, balancer):
    arn = balancer["LoadBalancerArn"]
    ec2 = region.client("ec2")
    other = ec2.create_security_group(GroupName="elb2", Description="x", VpcId=network["vpc"])["GroupId"]
    assert elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[other])["SecurityGroupIds"] == [other]
    elb.set_subnets(LoadBalancerArn=arn, Subnets=[network["subnets"][0], network["subnets"][2]])
    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [other]}])["NetworkInterfaces"]
    assert {each["SubnetId"] for each in interfaces} == {network["subnets"][0], network["subnets"][2]}
    assert code(elb.set_ip_address_type, LoadBalancerArn=arn, IpAddressType="dualstack") == "InvalidConfigurationRequest"
    assert elb.describe_capacity_reservation(LoadBalancerArn=arn)["CapacityReservationState"] == []


def test_listener(elb, group, balancer, listener):
    arn = listener["ListenerArn"]
    (action,) = listener["DefaultActions"]
    assert action["TargetGroupArn"] == group["TargetGroupArn"]
    assert action["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": group["TargetGroupArn"], "Weight": 1}]
    assert action["Order"] == 1
    (seen,) = elb.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])["TargetGroups"]
    assert seen["LoadBalancerArns"] == [balancer["LoadBalancerArn"]]
    assert code(elb.delete_target_group, TargetGroupArn=group["TargetGroupArn"]) == "ResourceInUse"
    create = dict(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP")
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    assert code(elb.create_listener, Port=80, DefaultActions=fixed, **create) == "DuplicateListener"
    assert code(elb.create_listener, Port=81, DefaultActions=forward(group["TargetGroupArn"][:-1] + "x"), **create) == (
        "TargetGroupNotFound"
    )
    loop = [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}]
    assert code(elb.create_listener, Port=81, DefaultActions=loop, **create) == "InvalidLoadBalancerAction"
    changed = elb.modify_listener(ListenerArn=arn, Port=8080, DefaultActions=fixed)["Listeners"][0]
    assert changed["Port"] == 8080 and changed["DefaultActions"][0]["Type"] == "fixed-response"
    (rule,) = elb.describe_rules(ListenerArn=arn)["Rules"]
    assert rule["IsDefault"] and rule["Priority"] == "default" and rule["Actions"][0]["Type"] == "fixed-response"
    elb.delete_listener(ListenerArn=arn)
    assert code(elb.describe_listeners, ListenerArns=[arn]) == "ListenerNotFound"
    assert code(elb.delete_rule, RuleArn=rule["RuleArn"]) == "RuleNotFound"


def test_rules(elb, group, listener):
    arn = listener["ListenerArn"]

    def create(priority, *conditions):
        return elb.create_rule(
            ListenerArn=arn,
            Priority=priority,
            Conditions=list(conditions),
            Actions=forward(group["TargetGroupArn"]),
        )["Rules"][0]

    old = create(20, {"Field": "path-pattern", "Values": ["/api/*"]})
    assert old["Conditions"][0]["PathPatternConfig"] == {"Values": ["/api/*"]}
    assert old["Priority"] == "20"
    new = create(
        3,
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example.com"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "1"}]}},
    )
    assert new["Conditions"][0]["Values"] == ["a.example.com"]
    assert [each["Priority"] for each in elb.describe_rules(ListenerArn=arn)["Rules"]] == ["3", "20", "default"]
    with pytest.raises(ClientError, match="PriorityInUse"):
        create(3, {"Field": "path-pattern", "Values": ["/"]})
    with pytest.raises(ClientError, match="at most '5' condition values"):
        create(4, {"Field": "path-pattern", "Values": [f"/{i}" for i in range(6)]})
    elb.set_rule_priorities(
        RulePriorities=[{"RuleArn": old["RuleArn"], "Priority": 3}, {"RuleArn": new["RuleArn"], "Priority": 20}]
    )
    assert elb.describe_rules(RuleArns=[old["RuleArn"]])["Rules"][0]["Priority"] == "3"
    changed = elb.modify_rule(RuleArn=old["RuleArn"], Conditions=[{"Field": "path-pattern", "Values": ["/v2/*"]}])
    assert changed["Rules"][0]["Conditions"][0]["Values"] == ["/v2/*"]
    default = elb.describe_rules(ListenerArn=arn)["Rules"][-1]["RuleArn"]
    assert code(elb.delete_rule, RuleArn=default) == "OperationNotPermitted"
    elb.delete_rule(RuleArn=old["RuleArn"])
    assert code(elb.describe_rules, RuleArns=[old["RuleArn"]]) == "RuleNotFound"


def test_target_group(elb, network, group):
    arn = group["TargetGroupArn"]
    assert group["HealthCheckPort"] == "traffic-port" and group["Matcher"] == {"HttpCode": "200"}
    assert group["HealthCheckPath"] == "/health" and group["HealthyThresholdCount"] == 5
    create = dict(Name="web", Protocol="HTTP", VpcId=network["vpc"], TargetType="ip")
    assert code(elb.create_target_group, Port=1, **create) == "DuplicateTargetGroupName"
    same = elb.create_target_group(Port=3000, HealthCheckPath="/health", **create)["TargetGroups"][0]
    assert same["TargetGroupArn"] == arn
    changed = elb.modify_target_group(TargetGroupArn=arn, HealthCheckIntervalSeconds=10, Matcher={"HttpCode": "200-299"})
    assert changed["TargetGroups"][0]["Matcher"] == {"HttpCode": "200-299"}
    assert code(elb.modify_target_group, TargetGroupArn=arn, Matcher={"HttpCode": "abc"}) == "ValidationError"
    assert code(elb.describe_target_groups, Names=["none"]) == "TargetGroupNotFound"
    assert code(elb.create_target_group, Name="i", Protocol="HTTP", Port=80, VpcId=network["vpc"]) == (
        "InvalidConfigurationRequest"
    )
    attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]
    after = elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)["Attributes"]
    assert attributes[0] in after
    assert {"Key": "stickiness.enabled", "Value": "false"} in after


def test_targets(elb, group, listener):
    arn = group["TargetGroupArn"]

    def health(**more):
        found = elb.describe_target_health(TargetGroupArn=arn, **more)["TargetHealthDescriptions"]
        return [(each["Target"]["Id"], each["Target"]["Port"], each["TargetHealth"]["State"]) for each in found]

    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.60.0.10"}, {"Id": "10.60.1.11", "Port": 81}])
    assert health() == [("10.60.0.10", 3000, "initial"), ("10.60.1.11", 81, "initial")]
    assert health(Targets=[{"Id": "10.60.0.99"}]) == [("10.60.0.99", 3000, "unused")]
    assert code(elb.register_targets, TargetGroupArn=arn, Targets=[{"Id": "i-1"}]) == "ValidationError"
    assert code(elb.register_targets, TargetGroupArn=arn, Targets=[{"Id": "10.61.0.1"}]) == "ValidationError"
    assert code(elb.deregister_targets, TargetGroupArn=arn, Targets=[{"Id": "10.60.0.99"}]) == "InvalidTarget"
    elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "10.60.0.10"}])
    assert health() == [("10.60.1.11", 81, "initial")]
    elb.delete_listener(ListenerArn=listener["ListenerArn"])
    assert health() == [("10.60.1.11", 81, "unused")]


def test_pages_and_tags(elb, network):
    arns = [
        elb.create_target_group(Name=f"page-{i}", Protocol="HTTP", Port=80, VpcId=network["vpc"], TargetType="ip")[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        for i in range(3)
    ]
    pages = elb.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 2})
    names = [group["TargetGroupName"] for page in pages for group in page["TargetGroups"]]
    assert sorted(name for name in names if name.startswith("page-")) == ["page-0", "page-1", "page-2"]
    elb.add_tags(ResourceArns=arns, Tags=[{"Key": "k", "Value": "v"}])
    elb.remove_tags(ResourceArns=arns[:1], TagKeys=["k"])
    tags = [each["Tags"] for each in elb.describe_tags(ResourceArns=arns)["TagDescriptions"]]
    assert tags == [[], [{"Key": "k", "Value": "v"}], [{"Key": "k", "Value": "v"}]]
    for arn in arns:
        elb.delete_target_group(TargetGroupArn=arn)
    assert code(elb.describe_tags, ResourceArns=arns) == "TargetGroupNotFound"
