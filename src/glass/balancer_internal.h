/* What the files of the balancers share. See balancer.h. */
#pragma once

#include "glass/balancer.h"
#include "glass/job.h"

/* ---- HAProxy's runtime API (balancer_socket.c) ---- */

/* The answer to commands, as text; NULL: there was none. */
typedef void (*BalancerReply)(const char *text, gpointer data);
typedef struct BalancerRequest BalancerRequest;

/* Sends commands (separated by ';') to a unix socket in an open folder. The reply comes once,
 * later, unless the request is cancelled before. */
BalancerRequest *balancer_request(
	int folder, const char *socket, const char *commands, BalancerReply reply, gpointer data);
/* NULL is accepted. */
void balancer_request_cancel(BalancerRequest *request);

/* ---- targets (balancer_target.c) ---- */

typedef struct BalancerTargets BalancerTargets;

BalancerTargets *balancer_targets_new(void);
void balancer_targets_free(BalancerTargets *targets);
/* They return whether there is something new to do. */
gboolean balancer_targets_register(
	BalancerTargets *targets, const char *group, const char *address, int port);
gboolean balancer_targets_deregister(
	BalancerTargets *targets, const char *group, const char *address, int port);
BalancerTargetHealth balancer_targets_health(
	BalancerTargets *targets, const char *group, const char *address, int port);

typedef void (*BalancerTargetChanged)(const char *group, const char *address, int port,
	const BalancerTargetHealth *health, gpointer data);

/* Compares what `show stat` says of servers with what is wanted. Returns the commands to send (""
 * if none), and calls back for each change of a target's health. Caller frees. */
char *balancer_targets_reconcile(BalancerTargets *targets, const BalancerSpec *spec,
	const char *statistics, BalancerTargetChanged changed, gpointer data);
/* Until it should be asked again, milliseconds. */
guint balancer_targets_pause(const BalancerTargets *targets);
/* The server lines of a group for the configuration, as things are: what serves goes on serving. */
void balancer_targets_write(
	const BalancerTargets *targets, const BalancerGroup *group, GString *config);
/* The configuration was taken over by a new worker: returns the commands that make its servers what
 * they were ("" if none); those that drain do so in the old one. Caller frees. */
char *balancer_targets_after(BalancerTargets *targets);
/* Does a target drain in an old worker? Then `balancer_targets_alone` is to be told when there is
 * no old worker any more. */
gboolean balancer_targets_in_old(const BalancerTargets *targets);
void balancer_targets_alone(BalancerTargets *targets);

/* ---- published sockets (balancer_published.c) ---- */

/* A listening socket of the host. HAProxy has those of an array as descriptors in order. */
typedef struct {
	int port, fd;
} BalancerPublished;

/* The port that a socket is bound to; 0: none. */
int balancer_socket_port(int fd);
/* An array of BalancerPublished that closes its sockets; and one with copies of those of a
 * specification. */
GArray *balancer_published_new(void);
GArray *balancer_published_of(const BalancerSpec *spec);
int balancer_published_find(const GArray *published, int port); /* index or -1 */
/* Do both have the same ports? */
gboolean balancer_published_equal(const GArray *a, const GArray *b);

/* ---- the folder and the record in it (balancer_record.c) ---- */

#define BALANCER_FOLDER "balancers" /* below the glass's home */

/* A file of a balancer's folder; NULL: the folder. Caller frees. */
char *balancer_path(Glass *glass, const char *id, const char *name);
gboolean balancer_record_write(Glass *glass, const char *id, const GlassProcess *process,
	const GArray *published, int generation, const char *signature, GError **error);
/* The process of a record, watched, or NULL; *record gets it in any case, the caller's. */
GlassProcess *balancer_record_adopt(
	Glass *glass, const char *id, GKeyFile **record, GlassProcessEnded ended, gpointer data);
void balancer_folder_remove(Glass *glass, const char *id);
