"""kill -9 of the region while something is pushed: no blob is half there, and the client's next try succeeds."""

import http.client
import json
import os
import random
import signal
import subprocess
import time

import pytest

from conftest import Region
from registry import CONFIG, MANIFEST, Registry, digest, layout

HOUR = 3600


class Killed:
    """A region with a repository, that is killed and comes again."""

    def __init__(self, home):
        self.region = Region(home)
        assert self.region.run("up", "--no-glass").returncode == 0
        self.ecr = self.region.client("ecr")
        self.ecr.create_repository(repositoryName="app")
        self.registry = Registry(self.region)
        self.uploads = self.region.home / "blobs" / "uploads"

    def kill(self):
        pid = self.region.pid()
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.region.pid() != pid)
        up = self.region.run("up", "--no-glass")
        assert up.returncode == 0, up.stderr

    def begin(self):
        status, headers, _ = self.registry.ask("POST", "/v2/app/blobs/uploads/")
        assert status == 202
        return headers["Location"]

    def send(self, method, path, content, length, **headers):
        """The head of a request and the first `length` bytes of its body. The connection stays open."""
        connection = http.client.HTTPConnection("127.0.0.1", self.region.port, timeout=20)
        connection.putrequest(method, path)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        connection.send(content[:length])
        return connection

    def received(self, upload):
        """How many bytes the region has of an upload."""
        status, headers, _ = self.registry.ask("GET", upload)
        assert status == 204
        assert headers["Location"] == upload
        return int(headers["Range"].split("-")[1]) + 1

    def held(self):
        """Bytes of the largest upload, as it lies on disk."""
        return max((each.stat().st_size for each in self.uploads.iterdir()), default=0)

    def has(self, content):
        """The blob is there and whole; or it is not there."""
        path = f"/v2/app/blobs/{digest(content)}"
        status, headers, _ = self.registry.ask("HEAD", path)
        if status == 404:
            assert self.registry.refused("GET", path) == (404, "BLOB_UNKNOWN")
            return False
        assert (status, int(headers["Content-Length"])) == (200, len(content))
        assert self.registry.ask("GET", path)[2] == content
        return True

    def images(self):
        """Digest and tags of each image, all of which can be pulled whole."""
        found = self.ecr.describe_images(repositoryName="app")["imageDetails"]
        for image in found:
            status, _, body = self.registry.ask("GET", f"/v2/app/manifests/{image['imageDigest']}")
            assert (status, digest(body)) == (200, image["imageDigest"])
            manifest = json.loads(body)
            for blob in [manifest["config"], *manifest["layers"]]:
                whole = self.registry.ask("GET", f"/v2/app/blobs/{blob['digest']}")[2]
                assert digest(whole) == blob["digest"]
        listed = self.ecr.list_images(repositoryName="app")["imageIds"]
        assert {each["imageDigest"] for each in listed} == {each["imageDigest"] for each in found}
        tags = sorted(tag for image in found for tag in image.get("imageTags", []))
        assert json.loads(self.registry.ask("GET", "/v2/app/tags/list")[2])["tags"] == tags
        return {image["imageDigest"]: image.get("imageTags", []) for image in found}


def until(check):
    end = time.monotonic() + 20
    while not (found := check()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def content_of(seed, size=3_000_000):
    return random.Random(seed).randbytes(size)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    killed = Killed(tmp_path_factory.mktemp("killed"))
    yield killed
    killed.region.end()


def test_in_a_chunk(killed):
    """The session has what had arrived, and the client goes on from there."""
    content = content_of("chunk")
    upload = killed.begin()
    assert killed.registry.ask("PATCH", upload, content[:1_000_000])[0] == 202
    connection = killed.send("PATCH", upload, content[1_000_000:], 1_500_000, Content_Range="1000000-2999999")
    until(lambda: killed.received(upload) > 1_200_000)
    killed.kill()
    connection.close()
    assert not killed.has(content)
    end = killed.received(upload)
    assert 1_200_000 < end <= 2_500_000
    late = killed.registry.ask("PATCH", upload, content[:10], Content_Range="0-9")
    assert (late[0], late[1]["Range"]) == (416, f"0-{end - 1}")
    status, headers, _ = killed.registry.ask("PATCH", upload, content[end:], Content_Range=f"{end}-2999999")
    assert (status, headers["Range"]) == (202, "0-2999999")
    assert killed.registry.ask("PUT", f"{upload}?digest={digest(content)}")[0] == 201
    assert killed.has(content)
    assert killed.registry.refused("GET", upload) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("single", [False, True])
def test_in_a_whole_layer(killed, single):
    """One PUT, or one POST, that brings it all; the client begins again."""
    content = content_of(f"whole {single}")
    upload = "/v2/app/blobs/uploads/" if single else killed.begin()
    connection = killed.send("POST" if single else "PUT", f"{upload}?digest={digest(content)}", content, 2_000_000)
    until(lambda: killed.held() > 1_000_000)
    killed.kill()
    connection.close()
    assert not killed.has(content)
    killed.registry.push_blob("app", content)
    assert killed.has(content)
    if not single:
        end = killed.received(upload)
        assert killed.registry.ask("PUT", f"{upload}?digest={digest(content)}", content[end:])[0] == 201
        assert killed.has(content)
    for each in killed.uploads.iterdir():
        each.unlink()


def test_as_a_layer_ends(killed):
    """All of it was sent, the answer is not awaited: the blob is there whole, or its upload can go on."""
    seen = set()
    for round_ in range(6):
        content = content_of(f"end {round_}")
        upload = killed.begin()
        connection = killed.send("PUT", f"{upload}?digest={digest(content)}", content, len(content))
        if round_ > 0:
            until(lambda: killed.held() == len(content) or killed.registry.ask("GET", upload)[0] == 404)
        killed.kill()
        connection.close()
        there = killed.has(content)
        seen.add(there)
        if there:
            assert killed.registry.refused("GET", upload) == (404, "BLOB_UPLOAD_UNKNOWN")
            continue
        end = 0 if killed.registry.ask("GET", upload)[1]["Range"] == "0-0" else killed.received(upload)
        assert killed.registry.ask("PUT", f"{upload}?digest={digest(content)}", content[end:])[0] == 201
        assert killed.has(content)
    assert seen


def test_between_layers_and_around_the_manifest(killed):
    one, two = content_of("one", 500_000), content_of("two", 500_000)
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}}).encode()
    first = killed.registry.push_blob("app", one)
    before = killed.images()
    killed.kill()
    assert killed.has(one) and not killed.has(two)
    layers = [first, killed.registry.push_blob("app", two)]
    config = dict(killed.registry.push_blob("app", config), mediaType=CONFIG)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}).encode()
    killed.kill()
    assert killed.has(one) and killed.has(two)
    assert killed.images() == before
    assert killed.registry.refused("GET", "/v2/app/manifests/whole") == (404, "MANIFEST_UNKNOWN")
    status, headers, _ = killed.registry.ask("PUT", "/v2/app/manifests/whole", manifest, Content_Type=MANIFEST)
    killed.kill()
    assert (status, headers["Docker-Content-Digest"]) == (201, digest(manifest))
    assert killed.images() == before | {digest(manifest): ["whole"]}
    # The same again changes nothing.
    assert killed.registry.ask("PUT", "/v2/app/manifests/whole", manifest, Content_Type=MANIFEST)[0] == 201
    assert killed.images() == before | {digest(manifest): ["whole"]}


def test_while_a_manifest_is_stored(killed):
    """Its answer is not awaited: image and tag are both there, or neither is."""
    for round_ in range(6):
        manifest = killed.registry.manifest("app", f"round {round_}")
        tag = f"round-{round_}"
        connection = killed.send(
            "PUT", f"/v2/app/manifests/{tag}", manifest, len(manifest), Content_Type=MANIFEST
        )
        time.sleep(0.0005 * round_)
        killed.kill()
        connection.close()
        there = killed.images()
        assert there.get(digest(manifest)) in (None, [tag])
        assert killed.registry.ask("PUT", f"/v2/app/manifests/{tag}", manifest, Content_Type=MANIFEST)[0] == 201
        assert killed.images()[digest(manifest)] == [tag]


def test_by_the_api(killed):
    """InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload: parts that were answered are kept."""
    content = content_of("api", 200_000)
    upload = killed.ecr.initiate_layer_upload(repositoryName="app")["uploadId"]

    def part(first, last):
        body = content[first : last + 1]
        place = {"uploadId": upload, "partFirstByte": first, "partLastByte": last, "layerPartBlob": body}
        return killed.ecr.upload_layer_part(repositoryName="app", **place)["lastByteReceived"]

    assert part(0, 99_999) == 99_999
    killed.kill()
    with pytest.raises(killed.ecr.exceptions.InvalidLayerPartException) as error:
        part(0, 99_999)
    assert error.value.response["lastValidByteReceived"] == 99_999
    assert part(100_000, 199_999) == 199_999
    killed.kill()
    killed.ecr.complete_layer_upload(repositoryName="app", uploadId=upload, layerDigests=[digest(content)])
    killed.kill()
    checked = killed.ecr.batch_check_layer_availability(repositoryName="app", layerDigests=[digest(content)])
    assert checked["layers"][0]["layerAvailability"] == "AVAILABLE"
    assert killed.has(content)


def test_skopeo(killed, tmp_path):
    source, auth = tmp_path / "source", tmp_path / "auth.json"
    layout(source, content_of("skopeo", 40_000_000))
    auth.write_text("{}")
    name = f"docker://127.0.0.1:{killed.region.port}/app:skopeo"
    env = dict(os.environ, REGISTRY_AUTH_FILE=str(auth), XDG_DATA_HOME=str(tmp_path))
    copy = ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", f"oci:{source}:latest", name]
    before = killed.images()
    for size in [1, 20_000_000]:
        with subprocess.Popen(copy, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as push:
            until(lambda: killed.held() > size or push.poll() is not None)
            assert push.poll() is None, "it was over before the region could be killed"
            killed.kill()
            push.wait(timeout=60)
        if push.returncode != 0:
            assert killed.images() == before
        for each in killed.uploads.iterdir():
            each.unlink()
    done = subprocess.run(copy, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert ["skopeo"] in killed.images().values()


def test_left_overs_go(killed):
    """What nobody has gone on with for hours is swept; what somebody may still go on with is not."""
    for each in killed.uploads.iterdir():
        each.unlink()
    content = content_of("left", 1_000)
    old, young = killed.begin(), killed.begin()
    for upload in [old, young]:
        assert killed.registry.ask("PATCH", upload, content[:500])[0] == 202
    killed.registry.push_blob("app", content_of("orphan", 1_000))
    images = killed.images()
    killed.kill()
    past = time.time() - 3 * HOUR
    os.utime(killed.uploads / old.rsplit("/", 1)[1], (past, past))
    os.utime(killed.region.home / "blobs" / "sha256" / digest(content_of("orphan", 1_000))[7:], (past, past))
    killed.region.advance(61)
    until(lambda: killed.registry.ask("GET", old)[0] == 404)
    assert killed.registry.refused("GET", old) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert killed.registry.refused("PATCH", old, content[500:]) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert not killed.has(content_of("orphan", 1_000))
    assert killed.registry.ask("PATCH", young, content[500:])[0] == 202
    assert killed.registry.ask("PUT", f"{young}?digest={digest(content)}")[0] == 201
    assert killed.has(content)
    assert killed.images() == images
