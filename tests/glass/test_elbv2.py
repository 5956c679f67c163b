"""Load balancers that run: from the API to requests that are answered.

A second, internal balancer that answers by itself serves as the target."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Region:
    def __init__(self, home):
        self.log = f"{home}.log"
        self.port = free_port()
        self.first = free_port()
        self.env = dict(
            os.environ,
            TERRARIUM_HOME=str(home),
            TERRARIUM_PORT=str(self.port),
            TERRARIUM_HTTP_PORT=str(self.first),
        )

    def up(self):
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [os.environ["TERRARIUM"], "up", "--foreground"], env=self.env, stderr=log
            )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_terrarium/health", timeout=2)
                return True
            except OSError:
                if self.process.poll() is not None:
                    return False
                time.sleep(0.1)
        return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def run(self, *arguments):
        return subprocess.run(
            [os.environ["TERRARIUM"], *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}),
        )


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    region = Region(tmp_path_factory.mktemp("region"))
    if not region.up():
        with open(region.log, encoding="utf-8") as log:
            why = log.read()
        if any(reason in why for reason in ("subordinate ids", "user namespaces")):
            pytest.skip(f"this machine cannot open a glass: {why.strip()}")
        pytest.fail(f"the region does not start: {why}")
    yield region
    down = region.run("down", "--purge")
    region.process.wait()
    assert down.returncode == 0, down.stderr


def eventually(wanted, look, seconds=30):
    end = time.monotonic() + seconds
    while (seen := look()) != wanted and time.monotonic() < end:
        time.sleep(0.1)
    assert seen == wanted


def get(port, path="/"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": f"web.elb.localhost:{port}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None, ""


def fixed(status, text):
    config = {"StatusCode": str(status), "ContentType": "text/plain", "MessageBody": text}
    return [{"Type": "fixed-response", "FixedResponseConfig": config}]


def interface_address(ec2, balancer):
    name = balancer["LoadBalancerArn"].split("loadbalancer/")[1]
    filters = [{"Name": "description", "Values": ["ELB " + name]}]
    found = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    return sorted(each["PrivateIpAddress"] for each in found)[0]


def test_balancer(region):
    ec2, elb = region.client("ec2"), region.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.70.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.70.{i}.0/24", AvailabilityZone=f"us-east-1{'ab'[i]}")["Subnet"][
            "SubnetId"
        ]
        for i in range(2)
    ]
    group = ec2.create_security_group(GroupName="all", Description="all", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="-1", CidrIp="0.0.0.0/0")

    def balancer(name, scheme):
        made = elb.create_load_balancer(Name=name, Scheme=scheme, Subnets=subnets, SecurityGroups=[group])
        return made["LoadBalancers"][0]

    def listener(of, port, actions):
        made = elb.create_listener(LoadBalancerArn=of["LoadBalancerArn"], Port=port, Protocol="HTTP", DefaultActions=actions)
        return made["Listeners"][0]["ListenerArn"]

    inner, outer = balancer("inner", "internal"), balancer("outer", "internet-facing")
    port = int(outer["DNSName"].split(":")[1])
    assert port >= region.first and ":" not in inner["DNSName"]
    waiter = elb.get_waiter("load_balancer_available")
    waiter.wait(LoadBalancerArns=[outer["LoadBalancerArn"]], WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    inside = listener(inner, 80, fixed(200, "inner"))
    web = elb.create_target_group(
        Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip", HealthCheckIntervalSeconds=5
    )["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": web}]
    http = listener(outer, 80, forward)
    eventually(503, lambda: get(port)[0])
    address = interface_address(ec2, inner)

    def health():
        found = elb.describe_target_health(TargetGroupArn=web)["TargetHealthDescriptions"]
        return [(each["TargetHealth"]["State"], each["TargetHealth"].get("Reason")) for each in found]

    elb.register_targets(TargetGroupArn=web, Targets=[{"Id": address}])
    elb.get_waiter("target_in_service").wait(TargetGroupArn=web, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    assert get(port) == (200, "inner")

    elb.create_rule(
        ListenerArn=http,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/old/*"]}],
        Actions=fixed(410, "gone"),
    )
    eventually((410, "gone"), lambda: get(port, "/old/x"))
    second = listener(outer, 8080, fixed(200, "second"))
    eventually((200, "second"), lambda: get(port + 1))

    # The region is killed: requests go on, and it takes up where it was.
    region.kill()
    assert get(port) == (200, "inner")
    assert region.up()
    assert get(port + 1) == (200, "second")
    assert health() == [("healthy", None)]

    elb.modify_listener(ListenerArn=inside, DefaultActions=fixed(503, "sick"))
    eventually([("unhealthy", "Target.ResponseCodeMismatch")], health)
    assert get(port) == (503, "sick")  # fails open
    elb.modify_listener(ListenerArn=inside, DefaultActions=fixed(200, "inner"))
    eventually((200, "inner"), lambda: get(port))
    elb.delete_listener(ListenerArn=second)
    eventually((None, ""), lambda: get(port + 1))
    elb.deregister_targets(TargetGroupArn=web, Targets=[{"Id": address}])
    eventually([], health)
    eventually(503, lambda: get(port)[0])
    elb.delete_load_balancer(LoadBalancerArn=outer["LoadBalancerArn"])
    eventually((None, ""), lambda: get(port))
