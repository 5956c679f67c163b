"""The `aws s3` command against the region: the one in PATH, and Debian's."""

import os
import shutil
import subprocess
import urllib.request

import pytest
from s3_shared import MIB, body, empty

COMMANDS = sorted({path for path in (shutil.which("aws"), "/usr/bin/aws") if path and os.path.exists(path)})


@pytest.fixture(params=COMMANDS)
def aws(request, region):
    def run(*arguments, fails=False):
        done = subprocess.run(
            [request.param, "--endpoint-url", region.url, "s3", *arguments],
            env=dict(
                os.environ, AWS_ACCESS_KEY_ID="terrarium", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1",
                AWS_PAGER="",
            ),
            capture_output=True, text=True, timeout=60, check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + (done.stderr if fails else "")

    return run


@pytest.fixture
def place(s3):
    name = "command-" + os.urandom(4).hex()
    s3.create_bucket(Bucket=name)
    yield name
    empty(s3, name)
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    (folder / "sub" / "deep ü").mkdir(parents=True)
    (folder / "index.html").write_text("<html>")
    (folder / "sub" / "a +b.txt").write_text("a" * 1024)
    (folder / "sub" / "deep ü" / "c&d").write_text("")
    (folder / "skip.log").write_text("log")
    (folder / "large").write_bytes(os.urandom(9 * MIB))
    return folder


def keys(s3, bucket):
    return [c["Key"] for c in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def same(first, second):
    return subprocess.run(["diff", "-r", first, second], check=False).returncode == 0


def test_sync(s3, aws, place, files, tmp_path):
    target = f"s3://{place}/site"
    aws("sync", str(files), target, "--exclude", "*.log", "--cache-control", "max-age=5")
    assert keys(s3, place) == ["site/index.html", "site/large", "site/sub/a +b.txt", "site/sub/deep ü/c&d"]
    head = s3.head_object(Bucket=place, Key="site/index.html")
    assert (head["ContentType"], head["CacheControl"]) == ("text/html", "max-age=5")
    assert aws("sync", str(files), target, "--exclude", "*.log") == ""  # nothing has changed
    (files / "index.html").write_text("<html></html>")
    (files / "large").unlink()
    told = aws("sync", str(files), target, "--exclude", "*.log", "--delete")
    assert "upload: " in told and f"delete: {target}/large" in told
    aws("sync", target, str(tmp_path / "back"))
    (files / "skip.log").unlink()
    assert same(files, tmp_path / "back")
    # From bucket to bucket.
    aws("sync", target, f"s3://{place}/copy")
    assert body(s3.get_object(Bucket=place, Key="copy/index.html")) == b"<html></html>"


def test_copies_and_moves(s3, aws, place, files, tmp_path):
    target = f"s3://{place}"
    aws("cp", str(files), f"{target}/a/", "--recursive", "--acl", "bucket-owner-full-control", "--metadata", "who=me")
    assert len(keys(s3, place)) == 5
    assert s3.head_object(Bucket=place, Key="a/skip.log")["Metadata"] == {"who": "me"}
    aws("cp", f"{target}/a/", str(tmp_path / "down"), "--recursive")
    assert same(files, tmp_path / "down")
    aws("cp", f"{target}/a/large", f"{target}/large2", "--storage-class", "STANDARD_IA")
    assert s3.head_object(Bucket=place, Key="large2")["StorageClass"] == "STANDARD_IA"
    aws("mv", f"{target}/a/sub/", f"{target}/moved/", "--recursive")
    assert keys(s3, place) == ["a/index.html", "a/large", "a/skip.log", "large2", "moved/a +b.txt", "moved/deep ü/c&d"]
    aws("mv", str(files / "skip.log"), f"{target}/up.log")
    assert not (files / "skip.log").exists()
    aws("mv", f"{target}/up.log", str(tmp_path / "again.log"))
    assert (tmp_path / "again.log").read_text() == "log"
    aws("rm", f"{target}/a", "--recursive", "--exclude", "*.html")
    assert keys(s3, place) == ["a/index.html", "large2", "moved/a +b.txt", "moved/deep ü/c&d"]
    aws("rm", target, "--recursive")
    assert keys(s3, place) == []


def test_list(s3, aws, place, files):
    aws("cp", str(files), f"s3://{place}/", "--recursive")
    assert place in aws("ls")
    flat = aws("ls", f"s3://{place}/")
    assert "PRE sub/" in flat and "index.html" in flat and "a +b" not in flat
    told = aws("ls", f"s3://{place}", "--recursive", "--human-readable", "--summarize")
    assert "1.0 KiB sub/a +b.txt" in told and "9.0 MiB large" in told
    assert "Total Objects: 5" in told and "Total Size: 9.0 MiB" in told
    assert "NoSuchBucket" in aws("ls", "s3://no-such-bucket-here", fails=True)


def test_streams_and_addresses(s3, aws, place, tmp_path):
    source = tmp_path / "f"
    source.write_text("data")
    aws("cp", str(source), f"s3://{place}/a b")
    assert aws("cp", f"s3://{place}/a b", "-") == "data"
    url = aws("presign", f"s3://{place}/a b", "--expires-in", "60").strip()
    assert urllib.request.urlopen(url).read() == b"data"
    told = aws("cp", f"s3://{place}/none", str(tmp_path / "none"), fails=True)
    assert "404" in told and not (tmp_path / "none").exists()


def test_website_command(s3, aws, place):
    aws("website", f"s3://{place}", "--index-document", "index.html", "--error-document", "error.html")
    assert s3.get_bucket_website(Bucket=place)["ErrorDocument"] == {"Key": "error.html"}


def test_buckets(s3, aws):
    name = "command-" + os.urandom(4).hex()
    aws("mb", f"s3://{name}")
    s3.put_object(Bucket=name, Key="k")
    assert "BucketNotEmpty" in aws("rb", f"s3://{name}", fails=True)
    aws("rb", "--force", f"s3://{name}")
    assert name not in aws("ls")
