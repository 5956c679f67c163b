"""A configuration in JSON syntax, whose nested blocks only the schemas tell, applied to the region."""

import json

CONFIG = {
    "provider": {"aws": [{"region": "us-east-1", "default_tags": {"tags": {"Owner": "json"}}}]},
    "variable": {"ports": {"type": "list(number)", "default": [80, 443]}},
    "resource": {
        "aws_vpc": {"main": {"cidr_block": "10.78.0.0/24", "tags": {"Name": "${upper(\"json\")}"}}},
        "aws_security_group": {
            "blocks": {
                "name": "json-blocks",
                "vpc_id": "${aws_vpc.main.id}",
                "ingress": [{"from_port": 22, "to_port": 22, "protocol": "tcp", "cidr_blocks": ["10.0.0.0/8"]}],
                "egress": {"from_port": 0, "to_port": 0, "protocol": "-1", "cidr_blocks": ["0.0.0.0/0"]},
                "lifecycle": {"create_before_destroy": True},
            },
            "dynamic": {
                "name": "json-dynamic",
                "vpc_id": "${aws_vpc.main.id}",
                "dynamic": {
                    "ingress": {
                        "for_each": "${toset(var.ports)}",
                        "iterator": "port",
                        "content": {
                            "from_port": "${port.value}",
                            "to_port": "${port.value}",
                            "protocol": "tcp",
                            "security_groups": ["${aws_security_group.blocks.id}"],
                        },
                    }
                },
            },
        },
    },
    "output": {"vpc": {"value": "${aws_vpc.main.id}"}},
}


def ports(region, vpc, name):
    groups = region.client("ec2").describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": [name]}]
    )["SecurityGroups"]
    return sorted(rule["FromPort"] for rule in groups[0]["IpPermissions"])


def test_json_configuration(terrarium, region, tmp_path):
    path = tmp_path / "main.tf.json"
    path.write_text(json.dumps(CONFIG, indent=2))
    terrarium("apply", "-auto-approve")
    vpc = json.loads(terrarium("output", "-json", "vpc"))
    tags = region.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"]
    assert {each["Key"]: each["Value"] for each in tags} == {"Owner": "json", "Name": "JSON"}
    assert ports(region, vpc, "json-blocks") == [22]
    assert ports(region, vpc, "json-dynamic") == [80, 443]
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
    # An empty array is an empty list where blocks may be written as an argument: there are to be none.
    group = CONFIG["resource"]["aws_security_group"]["blocks"]
    path.write_text(json.dumps(dict(CONFIG, resource=dict(CONFIG["resource"], aws_security_group=dict(
        CONFIG["resource"]["aws_security_group"], blocks=dict(group, ingress=[]))))))
    terrarium("apply", "-auto-approve")
    assert ports(region, vpc, "json-blocks") == []
    assert "No changes." in terrarium("plan", "-detailed-exitcode")
