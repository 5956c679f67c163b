/*
 * Task definitions: families of immutable, numbered revisions. Registered here with AWS's checks
 * (which processor and memory sizes Fargate has), found by family, family:revision or ARN.
 */
#include <string.h>

#include "region/services/ecs/internal.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* ---- finding ---- */

static char *store_id(const char *family, gint64 revision) {
	return g_strdup_printf("%s %010" G_GINT64_FORMAT, family, revision);
}

/* "family:3" to its parts; *revision 0 if there is none. */
static char *parse(const char *text, gint64 *revision) {
	g_autofree char *name = ecs_name(text, "task-definition");
	const char *colon = strchr(name, ':');
	*revision = colon ? g_ascii_strtoll(colon + 1, NULL, 10) : 0;
	return g_strndup(name, colon ? (gsize)(colon - name) : strlen(name));
}

static gboolean is_status(Value definition, const char *status) {
	return g_strcmp0(value_get_text(definition, "status"), status) == 0;
}

static Value latest_active(Region *region, StoreScope scope, const char *family) {
	g_autofree char *prefix = g_strconcat(family, " ", NULL);
	g_auto(Value) latest = VALUE_NOTHING;
	const char *id;
	Value definition;
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), scope, ECS_TASK_DEFINITIONS, prefix);
	while (store_iter_next(&iter, &id, &definition))
		if (is_status(definition, "ACTIVE")) {
			value_clear(&latest);
			latest = value_ref(definition);
		}
	return value_steal(&latest);
}

Value ecs_task_definition_get(Region *region, StoreScope scope, const char *task_definition) {
	gint64 revision;
	g_autofree char *family = parse(task_definition, &revision);
	if (revision == 0)
		return latest_active(region, scope, family);
	g_autofree char *id = store_id(family, revision);
	return store_get(region_store(region), scope, ECS_TASK_DEFINITIONS, id);
}

static void put(RegionCall *call, Value definition) {
	g_autofree char *id = store_id(
		value_get_text(definition, "family"), value_get_int(definition, "revision", 0));
	store_put(region_store(call->region), call->scope, ECS_TASK_DEFINITIONS, id, definition);
}

/* ---- sizes ---- */

/* Fargate's: from `least` to `most` MiB in `step`s, and 512 for the smallest. */
static const struct {
	gint64 cpu, least, most, step;
} fargate_sizes[] = {
	{256, 1024, 2048, 1024},
	{512, 1024, 4096, 1024},
	{1024, 2048, 8192, 1024},
	{2048, 4096, 16384, 1024},
	{4096, 8192, 30720, 1024},
	{8192, 16384, 61440, 4096},
	{16384, 32768, 122880, 8192},
};

static gboolean is_fargate_size(gint64 cpu, gint64 memory) {
	for (guint i = 0; i < G_N_ELEMENTS(fargate_sizes); i++) {
		if (fargate_sizes[i].cpu != cpu)
			continue;
		if (cpu == 256 && memory == 512)
			return TRUE;
		return memory >= fargate_sizes[i].least && memory <= fargate_sizes[i].most &&
		       (memory - fargate_sizes[i].least) % fargate_sizes[i].step == 0;
	}
	return FALSE;
}

/* "1024", or "1 vCPU", ".5 vcpu", "2GB" in units of 1/1024. -1: not a size. */
static gint64 parse_size(const char *text, const char *unit) {
	char *end;
	double number = g_ascii_strtod(text, &end);
	if (end == text || number <= 0)
		return -1;
	while (*end == ' ')
		end++;
	if (!*end)
		return number == (double)(gint64)number ? (gint64)number : -1;
	return g_ascii_strcasecmp(end, unit) == 0 ? (gint64)(number * 1024) : -1;
}

/* The input with cpu and memory as plain numbers. Takes it. */
static Value normal_size_take(Value input, const char *member, const char *unit, GError **error) {
	const char *text = value_get_text(input, member);
	if (!text)
		return input;
	gint64 size = parse_size(text, unit);
	if (size < 0) {
		wire_error_set(error, "ClientException", "Invalid '%s' setting for task.", member);
		return input;
	}
	return value_with_take(input, member, value_string_printf("%" G_GINT64_FORMAT, size));
}

static gint64 size_of(Value input, const char *member) {
	return g_ascii_strtoll(value_text_or(value_get(input, member), "0"), NULL, 10);
}

/* ---- checks ---- */

static gboolean refuse(GError **error, const char *message) {
	wire_error_set(error, "ClientException", "%s", message);
	return FALSE;
}

static gboolean check_fargate(Value input, GError **error) {
	if (!value_has(input, "cpu"))
		return refuse(error, "Fargate requires that 'cpu' be defined at the task level.");
	if (!value_has(input, "memory"))
		return refuse(
			error, "Fargate requires that 'memory' be defined at the task level.");
	if (g_strcmp0(value_get_text(input, "networkMode"), "awsvpc") != 0)
		return refuse(error, "Fargate only supports network mode ‘awsvpc’.");
	if (is_fargate_size(size_of(input, "cpu"), size_of(input, "memory")))
		return TRUE;
	wire_error_set(error, "ClientException",
		"No Fargate configuration exists for given values: %s CPU, %s memory. See the "
		"Amazon ECS documentation for the valid values.",
		value_get_text(input, "cpu"), value_get_text(input, "memory"));
	return FALSE;
}

static gboolean check_volumes(Value volumes, gboolean fargate, GError **error) {
	static const char *const missing[] = {"efsVolumeConfiguration", "dockerVolumeConfiguration",
		"fsxWindowsFileServerVolumeConfiguration", "s3filesVolumeConfiguration", NULL};
	for (gsize i = 0; i < value_length(volumes); i++) {
		Value volume = value_at(volumes, i);
		const char *name = value_get_text(volume, "name");
		if (!name || !*name)
			return refuse(error, "Volume.name should not be null or empty.");
		for (guint each = 0; missing[each]; each++)
			if (value_has(volume, missing[each])) {
				wire_error_set(error, "ClientException",
					"Terrarium does not implement %s (volume '%s').",
					missing[each], name);
				return FALSE;
			}
		if (value_get_bool(volume, "configuredAtLaunch"))
			return refuse(error, "Terrarium does not implement volumes that are "
					     "configured at launch.");
		if (fargate && value_get_text(value_get(volume, "host"), "sourcePath"))
			return refuse(error,
				"Fargate compatible task definitions do not support sourcePath");
	}
	return TRUE;
}

static gboolean check_implemented(Value input, gboolean fargate, GError **error) {
	static const char *const missing[] = {"proxyConfiguration", "inferenceAccelerators",
		"ipcMode", "pidMode", "trustedExecutionConfiguration", NULL};
	for (guint i = 0; missing[i]; i++) {
		Value value = value_get(input, missing[i]);
		if (!value_is_null(value) &&
			(!value_is_sequence(value) || value_length(value) > 0)) {
			wire_error_set(error, "ClientException", "Terrarium does not implement %s.",
				missing[i]);
			return FALSE;
		}
	}
	if (value_get_bool(input, "enableFaultInjection"))
		return refuse(error, "Terrarium does not implement enableFaultInjection.");
	const char *family =
		value_get_text(value_get(input, "runtimePlatform"), "operatingSystemFamily");
	if (family && !g_str_equal(family, "LINUX"))
		return refuse(error, "Terrarium runs the operating system family LINUX only.");
	gint64 storage = value_get_int(value_get(input, "ephemeralStorage"), "sizeInGiB", 21);
	if (storage < 21 || storage > 200)
		return refuse(error, "The ephemeral storage size must be between 21 and 200 GiB.");
	return !fargate || value_length(value_get(input, "placementConstraints")) == 0 ||
	       refuse(error, "Fargate compatible task definitions do not support "
			     "placementConstraints");
}

static gboolean check(Value input, gboolean fargate, GError **error) {
	const char *family = value_get_text(input, "family");
	if (!*family || strlen(family) > 255 || family[strspn(family, NAME_CHARACTERS)])
		return refuse(error, "Family contains invalid characters. Up to 255 letters, "
				     "numbers, hyphens, and underscores are allowed.");
	static const char *const roles[] = {"taskRoleArn", "executionRoleArn"};
	for (guint i = 0; i < G_N_ELEMENTS(roles); i++) {
		const char *role = value_get_text(input, roles[i]);
		if (role && g_str_has_prefix(role, "arn:") &&
			!region_arn_parse(role, NULL, NULL, NULL, NULL))
			return refuse(error, "Role is not valid");
	}
	return (!fargate || check_fargate(input, error)) &&
	       check_volumes(value_get(input, "volumes"), fargate, error) &&
	       check_implemented(input, fargate, error);
}

/* ---- registering ---- */

static Value compatibilities(Value input) {
	gboolean awsvpc = g_strcmp0(value_get_text(input, "networkMode"), "awsvpc") == 0;
	if (awsvpc && is_fargate_size(size_of(input, "cpu"), size_of(input, "memory")))
		return value_tuple_take(2, value_string("EC2"), value_string("FARGATE"));
	if (awsvpc)
		return value_tuple_take(1, value_string("EC2"));
	return value_tuple_take(2, value_string("EXTERNAL"), value_string("EC2"));
}

/* A role by its name is as good as its ARN, and comes back as that. Takes the input. */
static Value full_role_take(RegionCall *call, Value input, const char *member) {
	const char *role = value_get_text(input, member);
	if (!role || g_str_has_prefix(role, "arn:"))
		return input;
	g_autofree char *arn = region_arn(call->global, "iam", "role/%s", role);
	return value_with_take(input, member, value_string(arn));
}

static Value make(RegionCall *call, Value input, Value containers_taken) {
	static const char *const members[] = {"family", "taskRoleArn", "executionRoleArn",
		"networkMode", "cpu", "memory", "runtimePlatform", "ephemeralStorage",
		"requiresCompatibilities", "enableFaultInjection", NULL};
	const char *family = value_get_text(input, "family");
	g_autofree char *counter = g_strdup_printf("%s/%s", ECS_TASK_DEFINITIONS, family);
	gint64 revision = store_next(region_store(call->region), call->scope, counter);
	g_autofree char *arn = region_arn(
		call->scope, "ecs", "task-definition/%s:%" G_GINT64_FORMAT, family, revision);
	Value volumes = value_get(input, "volumes"),
	      constraints = value_get(input, "placementConstraints");
	g_auto(Value) picked = ecs_pick(input, members);
	g_auto(Value) own = value_object_take("taskDefinitionArn", value_string(arn), "revision",
		value_int(revision), "status", value_string("ACTIVE"), "containerDefinitions",
		containers_taken, "compatibilities", compatibilities(input), "volumes",
		value_is_null(volumes) ? value_empty_tuple() : value_ref(volumes),
		"placementConstraints",
		value_is_null(constraints) ? value_empty_tuple() : value_ref(constraints),
		"registeredAt", region_timestamp(call->region), "registeredBy",
		value_string(call->principal_arn), NULL);
	return value_merge(picked, own);
}

/* The input as it is kept: sizes as plain numbers, roles as ARNs. */
static Value normal(RegionCall *call, Value input, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) whole = normal_size_take(value_ref(input), "cpu", "vcpu", &local);
	if (!local)
		whole = normal_size_take(value_steal(&whole), "memory", "gb", &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	whole = full_role_take(call, value_steal(&whole), "taskRoleArn");
	return full_role_take(call, value_steal(&whole), "executionRoleArn");
}

Value ecs_register_task_definition(RegionCall *call, Value given, GError **error) {
	g_auto(Value) input = normal(call, given, error);
	gboolean fargate = ecs_has_word(value_get(input, "requiresCompatibilities"), "FARGATE");
	if (value_is_null(input) || !check(input, fargate, error))
		return VALUE_NOTHING;
	g_auto(Value) containers = ecs_container_definitions(input, fargate, error);
	if (value_is_null(containers))
		return VALUE_NOTHING;
	g_auto(Value) definition = make(call, input, value_steal(&containers));
	const char *arn = value_get_text(definition, "taskDefinitionArn");
	if (!ecs_tags_create(call, arn, value_get(input, "tags"), error))
		return VALUE_NOTHING;
	put(call, definition);
	return value_object_take("taskDefinition", value_ref(definition), "tags",
		ecs_tags(call->region, call->scope, arn), NULL);
}

/* ---- describing, deregistering, deleting ---- */

Value ecs_describe_task_definition(RegionCall *call, Value input, GError **error) {
	g_auto(Value) definition = ecs_task_definition_get(
		call->region, call->scope, value_get_text(input, "taskDefinition"));
	if (value_is_null(definition)) {
		wire_error_set(error, "ClientException", "Unable to describe task definition.");
		return VALUE_NOTHING;
	}
	const char *arn = value_get_text(definition, "taskDefinitionArn");
	gboolean tags = ecs_has_word(value_get(input, "include"), "TAGS");
	return value_object_take("taskDefinition", value_ref(definition), "tags",
		tags ? ecs_tags(call->region, call->scope, arn) : VALUE_NOTHING, NULL);
}

Value ecs_deregister_task_definition(RegionCall *call, Value input, GError **error) {
	const char *name = value_get_text(input, "taskDefinition");
	gint64 revision;
	g_autofree char *family = parse(name, &revision);
	if (revision == 0) {
		wire_error_set(error, "InvalidParameterException",
			"A revision must be specified: %s", name);
		return VALUE_NOTHING;
	}
	g_auto(Value) definition = ecs_task_definition_get(call->region, call->scope, name);
	if (value_is_null(definition)) {
		wire_error_set(
			error, "ClientException", "The specified task definition does not exist.");
		return VALUE_NOTHING;
	}
	if (is_status(definition, "DELETE_IN_PROGRESS")) {
		wire_error_set(error, "ClientException",
			"The specified task definition is in the process of being deleted.");
		return VALUE_NOTHING;
	}
	if (is_status(definition, "ACTIVE")) {
		definition = value_with_take(
			value_steal(&definition), "status", value_string("INACTIVE"));
		definition = value_with_take(
			value_steal(&definition), "deregisteredAt", region_timestamp(call->region));
		put(call, definition);
	}
	return value_object_take("taskDefinition", value_steal(&definition), NULL);
}

/* Is the revision in use by a service's deployment or a task that runs? */
static gboolean in_use(RegionCall *call, const char *arn) {
	static const char *const kinds[] = {ECS_SERVICES, ECS_TASKS};
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		const char *id;
		Value object;
		g_auto(StoreIter) iter =
			store_iter(region_store(call->region), call->scope, kinds[i]);
		while (store_iter_next(&iter, &id, &object)) {
			const char *used = value_get_text(
				object, i == 0 ? "taskDefinition" : "taskDefinitionArn");
			const char *status =
				value_get_text(object, i == 0 ? "status" : "lastStatus");
			if (g_strcmp0(used, arn) == 0 && g_strcmp0(status, "INACTIVE") != 0 &&
				g_strcmp0(status, "STOPPED") != 0)
				return TRUE;
		}
	}
	return FALSE;
}

/* Deletes an inactive revision: at once if nothing uses it, else it is DELETE_IN_PROGRESS. Returns
 * it, or VALUE_NOTHING and *reason. */
static Value delete_one(RegionCall *call, const char *name, const char **reason) {
	g_auto(Value) definition = ecs_task_definition_get(call->region, call->scope, name);
	*reason = value_is_null(definition)	    ? "MISSING"
		  : is_status(definition, "ACTIVE") ? "The specified task definition is still in "
						      "ACTIVE status. Please deregister the "
						      "target and try again."
						    : NULL;
	if (*reason)
		return VALUE_NOTHING;
	const char *arn = value_get_text(definition, "taskDefinitionArn");
	g_autofree char *id = store_id(
		value_get_text(definition, "family"), value_get_int(definition, "revision", 0));
	gboolean used = in_use(call, arn);
	definition = value_with_take(
		value_steal(&definition), "status", value_string("DELETE_IN_PROGRESS"));
	definition = value_with_take(
		value_steal(&definition), "deleteRequestedAt", region_timestamp(call->region));
	if (used) {
		put(call, definition);
	} else {
		region_tags_clear(
			call->region, call->scope, value_get_text(definition, "taskDefinitionArn"));
		store_delete(region_store(call->region), call->scope, ECS_TASK_DEFINITIONS, id);
	}
	return value_steal(&definition);
}

Value ecs_delete_task_definitions(RegionCall *call, Value input, GError **error) {
	Value names = value_get(input, "taskDefinitions");
	g_autoptr(ValueBuilder) deleted = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(ValueBuilder) failures = value_builder_new(VALUE_TUPLE, NULL);
	if (value_length(names) < 1 || value_length(names) > 10) {
		wire_error_set(error, "InvalidParameterException",
			"Between 1 and 10 task definitions can be deleted in one call.");
		return VALUE_NOTHING;
	}
	for (gsize i = 0; i < value_length(names); i++) {
		const char *name = value_text_or(value_at(names, i), ""), *reason;
		Value definition = delete_one(call, name, &reason);
		if (reason)
			value_builder_add_take(failures, ecs_failure(name, reason));
		else
			value_builder_add_take(deleted, definition);
	}
	return value_object_take("taskDefinitions", value_builder_end(g_steal_pointer(&deleted)),
		"failures", value_builder_end(g_steal_pointer(&failures)), NULL);
}

/* ---- lists ---- */

static Value reversed(Value items) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = value_length(items); i > 0; i--)
		value_builder_add_take(all, value_ref(value_at(items, i - 1)));
	return value_builder_end(g_steal_pointer(&all));
}

Value ecs_list_task_definitions(RegionCall *call, Value input, GError **error) {
	const char *status = value_text_or(value_get(input, "status"), "ACTIVE");
	const char *family = value_get_text(input, "familyPrefix");
	g_autoptr(ValueBuilder) arns = value_builder_new(VALUE_TUPLE, NULL);
	const char *id;
	Value definition;
	g_auto(StoreIter) iter =
		store_iter(region_store(call->region), call->scope, ECS_TASK_DEFINITIONS);
	while (store_iter_next(&iter, &id, &definition))
		if (is_status(definition, status) &&
			(!family || g_str_equal(family, value_get_text(definition, "family"))))
			value_builder_add_take(
				arns, value_ref(value_get(definition, "taskDefinitionArn")));
	g_auto(Value) all = value_builder_end(g_steal_pointer(&arns));
	g_auto(Value) ordered = g_strcmp0(value_get_text(input, "sort"), "DESC") == 0
					? reversed(all)
					: value_ref(all);
	return ecs_page(call, input, "taskDefinitionArns", ordered, 100, error);
}

/* A family is ACTIVE if it has an active revision. */
Value ecs_list_task_definition_families(RegionCall *call, Value input, GError **error) {
	const char *status = value_text_or(value_get(input, "status"), "ALL");
	const char *prefix = value_text_or(value_get(input, "familyPrefix"), "");
	g_autoptr(ValueBuilder) families = value_builder_new(VALUE_TUPLE, NULL);
	g_autofree char *last = NULL;
	const char *id;
	Value definition;
	g_auto(StoreIter) iter = store_iter_prefix(
		region_store(call->region), call->scope, ECS_TASK_DEFINITIONS, prefix);
	while (store_iter_next(&iter, &id, &definition)) {
		const char *family = value_get_text(definition, "family");
		if (g_strcmp0(last, family) == 0)
			continue;
		g_free(last);
		last = g_strdup(family);
		g_auto(Value) active = latest_active(call->region, call->scope, family);
		if (g_str_equal(status, "ALL") ||
			g_str_equal(status, "ACTIVE") == !value_is_null(active))
			value_builder_add_take(families, value_string(family));
	}
	g_auto(Value) all = value_builder_end(g_steal_pointer(&families));
	return ecs_page(call, input, "families", all, 100, error);
}
