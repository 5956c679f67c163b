"""Modules from elsewhere: registries, git, archives and folders, fetched by init and found by everything else."""

import http.server
import io
import json
import os
import subprocess
import tarfile
import threading
import zipfile

import pytest


class Folder:
    def __init__(self, path, env):
        self.path, self.env = path, env

    def write(self, text, name="main.tf"):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(self, *arguments, code=0):
        done = subprocess.run(
            [os.environ["TERRARIUM"], *arguments],
            cwd=self.path,
            env=dict(os.environ, **self.env),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return " ".join((done.stdout + done.stderr).replace("│", " ").split())

    def value(self, name="all"):
        self.run("apply", "-auto-approve")
        return json.loads(subprocess.run(
            [os.environ["TERRARIUM"], "output", "-json", name], cwd=self.path, capture_output=True, check=True
        ).stdout)

    def manifest(self):
        found = json.loads((self.path / ".terrarium/modules/modules.json").read_text())["Modules"]
        return {each["Key"]: each for each in found}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    env = {
        "HOME": str(tmp_path / "home"),
        "TF_CLI_CONFIG_FILE": str(tmp_path / "terraformrc"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.com",
        "GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.com",
    }
    return Folder(tmp_path / "work", env)


def module(text):
    return f'output "said" {{ value = "{text}" }}\n'


def tarball(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


class Server:
    """Answers paths with (status, headers, body), and notes what it was asked."""

    def __init__(self):
        self.answers, self.asked, self.tokens = {}, [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                outer.tokens.append(self.headers.get("Authorization"))
                status, headers, body = outer.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, path, body=b"", status=200, **headers):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        self.answers[path] = (status, {key.replace("_", "-"): value for key, value in headers.items()}, body)

    def registry(self, address, *versions):
        self.serve(f"/v1/{address}/versions", {"modules": [{"versions": [{"version": v} for v in versions]}]})
        for version in versions:
            name = address.replace("/", "-")
            self.serve(f"/v1/{address}/{version}/download", status=204, X_Terraform_Get=f"/{name}-{version}.tar.gz")
            self.serve(f"/{name}-{version}.tar.gz", tarball({
                "main.tf": module(f"{address} {version}"),
                "modules/inner/main.tf": module(f"inner {version}"),
            }))


@pytest.fixture
def server(folder, tmp_path):
    server = Server()
    (tmp_path / "terraformrc").write_text(
        f'host "registry.example.com" {{\n  services = {{ "modules.v1" = "{server.url}/v1/" }}\n}}\n'
        'credentials "registry.example.com" {\n  token = "made-up"\n}\n'
    )
    yield server
    server.server.shutdown()


REGISTRY = """
module "net" {
  source  = "registry.example.com/acme/net/aws"
  version = "VERSION"
}
module "inner" {
  source  = "registry.example.com/acme/net/aws//modules/inner"
  version = "VERSION"
}
output "all" { value = [module.net.said, module.inner.said] }
"""


def test_registry(folder, server):
    server.registry("acme/net/aws", "1.0.0", "1.2.0", "1.10.0", "2.0.0", "2.1.0-beta1")
    folder.write(REGISTRY.replace("VERSION", "~> 1.0"))
    assert 'Module not installed' in folder.run("plan", code=1)
    said = folder.run("init")
    assert "Initializing modules... Downloading " in said and "- net in .terrarium/modules/" in said
    assert folder.value() == ["acme/net/aws 1.10.0", "inner 1.10.0"]
    assert set(server.tokens) >= {"Bearer made-up"}
    kept = folder.manifest()
    assert kept["net"]["Source"] == "registry.example.com/acme/net/aws" and kept["net"]["Version"] == "1.10.0"
    # One package for both, and nothing is fetched again.
    packages = [path for path in server.asked if path.endswith(".tar.gz")]
    assert packages == ["/acme-net-aws-1.10.0.tar.gz"]
    before = len(server.asked)
    folder.run("init")
    assert len(server.asked) == before

    folder.write(REGISTRY.replace("VERSION", ">= 2.0"))
    told = folder.run("plan", code=1)
    assert "Module version requirements have changed" in told and "(1.10.0) is no longer acceptable" in told
    folder.run("init")
    assert folder.value() == ["acme/net/aws 2.0.0", "inner 2.0.0"]

    server.registry("acme/net/aws", "2.0.0", "2.3.0")
    folder.run("init")
    assert folder.manifest()["net"]["Version"] == "2.0.0"
    folder.run("init", "-upgrade")
    assert folder.value() == ["acme/net/aws 2.3.0", "inner 2.3.0"]

    folder.write(REGISTRY.replace("VERSION", "~> 3.0"))
    told = folder.run("init", code=1)
    assert "Unresolvable module version constraint" in told and "The newest available version is 2.3.0." in told


def test_registry_that_fails(folder, server):
    folder.write('module "x" {\n  source = "registry.example.com/acme/none/aws"\n}\n')
    told = folder.run("init", code=1)
    assert "Error accessing remote module registry" in told and "(main.tf:1)" in told and "404" in told
    server.serve("/v1/acme/none/aws/versions", b"no JSON")
    assert "is no JSON" in folder.run("init", code=1)
    folder.write('module "x" {\n  source = "./m"\n  version = "1.0"\n}\n')
    assert "Invalid registry module source address" in folder.run("init", code=1)


def git(folder, repository, *arguments):
    subprocess.run(["git", "-C", str(repository), *arguments], env=dict(os.environ, **folder.env), check=True,
                   capture_output=True)


def test_git(folder, tmp_path):
    repository = tmp_path / "repository"
    (repository / "deep/er").mkdir(parents=True)
    (repository / "main.tf").write_text(module("first"))
    (repository / "deep/er/main.tf").write_text('module "up" { source = "../../" }\n'
                                                'output "said" { value = "deep ${module.up.said}" }\n')
    git(folder, repository, "init", "-q", "-b", "main")
    git(folder, repository, "add", "-A")
    git(folder, repository, "commit", "-qm", "one")
    git(folder, repository, "tag", "v1")
    (repository / "main.tf").write_text(module("second"))
    git(folder, repository, "commit", "-qam", "two")
    url = f"git::file://{repository}"
    text = f"""
    module "new" {{ source = "{url}" }}
    module "old" {{ source = "{url}//deep/er?ref=v1" }}
    module "shallow" {{ source = "{url}?depth=1&ref=v1" }}
    output "all" {{ value = [module.new.said, module.old.said, module.shallow.said] }}
    """
    folder.write(text)
    folder.run("get")
    assert folder.value() == ["second", "deep first", "first"]

    folder.write(text.replace("?ref=v1", "?ref=none", 1))
    told = folder.run("plan", code=1)
    assert "Module source has changed" in told
    told = folder.run("init", code=1)
    assert "Failed to download module" in told and '"old"' in told and "git:" in told
    assert not list((folder.path / ".terrarium/modules").glob("*.part"))
    folder.write(text)
    folder.run("plan")


def test_archives(folder, server):
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a/main.tf", module("from a zip"))
    server.serve("/a.zip", zipped.getvalue())
    server.serve("/page?terraform-get=1", b'<html><meta name="terraform-get" content="/b.tar.gz//b"></html>')
    server.serve("/b.tar.gz", tarball({"b/main.tf": module("from a page"), "b/c/main.tf": module("below")}))
    server.serve("/v1/acme/far/aws/versions", {"modules": [{"versions": [{"version": "1.0.0"}]}]})
    server.serve("/v1/acme/far/aws/1.0.0/download", {"location": f"{server.url}/repository//*?archive=tar.gz"})
    server.serve("/repository", tarball({"acme-far-123abc/main.tf": module("of a repository")}))
    server.serve("/named", tarball({"main.tf": module("as told")}))
    folder.write(f"""
    module "a" {{ source = "{server.url}/a.zip//a" }}
    module "b" {{ source = "{server.url}/page" }}
    module "c" {{ source = "{server.url}/page//c" }}
    module "d" {{ source = "{server.url}/named?archive=tar.gz" }}
    module "e" {{ source = "registry.example.com/acme/far/aws" }}
    output "all" {{ value = [for m in [module.a, module.b, module.c, module.d, module.e] : m.said] }}
    """)
    folder.run("init")
    assert folder.value() == ["from a zip", "from a page", "below", "as told", "of a repository"]


def test_bad_archives(folder, server):
    server.serve("/out.tar.gz", tarball({"../out.tf": "", "main.tf": ""}))
    folder.write(f'module "x" {{\n  source = "{server.url}/out.tar.gz"\n}}\n')
    assert "leads out of it" in folder.run("init", code=1)
    assert not (folder.path / ".terrarium/out.tf").exists()
    server.serve("/broken.zip", b"this is no archive")
    folder.write(f'module "x" {{\n  source = "{server.url}/broken.zip"\n}}\n')
    assert "cannot read the archive" in folder.run("init", code=1)
    server.serve("/a.zip", b"", status=500)
    folder.write(f'module "x" {{\n  source = "{server.url}/a.zip"\n}}\n')
    assert "the server answered 500" in folder.run("init", code=1)
    folder.write(f'module "x" {{\n  source = "{server.url}/nothing"\n}}\n')
    assert "the server answered 404" in folder.run("init", code=1)


def test_folders_and_what_is_refused(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/main.tf").write_text(module("elsewhere"))
    folder.write(f'module "x" {{\n  source = "{tmp_path}/elsewhere"\n}}\noutput "all" {{ value = module.x.said }}\n')
    folder.run("init")
    assert folder.value() == "elsewhere"
    for source, word in (("s3::https://x/y.zip", "s3::"), ("modules/x", "neither a path"), ("what::x", '"what::"')):
        folder.write(f'module "x" {{\n  source = "{source}"\n}}\n')
        assert word in folder.run("init", code=1)


def test_what_terraform_installed(folder):
    folder.write(module("by Terraform"), ".terraform/modules/net/main.tf")
    folder.write(json.dumps({"Modules": [
        {"Key": "", "Source": "", "Dir": "."},
        {"Key": "net", "Source": "registry.terraform.io/acme/net/aws", "Version": "1.4.0", "Dir": ".terraform/modules/net"},
    ]}), ".terraform/modules/modules.json")
    folder.write('module "net" {\n  source  = "acme/net/aws"\n  version = "~> 1.0"\n}\n'
                 'output "all" { value = [module.net.said, path.root] }\n')
    assert folder.value() == ["by Terraform", "."]
    assert "- net in .terraform/modules/net" in folder.run("get")
