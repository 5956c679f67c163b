"""A region of its own for the tests, and real clients to it."""

import fcntl
import os
import pathlib
import re
import socket
import struct
import subprocess
import time
import urllib.request

import boto3
import pytest
from botocore.config import Config

from pipes import Pipes
from s3_shared import empty


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Region:
    def __init__(self, home):
        self.terrarium = os.environ["TERRARIUM"]
        self.home = pathlib.Path(home)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = dict(
            os.environ, TERRARIUM_HOME=str(home), TERRARIUM_PORT=str(self.port), AWS_REGION="us-east-1"
        )

    def run(self, *arguments):
        return subprocess.run(
            [self.terrarium, *arguments], env=self.env, capture_output=True, text=True, timeout=60, check=False
        )

    def pid(self):
        """The process that holds the lock of the data folder."""
        with open(self.home / "region.lock", "rb") as lock:
            asked = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
            return struct.unpack("hhqqi4x", fcntl.fcntl(lock, fcntl.F_GETLK, asked))[4]

    def end(self):
        """Takes the region down. What sanitizers found in it is in its log."""
        pid = self.pid()
        down = self.run("down")
        assert down.returncode == 0, down.stderr
        for _ in range(600):
            if not os.path.exists(f"/proc/{pid}"):
                break
            time.sleep(0.05)
        log = (self.home / "region.log").read_text(errors="replace")
        self.run("down", "--purge")
        assert "Sanitizer" not in log and "runtime error:" not in log, log

    def advance(self, seconds):
        """Steps the region's clock."""
        request = urllib.request.Request(f"{self.url}/_terrarium/clock?advance={seconds}", method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10).close()

    def client(self, service, key="terrarium", region="us-east-1", secret="made-up"):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 0}),
        )


@pytest.fixture(scope="session")
def region(tmp_path_factory):
    region = Region(tmp_path_factory.mktemp("region"))
    up = region.run("up", "--no-glass")
    assert up.returncode == 0, up.stderr
    yield region
    region.end()


@pytest.fixture
def terrarium(region, tmp_path):
    """Runs our own engine in a folder of its own; what it applied is destroyed in the end."""

    def run(*arguments, code=0):
        done = subprocess.run(
            [region.terrarium, *arguments],
            cwd=tmp_path,
            env=region.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    yield run
    run("destroy", "-auto-approve")


@pytest.fixture
def stepped_region(tmp_path_factory):
    """A region of the test's own, for tests that step the clock."""
    region = Region(tmp_path_factory.mktemp("stepped"))
    up = region.run("up", "--no-glass")
    assert up.returncode == 0, up.stderr
    yield region
    region.end()


@pytest.fixture
def s3(region):
    return region.client("s3")


@pytest.fixture
def bucket(s3):
    name = "tests-" + os.urandom(4).hex()
    s3.create_bucket(Bucket=name)
    yield name
    empty(s3, name)
    s3.delete_bucket(Bucket=name)


@pytest.fixture(scope="session")
def pipes(region):
    return Pipes(region)


@pytest.fixture
def name(pipes, request):
    name = re.sub("[^A-Za-z0-9_]+", "-", request.node.name).strip("-")[:90]
    yield name
    pipes.api.delete_pipeline(name=name)
