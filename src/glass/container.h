/*
 * What a container is told: the C form of an ECS container definition with its image's defaults.
 * All members may be NULL or 0 for "as the image says" or the documented default.
 */
#pragma once

#include <gio/gio.h>

typedef enum {
	CONTAINER_START,
	CONTAINER_COMPLETE,
	CONTAINER_SUCCESS,
	CONTAINER_HEALTHY,
} ContainerCondition;

typedef struct {
	char *container;
	ContainerCondition condition;
} ContainerDependency;

typedef struct {
	char **command; /* {"CMD", …}, {"CMD-SHELL", "…"}, {"NONE"} */
	int interval, timeout, retries, start_period; /* seconds; 0: 30, 5, 3, 0 */
} ContainerHealthCheck;

typedef struct {
	char *source; /* a volume of the task, or a container for volumes_from */
	char *path; /* in the container; NULL for volumes_from */
	gboolean read_only;
} ContainerMount;

typedef struct {
	char *path;
	int size; /* MiB */
	char **options; /* "noexec", …; or NULL */
} ContainerTmpfs;

typedef struct {
	char *name; /* "nofile" */
	gint64 soft, hard; /* -1: unlimited */
} ContainerUlimit;

typedef struct {
	char *name; /* unique in its task */
	char *image; /* digest of a manifest or index in the blob store */
	char **entry_point, **command;
	char **environment; /* "NAME=value", secrets included; later ones win */
	char *user, *working_directory, *hostname;
	gboolean essential;
	GPtrArray *depends_on; /* of ContainerDependency */
	int start_timeout, stop_timeout; /* seconds; 0: none, 30 */
	ContainerHealthCheck *health_check; /* NULL: none (ECS ignores the image's) */
	gboolean read_only_root, pseudo_terminal, interactive, init_process;
	char **add_capabilities, **drop_capabilities; /* "SYS_PTRACE", "ALL" */
	int shared_memory; /* MiB; 0: 64 */
	GPtrArray *tmpfs; /* of ContainerTmpfs */
	GPtrArray *ulimits; /* of ContainerUlimit */
	char **sysctls; /* "net.core.somaxconn=1024" */
	char **extra_hosts; /* "address name" */
	char **dns_servers, **dns_search; /* instead of the task's */
	GPtrArray *mounts; /* of ContainerMount */
	GPtrArray *volumes_from; /* of ContainerMount */
	int cpu; /* ECS cpu units (1024 a vCPU); 0: the task's share */
	int memory, memory_reservation; /* MiB; 0: the task's */
} ContainerSpec;

/* An empty one: essential, everything else 0. Its arrays are there and empty. */
ContainerSpec *container_spec_new(const char *name, const char *image);
void container_spec_free(ContainerSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ContainerSpec, container_spec_free)

/* These copy their strings. */
void container_spec_depends_on(
	ContainerSpec *spec, const char *container, ContainerCondition condition);
void container_spec_mount(
	ContainerSpec *spec, const char *volume, const char *path, gboolean read_only);
void container_spec_volumes_from(ContainerSpec *spec, const char *container, gboolean read_only);
void container_spec_tmpfs(ContainerSpec *spec, const char *path, int size, char **options);
void container_spec_ulimit(ContainerSpec *spec, const char *name, gint64 soft, gint64 hard);
void container_spec_health_check(ContainerSpec *spec, char **command, int interval, int timeout,
	int retries, int start_period);
