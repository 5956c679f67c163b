"""What src/glass/dockerfile.sh does to Dockerfiles before they are built."""

import pathlib
import subprocess

import pytest

FUNCTIONS = pathlib.Path(__file__).parents[2] / "src" / "glass" / "dockerfile.sh"


@pytest.fixture
def call(tmp_path):
    def call(function, dockerfile, *arguments):
        file = tmp_path / "Dockerfile"
        file.write_text(dockerfile)
        done = subprocess.run(
            ["sh", "-c", f'. {FUNCTIONS}\n{function} "$@"', "sh", str(file), *arguments],
            capture_output=True, text=True, timeout=20, check=False)
        assert not done.stderr, done.stderr
        return done

    return call


@pytest.mark.parametrize("dockerfile, arguments, bases", [
    ("FROM debian:bookworm-slim\n", [], ["debian:bookworm-slim"]),
    ("from --platform=linux/amd64 docker.io/library/debian:12 as a\nFROM a\n", [], ["debian:12"]),
    ("FROM debian\n# FROM debian:old\nFROM scratch\nFROM debian:trixie@sha256:1\n", [], ["debian:latest"]),
    ('ARG V="bookworm"\nARG IMAGE=debian:$V-slim\nFROM ${IMAGE}\n', [], ["debian:bookworm-slim"]),
    ("ARG V=bookworm\nFROM debian:${V}\n", ["V=trixie"], ["debian:trixie"]),
    ("ARG V\nFROM debian:${V:-bookworm}-slim\nARG V=other\nFROM debian:$V\n", ["V="], ["debian:bookworm-slim"]),
    ("FROM \\\n  debian:bookworm\nCOPY --chown=1 --from=debian:trixie /a /b\nCOPY --from=0 /a /b\n", [],
     ["debian:bookworm", "debian:trixie"]),
    ("FROM example.com/debian:bookworm\nRUN echo FROM debian:no\n", [], []),
])
def test_bases(call, dockerfile, arguments, bases):
    assert call("dockerfile_bases", dockerfile, *arguments).stdout.split() == bases


@pytest.mark.parametrize("dockerfile, line", [
    ("FROM scratch\nRUN a && \\\n  b\nRUN <<EOF\nc\nEOF\n", 4),
    ("FROM scratch\nCOPY <<-'END' /file\nEND\n", 2),
    ("FROM scratch\nRUN cat <<< word && echo $((1 << 2)) # no <<EOF is here-string\n", 2),
    ("FROM scratch\nRUN cat <<<word && echo $((1<<2))\nENV A=<<EOF\n", None),
])
def test_refused(call, dockerfile, line):
    done = call("dockerfile_refused", dockerfile)
    assert (done.returncode == 0) == (line is not None)
    assert line is None or f"line {line} of the Dockerfile" in done.stdout


def test_ours(call):
    text = call("dockerfile_ours", "FROM \\\n  a\n# FROM c\nCOPY --link --chown=1 a b\nADD --link=true a b\nRUN cp --link a b\n"
                "FROM b AS x\n", "/certificates").stdout
    lines = text.splitlines()
    arguments = lines[2]
    assert arguments.startswith("ARG SSL_CERT_FILE=/certificates ") and "NODE_EXTRA_CA_CERTS=/certificates" in arguments
    assert lines == ["FROM \\", "  a", arguments, "# FROM c", "COPY --chown=1 a b", "ADD a b", "RUN cp --link a b",
                     "FROM b AS x", arguments]
    assert call("dockerfile_ours", "FROM a\nRUN b\n", "").stdout == "FROM a\nRUN b\n"
