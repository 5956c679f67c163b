"""S3's resource types, from .tf files through our own engine, looked at by boto3."""

import json

STACK = """
provider "aws" {
  region = "us-east-1"
  default_tags { tags = { Owner = "tests" } }
}
resource "aws_s3_bucket" "main" {
  bucket        = "tests-types"
  force_destroy = true
  tags          = { Name = "NAME" }
}
resource "aws_s3_bucket_versioning" "main" {
  bucket = aws_s3_bucket.main.id
  versioning_configuration { status = "Enabled" }
}
resource "aws_s3_bucket_ownership_controls" "main" {
  bucket = aws_s3_bucket.main.id
  rule { object_ownership = "BucketOwnerPreferred" }
}
resource "aws_s3_bucket_public_access_block" "main" {
  bucket                  = aws_s3_bucket.main.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = false
}
resource "aws_s3_bucket_acl" "main" {
  depends_on = [aws_s3_bucket_ownership_controls.main, aws_s3_bucket_public_access_block.main]
  bucket     = aws_s3_bucket.main.id
  acl        = "private"
}
resource "aws_s3_bucket_server_side_encryption_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "arn:aws:kms:us-east-1:000000000000:key/1"
    }
  }
}
resource "aws_s3_bucket_policy" "main" {
  bucket = aws_s3_bucket.main.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.main.arn, "${aws_s3_bucket.main.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
resource "aws_s3_bucket_lifecycle_configuration" "main" {
  bucket = aws_s3_bucket.main.id
  rule {
    id     = "all"
    status = "Enabled"
    filter {}
    expiration { days = DAYS }
    noncurrent_version_expiration {
      noncurrent_days           = 7
      newer_noncurrent_versions = 2
    }
    abort_incomplete_multipart_upload { days_after_initiation = 2 }
  }
  rule {
    id     = "logs"
    status = "Disabled"
    filter {
      and {
        prefix = "logs/"
        tags   = { a = "b" }
      }
    }
    transition {
      date          = "2030-01-01T00:00:00Z"
      storage_class = "STANDARD_IA"
    }
  }
}
resource "aws_s3_object" "text" {
  bucket       = aws_s3_bucket.main.id
  key          = "/dir//file.txt"
  content      = "hello NAME ${aws_s3_bucket_versioning.main.id}"
  content_type = "text/plain"
  metadata     = { m = "NAME" }
  tags         = { T = "NAME" }
}
resource "aws_s3_bucket_object" "bytes" {
  bucket = aws_s3_bucket.main.id
  key    = "bytes"
  source = "${path.module}/bytes"
  etag   = filemd5("${path.module}/bytes")
}
data "aws_s3_object" "text" {
  bucket = aws_s3_object.text.bucket
  key    = aws_s3_object.text.id
}
data "aws_s3_objects" "all" {
  bucket = aws_s3_object.text.bucket
  prefix = "dir/"
}
data "aws_s3_bucket" "main" { bucket = aws_s3_bucket.main.id }
output "text" { value = data.aws_s3_object.text.body }
output "keys" { value = data.aws_s3_objects.all.keys }
output "place" { value = data.aws_s3_bucket.main.bucket_regional_domain_name }
"""

# As provider 3 wrote buckets.
INLINE = """
provider "aws" { region = "us-east-1" }
resource "aws_s3_bucket" "old" {
  bucket_prefix = "tests-old-"
  acl           = "private"
  force_destroy = true
  versioning { enabled = true }
  lifecycle_rule {
    enabled = true
    id      = "a"
    prefix  = "a/"
    expiration { days = 3 }
    noncurrent_version_expiration { days = DAYS }
  }
  server_side_encryption_configuration {
    rule {
      apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
    }
  }
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["*"]
  }
  website { index_document = "index.html" }
}
output "name" { value = aws_s3_bucket.old.id }
"""


def is_clean(terrarium):
    return "No changes." in terrarium("plan")


def test_types(region, terrarium, tmp_path):
    s3 = region.client("s3")
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    (tmp_path / "main.tf").write_text(STACK.replace("NAME", "one").replace("DAYS", "30"))
    terrarium("apply", "-auto-approve")
    outputs = json.loads(terrarium("output", "-json"))
    assert outputs["text"]["value"] == "hello one tests-types"
    assert outputs["keys"]["value"] == ["dir/file.txt"]
    assert outputs["place"]["value"] == "tests-types.s3.us-east-1.amazonaws.com"
    assert is_clean(terrarium)
    got = s3.get_object(Bucket="tests-types", Key="dir/file.txt")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (
        b"hello one tests-types", "text/plain", {"m": "one"},
    )
    assert got["ServerSideEncryption"] == "aws:kms"
    assert s3.get_object(Bucket="tests-types", Key="bytes")["Body"].read() == bytes(range(256))
    tags = s3.get_bucket_tagging(Bucket="tests-types")["TagSet"]
    assert {t["Key"]: t["Value"] for t in tags} == {"Name": "one", "Owner": "tests"}
    rules = s3.get_bucket_lifecycle_configuration(Bucket="tests-types")["Rules"]
    assert rules[0]["Filter"] == {"Prefix": ""}
    assert rules[1]["Transitions"][0]["Date"].year == 2030
    (tmp_path / "main.tf").write_text(STACK.replace("NAME", "two").replace("DAYS", "31"))
    terrarium("apply", "-auto-approve")
    terrarium("apply", "-auto-approve")  # what the data source reads of the changed object comes a run later
    assert is_clean(terrarium)
    tags = s3.get_object_tagging(Bucket="tests-types", Key="dir/file.txt")["TagSet"]
    assert {t["Key"]: t["Value"] for t in tags} == {"T": "two", "Owner": "tests"}
    assert len(s3.list_object_versions(Bucket="tests-types", Prefix="dir/")["Versions"]) == 2
    terrarium("destroy", "-auto-approve")
    assert "tests-types" not in [b["Name"] for b in s3.list_buckets()["Buckets"]]


def test_inline(region, terrarium, tmp_path):
    s3 = region.client("s3")
    (tmp_path / "main.tf").write_text(INLINE.replace("DAYS", "4"))
    terrarium("apply", "-auto-approve")
    name = json.loads(terrarium("output", "-json"))["name"]["value"]
    assert is_clean(terrarium)
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    (tmp_path / "main.tf").write_text(INLINE.replace("DAYS", "5"))
    terrarium("apply", "-auto-approve")
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 5}
    for i in range(3):
        s3.put_object(Bucket=name, Key="k", Body=str(i).encode())
    s3.delete_object(Bucket=name, Key="k")
    terrarium("destroy", "-auto-approve")
    assert name not in [b["Name"] for b in s3.list_buckets()["Buckets"]]
