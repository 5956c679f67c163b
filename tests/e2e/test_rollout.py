"""Rolling deployments behind a load balancer, while a client asks all the time: no request is lost."""

import http.client
import os
import signal
import threading
import time
import urllib.parse

import pytest

from conftest import wait_until
from stack import Stack

VERSION = "mkdir -p /tmp/www; echo $VERSION > /tmp/www/index.html; trap 'exit 0' TERM; httpd -f -p 80 -h /tmp/www & wait $!"


@pytest.fixture
def stack(region):
    made = Stack(region)
    yield made
    made.close()


class Client:
    """Asks at a constant pace, each time on a new connection, and keeps what it was answered."""

    def __init__(self, url, pause=0.02):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.pause = parts.hostname, parts.port, pause
        self.answers = []  # (time, status or error, body)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/", headers={"Host": f"{self.host}:{self.port}"})
            response = connection.getresponse()
            return response.status, response.read().decode().strip()
        except OSError as error:
            return type(error).__name__, ""
        finally:
            connection.close()

    def run(self):
        while not self.stopping.is_set():
            self.answers.append((time.monotonic(), *self.ask()))
            time.sleep(self.pause)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def failures(self):
        return [answer for answer in self.answers if answer[1] != 200]


def serve(stack, version):
    return stack.define(
        stack.container(
            command=VERSION,
            environment=[{"name": "VERSION", "value": version}],
            portMappings=[{"containerPort": 80}],
        )
    )


@pytest.mark.parametrize("least,most", [(100, 200), (50, 100)])
def test_no_request_is_lost(stack, least, most):
    stack.push()
    group, url = stack.balancer()
    serve(stack, "one")
    stack.serve(
        2,
        loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 80}],
        deploymentConfiguration={"minimumHealthyPercent": least, "maximumPercent": most},
    )
    stack.steady(2, seconds=60)
    with Client(url) as client:
        wait_until(lambda: (200, "one") in [a[1:] for a in client.answers[-3:]], "the page is served")
        client.answers.clear()
        stack.ecs.update_service(cluster=stack.name, service="web", taskDefinition=serve(stack, "two"))
        stack.steady(2, seconds=90)
        time.sleep(1)
    bodies = [answer[2] for answer in client.answers]
    assert client.failures() == []
    assert bodies[0] == "one" and bodies[-1] == "two" and set(bodies) == {"one", "two"}


def test_a_crashing_version_serves_nobody(stack):
    stack.push()
    group, url = stack.balancer()
    serve(stack, "good")
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    stack.serve(
        2,
        loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 80}],
        deploymentConfiguration=breaker,
    )
    stack.steady(2, seconds=60)
    broken = stack.define(stack.container(command="exit 1", portMappings=[{"containerPort": 80}]))
    with Client(url) as client:
        stack.ecs.update_service(cluster=stack.name, service="web", taskDefinition=broken)
        wait_until(lambda: any("rolling back" in e["message"] for e in stack.service()["events"]), "undone", 60)
        stack.steady(2, seconds=60)
    assert client.failures() == []
    assert {answer[2] for answer in client.answers} == {"good"}


def test_the_machine_ends(stack):
    """What ran in a glass that ended is started again, and serves again."""
    stack.push()
    group, url = stack.balancer()
    serve(stack, "one")
    stack.serve(2, loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 80}])
    stack.steady(2, seconds=60)
    client = Client(url)
    assert client.ask() == (200, "one")
    before = {task["taskArn"] for task in stack.tasks()}
    assert stack.region.run("down").returncode == 0
    assert stack.region.run("up").returncode == 0
    wait_until(lambda: client.ask() == (200, "one"), "it serves after down and up", 60)
    stack.steady(2, seconds=60)
    assert not before & {task["taskArn"] for task in stack.tasks()}
    os.kill(stack.region.glass_pid(), signal.SIGKILL)
    wait_until(lambda: client.ask()[0] != 200, "nothing runs", 10)
    wait_until(lambda: client.ask() == (200, "one"), "it serves after the glass was killed", 60)
    stack.steady(2, seconds=60)
