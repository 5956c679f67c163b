/*
 * What the files of ECS share: how its objects lie in the store, and how a call finds them. Objects
 * have the shape that the API gives them; what only ECS itself knows of one is in its member
 * "internal", which `ecs_view` takes away before an answer.
 */
#pragma once

#include "glass/task.h"
#include "region/http.h"
#include "region/region.h"

/* An operation's handler, as RegionHandler points to. */
typedef Value EcsOperation(RegionCall *call, Value input, GError **error);

/* Kinds in the store, and their ids. */
#define ECS_CLUSTERS "ecs/cluster" /* name */
#define ECS_TASK_DEFINITIONS "ecs/task-definition" /* "family 0000000001": in ECS's order */
#define ECS_SERVICES "ecs/service" /* "cluster/name" */
#define ECS_TASKS "ecs/task" /* "cluster/id" */
#define ECS_SERVICE_DEPLOYMENTS "ecs/service-deployment" /* "cluster/service/id" */
#define ECS_SERVICE_REVISIONS "ecs/service-revision" /* "cluster/service/number" */
#define ECS_ACCOUNT_SETTINGS "ecs/account-setting" /* "name principal", "name " for the default */

#define ECS_INTERNAL "internal"

/* The object without what is internal. Takes it. */
Value ecs_view_take(Value object);
/* The name behind a name, or behind an ARN of the resource type ("cluster", "service", "task"): its
 * last part. Caller frees. */
char *ecs_name(const char *name_or_arn, const char *resource_type);
/* {arn, reason}: an entry of "failures". */
Value ecs_failure(const char *arn, const char *reason);
/* Is `word` in a sequence of texts? */
gboolean ecs_has_word(Value words, const char *word);
/* One page of a list by its nextToken and maxResults (`most` unless given): {<member>: page,
 * nextToken}. */
Value ecs_page(RegionCall *call, Value input, const char *member, Value items, gint64 most,
	GError **error);
/* An object of `names` (NULL-terminated) that `input` has. */
Value ecs_pick(Value input, const char *const *names);

/* ---- clusters (cluster.c) ---- */

/* The active cluster that a call's `cluster` names (NULL: "default"), or ClusterNotFoundException.
 */
Value ecs_cluster_find(RegionCall *call, const char *cluster, GError **error);
EcsOperation ecs_create_cluster, ecs_describe_clusters, ecs_list_clusters, ecs_update_cluster,
	ecs_put_cluster_capacity_providers, ecs_delete_cluster, ecs_describe_capacity_providers;

/* ---- task definitions (task_definition.c, container_definition.c) ---- */

/* "family", "family:revision" or an ARN; without a revision the latest active one. VALUE_NOTHING if
 * there is none. */
Value ecs_task_definition_get(Region *region, StoreScope scope, const char *task_definition);
/* Checks a definition's containers as RegisterTaskDefinition does, and completes them. `fargate`:
 * they must be able to run there. */
Value ecs_container_definitions(Value input, gboolean fargate, GError **error);
EcsOperation ecs_register_task_definition, ecs_deregister_task_definition,
	ecs_describe_task_definition, ecs_list_task_definitions, ecs_list_task_definition_families,
	ecs_delete_task_definitions;

/* ---- tasks: as the API has them (task.c, task_make.c, task_calls.c) ---- */

/*
 * A task's "internal": service ("cluster/name") and deployment, if it is a service's; interface
 * (its id, which is also the name of its namespace); images (container -> digest) once it was
 * launched; targets [{group, port}] and registries [{arn}] that it is registered with; credentials
 * (the id of its role's, for the metadata endpoint); healthy: whether it has been so once.
 */
typedef struct {
	const char *cluster; /* name */
	Value definition;
	Value network; /* awsvpcConfiguration */
	Value overrides; /* or VALUE_NOTHING */
	const char *launch_type; /* "FARGATE"; NULL with a capacity provider */
	const char *capacity_provider; /* or NULL */
	const char *platform_version; /* or NULL */
	const char *group, *started_by; /* started_by may be NULL */
	const char *service, *deployment; /* or NULL */
	gboolean execute_command;
	Value tags; /* [{key, value}] or VALUE_NOTHING */
} EcsTaskRequest;

/* Makes a task with its network interface, inside the open transaction: what follows is its
 * controller's work. Returns it as stored, or VALUE_NOTHING and EC2's error (no address is free).
 */
Value ecs_task_create(
	Region *region, StoreScope scope, const EcsTaskRequest *request, GError **error);
/* "cluster/id" in the store. Caller frees. */
char *ecs_task_store_id(Value task);
/* The task's id: the last part of its ARN. Borrowed from the task. */
const char *ecs_task_id(Value task);
/* The task as it is when it was told to stop (it is the same if it was told before). Takes it. */
Value ecs_task_told_take(Region *region, Value task, const char *stop_code, const char *reason);
/* Tells a task to stop, inside the open transaction. Nothing happens if it was told before. */
void ecs_task_stop(
	Region *region, StoreScope scope, Value task, const char *stop_code, const char *reason);
/* The tasks of a scope's services that are not over, in one walk. Caller frees. */
GHashTable *ecs_tasks_by_service(Region *region, StoreScope scope);
/* Of these, those of one service ("cluster/name"): of Value, borrowed; NULL: none. */
GArray *ecs_tasks_of_service(GHashTable *tasks, StoreScope scope, const char *service_id);
gboolean ecs_task_is(Value task, const char *last_status);
/* Is it wanted to run (nobody told it to stop)? */
gboolean ecs_task_wanted(Value task);
/* Its interface as EC2 has it, or VALUE_NOTHING. */
Value ecs_task_interface(Region *region, StoreScope scope, Value task);
/* {awsvpcConfiguration} of a call: VALUE_NOTHING and ECS's error for one that is not there or names
 * what is not there. The answer is the configuration with its defaults. */
Value ecs_network_check(RegionCall *call, Value network, Value definition, GError **error);
/* Launch type or capacity provider of a call (borrowed from it, or static); both NULL: EC2, of
 * which there is none. FALSE: ECS's error. */
gboolean ecs_capacity(RegionCall *call, Value input, Value cluster, Value definition,
	const char **launch_type, const char **capacity_provider, GError **error);
EcsOperation ecs_run_task, ecs_stop_task, ecs_describe_tasks, ecs_list_tasks;

/* ---- tasks: as they run (task_run.c, task_launch.c, task_log.c) ---- */

#define ECS_TASK_CONTROLLER "ecs/tasks"
/* Starts the controller; adopts the tasks that run, or ends those of a glass that is gone. */
gboolean ecs_tasks_start(Region *region, GError **error);
/* What runs of a task, or NULL. */
Task *ecs_task_running(Region *region, Value task);
/* The spec to run a task by. Looks up images and secrets as the execution role may; *images gets
 * {container: digest}. With `adopting`, what cannot be looked up any more is left out: the
 * containers run already. NULL and an error in ECS's words. */
TaskSpec *ecs_task_spec(Region *region, StoreScope scope, Value task, gboolean adopting,
	Value *images, GError **error);
/* Are the log groups of its containers there? An error in ECS's words if not. */
gboolean ecs_task_log_check(
	Region *region, StoreScope scope, Value definition, const char *task_id, GError **error);
/* Writes lines of a container to its log group. */
void ecs_task_log(
	Region *region, StoreScope scope, Value task, const TaskLogLine *lines, gsize n_lines);
/* What the metadata endpoint answers (region/doors.h: DoorTaskMetadata). */
Value ecs_task_metadata(Region *region, StoreScope scope, const char *vpc, const char *peer,
	const char *id, const char *rest);
/* A container of a definition by its name, borrowed; VALUE_NOTHING if there is none. */
Value ecs_container(Value definition, const char *name);
/* Is the health of any of its essential containers checked? */
gboolean ecs_is_checked(Value definition);
/* The definition that a task was made from. */
Value ecs_task_definition_of(Region *region, StoreScope scope, Value task);
/* The role of a task: "taskRoleArn" or "executionRoleArn" of its overrides, else of its definition.
 * Borrowed from them; NULL: none. */
const char *ecs_task_role(Value task, Value definition, const char *member);

/* ---- programs in containers (exec.c) ---- */

extern const RegionHttpRoute ecs_routes[];

/* ---- services ---- */

/*
 * A service's "internal": good (number of the revision of its last completed deployment), failures
 * (tasks of the PRIMARY deployment that failed one after the other), delay (seconds) and retryAt
 * (microseconds since the epoch) until when no task is started, steady (whether that was said).
 */

#define ECS_SERVICE_CONTROLLER "ecs/services"
EcsOperation ecs_create_service, ecs_update_service, ecs_delete_service, ecs_describe_services,
	ecs_list_services;
/* Starts and stops tasks of services (scheduler.c). */
gboolean ecs_scheduler_start(Region *region, GError **error);
/* A task of a service has stopped: counts failures and sets when the next one may start. Inside the
 * open transaction. */
void ecs_service_task_stopped(Region *region, StoreScope scope, Value task);
/* "cluster/name" of a service. Caller frees. */
char *ecs_service_store_id(Value service);
/* The service with an event more, as AWS words them. Takes it. */
Value ecs_service_event_take(Region *region, Value service_taken, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
/* The same on a service in the store, inside the open transaction; nothing happens if it is gone.
 */
void ecs_service_say(Region *region, StoreScope scope, const char *service_id, const char *format,
	...) G_GNUC_PRINTF(4, 5);
/* The deployment that is PRIMARY, borrowed. */
Value ecs_primary_deployment(Value service);
/* The service with that deployment (by its id) replaced. Takes both. */
Value ecs_with_deployment_take(Value service_taken, Value deployment_taken);

/* ---- deployments (deployment.c) ---- */

/* The service with a new PRIMARY deployment of its own task definition and configuration; the
 * former one becomes ACTIVE. `rollback_of` (or NULL): the id of the deployment that it undoes.
 * Takes it. */
Value ecs_deploy_take(
	Region *region, StoreScope scope, Value service_taken, const char *rollback_of);
/* The service deployed again as its last completed deployment had it (internal.good, which must be
 * there). Takes it. */
Value ecs_roll_back_take(
	Region *region, StoreScope scope, Value service_taken, const char *deployment);
/* Ends the record of a deployment with a status of ServiceDeployment ("SUCCESSFUL"…). */
void ecs_deployment_record_end(Region *region, StoreScope scope, Value service,
	const char *deployment, const char *status, const char *reason);
EcsOperation ecs_list_service_deployments, ecs_describe_service_deployments,
	ecs_describe_service_revisions, ecs_stop_service_deployment;

/* ---- tags (tags.c) and account settings (account_setting.c) ---- */

/* The tags of a create call: sets them for the new resource after checking them. */
gboolean ecs_tags_create(RegionCall *call, const char *arn, Value tags, GError **error);
/* As the API lists them: [{key, value}]. */
Value ecs_tags(Region *region, StoreScope scope, const char *arn);
EcsOperation ecs_tag_resource, ecs_untag_resource, ecs_list_tags_for_resource;
/* The effective value of a setting for the caller. Static. */
const char *ecs_account_setting(RegionCall *call, const char *name);
EcsOperation ecs_put_account_setting, ecs_put_account_setting_default, ecs_delete_account_setting,
	ecs_list_account_settings;
