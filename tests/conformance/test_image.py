"""terrarium image: builds in the glass, loads, lists, by the command and by the admin API that it speaks."""

import json
import os
import shutil
import urllib.error
import urllib.request

import pytest
from conftest import Region

BUSYBOX = "/bin/busybox"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A region with a glass."""
    if not shutil.which("buildah") or not os.path.exists(BUSYBOX):
        pytest.fail("buildah or the static busybox is missing: tools/packages installs them")
    home = tmp_path_factory.mktemp("glass")
    # Root inside the glass is nobody here, and must be let through.
    for folder in [home, *home.parents][:3]:
        folder.chmod(0o755)
    region = Region(home)
    up = region.run("up")
    if up.returncode and any(reason in up.stderr for reason in ("subordinate ids", "user namespaces")):
        pytest.skip(f"this machine cannot open a glass: {up.stderr.strip()}")
    assert up.returncode == 0, up.stderr
    yield region
    region.end()


@pytest.fixture
def context(tmp_path):
    shutil.copy(BUSYBOX, tmp_path / "busybox")
    (tmp_path / "secret").write_text("not for the image")
    (tmp_path / ".dockerignore").write_text("secret\nDockerfile\n")
    (tmp_path / "Dockerfile").write_text(
        "FROM scratch\n"
        "COPY . /context\n"
        'RUN ["/context/busybox", "sh", "-c", "/context/busybox ls /context > /list"]\n'
        "ARG WORD\n"
        'LABEL word=$WORD\n'
        'CMD ["/context/busybox", "cat", "/list"]\n'
    )
    return tmp_path


def test_build(running, context):
    ecr = running.client("ecr")
    ecr.create_repository(repositoryName="built/app")
    done = running.run("image", "build", "-t", "built/app:one", "--build-arg", "WORD=hello", str(context))
    assert done.returncode == 0, done.stdout + done.stderr
    image = ecr.describe_images(repositoryName="built/app", imageIds=[{"imageTag": "one"}])["imageDetails"][0]
    assert done.stdout.splitlines()[-1] == (
        f"000000000000.dkr.ecr.us-east-1.amazonaws.com/built/app:one@{image['imageDigest']}"
    )
    again = running.run("image", "build", "-t", "built/app", "--build-arg", "WORD=hello", str(context))
    assert "Using cache" in again.stdout
    listed = running.run("image", "list").stdout
    assert sorted(line.split()[:3] for line in listed.splitlines()[1:]) == [
        ["us-east-1", "built/app", "latest"],
        ["us-east-1", "built/app", "one"],
    ]


def test_the_region_is_that_of_the_repository(running, context, monkeypatch):
    monkeypatch.delitem(running.env, "AWS_REGION")
    monkeypatch.delitem(running.env, "AWS_DEFAULT_REGION", raising=False)
    running.client("ecr", region="eu-central-1").create_repository(repositoryName="far/app")
    done = running.run("image", "build", "-t", "far/app:one", str(context))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "dkr.ecr.eu-central-1.amazonaws.com/far/app:one@" in done.stdout.splitlines()[-1]
    listed = [line.split()[:3] for line in running.run("image", "list").stdout.splitlines()]
    assert ["eu-central-1", "far/app", "one"] in listed
    running.client("ecr", region="eu-west-1").create_repository(repositoryName="far/app")
    several = running.run("image", "build", "-t", "far/app:two", str(context))
    assert several.returncode == 1 and "set AWS_REGION" in several.stderr
    assert "eu-central-1" in several.stderr and "eu-west-1" in several.stderr
    host = "000000000000.dkr.ecr.eu-west-1.amazonaws.com"
    told = running.run("image", "build", "-t", f"{host}/far/app:two", str(context))
    assert told.returncode == 0 and f"{host}/far/app:two@" in told.stdout.splitlines()[-1], told.stderr


def test_failing_step(running, context):
    (context / "Dockerfile").write_text('FROM scratch\nCOPY busybox /b\nRUN ["/b", "false"]\n')
    done = running.run("image", "build", str(context))
    assert done.returncode == 1
    assert 'building at STEP "RUN /b false": exit status 1' in done.stderr


def test_no_repository(running, context):
    done = running.run("image", "build", "-t", "none/such", str(context))
    assert done.returncode == 1
    assert "there is no repository none/such in us-east-1" in done.stderr
    assert "STEP" not in done.stdout


def test_other_registry(running, context):
    done = running.run("image", "build", "-t", "docker.io/library/app", str(context))
    assert done.returncode == 1
    assert "docker.io is no registry of this region" in done.stderr


def test_load_of_nonsense(running, tmp_path):
    running.client("ecr").create_repository(repositoryName="loaded/app")
    (tmp_path / "file").write_text("no archive")
    done = running.run("image", "load", "-t", "loaded/app", str(tmp_path / "file"))
    assert done.returncode == 1
    assert "the file is no tar archive" in done.stderr


def test_words(region, tmp_path):
    assert "no Dockerfile" in region.run("image", "build", str(tmp_path)).stderr
    assert "is no folder" in region.run("image", "build", str(tmp_path / "none")).stderr
    assert "Give -t" in region.run("image", "load", str(tmp_path / "none")).stderr
    assert 'no command named "bild"' in region.run("image", "bild").stderr


def test_without_glass(region, context):
    done = region.run("image", "build", str(context))
    assert done.returncode == 1
    assert "--no-glass" in done.stderr


def test_methods(region):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(region.url + "/_terrarium/images/build")
    assert caught.value.code in (400, 405)
    assert "error" in json.loads(caught.value.read())
