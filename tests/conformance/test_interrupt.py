"""What an apply leaves when it is killed, interrupted, or not alone: looked at by boto3.

A proxy between the engine and the region makes chosen calls slow, so that the moment is sure.
"""

import http.client
import http.server
import json
import signal
import subprocess
import threading
import time

import pytest

CONFIG = """
provider "aws" { region = "us-east-1" }
resource "aws_vpc" "main" {
  cidr_block = "10.40.0.0/16"
  tags       = { Name = "interrupted" }
}
resource "aws_subnet" "a" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.40.1.0/24"
}
"""


class Proxy(http.server.ThreadingHTTPServer):
    """Passes everything on; answers to `slow` operations wait for `go`."""

    daemon_threads = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = port
        self.slow = None
        self.reached, self.go = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        slow = self.server.slow
        if slow and f"Action={slow}&".encode() in body + b"&":
            self.server.reached.set()
            self.server.go.wait(20)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any

    def log_message(self, *arguments):
        pass


@pytest.fixture
def place(region, tmp_path):
    proxy = Proxy(region.port)
    (tmp_path / "main.tf").write_text(CONFIG)
    place = Place(region, tmp_path, proxy)
    yield place
    proxy.go.set()
    place.run("destroy", "-auto-approve")
    proxy.shutdown()


class Place:
    def __init__(self, region, path, proxy):
        self.region, self.path, self.proxy = region, path, proxy
        self.ec2 = region.client("ec2")

    def start(self, *arguments):
        env = dict(self.region.env, TERRARIUM_PORT=str(self.proxy.server_port))
        return subprocess.Popen(
            [self.region.terrarium, *arguments],
            cwd=self.path,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def vpcs(self):
        found = self.ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["interrupted"]}])
        return [each["VpcId"] for each in found["Vpcs"]]

    def stop_at(self, operation):
        """An apply that hangs at the answer to `operation`."""
        self.proxy.slow = operation
        process = self.start("apply", "-auto-approve")
        assert self.proxy.reached.wait(20)
        return process

    def carry_on(self):
        self.proxy.slow = None
        self.proxy.go.set()


def test_killed_while_an_object_is_being_created(place):
    process = place.stop_at("DescribeVpcs")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    place.carry_on()
    (vpc,) = place.vpcs()
    code, out, _ = place.run("plan", "-detailed-exitcode")
    assert code == 2
    assert f"aws_vpc.main: Refreshing state... [id={vpc}]" in out
    assert "# aws_vpc.main is tainted, so must be replaced" in out
    code, out, _ = place.run("state", "list")
    assert out.split() == ["aws_vpc.main"]
    code, out, err = place.run("apply", "-auto-approve")
    assert code == 0, err
    assert "Resources: 2 added, 0 changed, 1 destroyed." in out
    assert len(place.vpcs()) == 1 and place.vpcs() != [vpc]
    assert place.run("plan", "-detailed-exitcode")[0] == 0


def test_killed_between_two_objects(place):
    process = place.stop_at("CreateSubnet")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    place.carry_on()
    # Reading in between changes nothing for whoever comes next.
    assert place.run("state", "list")[1].split() == ["aws_vpc.main"]
    assert place.run("output")[0] == 0
    subnets = place.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": place.vpcs()}])["Subnets"]
    assert len(subnets) == 1  # its id had not arrived when the process was killed
    place.ec2.delete_subnet(SubnetId=subnets[0]["SubnetId"])
    code, out, err = place.run("apply", "-auto-approve")
    assert code == 0, err
    assert "Resources: 1 added, 0 changed, 0 destroyed." in out
    assert len(place.vpcs()) == 1


def test_interrupted_once_finishes_what_runs(place):
    process = place.stop_at("DescribeVpcs")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    place.carry_on()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "\nInterrupt received.\nPlease wait for Terrarium to exit or data loss may occur.\n" in out
    assert "Stopping operation..." in out
    assert "aws_vpc.main: Creation complete after" in out
    assert "aws_subnet.a: Creating" not in out
    assert "Error: execution halted" in err
    code, out, _ = place.run("plan", "-detailed-exitcode")
    assert (code, "Plan: 1 to add, 0 to change, 0 to destroy." in out) == (2, True)


def test_interrupted_twice_stops_at_once(place):
    process = place.stop_at("DescribeVpcs")
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - started < 2
    assert process.returncode == 1
    assert "Two interrupts received. Exiting immediately." in err
    place.carry_on()
    state = json.loads((place.path / ".terrarium/default/terraform.tfstate").read_text())
    (resource,) = state["resources"]
    assert resource["instances"][0]["attributes"]["id"] == place.vpcs()[0]
    assert resource["instances"][0]["status"] == "tainted"


def test_two_at_once(place):
    process = place.stop_at("DescribeVpcs")
    code, _, err = place.run("apply", "-auto-approve")
    assert code == 1
    assert "Error: Error acquiring the state lock" in err
    assert "Operation: OperationTypeApply" in err
    assert "-lock=false" in err
    # Who only reads needs no lock, and sees what is known by now.
    assert place.run("state", "list")[1].split() == ["aws_vpc.main"]
    place.carry_on()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert place.run("state", "list")[1].split() == ["aws_subnet.a", "aws_vpc.main"]
