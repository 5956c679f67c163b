"""S3, by boto3, by the `aws s3` command, and by plain HTTP."""

import base64
import fcntl
import hashlib
import http.client
import io
import os
import signal
import struct
import time
import urllib.error
import urllib.request
import zlib

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from s3_shared import MIB, body, policy, presigner, raw, refused, upload

# ---- buckets ----


def test_bucket_names(s3, bucket):
    for name in ["Upper-case", "ends-", "a..b", "192.168.1.1", "xn--abc", "x-s3alias"]:
        assert refused(s3.create_bucket, Bucket=name) == "InvalidBucketName"
    assert s3.create_bucket(Bucket=bucket)["Location"] == f"/{bucket}"
    assert bucket in [b["Name"] for b in s3.list_buckets(Prefix="tests-")["Buckets"]]
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert refused(s3.head_bucket, Bucket="no-such-bucket") == "404"
    assert refused(s3.list_objects_v2, Bucket="no-such-bucket") == "NoSuchBucket"
    assert refused(s3.delete_bucket, Bucket="no-such-bucket") == "NoSuchBucket"


def test_names_are_global(region, s3, bucket):
    other = region.client("s3", key="111111111111")
    assert refused(other.create_bucket, Bucket=bucket) == "BucketAlreadyExists"
    assert refused(other.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert bucket not in [b["Name"] for b in other.list_buckets()["Buckets"]]
    assert refused(s3.head_bucket, Bucket=bucket, ExpectedBucketOwner="111111111111") == "403"


def test_regions(region, s3):
    west = region.client("s3", region="eu-west-1")
    assert refused(west.create_bucket, Bucket="tests-eu") == "IllegalLocationConstraintException"
    west.create_bucket(Bucket="tests-eu", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert refused(
        west.create_bucket, Bucket="tests-eu", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    ) == "BucketAlreadyOwnedByYou"
    assert s3.get_bucket_location(Bucket="tests-eu")["LocationConstraint"] == "eu-west-1"
    # The client is sent to the bucket's own region, and follows.
    assert s3.list_objects_v2(Bucket="tests-eu")["KeyCount"] == 0
    west.delete_bucket(Bucket="tests-eu")


def test_not_empty(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert refused(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"


# ---- objects ----


def test_object(s3, bucket):
    put = s3.put_object(
        Bucket=bucket, Key="a/b c+d%/ü.txt", Body=b"hello", ContentType="text/plain", CacheControl="max-age=1",
        ContentDisposition="inline", ContentEncoding="identity", ContentLanguage="en", Metadata={"who": "me"},
        Tagging="t=u&v=w%20x",
    )
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert put["ServerSideEncryption"] == "AES256"
    got = s3.get_object(Bucket=bucket, Key="a/b c+d%/ü.txt")
    assert body(got) == b"hello"
    head = s3.head_object(Bucket=bucket, Key="a/b c+d%/ü.txt")
    for answer in (got, head):
        assert answer["ContentLength"] == 5
        assert answer["ContentType"] == "text/plain"
        assert answer["CacheControl"] == "max-age=1"
        assert answer["ContentDisposition"] == "inline"
        assert answer["ContentEncoding"] == "identity"
        assert answer["ContentLanguage"] == "en"
        assert answer["Metadata"] == {"who": "me"}
        assert "VersionId" not in answer
    assert got["TagCount"] == 2
    over = s3.get_object(Bucket=bucket, Key="a/b c+d%/ü.txt", ResponseContentType="x/y", ResponseCacheControl="no-store")
    assert (over["ContentType"], over["CacheControl"]) == ("x/y", "no-store")
    s3.put_object(Bucket=bucket, Key="empty")
    assert body(s3.get_object(Bucket=bucket, Key="empty")) == b""
    assert s3.head_object(Bucket=bucket, Key="empty")["ContentType"] == "binary/octet-stream"
    s3.delete_object(Bucket=bucket, Key="empty")
    s3.delete_object(Bucket=bucket, Key="empty")
    assert refused(s3.get_object, Bucket=bucket, Key="empty") == "NoSuchKey"
    assert refused(s3.head_object, Bucket=bucket, Key="empty") == "404"
    assert refused(s3.put_object, Bucket=bucket, Key="k" * 1025, Body=b"") == "KeyTooLongError"
    assert refused(s3.put_object, Bucket=bucket, Key="k", Metadata={"a": "b" * 3000}) == "MetadataTooLarge"


@pytest.mark.parametrize(
    ("wanted", "expected", "shown"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=-20", b"0123456789", "bytes 0-9/10"),
        ("bytes=8-100", b"89", "bytes 8-9/10"),
        ("bytes=5-3", b"0123456789", None),
        ("bytes=0-1,4-5", b"0123456789", None),
        ("lines=1-2", b"0123456789", None),
    ],
)
def test_ranges(s3, bucket, wanted, expected, shown):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="k", Range=wanted)
    assert body(got) == expected
    assert got.get("ContentRange") == shown
    assert got["ResponseMetadata"]["HTTPStatusCode"] == (206 if shown else 200)
    assert refused(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-") == "InvalidRange"


def test_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    when = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert body(s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)) == b"x"
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfMatch='"other"') == "PreconditionFailed"
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == "304"
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfModifiedSince=when) == "304"
    earlier = when.replace(year=when.year - 1)
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfUnmodifiedSince=earlier) == "PreconditionFailed"
    assert body(s3.get_object(Bucket=bucket, Key="k", IfModifiedSince=earlier)) == b"x"
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"y", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="new", Body=b"y", IfNoneMatch="*")
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"y", IfMatch='"other"') == "PreconditionFailed"
    assert refused(s3.put_object, Bucket=bucket, Key="none", Body=b"y", IfMatch=etag) == "NoSuchKey"
    s3.put_object(Bucket=bucket, Key="k", Body=b"y", IfMatch=etag)
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"y"


# ---- checksums ----


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    data = b"some text" * 1000
    right = {
        "CRC32": zlib.crc32(data).to_bytes(4, "big"),
        "SHA1": hashlib.sha1(data).digest(),
        "SHA256": hashlib.sha256(data).digest(),
    }[algorithm]
    member = f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="k", Body=data, ChecksumAlgorithm=algorithm)
    assert put[member] == base64.b64encode(right).decode()
    got = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (got[member], got["ChecksumType"]) == (put[member], "FULL_OBJECT")
    assert member not in s3.head_object(Bucket=bucket, Key="k")
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectSize", "ETag"])
    assert attributes["Checksum"][member] == put[member]
    assert attributes["ObjectSize"] == len(data)
    wrong = base64.b64encode(bytes(len(right))).decode()
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=data, **{member: wrong}) == "BadDigest"


def test_content_md5(s3, bucket):
    right = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5=right)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"y", ContentMD5=right) == "BadDigest"
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"y", ContentMD5="abc=") == "InvalidDigest"
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"x"


def test_chunked_bodies(region, s3, bucket):
    crc = base64.b64encode(zlib.crc32(b"hello world").to_bytes(4, "big")).decode()
    chunks = f"6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n".encode()
    form = {
        "x_amz_content_sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "Content_Encoding": "aws-chunked",
        "x_amz_decoded_content_length": "11", "x_amz_trailer": "x-amz-checksum-crc32",
    }
    status, _, headers = raw(region, "PUT", f"/{bucket}/k", chunks, **form)
    assert (status, headers["x-amz-checksum-crc32"]) == (200, crc)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (body(got), "ContentEncoding" in got) == (b"hello world", False)
    status, text, _ = raw(region, "PUT", f"/{bucket}/k", chunks.replace(b"world", b"w0rld"), **form)
    assert status == 400 and b"<Code>BadDigest</Code>" in text
    status, text, _ = raw(region, "PUT", f"/{bucket}/k", chunks.replace(b"5\r\n", b"z\r\n"), **form)
    assert status == 400 and b"<Code>IncompleteBody</Code>" in text
    assert raw(region, "PUT", f"/{bucket}/k", b"abc", x_amz_content_sha256="0" * 64)[1].count(
        b"XAmzContentSHA256Mismatch"
    )
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"hello world"


def test_streams(region, s3, bucket):
    """What cannot be read twice is sent in pieces, signed or not."""

    class Once(io.RawIOBase):
        def __init__(self, data):
            self.data = io.BytesIO(data)

        def read(self, size=-1):
            return self.data.read(size)

        def readable(self):
            return True

    data = os.urandom(3 * MIB)
    s3.upload_fileobj(Once(data), bucket, "stream")
    assert body(s3.get_object(Bucket=bucket, Key="stream")) == data


# ---- versions ----


def test_versions(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"2"
    assert body(s3.get_object(Bucket=bucket, Key="k", VersionId=first)) == b"1"
    assert body(s3.get_object(Bucket=bucket, Key="k", VersionId="null")) == b"0"
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId="none") == "NoSuchVersion"
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    with pytest.raises(ClientError) as failure:
        s3.get_object(Bucket=bucket, Key="k")
    headers = failure.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true"
    assert headers["x-amz-version-id"] == marker["VersionId"]
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId=marker["VersionId"]) == "MethodNotAllowed"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    listed = s3.list_object_versions(Bucket=bucket)
    assert [v["VersionId"] for v in listed["Versions"]] == [second, first, "null"]
    assert [m["IsLatest"] for m in listed["DeleteMarkers"]] == [True]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"2"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"1"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"3")["VersionId"] == "null"
    assert [v["VersionId"] for v in s3.list_object_versions(Bucket=bucket)["Versions"]] == ["null", first]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Suspended"


# ---- listing ----


def test_listing(s3, bucket):
    keys = ["a/1", "a/2", "b", "c/x/1", "c/y", "d"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    listed = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [c["Key"] for c in listed["Contents"]] == ["b", "d"]
    assert [p["Prefix"] for p in listed["CommonPrefixes"]] == ["a/", "c/"]
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1}
    ):
        assert page["KeyCount"] == 1
        found += [c["Key"] for c in page.get("Contents", [])] + [p["Prefix"] for p in page.get("CommonPrefixes", [])]
    assert found == ["a/", "b", "c/", "d"]
    found = []
    for page in s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 4}):
        found += [c["Key"] for c in page["Contents"]]
    assert found == keys
    assert [c["Key"] for c in s3.list_objects_v2(Bucket=bucket, Prefix="c/", StartAfter="c/x/1")["Contents"]] == ["c/y"]
    assert [p["Prefix"] for p in s3.list_objects(Bucket=bucket, Prefix="c/", Delimiter="/")["CommonPrefixes"]] == ["c/x/"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["IsTruncated"] is False
    assert refused(s3.list_objects_v2, Bucket=bucket, ContinuationToken="!") == "InvalidArgument"
    found = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}):
        found += [v["Key"] for v in page["Versions"]]
    assert found == keys


def test_delete_objects(s3, bucket):
    for key in ["a", "b & <c>", "d"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "b & <c>"}, {"Key": "none"}]})
    assert [d["Key"] for d in done["Deleted"]] == ["a", "b & <c>", "none"]
    assert [c["Key"] for c in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["d"]
    assert refused(
        s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": str(i)} for i in range(1001)]}
    ) == "MalformedXML"


# ---- uploads in parts ----


@pytest.mark.parametrize("sizes", [[5 * MIB, 5 * MIB, 100], [5 * MIB, 6 * MIB, 1], [77]])
def test_multipart(s3, bucket, sizes):
    upload_id, parts = upload(s3, bucket, "k", sizes, ContentType="x/y", Metadata={"a": "b"}, Tagging="t=u")
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload_id]
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload_id)["Parts"]
    assert [p["Size"] for p in listed] == sizes
    assert refused(s3.get_object, Bucket=bucket, Key="k") == "NoSuchKey"
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": parts}
    )
    digests = b"".join(hashlib.md5(bytes([n]) * size).digest() for n, size in enumerate(sizes, 1))
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-{len(sizes)}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert body(got) == b"".join(bytes([n]) * size for n, size in enumerate(sizes, 1))
    assert (got["ContentType"], got["Metadata"], got["TagCount"]) == ("x/y", {"a": "b"}, 1)
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=len(sizes))
    assert body(second) == bytes([len(sizes)]) * sizes[-1]
    assert second["PartsCount"] == len(sizes)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert refused(
        s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": parts}
    ) == "NoSuchUpload"


def test_multipart_again(s3, bucket):
    """A part may be sent again, parts may be left out, and order and size are checked."""
    upload_id, parts = upload(s3, bucket, "k", [5 * MIB, 5 * MIB, 5 * MIB])
    again = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=2, Body=b"z" * 5 * MIB)
    assert refused(
        s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": parts}
    ) == "InvalidPart"
    parts[1]["ETag"] = again["ETag"]
    assert refused(
        s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload_id,
        MultipartUpload={"Parts": parts[::-1]},
    ) == "InvalidPartOrder"
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": parts[1:]})
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"z" * 5 * MIB + b"\3" * 5 * MIB
    upload_id, parts = upload(s3, bucket, "k", [10, 10])
    assert refused(
        s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": parts}
    ) == "EntityTooSmall"
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id)
    assert refused(s3.list_parts, Bucket=bucket, Key="k", UploadId=upload_id) == "NoSuchUpload"


@pytest.mark.parametrize(("algorithm", "kind"), [("CRC32", "FULL_OBJECT"), ("CRC32", "COMPOSITE"), ("SHA256", None)])
def test_multipart_checksums(s3, bucket, algorithm, kind):
    more = {"ChecksumType": kind} if kind else {}
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, **more)["UploadId"]
    data = [os.urandom(5 * MIB), os.urandom(1000)]
    member = f"Checksum{algorithm}"
    parts = []
    for number, piece in enumerate(data, 1):
        part = s3.upload_part(
            Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=number, Body=piece, ChecksumAlgorithm=algorithm
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"], member: part[member]})
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": parts}, **more
    )
    if kind == "FULL_OBJECT":
        right = base64.b64encode(zlib.crc32(b"".join(data)).to_bytes(4, "big")).decode()
    elif algorithm == "CRC32":
        whole = zlib.crc32(b"".join(zlib.crc32(d).to_bytes(4, "big") for d in data)).to_bytes(4, "big")
        right = base64.b64encode(whole).decode() + "-2"
    else:
        whole = hashlib.sha256(b"".join(hashlib.sha256(d).digest() for d in data)).digest()
        right = base64.b64encode(whole).decode() + "-2"
    assert done[member] == right
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[member] == right


# ---- copies ----


def test_copy(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b", Body=b"data", ContentType="x/y", Metadata={"m": "n"}, Tagging="t=u")
    source = {"Bucket": bucket, "Key": "a b"}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)["CopyObjectResult"]
    assert copied["ETag"] == f'"{hashlib.md5(b"data").hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert (body(got), got["ContentType"], got["Metadata"], got["TagCount"]) == (b"data", "x/y", {"m": "n"}, 1)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, MetadataDirective="REPLACE", Metadata={"o": "p"})
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"o": "p"}
    assert refused(s3.copy_object, Bucket=bucket, Key="a b", CopySource=source) == "InvalidRequest"
    assert refused(
        s3.copy_object, Bucket=bucket, Key="c", CopySource=source, CopySourceIfMatch='"x"'
    ) == "PreconditionFailed"
    assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/none") == "NoSuchKey"
    s3.delete_object(Bucket=bucket, Key="a b")
    assert body(s3.get_object(Bucket=bucket, Key="copy")) == b"data"


def test_part_copy(s3, bucket):
    data = os.urandom(6 * MIB)
    s3.put_object(Bucket=bucket, Key="source", Body=data)
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    first = s3.upload_part_copy(
        Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=1, CopySource=f"{bucket}/source",
        CopySourceRange=f"bytes=100-{5 * MIB + 99}",
    )["CopyPartResult"]
    assert first["ETag"] == f'"{hashlib.md5(data[100 : 5 * MIB + 100]).hexdigest()}"'
    second = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=2, Body=b"end")
    s3.delete_object(Bucket=bucket, Key="source")
    s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload_id,
        MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": second["ETag"]}]
        },
    )
    assert body(s3.get_object(Bucket=bucket, Key="k")) == data[100 : 5 * MIB + 100] + b"end"


# ---- tags, settings ----


def test_object_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    tags = [{"Key": "a", "Value": "b"}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    many = [{"Key": str(i), "Value": ""} for i in range(11)]
    assert refused(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": many}) == "BadRequest"
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_bucket_tags(region, s3, bucket):
    assert refused(s3.get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"
    tags = [{"Key": "a", "Value": "b"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    control = boto3.client(
        "s3control", endpoint_url=f"http://localhost:{region.port}", region_name="us-east-1",
        aws_access_key_id="terrarium", aws_secret_access_key="x",
    )
    if not hasattr(control, "list_tags_for_resource"):
        pytest.skip("this boto3 knows no tags of S3 Control")
    control.meta.events.register(
        "before-send.s3-control.*",
        lambda request, **_: setattr(request, "url", request.url.replace("000000000000.localhost", "127.0.0.1")),
    )
    call = {"AccountId": "000000000000", "ResourceArn": f"arn:aws:s3:::{bucket}"}
    assert control.list_tags_for_resource(**call)["Tags"] == tags
    control.tag_resource(**call, Tags=[{"Key": "c", "Value": "d"}])
    control.untag_resource(**call, TagKeys=["a"])
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "c", "Value": "d"}]


def test_encryption(s3, bucket):
    get = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert get["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:x:y:key/z"},
        "BucketKeyEnabled": True,
    }
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"], put["BucketKeyEnabled"]) == (
        "aws:kms", "arn:aws:kms:x:y:key/z", True,
    )
    s3.delete_bucket_encryption(Bucket=bucket)
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"")["ServerSideEncryption"] == "AES256"


def test_lifecycle(s3, bucket):
    rules = [
        {"ID": "a", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}},
        {"ID": "b", "Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}},
        {
            "ID": "c", "Status": "Enabled", "Filter": {"And": {"Prefix": "x", "Tags": [{"Key": "k", "Value": "v"}]}},
            "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2},
        },
        {"ID": "d", "Status": "Enabled", "Prefix": "old", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
    ]
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    got = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert got["Rules"] == rules
    assert got["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"


def test_lifecycle_expires(s3, bucket):
    s3.put_object(Bucket=bucket, Key="old/a", Body=b"")
    s3.put_object(Bucket=bucket, Key="new", Body=b"")
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "old/"}, "Expiration": {"Date": "2020-01-01T00:00:00Z"}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    for _ in range(100):
        keys = [c["Key"] for c in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        if keys == ["new"]:
            break
        time.sleep(0.05)
    assert keys == ["new"]


def test_settings(s3, bucket):
    cors = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://a", "https://b"], "MaxAgeSeconds": 5}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": cors})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == cors
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    assert s3.get_bucket_website(Bucket=bucket)["IndexDocument"] == {"Suffix": "index.html"}
    s3.delete_bucket_website(Bucket=bucket)
    assert refused(s3.get_bucket_website, Bucket=bucket) == "NoSuchWebsiteConfiguration"
    logging = {"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "log/"}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=logging)
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == logging["LoggingEnabled"]
    queue = {"QueueConfigurations": [{"QueueArn": "arn:aws:sqs:us-east-1:1:q", "Events": ["s3:ObjectCreated:*"]}]}
    assert refused(
        s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration=queue
    ) == "NotImplemented"
    assert refused(
        s3.put_bucket_accelerate_configuration, Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"}
    ) == "NotImplemented"
    assert refused(s3.list_bucket_metrics_configurations, Bucket=bucket) == "NotImplemented"


def test_acl(s3, bucket):
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessControlListNotSupported"
    rule = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rule)
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessDenied"
    s3.delete_public_access_block(Bucket=bucket)
    assert refused(s3.get_public_access_block, Bucket=bucket) == "NoSuchPublicAccessBlockConfiguration"
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"} in [
        g["Grantee"] for g in acl["Grants"]
    ]
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": acl["Owner"], "Grants": acl["Grants"][:1]})
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"] == acl["Grants"][:1]


# ---- who may ----


def test_policy(region, s3, bucket):
    assert refused(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy="nonsense") == "MalformedPolicy"
    public = policy(bucket, Effect="Allow", Principal="*", Action="s3:GetObject")
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=public) == "AccessDenied"
    # The usual statement against plain HTTP is not about what never leaves the machine.
    secure = policy(
        bucket, Effect="Deny", Principal="*", Action="s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}}
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=secure)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == secure
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    other = region.client("s3", key="111111111111")
    assert refused(other.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    s3.put_bucket_policy(
        Bucket=bucket, Policy=policy(bucket, Effect="Allow", Principal={"AWS": "111111111111"}, Action="s3:Get*")
    )
    assert body(other.get_object(Bucket=bucket, Key="k")) == b"x"
    assert refused(other.put_object, Bucket=bucket, Key="k", Body=b"") == "AccessDenied"
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, Effect="Deny", Principal="*", Action="s3:PutObject"))
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"") == "AccessDenied"
    s3.delete_bucket_policy(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")


def test_users(region, s3, bucket):
    iam = region.client("iam")
    iam.create_user(UserName="s3-reader")
    try:
        key = iam.create_access_key(UserName="s3-reader")["AccessKey"]
        reader = boto3.client(
            "s3", endpoint_url=region.url, region_name="us-east-1", aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"], config=Config(retries={"max_attempts": 0}),
        )
        s3.put_object(Bucket=bucket, Key="docs/k", Body=b"x")
        s3.put_object(Bucket=bucket, Key="other", Body=b"x")
        assert refused(reader.get_object, Bucket=bucket, Key="docs/k") == "AccessDenied"
        document = policy(bucket, Effect="Allow", Action=["s3:GetObject", "s3:PutObject"]).replace("/*", "/docs/*")
        iam.put_user_policy(UserName="s3-reader", PolicyName="p", PolicyDocument=document)
        assert body(reader.get_object(Bucket=bucket, Key="docs/k")) == b"x"
        # Streamed bodies are signed piece by piece.
        reader.put_object(Bucket=bucket, Key="docs/new", Body=b"y" * 100000, ChecksumAlgorithm="CRC32")
        assert body(s3.get_object(Bucket=bucket, Key="docs/new")) == b"y" * 100000
        assert refused(reader.get_object, Bucket=bucket, Key="other") == "AccessDenied"
        assert refused(reader.list_objects_v2, Bucket=bucket) == "AccessDenied"
        errors = reader.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "other"}]})["Errors"]
        assert [e["Code"] for e in errors] == ["AccessDenied"]
        url = presigner(region, key["AccessKeyId"], key["SecretAccessKey"]).generate_presigned_url(
            "get_object", {"Bucket": bucket, "Key": "docs/k"}
        )
        assert urllib.request.urlopen(url).read() == b"x"
        with pytest.raises(urllib.error.HTTPError) as failure:
            urllib.request.urlopen(url.replace("docs/k", "other"))
        assert failure.value.code == 403
        assert b"SignatureDoesNotMatch" in failure.value.read()
    finally:
        for key in iam.list_access_keys(UserName="s3-reader")["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="s3-reader", AccessKeyId=key["AccessKeyId"])
        for name in iam.list_user_policies(UserName="s3-reader")["PolicyNames"]:
            iam.delete_user_policy(UserName="s3-reader", PolicyName=name)
        iam.delete_user(UserName="s3-reader")


def test_presigned(region, s3, bucket):
    client = presigner(region)
    put = client.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a b"})
    urllib.request.urlopen(urllib.request.Request(put, b"data", method="PUT"))
    get = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b", "ResponseContentType": "x/y"})
    with urllib.request.urlopen(get) as answer:
        assert (answer.read(), answer.headers["Content-Type"]) == (b"data", "x/y")
    soon = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b"}, ExpiresIn=1)
    time.sleep(2.1)
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(soon)
    assert b"Request has expired" in failure.value.read()


def test_hosts(region, s3, bucket):
    """The bucket in the path, or in front of any of S3's hosts."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for host, path in [
        ("127.0.0.1", f"/{bucket}/k"),
        ("s3.localhost", f"/{bucket}/k"),
        (f"{bucket}.s3.localhost", "/k"),
        (f"{bucket}.localhost", "/k"),
        (f"{bucket}.s3.amazonaws.com", "/k"),
        (f"{bucket}.s3.us-east-1.amazonaws.com", "/k"),
        ("s3.us-east-1.amazonaws.com", f"/{bucket}/k"),
    ]:
        assert raw(region, "GET", path, Host=f"{host}:{region.port}")[:2] == (200, b"x"), host
    assert urllib.request.urlopen(f"{region.url}/{bucket}/k").read() == b"x"


# ---- kills ----


def test_survives_kill(region, tmp_path):
    """What was answered is there after a kill; what was not has left nothing."""
    own = type(region)(tmp_path / "home")
    assert own.run("up", "--no-glass").returncode == 0
    try:
        s3 = own.client("s3")
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="k", Body=b"x" * 20000)
        s3.put_object(Bucket="kept", Key="small", Body=b"y")
        upload_id, parts = upload(s3, "kept", "big", [5 * MIB, 5 * MIB])
        half = http.client.HTTPConnection("127.0.0.1", own.port)
        half.putrequest("PUT", "/kept/half")
        half.putheader("Content-Length", "1000000")
        half.endheaders()
        half.send(b"h" * 500000)
        time.sleep(0.2)
        os.kill(lock_holder(own), signal.SIGKILL)
        assert own.run("up", "--no-glass").returncode == 0
        assert body(s3.get_object(Bucket="kept", Key="k")) == b"x" * 20000
        assert body(s3.get_object(Bucket="kept", Key="small")) == b"y"
        assert [c["Key"] for c in s3.list_objects_v2(Bucket="kept")["Contents"]] == ["k", "small"]
        parts.append(
            {
                "PartNumber": 3,
                "ETag": s3.upload_part(Bucket="kept", Key="big", UploadId=upload_id, PartNumber=3, Body=b"end")["ETag"],
            }
        )
        s3.complete_multipart_upload(Bucket="kept", Key="big", UploadId=upload_id, MultipartUpload={"Parts": parts})
        assert body(s3.get_object(Bucket="kept", Key="big")) == b"\1" * 5 * MIB + b"\2" * 5 * MIB + b"end"
        files = sum(len(names) for _, _, names in os.walk(tmp_path / "home" / "s3"))
        assert files == 2
    finally:
        own.run("down", "--purge")


def lock_holder(region):
    """The process that holds the lock of the data folder."""
    with open(os.path.join(region.env["TERRARIUM_HOME"], "region.lock"), "rb") as lock:
        asked = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        return struct.unpack("hhqqi4x", fcntl.fcntl(lock, fcntl.F_GETLK, asked))[4]
