"""The registry's side of a test: the distribution API by hand, and images to push."""

import hashlib
import json
import tarfile
import urllib.error
import urllib.request

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Registry:
    """The distribution API by hand."""

    def __init__(self, region):
        self.url = region.url

    def ask(self, method, path, body=None, **headers):
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(
            url, body, {name.replace("_", "-"): value for name, value in headers.items()}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def refused(self, *arguments, **headers):
        status, _, body = self.ask(*arguments, **headers)
        (error,) = json.loads(body)["errors"]
        return status, error["code"]

    def push_blob(self, repository, content):
        status, headers, _ = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        assert status == 202
        status, headers, _ = self.ask("PUT", f"{headers['Location']}?digest={digest(content)}", content)
        assert status == 201, headers
        assert headers["Docker-Content-Digest"] == digest(content)
        return {"mediaType": LAYER, "digest": digest(content), "size": len(content)}

    def manifest(self, repository, seed="", **more):
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": {"seed": seed}}})
        config = dict(self.push_blob(repository, config.encode()), mediaType=CONFIG)
        layer = self.push_blob(repository, b"a layer" + seed.encode())
        body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer], **more}
        return json.dumps(body).encode()

    def push(self, repository, tag, seed=""):
        manifest = self.manifest(repository, seed)
        status, headers, body = self.ask(
            "PUT", f"/v2/{repository}/manifests/{tag}", manifest, Content_Type=MANIFEST
        )
        assert status == 201, body
        assert headers["Docker-Content-Digest"] == digest(manifest)
        return digest(manifest)


def layout(folder, content=b"hello\n" * 100_000):
    """An OCI image layout of one layer with one file, as skopeo reads it."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def store(content, media_type):
        (blobs / digest(content)[7:]).write_bytes(content)
        return {"mediaType": media_type, "digest": digest(content), "size": len(content)}

    (folder / "hello").write_bytes(content)
    with tarfile.open(folder / "layer.tar", "w") as tar:
        tar.add(folder / "hello", "hello")
    layer = (folder / "layer.tar").read_bytes()
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest(layer)]}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": store(json.dumps(config).encode(), CONFIG),
        "layers": [store(layer, "application/vnd.oci.image.layer.v1.tar")],
    }
    entry = store(json.dumps(manifest).encode(), MANIFEST)
    entry["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return entry["digest"]
