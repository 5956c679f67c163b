/*
 * Inside of the task controller: one look at one task, in the open transaction. What is found out
 * and decided is in the look's task, which the controller keeps.
 */
#pragma once

#include "region/services/ecs/internal.h"

/* The controller's own (task_run.c). */
typedef struct EcsRunner EcsRunner;

typedef struct {
	EcsRunner *runner;
	Region *region;
	StoreScope scope;
	char *id; /* in the store */
	Value task; /* changed while it is looked at */
	gboolean advanced; /* it was decided about */
	Task *running; /* what the glass has of it, or NULL */
	TaskSpec *spec; /* what is to be run once the decision is kept, or NULL */
} TaskLook;

/* Sets a member of the task, or of its "internal"; and that, borrowed. */
void task_look_set_take(TaskLook *look, const char *member, Value value);
void task_look_set_internal_take(TaskLook *look, const char *member, Value value);
Value task_look_internal(const TaskLook *look);

/* ---- task_targets.c ---- */

/* Puts it into the target groups and registries of its service; says in the service's events what
 * could not be done. */
void task_targets_register(TaskLook *look);
/* Takes it out of target groups (where it drains) and Cloud Map; once. */
void task_targets_deregister(TaskLook *look);
/* Is no connection left that its target groups wait for? */
gboolean task_targets_drained(const TaskLook *look);
/* Tells Cloud Map whether it seems healthy. */
void task_targets_tell_health(const TaskLook *look);

/* ---- task_observe.c ---- */

/* Takes over what the glass knows of its containers, and tells its health where that is new. */
void task_observe(TaskLook *look, const Task *running);
