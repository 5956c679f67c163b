/*
 * The glass: one set of namespaces (user, mount, pid, net, ipc, uts, cgroup) held by a tiny init,
 * in which everything runs. The process that opens it stays outside and enters through children
 * (job.h). The glass outlives that process and is adopted by the next one that opens the same home.
 *
 * The host's routes, firewall, mounts and cgroups are never touched; root inside is never root
 * outside.
 */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

typedef struct Glass Glass;

/* Where the home folder lies for those inside. */
#define GLASS_HOME "/run/terrarium"

typedef enum {
	GLASS_ERROR_UNSUPPORTED, /* no user namespaces, no subordinate ids, a program is missing */
	GLASS_ERROR_DEAD, /* the glass has ended */
	GLASS_ERROR_FAILED,
} GlassError;

#define GLASS_ERROR glass_error_quark()
GQuark glass_error_quark(void);
/* Sets G_IO_ERROR_INVALID_ARGUMENT for what cannot be run as it is asked for. Returns FALSE. */
gboolean glass_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Opens the glass of `home` (made if missing): adopts the one that runs, else starts one. Only one
 * process may have a home open. Blocks for some milliseconds when starting. */
Glass *glass_open(const char *home, GError **error);
/* Frees; what runs inside runs on. NULL is accepted. */
void glass_close(Glass *glass);
/* Ends everything inside at once, waits for it (bounded), removes the record, and frees. */
gboolean glass_destroy(Glass *glass, GError **error);
/* The same without opening: ends a glass of `home` if one runs; TRUE if none is left. */
gboolean glass_destroy_home(const char *home, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Glass, glass_close)

/* Absolute, as the host sees it. */
const char *glass_home(const Glass *glass);
/* Was it running already when it was opened? */
gboolean glass_adopted(const Glass *glass);
gboolean glass_alive(const Glass *glass);
/* Its init, as the host numbers it, and a pidfd of it (borrowed): readable when the glass has
 * ended. */
pid_t glass_pid(const Glass *glass);
int glass_pidfd(const Glass *glass);

/* Makes <home>/<name> (relative, parents too), writable by root inside; returns its path as the
 * glass sees it. Caller frees. */
char *glass_make_folder(Glass *glass, const char *name, GError **error);
/* How the host sees user (or group) `inner` of the inside; G_MAXUINT if it is not mapped. */
guint glass_outer_uid(const Glass *glass, guint inner);
guint glass_outer_gid(const Glass *glass, guint inner);

/* Are cpu and memory limits enforced? If not, *reason (may be NULL) says why; borrowed. */
gboolean glass_limits_enforced(const Glass *glass, const char **reason);
/* Can the inside reach the world? If not, *reason says why; borrowed. */
gboolean glass_has_egress(const Glass *glass, const char **reason);

/* `terrarium glass-init`: must be dispatched first thing in main, with main's own arguments. */
int glass_init_main(int argc, char **argv);
