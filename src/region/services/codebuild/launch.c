/* From a build to the task that runs it. */
#include <string.h>

#include "glass/build.h"
#include "glass/net.h"
#include "region/services/codebuild/run.h"
#include "region/services/ec2/ec2.h"

#define CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"
#define STOP_TIMEOUT_S 2

char *codebuild_cache_folder(StoreScope scope, Value build) {
	return g_strdup_printf(CODEBUILD_CACHES "/%s-%s-%s-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT,
		scope.account, scope.region, value_get_text(build, "projectName"),
		value_to_int(codebuild_internal(build, "generation"), 1),
		value_to_int(codebuild_internal(build, "slot"), 0));
}

/* Cpu units and MiB, as AWS has them. */
static void set_size(TaskSpec *task, const char *compute) {
	static const struct {
		const char *type;
		int vcpu, gib;
	} sizes[] = {
		{"BUILD_GENERAL1_SMALL", 2, 4},
		{"BUILD_GENERAL1_MEDIUM", 4, 8},
		{"BUILD_GENERAL1_LARGE", 8, 16},
		{"BUILD_GENERAL1_XLARGE", 36, 72},
		{"BUILD_GENERAL1_2XLARGE", 72, 144},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
		if (g_strcmp0(compute, sizes[i].type) == 0) {
			task->cpu = sizes[i].vcpu * 1024;
			task->memory = sizes[i].gib * 1024;
		}
}

static void set_network(Region *region, StoreScope place, Value interface, TaskSpec *task) {
	g_auto(Value) vpc = ec2_vpc_get(region, place, value_get_text(interface, "VpcId"));
	const char *name = value_get_text(interface, "PrivateDnsName");
	task->hostname = g_strdup(name);
	task->address = g_strdup(value_get_text(interface, "PrivateIpAddress"));
	task->dns_servers = g_new0(char *, 2);
	task->dns_servers[0] = net_vpc_resolver(value_text_or(value_get(vpc, "CidrBlock"), ""));
	task->dns_search = g_new0(char *, 2);
	task->dns_search[0] = g_strdup(name && strchr(name, '.') ? strchr(name, '.') + 1 : NULL);
}

/* A folder of the home (made if missing) as a volume of the task. */
static gboolean add_folder(Region *region, TaskSpec *task, ContainerSpec *container,
	const char *name, const char *folder, const char *path, gboolean read_only,
	GError **error) {
	g_autofree char *inside = glass_make_folder(region_glass(region), folder, error);
	if (!inside)
		return FALSE;
	task_spec_volume(task, name, inside);
	container_spec_mount(container, name, path, read_only);
	return TRUE;
}

/* What nested containers need: a capability, storage that outlives the build, bases to build upon,
 * folders in memory. */
static gboolean add_privileges(Region *region, StoreScope scope, Value build, TaskSpec *task,
	ContainerSpec *container, GError **error) {
	g_autofree char *cache = codebuild_cache_folder(scope, build);
	g_autofree char *storage = g_build_filename(cache, "containers", NULL);
	static const char *const capabilities[] = {"SYS_ADMIN", NULL};
	container->add_capabilities = g_strdupv((char **)capabilities);
	container_spec_tmpfs(container, "/run", 0, NULL);
	return add_folder(region, task, container, "containers", storage, "/var/lib/containers",
		       FALSE, error) &&
	       add_folder(
		       region, task, container, "bases", BUILD_BASES, CODEBUILD_BASES, TRUE, error);
}

/* The machine's certificates are a file of the build's folder, and in our own image also where
 * Debian has its own. */
static void add_certificates(
	Region *region, Value build, TaskSpec *task, ContainerSpec *container) {
	g_autofree char *text = NULL;
	g_autofree char *copy = codebuild_job_path(region, build, "ca-certificates.crt");
	gsize length;
	/* A container that runs already has the file that is there. */
	if (!g_file_test(copy, G_FILE_TEST_EXISTS) &&
		(!g_file_get_contents(CERTIFICATES, &text, &length, NULL) ||
			!g_file_set_contents(copy, text, (gssize)length, NULL)))
		return;
	if (!codebuild_image_is_curated(
		    value_text(value_get_path(build, "environment", "image", NULL))))
		return;
	g_autofree char *inside = g_strdup_printf(
		GLASS_HOME "/" CODEBUILD_JOBS "/%s/ca-certificates.crt", codebuild_uuid(build));
	task_spec_volume(task, "certificates", inside);
	container_spec_mount(container, "certificates", CERTIFICATES, TRUE);
}

TaskSpec *codebuild_task_spec(
	Region *region, StoreScope scope, Value build, char **environment, GError **error) {
	const char *interface_id = value_text(codebuild_internal(build, "interface"));
	const char *account = value_text(codebuild_internal(build, "account"));
	const char *shell = value_text_or(codebuild_internal(build, "shell"), "sh");
	StoreScope place = {account, scope.region};
	g_auto(Value) interface = ec2_interface_get(region, place, interface_id);
	Value settings = value_get(build, "environment");
	g_autofree char *id = g_strconcat(CODEBUILD_TASK, codebuild_uuid(build), NULL);
	g_autofree char *job = g_strdup_printf(CODEBUILD_JOBS "/%s", codebuild_uuid(build));
	g_autofree char *cache = codebuild_cache_folder(scope, build);
	g_autofree char *custom = g_build_filename(cache, "custom", NULL);
	g_autoptr(TaskSpec) task = task_spec_new(id, interface_id);
	ContainerSpec *container = task_spec_container(
		task, container_spec_new("build", value_text(codebuild_internal(build, "image"))));
	const char *const entry[] = {"/bin/sh", CODEBUILD_HOME "/script/run.sh", NULL};
	const char *const arguments[] = {shell, NULL};
	container->entry_point = g_strdupv((char **)entry);
	container->command = g_strdupv((char **)arguments);
	container->environment = environment ? g_strdupv(environment) : NULL;
	container->working_directory = g_strdup("/");
	container->user = g_strdup("0");
	container->init_process = TRUE;
	container->stop_timeout = STOP_TIMEOUT_S;
	if (!add_folder(region, task, container, "job", job, CODEBUILD_HOME, FALSE, error) ||
		!add_folder(region, task, container, "custom", custom,
			CODEBUILD_HOME "/local-cache", FALSE, error))
		return NULL;
	if (value_get_bool(settings, "privilegedMode") &&
		!add_privileges(region, scope, build, task, container, error))
		return NULL;
	if (environment)
		add_certificates(region, build, task, container);
	set_network(region, place, interface, task);
	set_size(task, value_get_text(settings, "computeType"));
	return g_steal_pointer(&task);
}
