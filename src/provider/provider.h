/*
 * What the engine may ask of a provider: the operations of Terraform's provider protocol, on
 * Values. A Provider is one configured instance (an alias is another). `plan` and `validate` are
 * pure; apply, read and read_data may block and are called from several threads at once, so they
 * take nothing but their arguments and immutable configuration.
 *
 * Values given and returned have the type schema_block_type(schema->block), but for config, where
 * what is not set is null. Unknown values may occur in config and planned values, not in states.
 */
#pragma once

#include <gio/gio.h>

#include "base/diag.h"
#include "provider/schema.h"

typedef struct Provider Provider;
typedef struct ProviderClass ProviderClass;

struct Provider {
	const ProviderClass *class;
};

typedef struct {
	Value planned; /* the new state as far as it is known now; null type for destroy */
	Value requires_replace; /* tuple of paths that force replacement; null or empty: none */
} ProviderPlan;

void provider_plan_clear(ProviderPlan *plan);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProviderPlan, provider_plan_clear)

/* Takes what is known of an object as soon as it exists, while the provider still works on it: so
 * that a process that is killed then has not lost it. Borrows the state. */
typedef struct {
	void (*keep)(Value state, gpointer data);
	gpointer data;
} ProviderKeeper;

struct ProviderClass {
	const char *name; /* "aws" */
	const char *source; /* "registry.terraform.io/hashicorp/aws": for the state file */
	const char *version; /* that we answer for the lock file and `version` */
	guint oldest_major; /* of the releases whose names we know, up to the version's */

	Provider *(*create)(void);
	void (*destroy)(Provider *provider);

	/* Schema of the provider block. */
	const Schema *(*schema)(const Provider *provider);
	/* Of a resource type or data source; NULL if there is none of that name. */
	const Schema *(*resource_schema)(const Provider *provider, const char *type);
	const Schema *(*data_schema)(const Provider *provider, const char *type);
	/* All names, sorted, NULL-terminated, for suggestions and docs. Owned by the class. */
	const char *const *(*resource_types)(const Provider *provider);
	const char *const *(*data_types)(const Provider *provider);

	/* Takes its settings; may have unknown parts (during plan). FALSE after errors. */
	gboolean (*configure)(Provider *provider, Value config, Diags *diags);

	/* Checks what schema types cannot say: enums, ranges, conflicts. Diagnostics name
	 * attributes by provider_diag below. */
	void (*validate_resource)(Provider *provider, const char *type, Value config, Diags *diags);
	void (*validate_data)(Provider *provider, const char *type, Value config, Diags *diags);

	/* prior: the state before (null: create). proposed: config with the prior's computed values
	 * filled in. */
	gboolean (*plan)(Provider *provider, const char *type, Value prior, Value config,
		Value proposed, ProviderPlan *plan, Diags *diags);
	/* Creates (prior null), updates, or deletes (planned null). *state gets what is there now,
	 * ALSO on failure: what was made half is not lost (tainted by the engine). Null: nothing is
	 * there. `keeper` (may be NULL) is told earlier of what is being created. `cancellable`
	 * asks to stop waiting at the next safe point. */
	gboolean (*apply)(Provider *provider, const char *type, Value prior, Value planned,
		Value config, Value *state, const ProviderKeeper *keeper, GCancellable *cancellable,
		Diags *diags);
	/* What is there now; null if the object is gone. */
	gboolean (*read)(Provider *provider, const char *type, Value prior, Value *state,
		GCancellable *cancellable, Diags *diags);
	gboolean (*read_data)(Provider *provider, const char *type, Value config, Value *state,
		GCancellable *cancellable, Diags *diags);
	/* Finds an object by the id of `terraform import`; *state is enough for read to complete
	 * it. */
	gboolean (*import)(Provider *provider, const char *type, const char *id, Value *state,
		GCancellable *cancellable, Diags *diags);
};

/* An error of a provider about an attribute: `path` (tuple of steps; null: the whole block) is
 * turned into a place in the file by the engine. */
Diag *provider_error(Diags *diags, Value path, const char *summary, const char *detail, ...)
	G_GNUC_PRINTF(4, 5);
/* The path that a diagnostic was given, borrowed, or VALUE_NOTHING. */
Value provider_diag_path(const Diag *diag);

/* The providers that we have, by local name or source ("aws", "hashicorp/aws", "terraform"); NULL
 * if none. */
const ProviderClass *provider_class(const char *name_or_source);
const ProviderClass *const *provider_classes(gsize *n);
/* Their local names in a sentence: "archive, aws, …". Caller frees. */
char *provider_class_names(void);
