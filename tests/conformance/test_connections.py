"""CodeStar Connections and CodeConnections: boto3, real git, our command and our own engine."""

import json
import os
import stat
import subprocess
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError

GIT = {
    "GIT_AUTHOR_NAME": "A U Thor",
    "GIT_AUTHOR_EMAIL": "author@example.com",
    "GIT_COMMITTER_NAME": "A U Thor",
    "GIT_COMMITTER_EMAIL": "author@example.com",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


@pytest.fixture
def connections(region):
    return region.client("codestar-connections")


@pytest.fixture
def git(tmp_path):
    """Runs git in a folder; the answer's text."""

    def run(folder, *arguments, code=0):
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=dict(os.environ, HOME=str(tmp_path), **GIT),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return (done.stdout + done.stderr).strip()

    return run


@pytest.fixture
def repository(tmp_path, git):
    folder = tmp_path / "app"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "file.txt").write_text("one\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("file.txt")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "First\n\nWith a body")
    return folder


@pytest.fixture
def make(region, connections):
    """Makes a connection, which goes in the end with what is bound to it."""
    made = []

    def create(name, **arguments):
        arn = connections.create_connection(ConnectionName=name, ProviderType="GitHub", **arguments)["ConnectionArn"]
        made.append(arn)
        return arn

    yield create
    for arn in made:
        connections.delete_connection(ConnectionArn=arn)


def listed(region, name):
    with urllib.request.urlopen(f"{region.url}/_terrarium/connections") as answer:
        return next(c for c in json.load(answer) if c["name"] == name)


def eventually(check, seconds=5):
    """Waits until check() is true; the last look at it decides."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.05)
    assert check()


def branches(region, name, index=0):
    return listed(region, name)["repositories"][index]["branches"]


def ok(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_life_of_a_connection(region, connections):
    made = connections.create_connection(
        ConnectionName="life", ProviderType="GitHub", Tags=[{"Key": "a", "Value": "b"}]
    )
    arn = made["ConnectionArn"]
    assert arn.startswith("arn:aws:codestar-connections:us-east-1:000000000000:connection/")
    got = connections.get_connection(ConnectionArn=arn)["Connection"]
    assert got == {
        "ConnectionName": "life",
        "ConnectionArn": arn,
        "ProviderType": "GitHub",
        "OwnerAccountId": "000000000000",
        "ConnectionStatus": "PENDING",
    }
    connections.tag_resource(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    connections.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert connections.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    assert arn in [c["ConnectionArn"] for c in connections.list_connections(ProviderTypeFilter="GitHub")["Connections"]]
    assert connections.list_connections(ProviderTypeFilter="Bitbucket")["Connections"] == []
    assert "life (GitHub, us-east-1): PENDING" in ok(region.run("connection", "list"))
    ok(region.run("connection", "approve", "life"))
    assert connections.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "AVAILABLE"
    connections.delete_connection(ConnectionArn=arn)
    with pytest.raises(ClientError) as failure:
        connections.get_connection(ConnectionArn=arn)
    assert failure.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as failure:
        connections.create_host(Name="h", ProviderType="GitHubEnterpriseServer", ProviderEndpoint="https://x")
    assert failure.value.response["Error"]["Code"] == "NotImplemented"
    assert connections.list_hosts()["Hosts"] == []
    assert region.client("codeconnections").list_repository_links()["RepositoryLinks"] == []


def test_own_repository_by_push(region, make, git, repository):
    make("own")
    said = ok(region.run("connection", "approve", "own", "--repository", "acme/own"))
    url = f"{region.url}/git/acme/own.git"
    assert "AVAILABLE" in said and f"git push {url} HEAD" in said
    said = subprocess.run(
        [region.terrarium, "push", str(repository)], env=dict(region.env, **GIT), capture_output=True, text=True
    )
    assert f"git push {url} HEAD" in ok(said)
    head = git(repository, "rev-parse", "HEAD")
    eventually(lambda: branches(region, "own") == {"main": head})
    clone = repository.parent / "clone"
    git(repository.parent, "clone", "-q", url, str(clone))
    assert (clone / "file.txt").read_text() == "one\n"
    git(clone, "checkout", "-q", "-b", "feature/x")
    (clone / "big").write_bytes(os.urandom(3_000_000))
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "Second")
    git(clone, "push", "-q", "origin", "HEAD")
    second = git(clone, "rev-parse", "HEAD")
    eventually(lambda: branches(region, "own") == {"main": head, "feature/x": second})
    git(repository, "fetch", "-q", url, "feature/x")
    assert git(repository, "rev-parse", "FETCH_HEAD") == second
    git(clone, "push", "-q", "origin", ":feature/x")
    eventually(lambda: branches(region, "own") == {"main": head})
    ok(region.run("connection", "unbind", "own", "acme/own"))
    assert "not found" in git(repository, "ls-remote", url, code=128)
    assert listed(region, "own")["repositories"] == []


def test_repository_of_the_user(region, make, git, repository):
    make("local")
    ok(region.run("connection", "approve", "local"))
    ok(region.run("connection", "bind", "local", "acme/local", str(repository)))
    first = git(repository, "rev-parse", "HEAD")
    eventually(lambda: branches(region, "local") == {"main": first})
    (repository / "file.txt").write_text("two\n")
    git(repository, "commit", "-q", "-am", "Second")
    second = git(repository, "rev-parse", "HEAD")
    eventually(lambda: branches(region, "local") == {"main": second}, seconds=3)
    git(repository, "branch", "deep/er/branch", first)
    eventually(lambda: branches(region, "local") == {"main": second, "deep/er/branch": first}, seconds=3)
    git(repository, "update-ref", "refs/heads/deep/er/branch", second)
    eventually(lambda: branches(region, "local")["deep/er/branch"] == second, seconds=3)
    git(repository, "pack-refs", "--all")
    git(repository, "branch", "-q", "-D", "deep/er/branch")
    eventually(lambda: branches(region, "local") == {"main": second}, seconds=3)
    clone = repository.parent / "clone"
    git(repository.parent, "clone", "-q", f"{region.url}/git/acme/local", str(clone))
    (clone / "file.txt").write_text("three\n")
    git(clone, "commit", "-q", "-am", "Third")
    git(clone, "push", "-q")
    assert (repository / "file.txt").read_text() == "three\n"
    assert git(repository, "status", "--porcelain") == ""
    third = git(clone, "rev-parse", "HEAD")
    eventually(lambda: branches(region, "local") == {"main": third}, seconds=3)
    (repository / "file.txt").write_text("unsaved\n")
    (clone / "file.txt").write_text("four\n")
    git(clone, "commit", "-q", "-am", "Fourth")
    git(clone, "push", "-q", code=1)
    assert (repository / "file.txt").read_text() == "unsaved\n"
    assert "itself" in ok(region.run("push", str(repository)))


def test_remote_repository(region, make, git, repository):
    """One connection serves what another one, by its URL, takes for remote."""
    make("server")
    make("client")
    ok(region.run("connection", "approve", "server", "-r", f"acme/server={repository}"))
    ok(region.run("connection", "approve", "client", "-r", f"acme/client={region.url}/git/acme/server"))
    head = git(repository, "rev-parse", "HEAD")
    eventually(lambda: branches(region, "client") == {"main": head})
    assert listed(region, "client")["repositories"][0]["kind"] == "remote"
    ok(region.run("connection", "bind", "client", "acme/none", f"{region.url}/git/acme/nothing"))
    eventually(lambda: "error" in next(
        r for r in listed(region, "client")["repositories"] if r["repository"] == "acme/none"
    ))


def test_what_is_refused(region, make, tmp_path):
    make("refuse")
    make("other")

    def fails(*arguments):
        done = region.run("connection", *arguments)
        assert done.returncode == 1, done.stdout
        return done.stderr

    assert "no connection" in fails("approve", "nobody")
    assert "no repository's name" in fails("bind", "refuse", "plain", str(tmp_path))
    assert "no repository's name" in fails("bind", "refuse", "../x", str(tmp_path))
    assert "There is no folder" in fails("bind", "refuse", "acme/x", str(tmp_path / "none"))
    assert "has no repository" in fails("unbind", "refuse", "acme/x")
    ok(region.run("connection", "bind", "refuse", "acme/x", "https://git.invalid/x.git"))
    assert "Unbind it there first" in fails("bind", "other", "acme/x", "https://git.invalid/y.git")
    foreign = urllib.request.Request(f"{region.url}/git/acme/x/info/refs", headers={"Origin": "https://evil.example"})
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(foreign)
    assert failure.value.code == 403
    assert region.run("push", str(tmp_path)).returncode == 1
    assert 'no command named "aprove". Did you mean "approve"?' in fails("aprove", "refuse")
    assert "NAME OWNER/REPO" in fails("bind", "refuse") and "Usage:" in fails()


def test_types(region, connections, terrarium, tmp_path):
    (tmp_path / "main.tf").write_text("""
resource "aws_codestarconnections_connection" "git" {
  name          = "tf-star"
  provider_type = "GitHub"
  tags          = { a = "b" }
}
resource "aws_codeconnections_connection" "git" {
  name          = "tf-code"
  provider_type = "GitLab"
}
data "aws_codestarconnections_connection" "git" {
  arn = aws_codestarconnections_connection.git.arn
}
output "status" { value = data.aws_codestarconnections_connection.git.connection_status }
output "arn" { value = aws_codeconnections_connection.git.arn }
""")
    terrarium("apply", "-auto-approve")
    outputs = json.loads(terrarium("output", "-json"))
    assert outputs["status"]["value"] == "PENDING"
    assert outputs["arn"]["value"].startswith("arn:aws:codeconnections:")
    ok(region.run("connection", "approve", "tf-star"))
    assert "0 added, 0 changed, 0 destroyed" in terrarium("apply", "-auto-approve")
    assert json.loads(terrarium("output", "-json"))["status"]["value"] == "AVAILABLE"
    names = {c["ConnectionName"]: c for c in connections.list_connections()["Connections"]}
    assert names["tf-code"]["ProviderType"] == "GitLab"
