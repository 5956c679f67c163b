/*
 * From a task of the API to a TaskSpec of the glass: its definition with the call's overrides,
 * images resolved to what is in the registry, secrets to their values, and the environment that AWS
 * gives.
 */
#include <string.h>

#include "glass/net.h"
#include "region/services/ec2/ec2.h"
#include "region/services/ecr/ecr.h"
#include "region/services/ecs/internal.h"
#include "region/services/iam/iam.h"
#include "region/services/secretsmanager/secretsmanager.h"
#include "region/services/ssm/ssm.h"

#define API_PORT 4566

typedef struct {
	Region *region;
	StoreScope scope;
	Value task, definition, interface;
	gboolean adopting; /* its containers run already */
	ValueBuilder *images; /* container -> digest */
} Launch;

/* ---- texts ---- */

/* A sequence of texts as a string array, or NULL if it is empty. Caller frees. */
static char **texts(Value list) {
	if (value_length(list) == 0)
		return NULL;
	GPtrArray *all = g_ptr_array_new();
	for (gsize i = 0; i < value_length(list); i++)
		g_ptr_array_add(all, g_strdup(value_text_or(value_at(list, i), "")));
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_free(all, FALSE);
}

/* The container's override of the call, or VALUE_NOTHING. Borrowed. */
static Value override_of(const Launch *launch, const char *name) {
	Value all = value_get_path(launch->task, "overrides", "containerOverrides", NULL);
	for (gsize i = 0; i < value_length(all); i++)
		if (g_strcmp0(value_get_text(value_at(all, i), "name"), name) == 0)
			return value_at(all, i);
	return VALUE_NOTHING;
}

/* ---- what the execution role may ---- */

static gboolean role_may(const Launch *launch, const char *action, const char *resource,
	const char *what, GError **error) {
	StoreScope global = {launch->scope.account, ""};
	const char *role = ecs_task_role(launch->task, launch->definition, "executionRoleArn");
	if (role && iam_allows(launch->region, global, role, action, resource))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
		"ResourceInitializationError: unable to %s: %s is not authorized to perform %s on "
		"resource %s",
		what, role ? role : "a task definition without an execution role", action,
		resource);
	return FALSE;
}

/* ---- images ---- */

/* The digest that runs: the one looked up when the task was launched, else what the reference names
 * now. Caller frees. */
static char *image_of(const Launch *launch, Value container, GError **error) {
	const char *name = value_get_text(container, "name");
	const char *known =
		value_text(value_get_path(launch->task, ECS_INTERNAL, "images", name, NULL));
	if (known)
		return g_strdup(known);
	const char *image = value_text_or(value_get(container, "image"), "");
	return ecr_resolve(launch->region, launch->scope, image, error);
}

/* ---- environment ---- */

static void add_variable(GPtrArray *environment, const char *name, const char *value) {
	g_ptr_array_add(environment, g_strdup_printf("%s=%s", name, value ? value : ""));
}

static void add_variables(GPtrArray *environment, Value list) {
	for (gsize i = 0; i < value_length(list); i++)
		add_variable(environment, value_text_or(value_get(value_at(list, i), "name"), ""),
			value_get_text(value_at(list, i), "value"));
}

/* What AWS gives to every container; and the region's own address, where AWS needs none. */
static void add_aws(const Launch *launch, gsize index, GPtrArray *environment) {
	const char *credentials =
		value_text(value_get_path(launch->task, ECS_INTERNAL, "credentials", NULL));
	g_autofree char *metadata = g_strdup_printf("http://%s/v4/%s-%" G_GSIZE_FORMAT,
		NET_ADDRESS_TASK_METADATA, ecs_task_id(launch->task), index);
	g_autofree char *endpoint =
		g_strdup_printf("http://%s:%d", NET_ADDRESS_TASK_METADATA, API_PORT);
	add_variable(environment, "AWS_REGION", launch->scope.region);
	add_variable(environment, "AWS_DEFAULT_REGION", launch->scope.region);
	add_variable(environment, "AWS_EXECUTION_ENV", "AWS_ECS_FARGATE");
	add_variable(environment, "AWS_ENDPOINT_URL", endpoint);
	add_variable(environment, "ECS_CONTAINER_METADATA_URI_V4", metadata);
	if (credentials) {
		g_autofree char *path = g_strconcat("/v2/credentials/", credentials, NULL);
		add_variable(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", path);
	}
}

/* A parameter of Parameter Store, by ARN or plain name. Caller frees. */
static char *parameter_of(const Launch *launch, const char *from, GError **error) {
	g_autofree char *arn = ssm_parameter_arn(launch->scope, from);
	if (!role_may(launch, "ssm:GetParameters", arn, "pull secrets", error))
		return NULL;
	g_autoptr(GError) local = NULL;
	char *value = ssm_resolve(launch->region, launch->scope, from, &local);
	if (local)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"ResourceInitializationError: unable to pull secrets or registry auth: "
			"execution resource retrieval failed: unable to retrieve secrets from ssm: "
			"invalid ssm parameters: %s",
			from);
	return value;
}

/* The value behind a secret's valueFrom. Caller frees. */
static char *secret_of(const Launch *launch, const char *from, GError **error) {
	g_autofree char *service = NULL, *resource = NULL;
	if (!region_arn_parse(from, &service, NULL, NULL, &resource) ||
		!g_str_equal(service, "secretsmanager"))
		return parameter_of(launch, from, error);
	/* "secret:name-AbCdEf:key:stage:version": the secret alone is what is asked for. */
	g_auto(GStrv) parts = g_strsplit(from, ":", 8);
	g_autofree char *rest = g_strjoinv(":", parts + MIN(g_strv_length(parts), 7));
	g_autofree char *arn =
		g_strndup(from, *rest ? strlen(from) - strlen(rest) - 1 : strlen(from));
	if (!role_may(launch, "secretsmanager:GetSecretValue", arn, "pull secrets", error))
		return NULL;
	return secretsmanager_resolve(launch->region, launch->scope, from, error);
}

static gboolean add_secrets(
	const Launch *launch, GPtrArray *environment, Value secrets, GError **error) {
	for (gsize i = 0; i < value_length(secrets); i++) {
		Value each = value_at(secrets, i);
		g_autofree char *value =
			secret_of(launch, value_text_or(value_get(each, "valueFrom"), ""), error);
		if (!value)
			return FALSE;
		add_variable(environment, value_text_or(value_get(each, "name"), ""), value);
	}
	return TRUE;
}

static char **environment_of(
	const Launch *launch, gsize index, Value container, Value override, GError **error) {
	g_autoptr(GPtrArray) environment = g_ptr_array_new_with_free_func(g_free);
	add_aws(launch, index, environment);
	add_variables(environment, value_get(container, "environment"));
	/* A container that runs has its secrets: that they can be looked up no more ends nothing.
	 */
	if (!launch->adopting &&
		!add_secrets(launch, environment, value_get(container, "secrets"), error))
		return NULL;
	add_variables(environment, value_get(override, "environment"));
	g_ptr_array_add(environment, NULL);
	return g_strdupv((char **)environment->pdata);
}

/* ---- parts of a container ---- */

static void set_depends(ContainerSpec *spec, Value depends) {
	for (gsize i = 0; i < value_length(depends); i++) {
		const char *condition =
			value_text_or(value_get(value_at(depends, i), "condition"), "START");
		container_spec_depends_on(spec,
			value_get_text(value_at(depends, i), "containerName"),
			g_str_equal(condition, "COMPLETE")  ? CONTAINER_COMPLETE
			: g_str_equal(condition, "SUCCESS") ? CONTAINER_SUCCESS
			: g_str_equal(condition, "HEALTHY") ? CONTAINER_HEALTHY
							    : CONTAINER_START);
	}
}

static void set_health(ContainerSpec *spec, Value health) {
	if (value_is_null(health))
		return;
	g_auto(GStrv) command = texts(value_get(health, "command"));
	container_spec_health_check(spec, command, (int)value_get_int(health, "interval", 0),
		(int)value_get_int(health, "timeout", 0), (int)value_get_int(health, "retries", 0),
		(int)value_get_int(health, "startPeriod", 0));
}

static void set_mounts(ContainerSpec *spec, Value container) {
	Value points = value_get(container, "mountPoints");
	for (gsize i = 0; i < value_length(points); i++)
		container_spec_mount(spec, value_get_text(value_at(points, i), "sourceVolume"),
			value_get_text(value_at(points, i), "containerPath"),
			value_get_bool(value_at(points, i), "readOnly"));
	Value from = value_get(container, "volumesFrom");
	for (gsize i = 0; i < value_length(from); i++)
		container_spec_volumes_from(spec,
			value_get_text(value_at(from, i), "sourceContainer"),
			value_get_bool(value_at(from, i), "readOnly"));
}

static void set_limits(ContainerSpec *spec, Value container) {
	Value limits = value_get(container, "ulimits");
	for (gsize i = 0; i < value_length(limits); i++)
		container_spec_ulimit(spec, value_get_text(value_at(limits, i), "name"),
			value_get_int(value_at(limits, i), "softLimit", 0),
			value_get_int(value_at(limits, i), "hardLimit", 0));
	Value controls = value_get(container, "systemControls");
	g_autoptr(GPtrArray) sysctls = g_ptr_array_new();
	for (gsize i = 0; i < value_length(controls); i++)
		g_ptr_array_add(sysctls,
			g_strdup_printf("%s=%s",
				value_text_or(value_get(value_at(controls, i), "namespace"), ""),
				value_text_or(value_get(value_at(controls, i), "value"), "")));
	g_ptr_array_add(sysctls, NULL);
	spec->sysctls = (char **)g_ptr_array_free(g_steal_pointer(&sysctls), FALSE);
}

static void set_linux(ContainerSpec *spec, Value parameters) {
	Value tmpfs = value_get(parameters, "tmpfs");
	spec->init_process = value_get_bool(parameters, "initProcessEnabled");
	spec->shared_memory = (int)value_get_int(parameters, "sharedMemorySize", 0);
	spec->add_capabilities = texts(value_get_path(parameters, "capabilities", "add", NULL));
	spec->drop_capabilities = texts(value_get_path(parameters, "capabilities", "drop", NULL));
	for (gsize i = 0; i < value_length(tmpfs); i++) {
		g_auto(GStrv) options = texts(value_get(value_at(tmpfs, i), "mountOptions"));
		container_spec_tmpfs(spec, value_get_text(value_at(tmpfs, i), "containerPath"),
			(int)value_get_int(value_at(tmpfs, i), "size", 0), options);
	}
}

static void set_hosts(ContainerSpec *spec, Value hosts) {
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	for (gsize i = 0; i < value_length(hosts); i++)
		g_ptr_array_add(
			all, g_strdup_printf("%s %s",
				     value_text_or(value_get(value_at(hosts, i), "ipAddress"), ""),
				     value_text_or(value_get(value_at(hosts, i), "hostname"), "")));
	g_ptr_array_add(all, NULL);
	spec->extra_hosts = (char **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

static ContainerSpec *container_of(
	const Launch *launch, gsize index, Value container, GError **error) {
	const char *name = value_get_text(container, "name");
	Value override = override_of(launch, name);
	g_autofree char *image = image_of(launch, container, error);
	if (!image)
		return NULL;
	g_auto(GStrv) environment = environment_of(launch, index, container, override, error);
	if (!environment)
		return NULL;
	value_builder_set_take(launch->images, name, value_string(image));
	ContainerSpec *spec = container_spec_new(name, image);
	Value essential = value_get(container, "essential");
	Value command = value_get(override, "command");
	spec->environment = g_steal_pointer(&environment);
	spec->essential = value_is_null(essential) || value_to_bool(essential);
	spec->entry_point = texts(value_get(container, "entryPoint"));
	spec->command =
		texts(value_length(command) > 0 ? command : value_get(container, "command"));
	spec->user = g_strdup(value_get_text(container, "user"));
	spec->working_directory = g_strdup(value_get_text(container, "workingDirectory"));
	spec->start_timeout = (int)value_get_int(container, "startTimeout", 0);
	spec->stop_timeout = (int)value_get_int(container, "stopTimeout", 0);
	spec->read_only_root = value_get_bool(container, "readonlyRootFilesystem");
	spec->pseudo_terminal = value_get_bool(container, "pseudoTerminal");
	spec->interactive = value_get_bool(container, "interactive");
	spec->dns_servers = texts(value_get(container, "dnsServers"));
	spec->dns_search = texts(value_get(container, "dnsSearchDomains"));
	spec->cpu = (int)value_get_int(override, "cpu", value_get_int(container, "cpu", 0));
	spec->memory =
		(int)value_get_int(override, "memory", value_get_int(container, "memory", 0));
	spec->memory_reservation = (int)value_get_int(
		override, "memoryReservation", value_get_int(container, "memoryReservation", 0));
	set_depends(spec, value_get(container, "dependsOn"));
	set_health(spec, value_get(container, "healthCheck"));
	set_mounts(spec, container);
	set_limits(spec, container);
	set_linux(spec, value_get(container, "linuxParameters"));
	set_hosts(spec, value_get(container, "extraHosts"));
	return spec;
}

/* ---- the task ---- */

static void set_network(const Launch *launch, TaskSpec *spec) {
	g_auto(Value) vpc = ec2_vpc_get(
		launch->region, launch->scope, value_get_text(launch->interface, "VpcId"));
	g_autofree char *resolver =
		net_vpc_resolver(value_text_or(value_get(vpc, "CidrBlock"), ""));
	const char *name = value_get_text(launch->interface, "PrivateDnsName");
	spec->hostname = g_strdup(name);
	spec->address = g_strdup(value_get_text(launch->interface, "PrivateIpAddress"));
	spec->dns_servers = g_new0(char *, 2);
	spec->dns_servers[0] = g_steal_pointer(&resolver);
	spec->dns_search = g_new0(char *, 2);
	spec->dns_search[0] = g_strdup(name && strchr(name, '.') ? strchr(name, '.') + 1 : NULL);
}

static void set_volumes(const Launch *launch, TaskSpec *spec) {
	Value volumes = value_get(launch->definition, "volumes");
	for (gsize i = 0; i < value_length(volumes); i++)
		task_spec_volume(spec, value_get_text(value_at(volumes, i), "name"),
			value_text(
				value_get_path(value_at(volumes, i), "host", "sourcePath", NULL)));
}

static int size_of(Value task, const char *member) {
	return (int)g_ascii_strtoll(value_text_or(value_get(task, member), "0"), NULL, 10);
}

TaskSpec *ecs_task_spec(Region *region, StoreScope scope, Value task, gboolean adopting,
	Value *images, GError **error) {
	g_auto(Value) definition = ecs_task_definition_of(region, scope, task);
	g_auto(Value) interface = ecs_task_interface(region, scope, task);
	Launch launch = {region, scope, task, definition, interface, adopting,
		value_builder_new(VALUE_OBJECT, NULL)};
	const char *owner = value_text(value_get_path(task, ECS_INTERNAL, "interface", NULL));
	g_autoptr(TaskSpec) spec = task_spec_new(ecs_task_id(task), owner);
	Value containers = value_get(definition, "containerDefinitions");
	gboolean fine = TRUE;
	for (gsize i = 0; i < value_length(containers) && fine; i++) {
		ContainerSpec *container = container_of(&launch, i, value_at(containers, i), error);
		fine = container != NULL;
		if (fine)
			task_spec_container(spec, container);
	}
	g_auto(Value) found = value_builder_end(launch.images);
	if (!fine)
		return NULL;
	set_network(&launch, spec);
	set_volumes(&launch, spec);
	spec->cpu = size_of(task, "cpu");
	spec->memory = size_of(task, "memory");
	*images = value_steal(&found);
	return g_steal_pointer(&spec);
}
