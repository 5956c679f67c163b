/*
 * What a task is told, and whether it can be run at all: names that are there, and an order in
 * which containers can start.
 */
#include "glass/task.h"
#include "glass/glass.h"

static void volume_free(gpointer data) {
	TaskVolume *volume = data;
	g_free(volume->name);
	g_free(volume->host_path);
	g_free(volume);
}

TaskSpec *task_spec_new(const char *id, const char *owner) {
	TaskSpec *spec = g_new0(TaskSpec, 1);
	spec->id = g_strdup(id);
	spec->owner = g_strdup(owner);
	spec->volumes = g_ptr_array_new_with_free_func(volume_free);
	spec->containers = g_ptr_array_new_with_free_func((GDestroyNotify)container_spec_free);
	return spec;
}

void task_spec_free(TaskSpec *spec) {
	if (!spec)
		return;
	g_free(spec->id);
	g_free(spec->owner);
	g_free(spec->hostname);
	g_free(spec->address);
	g_strfreev(spec->dns_servers);
	g_strfreev(spec->dns_search);
	g_ptr_array_unref(spec->volumes);
	g_ptr_array_unref(spec->containers);
	g_free(spec);
}

void task_spec_volume(TaskSpec *spec, const char *name, const char *host_path) {
	TaskVolume *volume = g_new0(TaskVolume, 1);
	volume->name = g_strdup(name);
	volume->host_path = g_strdup(host_path);
	g_ptr_array_add(spec->volumes, volume);
}

ContainerSpec *task_spec_container(TaskSpec *spec, ContainerSpec *container) {
	g_ptr_array_add(spec->containers, container);
	return container;
}

static const ContainerSpec *find_container(const TaskSpec *spec, const char *name) {
	for (guint i = 0; i < spec->containers->len; i++) {
		const ContainerSpec *container = spec->containers->pdata[i];
		if (g_str_equal(container->name, name))
			return container;
	}
	return NULL;
}

static gboolean has_volume(const TaskSpec *spec, const char *name) {
	for (guint i = 0; i < spec->volumes->len; i++) {
		const TaskVolume *volume = spec->volumes->pdata[i];
		if (g_str_equal(volume->name, name))
			return TRUE;
	}
	return FALSE;
}

/* That the names it uses are there. */
static gboolean check_names(const TaskSpec *spec, const ContainerSpec *container, GError **error) {
	if (find_container(spec, container->name) != container)
		return glass_refuse(error, "two containers are named '%s'", container->name);
	for (guint i = 0; i < container->mounts->len; i++) {
		const ContainerMount *mount = container->mounts->pdata[i];
		if (!has_volume(spec, mount->source))
			return glass_refuse(error, "container '%s' mounts the unknown volume '%s'",
				container->name, mount->source);
	}
	for (guint i = 0; i < container->volumes_from->len; i++) {
		const ContainerMount *mount = container->volumes_from->pdata[i];
		if (!find_container(spec, mount->source))
			return glass_refuse(error,
				"container '%s' takes volumes from the unknown container '%s'",
				container->name, mount->source);
	}
	return TRUE;
}

/* What its dependencies ask of the containers that they name. */
static gboolean check_dependencies(
	const TaskSpec *spec, const ContainerSpec *container, GError **error) {
	for (guint i = 0; i < container->depends_on->len; i++) {
		const ContainerDependency *dependency = container->depends_on->pdata[i];
		const ContainerSpec *other = find_container(spec, dependency->container);
		if (!other)
			return glass_refuse(error,
				"container '%s' depends on the unknown container '%s'",
				container->name, dependency->container);
		gboolean ends = dependency->condition == CONTAINER_COMPLETE ||
				dependency->condition == CONTAINER_SUCCESS;
		if (ends && other->essential)
			return glass_refuse(error,
				"container '%s' waits for the end of '%s', which is essential",
				container->name, other->name);
		if (dependency->condition == CONTAINER_HEALTHY && !other->health_check)
			return glass_refuse(error,
				"container '%s' waits for '%s' to be healthy, which has no health "
				"check",
				container->name, other->name);
	}
	return TRUE;
}

static gboolean has_name(const GPtrArray *order, const char *name) {
	for (guint i = 0; i < order->len; i++) {
		const ContainerSpec *container = order->pdata[i];
		if (g_str_equal(container->name, name))
			return TRUE;
	}
	return FALSE;
}

/* Taking another's volumes is waiting for its start: it is who fills them. */
static gboolean is_ready(const ContainerSpec *container, const GPtrArray *order) {
	for (guint i = 0; i < container->depends_on->len; i++) {
		const ContainerDependency *dependency = container->depends_on->pdata[i];
		if (!has_name(order, dependency->container))
			return FALSE;
	}
	for (guint i = 0; i < container->volumes_from->len; i++) {
		const ContainerMount *mount = container->volumes_from->pdata[i];
		if (!has_name(order, mount->source))
			return FALSE;
	}
	return TRUE;
}

GPtrArray *task_spec_order(const TaskSpec *spec, GError **error) {
	g_autoptr(GPtrArray) order = g_ptr_array_new();
	if (spec->containers->len == 0) {
		glass_refuse(error, "a task needs at least one container");
		return NULL;
	}
	for (guint i = 0; i < spec->containers->len; i++) {
		const ContainerSpec *container = spec->containers->pdata[i];
		if (!check_names(spec, container, error) ||
			!check_dependencies(spec, container, error))
			return NULL;
	}
	while (order->len < spec->containers->len) {
		guint before = order->len;
		for (guint i = 0; i < spec->containers->len; i++) {
			ContainerSpec *container = spec->containers->pdata[i];
			if (!g_ptr_array_find(order, container, NULL) && is_ready(container, order))
				g_ptr_array_add(order, container);
		}
		if (order->len == before) {
			glass_refuse(error, "the containers depend on each other in a circle");
			return NULL;
		}
	}
	return g_steal_pointer(&order);
}
