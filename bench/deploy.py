#!/usr/bin/env python3
"""Seconds until an ECS service of N tasks is steady, and until a new deployment of it is; and what each task costs.

    bench/deploy.py [N…]
"""

import argparse
import time

import measure
from stack import Stack


def seconds(call):
    started = time.monotonic()
    call()
    return time.monotonic() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[2, 20])
    arguments = parser.parse_args()
    with measure.region() as region:
        print(f"{'tasks':>5} {'create':>9} {'deploy':>9} {'to zero':>9} {'create, each':>13} {'longest reply':>14}")
        for n in arguments.sizes:
            stack = Stack(region)
            stack.push()
            stack.define()
            longest = 0

            def wait(done):
                nonlocal longest
                while True:
                    begun = time.monotonic()
                    finished = done(stack.service())
                    longest = max(longest, time.monotonic() - begun)
                    if finished:
                        return
                    time.sleep(0.05)

            def is_steady(now):
                return (
                    len(now["deployments"]) == 1
                    and now["runningCount"] == n
                    and now["deployments"][0]["rolloutState"] == "COMPLETED"
                )

            def create():
                stack.serve(n)
                wait(is_steady)

            def deploy():
                again = stack.define(stack.container(environment=[{"name": "VERSION", "value": "2"}]))
                stack.ecs.update_service(cluster=stack.name, service="web", taskDefinition=again)
                wait(is_steady)

            def empty():
                stack.ecs.update_service(cluster=stack.name, service="web", desiredCount=0)
                wait(lambda now: now["runningCount"] == 0)

            first, second, third = seconds(create), seconds(deploy), seconds(empty)
            print(
                f"{n:>5} {first:>7.1f} s {second:>7.1f} s {third:>7.1f} s {first / n:>11.2f} s"
                f" {longest * 1000:>11.0f} ms",
                flush=True,
            )
            stack.close()


if __name__ == "__main__":
    main()
