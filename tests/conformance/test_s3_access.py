"""Who may what in S3: everybody, by policy and by ACL; owners of objects; presigned addresses."""

import os
import urllib.error
import urllib.request

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from conftest import Region
from s3_shared import body, empty, policy, presigner, refused


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A region where a request without a signature is anybody's."""
    region = Region(tmp_path_factory.mktemp("strict"))
    up = region.run("up", "--no-glass", "--strict")
    assert up.returncode == 0, up.stderr
    keys = dict(
        line.split(" = ") for line in (region.home / "root-credentials").read_text().splitlines() if " = " in line
    )
    region.key = (keys["aws_access_key_id"], keys["aws_secret_access_key"])
    yield region
    region.end()


def client(region, key=None, **config):
    key = key or region.key
    return boto3.client(
        "s3", endpoint_url=region.url, region_name="us-east-1", aws_access_key_id=key[0], aws_secret_access_key=key[1],
        config=Config(retries={"max_attempts": 0}, **config),
    )


@pytest.fixture
def root(strict):
    return client(strict)


@pytest.fixture
def anyone(strict):
    return client(strict, signature_version=UNSIGNED)


@pytest.fixture
def bucket(root):
    name = "tests-" + os.urandom(4).hex()
    root.create_bucket(Bucket=name)
    yield name
    root.delete_bucket_policy(Bucket=name)
    empty(root, name)
    root.delete_bucket(Bucket=name)


@pytest.fixture
def user(strict, root):
    iam = boto3.client(
        "iam", endpoint_url=strict.url, region_name="us-east-1", aws_access_key_id=strict.key[0],
        aws_secret_access_key=strict.key[1],
    )
    name = "user-" + os.urandom(4).hex()
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield client(strict, (key["AccessKeyId"], key["SecretAccessKey"])), f"arn:aws:iam::000000000000:user/{name}"
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


# ---- everybody ----


def test_by_policy(root, anyone, bucket):
    root.put_object(Bucket=bucket, Key="public/k", Body=b"x")
    root.put_object(Bucket=bucket, Key="private", Body=b"x")
    for call in (anyone.get_object, anyone.head_object, anyone.delete_object, anyone.get_object_tagging):
        assert refused(call, Bucket=bucket, Key="public/k") in ("AccessDenied", "403")
    assert refused(anyone.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert refused(anyone.list_buckets) == "AccessDenied"
    assert refused(anyone.create_bucket, Bucket="of-anyone") == "AccessDenied"
    allowed = policy(
        bucket, Effect="Allow", Principal="*", Action="s3:GetObject", Resource=f"arn:aws:s3:::{bucket}/public/*"
    )
    assert refused(root.put_bucket_policy, Bucket=bucket, Policy=allowed) == "AccessDenied"  # blocked
    root.delete_public_access_block(Bucket=bucket)
    root.put_bucket_policy(Bucket=bucket, Policy=allowed)
    assert root.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    assert body(anyone.get_object(Bucket=bucket, Key="public/k")) == b"x"
    assert refused(anyone.get_object, Bucket=bucket, Key="private") == "AccessDenied"
    assert refused(anyone.put_object, Bucket=bucket, Key="public/k", Body=b"") == "AccessDenied"
    # Who may not list learns nothing of what is not there.
    assert refused(anyone.get_object, Bucket=bucket, Key="public/none") == "AccessDenied"
    root.put_bucket_policy(
        Bucket=bucket, Policy=policy(bucket, Effect="Allow", Principal="*", Action=["s3:GetObject", "s3:ListBucket"])
    )
    assert refused(anyone.get_object, Bucket=bucket, Key="public/none") == "NoSuchKey"
    assert [c["Key"] for c in anyone.list_objects_v2(Bucket=bucket)["Contents"]] == ["private", "public/k"]
    # A public policy that is there already is not heard while the block restricts.
    block = {"RestrictPublicBuckets": True, "BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False}
    root.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert refused(anyone.get_object, Bucket=bucket, Key="public/k") == "AccessDenied"
    assert body(root.get_object(Bucket=bucket, Key="public/k")) == b"x"


def test_writes_of_everybody(root, anyone, bucket):
    root.delete_public_access_block(Bucket=bucket)
    root.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(bucket, Effect="Allow", Principal="*", Action=["s3:PutObject", "s3:DeleteObject"],
                      Resource=f"arn:aws:s3:::{bucket}/drop/*"),
    )
    anyone.put_object(Bucket=bucket, Key="drop/k", Body=b"x")
    assert refused(anyone.put_object, Bucket=bucket, Key="k", Body=b"x") == "AccessDenied"
    root.put_object(Bucket=bucket, Key="k", Body=b"x")
    done = anyone.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "drop/k"}, {"Key": "k"}]})
    assert [d["Key"] for d in done["Deleted"]] == ["drop/k"]
    assert [(e["Key"], e["Code"]) for e in done["Errors"]] == [("k", "AccessDenied")]


ALL = "http://acs.amazonaws.com/groups/global/AllUsers"
OPEN = {"BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}


def test_by_acl(root, anyone, bucket):
    root.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    assert refused(root.put_object, Bucket=bucket, Key="k", ACL="public-read", Body=b"x") == "AccessDenied"
    root.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    root.put_object(Bucket=bucket, Key="k", ACL="public-read", Body=b"x")
    root.put_object(Bucket=bucket, Key="mine", Body=b"x")
    assert body(anyone.get_object(Bucket=bucket, Key="k")) == b"x"
    assert refused(anyone.get_object, Bucket=bucket, Key="mine") == "AccessDenied"
    assert refused(anyone.list_objects_v2, Bucket=bucket) == "AccessDenied"
    root.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert anyone.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
    assert refused(anyone.put_object, Bucket=bucket, Key="new", Body=b"") == "AccessDenied"
    root.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    anyone.put_object(Bucket=bucket, Key="new", Body=b"")
    # The same, by grants.
    owner = root.get_object_acl(Bucket=bucket, Key="mine")["Owner"]
    grant = {"Grantee": {"Type": "Group", "URI": ALL}, "Permission": "READ"}
    root.put_object_acl(Bucket=bucket, Key="mine", AccessControlPolicy={"Owner": owner, "Grants": [grant]})
    assert body(anyone.get_object(Bucket=bucket, Key="mine")) == b"x"
    root.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={**OPEN, "IgnorePublicAcls": True})
    assert refused(anyone.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert refused(anyone.list_objects_v2, Bucket=bucket) == "AccessDenied"
    root.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={**OPEN, "BlockPublicAcls": True})
    assert refused(root.put_object_acl, Bucket=bucket, Key="k", ACL="public-read") == "AccessDenied"
    assert refused(
        root.put_object_acl, Bucket=bucket, Key="k", AccessControlPolicy={"Owner": owner, "Grants": [grant]}
    ) == "AccessDenied"
    assert body(anyone.get_object(Bucket=bucket, Key="k")) == b"x"  # what is there stays


def test_grants(strict, root, anyone, bucket):
    """Grants in headers, and to another account."""
    controls = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    root.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    root.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    root.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f'uri="{ALL}", id="111111111111"', GrantReadACP='id="2"')
    grants = root.get_object_acl(Bucket=bucket, Key="k")["Grants"]
    assert [(g["Grantee"].get("URI", g["Grantee"].get("ID")), g["Permission"]) for g in grants] == [
        (ALL, "READ"), ("111111111111", "READ"), ("2", "READ_ACP"),
    ]
    assert body(anyone.get_object(Bucket=bucket, Key="k")) == b"x"
    assert refused(anyone.get_object_acl, Bucket=bucket, Key="k") == "AccessDenied"
    root.put_bucket_acl(Bucket=bucket, GrantReadACP=f'uri="{ALL}"')
    assert anyone.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "READ_ACP"
    assert refused(root.put_bucket_acl, Bucket=bucket, GrantRead="nobody") == "InvalidArgument"
    assert refused(root.put_bucket_acl, Bucket=bucket, GrantRead='uri="http://other"') == "InvalidArgument"
    assert refused(root.put_bucket_acl, Bucket=bucket, GrantRead='emailAddress="a@b"') == "NotImplemented"
    assert refused(root.put_bucket_acl, Bucket=bucket, ACL="private", GrantRead='id="1"') == "InvalidRequest"
    assert refused(
        root.create_bucket, Bucket=f"{bucket}-2", ACL="public-read", ObjectOwnership="ObjectWriter"
    ) == "AccessDenied"
    assert refused(root.create_bucket, Bucket=f"{bucket}-2", ACL="public-read") == "InvalidBucketAclWithObjectOwnership"


def test_owner_enforced(root, anyone, bucket):
    root.delete_public_access_block(Bucket=bucket)
    root.put_object(Bucket=bucket, Key="k", Body=b"x")
    source = f"{bucket}/k"
    assert refused(root.put_object, Bucket=bucket, Key="k", ACL="public-read", Body=b"") == "AccessControlListNotSupported"
    assert refused(root.put_object, Bucket=bucket, Key="k", ACL="private", Body=b"") == "AccessControlListNotSupported"
    assert refused(root.put_object_acl, Bucket=bucket, Key="k", ACL="public-read") == "AccessControlListNotSupported"
    assert refused(root.copy_object, Bucket=bucket, Key="c", CopySource=source, ACL="public-read") == (
        "AccessControlListNotSupported"
    )
    assert refused(root.create_multipart_upload, Bucket=bucket, Key="k", ACL="public-read") == (
        "AccessControlListNotSupported"
    )
    assert refused(root.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessControlListNotSupported"
    root.put_object(Bucket=bucket, Key="k", ACL="bucket-owner-full-control", Body=b"x")
    assert [g["Permission"] for g in root.get_object_acl(Bucket=bucket, Key="k")["Grants"]] == ["FULL_CONTROL"]
    # What ACLs let everybody do before is over when the owner is enforced, and back when not.
    controls = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    root.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    root.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    assert body(anyone.get_object(Bucket=bucket, Key="k")) == b"x"
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    root.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    assert root.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == controls
    assert refused(anyone.get_object, Bucket=bucket, Key="k") == "AccessDenied"


# ---- users ----


def test_bucket_policy_of_a_user(root, bucket, user):
    reader, arn = user
    root.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert refused(reader.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    root.put_bucket_policy(
        Bucket=bucket, Policy=policy(bucket, Effect="Allow", Principal={"AWS": arn}, Action=["s3:GetObject", "s3:ListBucket"])
    )
    assert body(reader.get_object(Bucket=bucket, Key="k")) == b"x"
    assert reader.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert refused(reader.put_object, Bucket=bucket, Key="k", Body=b"") == "AccessDenied"
    assert refused(reader.get_object, Bucket=bucket, Key="none") == "NoSuchKey"
    root.put_bucket_policy(
        Bucket=bucket, Policy=policy(bucket, Effect="Allow", Principal={"AWS": arn}, Action="s3:GetObject")
    )
    assert refused(reader.get_object, Bucket=bucket, Key="none") == "AccessDenied"
    assert refused(reader.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k") == "AccessDenied"


# ---- presigned ----


def fetch(url, method="GET", data=None, **headers):
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_presigned(strict, root, bucket):
    signer = presigner(strict, *strict.key)
    key = "a b+ü/k"
    where = {"Bucket": bucket, "Key": key}
    assert fetch(signer.generate_presigned_url("put_object", where), "PUT", b"data")[0] == 200
    assert fetch(signer.generate_presigned_url("get_object", where)) == (200, b"data")
    assert fetch(signer.generate_presigned_url("head_object", where), "HEAD") == (200, b"")
    get = signer.generate_presigned_url("get_object", where)
    assert b"SignatureDoesNotMatch" in fetch(get, "PUT", b"other")[1]  # of another method
    assert b"SignatureDoesNotMatch" in fetch(get.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"))[1]
    long = signer.generate_presigned_url("get_object", where, ExpiresIn=604801)
    assert b"AuthorizationQueryParametersError" in fetch(long)[1]
    # Headers that were signed must come along.
    typed = signer.generate_presigned_url("put_object", {**where, "ContentType": "text/x"})
    assert fetch(typed, "PUT", b"typed", **{"Content-Type": "text/x"})[0] == 200
    assert b"SignatureDoesNotMatch" in fetch(typed, "PUT", b"typed", **{"Content-Type": "text/y"})[1]
    assert root.head_object(**where)["ContentType"] == "text/x"
    unknown = presigner(strict, "AKIAUNKNOWNUNKNOWN00", "x").generate_presigned_url("get_object", where)
    assert b"InvalidAccessKeyId" in fetch(unknown)[1]
    deleted = signer.generate_presigned_url("delete_object", where)
    assert fetch(deleted, "DELETE")[0] == 204


def test_presigned_expires(stepped_region):
    s3 = stepped_region.client("s3")
    s3.create_bucket(Bucket="stepped")
    signer = presigner(stepped_region)
    urls = {
        method: signer.generate_presigned_url(f"{method.lower()}_object", {"Bucket": "stepped", "Key": "k"}, ExpiresIn=60)
        for method in ("PUT", "GET", "HEAD")
    }
    for method, url in urls.items():
        assert fetch(url, method, b"x" if method == "PUT" else None)[0] == 200
    stepped_region.advance(120)
    for method, url in urls.items():
        status, text = fetch(url, method, b"x" if method == "PUT" else None)
        assert status == 403
        assert method == "HEAD" or (b"Request has expired" in text and b"<Expires>" in text)
