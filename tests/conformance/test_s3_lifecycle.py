"""Lifecycle rules, carried out as the region's clock goes on."""

import datetime
import os
import time

import pytest
from conftest import Region
from s3_shared import body, refused, upload

DAY = 86400
KIB = 1 << 10


@pytest.fixture(scope="module")
def clocked(tmp_path_factory):
    """One region for all of these tests: its clock only goes on, and each has a bucket of its own."""
    region = Region(tmp_path_factory.mktemp("lifecycle"))
    up = region.run("up", "--no-glass")
    assert up.returncode == 0, up.stderr
    yield region
    region.end()


@pytest.fixture
def s3(clocked):
    return clocked.client("s3")


@pytest.fixture
def bucket(s3):
    name = "life-" + os.urandom(4).hex()
    s3.create_bucket(Bucket=name)
    yield name
    s3.delete_bucket_lifecycle(Bucket=name)


def rules(s3, bucket, *given, **more):
    given = [{"ID": str(i), "Status": "Enabled", "Filter": {}, **rule} for i, rule in enumerate(given)]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": given}, **more)


def becomes(look, wanted):
    for _ in range(200):
        found = look()
        if found == wanted:
            return
        time.sleep(0.05)
    assert found == wanted


def keys(s3, bucket):
    return [c["Key"] for c in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def put(s3, bucket, *names, **more):
    return [s3.put_object(Bucket=bucket, Key=name, **more).get("VersionId") for name in names]


def versions(s3, bucket):
    listed = s3.list_object_versions(Bucket=bucket)
    return [v["VersionId"] for v in listed.get("Versions", [])], len(listed.get("DeleteMarkers", []))


def settles(clocked, s3, bucket):
    """What a rule does not fit is still there when another one's work is done: each look has its own sign."""
    sign = "sign-" + os.urandom(4).hex()
    put(s3, bucket, sign)
    rule = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    done = {"ID": sign, "Status": "Enabled", "Filter": {"Prefix": sign}, "Expiration": {"Date": "2020-01-01T00:00:00Z"}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [*rule, done]})
    becomes(lambda: sign in keys(s3, bucket), False)
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rule})


# ---- expiration ----


def test_days(clocked, s3, bucket):
    put(s3, bucket, "old/a", "old/b", "new")
    rules(s3, bucket, {"Filter": {"Prefix": "old/"}, "Expiration": {"Days": 2}})
    clocked.advance(DAY)
    settles(clocked, s3, bucket)
    assert keys(s3, bucket) == ["new", "old/a", "old/b"]
    clocked.advance(2 * DAY)  # two days are over at the midnight behind them
    becomes(lambda: keys(s3, bucket), ["new"])


def test_date(clocked, s3, bucket):
    put(s3, bucket, "a")
    now = s3.head_object(Bucket=bucket, Key="a")["LastModified"]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + datetime.timedelta(days=3)
    rules(s3, bucket, {"Expiration": {"Date": midnight}})
    clocked.advance(DAY)
    settles(clocked, s3, bucket)
    assert keys(s3, bucket) == ["a"]
    clocked.advance(2 * DAY)
    becomes(lambda: keys(s3, bucket), [])


def test_filters(clocked, s3, bucket):
    s3.put_object(Bucket=bucket, Key="tagged", Tagging="a=b&c=d")
    s3.put_object(Bucket=bucket, Key="half", Tagging="a=b")
    s3.put_object(Bucket=bucket, Key="large", Body=b"x" * 100)
    s3.put_object(Bucket=bucket, Key="x/middle", Body=b"x" * 50)
    s3.put_object(Bucket=bucket, Key="middle", Body=b"x" * 50)
    expires = {"Expiration": {"Days": 1}}
    both = {"Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]}
    sizes = {"Prefix": "x/", "ObjectSizeGreaterThan": 49, "ObjectSizeLessThan": 51}
    rules(
        s3, bucket, {"Filter": {"And": both}, **expires}, {"Filter": {"ObjectSizeGreaterThan": 99}, **expires},
        {"Filter": {"And": sizes}, **expires}, {"Filter": {"Prefix": ""}, "Status": "Disabled", **expires},
    )
    clocked.advance(2 * DAY)
    becomes(lambda: keys(s3, bucket), ["half", "middle"])
    rules(s3, bucket, {"Filter": {"Tag": {"Key": "a", "Value": "b"}}, **expires})
    becomes(lambda: keys(s3, bucket), ["middle"])


def test_many(clocked, s3, bucket):
    """More than one look takes."""
    put(s3, bucket, *[f"{i:04}" for i in range(600)])
    rules(s3, bucket, {"Expiration": {"Days": 1}})
    clocked.advance(2 * DAY)
    becomes(lambda: keys(s3, bucket), [])


# ---- versions ----


def test_noncurrent(clocked, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    ids = put(s3, bucket, *["k"] * 5)
    only = put(s3, bucket, "only")
    rules(s3, bucket, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}})
    clocked.advance(3 * DAY)
    becomes(lambda: versions(s3, bucket)[0], [ids[4], ids[3], ids[2], *only])
    # What has just been replaced is noncurrent since now, however old it is.
    ids += put(s3, bucket, "k")
    rules(s3, bucket, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    becomes(lambda: versions(s3, bucket)[0], [ids[5], ids[4], *only])
    clocked.advance(2 * DAY)
    becomes(lambda: versions(s3, bucket)[0], [ids[5], *only])


def test_noncurrent_by_tag(clocked, s3, bucket):
    """The version that replaced one needs not fit the rule itself."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    tagged = s3.put_object(Bucket=bucket, Key="k", Tagging="a=b")["VersionId"]
    plain, current = put(s3, bucket, "k", "k")
    rules(
        s3, bucket,
        {"Filter": {"Tag": {"Key": "a", "Value": "b"}}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
    )
    assert versions(s3, bucket)[0] == [current, plain, tagged]
    clocked.advance(2 * DAY)
    becomes(lambda: versions(s3, bucket)[0], [current, plain])


def test_markers(clocked, s3, bucket):
    """A current version expires into a marker; the marker goes when it is alone."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    (version,) = put(s3, bucket, "k")
    rules(s3, bucket, {"Expiration": {"Days": 1}})
    clocked.advance(2 * DAY)
    becomes(lambda: versions(s3, bucket), ([version], 1))
    s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    rules(s3, bucket, {"Expiration": {"ExpiredObjectDeleteMarker": True}})
    becomes(lambda: versions(s3, bucket), ([], 0))
    # A rule of days does so too, once the marker is as old.
    s3.delete_object(Bucket=bucket, Key="other")
    rules(s3, bucket, {"Expiration": {"Days": 1}})
    assert versions(s3, bucket) == ([], 1)
    clocked.advance(2 * DAY)
    becomes(lambda: versions(s3, bucket), ([], 0))


def test_uploads(clocked, s3, bucket):
    upload(s3, bucket, "x/k", [10])
    upload(s3, bucket, "k", [10])
    rules(s3, bucket, {"Filter": {"Prefix": "x/"}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}})

    def going():
        return [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]

    clocked.advance(2 * DAY)
    settles(clocked, s3, bucket)
    assert going() == ["k", "x/k"]
    clocked.advance(2 * DAY)
    becomes(going, ["k"])


# ---- transitions and archives ----


def storage(s3, bucket):
    return {c["Key"]: c["StorageClass"] for c in s3.list_objects_v2(Bucket=bucket)["Contents"]}


def test_transitions(clocked, s3, bucket):
    put(s3, bucket, "large", Body=b"x" * 128 * KIB)
    put(s3, bucket, "small", Body=b"x")
    moves = [{"Days": 1, "StorageClass": "STANDARD_IA"}, {"Days": 3, "StorageClass": "GLACIER"}]
    rules(s3, bucket, {"Transitions": moves})
    clocked.advance(2 * DAY)
    becomes(lambda: storage(s3, bucket), {"large": "STANDARD_IA", "small": "STANDARD"})
    assert s3.head_object(Bucket=bucket, Key="large")["StorageClass"] == "STANDARD_IA"
    assert len(body(s3.get_object(Bucket=bucket, Key="large"))) == 128 * KIB
    clocked.advance(2 * DAY)
    becomes(lambda: storage(s3, bucket), {"large": "GLACIER", "small": "STANDARD"})
    assert refused(s3.get_object, Bucket=bucket, Key="large") == "InvalidObjectState"
    assert refused(s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/large") == "InvalidObjectState"
    # Where sizes may vary, archives take small ones too.
    rules(s3, bucket, {"Transitions": moves}, TransitionDefaultMinimumObjectSize="varies_by_storage_class")
    becomes(lambda: storage(s3, bucket), {"large": "GLACIER", "small": "GLACIER"})
    put(s3, bucket, "tiny", Body=b"x")
    rules(s3, bucket, {"Filter": {"ObjectSizeLessThan": 10}, "Transitions": [{"Days": 0, "StorageClass": "GLACIER_IR"}]})
    clocked.advance(DAY)
    becomes(lambda: storage(s3, bucket)["tiny"], "GLACIER_IR")


def test_noncurrent_transitions(clocked, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(s3, bucket, *["k"] * 3, Body=b"x" * 128 * KIB)
    move = {"NoncurrentDays": 1, "StorageClass": "DEEP_ARCHIVE", "NewerNoncurrentVersions": 1}
    rules(s3, bucket, {"NoncurrentVersionTransitions": [move]})
    clocked.advance(2 * DAY)
    becomes(
        lambda: [v["StorageClass"] for v in s3.list_object_versions(Bucket=bucket)["Versions"]],
        ["STANDARD", "STANDARD", "DEEP_ARCHIVE"],
    )


def test_restore(clocked, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="GLACIER")
    put(s3, bucket, "plain")
    request = {"Days": 2, "GlacierJobParameters": {"Tier": "Standard"}}
    assert refused(s3.get_object, Bucket=bucket, Key="k") == "InvalidObjectState"
    assert refused(s3.restore_object, Bucket=bucket, Key="plain", RestoreRequest=request) == "InvalidObjectState"
    s3.restore_object(Bucket=bucket, Key="k", RestoreRequest=request)
    assert 'ongoing-request="false", expiry-date=' in s3.head_object(Bucket=bucket, Key="k")["Restore"]
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"x"
    clocked.advance(3 * DAY)
    assert "Restore" not in s3.head_object(Bucket=bucket, Key="k")
    assert refused(s3.get_object, Bucket=bucket, Key="k") == "InvalidObjectState"


# ---- what is no rule ----


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([{}], "InvalidRequest"),
        ([{"Expiration": {"Days": 0}}], "InvalidArgument"),
        ([{"Expiration": {"Date": "2030-01-01T01:00:00Z"}}], "InvalidArgument"),
        ([{"Expiration": {"Date": "2030-01-01T00:00:00Z", "Days": 1}}], "MalformedXML"),
        ([{"Prefix": "a", "Expiration": {"Days": 1}}], "MalformedXML"),
        ([{"ID": "a", "Expiration": {"Days": 1}}, {"ID": "a", "Expiration": {"Days": 2}}], "InvalidArgument"),
    ],
)
def test_refused(s3, bucket, given, code):
    given = [{"Status": "Enabled", "Filter": {}, **rule} for rule in given]
    assert refused(
        s3.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration={"Rules": given}
    ) == code
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"
