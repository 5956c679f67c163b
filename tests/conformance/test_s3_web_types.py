"""Resource types of what a bucket tells browsers and other services, and copies of objects."""

import json
import subprocess
import urllib.request

import pytest

HEAD = """
provider "aws" { region = "us-east-1" }
resource "aws_s3_bucket" "main" {
  bucket        = "BUCKET"
  force_destroy = true
}
"""

WEB = (
    HEAD
    + """
resource "aws_s3_bucket_cors_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  cors_rule {
    allowed_headers = ["*"]
    allowed_methods = ["PUT", "POST"]
    allowed_origins = ["https://ORIGIN"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3000
  }
  cors_rule {
    id              = "all"
    allowed_methods = ["GET"]
    allowed_origins = ["*"]
  }
}
resource "aws_s3_bucket_logging" "main" {
  bucket        = aws_s3_bucket.main.id
  target_bucket = aws_s3_bucket.main.id
  target_prefix = "ORIGIN/"
  target_object_key_format {
    partitioned_prefix { partition_date_source = "EventTime" }
  }
}
resource "aws_s3_bucket_website_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  index_document { suffix = "index.html" }
  error_document { key = "ORIGIN.html" }
  routing_rule {
    condition { key_prefix_equals = "old/" }
    redirect { replace_key_prefix_with = "ORIGIN/" }
  }
}
resource "aws_s3_bucket_notification" "main" {
  bucket      = aws_s3_bucket.main.id
  eventbridge = EVENTS
}
resource "aws_s3_bucket_public_access_block" "main" { bucket = aws_s3_bucket.main.id }
resource "aws_s3_bucket_policy" "main" {
  depends_on = [aws_s3_bucket_public_access_block.main]
  bucket     = aws_s3_bucket.main.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:GetObject", Resource = "${aws_s3_bucket.main.arn}/*" }]
  })
}
resource "aws_s3_object" "index" {
  bucket       = aws_s3_bucket.main.id
  key          = "index.html"
  content      = "hello"
  content_type = "text/html"
}
data "aws_s3_bucket" "main" {
  depends_on = [aws_s3_bucket_website_configuration.main]
  bucket     = aws_s3_bucket.main.id
}
data "aws_s3_bucket_policy" "main" { bucket = aws_s3_bucket_policy.main.bucket }
data "aws_canonical_user_id" "main" {}
output "endpoint" { value = aws_s3_bucket_website_configuration.main.website_endpoint }
output "same" { value = data.aws_s3_bucket.main.website_endpoint }
output "policy" { value = data.aws_s3_bucket_policy.main.policy }
output "owner" { value = data.aws_canonical_user_id.main.id }
"""
)


def write(tmp_path, text, **values):
    for name, value in values.items():
        text = text.replace(name, value)
    (tmp_path / "main.tf").write_text(text)


def outputs(terrarium):
    return {name: output["value"] for name, output in json.loads(terrarium("output", "-json")).items()}


def is_clean(terrarium):
    return "No changes." in terrarium("plan")


def test_web(region, s3, terrarium, tmp_path):
    write(tmp_path, WEB, BUCKET="tests-web", ORIGIN="one", EVENTS="true")
    terrarium("apply", "-auto-approve")
    assert is_clean(terrarium)
    rules = s3.get_bucket_cors(Bucket="tests-web")["CORSRules"]
    assert sorted(r.get("ID", "") for r in rules) == ["", "all"]
    assert {r["AllowedOrigins"][0] for r in rules} == {"https://one", "*"}
    assert s3.get_bucket_logging(Bucket="tests-web")["LoggingEnabled"] == {
        "TargetBucket": "tests-web", "TargetPrefix": "one/",
        "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
    }
    told = s3.get_bucket_notification_configuration(Bucket="tests-web")
    assert told["EventBridgeConfiguration"] == {}
    shown = outputs(terrarium)
    assert shown["endpoint"] == shown["same"] == f"tests-web.s3-website-us-east-1.localhost:{region.port}"
    assert shown["owner"] == s3.list_buckets()["Owner"]["ID"]
    assert json.loads(shown["policy"])["Statement"][0]["Action"] == "s3:GetObject"
    # The address that the plan shows is one that a browser can open.
    place = urllib.request.Request(f"http://127.0.0.1:{region.port}/", headers={"Host": shown["endpoint"]})
    assert urllib.request.urlopen(place).read() == b"hello"
    write(tmp_path, WEB, BUCKET="tests-web", ORIGIN="two", EVENTS="false")
    terrarium("apply", "-auto-approve")
    assert is_clean(terrarium)
    assert {r["AllowedOrigins"][0] for r in s3.get_bucket_cors(Bucket="tests-web")["CORSRules"]} == {"https://two", "*"}
    website = s3.get_bucket_website(Bucket="tests-web")
    assert (website["ErrorDocument"], website["RoutingRules"][0]["Redirect"]) == (
        {"Key": "two.html"}, {"ReplaceKeyPrefixWith": "two/"},
    )
    assert s3.get_bucket_logging(Bucket="tests-web")["LoggingEnabled"]["TargetPrefix"] == "two/"
    assert "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket="tests-web")
    write(tmp_path, HEAD, BUCKET="tests-web")
    terrarium("apply", "-auto-approve")
    assert is_clean(terrarium)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="tests-web")
    for call in (s3.get_bucket_cors, s3.get_bucket_website):
        with pytest.raises(s3.exceptions.ClientError):
            call(Bucket="tests-web")


REDIRECT = (
    HEAD
    + """
resource "aws_s3_bucket_website_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  BODY
}
"""
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("all", 'redirect_all_requests_to {\n host_name = "other.example"\n protocol = "https"\n }'),
        ("json", 'index_document { suffix = "i" }\n routing_rules = jsonencode([{ Condition = { KeyPrefixEquals = "a" }, '
                 'Redirect = { ReplaceKeyPrefixWith = "" } }])'),
    ],
)
def test_website_forms(s3, terrarium, tmp_path, name, text):
    bucket = f"tests-web-{name}"
    write(tmp_path, REDIRECT, BUCKET=bucket, BODY=text)
    terrarium("apply", "-auto-approve")
    assert is_clean(terrarium)
    website = s3.get_bucket_website(Bucket=bucket)
    if name == "all":
        assert website["RedirectAllRequestsTo"] == {"HostName": "other.example", "Protocol": "https"}
    else:
        assert website["RoutingRules"][0]["Redirect"] == {"ReplaceKeyPrefixWith": ""}
    terrarium("state", "rm", "aws_s3_bucket_website_configuration.main")
    terrarium("import", "aws_s3_bucket_website_configuration.main", bucket)
    assert is_clean(terrarium)


COPY = (
    HEAD
    + """
resource "aws_s3_object" "source" {
  bucket       = aws_s3_bucket.main.id
  key          = "from/a b.txt"
  content      = "CONTENT"
  content_type = "text/plain"
}
resource "aws_s3_object_copy" "main" {
  bucket   = aws_s3_bucket.main.id
  key      = "to/copy.txt"
  source   = "${aws_s3_bucket.main.id}/${aws_s3_object.source.key}"
  tags     = { T = "TAG" }
  copy_if_unmodified_since = "2100-01-01T00:00:00+01:00"
  metadata_directive       = "REPLACE"
  metadata                 = { m = "TAG" }
  content_type             = "text/html"
}
output "etag" { value = aws_s3_object_copy.main.etag }
"""
)


def test_copy(s3, terrarium, tmp_path):
    write(tmp_path, COPY, BUCKET="tests-copy", CONTENT="one", TAG="a")
    terrarium("apply", "-auto-approve")
    assert is_clean(terrarium)
    got = s3.get_object(Bucket="tests-copy", Key="to/copy.txt")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"], got["TagCount"]) == (
        b"one", "text/html", {"m": "a"}, 1,
    )
    assert outputs(terrarium)["etag"] == got["ETag"].strip('"')
    write(tmp_path, COPY, BUCKET="tests-copy", CONTENT="one", TAG="b")
    terrarium("apply", "-auto-approve")
    assert is_clean(terrarium)
    assert s3.head_object(Bucket="tests-copy", Key="to/copy.txt")["Metadata"] == {"m": "b"}
    assert s3.get_object_tagging(Bucket="tests-copy", Key="to/copy.txt")["TagSet"] == [{"Key": "T", "Value": "b"}]
    write(tmp_path, COPY.replace("2100-01", "2000-01"), BUCKET="tests-copy", CONTENT="one", TAG="c")
    terrarium("apply", "-auto-approve", code=1)
    assert s3.head_object(Bucket="tests-copy", Key="to/copy.txt")["Metadata"] == {"m": "b"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            'resource "aws_s3_bucket_notification" "x" {\n bucket = "b"\n queue {\n queue_arn = "arn:aws:sqs:us-east-1:1:q"\n'
            ' events = ["s3:ObjectCreated:*"]\n }\n }',
            "queue",
        ),
        ('resource "aws_s3_bucket" "x" {\n acceleration_status = "Enabled"\n }', "acceleration"),
        ('resource "aws_s3_bucket" "x" {\n object_lock_enabled = true\n }', "Object Lock"),
        ('resource "aws_s3_bucket" "x" {\n versioning {\n enabled = true\n mfa_delete = true\n }\n }', "MFA Delete"),
        (
            'resource "aws_s3_bucket" "x" {\n replication_configuration {\n role = "r"\n rules {\n status = "Enabled"\n'
            ' destination { bucket = "arn:aws:s3:::x" }\n }\n }\n }',
            "replicate",
        ),
        ('resource "aws_s3_bucket_website_configuration" "x" {\n bucket = "b-b"\n }', "index_document"),
        ('resource "aws_s3_directory_bucket" "x" {\n bucket = "b"\n }', "aws_s3_directory_bucket"),
        ('resource "aws_s3_bucket_replication_configuration" "x" {\n bucket = "b"\n }', "replication_configuration"),
    ],
)
def test_refused_by_name(region, tmp_path, terrarium, text, reason):
    (tmp_path / "main.tf").write_text(text)
    terrarium("validate", code=1)

    done = subprocess.run(
        [region.terrarium, "validate"], cwd=tmp_path, env=region.env, capture_output=True, text=True, check=False
    )
    assert reason in done.stderr + done.stdout
    (tmp_path / "main.tf").write_text("")


# The arguments of buckets as provider 3 wrote them, that are settings of their own now.
INLINE = """
provider "aws" { region = "us-east-1" }
resource "aws_s3_bucket" "log" {
  bucket        = "tests-inline-log"
  force_destroy = true
}
resource "aws_s3_bucket" "old" {
  bucket        = "tests-inline"
  force_destroy = true
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Deny", Principal = "*", Action = "s3:DeleteBucketPolicy", Resource = "arn:aws:s3:::tests-inline", Condition = { StringEquals = { "aws:username" = "VALUE" } } }]
  })
  logging {
    target_bucket = aws_s3_bucket.log.id
    target_prefix = "VALUE/"
  }
  cors_rule {
    allowed_headers = ["x-VALUE"]
    allowed_methods = ["PUT"]
    allowed_origins = ["https://VALUE"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3
  }
  website {
    index_document = "VALUE.html"
    error_document = "error.html"
    routing_rules  = jsonencode([{ Condition = { KeyPrefixEquals = "VALUE/" }, Redirect = { ReplaceKeyPrefixWith = "b/" } }])
  }
  server_side_encryption_configuration {
    rule {
      apply_server_side_encryption_by_default {
        sse_algorithm     = "aws:kms"
        kms_master_key_id = "arn:aws:kms:us-east-1:000000000000:key/VALUE"
      }
    }
  }
  lifecycle_rule {
    id                                     = "VALUE"
    enabled                                = true
    abort_incomplete_multipart_upload_days = 3
    tags                                   = { k = "VALUE" }
    expiration { days = 90 }
    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }
  }
}
output "site" { value = aws_s3_bucket.old.website_endpoint }
"""


def test_inline(region, s3, terrarium, tmp_path):
    for value in ("one", "two"):
        write(tmp_path, INLINE, VALUE=value)
        terrarium("apply", "-auto-approve")
        assert is_clean(terrarium)
        where = {"Bucket": "tests-inline"}
        assert s3.get_bucket_logging(**where)["LoggingEnabled"]["TargetPrefix"] == f"{value}/"
        assert s3.get_bucket_cors(**where)["CORSRules"][0]["AllowedOrigins"] == [f"https://{value}"]
        assert s3.get_bucket_website(**where)["IndexDocument"] == {"Suffix": f"{value}.html"}
        rule = s3.get_bucket_encryption(**where)["ServerSideEncryptionConfiguration"]["Rules"][0]
        assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"].endswith(f"key/{value}")
        rule = s3.get_bucket_lifecycle_configuration(**where)["Rules"][0]
        assert (rule["ID"], rule["Filter"]["And"]["Tags"]) == (value, [{"Key": "k", "Value": value}])
        assert value in s3.get_bucket_policy(**where)["Policy"]
    assert outputs(terrarium)["site"] == f"tests-inline.s3-website-us-east-1.localhost:{region.port}"


def test_directory_bucket_of_the_api(s3):
    with pytest.raises(s3.exceptions.ClientError) as failure:
        s3.create_bucket(
            Bucket="tests-dir",
            CreateBucketConfiguration={
                "Location": {"Type": "AvailabilityZone", "Name": "use1-az4"},
                "Bucket": {"Type": "Directory", "DataRedundancy": "SingleAvailabilityZone"},
            },
        )
    assert failure.value.response["Error"]["Code"] == "NotImplemented"
