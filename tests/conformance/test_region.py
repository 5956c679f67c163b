"""The region's door and life, seen by real clients."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError


def test_caller_identity(region):
    identity = region.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"] == "arn:aws:iam::000000000000:root"


def test_account_by_key(region):
    assert region.client("sts", key="123456789012").get_caller_identity()["Account"] == "123456789012"


@pytest.mark.parametrize("service, call", [("ec2", "describe_instances"), ("ecs", "list_container_instances"), ("iam", "list_saml_providers")])
def test_missing_operations_say_so(region, service, call):
    with pytest.raises(ClientError) as error:
        getattr(region.client(service), call)()
    assert error.value.response["Error"]["Code"] == "NotImplemented"
    assert service in error.value.response["Error"]["Message"]
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.parametrize("header", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_foreign_pages_are_refused(region, header):
    request = urllib.request.Request(region.url + "/_terrarium/health", headers=header)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=10)
    assert error.value.code == 403


def test_up_twice(region):
    again = region.run("up", "--no-glass")
    assert again.returncode == 0
    assert "up already" in again.stdout


def test_the_port_of_another_region(region, tmp_path):
    other = subprocess.run(
        [region.terrarium, "up", "--no-glass"],
        env={**region.env, "TERRARIUM_HOME": str(tmp_path / "other")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert other.returncode == 1 and "another region" in other.stderr
    assert not (tmp_path / "other").exists()


def test_survives_kill(region):
    with open(os.path.join(region.env["TERRARIUM_HOME"], "region.sqlite"), "rb"):
        pass
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as environ, open(f"/proc/{entry}/cmdline", "rb") as cmdline:
                ours = f"TERRARIUM_PORT={region.port}".encode() in environ.read().split(b"\0")
                if ours and b"--foreground" in cmdline.read():
                    os.kill(int(entry), signal.SIGKILL)
        except OSError:
            continue
    time.sleep(0.2)
    up = region.run("up", "--no-glass")
    assert up.returncode == 0, up.stderr
    assert region.client("sts").get_caller_identity()["Account"] == "000000000000"
