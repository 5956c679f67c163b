/*
 * Providers whose objects need no service, only this machine: random values, times, files. Their
 * schemas are .hcl files like those of the aws provider (<provider>/<provider>.hcl, each type with
 * `bare = true`); what is done is C, a PlainType for each. Planning, validation and shaping are
 * those of the aws provider's framework.
 */
#pragma once

#include "provider/provider.h"

typedef struct {
	const char *name;
	gboolean is_data;
	/* The object made of what is wanted (what is not known yet is null); of a data source: what
	 * is read. VALUE_NOTHING after errors. */
	Value (*create)(Value wanted, GCancellable *cancellable, Diags *diags);
	/* The object after a change in place; NULL: it is what is wanted. */
	Value (*update)(Value wanted, Value prior, Diags *diags);
	/* Whether the object is (still) there; NULL: it is. */
	gboolean (*is_there)(Value prior);
	/* Takes the object away; FALSE after errors. NULL: nothing is to be done. */
	gboolean (*remove)(Value prior, GCancellable *cancellable, Diags *diags);
	/* The object of an import id, VALUE_NOTHING after errors. NULL: cannot be imported. */
	Value (*import)(const char *id, Diags *diags);
} PlainType;

/* A provider of these types (ended by a NULL name). */
Provider *plain_provider_new(const ProviderClass *class, const PlainType *types);

/* An error about the object as a whole; always VALUE_NOTHING. */
Value plain_fail(Diags *diags, const char *summary, const char *detail, ...) G_GNUC_PRINTF(3, 4);

/* The functions of a ProviderClass that all these providers share. */
void plain_provider_free(Provider *provider);
const Schema *plain_schema(const Provider *provider);
const Schema *plain_resource_schema(const Provider *provider, const char *type);
const Schema *plain_data_schema(const Provider *provider, const char *type);
const char *const *plain_resource_types(const Provider *provider);
const char *const *plain_data_types(const Provider *provider);
gboolean plain_configure(Provider *provider, Value config, Diags *diags);
void plain_validate_resource(Provider *provider, const char *type, Value config, Diags *diags);
void plain_validate_data(Provider *provider, const char *type, Value config, Diags *diags);
gboolean plain_plan(Provider *provider, const char *type, Value prior, Value config, Value proposed,
	ProviderPlan *plan, Diags *diags);
gboolean plain_apply(Provider *provider, const char *type, Value prior, Value planned, Value config,
	Value *state, const ProviderKeeper *keeper, GCancellable *cancellable, Diags *diags);
gboolean plain_read(Provider *provider, const char *type, Value prior, Value *state,
	GCancellable *cancellable, Diags *diags);
gboolean plain_read_data(Provider *provider, const char *type, Value config, Value *state,
	GCancellable *cancellable, Diags *diags);
gboolean plain_import(Provider *provider, const char *type, const char *id, Value *state,
	GCancellable *cancellable, Diags *diags);

/* The class of the provider hashicorp/<name> in this file, of the PlainTypes `types`. */
#define PLAIN_PROVIDER(name_, version_, types_)                                                    \
	extern const ProviderClass provider_##name_##_class;                                       \
	static Provider *create_provider(void) {                                                   \
		return plain_provider_new(&provider_##name_##_class, types_);                      \
	}                                                                                          \
	const ProviderClass provider_##name_##_class = {                                           \
		.name = #name_,                                                                    \
		.source = "registry.terraform.io/hashicorp/" #name_,                               \
		.version = version_,                                                               \
		.create = create_provider,                                                         \
		.destroy = plain_provider_free,                                                    \
		.schema = plain_schema,                                                            \
		.resource_schema = plain_resource_schema,                                          \
		.data_schema = plain_data_schema,                                                  \
		.resource_types = plain_resource_types,                                            \
		.data_types = plain_data_types,                                                    \
		.configure = plain_configure,                                                      \
		.validate_resource = plain_validate_resource,                                      \
		.validate_data = plain_validate_data,                                              \
		.plan = plain_plan,                                                                \
		.apply = plain_apply,                                                              \
		.read = plain_read,                                                                \
		.read_data = plain_read_data,                                                      \
		.import = plain_import,                                                            \
	}
