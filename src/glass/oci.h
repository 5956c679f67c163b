/*
 * The OCI runtime bundle of a container: what crun is told, made from a container's spec and its
 * image's config. Pure text; the caller mounts the root and writes the file.
 */
#pragma once

#include "glass/container.h"
#include "glass/image.h"

/* What surrounds the container: paths are as the glass sees them. */
typedef struct {
	const char *root; /* its mounted root file system */
	const char *network; /* "/run/netns/eni-1"; NULL: a network of its own */
	const char *hostname; /* of the task; the spec's own wins */
	const char *hosts,
		*resolv_conf; /* files to show as /etc/hosts and /etc/resolv.conf; or NULL */
	const char *init; /* a static init for init_process ("/usr/bin/catatonit"); or NULL */
	GPtrArray *binds; /* of ContainerMount: source is a path; or NULL */
	gboolean limits; /* whether cgroup v2 is delegated; else none are written */
	gint64 file_limit; /* the hard RLIMIT_NOFILE of the glass: more cannot be given. 0: no such
			      bound */
} OciPlace;

/* config.json of the bundle (caller frees), or NULL: an image without a command, an unknown user,
 * an unknown capability, a sysctl that is not the container's own. If `differences` is given, words
 * about what could not be had on this machine are added to it (char*, to be freed by it). */
char *oci_config(const ContainerSpec *spec, const ImageConfig *image, const OciPlace *place,
	GPtrArray *differences, GError **error);

/* Who a container runs as: "user", "uid", "user:group", "uid:gid" looked up in the image's own
 * /etc/passwd and /etc/group (never through a link that leaves the root). */
typedef struct {
	guint32 uid, gid;
	GArray *additional; /* of guint32 */
	char *home; /* "/" if unknown */
} OciUser;

/* NULL or "" as user: root. FALSE and an error if the image does not have the user or group;
 * `resolved` is to be cleared in any case. */
gboolean oci_user_resolve(const char *root, const char *user, OciUser *resolved, GError **error);
void oci_user_clear(OciUser *user);

/* Whether the signal is known ("SIGQUIT", "QUIT", "3"): its number, or 0. */
int oci_signal(const char *name);
