/*
 * What the files of ECS share: how its objects lie in the store, and how a call finds them. Objects
 * have the shape that the API gives them; what only ECS itself knows of one is in its member
 * "internal", which `ecs_view` takes away before an answer.
 */
#pragma once

#include "region/region.h"

/* An operation's handler, as RegionHandler points to. */
typedef Value EcsOperation(RegionCall *call, Value input, GError **error);

/* Kinds in the store, and their ids. */
#define ECS_CLUSTERS "ecs/cluster" /* name */
#define ECS_TASK_DEFINITIONS "ecs/task-definition" /* "family 0000000001": in ECS's order */
#define ECS_SERVICES "ecs/service" /* "cluster/name" */
#define ECS_TASKS "ecs/task" /* "cluster/id" */
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
