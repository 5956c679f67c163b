/* What the providers of plain types share. See plain.h. */
#include "provider/plain/plain.h"

#include "provider/aws/aws.h"

extern const AwsTypeFile plain_type_files[];

typedef struct {
	Provider base;
	const PlainType *types;
	GPtrArray *resource_names, *data_names; /* sorted, ended by NULL */
} PlainProvider;

/* ---- schemas ---- */

typedef struct {
	GHashTable *resources, *data; /* name -> AwsType */
	Schema provider;
} Catalogue;

static gpointer load_catalogue(gpointer nothing) {
	Catalogue *catalogue = g_new0(Catalogue, 1);
	catalogue->resources = g_hash_table_new(g_str_hash, g_str_equal);
	catalogue->data = g_hash_table_new(g_str_hash, g_str_equal);
	catalogue->provider.block = schema_block_new();
	g_autoptr(GHashTable) services = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) types = g_ptr_array_new();
	g_autoptr(Diags) diags = diags_new();
	aws_type_files_parse(plain_type_files, types, services, diags);
	if (diags_has_errors(diags)) {
		g_autofree char *text = diags_render(diags, NULL, FALSE, 0);
		g_error("the built-in types are broken:\n%s", text);
	}
	for (guint i = 0; i < types->len; i++) {
		AwsType *type = types->pdata[i];
		g_hash_table_insert(type->is_data ? catalogue->data : catalogue->resources,
			(char *)type->name, type);
	}
	return catalogue;
}

static const Catalogue *catalogue_get(void) {
	static GOnce once = G_ONCE_INIT;
	return g_once(&once, load_catalogue, NULL);
}

static const PlainType *find(const Provider *base, const char *name, gboolean is_data) {
	for (const PlainType *type = ((const PlainProvider *)base)->types; type->name; type++)
		if (g_str_equal(type->name, name) && type->is_data == is_data)
			return type;
	return NULL;
}

static const AwsType *schema_of(const Provider *base, const char *name, gboolean is_data) {
	const Catalogue *catalogue = catalogue_get();
	return find(base, name, is_data)
		       ? g_hash_table_lookup(is_data ? catalogue->data : catalogue->resources, name)
		       : NULL;
}

const Schema *plain_schema(const Provider *provider) {
	return &catalogue_get()->provider;
}

const Schema *plain_resource_schema(const Provider *provider, const char *name) {
	const AwsType *type = schema_of(provider, name, FALSE);
	return type ? type->schema : NULL;
}

const Schema *plain_data_schema(const Provider *provider, const char *name) {
	const AwsType *type = schema_of(provider, name, TRUE);
	return type ? type->schema : NULL;
}

const char *const *plain_resource_types(const Provider *provider) {
	return (const char *const *)((const PlainProvider *)provider)->resource_names->pdata;
}

const char *const *plain_data_types(const Provider *provider) {
	return (const char *const *)((const PlainProvider *)provider)->data_names->pdata;
}

/* ---- life ---- */

static int compare_names(gconstpointer a, gconstpointer b) {
	return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *names_of(const PlainType *types, gboolean is_data) {
	GPtrArray *names = g_ptr_array_new();
	for (; types->name; types++)
		if (types->is_data == is_data)
			g_ptr_array_add(names, (char *)types->name);
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	return names;
}

Provider *plain_provider_new(const ProviderClass *class, const PlainType *types) {
	PlainProvider *provider = g_new0(PlainProvider, 1);
	provider->base.class = class;
	provider->types = types;
	provider->resource_names = names_of(types, FALSE);
	provider->data_names = names_of(types, TRUE);
	return &provider->base;
}

void plain_provider_free(Provider *base) {
	PlainProvider *provider = (PlainProvider *)base;
	g_ptr_array_unref(provider->resource_names);
	g_ptr_array_unref(provider->data_names);
	g_free(provider);
}

gboolean plain_configure(Provider *provider, Value config, Diags *diags) {
	return TRUE;
}

/* ---- operations ---- */

/* The framework asks for an aws provider only to know its region and tags: there are none. */
static AwsProvider nothing_aws;

Value plain_fail(Diags *diags, const char *summary, const char *detail, ...) {
	va_list arguments;
	va_start(arguments, detail);
	g_autofree char *text = g_strdup_vprintf(detail, arguments);
	va_end(arguments);
	provider_error(diags, VALUE_NOTHING, summary, "%s", text);
	return VALUE_NOTHING;
}

void plain_validate_resource(Provider *provider, const char *name, Value config, Diags *diags) {
	aws_validate(&nothing_aws, schema_of(provider, name, FALSE), config, diags);
}

void plain_validate_data(Provider *provider, const char *name, Value config, Diags *diags) {
	aws_validate(&nothing_aws, schema_of(provider, name, TRUE), config, diags);
}

gboolean plain_plan(Provider *provider, const char *name, Value prior, Value config, Value proposed,
	ProviderPlan *plan, Diags *diags) {
	return aws_plan(&nothing_aws, schema_of(provider, name, FALSE), prior, config, proposed,
		plan, diags);
}

/* What a type made, in its schema's shape. */
static Value shape_take(const AwsType *type, Value made_taken, Diags *diags) {
	g_auto(Value) made = made_taken;
	if (value_is_null(made))
		return VALUE_NOTHING;
	g_autofree char *problem = NULL;
	g_auto(Value) shaped = aws_shape(type->block, made, &problem);
	if (problem)
		return plain_fail(diags, "Unexpected object", "%s: %s", type->name, problem);
	return value_steal(&shaped);
}

gboolean plain_apply(Provider *provider, const char *name, Value prior, Value planned, Value config,
	Value *state, const ProviderKeeper *keeper, GCancellable *cancellable, Diags *diags) {
	const PlainType *own = find(provider, name, FALSE);
	const AwsType *type = schema_of(provider, name, FALSE);
	if (value_is_null(planned)) {
		gboolean gone = !own->remove || own->remove(prior, cancellable, diags);
		*state = gone ? value_null(value_type(prior)) : value_ref(prior);
		return gone;
	}
	gboolean creating = value_is_null(prior);
	g_auto(Value) wanted = aws_without_unknowns(planned);
	Value made = creating	   ? own->create(wanted, cancellable, diags)
		     : own->update ? own->update(wanted, prior, diags)
				   : value_ref(wanted);
	*state = shape_take(type, made, diags);
	if (!value_is_null(*state))
		return TRUE;
	*state = creating ? value_null(value_type(planned)) : value_ref(prior);
	return FALSE;
}

gboolean plain_read(Provider *provider, const char *name, Value prior, Value *state,
	GCancellable *cancellable, Diags *diags) {
	const PlainType *own = find(provider, name, FALSE);
	*state = !own->is_there || own->is_there(prior) ? value_ref(prior)
							: value_null(value_type(prior));
	return TRUE;
}

gboolean plain_read_data(Provider *provider, const char *name, Value config, Value *state,
	GCancellable *cancellable, Diags *diags) {
	const AwsType *type = schema_of(provider, name, TRUE);
	g_auto(ProviderPlan) plan = {0};
	if (!aws_plan(&nothing_aws, type, VALUE_NOTHING, config, config, &plan, diags))
		return FALSE;
	g_auto(Value) wanted = aws_without_unknowns(plan.planned);
	*state = shape_take(
		type, find(provider, name, TRUE)->create(wanted, cancellable, diags), diags);
	return !value_is_null(*state);
}

gboolean plain_import(Provider *provider, const char *name, const char *id, Value *state,
	GCancellable *cancellable, Diags *diags) {
	const PlainType *own = find(provider, name, FALSE);
	if (!own->import) {
		plain_fail(diags, "Resource import not implemented",
			"The resource type %s cannot be imported.", name);
		return FALSE;
	}
	*state = shape_take(schema_of(provider, name, FALSE), own->import(id, diags), diags);
	return !value_is_null(*state);
}
