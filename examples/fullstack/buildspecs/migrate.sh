#!/bin/sh
# migrate.sh IMAGEDEFINITIONS: runs `php artisan migrate` in the image that is to be deployed, as one ECS task, shows its
# log and ends with its exit code. Reads CLUSTER, SERVICE (whose settings and network the task gets) and FAMILY (of the
# task definition that it makes for this).
set -eu
container=backend

image=$(jq -er --arg name $container '.[] | select(.name == $name).imageUri' "$1")
service=$(aws ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" --query 'services[0]')
definition=$(aws ecs describe-task-definition --task-definition "$(echo "$service" | jq -r .taskDefinition)" \
	--query taskDefinition)

# The service's own, but the new image, and nothing beside it.
definition=$(echo "$definition" | jq --arg family "$FAMILY" --arg name $container --arg image "$image" '
	{family: $family, networkMode, requiresCompatibilities, cpu, memory, executionRoleArn, taskRoleArn,
	containerDefinitions: [.containerDefinitions[] | select(.name == $name) | .image = $image]}')
revision=$(aws ecs register-task-definition --cli-input-json "$definition" \
	--query taskDefinition.taskDefinitionArn --output text)
trap 'aws ecs deregister-task-definition --task-definition "$revision" >/dev/null' EXIT

echo "Migrating with $image"
started=$(aws ecs run-task --cluster "$CLUSTER" --task-definition "$revision" --launch-type FARGATE \
	--started-by "$CODEBUILD_BUILD_NUMBER" \
	--network-configuration "$(echo "$service" | jq .networkConfiguration)" \
	--overrides '{"containerOverrides": [{"name": "'$container'", "command": ["php", "artisan", "migrate", "--force"]}]}')
task=$(echo "$started" | jq -r '.tasks[0].taskArn // empty')
if [ -z "$task" ]; then
	echo "The task could not be started: $(echo "$started" | jq -c .failures)" >&2
	exit 1
fi
aws ecs wait tasks-stopped --cluster "$CLUSTER" --tasks "$task"
ended=$(aws ecs describe-tasks --cluster "$CLUSTER" --tasks "$task" --query 'tasks[0]')

# A task that never came to run has no log.
log=$(echo "$definition" | jq '.containerDefinitions[0].logConfiguration.options')
aws logs get-log-events --start-from-head --log-group-name "$(echo "$log" | jq -r '."awslogs-group"')" \
	--log-stream-name "$(echo "$log" | jq -r '."awslogs-stream-prefix"')/$container/${task##*/}" |
	jq -r '.events[].message' || true

code=$(echo "$ended" | jq -r '.containers[0].exitCode // empty')
if [ "$code" != 0 ]; then
	echo "The migration failed: ${code:+exit code $code. }$(echo "$ended" | jq -r .stoppedReason)" >&2
	exit 1
fi
