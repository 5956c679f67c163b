/*
 * State: the objects that exist, as Terraform's state files (format version 4) keep them.
 *
 * Each change is appended to a journal beside the file the moment it happens (one write, so a
 * killed process loses nothing that it knew); the journal is folded into the file at the end of a
 * command that changes the state, and before one begins to. Whoever only reads takes what the
 * journal has, and leaves it: it may be of a process that runs. The lock file holds who works on
 * the state.
 */
#pragma once

#include <gio/gio.h>

#include "value/value.h"

typedef struct {
	Value attributes; /* as JSON has it; state_object_value gives it its type */
	Value sensitive; /* paths; a tuple */
	gint64 schema_version;
	gboolean tainted;
	gboolean create_before_destroy;
	char **dependencies; /* addresses without keys; never NULL */
	char *private; /* of the provider, opaque; or NULL */
} StateObject;

/* One instance of a resource. */
typedef struct {
	char *address; /* module.a[0].aws_vpc.main["x"] */
	char *module; /* module.a[0]; "" for the root */
	gboolean managed;
	char *type, *name;
	Value key;
	char *provider; /* provider["registry.terraform.io/hashicorp/aws"].west */
	StateObject *current; /* or NULL */
	GHashTable *deposed; /* key (8 hex digits) -> StateObject*; or NULL */
} StateInstance;

typedef struct {
	Value value;
	Value type; /* in JSON form */
	gboolean sensitive;
} StateOutput;

typedef struct {
	char *lineage;
	guint64 serial;
	GHashTable *instances; /* address -> StateInstance* */
	GHashTable *outputs; /* name -> StateOutput* */
	Value check_results; /* as JSON; null if none */
	char *path; /* NULL: only in memory */
	int journal; /* descriptor, or -1 */
	gboolean changed; /* since it was read; what the journal adds counts */
	gboolean unfolded; /* the journal of a killed process is still there */
} State;

State *state_new(void);
void state_free(State *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(State, state_free)

/* Reads the file, and what a killed process left in the journal. No file: an empty state that will
 * be written there. */
State *state_open(const char *path, GError **error);
/* From the text of a state file (`show FILE`, plans). */
State *state_from_text(const char *text, gssize length, GError **error);
/* The text of a state file. Caller frees. */
char *state_to_text(const State *state);
/* After this a fold writes the file even if nothing changed, unless it is there. */
void state_touch(State *state);
/* Writes the file anew (atomically) if anything changed, and ends the journal. */
gboolean state_fold(State *state, GError **error);

/* The instance, or NULL; state_put_* make it when it is new. Keys of maps are in no order:
 * state_sorted gives all instances in Terraform's. */
StateInstance *state_instance(const State *state, const char *address);
GPtrArray *state_sorted(const State *state);
/* Takes the object (NULL: it is gone). Journaled; FALSE and *error if that failed. `deposed` NULL:
 * the current one. An instance without objects leaves the state. */
gboolean state_put(State *state, const char *address, const char *provider, const char *deposed,
	StateObject *object_taken, GError **error);
/* The current object becomes a deposed one under a new key. Returns the key (owned by the state),
 * NULL on failure. */
const char *state_depose(State *state, const char *address, GError **error);
/* And back, when its replacement could not be made. */
gboolean state_restore(State *state, const char *address, const char *key, GError **error);
gboolean state_move(State *state, const char *from, const char *to, GError **error);
void state_put_output(State *state, const char *name, Value value, gboolean sensitive);
/* Forgets an output. */
void state_remove_output(State *state, const char *name);

StateObject *state_object_new(void);
StateObject *state_object_copy(const StateObject *object);
void state_object_free(StateObject *object);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StateObject, state_object_free)
/* The attributes as a value of `type`, with the marks of `sensitive`. NULL type: as JSON has them.
 * What does not convert gives VALUE_NOTHING and *problem. */
Value state_object_value(const StateObject *object, const Type *type, char **problem);
/* Sets attributes and sensitive paths from a wholly known value of `type`. */
void state_object_set(StateObject *object, Value value, const Type *type);

/* A value of a type as states and plans keep it: what is of type any as {"type", "value"}. */
Value state_encode(Value value, const Type *type);
Value state_decode(Value json, const Type *type, char **problem);
/* `value` with what is at the paths (a tuple of them) marked sensitive. */
Value state_mark_paths(Value value, Value paths);

/* ---- the lock ---- */

typedef struct StateLock StateLock;
/* Locks the state at `path`; waits up to `timeout_s`. On failure *error says who holds it, in
 * Terraform's words. */
StateLock *state_lock(const char *path, const char *operation, guint timeout_s, GError **error);
void state_unlock(StateLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StateLock, state_unlock)
