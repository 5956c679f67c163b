#!/usr/bin/env python3
"""Requests per second from one task to another: directly, and through a load balancer, inside the glass.

    bench/balancer.py [--seconds N] [--connections N]
"""

import argparse
import configparser
import time

import measure
from stack import Stack


def details(task):
    return {each["name"]: each["value"] for each in task["attachments"][0]["details"]}


def answers(region, netns, url):
    return region.inside(netns, "curl", "--silent", "--max-time", "1", url).stdout == "here\n"


def wait_for(holds, seconds=40):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("the balancer does not answer")
        time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=8)
    arguments = parser.parse_args()
    with measure.region() as region:
        stack = Stack(region)
        stack.push()
        stack.define(stack.container(portMappings=[{"containerPort": 80}]))
        group, _ = stack.balancer()
        stack.serve(loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 80}])
        client = details(stack.running(stack.run_task()))["networkInterfaceId"]
        stack.steady()
        target = details(stack.tasks()[0])["privateIPv4Address"]
        interfaces = stack.ec2.describe_network_interfaces(
            Filters=[{"Name": "description", "Values": ["ELB app/*"]}]
        )["NetworkInterfaces"]
        urls = {
            "the task itself": f"http://{target}/",
            "through the balancer": f"http://{interfaces[0]['PrivateIpAddress']}/",
        }
        record = configparser.ConfigParser()
        record.read(region.home / "glass.ini")
        enter = ["nsenter", "-t", record["init"]["pid"], "-U", "-m", "-S", "0", "-G", "0", "--"]
        enter += ["nsenter", f"--net=/run/netns/{client}", "--"]
        direct = None
        print(f"{'way':<22} {'requests/s':>10} {'direct / this':>14}")
        for name, url in urls.items():
            wait_for(lambda: answers(region, client, url))
            found = measure.wrk(url, arguments.seconds, arguments.connections, before=enter)
            direct = direct or found
            print(f"{name:<22} {found:>10.0f} {direct / found:>13.1f}x", flush=True)
        stack.close()


if __name__ == "__main__":
    main()
