/* Inside the room: how processes get into the glass. Others use job.h. */
#pragma once

#include "glass/job.h"

/* In a child process: joins namespaces `flags` of the glass (CLONE_NEW*), then network namespace
 * `netns` (or NULL), becomes its root and takes a fresh environment. */
gboolean glass_enter(Glass *glass, int flags, const char *netns, GError **error);
#define GLASS_ENTER_ALL                                                                            \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | \
		CLONE_NEWCGROUP)

/* In a process inside: joins one more network namespace by its name. */
gboolean glass_join_netns(const char *netns, GError **error);

/* In a process inside: runs a program to its end with `input` as stdin; it dies with its caller. */
typedef struct {
	int status; /* exit status, 128 + signal */
	GByteArray *output, *errors;
} GlassOutput;
gboolean glass_program(const char *netns, const char *const *argv, const char *const *environment,
	const char *input, gsize input_length, GlassOutput *output, GError **error);
void glass_output_clear(GlassOutput *output);

/* Closes what only the outside may hold (the lock of its home): first thing in a child. */
void glass_leave_parent(Glass *glass);

/* Changes of the network that wait for their turn. */
GQueue *glass_net_queue(Glass *glass);
/* Builds that wait for theirs; the first one runs. */
GQueue *glass_build_queue(Glass *glass);

/* Runs `job` in a process inside that got only namespaces `flags`. */
GBytes *glass_job_flags(Glass *glass, int flags, GlassJob job, gpointer data, GError **error);

/* Waits for a child that is about to end. */
void glass_reap(pid_t pid);

/* ---- hand.c ---- */

/* What a child sends with a file descriptor. */
typedef struct {
	gint32 errno_value; /* 0: the descriptor comes along */
	gint32 pid;
	guint64 start;
	char what[160]; /* for the error: what was to be made */
} GlassParcel;

/* Makes inside what is to be handed out: returns it, or -1 with errno and parcel->what set. */
typedef int (*GlassMake)(gpointer data, GlassParcel *parcel);

/* Makes a descriptor inside (in network namespace `netns`, or NULL) and hands it out: the caller's.
 * -1 with an error. Takes about a millisecond. */
int glass_hand_out(Glass *glass, const char *netns, GlassMake make, gpointer data,
	GlassParcel *parcel, GError **error);

/* ---- the glass itself ---- */

/* Starts what takes the edge to the world; FALSE (with the reason) if it cannot. */
gboolean glass_egress_start(Glass *glass, GError **error);

/* Starts glass-init for a home folder (an open directory); fills pid. */
typedef struct {
	guint uid_base, gid_base; /* of inner 0 as root, of inner 1 as a user */
	guint count;
	gboolean as_root;
	guint uid, gid; /* of the user who opened it */
} GlassIds;
pid_t glass_init_start(int home_fd, const GlassIds *ids, GError **error);
