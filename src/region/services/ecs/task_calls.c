/* RunTask, StopTask, DescribeTasks and ListTasks, and what they and services check of a call. */
#include <string.h>

#include "region/services/ec2/ec2.h"
#include "region/services/ecs/internal.h"

#define MOST_AT_ONCE 10

/* ---- checks of calls ---- */

/* The VPC of subnets that are all there, and all in one. Caller frees; NULL and ECS's error. */
static char *check_subnets(RegionCall *call, Value subnets, GError **error) {
	g_autofree char *vpc = NULL;
	if (value_length(subnets) == 0)
		wire_error_set(error, "InvalidParameterException", "subnets can not be empty.");
	for (gsize i = 0; i < value_length(subnets); i++) {
		const char *id = value_text_or(value_at(subnets, i), "");
		g_auto(Value) subnet = ec2_subnet_get(call->region, call->scope, id);
		if (value_is_null(subnet)) {
			wire_error_set(error, "InvalidParameterException",
				"Error retrieving subnet information for [%s]: The subnet ID '%s' "
				"does not exist (ErrorCode: InvalidSubnetID.NotFound)",
				id, id);
			return NULL;
		}
		if (i == 0) {
			vpc = g_strdup(value_get_text(subnet, "VpcId"));
		} else if (g_strcmp0(vpc, value_get_text(subnet, "VpcId")) != 0) {
			wire_error_set(error, "InvalidParameterException",
				"Subnets must all belong to the same VPC.");
			return NULL;
		}
	}
	return g_steal_pointer(&vpc);
}

static gboolean check_groups(RegionCall *call, Value groups, const char *vpc, GError **error) {
	for (gsize i = 0; i < value_length(groups); i++) {
		const char *id = value_text_or(value_at(groups, i), "");
		g_auto(Value) group = ec2_group_get(call->region, call->scope, id);
		if (value_is_null(group) || g_strcmp0(value_get_text(group, "VpcId"), vpc) != 0) {
			wire_error_set(error, "InvalidParameterException",
				value_is_null(group)
					? "Error retrieving security group information for [%s]: "
					  "The security group '%s' does not exist (ErrorCode: "
					  "InvalidGroup.NotFound)"
					: "The security group %s is not in the VPC of the subnets "
					  "(%s).",
				id, value_is_null(group) ? id : vpc);
			return FALSE;
		}
	}
	return TRUE;
}

Value ecs_network_check(RegionCall *call, Value network, Value definition, GError **error) {
	Value given = value_get(network, "awsvpcConfiguration");
	gboolean awsvpc = g_strcmp0(value_get_text(definition, "networkMode"), "awsvpc") == 0;
	if (!awsvpc) {
		wire_error_set(error, "InvalidParameterException",
			"Terrarium runs tasks with the network mode awsvpc only.");
		return VALUE_NOTHING;
	}
	if (value_is_null(given)) {
		wire_error_set(error, "InvalidParameterException",
			"Network Configuration must be provided when networkMode 'awsvpc' is "
			"specified.");
		return VALUE_NOTHING;
	}
	g_autofree char *vpc = check_subnets(call, value_get(given, "subnets"), error);
	if (!vpc || !check_groups(call, value_get(given, "securityGroups"), vpc, error))
		return VALUE_NOTHING;
	g_auto(Value) defaults = value_object_take("securityGroups", value_empty_tuple(),
		"assignPublicIp", value_string("DISABLED"), NULL);
	return value_merge(defaults, given);
}

gboolean ecs_capacity(RegionCall *call, Value input, Value cluster, Value definition,
	const char **launch_type, const char **capacity_provider, GError **error) {
	Value strategy = value_get(input, "capacityProviderStrategy");
	*launch_type = value_get_text(input, "launchType");
	*capacity_provider = NULL;
	if (*launch_type && value_length(strategy) > 0) {
		wire_error_set(error, "InvalidParameterException",
			"Specifying both a launch type and capacity provider strategy is not "
			"supported. Remove one and try again.");
		return FALSE;
	}
	if (!*launch_type && value_length(strategy) == 0)
		strategy = value_get(cluster, "defaultCapacityProviderStrategy");
	for (gsize i = 0; i < value_length(strategy); i++) {
		const char *name = value_get_text(value_at(strategy, i), "capacityProvider");
		if (g_strcmp0(name, "FARGATE") != 0 && g_strcmp0(name, "FARGATE_SPOT") != 0) {
			wire_error_set(error, "InvalidParameterException",
				"The specified capacity provider '%s' was not found. Specify a "
				"valid name or ARN and try again.",
				name);
			return FALSE;
		}
		if (!*capacity_provider)
			*capacity_provider = g_intern_string(name);
	}
	gboolean fargate = *capacity_provider || g_strcmp0(*launch_type, "FARGATE") == 0;
	if (fargate && !ecs_has_word(value_get(definition, "compatibilities"), "FARGATE")) {
		wire_error_set(error, "InvalidParameterException",
			"Task definition does not support launch_type FARGATE.");
		return FALSE;
	}
	return TRUE;
}

/* ---- RunTask, StopTask ---- */

static gboolean check_overrides(Value definition, Value overrides, GError **error) {
	Value all = value_get(overrides, "containerOverrides");
	for (gsize i = 0; i < value_length(all); i++) {
		const char *name = value_get_text(value_at(all, i), "name");
		if (value_is_null(ecs_container(definition, name ? name : ""))) {
			wire_error_set(error, "InvalidParameterException",
				"Override for container named %s is not a container in the "
				"TaskDefinition.",
				name ? name : "(none)");
			return FALSE;
		}
		if (value_length(value_get(value_at(all, i), "environmentFiles")) > 0) {
			wire_error_set(error, "InvalidParameterException",
				"Terrarium does not implement environmentFiles.");
			return FALSE;
		}
	}
	return TRUE;
}

/* The active definition that a call names, or VALUE_NOTHING and ECS's error. */
static Value runnable(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "taskDefinition");
	g_auto(Value) definition = ecs_task_definition_get(call->region, call->scope, name);
	if (value_is_null(definition)) {
		wire_error_set(error, "ClientException", "TaskDefinition not found.");
		return VALUE_NOTHING;
	}
	if (g_strcmp0(value_get_text(definition, "status"), "ACTIVE") != 0) {
		wire_error_set(error, "ClientException", "TaskDefinition is inactive");
		return VALUE_NOTHING;
	}
	return value_steal(&definition);
}

static Value run_tags(RegionCall *call, Value input, Value definition) {
	g_auto(Value) own = region_tags_from_list(value_get(input, "tags"), "key", "value");
	if (g_strcmp0(value_get_text(input, "propagateTags"), "TASK_DEFINITION") != 0)
		return region_tags_to_list(own, "key", "value");
	g_auto(Value) inherited = region_tags(
		call->region, call->scope, value_get_text(definition, "taskDefinitionArn"));
	g_auto(Value) all = value_merge(inherited, own);
	return region_tags_to_list(all, "key", "value");
}

static Value view_take(RegionCall *call, Value task, gboolean with_tags) {
	Value tags = with_tags
			     ? ecs_tags(call->region, call->scope, value_get_text(task, "taskArn"))
			     : value_empty_tuple();
	return ecs_view_take(value_with_take(task, "tags", tags));
}

/* Starts `count` tasks: {tasks, failures}. */
static Value run_all(RegionCall *call, const EcsTaskRequest *request, gint64 count) {
	g_autoptr(ValueBuilder) tasks = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	for (gint64 i = 0; i < count; i++) {
		g_autoptr(GError) local = NULL;
		Value task = ecs_task_create(call->region, call->scope, request, &local);
		if (!local) {
			value_builder_add_take(tasks, view_take(call, task, TRUE));
			continue;
		}
		value_builder_add_take(
			failures, value_object_take("reason", value_string("RESOURCE:ENI"),
					  "detail", value_string(local->message), NULL));
	}
	return value_object_take("tasks", value_builder_end(g_steal_pointer(&tasks)), "failures",
		value_builder_end(g_steal_pointer(&failures)), NULL);
}

Value ecs_run_task(RegionCall *call, Value input, GError **error) {
	gint64 count = value_get_int(input, "count", 1);
	if (count < 1 || count > MOST_AT_ONCE) {
		wire_error_set(error, "InvalidParameterException",
			"Count must be between 1 and %d.", MOST_AT_ONCE);
		return VALUE_NOTHING;
	}
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster))
		return VALUE_NOTHING;
	g_auto(Value) definition = runnable(call, input, error);
	EcsTaskRequest request = {.cluster = value_get_text(cluster, "clusterName"),
		.definition = definition,
		.overrides = value_get(input, "overrides"),
		.platform_version = value_get_text(input, "platformVersion"),
		.started_by = value_get_text(input, "startedBy"),
		.execute_command = value_get_bool(input, "enableExecuteCommand")};
	if (value_is_null(definition) ||
		!ecs_capacity(call, input, cluster, definition, &request.launch_type,
			&request.capacity_provider, error) ||
		!check_overrides(definition, request.overrides, error))
		return VALUE_NOTHING;
	if (!request.capacity_provider && g_strcmp0(request.launch_type, "FARGATE") != 0) {
		wire_error_set(error, "InvalidParameterException",
			"No Container Instances were found in your cluster.");
		return VALUE_NOTHING;
	}
	g_auto(Value) network = ecs_network_check(
		call, value_get(input, "networkConfiguration"), definition, error);
	if (value_is_null(network))
		return VALUE_NOTHING;
	g_autofree char *family =
		g_strconcat("family:", value_get_text(definition, "family"), NULL);
	g_auto(Value) tags = run_tags(call, input, definition);
	request.network = network;
	request.group = value_text_or(value_get(input, "group"), family);
	request.tags = tags;
	if (g_str_has_prefix(request.group, "service:")) {
		wire_error_set(error, "InvalidParameterException", "Invalid namespace for group.");
		return VALUE_NOTHING;
	}
	return run_all(call, &request, count);
}

/* The task that a call names, or VALUE_NOTHING. */
static Value lookup(RegionCall *call, Value cluster, const char *name_or_arn) {
	g_autofree char *name = ecs_name(name_or_arn, "task");
	g_autofree char *id =
		g_strdup_printf("%s/%s", value_get_text(cluster, "clusterName"), name);
	return store_get(region_store(call->region), call->scope, ECS_TASKS, id);
}

Value ecs_stop_task(RegionCall *call, Value input, GError **error) {
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster))
		return VALUE_NOTHING;
	g_auto(Value) task = lookup(call, cluster, value_get_text(input, "task"));
	if (value_is_null(task)) {
		wire_error_set(
			error, "InvalidParameterException", "The referenced task was not found.");
		return VALUE_NOTHING;
	}
	ecs_task_stop(call->region, call->scope, task, "UserInitiated",
		value_text_or(value_get(input, "reason"), "Task stopped by user"));
	g_auto(Value) now = lookup(call, cluster, value_get_text(input, "task"));
	return value_object_take("task", view_take(call, value_steal(&now), TRUE), NULL);
}

/* ---- DescribeTasks, ListTasks ---- */

Value ecs_describe_tasks(RegionCall *call, Value input, GError **error) {
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster))
		return VALUE_NOTHING;
	Value names = value_get(input, "tasks");
	gboolean tags = ecs_has_word(value_get(input, "include"), "TAGS");
	if (value_length(names) == 0 || value_length(names) > 100) {
		wire_error_set(error, "InvalidParameterException",
			value_length(names) == 0 ? "Tasks cannot be empty."
						 : "Tasks cannot be more than 100.");
		return VALUE_NOTHING;
	}
	g_autoptr(ValueBuilder) found = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(names); i++) {
		const char *given = value_text_or(value_at(names, i), "");
		Value task = lookup(call, cluster, given);
		if (!value_is_null(task)) {
			value_builder_add_take(found, view_take(call, task, tags));
			continue;
		}
		g_autofree char *name = ecs_name(given, "task");
		g_autofree char *arn = region_arn(call->scope, "ecs", "task/%s/%s",
			value_get_text(cluster, "clusterName"), name);
		value_builder_add_take(failures, ecs_failure(arn, "MISSING"));
	}
	return value_object_take("tasks", value_builder_end(g_steal_pointer(&found)), "failures",
		value_builder_end(g_steal_pointer(&failures)), NULL);
}

static gboolean is_family(Value task, const char *family) {
	g_autofree char *name = ecs_name(
		value_text_or(value_get(task, "taskDefinitionArn"), ""), "task-definition");
	name[strcspn(name, ":")] = 0;
	return g_str_equal(name, family);
}

static gboolean is_listed(Value task, Value input) {
	const char *status = value_text_or(value_get(input, "desiredStatus"), "RUNNING");
	const char *family = value_get_text(input, "family");
	const char *service = value_get_text(input, "serviceName");
	const char *started_by = value_get_text(input, "startedBy");
	const char *launch_type = value_get_text(input, "launchType");
	g_autofree char *name = service ? ecs_name(service, "service") : NULL;
	g_autofree char *group = name ? g_strconcat("service:", name, NULL) : NULL;
	return g_strcmp0(value_get_text(task, "desiredStatus"), status) == 0 &&
	       (!family || is_family(task, family)) &&
	       (!group || g_strcmp0(value_get_text(task, "group"), group) == 0) &&
	       (!started_by || g_strcmp0(value_get_text(task, "startedBy"), started_by) == 0) &&
	       (!launch_type || g_strcmp0(value_get_text(task, "launchType"), launch_type) == 0);
}

Value ecs_list_tasks(RegionCall *call, Value input, GError **error) {
	g_auto(Value) cluster = ecs_cluster_find(call, value_get_text(input, "cluster"), error);
	if (value_is_null(cluster))
		return VALUE_NOTHING;
	g_autofree char *prefix = g_strconcat(value_get_text(cluster, "clusterName"), "/", NULL);
	const char *service = value_get_text(input, "serviceName");
	g_autofree char *name = service ? ecs_name(service, "service") : NULL;
	g_autofree char *service_id = name ? g_strconcat(prefix, name, NULL) : NULL;
	if (service_id &&
		!store_has(region_store(call->region), call->scope, ECS_SERVICES, service_id)) {
		wire_error_set(error, "ServiceNotFoundException", "Service not found.");
		return VALUE_NOTHING;
	}
	g_autoptr(ValueBuilder) arns = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(call->region), call->scope, ECS_TASKS, prefix);
	const char *id;
	Value task;
	/* A container instance has none: there are no instances. */
	while (!value_has(input, "containerInstance") && store_iter_next(&iter, &id, &task))
		if (is_listed(task, input))
			value_builder_add_take(arns, value_ref(value_get(task, "taskArn")));
	g_auto(Value) all = value_builder_end(g_steal_pointer(&arns));
	return ecs_page(call, input, "taskArns", all, 100, error);
}
