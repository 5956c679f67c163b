/*
 * Inside of the service scheduler: one look at one service, in the open transaction of the
 * controller. What the functions decide is in the look's service, which the controller keeps, and
 * in the tasks of the store.
 */
#pragma once

#include "region/services/ecs/internal.h"

/* A task of the service. */
typedef struct {
	Value task;
	gboolean primary; /* of the PRIMARY deployment */
	gboolean wanted; /* nobody told it to stop */
	gboolean running;
	gboolean healthy; /* running, and every check of it says so */
	gboolean failing; /* a check says that it is not, and it had its time */
} Member;

typedef struct {
	Region *region;
	StoreScope scope;
	const char *id; /* "cluster/name" */
	Value service; /* as it is; changed while a decision is carried out */
	Value primary; /* its PRIMARY deployment, borrowed from `service` as it was */
	GArray *members; /* of Member, the oldest first */
	gboolean retry_now; /* an image was pushed: waiting is over */
} ServiceLook;

/* How many tasks are wanted, may be there, must stay healthy; and how many there are. */
typedef struct {
	gint64 desired, upper, lower;
	gint64 active, usable, healthy, healthy_primary, old, leaving;
} Sums;

/* The service's "internal", borrowed; and with a member of it set. */
Value service_look_internal(const ServiceLook *look);
void service_look_set_internal_take(ServiceLook *look, const char *member, Value value);

/* ---- scheduler_members.c ---- */

/* Judges the tasks (of Value; NULL: none): the look's members. Freed with the array. */
void service_look_judge(ServiceLook *look, GArray *tasks);
Sums service_look_sum(const ServiceLook *look);

/* ---- scheduler_stop.c ---- */

/* Tells one to stop, with the reason; the sums follow. */
void scheduler_stop(ServiceLook *look, Member *member, Sums *sums, const char *reason);
/* Stops what nobody needs, and makes room for those that are to come. `stopped` gets their ids,
 * borrowed from the members. */
void scheduler_retire(ServiceLook *look, Sums *sums, GPtrArray *stopped);
/* The event that says so, if there are any. */
void scheduler_say_stopped(ServiceLook *look, GPtrArray *stopped);
/* "(task a) (task b)": caller frees. */
char *scheduler_task_list(GPtrArray *ids);

/* ---- scheduler_start.c ---- */

/* May a task be started now? If not, the controller is woken when it may. */
gboolean scheduler_may_start(ServiceLook *look);
/* Starts up to `most` tasks; says in events which, or why not. */
void scheduler_start(ServiceLook *look, Sums *sums, gint64 most);

/* ---- rollout.c ---- */

/* Is the PRIMARY deployment's rolloutState that one? */
gboolean rollout_is(const ServiceLook *look, const char *state);
/* Ends the deployment if too many of its tasks failed, and somebody asked for that. TRUE: it did,
 * and the look is over. */
gboolean rollout_break_circuit(ServiceLook *look);
/* Former deployments without tasks are over. */
void rollout_drop_deployments(ServiceLook *look);
/* One that was seen healthy has shown that the deployment works. */
void rollout_mark_healthy(ServiceLook *look);
/* Completes the deployment if all is as wanted, and says once that the service is steady. */
void rollout_settle(ServiceLook *look, const Sums *sums);
