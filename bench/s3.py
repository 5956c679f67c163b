#!/usr/bin/env python3
"""Puts and gets of S3 beside a plain copy of the same files, in one run.

    bench/s3.py [--files N] [--size BYTES] [--large MIB]

Needs TERRARIUM (the binary; default build/src/cli/terrarium) and boto3. Prints times and ratios: how many times
longer S3 takes than copying the files with an fsync each, as what S3 answered is on the disk too. Then the region's
own part, without boto3: puts over plain HTTP on one connection and on eight, beside as many threads that make a file
each and force it and its folder to the disk.
"""

import argparse
import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import boto3
from botocore.config import Config


def copy(source, target):
    shutil.copyfile(source, target)
    with open(target, "rb") as copied:
        os.fsync(copied.fileno())


def timed(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


def report(what, own, plain):
    print(f"{what:28} {own:8.3f} s   plain copy {plain:8.3f} s   ratio {own / max(plain, 1e-6):6.2f}")


def measure(s3, folder, names, label):
    target = os.path.join(folder, "copies")
    os.makedirs(target, exist_ok=True)
    plain = timed(lambda: [copy(os.path.join(folder, n), os.path.join(target, n)) for n in names])
    put = timed(lambda: [s3.upload_file(os.path.join(folder, n), "bench", n) for n in names])
    report(f"put {label}", put, plain)
    read = timed(lambda: [shutil.copyfile(os.path.join(target, n), os.path.join(target, "again")) for n in names])
    get = timed(lambda: [s3.download_file("bench", n, os.path.join(target, "again")) for n in names])
    report(f"get {label}", get, read)


def side_by_side(threads, work):
    """Seconds that so many threads take, each with its number."""
    started = [threading.Thread(target=work, args=(i,)) for i in range(threads)]

    def run():
        for each in started:
            each.start()
        for each in started:
            each.join()

    return timed(run)


def rate(port, folder, connections, size, number):
    data, part = os.urandom(size), number // connections

    def put(i):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for j in range(part):
            connection.request("PUT", f"/bench/{connections}-{size}-{i}-{j}", data)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200

    def write(i):
        target = os.path.join(folder, f"plain-{connections}-{size}-{i}")
        os.mkdir(target)
        opened = os.open(target, os.O_RDONLY)
        for j in range(part):
            file = os.open(os.path.join(target, str(j)), os.O_WRONLY | os.O_CREAT)
            os.write(file, data)
            os.fdatasync(file)
            os.close(file)
            os.fsync(opened)
        os.close(opened)

    own, plain = side_by_side(connections, put), side_by_side(connections, write)
    print(
        f"put {size} B, {connections} connection(s)".ljust(34)
        + f"{number / own:6.0f} /s   plain files {number / plain:6.0f} /s   ratio {own / plain:5.2f}"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--large", type=int, default=64, help="MiB of one large file")
    chosen = parser.parse_args()
    terrarium = os.environ.get("TERRARIUM", "build/src/cli/terrarium")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, TERRARIUM_HOME=os.path.join(folder, "home"), TERRARIUM_PORT=str(port))
        subprocess.run([terrarium, "up", "--no-glass"], env=env, check=True, stdout=subprocess.DEVNULL)
        try:
            s3 = boto3.client(
                "s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id="bench",
                aws_secret_access_key="bench", config=Config(retries={"max_attempts": 0}),
            )
            s3.create_bucket(Bucket="bench")
            names = [f"small-{i}" for i in range(chosen.files)]
            for name in names:
                with open(os.path.join(folder, name), "wb") as out:
                    out.write(os.urandom(chosen.size))
            measure(s3, folder, names, f"{chosen.files} x {chosen.size} B")
            with open(os.path.join(folder, "large"), "wb") as out:
                for _ in range(chosen.large):
                    out.write(os.urandom(1 << 20))
            measure(s3, folder, ["large"], f"1 x {chosen.large} MiB")
            pages = s3.get_paginator("list_objects_v2")
            print(f"list {chosen.files + 1} keys: {timed(lambda: list(pages.paginate(Bucket='bench'))):.3f} s")
            for size in (1024, 64 * 1024):
                for connections in (1, 8):
                    rate(port, folder, connections, size, 8 * max(chosen.files // 8, 1))
        finally:
            subprocess.run([terrarium, "down", "--purge"], env=env, check=False, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
