"""docker in builds: bases that all projects share, caches from a registry, and what docker's commands do."""

import json
import os
import signal
import urllib.request

import pytest

from builds import HOST, Builds
from conftest import wait_until

CURATED = "aws/codebuild/standard:7.0"
LOGIN = 'aws ecr get-login-password | docker login --username AWS --password-stdin "${REGISTRY%%/*}"'


def buildspec(*commands, **variables):
    return json.dumps({"version": "0.2", "env": {"variables": variables},
                       "phases": {"build": {"commands": list(commands)}}})


@pytest.fixture
def projects(region):
    """Makes projects, each with storage of its own; `projects(*commands, **variables)` is one that may use docker."""
    made = []

    def project(*commands, **variables):
        builds = Builds(region)
        made.append(builds)
        builds.project(buildspec(*commands, **variables), image=CURATED, privileged=True)
        return builds

    yield project
    for builds in made:
        builds.close()


def succeeded(builds, build, seconds=300):
    done, lines = builds.ended(build, seconds), builds.lines(build)
    assert done["buildStatus"] == "SUCCEEDED", "\n".join(lines)
    return lines


def layers(builds, repository, tag):
    image = builds.ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])["images"][0]
    return [layer["digest"] for layer in json.loads(image["imageManifest"])["layers"]]


DOCKERFILE = r"""FROM debian:bookworm-slim AS first
ARG WORD=said
ENV HEARD=$WORD
RUN date +%%N >/when
FROM first
WORKDIR /app
COPY file /app/
RUN date +%%N >/later && echo ran-later
USER 1000
CMD ["sh"]
"""
CONTEXT = f"mkdir context && printf '{DOCKERFILE}' >context/Dockerfile && echo \"$CONTENT\" >context/file"
BUILD = ('docker build --build-arg BUILDKIT_INLINE_CACHE=1 --cache-from "$REGISTRY:cache" -t "$REGISTRY:$TAG" context && '
         'docker push "$REGISTRY:$TAG"')


def test_cache_from_an_image_of_another_project(projects):
    first = projects()
    registry = f"{HOST}/{first.name}"

    def run(builds, content, tag, *before):
        variables = {"REGISTRY": registry, "CONTENT": content, "TAG": tag}
        build = builds.start(buildspecOverride=buildspec(LOGIN, *before, CONTEXT, BUILD, **variables))
        return succeeded(builds, build, 600)

    lines = run(first, "one", "cache")
    assert "ran-later" in lines and not any("Using cache" in line for line in lines)
    assert any("the cache of" in line and "is not used" in line for line in lines)
    # Pulled before, as buildspecs do it: everything is there.
    lines = run(projects(), "one", "same", f"docker pull {registry}:cache")
    assert "ran-later" not in lines
    steps = [line for line in lines if "STEP" in line and "FROM" not in line]
    assert len([line for line in lines if "Using cache" in line]) == len(steps) >= 8, lines
    digests = {tag: first.ecr.describe_images(repositoryName=first.name, imageIds=[{"imageTag": tag}])["imageDetails"][0]
               for tag in ("cache", "same")}
    assert digests["cache"]["imageDigest"] == digests["same"]["imageDigest"]
    # Named only, and another file: what stands before it is taken, what comes behind it is built.
    other = projects()
    lines = run(other, "two", "other")
    assert "ran-later" in lines and any("Using cache" in line for line in lines)
    old, new = layers(first, first.name, "cache"), layers(first, first.name, "other")
    assert len(old) == len(new) == 4 and old[:2] == new[:2] and old[2] != new[2] and old[3] != new[3]
    build = other.start(buildspecOverride=buildspec(
        LOGIN, f"docker run --rm {registry}:other sh -c 'echo $HEARD $(pwd) $(id -u) $(cat /app/file)'", REGISTRY=registry))
    assert "said /app 1000 two" in succeeded(other, build)


def bases(region, name):
    folder = region.home / "builds" / "bases"
    return [each.name for each in folder.iterdir() if each.name.startswith(name)] if folder.is_dir() else []


def test_a_base_is_made_once(region, projects):
    """Two projects want one that nobody has made; the region is killed while it makes it."""
    from_other = r"printf 'FROM debian:bookworm\nRUN echo built-upon-it\n' | docker build -"
    both = [projects(from_other), projects(from_other)]
    started = [each.start() for each in both]
    wait_until(lambda: bases(region, "making."), "the base is being made", 300)
    os.kill(region.pid(), signal.SIGKILL)
    assert not bases(region, "bookworm_")
    up = region.run("up")
    assert up.returncode == 0, up.stderr
    for each, build in zip(both, started):
        assert "built-upon-it" in succeeded(each, build, 300)
    assert len(bases(region, "bookworm_")) == 1 and len(bases(region, "bookworm-slim_")) == 1
    assert not bases(region, "making.")
    builds = both[0]
    build = builds.start(buildspecOverride=buildspec(r"printf 'FROM debian:nowhere\n' | docker build -"))
    assert builds.ended(build, 120)["buildStatus"] == "FAILED"
    assert any("debian:nowhere could not be made: E: " in line for line in builds.lines(build))
    # After a week there is a new one; the old one stays as long as somebody has built upon it.
    folder = region.home / "builds" / "bases"
    (name,) = bases(region, "bookworm_")
    suite, made, recipe = name.split("_")
    old = f"{suite}_{int(made) - 8 * 86400}_{recipe}"
    os.rename(folder / name, folder / old)
    lines = succeeded(builds, builds.start(), 300)  # what is made on one day of the same packages is the same
    assert "built-upon-it" in lines or any("Using cache" in line for line in lines)
    assert len(bases(region, "bookworm_")) == 2
    for each in both:
        each.codebuild.delete_project(name=each.name)
        each.made = False
    kept = region.home / "builds" / "projects"
    wait_until(lambda: not [each for each in kept.iterdir() if any(b.name in each.name for b in both)], "storage is gone")
    url = f"{region.url}/_terrarium/clock?advance=3601"
    urllib.request.urlopen(urllib.request.Request(url, method="POST", data=b""), timeout=10).close()
    last = projects("true")
    succeeded(last, last.start())
    wait_until(lambda: old not in bases(region, "bookworm_"), "the old base is gone")
    assert len(bases(region, "bookworm_")) == 1


# What is done, and a line that it must print.
WORKS = {
    "docker build -q -t app:1 -t app:2 --build-arg A=given --label l=v --pull --no-cache --progress=plain --network default "
    "--platform linux/amd64 --secret id=s,src=secret --target last -f Dockerfile.app --iidfile id . && cat id": "sha256:",
    "docker run --rm app:2 cat /argument /secret": "given\nSECRET",
    "docker run --rm -e A=b -v $PWD:/mounted -w /mounted --entrypoint cat --memory 1g app:1 secret": "secret",
    "docker run -d --name long app:1 sleep 600 && docker exec long echo from-exec && docker rm -f long": "from-exec",
    "docker images --format '{{.Repository}} {{.Tag}}' app": "localhost/app 1",
    "docker image ls | head -1": "SIZE",
    "docker inspect --format '{{index .Config.Labels \"l\"}}' app:1": "v",
    "docker tag app:1 $REGISTRY:tagged && docker push -q $REGISTRY:tagged && docker rmi $REGISTRY:tagged app:2 && "
    "docker pull -q $REGISTRY:tagged && docker run --rm $REGISTRY:tagged cat /argument": "given",
    "docker save app:1 | gzip >app.tgz && docker rmi app:1 && docker load <app.tgz": "Loaded image: localhost/app:1",
    "docker load -i app.tgz": "Loaded image: localhost/app:1",
    "docker buildx build --push -t $REGISTRY:x --metadata-file meta --cache-to type=registry,ref=$REGISTRY:kept "
    "--secret id=s,src=secret -f Dockerfile.app . && jq -r '.\"image.name\"' meta": "/%s:x",
    "docker manifest create $REGISTRY:list $REGISTRY:x && docker manifest push $REGISTRY:list && "
    "docker manifest inspect $REGISTRY:list": "manifest.list.v2+json",
    "docker info --format '{{.OSType}}/{{.Architecture}}'": "linux/amd64",
    "docker version --format '{{.Server.Version}}'": "4.3.1",
    "docker system prune -f && docker image prune -f && docker builder prune -f && echo pruned": "pruned",
    "docker buildx create --use 2>&1": "the only builder is podman's",
}
REFUSED = {
    "docker compose up": "'compose' is not there",
    "docker swarm init": "'swarm' is not there",
    "docker buildx bake": "'buildx bake' is not there",
    "docker push --all-tags $REGISTRY": "push --all-tags is not there",
    "docker build --platform linux/s390x .": "--platform linux/s390x is not there",
    "docker build --cache-from type=gha .": "a cache of type=gha is not there",
    "docker build --network none .": "--network none is not there",
    "docker build --frobnicate .": "the option --frobnicate of docker build is not there",
    r"printf 'FROM scratch\nRUN <<EOF\nEOF\n' | docker build -": "line 2 of the Dockerfile: here-documents",
    "docker build https://example.com/x.git": "the context https://example.com/x.git is not there",
    "docker build nowhere": 'path "nowhere" not found',
    "docker frobnicate": "'frobnicate' is not a docker command",
}
APP = r"""FROM debian:bookworm-slim AS last
ARG A=none
RUN echo "$A" >/argument
RUN --mount=type=secret,id=s tr a-z A-Z </run/secrets/s >/secret
COPY --link secret /linked
HEALTHCHECK CMD true
FROM last
RUN exit 1
"""


def test_what_docker_does(projects):
    builds = projects()
    registry = f"{HOST}/{builds.name}"
    commands = [LOGIN, f"printf '%s' '{APP}' >Dockerfile.app", "echo secret >secret"]
    for n, command in enumerate(WORKS):
        if "buildx build" in command:
            command = command.replace(" -f", " --target last -f")
        commands.append(f"echo begin-{n}; {command}")
    for n, command in enumerate(REFUSED):
        commands.append(f"echo refused-{n}; {{ {command}; }} 2>&1 && exit 1; true")
    commands.append("echo begin-end")
    build = builds.start(buildspecOverride=buildspec(*commands, REGISTRY=registry))
    lines = succeeded(builds, build, 600)

    def said(mark):
        after = lines[lines.index(mark) + 1:]
        return "\n".join(line for line in after if "Running command" not in line)

    for n, expected in enumerate(WORKS.values()):
        assert (expected % builds.name if "%s" in expected else expected) in said(f"begin-{n}"), (n, said(f"begin-{n}"))
    for n, expected in enumerate(REFUSED.values()):
        assert expected in said(f"refused-{n}"), said(f"refused-{n}")
    tags = {tag for image in builds.ecr.describe_images(repositoryName=builds.name)["imageDetails"]
            for tag in image.get("imageTags", [])}
    assert {"tagged", "x", "kept", "list"} <= tags


def test_docker_needs_privileged_mode(projects):
    builds = projects("docker version")
    build = builds.start(privilegedModeOverride=False)
    assert builds.ended(build, 300)["buildStatus"] == "FAILED"
    assert any("Cannot connect to the Docker daemon" in line for line in builds.lines(build))
