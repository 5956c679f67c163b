#!/usr/bin/env python3
"""Requests per second of the API's front, beside the HTTP library alone: one core, connections kept open.

    bench/api.py [--seconds N] [--connections N]
"""

import argparse
import pathlib
import subprocess
import tempfile
import time

import measure

CREDENTIAL = "AWS4-HMAC-SHA256 Credential=terrarium/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
CALLS = {
    "sts:GetCallerIdentity": ("sts", "Action=GetCallerIdentity&Version=2011-06-15"),
    "ec2:DescribeVpcs, one of 100": ("ec2", "Action=DescribeVpcs&Version=2016-11-15&VpcId.1={}"),
    "ec2:DescribeVpcs, all 100": ("ec2", "Action=DescribeVpcs&Version=2016-11-15"),
    "ec2:CreateTags (a commit each)": (
        "ec2",
        "Action=CreateTags&Version=2016-11-15&ResourceId.1={}&Tag.1.Key=a&Tag.1.Value=b",
    ),
}


def baseline(folder, arguments):
    """The library alone: reads the same kind of request, answers two bytes."""
    program = pathlib.Path(folder, "plain_http")
    source = pathlib.Path(__file__).with_name("plain_http.c")
    subprocess.run(["cc", "-O2", "-o", program, source, "-lmicrohttpd"], check=True)
    port = measure.free_port()
    with subprocess.Popen([program, str(port)], stdin=subprocess.PIPE) as server:
        time.sleep(0.3)
        found = measure.wrk(
            f"http://127.0.0.1:{port}/", arguments.seconds, arguments.connections, method="POST", body="a=b"
        )
        server.stdin.close()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, measure.region("--no-glass") as region:
        ec2 = region.client("ec2")
        vpcs = [ec2.create_vpc(CidrBlock=f"10.{i}.0.0/16")["Vpc"]["VpcId"] for i in range(100)]
        plain = baseline(folder, arguments)
        print(f"{'call':<32} {'requests/s':>10} {'library / ours':>15}")
        print(f"{'(the library alone)':<32} {plain:>10.0f} {1:>14.1f}x", flush=True)
        for name, (service, body) in CALLS.items():
            headers = {
                "Authorization": CREDENTIAL.format(service),
                "X-Amz-Date": "20260101T000000Z",
                "Content-Type": "application/x-www-form-urlencoded",
            }
            found = measure.wrk(
                region.url + "/", arguments.seconds, arguments.connections, method="POST",
                body=body.format(vpcs[0]), headers=headers,
            )
            print(f"{name:<32} {found:>10.0f} {plain / found:>14.1f}x", flush=True)


if __name__ == "__main__":
    main()
