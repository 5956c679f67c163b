"""S3's smaller print: odd keys, checksums, conditional writes, pages, copies, hosts."""

import base64
import functools
import hashlib
import http.client
import os
import sqlite3
import time
import urllib.parse
import zlib

import pytest
from conftest import Region
from s3_shared import MIB, body, raw, refused, upload

ODD = [
    "a b", "a+b", "a%2Fb", "a%20b", "ü/日本/\U0001f600", "/leading", "//two", "a//b", "trailing/", "../up", "a/../b", ".", "./a",
    "a/./b", "&<>\"'", "?query=x", "#part", "a=b;c", "tab\tin", "line\nin", "\x01", "~!@$^*()[]{}|`,:", "k" * 1024,
]


# ---- keys ----


@pytest.mark.parametrize("key", ODD)
def test_odd_keys(region, s3, bucket, key):
    data = key.encode()
    s3.put_object(Bucket=bucket, Key=key, Body=data)
    assert body(s3.get_object(Bucket=bucket, Key=key)) == data
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(data)
    assert [c["Key"] for c in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert [v["Key"] for v in s3.list_object_versions(Bucket=bucket)["Versions"]] == [key]
    if key != "\x01":  # boto3 puts copies' sources into a header as they are
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
        assert body(s3.get_object(Bucket=bucket, Key="copy")) == data
    s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    host = f"{bucket}.s3.localhost:{region.port}"
    path = "/" + urllib.parse.quote(key, safe="/~")
    assert raw(region, "GET", path, Host=host)[:2] == (200, data)
    if key == "\x01":  # XML cannot hold it
        assert refused(s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": key}]}) == "MalformedXML"
        s3.delete_object(Bucket=bucket, Key=key)
    else:
        done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
        assert [d["Key"] for d in done["Deleted"]] == [key]
    assert refused(s3.get_object, Bucket=bucket, Key=key) == "NoSuchKey"


def test_too_long(s3, bucket):
    for key in ["k" * 1025, "ü" * 513]:
        assert refused(s3.put_object, Bucket=bucket, Key=key) == "KeyTooLongError"
        assert refused(s3.create_multipart_upload, Bucket=bucket, Key=key) == "KeyTooLongError"
        assert refused(s3.copy_object, Bucket=bucket, Key=key, CopySource=f"{bucket}/k") == "KeyTooLongError"
    s3.put_object(Bucket=bucket, Key="ü" * 512)


def test_encoding_type(region, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b/ü+1")
    status, text, _ = raw(region, "GET", f"/{bucket}?list-type=2&encoding-type=url&delimiter=%2F&prefix=a%20")
    assert status == 200
    assert b"<Prefix>a%20b/</Prefix>" in text and b"<EncodingType>url</EncodingType>" in text
    status, text, _ = raw(region, "GET", f"/{bucket}?list-type=2")
    assert "<Key>a b/ü+1</Key>".encode() in text
    assert raw(region, "GET", f"/{bucket}?encoding-type=base64")[0] == 400


# ---- checksums ----


@functools.cache
def crc_table(polynomial):
    table = list(range(256))
    for _ in range(8):
        table = [value >> 1 ^ (polynomial if value & 1 else 0) for value in table]
    return table


def crc(data, polynomial, width):
    """A reflected CRC."""
    table, mask = crc_table(polynomial), (1 << width) - 1
    value = mask
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 255]
    return base64.b64encode((value ^ mask).to_bytes(width // 8, "big")).decode()


def digest(algorithm, data):
    if algorithm == "CRC32":
        return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    if algorithm == "CRC32C":
        return crc(data, 0x82F63B78, 32)
    if algorithm == "CRC64NVME":
        return crc(data, 0x9A6C9329AC4BC9B5, 64)
    return base64.b64encode(hashlib.new(algorithm.lower(), data).digest()).decode()


ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]
DATA = b"some text" * 300


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_given_checksums(region, s3, bucket, algorithm):
    """In a header, in a trailer of an unsigned stream, and wrong ones in both."""
    own, header = digest(algorithm, DATA), f"x-amz-checksum-{algorithm.lower()}"
    wrong = digest(algorithm, b"other")
    status, text, headers = raw(region, "PUT", f"/{bucket}/k", DATA, **{header: own})
    assert (status, headers[header], headers["x-amz-checksum-type"]) == (200, own, "FULL_OBJECT"), text
    shown = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert shown[f"Checksum{algorithm}"] == own
    assert b"<Code>BadDigest</Code>" in raw(region, "PUT", f"/{bucket}/k", b"?", **{header: own})[1]

    def stream(trailer, said=header):
        chunks = b"%x\r\n%s\r\n0\r\n%s:%s\r\n\r\n" % (len(DATA), DATA, said.encode(), trailer.encode())
        return raw(
            region, "PUT", f"/{bucket}/streamed", chunks, x_amz_content_sha256="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            Content_Encoding="aws-chunked", x_amz_decoded_content_length=str(len(DATA)), x_amz_trailer=header,
        )

    assert stream(own)[2][header] == own
    assert b"<Code>BadDigest</Code>" in stream(wrong)[1]
    assert b"<Code>MalformedTrailerError</Code>" in stream(own, "x-amz-other")[1]
    assert body(s3.get_object(Bucket=bucket, Key="streamed")) == DATA


def parts_of(s3, bucket, key, upload_id, pieces, algorithm):
    parts = []
    for number, piece in enumerate(pieces, 1):
        member = f"Checksum{algorithm}"
        part = s3.upload_part(
            Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=piece, **{member: digest(algorithm, piece)}
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"], member: part[member]})
    return parts


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("CRC32", "COMPOSITE"), ("CRC32C", "FULL_OBJECT"), ("CRC32C", "COMPOSITE"), ("SHA1", "COMPOSITE"),
     ("CRC64NVME", "FULL_OBJECT")],
)
def test_checksums_of_parts(s3, bucket, algorithm, kind):
    pieces = [b"a" * 5 * MIB, b"end"]
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind)["UploadId"]
    parts = parts_of(s3, bucket, "k", upload_id, pieces, algorithm)
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload_id)
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == (algorithm, kind)
    wrong = [dict(parts[0], **{f"Checksum{algorithm}": digest(algorithm, b"?")}), parts[1]]
    assert refused(
        s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": wrong}
    ) == "InvalidPart"
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": parts})
    assert done["ChecksumType"] == kind
    shown = done[f"Checksum{algorithm}"]
    if kind == "COMPOSITE":
        sums = b"".join(base64.b64decode(p[f"Checksum{algorithm}"]) for p in parts)
        assert shown == digest(algorithm, sums) + "-2"
    else:
        assert shown == digest(algorithm, b"".join(pieces))
    whole = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectParts"])
    assert (whole["Checksum"]["ChecksumType"], whole["ObjectParts"]["TotalPartsCount"]) == (kind, 2)


@pytest.mark.parametrize(("algorithm", "kind"), [("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")])
def test_checksum_types_that_are_none(s3, bucket, algorithm, kind):
    assert refused(
        s3.create_multipart_upload, Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind
    ) == "InvalidRequest"


# ---- conditional writes ----


def test_conditional_completion(s3, bucket):
    upload_id, parts = upload(s3, bucket, "k", [10])
    call = {"Bucket": bucket, "Key": "k", "UploadId": upload_id, "MultipartUpload": {"Parts": parts}}
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["ETag"]
    assert refused(s3.complete_multipart_upload, **call, IfNoneMatch="*") == "PreconditionFailed"
    assert refused(s3.complete_multipart_upload, **call, IfMatch='"other"') == "PreconditionFailed"
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"first"
    s3.complete_multipart_upload(**call, IfMatch=etag)
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"\1" * 10
    upload_id, parts = upload(s3, bucket, "none", [10])
    call = {"Bucket": bucket, "Key": "none", "UploadId": upload_id, "MultipartUpload": {"Parts": parts}}
    assert refused(s3.complete_multipart_upload, **call, IfMatch=etag) == "NoSuchKey"
    s3.complete_multipart_upload(**call, IfNoneMatch="*")


def test_conditional_delete(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    assert refused(s3.delete_object, Bucket=bucket, Key="k", IfMatch='"other"') == "PreconditionFailed"
    errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": '"other"'}]}).get("Errors", [])
    assert [(e["Key"], e["Code"]) for e in errors] == [("k", "PreconditionFailed")]
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    assert refused(s3.head_object, Bucket=bucket, Key="k") == "404"


def test_conditional_put_race(region, s3, bucket):
    """Of two that may only make what is not there, one does: the second is checked again at its end."""
    slow = http.client.HTTPConnection("127.0.0.1", region.port)
    slow.putrequest("PUT", f"/{bucket}/k")
    slow.putheader("If-None-Match", "*")
    slow.putheader("Content-Length", "4")
    slow.endheaders()
    slow.send(b"sl")
    s3.put_object(Bucket=bucket, Key="k", Body=b"fast", IfNoneMatch="*")
    slow.send(b"ow")
    answer = slow.getresponse()
    assert (answer.status, b"PreconditionFailed" in answer.read()) == (412, True)
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"fast"


# ---- reading ----


def test_attributes(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"data", StorageClass="STANDARD_IA", ChecksumAlgorithm="SHA256")
    every = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    got = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=every)
    assert got["ETag"] == hashlib.md5(b"data").hexdigest()
    assert (got["ObjectSize"], got["StorageClass"]) == (4, "STANDARD_IA")
    assert got["Checksum"]["ChecksumSHA256"] == digest("SHA256", b"data")
    assert "ObjectParts" not in got
    assert "ETag" not in s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="parts", ChecksumAlgorithm="SHA256")["UploadId"]
    parts = parts_of(s3, bucket, "parts", upload_id, [b"a" * 5 * MIB, b"b" * 5 * MIB, b"c"], "SHA256")
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload_id, MultipartUpload={"Parts": parts})
    got = s3.get_object_attributes(Bucket=bucket, Key="parts", ObjectAttributes=["ObjectParts"], MaxParts=2)["ObjectParts"]
    assert (got["TotalPartsCount"], got["MaxParts"], got["IsTruncated"], got["NextPartNumberMarker"]) == (3, 2, True, 2)
    assert [(p["PartNumber"], p["Size"], p["ChecksumSHA256"]) for p in got["Parts"]] == [
        (p["PartNumber"], 5 * MIB, p["ChecksumSHA256"]) for p in parts[:2]
    ]
    got = s3.get_object_attributes(Bucket=bucket, Key="parts", ObjectAttributes=["ObjectParts"], PartNumberMarker=2)
    assert [p["Size"] for p in got["ObjectParts"]["Parts"]] == [1]


def test_version_pages(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ["a", "b/1", "b/2", "c"]:
        for _ in range(3):
            s3.put_object(Bucket=bucket, Key=key)
    s3.delete_object(Bucket=bucket, Key="a")
    whole = s3.list_object_versions(Bucket=bucket)
    ids = {v["VersionId"] for v in whole["Versions"] + whole["DeleteMarkers"]}
    assert len(ids) == 13
    for size in (1, 2, 5, 13):
        seen, markers = [], {}
        while True:
            page = s3.list_object_versions(Bucket=bucket, MaxKeys=size, **markers)
            found = page.get("Versions", []) + page.get("DeleteMarkers", [])
            assert len(found) <= size
            seen += [v["VersionId"] for v in found]
            if not page["IsTruncated"]:
                break
            markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        assert len(seen) == 13 and set(seen) == ids
    page = s3.list_object_versions(Bucket=bucket, Delimiter="/", Prefix="")
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["b/"]
    assert len(page["Versions"]) == 6
    page = s3.list_object_versions(Bucket=bucket, KeyMarker="b/1")
    assert {v["Key"] for v in page["Versions"]} == {"b/2", "c"}
    assert refused(s3.list_object_versions, Bucket=bucket, VersionIdMarker="x") == "InvalidArgument"


def test_delete_quietly(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="a")["VersionId"]
    done = s3.delete_objects(Bucket=bucket, Delete={"Quiet": True, "Objects": [{"Key": "a"}, {"Key": "none"}]})
    assert "Deleted" not in done and "Errors" not in done
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": version}, {"Key": "a"}]})
    first, second = done["Deleted"]
    assert (first["VersionId"], "DeleteMarker" in first) == (version, False)
    assert second["DeleteMarker"] is True and second["DeleteMarkerVersionId"]
    gone = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": second["DeleteMarkerVersionId"]}]}
    )["Deleted"][0]
    assert gone["DeleteMarker"] is True


# ---- copies ----


def test_copy_directives(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "b"}, ContentType="x/y", Tagging="t=u", CacheControl="no-store")
    source = f"{bucket}/k"
    assert refused(s3.copy_object, Bucket=bucket, Key="k", CopySource=source) == "InvalidRequest"
    assert refused(s3.copy_object, Bucket=bucket, Key="k", CopySource=source, MetadataDirective="COPY", Metadata={"z": "z"}) == (
        "InvalidRequest"
    )
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, StorageClass="STANDARD_IA")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["StorageClass"], head["Metadata"], head["CacheControl"]) == ("STANDARD_IA", {"a": "b"}, "no-store")
    s3.copy_object(
        Bucket=bucket, Key="c", CopySource=source, MetadataDirective="REPLACE", Metadata={"c": "d"}, ContentType="z/z",
        TaggingDirective="REPLACE", Tagging="v=w",
    )
    head = s3.head_object(Bucket=bucket, Key="c")
    assert (head["Metadata"], head["ContentType"], "CacheControl" in head, head.get("StorageClass")) == (
        {"c": "d"}, "z/z", False, None,
    )
    assert s3.get_object_tagging(Bucket=bucket, Key="c")["TagSet"] == [{"Key": "v", "Value": "w"}]
    s3.copy_object(Bucket=bucket, Key="c", CopySource=source, MetadataDirective="COPY", Metadata={"z": "z"}, Tagging="z=z")
    assert s3.head_object(Bucket=bucket, Key="c")["Metadata"] == {"a": "b"}
    assert s3.get_object_tagging(Bucket=bucket, Key="c")["TagSet"] == [{"Key": "t", "Value": "u"}]
    for bad in ("nothing", f"{bucket}/", "/"):
        assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=bad) == "InvalidArgument"
    assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource="no-such-bucket-at-all/k") == "NoSuchBucket"


def test_copy_of_a_version(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    copied = s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": first})
    assert copied["CopySourceVersionId"] == first
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"1"
    assert refused(
        s3.copy_object, Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "k", "VersionId": "x" * 32}
    ) == "NoSuchVersion"
    s3.delete_object(Bucket=bucket, Key="k")
    assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k") == "NoSuchKey"


def test_part_copy_ranges(s3, bucket):
    s3.put_object(Bucket=bucket, Key="s", Body=b"0123456789")
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    call = {"Bucket": bucket, "Key": "k", "UploadId": upload_id, "PartNumber": 1, "CopySource": f"{bucket}/s"}
    for bad in ("bytes=5-10", "bytes=5-", "bytes=-5", "bytes=5-3", "0-3", "bytes=0-3x"):
        assert refused(s3.upload_part_copy, **call, CopySourceRange=bad) == "InvalidArgument", bad
    part = s3.upload_part_copy(**call, CopySourceRange="bytes=9-9")["CopyPartResult"]
    assert part["ETag"] == f'"{hashlib.md5(b"9").hexdigest()}"'
    whole = s3.upload_part_copy(**call)["CopyPartResult"]
    assert whole["ETag"] == f'"{hashlib.md5(b"0123456789").hexdigest()}"'
    assert refused(s3.upload_part_copy, **call, CopySourceIfNoneMatch=whole["ETag"]) == "PreconditionFailed"
    assert refused(s3.upload_part_copy, **dict(call, PartNumber=10001)) == "InvalidArgument"
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id)


def test_virtual_hosts(region, s3, bucket):
    """Every call by the host's name that also goes by the path."""
    host = f"{bucket}.s3.us-east-1.localhost:{region.port}"
    assert raw(region, "PUT", "/a/b", b"x", Host=host)[0] == 200
    assert body(s3.get_object(Bucket=bucket, Key="a/b")) == b"x"
    assert b"<Key>a/b</Key>" in raw(region, "GET", "/?list-type=2", Host=host)[1]
    assert raw(region, "HEAD", "/", Host=host)[0] == 200
    assert raw(region, "DELETE", "/a/b", Host=host)[0] == 204
    dotted = f"dotted.{os.urandom(4).hex()}"
    assert raw(region, "PUT", "/", Host=f"{dotted}.s3.localhost:{region.port}")[0] == 200
    assert raw(region, "PUT", "/k", b"y", Host=f"{dotted}.s3.amazonaws.com")[0] == 200
    assert body(s3.get_object(Bucket=dotted, Key="k")) == b"y"
    s3.delete_object(Bucket=dotted, Key="k")
    s3.delete_bucket(Bucket=dotted)


# ---- small and large ----


@pytest.mark.parametrize("size", [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1])
def test_sizes(region, s3, bucket, size):
    """Small objects are kept elsewhere than large ones; nobody sees it."""
    data = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    assert body(s3.get_object(Bucket=bucket, Key="k")) == data
    if size > 2:
        assert body(s3.get_object(Bucket=bucket, Key="k", Range="bytes=1-2")) == data[1:3]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    s3.copy_object(Bucket=bucket, Key="k", CopySource=f"{bucket}/k", MetadataDirective="REPLACE", Metadata={"a": "b"})
    assert body(s3.get_object(Bucket=bucket, Key="k")) == data
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = s3.upload_part_copy(
        Bucket=bucket, Key="parts", UploadId=upload_id, PartNumber=1, CopySource=f"{bucket}/copy"
    )["CopyPartResult"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"other")
    s3.delete_object(Bucket=bucket, Key="copy")
    s3.complete_multipart_upload(
        Bucket=bucket, Key="parts", UploadId=upload_id, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    assert body(s3.get_object(Bucket=bucket, Key="parts")) == data
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"other"


def test_more_than_was_said(region, s3, bucket):
    chunks = b"5\r\nhello\r\n0\r\n\r\n"
    status, text, _ = raw(
        region, "PUT", f"/{bucket}/k", chunks, x_amz_content_sha256="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        Content_Encoding="aws-chunked", x_amz_decoded_content_length="3",
    )
    assert status == 400 and b"<Code>IncompleteBody</Code>" in text
    assert refused(s3.head_object, Bucket=bucket, Key="k") == "404"


def test_bytes_go_with_their_objects(tmp_path):
    """What is deleted leaves no bytes behind, neither in files nor in the table of small ones."""
    region = Region(tmp_path / "home")
    assert region.run("up", "--no-glass").returncode == 0
    try:
        s3 = region.client("s3")
        s3.create_bucket(Bucket="bytes")
        for key, size in [("small", 10), ("large", 100000)]:
            s3.put_object(Bucket="bytes", Key=key, Body=b"a" * size)
            s3.put_object(Bucket="bytes", Key=key, Body=b"b" * size)
            s3.copy_object(Bucket="bytes", Key=f"{key}-copy", CopySource=f"bytes/{key}")

        def kept():
            files = sum(len(names) for _, _, names in os.walk(tmp_path / "home" / "s3"))
            with sqlite3.connect(f"file:{tmp_path}/home/region.sqlite?mode=ro", uri=True) as store:
                return files, store.execute("SELECT count(*) FROM s3_small").fetchone()[0]

        def becomes(wanted):
            for _ in range(100):
                if kept() == wanted:
                    return
                time.sleep(0.05)
            assert kept() == wanted

        becomes((1, 1))  # copies share them
        s3.delete_objects(Bucket="bytes", Delete={"Objects": [{"Key": "small"}, {"Key": "large"}]})
        assert body(s3.get_object(Bucket="bytes", Key="small-copy")) == b"b" * 10
        becomes((1, 1))
        s3.delete_objects(Bucket="bytes", Delete={"Objects": [{"Key": "small-copy"}, {"Key": "large-copy"}]})
        becomes((0, 0))
    finally:
        region.run("down", "--purge")
