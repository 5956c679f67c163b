/*
 * The engine: from a working directory of .tf files to a plan, and from a plan to objects. It knows
 * Terraform's rules, and providers only by their interface.
 *
 *   Engine *engine = engine_new(&options, sources, diags);
 *   Plan *plan = engine_plan(engine);
 *   engine_apply(engine, plan);
 */
#pragma once

#include "engine/module_store.h"
#include "engine/state.h"
#include "provider/provider.h"

typedef struct Engine Engine;

typedef enum {
	EVENT_READING, /* a data source */
	EVENT_READ,
	EVENT_REFRESHING,
	EVENT_CREATING,
	EVENT_CREATED,
	EVENT_UPDATING,
	EVENT_UPDATED,
	EVENT_DESTROYING,
	EVENT_DESTROYED,
	EVENT_PREPARING_IMPORT,
	EVENT_IMPORTING,
	EVENT_IMPORTED,
	EVENT_STILL, /* detail: "creating", "destroying", … */
	EVENT_PROVISIONING, /* detail: "local-exec" */
	EVENT_PROVISIONER_OUTPUT, /* detail: "local-exec", a line break, and what it printed */
} EngineEventKind;

/* Called from several threads, one at a time. detail: "[id=vpc-1]", or NULL. */
typedef void (*EngineProgress)(EngineEventKind kind, const char *address, const char *detail,
	gint64 elapsed_s, gpointer data);

typedef enum { PLAN_NORMAL, PLAN_DESTROY, PLAN_REFRESH_ONLY } PlanMode;

typedef struct {
	const char *dir; /* of the root module */
	ModuleStore *modules; /* may fetch them; NULL: those that are installed */
	const char *state_path;
	const char *workspace;
	PlanMode mode;
	gboolean may_be_empty; /* no configuration files are no error, as when all is destroyed */
	gboolean no_refresh;
	guint parallelism; /* 0: 10 */
	const char *const *targets; /* addresses; or NULL */
	const char *const *replace;
	/* -var "NAME=value" and -var-file, in the order given: "var:…" and "file:…". */
	const char *const *variables;
	/* Asks for the value of a variable that has none; NULL: nobody answers. Caller frees. Or
	 * NULL: an error then. */
	char *(*ask)(const char *name, const char *description, gpointer data);
	gpointer ask_data;
	EngineProgress progress; /* or NULL */
	gpointer progress_data;
	GCancellable *cancellable; /* asks to stop at the next safe point; or NULL */
} EngineOptions;

/* Reads the configuration. NULL after errors. Borrows sources and diags, and what options point
 * to, for as long as it lives. */
Engine *engine_new(const EngineOptions *options, Sources *sources, Diags *diags);
void engine_free(Engine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Engine, engine_free)

/* Whether there are no configuration files. */
gboolean engine_is_empty(const Engine *engine);

/* Checks the configuration without values of variables and without calling anything. */
gboolean engine_validate(Engine *engine);
/* After that: warns of types that the configuration has and we lack, which is fine as long as there
 * are none of them. */
void engine_warn_of_lacking(Engine *engine);

typedef enum {
	CHANGE_NONE,
	CHANGE_CREATE,
	CHANGE_READ, /* a data source, during apply */
	CHANGE_UPDATE,
	CHANGE_DELETE,
	CHANGE_REPLACE, /* destroy, then create */
	CHANGE_REPLACE_CREATE_FIRST,
	CHANGE_FORGET,
} ChangeAction;

typedef enum {
	REASON_NONE,
	REASON_TAINTED,
	REASON_REQUESTED, /* -replace */
	REASON_CANNOT_UPDATE,
	REASON_TRIGGERED, /* replace_triggered_by */
	REASON_NO_RESOURCE, /* delete: not in the configuration */
	REASON_NO_MODULE,
	REASON_WRONG_REPETITION,
	REASON_COUNT_INDEX,
	REASON_EACH_KEY,
	REASON_UNKNOWN_CONFIG, /* read during apply */
	REASON_DEPENDENCY_PENDING,
	REASON_REMOVED, /* forget: a removed block says so */
} ChangeReason;

typedef struct {
	char *address;
	char *deposed; /* key; or NULL */
	char *provider; /* address of its configuration */
	gboolean managed;
	char *type, *name;
	ChangeAction action;
	ChangeReason reason;
	const Schema *schema;
	Value before, after; /* marked; null: there is none */
	Value requires_replace; /* tuple of paths */
	char *moved_from; /* or NULL */
	char *imported; /* the id; or NULL */
	gboolean create_first; /* create_before_destroy holds for it */
	char **dependencies; /* of what is deleted, as the state has them */
} Change;

typedef struct {
	char *name;
	ChangeAction action;
	Value before, after;
	gboolean sensitive;
} OutputChange;

/* What will be done, in Terraform's order of addresses. */
typedef struct {
	PlanMode mode;
	GPtrArray *changes; /* of Change*, CHANGE_NONE among them */
	GPtrArray *drift; /* of Change*: what was changed outside */
	GPtrArray *outputs; /* of OutputChange* */
	Value variables; /* of the root module: an object */
	Diags *warnings; /* that apply finds out anew: failed checks, what will be forgotten */
	gboolean errored;
} Plan;

void plan_free(Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)

/* Plans: refreshes, compares. The refreshed state is in the engine. NULL only if nothing could be
 * planned; else see plan->errored. */
Plan *engine_plan(Engine *engine);
/* Whether applying would do anything; outputs count. */
gboolean plan_changes_anything(const Plan *plan);
void plan_count(const Plan *plan, guint *add, guint *change, guint *destroy);

typedef struct {
	guint imported, added, changed, destroyed;
} ApplyCounts;
/* Applies a plan that engine_plan made or plan_read gave. Every change is in the state file as
 * soon as it happened. FALSE after errors. */
gboolean engine_apply(Engine *engine, Plan *plan, ApplyCounts *counts);

/* Writes the state and keeps the engine's lock for good: nothing is half done in the files when
 * the process ends now. For whoever does not want to wait for what is running. */
void engine_freeze(Engine *engine);

/* The state that the engine works on (borrowed). */
State *engine_state(Engine *engine);
/* What asks the engine to stop (borrowed). */
GCancellable *engine_cancellable(Engine *engine);
/* Whether the configuration or the state has anything of that provider ("aws"). */
gboolean engine_uses_provider(Engine *engine, const char *name);
/* Type and place of the backend block, and whether there is a cloud block; NULL if none. */
const char *engine_backend(Engine *engine);
/* Calls for each module call: its key ("network.subnets"), source, and where it is. */
typedef void (*EngineModuleFunc)(
	const char *key, const char *source, const char *dir, gpointer data);
void engine_each_module(Engine *engine, EngineModuleFunc found, gpointer data);
/* Providers that the configuration needs: source and version of ours, or NULL version if we lack
 * it; and what is asked of its versions, if ours does not meet it but what it serves does; else
 * NULL. */
typedef void (*EngineProviderFunc)(
	const char *source, const char *version, const char *constraints, gpointer data);
void engine_each_provider(Engine *engine, EngineProviderFunc found, gpointer data);
/* The schema of a type in a state or plan, by its provider's address; NULL if there is none. */
const Schema *engine_state_schema(
	Engine *engine, const char *provider, gboolean managed, const char *type);

/* Takes the object with that id into the state at an address that the configuration has. FALSE
 * after errors. */
gboolean engine_import(Engine *engine, const char *address, const char *id);
/* The value of an expression in the root module, where resources are as the state has them, as
 * text. NULL after errors. Caller frees. */
char *engine_evaluate(Engine *engine, const char *text);

/* The resources and what each depends on, in Graphviz's language. NULL after errors. Caller frees.
 */
char *engine_dot(Engine *engine);

/* ---- saved plans (planfile.c) ---- */

/* Writes the plan, with the state that it was made from and the variables. */
gboolean plan_write(const Plan *plan, Engine *engine, const char *path, GError **error);
/* What a saved plan needs besides its directory: its mode and variables. NULL and an error if the
 * file is none, or was made for another state (stale). */
Plan *plan_read(Engine *engine, const char *path, GError **error);
gboolean plan_is_file(const char *path);

/* ---- for people (render.c, render_state.c) and programs (show_json.c) ---- */

/* The plan as Terraform prints it: changes, outputs, the line "Plan: …". Caller frees. */
char *plan_render(const Plan *plan, gboolean color);
/* One object of the state as `show` prints it. Caller frees. */
char *state_render(Engine *engine, const State *state, gboolean color);
/* A state, and a plan, as `show -json` gives them (of a plan: the changes, outputs, variables and
 * the prior state; neither planned_values nor configuration). Callers free. */
char *state_show_json(Engine *engine, const State *state);
char *plan_show_json(Engine *engine, const Plan *plan);
/* `name = value` as `output` prints them. Caller frees. */
char *output_render(const char *name, Value value, gboolean sensitive);
/* The same as `show` prints it. Caller frees. */
char *output_show(const char *name, Value value, gboolean sensitive);
