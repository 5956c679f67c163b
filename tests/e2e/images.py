"""Small images for tests: a static busybox and files, pushed over the registry's HTTP API."""

import gzip
import hashlib
import io
import json
import pathlib
import re
import subprocess
import tarfile
import urllib.request

BUSYBOX = "/bin/busybox"
APPLETS = "mkfifo mkdir rm tr id su cp ln mv chmod sh sleep cat echo httpd nc wget nslookup true false env ls kill trap printf date seq".split()


def program(path):
    """A program of this machine and the libraries that it is linked with, as files of a layer."""
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    places = [path, *re.findall(r"(/\S+) \(0x", listed)]
    return {place.lstrip("/"): (pathlib.Path(place).read_bytes(), 0o755) for place in places}


def layer(files):
    """A tar of busybox with its applets, and `files` ({path: (text or bytes, mode)})."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "www"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755 if folder != "tmp" else 0o1777
            tar.addfile(entry)
        with open(BUSYBOX, "rb") as busybox:
            data = busybox.read()
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(data), 0o755
        tar.addfile(entry, io.BytesIO(data))
        for applet in APPLETS:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        for path, (content, mode) in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    """The region's registry, spoken to as a pushing client does."""

    def __init__(self, url):
        self.url = url

    def call(self, method, path, data=None, **headers):
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(
            url, data=data, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            return response.headers, response.read()

    def blob(self, repository, data):
        headers, _ = self.call("POST", f"/v2/{repository}/blobs/uploads/", b"")
        location = headers["location"]
        joint = "&" if "?" in location else "?"
        self.call("PUT", f"{location}{joint}digest={digest(data)}", data, Content_Type="application/octet-stream")
        return digest(data)

    def push(self, repository, tag, files=None, **config):
        """Pushes an image; `config` are members of the image's own config (Cmd, Env…)."""
        plain = layer(files or {})
        packed = gzip.compress(plain, mtime=0)
        settings = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"], **config},
            "rootfs": {"type": "layers", "diff_ids": [digest(plain)]},
        }
        text = json.dumps(settings).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": self.blob(repository, text),
                "size": len(text),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": self.blob(repository, packed),
                    "size": len(packed),
                }
            ],
        }
        self.call(
            "PUT",
            f"/v2/{repository}/manifests/{tag}",
            json.dumps(manifest).encode(),
            Content_Type="application/vnd.oci.image.manifest.v1+json",
        )
        return digest(json.dumps(manifest).encode())
