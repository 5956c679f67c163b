/*
 * The C form of a container definition: nothing but memory. What it means is in oci.c (how it is
 * run) and task.h (when).
 */
#include "glass/container.h"

static void dependency_free(gpointer data) {
	ContainerDependency *dependency = data;
	g_free(dependency->container);
	g_free(dependency);
}

static void mount_free(gpointer data) {
	ContainerMount *mount = data;
	g_free(mount->source);
	g_free(mount->path);
	g_free(mount);
}

static void tmpfs_free(gpointer data) {
	ContainerTmpfs *tmpfs = data;
	g_free(tmpfs->path);
	g_strfreev(tmpfs->options);
	g_free(tmpfs);
}

static void ulimit_free(gpointer data) {
	ContainerUlimit *ulimit = data;
	g_free(ulimit->name);
	g_free(ulimit);
}

ContainerSpec *container_spec_new(const char *name, const char *image) {
	ContainerSpec *spec = g_new0(ContainerSpec, 1);
	spec->name = g_strdup(name);
	spec->image = g_strdup(image);
	spec->essential = TRUE;
	spec->depends_on = g_ptr_array_new_with_free_func(dependency_free);
	spec->tmpfs = g_ptr_array_new_with_free_func(tmpfs_free);
	spec->ulimits = g_ptr_array_new_with_free_func(ulimit_free);
	spec->mounts = g_ptr_array_new_with_free_func(mount_free);
	spec->volumes_from = g_ptr_array_new_with_free_func(mount_free);
	return spec;
}

void container_spec_free(ContainerSpec *spec) {
	if (!spec)
		return;
	char *const texts[] = {
		spec->name, spec->image, spec->user, spec->working_directory, spec->hostname};
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	char **const lists[] = {spec->entry_point, spec->command, spec->environment,
		spec->add_capabilities, spec->drop_capabilities, spec->sysctls, spec->extra_hosts,
		spec->dns_servers, spec->dns_search};
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
		g_strfreev(lists[i]);
	GPtrArray *const arrays[] = {
		spec->depends_on, spec->tmpfs, spec->ulimits, spec->mounts, spec->volumes_from};
	for (gsize i = 0; i < G_N_ELEMENTS(arrays); i++)
		g_ptr_array_unref(arrays[i]);
	if (spec->health_check)
		g_strfreev(spec->health_check->command);
	g_free(spec->health_check);
	g_free(spec);
}

void container_spec_depends_on(
	ContainerSpec *spec, const char *container, ContainerCondition condition) {
	ContainerDependency *dependency = g_new0(ContainerDependency, 1);
	dependency->container = g_strdup(container);
	dependency->condition = condition;
	g_ptr_array_add(spec->depends_on, dependency);
}

static ContainerMount *mount_new(const char *source, const char *path, gboolean read_only) {
	ContainerMount *mount = g_new0(ContainerMount, 1);
	mount->source = g_strdup(source);
	mount->path = g_strdup(path);
	mount->read_only = read_only;
	return mount;
}

void container_spec_mount(
	ContainerSpec *spec, const char *volume, const char *path, gboolean read_only) {
	g_ptr_array_add(spec->mounts, mount_new(volume, path, read_only));
}

void container_spec_volumes_from(ContainerSpec *spec, const char *container, gboolean read_only) {
	g_ptr_array_add(spec->volumes_from, mount_new(container, NULL, read_only));
}

void container_spec_tmpfs(ContainerSpec *spec, const char *path, int size, char **options) {
	ContainerTmpfs *tmpfs = g_new0(ContainerTmpfs, 1);
	tmpfs->path = g_strdup(path);
	tmpfs->size = size;
	tmpfs->options = g_strdupv(options);
	g_ptr_array_add(spec->tmpfs, tmpfs);
}

void container_spec_ulimit(ContainerSpec *spec, const char *name, gint64 soft, gint64 hard) {
	ContainerUlimit *ulimit = g_new0(ContainerUlimit, 1);
	ulimit->name = g_strdup(name);
	ulimit->soft = soft;
	ulimit->hard = hard;
	g_ptr_array_add(spec->ulimits, ulimit);
}

void container_spec_health_check(ContainerSpec *spec, char **command, int interval, int timeout,
	int retries, int start_period) {
	if (!spec->health_check)
		spec->health_check = g_new0(ContainerHealthCheck, 1);
	g_strfreev(spec->health_check->command);
	spec->health_check->command = g_strdupv(command);
	spec->health_check->interval = interval;
	spec->health_check->timeout = timeout;
	spec->health_check->retries = retries;
	spec->health_check->start_period = start_period;
}
