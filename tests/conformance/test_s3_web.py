"""Buckets and browsers: cross-origin requests, and buckets as websites."""

import http.client
import os
import re
import time
import urllib.parse

import pytest
from s3_shared import body, policy, post, presigner, refused


def ask(region, method, path, host=None, data=None, **headers):
    """A request as a browser sends it: unsigned. Its status, body and headers."""
    connection = http.client.HTTPConnection("127.0.0.1", region.port, timeout=20)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, data, {"Host": host or f"127.0.0.1:{region.port}", **headers})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def cors(s3, bucket, *rules):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": list(rules)})


def open_to_all(s3, bucket, *actions):
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, Effect="Allow", Principal="*", Action=list(actions)))


PAGE = "https://app.example"


# ---- cross-origin requests ----


def test_preflight(region, s3, bucket):
    def preflight(method, origin=PAGE, **headers):
        return ask(
            region, "OPTIONS", f"/{bucket}/k", Origin=origin, Access_Control_Request_Method=method, **headers
        )

    status, text, _ = preflight("GET")
    assert status == 403 and b"CORS is not enabled for this bucket" in text
    rule = {
        "AllowedMethods": ["PUT", "GET"], "AllowedOrigins": ["https://*.example", "http://one"],
        "AllowedHeaders": ["x-amz-*", "Content-Type"], "ExposeHeaders": ["ETag", "x-amz-id-2"], "MaxAgeSeconds": 60,
    }
    cors(s3, bucket, rule, {"AllowedMethods": ["HEAD"], "AllowedOrigins": ["*"]})
    status, text, headers = preflight("PUT", Access_Control_Request_Headers="content-type, X-Amz-Meta-A")
    assert (status, text) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == PAGE
    assert headers["Access-Control-Allow-Methods"] == "PUT, GET"
    assert headers["Access-Control-Allow-Headers"] == "content-type, x-amz-meta-a"
    assert headers["Access-Control-Expose-Headers"] == "ETag, x-amz-id-2"
    assert headers["Access-Control-Max-Age"] == "60"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in headers["Vary"]
    status, _, headers = preflight("HEAD", "null")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert "Access-Control-Allow-Credentials" not in headers
    assert preflight("PUT", Access_Control_Request_Headers="authorization")[0] == 403
    assert preflight("PUT", "https://app.example.org")[0] == 403
    assert preflight("DELETE")[0] == 403
    assert ask(region, "OPTIONS", f"/{bucket}/k")[0] == 400
    assert ask(region, "OPTIONS", f"/{bucket}/k", Origin=PAGE)[0] == 400
    # The bucket in the host's name.
    answer = ask(
        region, "OPTIONS", "/k", f"{bucket}.s3.localhost", Origin="http://one", Access_Control_Request_Method="GET"
    )
    assert (answer[0], answer[2]["Access-Control-Allow-Origin"]) == (200, "http://one")


def test_cross_origin(region, s3, bucket):
    """A page of another origin is nobody, unless an issued key signed the address that it asks for."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    path = f"/{bucket}/k"
    rule = {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": [PAGE], "ExposeHeaders": ["ETag"]}
    cors(s3, bucket, rule)
    assert ask(region, "GET", path)[:2] == (200, b"data")  # the developer
    assert ask(region, "GET", path, Origin=PAGE)[0] == 403
    assert ask(region, "PUT", path, data=b"evil", Origin=PAGE)[0] == 403
    assert ask(region, "GET", "/", "s3.localhost", Origin=PAGE)[0] == 403
    mine = urllib.parse.urlsplit(presigner(region).generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}))
    status, text, _ = ask(region, "GET", f"{mine.path}?{mine.query}", Origin=PAGE)
    assert status == 403 and b"InvalidAccessKeyId" in text
    open_to_all(s3, bucket, "s3:GetObject")
    status, text, headers = ask(region, "GET", path, Origin=PAGE)
    assert (status, text) == (200, b"data")
    assert headers["Access-Control-Allow-Origin"] == PAGE
    assert headers["Access-Control-Expose-Headers"] == "ETag"
    # Errors are shown to the page too.
    assert ask(region, "PUT", path, data=b"evil", Origin=PAGE)[2]["Access-Control-Allow-Origin"] == PAGE
    assert ask(region, "GET", path, Origin="https://evil.example")[0] == 403
    s3.delete_bucket_cors(Bucket=bucket)
    assert ask(region, "GET", path, Origin=PAGE)[0] == 403
    # This machine's own pages get their headers by the same rules, and need none to ask.
    own = "http://web.localhost:8080"
    assert "Access-Control-Allow-Origin" not in ask(region, "GET", path, Origin=own)[2]
    cors(s3, bucket, {"AllowedMethods": ["GET"], "AllowedOrigins": [own]})
    assert ask(region, "GET", path, Origin=own)[2]["Access-Control-Allow-Origin"] == own
    assert body(s3.get_object(Bucket=bucket, Key="k")) == b"data"


def test_cross_origin_signed(region, s3, bucket):
    """What a presigned URL of an issued key is for: a page puts and gets by it."""
    cors(s3, bucket, {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"], "ExposeHeaders": ["ETag"]})
    iam = region.client("iam")
    name = "page-" + os.urandom(4).hex()
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        document = policy(bucket, Effect="Allow", Action=["s3:GetObject", "s3:PutObject"])
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        signer = presigner(region, key["AccessKeyId"], key["SecretAccessKey"])
        for method, data in [("put_object", b"from a page"), ("get_object", None)]:
            url = urllib.parse.urlsplit(signer.generate_presigned_url(method, {"Bucket": bucket, "Key": "k"}))
            status, text, headers = ask(region, method[:3].upper(), f"{url.path}?{url.query}", data=data, Origin=PAGE)
            assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
        assert text == b"from a page"
        status, text, _ = ask(region, "GET", f"{url.path}?{url.query[:-1]}", Origin=PAGE)
        assert status == 403 and b"SignatureDoesNotMatch" in text
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=name, PolicyName="p")
        iam.delete_user(UserName=name)


def test_pages_of_aws_are_foreign(region):
    """Anybody may have a page at AWS."""
    assert ask(region, "POST", "/", Origin="https://evil.s3.amazonaws.com")[0] == 403
    assert ask(region, "GET", "/_terrarium/status", Origin="https://evil.example")[0] == 403
    assert ask(region, "GET", "/v2/", Origin="https://evil.example")[0] in (403, 404)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}, "InvalidRequest"),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*.a.*"]}, "InvalidRequest"),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*-*"]}, "InvalidRequest"),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["x-*"]}, "InvalidRequest"),
        ({"AllowedMethods": [], "AllowedOrigins": ["*"]}, "MalformedXML"),
    ],
)
def test_cors_rules(s3, bucket, rule, code):
    assert refused(s3.get_bucket_cors, Bucket=bucket) == "NoSuchCORSConfiguration"
    assert refused(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]}) == code
    good = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    many = {"CORSRules": [good] * 101}
    assert refused(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration=many) == "InvalidRequest"


# ---- websites ----


@pytest.fixture
def site(region, s3, bucket):
    """Asks the bucket's website."""
    host = f"{bucket}.s3-website-us-east-1.localhost:{region.port}"
    return lambda path, method="GET", **headers: ask(region, method, path, host, **headers)


def test_website(s3, bucket, site):
    assert b"NoSuchWebsiteConfiguration" in site("/")[1]
    for key in ["index.html", "docs/index.html", "a b.txt", "error.html"]:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType="text/html")
    index = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=index)
    status, text, headers = site("/")
    assert status == 403 and b"<li>Code: AccessDenied</li>" in text  # nothing of it is public
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    open_to_all(s3, bucket, "s3:GetObject", "s3:ListBucket")
    status, text, headers = site("/")
    assert (status, text, headers["Content-Type"]) == (200, b"index.html", "text/html")
    assert site("/docs/")[:2] == (200, b"docs/index.html")
    assert site("/a%20b.txt?x=y")[:2] == (200, b"a b.txt")
    status, _, headers = site("/docs")
    assert (status, headers["Location"]) == (302, "/docs/")
    assert site("/none")[:2] == (404, b"error.html")
    assert site("/index.html", Range="bytes=0-2")[:2] == (206, b"ind")
    assert site("/index.html", If_None_Match=site("/")[2]["ETag"])[0] == 304
    status, text, headers = site("/", "HEAD")
    assert (status, text, headers["Content-Length"]) == (200, b"", "10")
    assert site("/", "PUT")[0] == 405
    s3.delete_object(Bucket=bucket, Key="error.html")
    status, text, _ = site("/none")
    assert status == 404 and b"Custom Error Document" in text and b"NoSuchKey" in text
    s3.put_object(Bucket=bucket, Key="moved", WebsiteRedirectLocation="/docs/")
    status, _, headers = site("/moved")
    assert (status, headers["Location"]) == (301, "/docs/")
    # Without leave to list, what is not there is not told from what is not public.
    open_to_all(s3, bucket, "s3:GetObject")
    assert site("/none")[0] == 403


def test_website_redirects(s3, bucket, site):
    open_to_all(s3, bucket, "s3:GetObject", "s3:ListBucket")
    rules = [
        {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/", "HttpRedirectCode": "302"}},
        {
            "Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "api/"},
            "Redirect": {"HostName": "api.example", "Protocol": "https", "ReplaceKeyWith": "missing"},
        },
    ]
    index = {"IndexDocument": {"Suffix": "index.html"}, "RoutingRules": rules}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=index)
    assert s3.get_bucket_website(Bucket=bucket)["RoutingRules"] == rules
    s3.put_object(Bucket=bucket, Key="api/there", Body=b"x")
    status, _, headers = site("/old/a")
    assert status == 302 and headers["Location"].endswith("/new/a")
    assert site("/api/there")[0] == 200
    status, _, headers = site("/api/none")
    assert (status, headers["Location"]) == (301, "https://api.example/missing")
    assert site("/none")[0] == 404
    s3.put_bucket_website(
        Bucket=bucket, WebsiteConfiguration={"RedirectAllRequestsTo": {"HostName": "other.example", "Protocol": "https"}}
    )
    status, _, headers = site("/a?b=c")
    assert (status, headers["Location"]) == (301, "https://other.example/a?b=c")


@pytest.mark.parametrize(
    "configuration",
    [
        {"ErrorDocument": {"Key": "e"}},
        {"IndexDocument": {"Suffix": "a/b"}},
        {"IndexDocument": {"Suffix": "i"}, "RedirectAllRequestsTo": {"HostName": "h"}},
        {"IndexDocument": {"Suffix": "i"}, "RoutingRules": [{"Redirect": {"HttpRedirectCode": "200"}}]},
        {
            "IndexDocument": {"Suffix": "i"},
            "RoutingRules": [{"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}}],
        },
    ],
)
def test_website_refused(s3, bucket, configuration):
    assert refused(s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration) == "InvalidArgument"


# ---- access logs ----


def test_access_logs(stepped_region):
    region, s3 = stepped_region, stepped_region.client("s3")
    for name in ("source", "logs"):
        s3.create_bucket(Bucket=name)
    where = {"TargetBucket": "logs", "TargetPrefix": "of/"}
    s3.put_bucket_logging(Bucket="source", BucketLoggingStatus={"LoggingEnabled": where})

    def delivered():
        region.advance(400)
        for _ in range(100):
            found = s3.list_objects_v2(Bucket="logs").get("Contents", [])
            if found:
                break
            time.sleep(0.05)
        lines = []
        for each in found:
            lines += body(s3.get_object(Bucket="logs", Key=each["Key"])).decode().splitlines()
            s3.delete_object(Bucket="logs", Key=each["Key"])
        return [each["Key"] for each in found], lines

    allowed = policy(
        "logs", Effect="Allow", Principal={"Service": "logging.s3.amazonaws.com"}, Action="s3:PutObject",
        Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::source"}, "StringEquals": {"aws:SourceAccount": "000000000000"}},
    )
    s3.put_bucket_policy(Bucket="logs", Policy=allowed)
    s3.put_object(Bucket="source", Key="a b", Body=b"12345")
    body(s3.get_object(Bucket="source", Key="a b", Range="bytes=1-2"))
    assert refused(s3.get_object, Bucket="source", Key="none") == "NoSuchKey"
    s3.list_objects_v2(Bucket="source")
    assert refused(s3.get_bucket_cors, Bucket="source") == "NoSuchCORSConfiguration"
    s3.copy_object(Bucket="source", Key="copy", CopySource="source/a b")
    post(f"{region.url}/source", {"key": "form"})
    ask(region, "GET", "/source/a%20b", User_Agent='quoted "agent"', Referer="http://from/")
    names, lines = delivered()
    assert len(names) == 1 and re.fullmatch(r"of/\d{4}(-\d\d){5}-[0-9A-F]{16}", names[0])
    shown = re.compile(
        r'(\S+) (\S+) \[(.*?)\] (\S+) (\S+) (\S+) (\S+) (\S+) "(.*?)" (\d+) (\S+) (\S+) (\S+) (\d+) (\d+) "(.*?)" "(.*?)" '
        r"(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)"
    )
    found = [shown.fullmatch(line) for line in lines]
    assert all(found), lines
    told = [(m[7], m[8], int(m[10]), m[11], m[12], m[13]) for m in found]
    assert told[0] == ("REST.PUT.OBJECT", "a%20b", 200, "-", "-", "5")
    assert told[1] == ("REST.GET.OBJECT", "a%20b", 206, "-", "2", "5")
    assert told[2][:4] == ("REST.GET.OBJECT", "none", 404, "NoSuchKey")
    assert told[3][:4] == ("REST.GET.BUCKET", "-", 200, "-")
    assert told[4][:4] == ("REST.GET.CORS", "-", 404, "NoSuchCORSConfiguration")
    assert told[5][:4] == ("REST.COPY.OBJECT", "copy", 200, "-")
    assert (told[6][:3], found[6][9]) == (("REST.POST.OBJECT", "form", 204), "POST /source HTTP/1.1")
    assert (found[7][16], found[7][17], found[7][20]) == ("http://from/", "quoted %22agent%22", "-")
    assert {m[2] for m in found} == {"source"} and {m[4] for m in found} == {"127.0.0.1"}
    assert found[0][20] == "SigV4" and found[0][22] == "AuthHeader"
    # Keys by day and bucket.
    where["TargetObjectKeyFormat"] = {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}
    s3.put_bucket_logging(Bucket="source", BucketLoggingStatus={"LoggingEnabled": where})
    s3.head_object(Bucket="source", Key="a b")
    names, lines = delivered()
    assert re.fullmatch(
        r"of/000000000000/us-east-1/source/\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\d-00-00-00-[0-9A-F]{16}", names[0]
    )
    # Nothing unless the target lets the service, and nothing once it is switched off.
    s3.delete_bucket_policy(Bucket="logs")
    for status in ({"LoggingEnabled": where}, {}):
        s3.put_bucket_logging(Bucket="source", BucketLoggingStatus=status)
        s3.head_object(Bucket="source", Key="a b")
        region.advance(400)
        for _ in range(10):
            assert s3.list_objects_v2(Bucket="logs")["KeyCount"] == 0
            time.sleep(0.02)


def test_logging_refused(s3, bucket):
    def status(target, **more):
        return {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "", **more}}

    assert refused(s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus=status("no-such-bucket-here")) == (
        "InvalidTargetBucketForLogging"
    )
    grant = {"Grantee": {"Type": "CanonicalUser", "ID": "1"}, "Permission": "READ"}
    assert refused(
        s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus=status(bucket, TargetGrants=[grant])
    ) == "NotImplemented"
