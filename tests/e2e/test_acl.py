"""A network ACL that denies stops packets, also those of connections that were there before."""

import pytest

from conftest import wait_until
from stack import Stack


@pytest.fixture
def stack(region):
    made = Stack(region)
    yield made
    made.close()


def place(stack, zone):
    """Network settings that put a task into one of the two subnets."""
    return {"networkConfiguration": {"awsvpcConfiguration": {"subnets": [stack.subnets[zone]]}}}


def run(stack, command, zone):
    stack.define(stack.container(command=command))
    return stack.ecs.run_task(
        cluster=stack.name, taskDefinition=stack.name, launchType="FARGATE", **place(stack, zone)
    )["tasks"][0]["taskArn"]


def address(task):
    return next(d["value"] for d in task["attachments"][0]["details"] if d["name"] == "privateIPv4Address")


def test_a_rule_that_denies(stack):
    ec2 = stack.ec2
    stack.push()
    server = stack.running(run(stack, "httpd -f -p 80 -h /www", 0))
    client = stack.running(run(stack, "sleep 600", 1))

    def reaches():
        curl = ["curl", "--silent", "--max-time", "1", f"http://{address(server)}/"]
        done = stack.region.inside(interface, *curl)
        return done.stdout == "here\n"

    interface = next(
        d["value"] for d in client["attachments"][0]["details"] if d["name"] == "networkInterfaceId"
    )
    wait_until(reaches, "the default ACL lets the client through")
    acl = ec2.create_network_acl(VpcId=stack.vpc)["NetworkAcl"]["NetworkAclId"]
    rule = {"NetworkAclId": acl, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}
    ec2.create_network_acl_entry(RuleNumber=200, Egress=False, **rule)
    ec2.create_network_acl_entry(RuleNumber=200, Egress=True, **rule)
    here = {"Name": "association.subnet-id", "Values": [stack.subnets[0]]}
    (before,) = ec2.describe_network_acls(Filters=[here])["NetworkAcls"]
    (association,) = [a for a in before["Associations"] if a["SubnetId"] == stack.subnets[0]]
    association = ec2.replace_network_acl_association(
        AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl
    )["NewAssociationId"]
    wait_until(reaches, "an ACL that allows all lets it through")
    deny = {"NetworkAclId": acl, "RuleNumber": 100, "Egress": False}
    ec2.create_network_acl_entry(
        **deny, Protocol="6", RuleAction="deny", CidrBlock="10.20.1.0/24", PortRange={"From": 80, "To": 80}
    )
    wait_until(lambda: not reaches(), "the deny rule stops it")
    ec2.delete_network_acl_entry(**deny)
    wait_until(reaches, "without the rule it passes")
    # ACLs have no memory: without an egress rule no answer leaves.
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=200, Egress=True)
    wait_until(lambda: not reaches(), "answers do not leave")
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=before["NetworkAclId"])
    wait_until(reaches, "the default ACL again")
    ec2.delete_network_acl(NetworkAclId=acl)
