"""Forms that browsers send to a bucket, as boto3 makes them: POST Object."""

import base64
import datetime
import json
import os
import urllib.error
import urllib.request
import xml.etree.ElementTree

import pytest
from s3_shared import MIB, body, policy, post, presigner
from urllib3.filepost import encode_multipart_formdata


def code(answer):
    found = xml.etree.ElementTree.fromstring(answer[1]).findtext("Code")
    return answer[0], found


@pytest.fixture
def uploader(region, bucket):
    """A client with a key that the region issued, and whose policy lets it put below up/."""
    iam = region.client("iam")
    name = "poster-" + os.urandom(4).hex()
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": "s3:PutObject*", "Resource": f"arn:aws:s3:::{bucket}/up/*"}
    iam.put_user_policy(
        UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield presigner(region, key["AccessKeyId"], key["SecretAccessKey"])
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="p")
    iam.delete_user(UserName=name)


def test_post(s3, bucket, uploader):
    form = uploader.generate_presigned_post(bucket, "up/${filename}")
    status, text, headers = post(form["url"], form["fields"])
    assert (status, text) == (204, b"")
    assert headers["Location"] == f"{form['url']}/up/one.txt"
    got = s3.get_object(Bucket=bucket, Key="up/one.txt")
    assert (body(got), headers["ETag"]) == (b"content", got["ETag"])
    assert got["ContentType"] == "binary/octet-stream"
    # A file of nothing, one in many pieces, and one of a form whose file was sent under a Windows path.
    assert post(form["url"], form["fields"], b"", "empty")[0] == 204
    assert body(s3.get_object(Bucket=bucket, Key="up/empty")) == b""
    large = os.urandom(9 * MIB)
    assert post(form["url"], form["fields"], large, "C:\\files\\large")[0] == 204
    assert body(s3.get_object(Bucket=bucket, Key="up/large")) == large


def test_post_fields(s3, bucket, uploader):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    tagging = "<Tagging><TagSet><Tag><Key>a b</Key><Value>c&amp;d</Value></Tag></TagSet></Tagging>"
    fields = {
        "Content-Type": "text/html", "Cache-Control": "max-age=3", "x-amz-meta-who": "me", "tagging": tagging,
        "success_action_status": "201",
    }
    conditions = [{name: value} for name, value in fields.items()]
    form = uploader.generate_presigned_post(bucket, "up/a b&ü.html", Fields=fields, Conditions=conditions)
    # What comes behind the file is not looked at.
    status, text, headers = post(form["url"], form["fields"], after=[("key", "other"), ("unknown", "x")])
    answer = xml.etree.ElementTree.fromstring(text)
    got = s3.get_object(Bucket=bucket, Key="up/a b&ü.html")
    assert (status, answer.tag) == (201, "PostResponse")
    assert {each.tag: each.text for each in answer} == {
        "Location": f"{form['url']}/up/a%20b%26%C3%BC.html", "Bucket": bucket, "Key": "up/a b&ü.html", "ETag": got["ETag"],
    }
    assert headers["x-amz-version-id"] == got["VersionId"]
    assert (body(got), got["ContentType"], got["CacheControl"], got["Metadata"]) == (
        b"content", "text/html", "max-age=3", {"who": "me"},
    )
    assert s3.get_object_tagging(Bucket=bucket, Key="up/a b&ü.html")["TagSet"] == [{"Key": "a b", "Value": "c&d"}]


def test_post_redirect(bucket, uploader):
    fields = {"success_action_redirect": "http://app.localhost/done?x=y"}
    form = uploader.generate_presigned_post(bucket, "up/k", Fields=fields, Conditions=[fields])
    status, _, headers = post(form["url"], form["fields"])
    etag = headers["ETag"].strip('"')
    assert status == 303
    assert headers["Location"] == f"http://app.localhost/done?x=y&bucket={bucket}&key=up%2Fk&etag=%22{etag}%22"
    for wanted, shown in [("200", 200), ("999", 204)]:
        fields = {"success_action_status": wanted}
        form = uploader.generate_presigned_post(bucket, "up/k", Fields=fields, Conditions=[fields])
        assert post(form["url"], form["fields"])[0] == shown


def test_post_policy(region, s3, bucket):
    """Each condition of the policy holds, and each field must be in one."""
    uploader = presigner(region)
    conditions = [["starts-with", "$key", "up/"], ["starts-with", "$Content-Type", "image/"], ["content-length-range", 3, 7]]
    form = uploader.generate_presigned_post(bucket, "up/${filename}", Conditions=conditions)
    fields = dict(form["fields"], **{"Content-Type": "image/png"})
    assert post(form["url"], fields)[0] == 204
    assert post(form["url"], dict(fields, **{"Content-Type": "image/png, image/gif"}))[0] == 204
    refused = post(form["url"], dict(fields, **{"Content-Type": "image/png, text/html"}))
    assert code(refused) == (403, "AccessDenied")
    assert b'Policy Condition failed: ["starts-with","$Content-Type","image/"]' in refused[1].replace(b"&quot;", b'"')
    assert b"Policy Condition failed" in post(form["url"], dict(fields, key="elsewhere"))[1]
    assert b"Extra input fields: x-amz-meta-a" in post(form["url"], dict(fields, **{"x-amz-meta-a": "b"}))[1]
    assert post(form["url"], dict(fields, **{"x-ignore-a": "b"}))[0] == 204
    assert code(post(form["url"], fields, b"12345678")) == (400, "EntityTooLarge")
    assert code(post(form["url"], fields, b"12")) == (400, "EntityTooSmall")
    exact = uploader.generate_presigned_post(bucket, "up/exact", Fields={"acl": "private"}, Conditions=[{"acl": "private"}])
    assert b"Policy Condition failed" in post(exact["url"], dict(exact["fields"], acl="public-read"))[1]
    assert sorted(c["Key"] for c in s3.list_objects_v2(Bucket=bucket)["Contents"]) == ["up/one.txt"]


def test_post_signature(region, s3, bucket, uploader):
    form = uploader.generate_presigned_post(bucket, "up/k")
    other = uploader.generate_presigned_post(bucket, "up/other")
    mixed = dict(form["fields"], policy=other["fields"]["policy"])
    assert code(post(form["url"], mixed)) == (403, "SignatureDoesNotMatch")
    assert code(post(form["url"], dict(form["fields"], **{"x-amz-date": "yesterday"})))[0] == 400
    without = {name: value for name, value in form["fields"].items() if name != "policy"}
    assert code(post(form["url"], without)) == (400, "InvalidArgument")
    # What the user may not do, no policy of theirs lets the form do.
    outside = uploader.generate_presigned_post(bucket, "outside")
    assert code(post(outside["url"], outside["fields"])) == (403, "AccessDenied")
    # The developer's keys need no proof, but their policy holds all the same.
    mine = presigner(region).generate_presigned_post(bucket, "mine")
    assert post(mine["url"], mine["fields"])[0] == 204
    assert code(post(mine["url"], dict(mine["fields"], key="other"))) == (403, "AccessDenied")
    # A policy of a bucket does not fit another one.
    assert code(post(mine["url"].replace(bucket, bucket + "-2"), mine["fields"])) == (404, "NoSuchBucket")
    assert [c["Key"] for c in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["mine"]


def test_post_expires(stepped_region):
    s3 = stepped_region.client("s3")
    s3.create_bucket(Bucket="stepped")
    form = presigner(stepped_region).generate_presigned_post("stepped", "k", ExpiresIn=600)
    assert post(form["url"], form["fields"])[0] == 204
    stepped_region.advance(700)
    answer = post(form["url"], form["fields"])
    assert code(answer) == (403, "AccessDenied") and b"Policy expired." in answer[1]


def test_post_malformed(region, bucket):
    url = f"{region.url}/{bucket}"
    assert code(post(url, {})) == (400, "InvalidArgument")
    for document in [b"no json", b"[]", json.dumps({"conditions": []}).encode()]:
        fields = {"key": "k", "policy": base64.b64encode(document).decode()}
        assert code(post(url, fields)) == (400, "InvalidPolicyDocument")
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    for condition in ["x", ["eq", "key", "k"], ["eq", "$key"], ["like", "$key", "k"], ["content-length-range", 5, 2]]:
        document = {"expiration": later.isoformat(), "conditions": [condition]}
        fields = {"key": "k", "policy": base64.b64encode(json.dumps(document).encode()).decode()}
        assert code(post(url, fields)) == (400, "InvalidPolicyDocument")
    assert code(post(url, {"key": "k", "x-amz-meta-a": "b\r\nSet-Cookie: c"})) == (400, "MalformedPOSTRequest")
    assert code(post(url, {"key": "k", "a": "b" * 30000})) == (400, "MaxPostPreDataLengthExceeded")
    assert code(post(f"{url}/inside", {"key": "k"})) == (405, "MethodNotAllowed")
    assert code(post(url, {"key": "k"}, after=[("file", ("again", b"more"))])) == (
        400, "IncorrectNumberOfFilesInPostRequest",
    )

    def send(form, kind):
        request = urllib.request.Request(url, form, {"Content-Type": kind}, method="POST")
        with pytest.raises(urllib.error.HTTPError) as failure:
            urllib.request.urlopen(request)
        return code((failure.value.code, failure.value.read()))

    whole, kind = encode_multipart_formdata([("key", "k"), ("file", ("f", b"x" * 1000))])
    assert send(whole[:-100], kind) == (400, "MalformedPOSTRequest")
    assert send(whole, "multipart/form-data") == (400, "MalformedPOSTRequest")
    only_key = encode_multipart_formdata([("key", "k")])
    assert send(*only_key) == (400, "IncorrectNumberOfFilesInPostRequest")


def test_post_of_other_pages(region, s3, bucket, uploader):
    """A page of elsewhere may send a form that an issued key signed, and nothing else."""
    page = {"Origin": "https://evil.example"}
    mine = presigner(region).generate_presigned_post(bucket, "mine")
    assert code(post(mine["url"], mine["fields"], **page)) == (403, "InvalidAccessKeyId")
    assert code(post(mine["url"], {"key": "k"}, **page)) == (403, "AccessDenied")
    form = uploader.generate_presigned_post(bucket, "up/k")
    assert post(form["url"], form["fields"], **page)[0] == 204
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, Effect="Allow", Principal="*", Action="s3:PutObject"))
    assert post(mine["url"], {"key": "dropped"}, **page)[0] == 204
    assert body(s3.get_object(Bucket=bucket, Key="dropped")) == b"content"
