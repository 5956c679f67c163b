"""What the tests of S3 share."""

import http.client
import json
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from urllib3.filepost import encode_multipart_formdata

MIB = 1 << 20


def refused(call, **arguments):
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    return failure.value.response["Error"]["Code"]


def body(answer):
    return answer["Body"].read()


def empty(s3, name):
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if found:
            s3.delete_objects(
                Bucket=name, Delete={"Objects": [{"Key": f["Key"], "VersionId": f["VersionId"]} for f in found]}
            )


def upload(s3, bucket, key, sizes, **arguments):
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key, **arguments)["UploadId"]
    parts = []
    for number, size in enumerate(sizes, 1):
        part = s3.upload_part(
            Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=bytes([number]) * size
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    return upload_id, parts


def policy(bucket, **statement):
    statement = {"Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"], **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def presigner(region, key="terrarium", secret="x"):
    return boto3.client(
        "s3", endpoint_url=region.url, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret,
        config=Config(signature_version="s3v4"),
    )


def raw(region, method, path, data=b"", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", region.port)
    scope = "terrarium/20260101/us-east-1/s3/aws4_request"
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers["X-Amz-Date"] = "20260101T000000Z"
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
    connection.request(method, path, data, headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def post(url, fields, data=b"content", name="dir/one.txt", after=(), **headers):
    """The answer's status, body and headers."""
    form = [*fields.items(), ("file", (name, data)), *after]
    encoded, kind = encode_multipart_formdata(form)
    request = urllib.request.Request(url, encoded, {"Content-Type": kind, **headers}, method="POST")
    try:
        answer = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay).open(request, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.read(), answer.headers
