/*
 * The provider that is built into Terraform: terraform_data, and terraform_remote_state of local
 * states.
 */
#include <string.h>

#include "provider/provider.h"
#include "value/convert.h"
#include "value/json.h"

/* ---- schemas ---- */

static SchemaAttribute *add(SchemaBlock *block, const char *name, const Type *type,
	gboolean optional, gboolean computed) {
	SchemaAttribute *attribute = g_new0(SchemaAttribute, 1);
	attribute->name = name;
	attribute->type = type;
	attribute->optional = optional;
	attribute->computed = computed;
	g_ptr_array_add(block->attributes, attribute);
	return attribute;
}

static Schema *schema_new(const char *type) {
	Schema *schema = g_new0(Schema, 1);
	schema->type = g_strdup(type);
	schema->block = schema_block_new();
	return schema;
}

typedef struct {
	Schema *provider, *data, *remote_state;
} Schemas;

static gpointer make_schemas(gpointer nothing) {
	Schemas *schemas = g_new0(Schemas, 1);
	schemas->provider = schema_new("terraform");
	schemas->data = schema_new("terraform_data");
	add(schemas->data->block, "id", type_string(), FALSE, TRUE);
	add(schemas->data->block, "input", type_any(), TRUE, FALSE);
	add(schemas->data->block, "output", type_any(), FALSE, TRUE);
	add(schemas->data->block, "triggers_replace", type_any(), TRUE, FALSE);
	schemas->remote_state = schema_new("terraform_remote_state");
	SchemaBlock *remote = schemas->remote_state->block;
	SchemaAttribute *backend = add(remote, "backend", type_string(), FALSE, FALSE);
	backend->required = TRUE;
	add(remote, "config", type_any(), TRUE, FALSE);
	add(remote, "defaults", type_any(), TRUE, FALSE);
	add(remote, "outputs", type_any(), FALSE, TRUE);
	add(remote, "workspace", type_string(), TRUE, FALSE);
	return schemas;
}

static const Schemas *schemas_get(void) {
	static GOnce once = G_ONCE_INIT;
	return g_once(&once, make_schemas, NULL);
}

static const Schema *provider_schema(const Provider *provider) {
	return schemas_get()->provider;
}

static const Schema *resource_schema(const Provider *provider, const char *type) {
	return g_str_equal(type, "terraform_data") ? schemas_get()->data : NULL;
}

static const Schema *data_schema(const Provider *provider, const char *type) {
	return g_str_equal(type, "terraform_remote_state") ? schemas_get()->remote_state : NULL;
}

static const char *const *resource_types(const Provider *provider) {
	static const char *const names[] = {"terraform_data", NULL};
	return names;
}

static const char *const *data_types(const Provider *provider) {
	static const char *const names[] = {"terraform_remote_state", NULL};
	return names;
}

/* ---- terraform_data ---- */

static gboolean plan(Provider *provider, const char *type, Value prior, Value config,
	Value proposed, ProviderPlan *plan, Diags *diags) {
	plan->planned = value_ref(proposed);
	if (value_is_null(proposed))
		return TRUE;
	Value input = value_get(config, "input"), triggers = value_get(config, "triggers_replace");
	gboolean creating = value_is_null(prior);
	if (creating)
		plan->planned = value_with_take(plan->planned, "id", value_unknown(type_string()));
	else if (!value_equal(triggers, value_get(prior, "triggers_replace")))
		plan->requires_replace =
			value_tuple_take(1, value_tuple_take(1, value_string("triggers_replace")));
	gboolean changed = creating || !value_equal(input, value_get(prior, "input"));
	if (changed && value_is_null(input))
		plan->planned = value_with_take(plan->planned, "output", VALUE_NOTHING);
	else if (changed)
		plan->planned =
			value_with_take(plan->planned, "output", value_unknown(value_type(input)));
	return TRUE;
}

static gboolean apply(Provider *provider, const char *type, Value prior, Value planned,
	Value config, Value *state, const ProviderKeeper *keeper, GCancellable *cancellable,
	Diags *diags) {
	*state = value_ref(planned);
	if (value_is_null(planned))
		return TRUE;
	*state = value_with_take(*state, "output", value_ref(value_get(planned, "input")));
	if (!value_is_known(value_get(planned, "id"))) {
		g_autofree char *id = g_uuid_string_random();
		*state = value_with_take(*state, "id", value_string(id));
	}
	return TRUE;
}

static gboolean read_resource(Provider *provider, const char *type, Value prior, Value *state,
	GCancellable *cancellable, Diags *diags) {
	*state = value_ref(prior);
	return TRUE;
}

static gboolean import(Provider *provider, const char *type, const char *id, Value *state,
	GCancellable *cancellable, Diags *diags) {
	*state = value_object_take("id", value_string(id), "input", VALUE_NOTHING, "output",
		VALUE_NOTHING, "triggers_replace", VALUE_NOTHING, NULL);
	return TRUE;
}

/* ---- terraform_remote_state ---- */

static gboolean read_outputs(const char *path, Value defaults, Value *outputs, Diags *diags) {
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	gsize length;
	g_auto(Value) state = VALUE_NOTHING;
	if (g_file_get_contents(path, &text, &length, &error))
		state = value_from_json(text, (gssize)length, &error);
	if (error) {
		diags_error(
			diags, SOURCE_NOWHERE, "Unable to find remote state", "%s", error->message);
		return FALSE;
	}
	g_auto(Value) all = value_is_mapping(defaults) ? value_ref(defaults) : value_empty_object();
	Value stored = value_get(state, "outputs");
	for (gsize i = 0; i < value_length(stored); i++)
		all = value_with_take(value_steal(&all), value_key_at(stored, i),
			value_ref(value_get(value_at(stored, i), "value")));
	*outputs = value_steal(&all);
	return TRUE;
}

static gboolean read_data(Provider *provider, const char *type, Value config, Value *state,
	GCancellable *cancellable, Diags *diags) {
	const char *backend = value_get_text(config, "backend");
	if (g_strcmp0(backend, "local") != 0) {
		diags_error(diags, SOURCE_NOWHERE, "Unsupported backend",
			"terraform_remote_state reads states of the local backend only; \"%s\" is "
			"not implemented.",
			backend ? backend : "");
		return FALSE;
	}
	const char *path = value_get_text(value_get(config, "config"), "path");
	g_auto(Value) outputs = VALUE_NOTHING;
	if (!read_outputs(path ? path : "terraform.tfstate", value_get(config, "defaults"),
		    &outputs, diags))
		return FALSE;
	*state = value_with_take(value_ref(config), "outputs", value_steal(&outputs));
	return TRUE;
}

/* ---- the class ---- */

static Provider *create(void) {
	extern const ProviderClass provider_terraform_class;
	Provider *provider = g_new0(Provider, 1);
	provider->class = &provider_terraform_class;
	return provider;
}

static void destroy(Provider *provider) {
	g_free(provider);
}

static gboolean configure(Provider *provider, Value config, Diags *diags) {
	return TRUE;
}

static void validate(Provider *provider, const char *type, Value config, Diags *diags) {
	(void)config;
}

const ProviderClass provider_terraform_class = {
	.name = "terraform",
	.source = "terraform.io/builtin/terraform",
	.version = "",
	.create = create,
	.destroy = destroy,
	.schema = provider_schema,
	.resource_schema = resource_schema,
	.data_schema = data_schema,
	.resource_types = resource_types,
	.data_types = data_types,
	.configure = configure,
	.validate_resource = validate,
	.validate_data = validate,
	.plan = plan,
	.apply = apply,
	.read = read_resource,
	.read_data = read_data,
	.import = import,
};
