"""A region with a glass, and programs run inside it."""

import configparser
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time

import boto3
import pytest
from botocore.config import Config

from images import Registry

CANNOT = ("subordinate ids", "user namespaces")  # what a machine without a glass is told


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def without_host_prefix(params, **_):
    """SDKs put "data-" before the host of DiscoverInstances, which loopback's names have not."""
    params["url"] = params["url"].replace("//data-", "//", 1)


class Region:
    def __init__(self, home):
        self.terrarium = os.environ["TERRARIUM"]
        self.home = pathlib.Path(home)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = dict(
            os.environ,
            TERRARIUM_HOME=str(home),
            TERRARIUM_PORT=str(self.port),
            TERRARIUM_HTTP_PORT=str(free_port()),
            AWS_REGION="us-east-1",
        )
        self.registry = Registry(self.url)

    def pid(self):
        """The process that holds the lock of the data folder."""
        with open(self.home / "region.lock", "rb") as lock:
            asked = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
            return struct.unpack("hhqqi4x", fcntl.fcntl(lock, fcntl.F_GETLK, asked))[4]

    def run(self, *arguments, cwd=None, timeout=120):
        return subprocess.run(
            [self.terrarium, *arguments],
            cwd=cwd,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def client(self, service):
        client = boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="terrarium",
            aws_secret_access_key="made-up",
            config=Config(retries={"max_attempts": 0}),
        )
        client.meta.events.register("before-call.servicediscovery", without_host_prefix)
        return client

    def glass_pid(self):
        """The init that holds all that runs."""
        record = configparser.ConfigParser()
        record.read(self.home / "glass.ini")
        return int(record["init"]["pid"])

    def inside(self, netns, *command, timeout=30):
        """Runs a program as root of the glass in one of its network namespaces (a VPC's is its id)."""
        record = configparser.ConfigParser()
        record.read(self.home / "glass.ini")
        enter = ["nsenter", "-t", record["init"]["pid"], "-U", "-m", "-S", "0", "-G", "0", "--"]
        return subprocess.run(
            [*enter, "nsenter", f"--net=/run/netns/{netns}", "--", *command],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def wait_until(holds, what, seconds=30):
    """Waits for `holds()` to be true, and returns what it returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = holds()
        if value:
            return value
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s: {what}")


@pytest.fixture(scope="session")
def region():
    # Not pytest's own temporary folder: root inside the glass must be able to reach it.
    home = tempfile.mkdtemp(prefix="terrarium-e2e-")
    os.chmod(home, 0o755)
    region = Region(home)
    up = region.run("up")
    if up.returncode != 0 and any(reason in up.stderr for reason in CANNOT):
        shutil.rmtree(home, ignore_errors=True)
        pytest.skip(f"this machine cannot open a glass: {up.stderr.strip()}")
    assert up.returncode == 0, up.stderr
    yield region
    down = region.run("down", "--purge")
    left = os.listdir(home) if os.path.exists(home) else []
    shutil.rmtree(home, ignore_errors=True)
    assert down.returncode == 0, down.stderr
    assert left == [], "what down --purge leaves"


@pytest.fixture
def builds(region):
    from builds import Builds  # which needs what is above

    made = Builds(region)
    yield made
    made.close()
