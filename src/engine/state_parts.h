/*
 * Inside of states: what the files state_*.c share. What others call is in state.h.
 */
#pragma once

#include "engine/state.h"

/* ---- state_object.c ---- */

/* An object as state files have it in an instance's entry. key: of the instance, or null; deposed:
 * its key, or NULL. */
Value state_object_to_json(const StateObject *object, Value key, const char *deposed);
/* And back. Caller frees; what is missing is empty. */
StateObject *state_object_from_json(Value json);

/* ---- state.c: changes in memory only, as the journal repeats them ---- */

/* A new instance, owned by the state; NULL if the address is none of a resource. */
StateInstance *state_instance_new(State *state, const char *address);
/* Takes the object; NULL: it is gone. */
void state_apply_put(State *state, const char *address, const char *provider, const char *deposed,
	StateObject *object_taken);
/* FALSE if there is nothing to depose, to restore or to move, or something where it should go. */
gboolean state_apply_depose(State *state, const char *address, const char *key);
gboolean state_apply_restore(State *state, const char *address, const char *key);
gboolean state_apply_move(State *state, const char *from, const char *to);

/* ---- state_journal.c ---- */

/* Sets *error from errno: "cannot WHAT PATH: …". Returns FALSE. */
gboolean state_fail_errno(GError **error, const char *what, const char *path);
