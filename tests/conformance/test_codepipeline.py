"""CodePipeline without a glass: structure, executions from S3 to S3 with approvals."""

import json
import os
import re
import signal
import sqlite3
import time

import pytest
from botocore.exceptions import ClientError

from conftest import Region
from pipes import ASK, SHIP, SOURCE, Pipes, action, until

DAY = 24 * 3600


def refusal(pipes, code, declaration):
    with pytest.raises(ClientError) as failure:
        pipes.api.create_pipeline(pipeline=declaration)
    assert failure.value.response["Error"]["Code"] == code, failure.value
    return failure.value.response["Error"]["Message"]


def test_structure(pipes, name):
    structure, stage, of_action = (
        "InvalidStructureException",
        "InvalidStageDeclarationException",
        "InvalidActionDeclarationException",
    )
    declare = pipes.declare
    assert refusal(pipes, structure, declare(name, [SOURCE])) == (
        "Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline"
    )
    assert refusal(pipes, structure, declare(name, [ASK], [SOURCE])) == (
        "Pipeline should start with a stage that only contains source actions"
    )
    second = dict(SOURCE, outputArtifacts=[{"name": "b"}], namespace="b")
    assert "first stage" in refusal(pipes, structure, declare(name, [SOURCE], [second]))
    assert refusal(pipes, of_action, declare(name, [SOURCE], [dict(SHIP, inputArtifacts=[])])) == (
        "Action Ship declares 0 input artifacts which is less than the minimum count (1)"
    )
    assert refusal(pipes, of_action, declare(name, [SOURCE], [dict(SHIP, inputArtifacts=[{"name": "x"}])])) == (
        "Input Artifact Bundle x in action Ship is not declared as Output Artifact Bundle in any of the preceding actions"
    )
    assert refusal(pipes, of_action, declare(name, [SOURCE], [dict(SHIP, configuration={"Extract": "true"})])) == (
        "Action configuration for action 'Ship' is missing required configuration 'BucketName'"
    )
    odd = dict(SHIP, configuration={"BucketName": "b", "Extract": "true", "Color": "red"})
    assert refusal(pipes, of_action, declare(name, [SOURCE], [odd])) == (
        "Action configuration for action 'Ship' contains unknown configuration 'Color'"
    )
    odd = dict(SHIP, configuration={"BucketName": "b", "Extract": "perhaps"})
    assert "'perhaps' for configuration 'Extract', which must be one of: true false" in (
        refusal(pipes, of_action, declare(name, [SOURCE], [odd]))
    )
    lost = dict(ASK, configuration={"NotificationArn": "arn:aws:sns:us-east-1:000000000000:none"})
    assert refusal(pipes, of_action, declare(name, [SOURCE], [lost])) == (
        "Terrarium does not implement the configuration 'NotificationArn' (action 'Ask')"
    )
    lost = dict(ASK, configuration={"CustomData": "#{Nobody.Knows}"})
    assert "VariableReferenceText=[Nobody.Knows]" in refusal(pipes, of_action, declare(name, [SOURCE], [lost]))
    invoke = action("Call", "Invoke", "Lambda", {"FunctionName": "f"})
    assert "Terrarium does not implement the action type" in refusal(pipes, of_action, declare(name, [SOURCE], [invoke]))
    unknown = action("Call", "Deploy", "Mystery")
    assert refusal(pipes, of_action, declare(name, [SOURCE], [unknown])) == (
        "ActionType (Category: 'Deploy', Provider: 'Mystery', Owner: 'AWS', Version: '1') in action 'Call' is not "
        "available in region 'US_EAST_1'"
    )
    assert "unique" in refusal(pipes, stage, declare(name, [SOURCE], [ASK, ASK]))
    parallel = declare(name, [SOURCE], [ASK], executionMode="PARALLEL")
    parallel["stages"][1]["onFailure"] = {"result": "ROLLBACK"}
    assert "PARALLEL" in refusal(pipes, stage, parallel)
    again = dict(SHIP, namespace="Got")
    assert refusal(pipes, of_action, declare(name, [SOURCE], [again])) == (
        "Namespaces must be unique across the pipeline definition. The following occur more than once in the "
        "pipeline. StageName=[S1], ActionName=[Ship], Namespace=[Got]"
    )
    build = action("Build", "Build", "CodeBuild", {"ProjectName": "p"}, inputs=["app"], outputs=["app"])
    assert refusal(pipes, of_action, declare(name, [SOURCE], [build])) == (
        "Output Artifact Bundle name must be unique within the pipeline. app has been used more than once."
    )
    # What runs side by side, or later, does not see what is made.
    build = dict(build, outputArtifacts=[{"name": "built"}])
    beside = dict(SHIP, inputArtifacts=[{"name": "built"}])
    assert "built in action Ship is not declared" in refusal(pipes, of_action, declare(name, [SOURCE], [build, beside]))
    before = [dict(build, runOrder=2), beside]
    assert "built in action Ship is not declared" in refusal(pipes, of_action, declare(name, [SOURCE], before))
    assert "maximum of 50 stages" in refusal(pipes, structure, declare(name, [SOURCE], *[[ASK]] * 50))
    many = [dict(ASK, name=f"Ask{i}") for i in range(51)]
    assert "maximum of 50 actions in a stage" in refusal(pipes, stage, declare(name, [SOURCE], many))
    assert "501 actions" in refusal(pipes, structure, declare(name, [SOURCE], *[many[:50]] * 10))
    twice = declare(name, [SOURCE], [ASK], [ASK])
    twice["stages"][2]["name"] = "S1"
    assert refusal(pipes, stage, twice) == "Stage name 'S1' is not unique within the pipeline"
    assert "at least one action" in refusal(pipes, stage, declare(name, [SOURCE], []))
    with pytest.raises(ClientError) as failure:
        pipes.api.create_pipeline(pipeline=declare(name, [SOURCE], [dict(ASK, runOrder=1000)]))
    assert failure.value.response["Error"]["Code"] == "ValidationException"
    assert "V2" in refusal(pipes, structure, declare(name, [SOURCE], [ASK], pipelineType="V1", executionMode="QUEUED"))
    stranger = dict(declare(name, [SOURCE], [ASK]), roleArn="arn:aws:iam::000000000000:role/stranger")
    assert "not authorized to perform AssumeRole" in refusal(pipes, structure, stranger)
    with pytest.raises(ClientError) as failure:
        pipes.api.get_pipeline(name=name)
    assert failure.value.response["Error"]["Code"] == "PipelineNotFoundException"
    assert refused(pipes.api.poll_for_jobs, actionTypeId=invoke["actionTypeId"]) == "NotImplemented"


def refused(call, **arguments):
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    return failure.value.response["Error"]["Code"]


def test_what_there_is_none_of(pipes, name):
    api = pipes.api
    run = pipes.create(name, [SOURCE], [ASK])
    assert api.list_rule_types()["ruleTypes"] == [] and api.list_webhooks()["webhooks"] == []
    assert api.list_rule_executions(pipelineName=name)["ruleExecutionDetails"] == []
    assert refused(api.list_rule_executions, pipelineName="none") == "PipelineNotFoundException"
    other = {"pipelineExecutionId": "00000000-0000-0000-0000-000000000000"}
    assert refused(api.list_rule_executions, pipelineName=name, filter=other) == "PipelineExecutionNotFoundException"
    condition = {"pipelineName": name, "pipelineExecutionId": run, "conditionType": "BEFORE_ENTRY"}
    assert refused(api.override_stage_condition, stageName="S1", **condition) == "ConditionNotOverridableException"
    assert refused(api.override_stage_condition, stageName="S9", **condition) == "StageNotFoundException"
    settings = {"provider": "p", "category": "Build", "version": "1"}
    artifacts = {"minimumCount": 0, "maximumCount": 1}
    custom = dict(settings, inputArtifactDetails=artifacts, outputArtifactDetails=artifacts)
    assert refused(api.create_custom_action_type, **custom) == "NotImplemented"
    assert {each["id"]["provider"] for each in api.list_action_types()["actionTypes"]} == {
        "CodeBuild", "CodeStarSourceConnection", "ECR", "ECS", "Manual", "S3",
    }


def test_put_revision(pipes, name):
    """A revision that is told starts the pipeline, unless it is the one that the source has brought."""
    first = pipes.create(name, [SOURCE], [SHIP])
    pipes.wait(name, first, "Succeeded")
    now = pipes.stage(name, 0)["actionStates"][0]["currentRevision"]["revisionId"]
    revision = {"revisionId": now, "revisionChangeId": "1", "created": 1700000000}
    place = {"pipelineName": name, "stageName": "S0", "actionName": "Get"}
    told = pipes.api.put_action_revision(**place, actionRevision=revision)
    assert (told["newRevision"], told["pipelineExecutionId"]) == (False, first)
    told = pipes.api.put_action_revision(**place, actionRevision=dict(revision, revisionId="2"))
    assert told["newRevision"] is True
    pipes.wait(name, told["pipelineExecutionId"], "Succeeded")
    assert pipes.executions(name)[0]["trigger"]["triggerType"] == "PutActionRevision"
    ship = dict(place, stageName="S1", actionName="Ship", actionRevision=revision)
    assert refused(pipes.api.put_action_revision, **ship) == "ActionNotFoundException"


def test_from_source_to_site(pipes, name):
    version = pipes.push("two")
    where = dict(SHIP, configuration={"BucketName": "pipe-site", "Extract": "true", "ObjectKey": "#{variables.To}"})
    variables = [{"name": "To", "defaultValue": "live"}]
    ask = dict(ASK, configuration={**ASK["configuration"], "ExternalEntityLink": "https://example.com/review"})
    first = pipes.create(name, [SOURCE], [ask], [where], variables=variables)
    token = pipes.token(name, 1)
    assert pipes.stage(name, 1)["actionStates"][0]["entityUrl"] == "https://example.com/review"
    asked = [each for each in pipes.actions(name, first) if each["actionName"] == "Ask"][0]
    assert asked["input"]["resolvedConfiguration"] == {
        "CustomData": version,
        "ExternalEntityLink": "https://example.com/review",
    }
    assert asked["status"] == "InProgress"
    with pytest.raises(ClientError) as failure:
        pipes.answer(name, 1, token="00000000-0000-0000-0000-000000000000")
    assert failure.value.response["Error"]["Code"] == "InvalidApprovalTokenException"
    pipes.answer(name, 1, summary="looks good", token=token)
    with pytest.raises(ClientError) as failure:
        pipes.answer(name, 1, token=token)
    assert failure.value.response["Error"]["Code"] == "ApprovalAlreadyCompletedException"
    pipes.wait(name, first, "Succeeded")
    assert pipes.s3.get_object(Bucket="pipe-site", Key="live/index.html")["Body"].read() == b"two"
    details = {each["actionName"]: each for each in pipes.actions(name, first)}
    assert details["Get"]["output"]["outputVariables"]["VersionId"] == version
    place = details["Get"]["output"]["outputArtifacts"][0]["s3location"]
    assert re.fullmatch(rf"{name[:20]}/app/\w+", place["key"])
    assert pipes.s3.head_object(Bucket=place["bucket"], Key=place["key"])["ContentLength"] > 0
    assert details["Ask"]["output"]["executionResult"]["externalExecutionSummary"] == "looks good"
    told = pipes.api.get_pipeline_execution(pipelineName=name, pipelineExecutionId=first)["pipelineExecution"]
    assert told["artifactRevisions"][0]["revisionId"] == version
    assert told["trigger"]["triggerType"] == "CreatePipeline"
    assert told["variables"] == [{"name": "To", "resolvedValue": "live"}]
    summary = pipes.executions(name)[0]
    assert summary["sourceRevisions"][0]["actionName"] == "Get"
    state = pipes.stage(name, 0)
    assert state["latestExecution"] == {"pipelineExecutionId": first, "status": "Succeeded", "type": "STANDARD"}
    assert state["actionStates"][0]["currentRevision"]["revisionId"] == version
    second = pipes.api.start_pipeline_execution(name=name, variables=[{"name": "To", "value": "other"}])
    pipes.token(name, 1, second["pipelineExecutionId"])
    pipes.answer(name, 1)
    pipes.wait(name, second["pipelineExecutionId"], "Succeeded")
    assert pipes.s3.get_object(Bucket="pipe-site", Key="other/index.html")["Body"].read() == b"two"


def test_change_starts_it(pipes, name):
    first = pipes.create(name, [SOURCE], [SHIP])
    pipes.wait(name, first, "Succeeded")
    version = pipes.push("three")
    until(lambda: len(pipes.executions(name)) == 2)
    newest = pipes.executions(name)[0]
    assert newest["trigger"]["triggerType"] == "PollForSourceChanges"
    pipes.wait(name, newest["pipelineExecutionId"], "Succeeded")
    assert pipes.executions(name)[0]["sourceRevisions"][0]["revisionId"] == version
    assert pipes.s3.get_object(Bucket="pipe-site", Key="index.html")["Body"].read() == b"three"
    assert len(pipes.executions(name)) == 2


def test_changed_while_it_waits(pipes, name):
    """An approval of a structure that is none any more can be given; what comes after is as it was."""
    run = pipes.create(name, [SOURCE], [ASK], [SHIP])
    token = pipes.token(name, 1)
    pipes.api.update_pipeline(pipeline=pipes.declare(name, [SOURCE], [dict(ASK, name="Other")]))
    pipes.answer(name, 1, token=token)
    pipes.wait(name, run, "Succeeded")
    assert [each["actionName"] for each in pipes.actions(name, run)] == ["Ship", "Ask", "Get"]


def test_superseded(pipes, name):
    first = pipes.create(name, [SOURCE], [ASK], [SHIP])
    pipes.token(name, 1)
    second = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    until(lambda: pipes.stage(name, 1).get("inboundExecution", {}).get("pipelineExecutionId") == second)
    third = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    pipes.wait(name, second, "Superseded")
    assert pipes.status(name, first) == "InProgress"
    pipes.answer(name, 1, token=pipes.token(name, 1, first))
    pipes.token(name, 1, third)
    pipes.wait(name, first, "Succeeded")
    pipes.answer(name, 1)
    pipes.wait(name, third, "Succeeded")


def test_queued(pipes, name):
    runs = [pipes.create(name, [SOURCE], [ASK], executionMode="QUEUED")]
    pipes.token(name, 1)
    runs += [pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"] for _ in range(2)]
    for run in runs:
        pipes.token(name, 1, run)
        pipes.answer(name, 1)
        pipes.wait(name, run, "Succeeded")


def test_parallel(pipes, name):
    first = pipes.create(name, [SOURCE], [ASK], executionMode="PARALLEL")
    one = pipes.token(name, 1, first)
    second = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    two = pipes.token(name, 1, second)
    pipes.answer(name, 1, token=one)
    pipes.wait(name, first, "Succeeded")
    assert pipes.status(name, second) == "InProgress"
    pipes.answer(name, 1, token=two, status="Rejected")
    pipes.wait(name, second, "Failed")
    with pytest.raises(ClientError) as failure:
        pipes.api.rollback_stage(pipelineName=name, stageName="S1", targetPipelineExecutionId=first)
    assert failure.value.response["Error"]["Code"] == "UnableToRollbackStageException"
    assert "PARALLEL" in failure.value.response["Error"]["Message"]


@pytest.mark.parametrize("mode", ["QUEUED", "PARALLEL"])
def test_fifty_at_once(pipes, name, mode):
    """An execution more than may be under way is refused; one that ends makes room."""
    runs = [pipes.create(name, [SOURCE], [ASK], executionMode=mode)]
    runs += [pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"] for _ in range(49)]
    assert len({*runs}) == 50
    with pytest.raises(ClientError) as failure:
        pipes.api.start_pipeline_execution(name=name)
    error = failure.value.response["Error"]
    assert error["Code"] == "ConcurrentPipelineExecutionsLimitExceededException"
    assert "(50)" in error["Message"] and mode in error["Message"]
    # A change does not start it either, and is not made up for.
    pipes.push("one too many")
    time.sleep(0.3)
    assert len(pipes.executions(name)) == 50
    if mode == "PARALLEL":
        assert len({pipes.token(name, 1, run) for run in runs}) == 50
        assert "token" not in pipes.stage(name, 1)["actionStates"][0]["latestExecution"]
    pipes.answer(name, 1, token=pipes.token(name, 1, runs[0]))
    until(lambda: [each["status"] for each in pipes.executions(name)].count("Succeeded") == 1)
    pipes.api.start_pipeline_execution(name=name)
    with pytest.raises(ClientError):
        pipes.api.start_pipeline_execution(name=name)


def test_transitions(pipes, name):
    pipes.create(name, [SOURCE], [ASK])
    pipes.answer(name, 1)
    transition = {"pipelineName": name, "stageName": "S1", "transitionType": "Inbound"}
    pipes.api.disable_stage_transition(**transition, reason="Closed for now")
    second = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    until(lambda: pipes.stage(name, 1).get("inboundExecution", {}).get("pipelineExecutionId") == second)
    state = pipes.stage(name, 1)["inboundTransitionState"]
    assert (state["enabled"], state["disabledReason"]) == (False, "Closed for now")
    pipes.api.enable_stage_transition(**transition)
    pipes.token(name, 1, second)
    with pytest.raises(ClientError) as failure:
        pipes.api.disable_stage_transition(pipelineName=name, stageName="No", transitionType="Inbound", reason="x")
    assert failure.value.response["Error"]["Code"] == "StageNotFoundException"


def test_failure_and_retry(pipes, name):
    lost = dict(SHIP, configuration={"BucketName": "pipe-lost", "Extract": "true"})
    run = pipes.create(name, [SOURCE], [lost, dict(ASK, name="Other")])
    other = pipes.token(name, 1)
    assert pipes.status(name, run) == "InProgress"
    pipes.api.put_approval_result(
        pipelineName=name,
        stageName="S1",
        actionName="Other",
        token=other,
        result={"status": "Approved", "summary": ""},
    )
    pipes.wait(name, run, "Failed")
    failed = [each for each in pipes.actions(name, run) if each["actionName"] == "Ship"][0]
    details = failed["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "ConfigurationError" and "pipe-lost" in details["message"]
    retry = {"pipelineName": name, "stageName": "S1", "pipelineExecutionId": run, "retryMode": "FAILED_ACTIONS"}
    pipes.s3.create_bucket(Bucket="pipe-lost")
    assert pipes.api.retry_stage_execution(**retry)["pipelineExecutionId"] == run
    pipes.wait(name, run, "Succeeded")
    ran = [each["actionName"] for each in pipes.actions(name, run)]
    assert sorted(ran) == ["Get", "Other", "Ship", "Ship"]
    assert pipes.stage(name, 1)["retryStageMetadata"]["manualStageRetryAttempt"] == 1
    with pytest.raises(ClientError) as failure:
        pipes.api.retry_stage_execution(**retry)
    assert failure.value.response["Error"]["Code"] == "StageNotRetryableException"


def test_order_of_actions(pipes, name):
    late = dict(SHIP, name="Late", runOrder=3, configuration={"BucketName": "pipe-site", "Extract": "false", "ObjectKey": "app.zip"})
    run = pipes.create(name, [SOURCE], [dict(ASK, runOrder=2), dict(SHIP, runOrder=1), late])
    pipes.token(name, 1)
    assert [each["actionName"] for each in pipes.actions(name, run)] == ["Ask", "Ship", "Get"]
    pipes.answer(name, 1)
    pipes.wait(name, run, "Succeeded")
    assert pipes.s3.head_object(Bucket="pipe-site", Key="app.zip")["ContentLength"] > 0


def test_stop(pipes, name):
    run = pipes.create(name, [SOURCE], [ASK], [SHIP])
    pipes.token(name, 1)
    stop = {"pipelineName": name, "pipelineExecutionId": run}
    pipes.api.stop_pipeline_execution(**stop, reason="enough")
    assert pipes.status(name, run) == "Stopping"
    with pytest.raises(ClientError) as failure:
        pipes.api.stop_pipeline_execution(**stop)
    assert failure.value.response["Error"]["Code"] == "DuplicatedStopRequestException"
    pipes.answer(name, 1)
    pipes.wait(name, run, "Stopped")
    assert pipes.executions(name)[0]["stopTrigger"] == {"reason": "enough"}
    second = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    pipes.token(name, 1, second)
    pipes.api.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=second, abandon=True)
    assert pipes.status(name, second) == "Stopped"
    assert pipes.actions(name, second)[0]["status"] == "Abandoned"
    assert pipes.stage(name, 1)["latestExecution"]["status"] == "Stopped"
    pipes.api.retry_stage_execution(
        pipelineName=name, stageName="S1", pipelineExecutionId=second, retryMode="FAILED_ACTIONS"
    )
    pipes.answer(name, 1, token=pipes.token(name, 1, second))
    pipes.wait(name, second, "Succeeded")
    with pytest.raises(ClientError) as failure:
        pipes.api.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=second)
    assert failure.value.response["Error"]["Code"] == "PipelineExecutionNotStoppableException"


def test_rollback(pipes, name):
    pipes.push("good")
    first = pipes.create(name, [SOURCE], [SHIP])
    pipes.wait(name, first, "Succeeded")
    pipes.push("bad")
    until(lambda: len(pipes.executions(name)) == 2 and pipes.executions(name)[0]["status"] == "Succeeded")
    assert pipes.s3.get_object(Bucket="pipe-site", Key="index.html")["Body"].read() == b"bad"
    target = {"pipelineName": name, "stageName": "S1", "targetPipelineExecutionId": first}
    back = pipes.api.rollback_stage(**target)["pipelineExecutionId"]
    pipes.wait(name, back, "Succeeded")
    assert pipes.s3.get_object(Bucket="pipe-site", Key="index.html")["Body"].read() == b"good"
    told = pipes.executions(name)[0]
    assert (told["executionType"], told["trigger"]["triggerType"]) == ("ROLLBACK", "ManualRollback")
    assert told["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": first}
    with pytest.raises(ClientError) as failure:
        pipes.api.rollback_stage(**dict(target, stageName="S0"))
    assert failure.value.response["Error"]["Code"] == "UnableToRollbackStageException"
    pipes.api.update_pipeline(pipeline=pipes.declare(name, [SOURCE], [SHIP]))
    with pytest.raises(ClientError) as failure:
        pipes.api.rollback_stage(**target)
    assert failure.value.response["Error"]["Code"] == "PipelineExecutionOutdatedException"


def test_automatic_rollback_and_retry(pipes, name):
    declared = pipes.declare(name, [SOURCE], [ASK])
    declared["stages"][1]["onFailure"] = {"result": "ROLLBACK"}
    pipes.api.create_pipeline(pipeline=declared)
    pipes.answer(name, 1)
    bad = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    pipes.answer(name, 1, status="Rejected", summary="no", token=pipes.token(name, 1, bad))
    pipes.wait(name, bad, "Failed")
    back = pipes.executions(name)[0]
    assert (back["trigger"]["triggerType"], back["executionType"]) == ("AutomatedRollback", "ROLLBACK")
    pipes.answer(name, 1, token=pipes.token(name, 1, back["pipelineExecutionId"]))
    pipes.wait(name, back["pipelineExecutionId"], "Succeeded")
    declared["stages"][1]["onFailure"] = {"result": "RETRY"}
    pipes.api.update_pipeline(pipeline=declared)
    run = pipes.api.start_pipeline_execution(name=name)["pipelineExecutionId"]
    first = pipes.token(name, 1, run)
    pipes.answer(name, 1, status="Rejected", token=first)
    second = until(lambda: (lambda token: token if token != first else None)(pipes.token(name, 1, run)))
    pipes.answer(name, 1, status="Rejected", token=second)
    pipes.wait(name, run, "Failed")


def test_nobody_answers(stepped_region):
    pipes = Pipes(stepped_region)
    run = pipes.create("slow", [SOURCE], [dict(ASK, timeoutInMinutes=10)])
    pipes.token("slow", 1)
    stepped_region.advance(9 * 60)
    time.sleep(0.3)
    assert pipes.status("slow", run) == "InProgress"
    stepped_region.advance(61)
    pipes.wait("slow", run, "Failed")
    details = pipes.actions("slow", run)[0]["output"]["executionResult"]["errorDetails"]
    assert "timed out" in details["message"]


def kept(region, kind):
    with sqlite3.connect(f"file:{region.home}/region.sqlite?mode=ro", uri=True) as store:
        return store.execute("SELECT count(*) FROM objects WHERE kind = ?", [f"codepipeline/{kind}"]).fetchone()[0]


def test_history_of_twelve_months(stepped_region):
    """Older executions are not told of, and are forgotten, but for those that the state shows; artifacts stay."""
    pipes = Pipes(stepped_region)
    runs = [pipes.create("old", [SOURCE], [SHIP])]
    pipes.wait("old", runs[0], "Succeeded")
    start = {"name": "old", "clientRequestToken": "same"}
    for _ in range(2):
        runs.append(pipes.api.start_pipeline_execution(**start)["pipelineExecutionId"])
        pipes.wait("old", runs[1], "Succeeded")
    assert runs[1] == runs.pop()
    place = pipes.actions("old", runs[0])[-1]["output"]["outputArtifacts"][0]["s3location"]
    stepped_region.advance(200 * DAY)
    runs.append(pipes.api.start_pipeline_execution(name="old")["pipelineExecutionId"])
    pipes.wait("old", runs[2], "Succeeded")
    assert len(pipes.executions("old")) == 3
    stepped_region.advance(166 * DAY)
    until(lambda: kept(stepped_region, "execution") == 1)
    assert [each["pipelineExecutionId"] for each in pipes.executions("old")] == runs[2:]
    assert kept(stepped_region, "action") == 2 and kept(stepped_region, "token") == 1
    with pytest.raises(ClientError) as failure:
        pipes.status("old", runs[0])
    assert failure.value.response["Error"]["Code"] == "PipelineExecutionNotFoundException"
    assert pipes.s3.head_object(Bucket=place["bucket"], Key=place["key"])["ContentLength"] > 0
    # What the state shows stays, though the history has none any more.
    stepped_region.advance(300 * DAY)
    assert pipes.executions("old") == []
    assert pipes.api.list_action_executions(pipelineName="old")["actionExecutionDetails"] == []
    time.sleep(0.3)
    assert pipes.status("old", runs[2]) == "Succeeded"
    state = pipes.stage("old", 1)
    assert state["latestExecution"]["pipelineExecutionId"] == runs[2]
    assert state["actionStates"][0]["latestExecution"]["status"] == "Succeeded"
    again = pipes.api.start_pipeline_execution(**start)["pipelineExecutionId"]
    assert again not in runs
    pipes.wait("old", again, "Succeeded")


def test_versions_and_tags(pipes, name):
    pipes.api.create_pipeline(pipeline=pipes.declare(name, [SOURCE], [ASK]), tags=[{"key": "a", "value": "1"}])
    assert refusal(pipes, "PipelineNameInUseException", pipes.declare(name, [SOURCE], [ASK]))
    arn = pipes.api.get_pipeline(name=name)["metadata"]["pipelineArn"]
    assert pipes.api.update_pipeline(pipeline=pipes.declare(name, [SOURCE], [SHIP]))["pipeline"]["version"] == 2
    assert pipes.api.get_pipeline(name=name, version=1)["pipeline"]["stages"][1]["actions"][0]["name"] == "Ask"
    with pytest.raises(ClientError) as failure:
        pipes.api.get_pipeline(name=name, version=9)
    assert failure.value.response["Error"]["Code"] == "PipelineVersionNotFoundException"
    pipes.api.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    pipes.api.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert pipes.api.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    assert name in [each["name"] for each in pipes.api.list_pipelines()["pipelines"]]


def test_killed_at_any_time(tmp_path):
    """kill -9 in the middle: what was begun goes on, or is done again, and nothing is done twice."""
    region = Region(tmp_path / "home")
    assert region.run("up", "--no-glass").returncode == 0
    try:
        pipes = Pipes(region)
        runs = [pipes.create("killed", [SOURCE], [SHIP], [ASK], [dict(SHIP, name="Again")], executionMode="QUEUED")]
        for round_ in range(4):
            time.sleep(0.013 * round_)
            os.kill(region.pid(), signal.SIGKILL)
            assert region.run("up", "--no-glass").returncode == 0
            runs.append(pipes.api.start_pipeline_execution(name="killed")["pipelineExecutionId"])
        for run in runs:
            pipes.answer("killed", 2, token=pipes.token("killed", 2, run))
            pipes.wait("killed", run, "Succeeded")
            ran = [each["actionName"] for each in pipes.actions("killed", run)]
            assert sorted(ran) == ["Again", "Ask", "Get", "Ship"]
        assert not os.listdir(tmp_path / "home" / "codepipeline")
    finally:
        region.end()


def test_who_may_answer(pipes, name):
    """A user who may answer one approval, and no other one."""
    iam, user = pipes.region.client("iam"), f"reviewer-{name[:20]}"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    actions = ["codepipeline:PutApprovalResult", "codepipeline:PutActionRevision"]
    resource = f"arn:aws:codepipeline:us-east-1:000000000000:{name}/S1/Ask"
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=policy)
    theirs = pipes.region.client("codepipeline", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    run = pipes.create(name, [SOURCE], [ASK, dict(ASK, name="Too")])
    waiting = until(lambda: len(found := pipes.actions(name, run)) == 3 and found)
    tokens = {each["actionName"]: each["output"]["executionResult"].get("externalExecutionId") for each in waiting[:2]}

    def answer(action):
        result = {"status": "Approved", "summary": "by a user"}
        place = {"pipelineName": name, "stageName": "S1", "actionName": action}
        return theirs.put_approval_result(**place, token=tokens[action], result=result)

    with pytest.raises(ClientError) as failure:
        answer("Too")
    assert failure.value.response["Error"]["Code"] == "AccessDeniedException"
    assert f"{name}/S1/Too" in failure.value.response["Error"]["Message"]
    answer("Ask")
    (asked,) = [each for each in pipes.actions(name, run) if each["actionName"] == "Ask"]
    assert asked["updatedBy"] == f"arn:aws:iam::000000000000:user/{user}"
    assert pipes.status(name, run) == "InProgress"
    revision = {"revisionId": "x", "revisionChangeId": "1", "created": 1700000000}
    place = {"pipelineName": name, "stageName": "S0", "actionName": "Get"}
    assert refused(theirs.put_action_revision, **place, actionRevision=revision) == "AccessDeniedException"
