"""The providers that need no service: random, null, time, local, archive, http, external and tls."""

import base64
import hashlib
import http.server
import re
import string
import subprocess
import threading
import time
import uuid
import zipfile

import pytest

from test_engine import folder  # noqa: F401: a fixture


def test_random_values_stay(folder):
    folder.write("""
        terraform {
          required_providers {
            random = {
              source  = "hashicorp/random"
              version = "~> 3.6"
            }
          }
        }
        resource "random_password" "p" {
          length           = 40
          min_upper        = 5
          min_special      = 3
          override_special = "_-"
        }
        resource "random_string" "s" {
          length  = 12
          special = false
          upper   = false
          numeric = false
        }
        resource "random_id" "i" {
          byte_length = 8
          prefix      = "app-"
        }
        resource "random_bytes" "b" { length = 6 }
        resource "random_pet" "name" {
          length    = 3
          separator = "_"
          prefix    = "my"
        }
        resource "random_uuid" "u" {}
        resource "random_uuid7" "u" {}
        resource "random_integer" "port" {
          min = 8000
          max = 8003
        }
        resource "random_shuffle" "zones" {
          input        = ["a", "b", "c"]
          result_count = 5
        }
        output "all" {
          sensitive = true
          value = {
            password = random_password.p.result
            hash     = random_password.p.bcrypt_hash
            string   = random_string.s.result
            id       = random_id.i
            bytes    = random_bytes.b
            pet      = random_pet.name.id
            uuid     = random_uuid.u.result
            uuid7    = random_uuid7.u.id
            integer  = random_integer.port.result
            shuffle  = random_shuffle.zones.result
          }
        }
        """)
    assert "- registry.terraform.io/hashicorp/random v3" in folder.run("init")
    shown = folder.apply()
    assert re.search(r"\+ result +=  ?\(sensitive value\)", shown)
    made = folder.outputs()["all"]
    assert len(made["password"]) == 40 and made["password"] not in shown
    assert set(made["password"]) <= set(string.ascii_letters + string.digits + "_-")
    assert sum(letter in string.ascii_uppercase for letter in made["password"]) >= 5
    assert sum(letter in "_-" for letter in made["password"]) >= 3
    assert made["hash"].startswith("$2a$10$")
    assert re.fullmatch("[a-z]{12}", made["string"])
    raw = base64.urlsafe_b64decode(made["id"]["id"] + "=")
    assert made["id"]["hex"] == "app-" + raw.hex()
    assert made["id"]["dec"] == f"app-{int.from_bytes(raw, 'big')}"
    assert made["id"]["b64_std"] == "app-" + base64.b64encode(raw).decode()
    assert made["id"]["b64_url"] == "app-" + made["id"]["id"]
    assert base64.b64decode(made["bytes"]["base64"]).hex() == made["bytes"]["hex"]
    assert re.fullmatch("my_[a-z]+ly_[a-z]+_[a-z]+", made["pet"])
    assert uuid.UUID(made["uuid"]).version == 4
    assert uuid.UUID(made["uuid7"]).bytes[6] >> 4 == 7
    assert 8000 <= made["integer"] <= 8003
    assert sorted(made["shuffle"][:3]) == ["a", "b", "c"] and len(made["shuffle"]) == 5
    assert "No changes." in folder.run("plan", "-detailed-exitcode")
    assert folder.outputs()["all"] == made


def test_keepers_make_a_new_value(folder):
    folder.write("""
        variable "keeper" { default = "a" }
        resource "random_password" "p" {
          length  = 16
          keepers = { version = var.keeper }
        }
        output "password" {
          value     = random_password.p.result
          sensitive = true
        }
        """)
    folder.apply()
    before = folder.outputs()["password"]
    shown = folder.apply("-var", "keeper=b")
    assert "random_password.p must be replaced" in shown
    assert "# forces replacement" in shown
    assert folder.outputs()["password"] != before


def test_a_password_that_cannot_be_is_refused(folder):
    folder.write("""
        resource "random_password" "p" {
          length    = 4
          min_upper = 3
          min_lower = 2
        }
        """)
    assert "The length must be at least" in folder.run("validate", code=1)
    folder.write("""
        resource "random_string" "s" {
          length  = 4
          upper   = false
          lower   = false
          numeric = false
          special = false
        }
        """)
    assert "No characters to choose from" in folder.run("apply", "-auto-approve", code=1)


def test_the_old_name_of_numeric(folder):
    folder.write("""
        resource "random_string" "s" {
          length  = 30
          number  = false
          special = false
        }
        output "s" { value = random_string.s }
        """)
    folder.apply()
    made = folder.outputs()["s"]
    assert made["numeric"] is False and made["number"] is False
    assert re.fullmatch("[A-Za-z]{30}", made["result"])
    folder.write("""
        resource "random_string" "s" {
          length  = 30
          special = false
        }
        output "s" { value = random_string.s }
        """)
    assert "must be replaced" in folder.apply()


def test_a_seed_repeats(folder):
    folder.write("""
        resource "random_integer" "n" {
          count = 2
          min   = 0
          max   = 1000000000
          seed  = "same"
        }
        resource "random_shuffle" "s" {
          count = 2
          input = [for i in range(20) : i]
          seed  = "same"
        }
        output "n" { value = random_integer.n[*].result }
        output "s" { value = random_shuffle.s[*].result }
        """)
    folder.apply()
    assert len(set(folder.outputs()["n"])) == 1
    first, second = folder.outputs()["s"]
    assert first == second and sorted(first, key=int) == [str(i) for i in range(20)]


@pytest.mark.parametrize(
    ("kind", "settings", "name", "attribute", "value"),
    [
        ("random_password", "length = 5", "se-cr", "result", "se-cr"),
        ("random_string", "length = 3", "abc", "id", "abc"),
        ("random_id", 'byte_length = 4\n prefix = "x-"', "x-,KsecVQ", "hex", "x-2ac79c55"),
        ("random_integer", "min = 1\n max = 9", "5,1,9", "result", 5),
        (
            "random_uuid",
            "",
            "17a2a6df-e53e-49d6-a9f3-95a78e08c796",
            "result",
            "17a2a6df-e53e-49d6-a9f3-95a78e08c796",
        ),
        ("time_static", "", "2020-02-12T06:36:13Z", "unix", 1581489373),
        ("time_offset", "offset_days = 7", "2020-02-12T06:36:13Z,0,0,7,0,0,0", "rfc3339", "2020-02-19T06:36:13Z"),
        ("time_sleep", 'create_duration = "30s"', "30s,", "create_duration", "30s"),
    ],
)
def test_import(folder, kind, settings, name, attribute, value):
    folder.write(f"""
        resource "{kind}" "x" {{
          {settings}
        }}
        """)
    folder.run("import", f"{kind}.x", name)
    (resource,) = folder.state()["resources"]
    assert resource["instances"][0]["attributes"][attribute] == value
    assert "No changes." in folder.run("plan", "-detailed-exitcode")


def test_an_import_id_that_is_none_is_refused(folder):
    folder.write('resource "random_integer" "x" {\n  min = 1\n  max = 2\n}\n')
    assert "Invalid import id" in folder.run("import", "random_integer.x", "seven", code=1)


def test_null_resource(folder):
    folder.write("""
        variable "trigger" { default = "a" }
        resource "null_resource" "n" { triggers = { t = var.trigger } }
        data "null_data_source" "d" { inputs = { x = 1 } }
        output "n" { value = null_resource.n.id }
        output "d" { value = data.null_data_source.d.outputs }
        """)
    folder.apply()
    before = folder.outputs()
    assert before["n"].isdigit() and before["d"] == {"x": "1"}
    assert "No changes." in folder.run("plan", "-detailed-exitcode")
    assert "must be replaced" in folder.apply("-var", "trigger=b")
    assert folder.outputs()["n"] != before["n"]


def test_moments(folder):
    config = """
        resource "time_static" "now" {}
        resource "time_offset" "later" {
          base_rfc3339 = "2024-01-31T10:00:00Z"
          OFFSET
        }
        resource "time_rotating" "keys" {
          rfc3339       = "2020-02-12T06:36:13Z"
          rotation_days = DAYS
        }
        output "all" { value = [time_static.now, time_offset.later, time_rotating.keys] }
        """
    folder.write(config.replace("OFFSET", "offset_months = 1").replace("DAYS", "100000"))
    folder.apply()
    now, later, keys = folder.outputs()["all"]
    assert abs(now["unix"] - time.time()) < 60
    assert (later["rfc3339"], later["day"], later["month"]) == ("2024-03-02T10:00:00Z", 2, 3)
    assert keys["rotation_rfc3339"].startswith("2293-")
    assert "No changes." in folder.run("plan", "-detailed-exitcode")
    folder.write(config.replace("OFFSET", "offset_hours = -1").replace("DAYS", "100000"))
    assert "0 added, 1 changed, 0 destroyed" in folder.apply()
    assert folder.outputs()["all"][1]["rfc3339"] == "2024-01-31T09:00:00Z"
    assert folder.outputs()["all"][0] == now
    # Once its time is past, it rotates at each plan.
    folder.write(config.replace("OFFSET", "offset_hours = -1").replace("DAYS", "3"))
    folder.apply()
    assert "time_rotating.keys will be created" in folder.run("plan")
    folder.write('resource "time_offset" "x" {}')
    assert "At least one of the offset_ arguments" in folder.run("validate", code=1)


def test_sleeps(folder):
    folder.write("""
        resource "time_sleep" "s" {
          create_duration  = "700ms"
          destroy_duration = "0.5s"
        }
        """)
    start = time.monotonic()
    folder.apply()
    middle = time.monotonic()
    assert middle - start >= 0.7
    folder.run("destroy", "-auto-approve")
    assert time.monotonic() - middle >= 0.5
    folder.write('resource "time_sleep" "s" { create_duration = "soon" }')
    assert "does not match" in folder.run("validate", code=1)


def test_local_files(folder):
    folder.write("""
        variable "text" { default = "one" }
        resource "local_file" "f" {
          filename        = "${path.module}/made/deep/f.txt"
          content         = var.text
          file_permission = "0640"
        }
        resource "local_sensitive_file" "s" {
          filename       = "secret.bin"
          content_base64 = base64encode("hidden")
        }
        data "local_file" "f" {
          filename   = local_file.f.filename
          depends_on = [local_file.f]
        }
        output "f" { value = data.local_file.f }
        """)
    shown = folder.apply()
    assert "hidden" not in shown and base64.b64encode(b"hidden").decode() not in shown
    path = folder.path / "made/deep/f.txt"
    assert path.read_text() == "one" and path.stat().st_mode & 0o777 == 0o640
    secret = folder.path / "secret.bin"
    assert secret.read_text() == "hidden" and secret.stat().st_mode & 0o777 == 0o700
    read = folder.outputs()["f"]
    assert read["content"] == "one"
    assert read["content_sha256"] == hashlib.sha256(b"one").hexdigest()
    assert read["content_base64sha512"] == base64.b64encode(hashlib.sha512(b"one").digest()).decode()
    assert "No changes." in folder.run("plan", "-detailed-exitcode")
    path.write_text("changed by hand")
    assert "local_file.f will be created" in folder.run("plan")
    assert "must be replaced" in folder.run("plan", "-refresh=false", "-var", "text=two")
    folder.apply("-var", "text=two")
    assert path.read_text() == "two"
    folder.run("destroy", "-auto-approve")
    assert not path.exists() and not secret.exists()
    folder.write('resource "local_file" "f" { filename = "x" }')
    assert "Invalid attribute combination" in folder.run("validate", code=1)


def test_archives(folder):
    folder.write("hello", "app/main.py")
    folder.write("skip", "app/cache/x.pyc")
    folder.write("keep", "app/lib/y.py")
    folder.write("""
        data "archive_file" "folder" {
          type             = "zip"
          source_dir       = "app"
          excludes         = ["cache", "**/*.txt"]
          output_path      = "out/app.zip"
          output_file_mode = "0600"
        }
        data "archive_file" "blocks" {
          type        = "zip"
          output_path = "blocks.zip"
          source {
            filename = "b/second"
            content  = "2"
          }
          source {
            filename = "a"
            content  = "1"
          }
        }
        data "archive_file" "tar" {
          type                    = "tar.gz"
          output_path             = "one.tar.gz"
          source_content          = "content"
          source_content_filename = "name.txt"
        }
        output "all" { value = [data.archive_file.folder, data.archive_file.blocks, data.archive_file.tar] }
        """)
    folder.apply()
    first = folder.outputs()["all"]
    with zipfile.ZipFile(folder.path / "out/app.zip") as file:
        assert file.namelist() == ["lib/y.py", "main.py"]
        assert file.read("main.py") == b"hello"
        assert file.getinfo("main.py").external_attr >> 16 & 0o777 == 0o600
    with zipfile.ZipFile(folder.path / "blocks.zip") as file:
        assert {name: file.read(name) for name in file.namelist()} == {"a": b"1", "b/second": b"2"}
    listed = subprocess.run(
        ["tar", "-xzOf", folder.path / "one.tar.gz", "name.txt"], capture_output=True, check=True
    )
    assert listed.stdout == b"content"
    for made in first:
        data = (folder.path / made["output_path"]).read_bytes()
        assert made["output_size"] == len(data)
        assert made["output_sha"] == made["id"] == hashlib.sha1(data).hexdigest()
        assert made["output_base64sha256"] == base64.b64encode(hashlib.sha256(data).digest()).decode()
    time.sleep(2)
    assert "No changes." in folder.run("plan", "-detailed-exitcode"), "the same bytes each time"
    folder.write("other", "app/main.py")
    assert "Changes to Outputs" in folder.run("plan")


class Handler(http.server.BaseHTTPRequestHandler):
    failures = 0

    def do_GET(self):
        Handler.failures -= 1
        self.send_response(503 if Handler.failures >= 0 else 200)
        self.send_header("content-type", "text/plain")
        self.send_header("X-Asked", self.headers.get("X-Ask", ""))
        self.end_headers()
        self.wfile.write(b"answer")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_http(folder, url):
    Handler.failures = 1
    folder.write(f"""
        data "http" "get" {{
          url             = "{url}/x"
          request_headers = {{ X-Ask = "me" }}
          retry {{
            attempts     = 2
            min_delay_ms = 10
          }}
        }}
        data "http" "post" {{
          url          = "{url}/x"
          method       = "POST"
          request_body = "abc"
        }}
        output "get" {{ value = data.http.get }}
        output "post" {{ value = data.http.post }}
        """)
    folder.apply()
    made = folder.outputs()
    assert made["get"]["status_code"] == 200 and made["get"]["response_body"] == "answer"
    assert made["get"]["response_headers"]["X-Asked"] == "me"
    assert made["get"]["response_headers"]["Content-Type"] == "text/plain"
    assert (made["post"]["status_code"], made["post"]["response_body"]) == (201, "cba")
    assert base64.b64decode(made["post"]["response_body_base64"]) == b"cba"


def test_other_providers_are_refused_by_name(folder):
    folder.write('resource "kubernetes_namespace" "k" {}')
    refused = folder.run("plan", code=1)
    assert 'needs the provider "kubernetes"' in refused and "random, terraform" in refused
    folder.write('resource "random_passwort" "p" {}')
    assert 'Did you mean "random_password"?' in folder.run("plan", code=1)


EXTERNAL = """
    import json, os, sys
    query = json.load(sys.stdin)
    if query.get("fail"):
        print("no: " + query["fail"], file=sys.stderr)
        sys.exit(4)
    if query.get("bad"):
        print(query["bad"])
    else:
        print(json.dumps({"asked": json.dumps(query, sort_keys=True), "here": os.getcwd(),
                          "endpoint": os.environ["AWS_ENDPOINT_URL"]}))
    """


def test_external_program(folder):
    folder.write(EXTERNAL, "program.py")
    folder.write("", "inside/file")
    folder.write("""
        data "external" "a" {
          program     = ["python3", "${abspath(path.module)}/program.py"]
          working_dir = "inside"
          query       = { name = "x", quoted = "\\"é\\" ${1 + 1}" }
        }
        data "external" "plain" { program = ["sh", "-c", "cat >&2; echo '{}'"] }
        output "asked" { value = jsondecode(data.external.a.result.asked) }
        output "rest" { value = [data.external.a.id, basename(data.external.a.result.here), data.external.plain.result] }
        output "endpoint" { value = data.external.a.result.endpoint }
        """)
    folder.apply(TERRARIUM_PORT="45998", AWS_ENDPOINT_URL="https://ecr.us-east-1.amazonaws.com")
    outputs = folder.outputs()
    assert outputs["asked"] == {"name": "x", "quoted": '"é" 2'}
    assert outputs["rest"] == ["-", "inside", {}]
    assert outputs["endpoint"] == "http://127.0.0.1:45998"
    assert "No changes." in folder.run("plan", "-detailed-exitcode", TERRARIUM_PORT="45998")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('["python3", "program.py"]', "no: because"),
        ('["python3", "program.py"]', "exit status 4"),
        ('["no-such-program"]', "External Program Lookup Failed"),
        ('["sh", "-c", "echo [1]"]', "Unexpected External Program Results"),
        ("""["sh", "-c", "echo '{\\"a\\": 1}'"]""", '"a" is not a string'),
        ('["true"]', "Unexpected External Program Results"),
        ("[]", "External Program Missing"),
    ],
)
def test_external_program_fails(folder, program, message):
    folder.write(EXTERNAL, "program.py")
    folder.write(f"""
        data "external" "a" {{
          program = {program}
          query   = {{ fail = "because" }}
        }}
        """)
    shown = folder.run("plan", code=1)
    assert message in " ".join(shown.replace("│", "").split())
    assert "with data.external.a," in shown


def tool(folder, *words, stdin=""):
    done = subprocess.run(words, cwd=folder.path, input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


KEYS = [("RSA", "rsa_bits = 3072"), ("ECDSA", ""), *(("ECDSA", f'ecdsa_curve = "P{n}"') for n in (256, 384, 521)), ("ED25519", "")]


@pytest.mark.parametrize(("algorithm", "more"), KEYS)
def test_private_keys(folder, algorithm, more):
    folder.write(f"""
        resource "tls_private_key" "k" {{
          algorithm = "{algorithm}"
          {more}
        }}
        data "tls_public_key" "k" {{ private_key_pem = tls_private_key.k.private_key_pem }}
        data "tls_public_key" "pkcs8" {{ private_key_pem = tls_private_key.k.private_key_pem_pkcs8 }}
        output "key" {{
          value     = tls_private_key.k
          sensitive = true
        }}
        output "public" {{
          value     = [data.tls_public_key.k, data.tls_public_key.pkcs8]
          sensitive = true
        }}
        """)
    folder.apply()
    key, public = folder.outputs()["key"], folder.outputs()["public"]
    assert "No changes." in folder.run("plan", "-detailed-exitcode")
    begins = {"RSA": "RSA PRIVATE KEY", "ECDSA": "EC PRIVATE KEY", "ED25519": "PRIVATE KEY"}
    assert key["private_key_pem"].startswith(f"-----BEGIN {begins[algorithm]}-----\n")
    assert key["private_key_pem_pkcs8"].startswith("-----BEGIN PRIVATE KEY-----\n")
    for each in (key["private_key_pem"], key["private_key_pem_pkcs8"]):
        assert tool(folder, "openssl", "pkey", "-pubout", stdin=each) == key["public_key_pem"]
    shared = [name for name in key if name.startswith("public_key_")]
    for each in public:
        assert {name: each[name] for name in shared} == {name: key[name] for name in shared}
        assert each["algorithm"] == algorithm
        assert base64.b64decode(each["public_key_der"]) == base64.b64decode("".join(key["public_key_pem"].split("\n")[1:-2]))
    if algorithm == "ECDSA" and not more:  # P224, which OpenSSH does not have
        assert (key["private_key_openssh"], key["public_key_openssh"], key["public_key_fingerprint_md5"]) == ("", "", "")
        return
    folder.write(key["private_key_openssh"], "id")
    (folder.path / "id").chmod(0o600)
    assert tool(folder, "ssh-keygen", "-y", "-P", "", "-f", "id").split() == key["public_key_openssh"].split()
    told = tool(folder, "ssh-keygen", "-l", "-f", "/dev/stdin", stdin=key["public_key_openssh"]).split()
    assert told[1] == key["public_key_fingerprint_sha256"]
    told = tool(folder, "ssh-keygen", "-l", "-E", "md5", "-f", "/dev/stdin", stdin=key["public_key_openssh"]).split()
    assert told[1] == f'MD5:{key["public_key_fingerprint_md5"]}'
    # Whoever reads the key can also sign with it.
    folder.write("text", "text")
    assert "Signing file text" in subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", "id", "-n", "test", "text"], cwd=folder.path, capture_output=True, text=True, check=True
    ).stderr


CERTIFICATES = """
    variable "hours" { default = 48 }
    variable "early" { default = 0 }
    resource "tls_private_key" "ca" {
      algorithm   = "ECDSA"
      ecdsa_curve = "P384"
    }
    resource "tls_self_signed_cert" "ca" {
      private_key_pem       = tls_private_key.ca.private_key_pem
      is_ca_certificate     = true
      max_path_length       = 0
      validity_period_hours = 1000
      allowed_uses          = ["cert_signing", "crl_signing"]
      subject { common_name = "The CA" }
    }
    resource "tls_private_key" "site" { algorithm = "RSA" }
    resource "tls_cert_request" "site" {
      private_key_pem = tls_private_key.site.private_key_pem
      dns_names       = ["site.test", "*.site.test,DNS:evil.test"]
      ip_addresses    = ["127.0.0.1", "::1"]
      uris            = ["spiffe://site.test/web"]
      subject {
        common_name    = "site.test"
        organization   = "Ünïcode & Co"
        country        = "CH"
        street_address = ["Main", "1"]
      }
    }
    resource "tls_locally_signed_cert" "site" {
      cert_request_pem      = tls_cert_request.site.cert_request_pem
      ca_private_key_pem    = tls_private_key.ca.private_key_pem
      ca_cert_pem           = tls_self_signed_cert.ca.cert_pem
      validity_period_hours = var.hours
      early_renewal_hours   = var.early
      allowed_uses          = ["digital_signature", "key_encipherment", "server_auth", "microsoft_kernel_code_signing"]
      set_subject_key_id    = true
      set_authority_key_id  = true
    }
    output "ca" { value = tls_self_signed_cert.ca.cert_pem }
    output "site" { value = tls_locally_signed_cert.site.cert_pem }
    output "request" { value = tls_cert_request.site.cert_request_pem }
    output "facts" {
      value = [tls_self_signed_cert.ca.key_algorithm, tls_cert_request.site.key_algorithm,
        tls_locally_signed_cert.site.ca_key_algorithm, tls_locally_signed_cert.site.ready_for_renewal,
        timecmp(tls_locally_signed_cert.site.validity_end_time, timeadd(tls_locally_signed_cert.site.validity_start_time, "48h"))]
    }
    output "serial" { value = tls_locally_signed_cert.site.id }
    """


def test_certificates(folder):
    folder.write(CERTIFICATES)
    folder.apply()
    outputs = folder.outputs()
    assert outputs["facts"] == ["ECDSA", "RSA", "ECDSA", False, 0]
    folder.write(outputs["ca"], "ca.pem")
    folder.write(outputs["site"], "site.pem")
    assert "site.pem: OK" in tool(folder, "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.pem", "site.pem")
    assert "ca.pem: OK" in tool(folder, "openssl", "verify", "-CAfile", "ca.pem", "ca.pem")
    told = tool(folder, "openssl", "x509", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus", "-in", "site.pem")
    assert "CN=site.test" in told
    assert "O=Ünïcode & Co" in told
    assert re.search(r"street=(1 ?\+ ?street=Main|Main ?\+ ?street=1)", told)
    assert "IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:spiffe://site.test/web" in told
    assert "Digital Signature, Key Encipherment" in told
    assert "TLS Web Server Authentication, 1.3.6.1.4.1.311.61.1.1" in told
    assert "CA:FALSE" in told
    assert "ecdsa-with-SHA384" in told
    assert "X509v3 Authority Key Identifier" in told
    assert "CA:TRUE, pathlen:0" in tool(folder, "openssl", "x509", "-noout", "-text", "-in", "ca.pem")
    serial = tool(folder, "openssl", "x509", "-noout", "-serial", "-in", "site.pem").strip().split("=")[1]
    assert int(serial, 16) == int(outputs["serial"])
    # A comma in a name does not make another name of it.
    assert tool(folder, "openssl", "x509", "-noout", "-checkhost", "evil.test", "-in", "site.pem").endswith("does NOT match certificate\n")
    assert "verify OK" in subprocess.run(
        ["openssl", "req", "-noout", "-verify"], input=outputs["request"], capture_output=True, text=True, check=True
    ).stderr
    assert "No changes." in folder.run("plan", "-detailed-exitcode")


def test_certificates_are_renewed(folder):
    folder.write(CERTIFICATES)
    folder.apply()
    before = folder.outputs()["serial"]
    assert "Resources: 0 added, 1 changed, 0 destroyed." in folder.apply("-var", "early=47")
    assert folder.outputs()["serial"] == before
    assert "Resources: 0 added, 1 changed, 0 destroyed." in folder.apply("-var", "early=48")
    assert "Resources: 1 added, 0 changed, 0 destroyed." in folder.apply("-var", "early=24")
    assert folder.outputs()["serial"] != before
    assert "Resources: 1 added, 0 changed, 1 destroyed." in folder.apply("-var", "hours=96", "-var", "early=24")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('private_key_pem = "none"\nsubject { common_name = "x" }', "private_key_pem holds no private key"),
        ('private_key_pem = file("key")\nip_addresses = ["1.2.3"]', '"1.2.3" is no IP address'),
    ],
)
def test_certificate_errors(folder, arguments, message):
    folder.write(tool(folder, "openssl", "genpkey", "-algorithm", "ed25519"), "key")
    folder.write('resource "tls_cert_request" "x" {\n' + arguments + "\n}\n")
    shown = folder.run("apply", "-auto-approve", code=1)
    assert message in " ".join(shown.replace("│", "").split())
    assert "with tls_cert_request.x," in shown
