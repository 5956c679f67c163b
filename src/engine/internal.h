/*
 * The engine's inside: what a walk over a configuration knows. One Engine is one operation (a plan,
 * an apply); everything in it is used with its lock held, which is let go only around the calls to
 * providers.
 */
#pragma once

#include "engine/address.h"
#include "engine/config.h"
#include "engine/engine.h"
#include "engine/graph.h"
#include "engine/state.h"
#include "provider/provider.h"

typedef struct ModuleInstance ModuleInstance;

/* A resource's or module call's repetition. */
typedef enum { REPEAT_SINGLE, REPEAT_COUNT, REPEAT_EACH } Repeat;

/* An instance of a resource, as references see it. */
typedef struct {
	Value key; /* null: none */
	char *address;
	Value each; /* each.value; null without for_each */
	Value value; /* marked; unknown until the walk was there */
} Instance;

typedef struct {
	Repeat repeat;
	GPtrArray *instances; /* of Instance*, in key order */
	GHashTable *by_key; /* address_key -> Instance*, borrowed */
	Value whole; /* what a reference without a key gives */
	gboolean has_whole;
} Expansion;

typedef struct {
	Repeat repeat;
	GPtrArray *instances; /* of ModuleInstance* */
	gboolean unknown; /* while validating: how many there are is not known */
} CallExpansion;

/* A value that is evaluated when it is first asked for. */
typedef struct {
	Value value;
	gboolean done, busy;
} Memo;

struct ModuleInstance {
	Module *module;
	ModuleInstance *parent;
	char *path; /* "module.a[0]"; "" for the root */
	Value key, each;
	GHashTable *variables, *locals, *outputs; /* name -> Memo */
	GHashTable *resources; /* Resource* -> Expansion* */
	GHashTable *calls; /* ModuleCall* -> CallExpansion* */
};

/* A provider, configured when it is first needed. */
typedef struct {
	char *address; /* provider["registry.terraform.io/hashicorp/aws"].west */
	const ProviderClass *class;
	Provider *provider;
	const ProviderConfig *config; /* NULL: without settings */
	gboolean tried, fine;
} ProviderInstance;

typedef enum {
	PHASE_VALIDATE, /* nothing is known of resources */
	PHASE_PLAN,
	PHASE_APPLY,
	PHASE_DESTROY, /* values are those of the state */
} Phase;

struct Engine {
	EngineOptions options;
	char *dir;
	Config *config;
	Sources *sources;
	State *state;
	char *state_path; /* while the state is detached */
	guint64 base_serial; /* of the state as it was read */
	Diags *diags;
	GMutex lock;
	GCancellable *cancellable; /* never NULL */
	Phase phase;
	gboolean validated; /* and found right: once is enough */
	GHashTable *lacking; /* set of Resource*: of a type that no provider here has */
	GPtrArray *targets; /* of Address*; NULL: everything */
	GHashTable *replaced; /* addresses of -replace */
	GHashTable *moved; /* address -> the one that its object had before this operation */
	GHashTable *imports; /* address -> id that is imported to it */
	GHashTable *given; /* variable name -> GivenVariable */
	ModuleInstance *root;
	GHashTable *providers; /* address -> ProviderInstance */
	Graph *graph; /* of the walk that goes on */
	GHashTable *dependencies; /* Resource* -> char** of addresses, sorted */
	Plan *plan; /* that is being made or applied */
	GHashTable *changes; /* address -> Change* of the plan that is applied */
	GHashTable *deposed; /* address -> key of the object that its replacement took over from */
	ApplyCounts counts;
	GPtrArray *running; /* what providers work on now, for "Still creating..." */
};

/* Where an expression is evaluated. */
typedef struct {
	Engine *engine;
	ModuleInstance *module;
	Value key, each; /* of count or for_each */
	Repeat repeat;
	Value self;
	gboolean has_self;
} EvalScope;

/* ---- scope.c: what names mean; named.c: their values ---- */

/* An instance of a module, with nothing evaluated yet. Caller frees, with all below it. */
ModuleInstance *module_instance_new(Module *module, ModuleInstance *parent, const char *path);
void module_instance_free(ModuleInstance *instance);
Value engine_eval(const EvalScope *scope, const LangExpr *expr, Diags *diags);
LangScope engine_lang_scope(const EvalScope *scope);
Value engine_variable(Engine *engine, ModuleInstance *module, const Variable *variable);
/* Says that a variable has no value. */
void engine_refuse_variable(Engine *engine, const Variable *variable);
Value engine_local(Engine *engine, ModuleInstance *module, const Local *local);
/* Evaluates its preconditions too. */
Value engine_output(Engine *engine, ModuleInstance *module, const Output *output);
/* Evaluates what a module names, or all modules do, so that a mistake in what nothing uses is found
 * too. */
void engine_evaluate_names(Engine *engine, ModuleInstance *module);
void engine_evaluate_all_names(Engine *engine);
EvalScope engine_instance_scope(
	Engine *engine, ModuleInstance *module, const Resource *resource, const Instance *instance);

/* ---- expand.c: count and for_each ---- */

/* The instances of a resource in a module instance; NULL after an error. Made once a walk. */
Expansion *engine_expand(Engine *engine, ModuleInstance *module, const Resource *resource);
CallExpansion *engine_expand_call(Engine *engine, ModuleInstance *module, ModuleCall *call);
/* All instances of a config module, in order. Caller frees the array. */
GPtrArray *engine_module_instances(Engine *engine, const Module *module);
void expansion_set_value(Expansion *expansion, Instance *instance, Value value_taken);

/* ---- body.c: blocks by schema ---- */

/* The value of a block's body by its schema; what is not set is null. `skip` (may be NULL) are
 * names of arguments and blocks that mean something else here. Errors: in diags, and the value is
 * good enough to go on. */
Value engine_decode(const EvalScope *scope, const LangBody *body, const SchemaBlock *schema,
	const char *const *skip, Diags *diags);
/* The names that every resource has besides its schema. */
extern const char *const engine_resource_meta[];
/* The place in a body that a provider's path means. */
SourceRange engine_range_of_path(const LangBody *body, Value path);
/* Moves a provider's diagnostics to the engine's, with places and the address. */
void engine_take_diags(
	Engine *engine, Diags *from, const LangBody *body, SourceRange header, const char *address);
/* `value` with what its schema calls sensitive marked. */
Value engine_mark_by_schema(Value value, const SchemaBlock *schema);

/* ---- providers.c ---- */

/* The provider of a resource, maybe not configured yet. NULL, and nothing said, if we lack the
 * provider; NULL after an error if the resource names a configuration that is not there. */
ProviderInstance *engine_provider_find(Engine *engine, const Resource *resource);
/* The provider's source as the resource's module has it: "hashicorp/aws", or the local name. */
const char *engine_provider_source(const Resource *resource);
/* What a resource needs to be worked on. FALSE after an error. *schema is NULL if we lack its
 * provider or its type: then it can have no instances (lacking.c). */
gboolean engine_find_type(Engine *engine, const Resource *resource, ProviderInstance **provider,
	const Schema **schema);
/* By the address that a state has. */
ProviderInstance *engine_provider_by_address(Engine *engine, const char *address);
gboolean engine_provider_ready(Engine *engine, ProviderInstance *instance);
/* The settings that apply to a resource: where its module gets them from; NULL: none. */
const ProviderConfig *engine_provider_config(const Resource *resource);
const Schema *engine_schema(const ProviderInstance *instance, gboolean managed, const char *type);
void provider_instance_free(gpointer instance);

/* ---- lacking.c: types that no provider here has ---- */

/* Says that an instance of the resource cannot be, since we lack its provider or its type. */
void engine_refuse_lacking(Engine *engine, const Resource *resource, const char *address);
/* FALSE, and an error, unless the resource has no instance in any of the module instances. */
gboolean engine_expect_none(Engine *engine, GPtrArray *modules, const Resource *resource);
/* Checks a resource without a schema as far as it goes, and notes it in engine->lacking. */
void engine_validate_lacking(Engine *engine, const Resource *resource);

/* ---- requirement.c: providers and their versions ---- */

/* The sources that the configuration needs, with the version that we answer for (NULL: there is
 * none). Caller frees. */
GHashTable *engine_provider_sources(Engine *engine);
/* FALSE, and an error each, if a provider is asked for in versions that nothing here serves. */
gboolean engine_check_versions(Engine *engine);

/* ---- order.c: what comes before what ---- */

/* A node for each resource, running `run` with the Resource as data, and for all that lies between
 * them. NULL and an error if there is a circle. */
typedef struct {
	Graph *graph;
	GHashTable *nodes; /* Resource* -> GraphNode* */
} Order;
Order *engine_order(Engine *engine, GraphRun run);
void order_free(Order *order);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Order, order_free)

/* ---- variables.c ---- */

typedef struct {
	Value value;
	SourceRange range;
	const char *source; /* "using -var=\"x=...\""; NULL: a file, see range */
} GivenVariable;
gboolean engine_collect_variables(Engine *engine);
void given_variable_free(gpointer given);

/* ---- values of objects (object.c) ---- */

/* The value of a state's object by the schema, marked; VALUE_NOTHING and an error if it does not
 * fit. */
Value engine_object_value(
	Engine *engine, const StateObject *object, const Schema *schema, const char *address);
/* What Terraform proposes: the configuration, and the prior value where the provider decides. */
Value engine_propose(const SchemaBlock *schema, Value prior, Value config);
/* `value` with the marks that `config` has, as far as there is the same in it. */
Value engine_copy_marks(Value value, Value config);
/* "[id=vpc-1]", or NULL. Caller frees. */
char *engine_id_of(Value value);

/* ---- progress.c ---- */

/* Progress, if anyone listens. */
void engine_tell(Engine *engine, EngineEventKind kind, const char *address, const char *detail,
	gint64 elapsed_s);
/* What a provider was asked with: begins and ends what may take long. Between the two the engine's
 * lock is not held, and whoever listens is told from time to time (without a verb: not). */
typedef struct {
	const char *address, *verb; /* "creating" */
	gint64 started; /* monotonic */
	gint64 told;
} Running;
void engine_let_go(Engine *engine, Running *running, const char *address, const char *verb);
void engine_come_back(Engine *engine, Running *running);
/* The two steps of letting go: its time begins; the lock is let go, maybe several times. */
void engine_begin_running(Running *running, const char *address, const char *verb);
void engine_let_go_on(Engine *engine, Running *running);
/* Seconds since it began. */
gint64 engine_running_s(const Running *running);
/* Walks a graph, as graph_walk does, while what runs long is told. */
gboolean engine_walk_telling(Engine *engine, Graph *graph);

/* ---- the operation (engine.c) ---- */

/* Forgets what the last walk found out. */
void engine_begin_walk(Engine *engine, Phase phase);
/* From here on changes of the state are in memory only, until engine_attach_state writes them. */
void engine_detach_state(Engine *engine);
gboolean engine_attach_state(Engine *engine);
/* Carries out moved blocks, and what follows when count comes or goes. */
gboolean engine_move(Engine *engine);
/* Whether a removed block says that it is only to leave the state. */
gboolean engine_is_forgotten(Engine *engine, const char *address);
/* The removed block about an address that destroys it; or NULL. */
const Removed *engine_removed(Engine *engine, const char *address);
void engine_warn_of_forgotten(const Plan *plan, Diags *diags);
/* Checks removed blocks against the rest of the configuration; moved ones, when it is known how
 * many instances there are. */
void engine_validate_refactoring(Engine *engine);
gboolean engine_check_moves(Engine *engine);
/* The address that a moved, removed or import block's argument names, as one of the root module.
 * Caller frees. */
char *engine_address_in(
	Engine *engine, const LangBody *body, const char *name, const Module *module);
/* Finds out what import blocks want: engine->imports. FALSE after errors. */
gboolean engine_note_imports(Engine *engine);
/* Puts the object with that id in the state, as far as the provider tells without reading it. */
gboolean engine_import_object(Engine *engine, const char *address, ProviderInstance *provider,
	const char *type, const Schema *schema, SourceRange where, const char *id);
gboolean engine_refuse_missing_import(Engine *engine, const char *address, SourceRange where);
/* The resource that the configuration has for an address, whatever the keys; or NULL. */
const Resource *engine_declared(const Engine *engine, const Address *address);
/* For each resource, which managed resources it depends on. */
void engine_note_dependencies(Engine *engine, const Order *order);

/* ---- plan.c, apply.c ---- */

/* A resource's instance in a walk. */
typedef struct {
	Engine *engine;
	ModuleInstance *module;
	const Resource *resource;
	Expansion *expansion;
	Instance *instance;
	ProviderInstance *provider;
	const Schema *schema;
} Job;
/* Spawns `run` for every instance of a resource, with a Job that the engine frees. */
gboolean engine_each_instance(
	Engine *engine, GraphNode *node, const Resource *resource, GraphRun run);
void engine_job_free(Job *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Job, engine_job_free)
/* Its configuration, evaluated; FALSE after errors. */
gboolean engine_job_config(Job *job, Value *config);
/* Whether the operation is about this instance (-target). */
gboolean engine_targets(const Engine *engine, const char *address);
/* Notes in the plan what happens to an instance (moved and imported from where, too). The plan owns
 * it. */
Change *engine_plan_change(const Job *job, ChangeAction action);
/* Refuses a plan that destroys what lifecycle.prevent_destroy holds. Returns FALSE. */
gboolean engine_refuse_destroy(Engine *engine, const Resource *resource, const char *address);

/* ---- refresh.c ---- */

/* The object of the state as it is now, marked: *value is null if there is none, or no more. The
 * state and the plan's drift learn it. FALSE after errors. */
gboolean engine_refresh(Engine *engine, const char *address, ProviderInstance *provider,
	const Schema *schema, SourceRange where, Value *value);

/* ---- provision.c ---- */

/* Runs those provisioners of the object at `address` that run then. scope: has the object as self.
 * running: what the object's creation or destruction began. FALSE after an error. */
gboolean engine_provision(Engine *engine, const EvalScope *scope, const GPtrArray *provisioners,
	gboolean at_destroy, const char *address, Running *running);
/* Whether there are any that run then. */
gboolean engine_provisions(const GPtrArray *provisioners, gboolean at_destroy);
/* Before its object is destroyed: those of its resource, or of the removed block about it. self:
 * the object. FALSE after an error. */
gboolean engine_provision_destruction(
	Engine *engine, const char *address, Value self, Running *running);
/* While planning: refuses provisioners that would have to run then and cannot here. FALSE after
 * errors. */
gboolean engine_check_provisioners(
	Engine *engine, const GPtrArray *provisioners, gboolean at_destroy, const char *address);
/* The same for an object that is to be destroyed. */
gboolean engine_check_destruction(Engine *engine, const char *address);
/* Checks their arguments; block: of their resource, for self. */
void engine_validate_provisioners(Engine *engine, const EvalScope *scope, const Resource *resource,
	const SchemaBlock *block, Diags *diags);

/* ---- ephemeral.c ---- */

/* Reports ephemeral values that would be kept. */
void engine_check_ephemeral(Engine *engine);

/* ---- trigger.c ---- */

/* Whether the plan so far changes what lifecycle.replace_triggered_by names. */
gboolean engine_is_triggered(const Job *job);
/* Reports triggers that are not declared. */
void engine_check_triggers(Engine *engine, const Resource *resource);

/* ---- ignore_changes.c ---- */

/* Reports names in lifecycle.ignore_changes that the type does not have. */
void engine_check_ignored(Engine *engine, const Resource *resource, const Schema *schema);

/* The configuration with the prior values of what lifecycle.ignore_changes names. */
Value engine_ignore_changes(
	const Resource *resource, const Schema *schema, Value prior, Value config);

/* ---- data.c ---- */

/* Reads a data source and gives its value to the walk. FALSE after errors. */
gboolean engine_read_data(Job *job, Value config);
/* Reads it, or plans to read it during apply. FALSE after errors. */
gboolean engine_plan_data(Job *job, Value config);

/* ---- removal.c ---- */

/* Plans what is to go, dependents first. FALSE after errors. */
gboolean engine_plan_removals(Engine *engine);

/* ---- change.c ---- */

/* An empty plan. Caller frees. */
Plan *plan_new(PlanMode mode);
/* In Terraform's order of addresses. */
void plan_sort(Plan *plan);
Change *change_new(const char *address, ChangeAction action);
void change_free(gpointer change);

/* ---- condition.c: what must hold ---- */

/* Evaluates pre- or postconditions; FALSE, and an error each, where one does not hold. what:
 * "Resource precondition". */
gboolean engine_check_conditions(
	Engine *engine, const EvalScope *scope, const GPtrArray *conditions, const char *what);
/* Only finds out whether they make sense. */
void engine_validate_conditions(
	Engine *engine, const EvalScope *scope, const GPtrArray *conditions);
/* Evaluates the check blocks: what does not hold is one of the warnings. */
void engine_run_checks(Engine *engine, Diags *warnings);
/* Evaluates a variable's validation rules; `where`: what gave it its value. */
void engine_check_validations(
	Engine *engine, ModuleInstance *module, const Variable *variable, SourceRange where);
/* What is secret must not leave the root module unless its output says so; what is ephemeral,
 * never.
 */
void engine_check_output(Engine *engine, const Output *output, Value value);

/* ---- apply.c, destroy.c ---- */

/* Puts an object into the state and its journal, as state_put does (takes it; NULL: it is gone).
 * FALSE, and an error, if that could not be written. */
gboolean engine_put(Engine *engine, const char *address, const char *provider, const char *deposed,
	StateObject *object);
/* Adds to a walk what a plan destroys, in its order against the configuration's own nodes (order;
 * NULL: all is destroyed). Caller frees the array, when the walk is over. */
GPtrArray *engine_add_destructions(Engine *engine, const Plan *plan, Order *order, Graph *graph);
