"""CloudWatch Logs, by boto3 and by our own engine."""

import subprocess

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def logs(region):
    return region.client("logs")


@pytest.fixture
def group(logs):
    logs.create_log_group(logGroupName="/app/web", tags={"a": "b"})
    yield "/app/web"
    logs.delete_log_group(logGroupName="/app/web")


def code(failure):
    return failure.value.response["Error"]["Code"]


def put(logs, group, stream, first, messages):
    events = [{"timestamp": first + i, "message": message} for i, message in enumerate(messages)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_groups(logs, group):
    (found,) = logs.describe_log_groups(logGroupNamePrefix="/app/")["logGroups"]
    assert found["arn"] == "arn:aws:logs:us-east-1:000000000000:log-group:/app/web:*"
    assert "retentionInDays" not in found
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"] == 7
    logs.delete_retention_policy(logGroupName=group)
    arn = found["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"c": "d"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "d"}
    with pytest.raises(ClientError) as failure:
        logs.create_log_group(logGroupName=group)
    assert code(failure) == "ResourceAlreadyExistsException"
    with pytest.raises(ClientError) as failure:
        logs.delete_log_group(logGroupName="/none")
    assert code(failure) == "ResourceNotFoundException"


def test_events(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    put(logs, group, "s", 1000, [f"line {i}" for i in range(10)])
    page = logs.get_log_events(logGroupName=group, logStreamName="s", limit=4)
    assert [event["message"] for event in page["events"]] == ["line 6", "line 7", "line 8", "line 9"]
    back = logs.get_log_events(logGroupName=group, logStreamName="s", limit=4, nextToken=page["nextBackwardToken"])
    assert [event["message"] for event in back["events"]] == ["line 2", "line 3", "line 4", "line 5"]
    end = logs.get_log_events(logGroupName=group, logStreamName="s", nextToken=page["nextForwardToken"])
    assert end["events"] == []
    assert end["nextForwardToken"] == page["nextForwardToken"]
    put(logs, group, "s", 2000, ["later"])
    more = logs.get_log_events(logGroupName=group, logStreamName="s", nextToken=end["nextForwardToken"])
    assert [event["message"] for event in more["events"]] == ["later"]
    head = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True, startTime=1003, endTime=1005)
    assert [event["message"] for event in head["events"]] == ["line 3", "line 4"]
    with pytest.raises(ClientError) as failure:
        logs.get_log_events(logGroupName=group, logStreamName="none")
    assert code(failure) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", ["ERROR one", "WARN two", "ERROR three ok"]),
        ("ERROR", ["ERROR one", "ERROR three ok"]),
        ("ERROR -ok", ["ERROR one"]),
        ("?one ?two", ["ERROR one", "WARN two"]),
        ('"three ok"', ["ERROR three ok"]),
    ],
)
def test_filters(logs, group, pattern, expected):
    for stream in ["a", "b"]:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    put(logs, group, "a", 1000, ["ERROR one"])
    put(logs, group, "b", 2000, ["WARN two"])
    put(logs, group, "a", 3000, ["ERROR three ok"])
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern=pattern, PaginationConfig={"PageSize": 1}
    )
    assert [event["message"] for page in pages for event in page["events"]] == expected


def test_type(region, logs, tmp_path):
    def run(*arguments):
        done = subprocess.run(
            [region.terrarium, *arguments], cwd=tmp_path, env=region.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    config = 'resource "aws_cloudwatch_log_group" "x" {{\n  name = "/tf"\n  retention_in_days = {}\n  tags = {}\n}}\n'
    (tmp_path / "main.tf").write_text(config.format(7, '{ a = "b" }'))
    run("apply", "-auto-approve")
    assert "No changes." in run("plan", "-detailed-exitcode")
    (tmp_path / "main.tf").write_text(config.format(0, '{ c = "d" }'))
    assert "0 added, 1 changed, 0 destroyed" in run("apply", "-auto-approve")
    (found,) = logs.describe_log_groups(logGroupNamePrefix="/tf")["logGroups"]
    assert "retentionInDays" not in found
    assert logs.list_tags_for_resource(resourceArn=found["logGroupArn"])["tags"] == {"c": "d"}
    assert "No changes." in run("plan", "-detailed-exitcode")
    run("destroy", "-auto-approve")
    assert logs.describe_log_groups(logGroupNamePrefix="/tf")["logGroups"] == []
