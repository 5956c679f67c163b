"""Builds whose region is killed in each of their phases, builds that lose what they run on, and what projects keep."""

import io
import os
import signal
import tempfile
import time
import urllib.request
import zipfile

import pytest

from builds import Builds
from conftest import Region, wait_until

PHASES = ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD",
          "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"]
SPEC = """
version: 0.2
phases:
  install: {commands: [echo in-install, sleep %(INSTALL)d, echo out-install]}
  pre_build: {commands: [echo in-pre_build, sleep %(PRE_BUILD)d, echo out-pre_build]}
  build: {commands: [echo in-build, sleep %(BUILD)d, "mkdir out", "cp many/* out/", echo out-build]}
  post_build: {commands: [echo in-post_build, sleep %(POST_BUILD)d, echo out-post_build]}
artifacts: {base-directory: out, files: ["**/*"]}
"""


def source(phase):
    """A zip whose unpacking and packing take a while, and that waits in one phase of run.sh."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("buildspec.yml", SPEC % {each: 3 if each == phase else 0 for each in PHASES})
        for n in range(300):
            archive.writestr(f"many/{n}", os.urandom(20000))
    return out.getvalue()


def kill_in(builds, phase):
    """Starts a build and kills the region in the moment in which the phase is the current one; its id, or None."""
    build = None
    if phase != "SUBMITTED":
        build = builds.start()
        while phase != "QUEUED" and (now := builds.get(build)["currentPhase"]) != phase:
            if PHASES.index(now) > PHASES.index(phase):
                return None
    else:
        pid = os.fork()
        if pid == 0:
            try:
                builds.start()
            finally:
                os._exit(0)
        time.sleep(0.005)
    os.kill(builds.region.pid(), signal.SIGKILL)
    if build is None:
        os.waitpid(pid, 0)
    wait_until(lambda: builds.region.pid() == 0, "the region is gone")
    up = builds.region.run("up")
    assert up.returncode == 0, up.stderr
    if build:
        return build
    started = builds.codebuild.list_builds_for_project(projectName=builds.name)["ids"]
    return started[0] if started else builds.start()  # it was killed before it had heard


@pytest.mark.parametrize("phase", PHASES[:-2])
def test_the_region_is_killed(builds, phase):
    s3 = builds.region.client("s3")
    s3.create_bucket(Bucket=builds.name)
    s3.put_object(Bucket=builds.name, Key="source.zip", Body=source(phase))
    builds.project(
        "", source={"type": "S3", "location": f"{builds.name}/source.zip"},
        artifacts={"type": "S3", "location": builds.name, "path": "made", "name": "all", "packaging": "NONE"})
    for _ in range(20):
        build = kill_in(builds, phase)
        if build:
            break
    assert build, f"no build was seen in {phase}"
    done, lines = builds.ended(build, 90), builds.lines(build)
    assert done["buildStatus"] == "SUCCEEDED", (builds.phases(build), lines)
    assert [each["phaseType"] for each in done["phases"]] == PHASES
    assert {each.get("phaseStatus") for each in done["phases"][:-1]} == {"SUCCEEDED"}
    for each in ("install", "pre_build", "build", "post_build"):
        assert lines.count(f"in-{each}") == lines.count(f"out-{each}") == 1, lines
    made = s3.list_objects_v2(Bucket=builds.name, Prefix="made/")["Contents"]
    assert len(made) == 300 and {each["Size"] for each in made} == {20000}
    jobs = builds.region.home / "builds" / "jobs"
    wait_until(lambda: not [each for each in jobs.iterdir() if each.name.startswith(build.split(":")[1])],
               "the build's folder is gone")
    assert not builds.region.client("ec2").describe_network_interfaces()["NetworkInterfaces"]


@pytest.fixture
def own():
    """A region that nobody else needs."""
    home = tempfile.mkdtemp(prefix="terrarium-e2e-")
    os.chmod(home, 0o755)
    region = Region(home)
    region.env["TERRARIUM_BUILD_CACHE_MIB"] = "8"
    up = region.run("up")
    assert up.returncode == 0, up.stderr
    yield region
    region.run("down", "--purge")
    assert not os.path.exists(home)


def test_the_glass_is_killed(own):
    builds = Builds(own)
    builds.project("version: 0.2\nphases: {build: {commands: ['echo begun', 'sleep 60']}}")
    build = builds.start()
    wait_until(lambda: builds.get(build)["currentPhase"] == "BUILD", "the build phase begins")
    os.kill(own.glass_pid(), signal.SIGKILL)
    done = builds.ended(build, 60)
    assert done["buildStatus"] == "FAULT", done["phases"]
    context = [c for p in done["phases"] for c in p.get("contexts", []) if c["statusCode"]]
    assert context[0]["statusCode"] == "BUILD_HOST_STOPPED" and "Retry the build" in context[0]["message"], context
    assert own.run("down").returncode == 0
    up = own.run("up")
    assert up.returncode == 0, up.stderr
    again = builds.codebuild.retry_build(id=build)["build"]["id"]
    wait_until(lambda: "begun" in builds.lines(again), "the build runs in the new glass")
    # The machine is stopped, and the region with it.
    assert own.run("down").returncode == 0
    up = own.run("up")
    assert up.returncode == 0, up.stderr
    assert builds.ended(again)["buildStatus"] == "FAULT"
    assert builds.context(again, "BUILD")["statusCode"] == "BUILD_HOST_STOPPED"
    third = builds.codebuild.retry_build(id=again)["build"]["id"]
    builds.codebuild.stop_build(id=third)
    assert builds.ended(third)["buildStatus"] == "STOPPED"


KEEPS = """
version: 0.2
phases: {build: {commands: [
  "ls /var/kept/file || echo nothing", "/bin/busybox head -c 5000000 /dev/urandom >/var/kept/file", "echo kept", "sleep $WAIT"]}}
env: {variables: {WAIT: "0"}}
cache: {paths: ["/var/kept/**/*"]}
"""


def test_storage_is_bounded(own):
    """By 8 MiB here, and by age: what was used least recently goes, but never what a build has."""
    old, new = Builds(own), Builds(own)
    for each in (old, new):
        # Hours go by.
        each.project(KEEPS, cache={"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE"]}, timeoutInMinutes=480)

    def folder(builds):
        return next((each for each in (own.home / "builds" / "projects").iterdir() if builds.name in each.name), None)

    def run(builds):
        build = builds.start()
        assert builds.ended(build)["buildStatus"] == "SUCCEEDED", builds.lines(build)
        return builds.lines(build)

    def hour_later():
        url = f"{own.url}/_terrarium/clock?advance=3601"
        urllib.request.urlopen(urllib.request.Request(url, method="POST", data=b""), timeout=10).close()

    assert "nothing" in run(old) and "nothing" in run(new) and "nothing" not in run(old)
    os.utime(folder(old), (time.time() - 60,) * 2)
    assert folder(new)
    hour_later()
    assert "nothing" not in run(new)
    wait_until(lambda: not folder(old), "storage that was not used for longest is gone")
    assert "nothing" not in run(new)
    # Not used for long, but a build has it.
    running = new.start(environmentVariablesOverride=[{"name": "WAIT", "value": "600"}])
    wait_until(lambda: "kept" in new.lines(running), "the build has written")
    os.utime(folder(new), (time.time() - 30 * 86400,) * 2)
    hour_later()
    run(old)
    hour_later()
    run(old)
    assert folder(new) and not new.get(running)["buildComplete"]
    new.codebuild.stop_build(id=running)
    new.ended(running)
    os.utime(folder(new), (time.time() - 30 * 86400,) * 2)
    hour_later()
    run(old)
    wait_until(lambda: not folder(new), "storage of another time is gone")
    # With its project all of it goes; one of the same name begins with nothing.
    old.codebuild.delete_project(name=old.name)
    wait_until(lambda: not folder(old), "the project's storage is gone")
    old.project(KEEPS, cache={"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE"]})
    assert "nothing" in run(old)
