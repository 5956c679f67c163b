/*
 * Container definitions: checked as RegisterTaskDefinition checks them, and completed with what ECS
 * itself adds. What this region cannot run is refused here, by name, so that nothing is registered
 * that would run differently from what it says.
 */
#include <string.h>

#include "region/services/ecs/internal.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

typedef struct {
	Value task; /* RegisterTaskDefinition's input */
	Value containers;
	gboolean awsvpc, fargate;
} Check;

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean refuse(GError **error, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	wire_error_set(error, "ClientException", "%s", message);
	return FALSE;
}

static gboolean is_set(Value value) {
	if (value_is_sequence(value) || value_is_mapping(value))
		return value_length(value) > 0;
	return !value_is_null(value);
}

/* ---- what is not implemented, or not on Fargate ---- */

static gboolean check_implemented(Value container, const char *name, GError **error) {
	static const char *const missing[] = {"credentialSpecs", "environmentFiles",
		"firelensConfiguration", "repositoryCredentials", "resourceRequirements",
		"disableNetworking", NULL};
	for (guint i = 0; missing[i]; i++) {
		Value value = value_get(container, missing[i]);
		gboolean off = value_kind(value) == VALUE_BOOL && !value_to_bool(value);
		if (is_set(value) && !off)
			return refuse(error, "Terrarium does not implement %s (container '%s').",
				missing[i], name);
	}
	if (value_get_bool(value_get(container, "restartPolicy"), "enabled"))
		return refuse(error, "Terrarium does not implement restartPolicy (container '%s').",
			name);
	return TRUE;
}

static gboolean check_fargate(Value container, GError **error) {
	static const char *const never[] = {"links", "dockerSecurityOptions", NULL};
	static const char *const linux_never[] = {
		"devices", "maxSwap", "swappiness", "sharedMemorySize", NULL};
	for (guint i = 0; never[i]; i++)
		if (is_set(value_get(container, never[i])))
			return refuse(error,
				"Fargate compatible task definitions do not support %s", never[i]);
	if (value_get_bool(container, "privileged"))
		return refuse(error, "Fargate compatible task definitions do not support "
				     "privileged containers");
	Value parameters = value_get(container, "linuxParameters");
	for (guint i = 0; linux_never[i]; i++)
		if (is_set(value_get(parameters, linux_never[i])))
			return refuse(error,
				"Fargate compatible task definitions do not support %s",
				linux_never[i]);
	Value add = value_get_path(parameters, "capabilities", "add", NULL);
	for (gsize i = 0; i < value_length(add); i++)
		if (g_strcmp0(value_text(value_at(add, i)), "SYS_PTRACE") != 0)
			return refuse(error, "Fargate compatible task definitions only support "
					     "adding the SYS_PTRACE capability");
	return TRUE;
}

static gboolean check_network(Value container, GError **error) {
	if (is_set(value_get(container, "links")))
		return refuse(error, "Links are not supported when networkMode=awsvpc.");
	if (is_set(value_get(container, "hostname")))
		return refuse(error, "Host names are not supported when networkMode=awsvpc.");
	return TRUE;
}

/* ---- parts ---- */

static gboolean check_ports(const Check *check, Value container, GError **error) {
	Value ports = value_get(container, "portMappings");
	for (gsize i = 0; i < value_length(ports); i++) {
		Value port = value_at(ports, i);
		gint64 inner = value_get_int(port, "containerPort", -1);
		gint64 outer = value_get_int(port, "hostPort", 0);
		if (is_set(value_get(port, "containerPortRange")))
			return refuse(error, "Terrarium does not implement containerPortRange.");
		if (inner < 1 || inner > 65535)
			return refuse(error,
				"Invalid container port %" G_GINT64_FORMAT
				". Ports must be between 1 and 65535.",
				inner);
		if (check->awsvpc && outer != 0 && outer != inner)
			return refuse(error,
				"When networkMode=awsvpc, the host ports and container ports in "
				"port mappings must match.");
	}
	return TRUE;
}

static gboolean check_awslogs(Value options, gboolean fargate, GError **error) {
	static const char *const known[] = {"awslogs-group", "awslogs-region",
		"awslogs-stream-prefix", "awslogs-create-group", "awslogs-datetime-format",
		"awslogs-multiline-pattern", "mode", "max-buffer-size", NULL};
	const char *key;
	Value value;
	ValueIter iter;
	for (value_iter_init(&iter, options); value_iter_next(&iter, &key, &value);)
		if (!g_strv_contains(known, key))
			return refuse(error, "Log driver awslogs disallows options: %s", key);
	if (!value_get_text(options, "awslogs-group"))
		return refuse(error, "Log driver awslogs requires options: awslogs-group");
	if (!value_get_text(options, "awslogs-region"))
		return refuse(error, "Log driver awslogs requires options: awslogs-region");
	if (fargate && !value_get_text(options, "awslogs-stream-prefix"))
		return refuse(error, "Log driver awslogs requires options: awslogs-stream-prefix");
	return TRUE;
}

static gboolean check_log(const Check *check, Value container, GError **error) {
	Value log = value_get(container, "logConfiguration");
	if (value_is_null(log))
		return TRUE;
	const char *driver = value_text_or(value_get(log, "logDriver"), "");
	if (!g_str_equal(driver, "awslogs"))
		return refuse(error, "Terrarium does not implement the log driver %s.", driver);
	if (!check_awslogs(value_get(log, "options"), check->fargate, error))
		return FALSE;
	if (check->fargate && !value_get_text(check->task, "executionRoleArn"))
		return refuse(error, "Fargate requires task definition to have execution role ARN "
				     "to support log driver awslogs.");
	return TRUE;
}

static gboolean check_secrets(const Check *check, Value container, GError **error) {
	Value secrets = value_get(container, "secrets");
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	Value environment = value_get(container, "environment");
	for (gsize i = 0; i < value_length(environment); i++) {
		const char *name = value_get_text(value_at(environment, i), "name");
		if (name)
			g_hash_table_add(names, (gpointer)name);
	}
	for (gsize i = 0; i < value_length(secrets); i++) {
		const char *name = value_get_text(value_at(secrets, i), "name");
		if (!g_hash_table_add(names, (gpointer)name))
			return refuse(error,
				"The secret name must be unique and not shared with any new or "
				"existing environment variables set on the container, such as "
				"'%s'.",
				name);
	}
	if (value_length(secrets) > 0 && check->fargate &&
		!value_get_text(check->task, "executionRoleArn"))
		return refuse(error, "When you are specifying container secrets, you must also "
				     "specify a value for 'executionRoleArn'.");
	return TRUE;
}

static gboolean has_named(Value list, const char *name) {
	for (gsize i = 0; i < value_length(list); i++)
		if (g_strcmp0(value_get_text(value_at(list, i), "name"), name) == 0)
			return TRUE;
	return FALSE;
}

static gboolean check_mounts(const Check *check, Value container, GError **error) {
	Value mounts = value_get(container, "mountPoints");
	for (gsize i = 0; i < value_length(mounts); i++) {
		const char *volume = value_get_text(value_at(mounts, i), "sourceVolume");
		if (!has_named(value_get(check->task, "volumes"), volume))
			return refuse(error, "Unknown volume '%s'.", volume ? volume : "");
		if (!value_get_text(value_at(mounts, i), "containerPath"))
			return refuse(error, "Container path should not be null or empty.");
	}
	Value from = value_get(container, "volumesFrom");
	for (gsize i = 0; i < value_length(from); i++) {
		const char *source = value_get_text(value_at(from, i), "sourceContainer");
		if (!has_named(check->containers, source))
			return refuse(error, "Unknown container '%s' in volumesFrom.",
				source ? source : "");
	}
	return TRUE;
}

static gboolean check_health(Value container, const char *name, GError **error) {
	static const struct {
		const char *member;
		gint64 least, most;
	} bounds[] = {{"interval", 5, 300}, {"timeout", 2, 60}, {"retries", 1, 10},
		{"startPeriod", 0, 300}};
	Value health = value_get(container, "healthCheck");
	if (value_is_null(health))
		return TRUE;
	const char *kind = value_text_or(value_at(value_get(health, "command"), 0), "");
	if (!g_str_equal(kind, "CMD") && !g_str_equal(kind, "CMD-SHELL") &&
		!g_str_equal(kind, "NONE"))
		return refuse(
			error, "Invalid health check command specified for container '%s'.", name);
	for (guint i = 0; i < G_N_ELEMENTS(bounds); i++) {
		gint64 value = value_get_int(health, bounds[i].member, bounds[i].least);
		if (value < bounds[i].least || value > bounds[i].most)
			return refuse(error,
				"Invalid healthCheck %s for container '%s'. It must be between "
				"%" G_GINT64_FORMAT " and %" G_GINT64_FORMAT ".",
				bounds[i].member, name, bounds[i].least, bounds[i].most);
	}
	return TRUE;
}

/* ---- dependsOn ---- */

static Value find_container(Value containers, const char *name) {
	for (gsize i = 0; i < value_length(containers); i++)
		if (g_strcmp0(value_get_text(value_at(containers, i), "name"), name) == 0)
			return value_at(containers, i);
	return VALUE_NOTHING;
}

/* Does `name` wait for itself, within as many steps as there are containers? */
static gboolean reaches(Value containers, const char *from, const char *name, gsize steps) {
	Value depends = value_get(find_container(containers, from), "dependsOn");
	for (gsize i = 0; steps > 0 && i < value_length(depends); i++) {
		const char *next = value_get_text(value_at(depends, i), "containerName");
		if (g_strcmp0(next, name) == 0 || reaches(containers, next, name, steps - 1))
			return TRUE;
	}
	return FALSE;
}

static gboolean is_essential(Value container) {
	Value essential = value_get(container, "essential");
	return value_is_null(essential) || value_to_bool(essential);
}

static gboolean check_depends(
	const Check *check, Value container, const char *name, GError **error) {
	Value depends = value_get(container, "dependsOn");
	for (gsize i = 0; i < value_length(depends); i++) {
		const char *other = value_get_text(value_at(depends, i), "containerName");
		const char *condition =
			value_text_or(value_get(value_at(depends, i), "condition"), "");
		Value found = find_container(check->containers, other);
		if (value_is_null(found))
			return refuse(error,
				"Container '%s' has a dependency on container '%s' which does not "
				"exist.",
				name, other);
		if (g_str_equal(condition, "HEALTHY") && !value_has(found, "healthCheck"))
			return refuse(error,
				"Container '%s' depends on container '%s' being HEALTHY, but it "
				"has no health check.",
				name, other);
		if ((g_str_equal(condition, "SUCCESS") || g_str_equal(condition, "COMPLETE")) &&
			is_essential(found))
			return refuse(error,
				"A container dependency on an essential container cannot have the "
				"condition %s: '%s'.",
				condition, other);
	}
	if (reaches(check->containers, name, name, value_length(check->containers)))
		return refuse(error, "Container '%s' has a circular dependency.", name);
	return TRUE;
}

/* ---- a container ---- */

static gboolean check_name(const Check *check, Value container, gsize index, GError **error) {
	const char *name = value_get_text(container, "name");
	if (!name || !*name)
		return refuse(error, "Container.name should not be null or empty.");
	if (strlen(name) > 255 || name[strspn(name, NAME_CHARACTERS)])
		return refuse(error,
			"Invalid container name '%s'. Up to 255 letters, numbers, "
			"hyphens, and underscores are allowed.",
			name);
	for (gsize i = 0; i < index; i++)
		if (g_strcmp0(value_get_text(value_at(check->containers, i), "name"), name) == 0)
			return refuse(error, "Container names must be unique: '%s'.", name);
	const char *image = value_get_text(container, "image");
	if (!image || !*image)
		return refuse(error, "Container.image should not be null or empty.");
	return TRUE;
}

/* Images of the account's own registry are pulled with the execution role. */
static gboolean check_image(const Check *check, Value container, GError **error) {
	const char *image = value_get_text(container, "image");
	g_autofree char *host = g_strndup(image, strcspn(image, "/"));
	if (check->fargate && strstr(host, ".dkr.ecr.") &&
		!value_get_text(check->task, "executionRoleArn"))
		return refuse(error, "Fargate requires task definition to have execution role ARN "
				     "to support ECR images.");
	return TRUE;
}

static gboolean check_memory(
	const Check *check, Value container, const char *name, GError **error) {
	gint64 memory = value_get_int(container, "memory", 0);
	gint64 reservation = value_get_int(container, "memoryReservation", 0);
	if (memory == 0 && reservation == 0 && !value_has(check->task, "memory"))
		return refuse(error,
			"Invalid setting for container '%s'. At least one of 'memory' or "
			"'memoryReservation' must be specified.",
			name);
	if (memory > 0 && reservation > memory)
		return refuse(error,
			"Invalid setting for container '%s'. 'memory' must be greater than "
			"'memoryReservation'.",
			name);
	return TRUE;
}

static gboolean check_container(const Check *check, gsize index, GError **error) {
	Value container = value_at(check->containers, index);
	if (!check_name(check, container, index, error))
		return FALSE;
	const char *name = value_get_text(container, "name");
	return check_implemented(container, name, error) &&
	       (!check->awsvpc || check_network(container, error)) &&
	       (!check->fargate || check_fargate(container, error)) &&
	       check_memory(check, container, name, error) &&
	       check_ports(check, container, error) && check_mounts(check, container, error) &&
	       check_secrets(check, container, error) && check_health(container, name, error) &&
	       check_depends(check, container, name, error) &&
	       check_image(check, container, error) && check_log(check, container, error);
}

/* ---- sums over all of them ---- */

static gint64 task_size(const Check *check, const char *member) {
	return g_ascii_strtoll(value_text_or(value_get(check->task, member), "0"), NULL, 10);
}

static gboolean check_sums(const Check *check, GError **error) {
	gint64 cpu = 0, task_cpu = task_size(check, "cpu");
	gint64 memory = 0, task_memory = task_size(check, "memory");
	gboolean essential = FALSE;
	for (gsize i = 0; i < value_length(check->containers); i++) {
		Value container = value_at(check->containers, i);
		cpu += value_get_int(container, "cpu", 0);
		gint64 reservation = value_get_int(container, "memoryReservation", 0);
		memory += reservation > 0 ? reservation : value_get_int(container, "memory", 0);
		essential = essential || is_essential(container);
		if (task_memory > 0 && value_get_int(container, "memory", 0) > task_memory)
			return refuse(error,
				"Invalid setting for container '%s'. 'memory' is greater than the "
				"memory of the task.",
				value_get_text(container, "name"));
	}
	if (!essential)
		return refuse(error, "At least one container must be marked as essential.");
	if (task_cpu > 0 && cpu > task_cpu)
		return refuse(error, "The sum of the containers' cpu is greater than the cpu of "
				     "the task.");
	if (task_memory > 0 && memory > task_memory)
		return refuse(error, "The sum of the containers' memory is greater than the memory "
				     "of the task.");
	return TRUE;
}

/* ---- completing ---- */

static Value complete_ports(Value ports, gboolean awsvpc) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(ports); i++) {
		Value port = value_ref(value_at(ports, i));
		if (!value_has(port, "protocol"))
			port = value_with_take(port, "protocol", value_string("tcp"));
		if (awsvpc)
			port = value_with_take(
				port, "hostPort", value_ref(value_get(port, "containerPort")));
		else if (!value_has(port, "hostPort"))
			port = value_with_take(port, "hostPort", value_int(0));
		value_builder_add_take(all, port);
	}
	return value_builder_end(g_steal_pointer(&all));
}

static Value complete_health(Value health) {
	g_auto(Value) defaults = value_object_take(
		"interval", value_int(30), "timeout", value_int(5), "retries", value_int(3), NULL);
	return value_merge(defaults, health);
}

/* What ECS adds to a container definition; nothing else, or Terraform would see a difference. */
static Value complete(Value container, gboolean awsvpc) {
	g_auto(Value) defaults = value_object_take("cpu", value_int(0), "essential",
		value_bool(TRUE), "environment", value_empty_tuple(), "mountPoints",
		value_empty_tuple(), "portMappings", value_empty_tuple(), "volumesFrom",
		value_empty_tuple(), "systemControls", value_empty_tuple(), NULL);
	g_auto(Value) whole = value_merge(defaults, container);
	whole = value_with_take(value_steal(&whole), "portMappings",
		complete_ports(value_get(container, "portMappings"), awsvpc));
	if (value_has(container, "healthCheck"))
		whole = value_with_take(value_steal(&whole), "healthCheck",
			complete_health(value_get(container, "healthCheck")));
	return value_steal(&whole);
}

Value ecs_container_definitions(Value input, gboolean fargate, GError **error) {
	Check check = {.task = input,
		.containers = value_get(input, "containerDefinitions"),
		.awsvpc = g_strcmp0(value_get_text(input, "networkMode"), "awsvpc") == 0,
		.fargate = fargate};
	if (value_length(check.containers) == 0) {
		refuse(error, "Container list cannot be empty.");
		return VALUE_NOTHING;
	}
	if (value_length(check.containers) > 10) {
		refuse(error, "Too many containers.");
		return VALUE_NOTHING;
	}
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(check.containers); i++) {
		if (!check_container(&check, i, error))
			return VALUE_NOTHING;
		value_builder_add_take(all, complete(value_at(check.containers, i), check.awsvpc));
	}
	if (!check_sums(&check, error))
		return VALUE_NOTHING;
	return value_builder_end(g_steal_pointer(&all));
}
