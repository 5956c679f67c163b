/*
 * The aws provider behind the engine's interface: its settings, its clients, and the operations of
 * resource types carried out by their programs. Nothing here assumes that the other end is ours.
 */
#include "provider/aws/aws.h"

#include <string.h>

/* Set once at start, before any provider: see provider_aws_set_endpoint. */
static const char *local_endpoint;
static const char *local_key = "terrarium", *local_secret = "terrarium";

void provider_aws_set_endpoint(const char *url) {
	local_endpoint = url ? g_intern_string(url) : NULL;
}

void provider_aws_set_keys(const char *access_key_id, const char *secret_access_key) {
	local_key = g_intern_string(access_key_id);
	local_secret = g_intern_string(secret_access_key);
}

/* ---- the provider and its clients ---- */

static Provider *create(void) {
	AwsProvider *provider = g_new0(AwsProvider, 1);
	provider->base.class = &provider_aws_class;
	provider->clients = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)wire_client_free);
	provider->default_tags = value_empty_object();
	g_mutex_init(&provider->lock);
	return &provider->base;
}

static void destroy(Provider *base) {
	AwsProvider *provider = (AwsProvider *)base;
	g_hash_table_unref(provider->clients);
	g_mutex_clear(&provider->lock);
	value_clear(&provider->default_tags);
	value_clear(&provider->ignored_tags);
	value_clear(&provider->allowed_accounts);
	value_clear(&provider->forbidden_accounts);
	g_free(provider->region);
	g_free(provider->access_key);
	g_free(provider->secret_key);
	g_free(provider->token);
	g_free(provider->account_id);
	g_free(provider);
}

const char *aws_local_endpoint(void) {
	return local_endpoint;
}

const char *aws_partition(const char *region) {
	if (g_str_has_prefix(region ? region : "", "cn-"))
		return "aws-cn";
	return g_str_has_prefix(region ? region : "", "us-gov-") ? "aws-us-gov" : "aws";
}

const char *aws_dns_suffix(const char *region) {
	return g_str_has_prefix(region ? region : "", "cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

WireClient *aws_client(AwsProvider *provider, const char *region) {
	if (!region || !*region)
		region = provider->region;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&provider->lock);
	WireClient *client = g_hash_table_lookup(provider->clients, region);
	if (client)
		return client;
	WireClientOptions options = {
		.endpoint_url = local_endpoint,
		.region = region,
		.credentials = {provider->access_key, provider->secret_key, provider->token},
	};
	client = wire_client_new(&options);
	g_hash_table_insert(provider->clients, g_strdup(region), client);
	return client;
}

const char *aws_account_id(AwsProvider *provider, GError **error) {
	g_mutex_lock(&provider->lock);
	const char *known = provider->account_id;
	g_mutex_unlock(&provider->lock);
	if (known)
		return known;
	WireClient *client = aws_client(provider, NULL);
	g_auto(Value) input = value_empty_object();
	g_auto(Value) identity = wire_client_call(client, "sts", "GetCallerIdentity", input, error);
	const char *account = value_get_text(identity, "Account");
	if (!account)
		return NULL;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&provider->lock);
	if (!provider->account_id)
		provider->account_id = g_strdup(account);
	return provider->account_id;
}

/* ---- schemas ---- */

static const Schema *schema(const Provider *provider) {
	return aws_provider_type()->schema;
}

static const Schema *resource_schema(const Provider *provider, const char *name) {
	const AwsType *type = aws_type(name, FALSE);
	return type ? type->schema : NULL;
}

static const Schema *data_schema(const Provider *provider, const char *name) {
	const AwsType *type = aws_type(name, TRUE);
	return type ? type->schema : NULL;
}

static const char *const *resource_types(const Provider *provider) {
	return aws_type_names(FALSE);
}

static const char *const *data_types(const Provider *provider) {
	return aws_type_names(TRUE);
}

/* ---- settings ---- */

static char *setting(Value config, const char *name, const char *variable, const char *otherwise) {
	const char *text = value_get_text(config, name);
	if (!text || !*text)
		text = g_getenv(variable);
	return g_strdup(text && *text ? text : otherwise);
}

static void configure_credentials(AwsProvider *provider, Value config) {
	/* On the local target any key will do, unless the region is strict: unknown ones are the
	 * account's administrator. */
	provider->access_key = setting(
		config, "access_key", "AWS_ACCESS_KEY_ID", local_endpoint ? local_key : NULL);
	provider->secret_key = setting(config, "secret_key", "AWS_SECRET_ACCESS_KEY",
		local_endpoint ? local_secret : NULL);
	provider->token = setting(config, "token", "AWS_SESSION_TOKEN", NULL);
}

static void warn_of_no_effect(Value config, Diags *diags) {
	static const char *const names[] = {
		"assume_role", "assume_role_with_web_identity", "endpoints"};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		Value value = value_get(config, names[i]);
		if (!value_is_known(value) || value_length(value) == 0)
			continue;
		g_autofree char *summary =
			g_strdup_printf("Provider setting without effect on the local target");
		diags_warning(diags, SOURCE_NOWHERE, summary,
			"The provider's %s is for AWS; on this machine all calls go to the local "
			"region with "
			"the provider's own keys.",
			names[i]);
	}
}

static void take_value(Value *slot, Value config, const char *name) {
	value_clear(slot);
	*slot = value_ref(value_get(config, name));
}

static void configure_tags(AwsProvider *provider, Value config) {
	Value blocks = value_get(config, "default_tags");
	Value tags = value_get(value_at(blocks, 0), "tags");
	value_clear(&provider->default_tags);
	provider->default_tags = value_is_null(tags) ? value_empty_object() : value_ref(tags);
	value_clear(&provider->ignored_tags);
	provider->ignored_tags = value_ref(value_at(value_get(config, "ignore_tags"), 0));
}

static gboolean configure(Provider *base, Value config, Diags *diags) {
	AwsProvider *provider = (AwsProvider *)base;
	g_free(provider->region);
	provider->region = setting(config, "region", "AWS_REGION", g_getenv("AWS_DEFAULT_REGION"));
	if (!provider->region) {
		g_auto(Value) path = value_tuple_take(1, value_string("region"));
		provider_error(diags, path, "Invalid provider configuration",
			"The aws provider needs a region: set it in the provider block, or in "
			"AWS_REGION.");
		return FALSE;
	}
	configure_credentials(provider, config);
	if (!provider->access_key || !provider->secret_key) {
		provider_error(diags, VALUE_NOTHING, "No valid credential sources found",
			"Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or access_key and "
			"secret_key in the "
			"provider block.");
		return FALSE;
	}
	configure_tags(provider, config);
	take_value(&provider->allowed_accounts, config, "allowed_account_ids");
	take_value(&provider->forbidden_accounts, config, "forbidden_account_ids");
	if (local_endpoint)
		warn_of_no_effect(config, diags);
	return TRUE;
}

/* ---- operations ---- */

static gboolean lists_account(Value list, const char *account) {
	for (gsize i = 0; i < value_length(list); i++)
		if (g_strcmp0(value_text(value_at(list, i)), account) == 0)
			return TRUE;
	return FALSE;
}

/* allowed_account_ids and forbidden_account_ids guard real accounts; the local one is no such. */
static gboolean check_account(AwsProvider *provider, Diags *diags) {
	gboolean guarded = value_length(provider->allowed_accounts) > 0 ||
			   value_length(provider->forbidden_accounts) > 0;
	if (local_endpoint || !guarded)
		return TRUE;
	g_autoptr(GError) error = NULL;
	const char *account = aws_account_id(provider, &error);
	gboolean allowed = account && !lists_account(provider->forbidden_accounts, account) &&
			   (value_length(provider->allowed_accounts) == 0 ||
				   lists_account(provider->allowed_accounts, account));
	if (!allowed)
		provider_error(diags, VALUE_NOTHING, "AWS account not allowed", "%s",
			account ? account : error->message);
	return allowed;
}

static AwsRun run_new(Provider *provider, const AwsType *type, const char *verb,
	GCancellable *cancellable, Diags *diags) {
	return (AwsRun){
		.provider = (AwsProvider *)provider,
		.type = type,
		.verb = verb,
		.cancellable = cancellable,
		.diags = diags,
	};
}

/* What the API gives for an attribute, or what we had, if that means the same. */
static Value settle(AwsEquality equality, Value read, Value before) {
	gboolean same = equality != AWS_EQUAL_EXACT && !value_is_null(before) &&
			aws_equal(equality, before, read);
	return value_ref(same ? before : read);
}

static gboolean is_local(const AwsBlock *block, const char *name, AwsEquality *equality) {
	for (guint i = 0; i < block->attributes->len; i++) {
		const SchemaAttribute *schema = block->schema->attributes->pdata[i];
		const AwsAttribute *own = block->attributes->pdata[i];
		if (!g_str_equal(schema->name, name))
			continue;
		*equality = own->equality;
		return own->local_only;
	}
	*equality = AWS_EQUAL_EXACT;
	return FALSE;
}

/* run->self completed by what run->state says, in the schema's shape. */
static Value finish_state(AwsRun *run) {
	g_auto(Value) known = aws_without_unknowns(run->self);
	g_auto(Value) merged = value_ref(known);
	ValueIter iter;
	const char *key;
	Value value;
	for (value_iter_init(&iter, run->state); value_iter_next(&iter, &key, &value);) {
		AwsEquality equality;
		if (is_local(run->type->block, key, &equality))
			continue;
		/* The API knows nothing of default tags: what it lists is all. */
		if (run->type->has_tags && g_str_equal(key, "tags"))
			key = "tags_all";
		merged = value_with_take(
			value_steal(&merged), key, settle(equality, value, value_get(known, key)));
	}
	if (run->type->has_tags &&
		(value_has(run->state, "tags_all") || value_has(run->state, "tags")))
		merged = aws_tags_split_take(run->provider, value_steal(&merged), known);
	g_autofree char *problem = NULL;
	g_auto(Value) shaped = aws_shape(run->type->block, merged, &problem);
	if (problem)
		provider_error(run->diags, VALUE_NOTHING, "Unexpected answer", "%s %s: %s.",
			run->verb, run->type->name, problem);
	return value_steal(&shaped);
}

/* Reads what there is now on top of run->self. */
static AwsOutcome refresh(AwsRun *run) {
	if (!run->type->read)
		return AWS_DONE;
	AwsOutcome outcome = aws_run_body(run, run->type->read);
	return outcome == AWS_DONE ? aws_tags_read(run) : outcome;
}

static gboolean run_delete(Provider *provider, const AwsType *type, Value prior, Value *state,
	GCancellable *cancellable, Diags *diags) {
	g_auto(AwsRun) run = run_new(provider, type, "deleting", cancellable, diags);
	run.self = value_ref(prior);
	run.prior = value_ref(prior);
	AwsOutcome outcome = type->delete ? aws_run_body(&run, type->delete) : AWS_DONE;
	*state = outcome == AWS_FAILED ? value_ref(prior) : value_null(value_type(prior));
	return outcome != AWS_FAILED;
}

Value aws_run_known(AwsRun *run) {
	const char *id = value_get_text(run->self, "id");
	g_autofree char *problem = NULL;
	g_auto(Value) known = aws_without_unknowns(run->self);
	g_auto(Value) shaped = aws_shape(run->type->block, known, &problem);
	if (!id || !*id)
		return value_null(schema_block_type(run->type->block->schema));
	return value_steal(&shaped);
}

static AwsOutcome run_change(AwsRun *run, gboolean creating) {
	const LangBody *body = creating ? run->type->create : run->type->update;
	AwsOutcome outcome = body ? aws_run_body(run, body) : AWS_DONE;
	if (outcome == AWS_DONE && !creating)
		outcome = aws_tags_update(run);
	if (outcome != AWS_DONE)
		return outcome;
	value_clear(&run->state);
	return refresh(run);
}

static gboolean apply(Provider *provider, const char *name, Value prior, Value planned,
	Value config, Value *state, const ProviderKeeper *keeper, GCancellable *cancellable,
	Diags *diags) {
	const AwsType *type = aws_type(name, FALSE);
	*state = value_ref(prior);
	if (!check_account((AwsProvider *)provider, diags))
		return FALSE;
	value_clear(state);
	if (value_is_null(planned))
		return run_delete(provider, type, prior, state, cancellable, diags);
	gboolean creating = value_is_null(prior);
	g_auto(AwsRun) run =
		run_new(provider, type, creating ? "creating" : "updating", cancellable, diags);
	run.self = aws_without_unknowns(planned);
	run.prior = value_ref(prior);
	run.config = value_ref(config);
	run.keeper = creating ? keeper : NULL;
	AwsOutcome outcome = run_change(&run, creating);
	if (outcome == AWS_GONE)
		provider_error(diags, VALUE_NOTHING, "Object not found",
			"%s %s: it is not there (any more), though the service answered without an "
			"error.",
			run.verb, name);
	*state = outcome == AWS_DONE ? finish_state(&run) : VALUE_NOTHING;
	if (value_is_null(*state)) {
		*state = aws_run_known(&run);
		return FALSE;
	}
	return TRUE;
}

static gboolean read_object(Provider *provider, const char *name, Value prior, Value *state,
	GCancellable *cancellable, Diags *diags) {
	const AwsType *type = aws_type(name, FALSE);
	g_auto(AwsRun) run = run_new(provider, type, "reading", cancellable, diags);
	run.self = value_ref(prior);
	run.prior = value_ref(prior);
	switch (refresh(&run)) {
	case AWS_DONE:
		*state = finish_state(&run);
		return !value_is_null(*state);
	case AWS_GONE:
		*state = value_null(value_type(prior));
		return TRUE;
	case AWS_FAILED:
		break;
	}
	*state = value_ref(prior);
	return FALSE;
}

static gboolean read_data(Provider *provider, const char *name, Value config, Value *state,
	GCancellable *cancellable, Diags *diags) {
	const AwsType *type = aws_type(name, TRUE);
	g_auto(AwsRun) run = run_new(provider, type, "reading", cancellable, diags);
	run.self = value_ref(config);
	run.config = value_ref(config);
	if (value_is_null(value_get(config, "region")) &&
		schema_block_attribute(type->block->schema, "region"))
		run.self = value_with_take(
			run.self, "region", value_string(((AwsProvider *)provider)->region));
	AwsOutcome outcome = aws_run_body(&run, type->read);
	if (outcome == AWS_GONE)
		provider_error(diags, VALUE_NOTHING, "Your query returned no results",
			"No %s matches the arguments. Change them and try again.", name);
	*state = outcome == AWS_DONE ? finish_state(&run) : VALUE_NOTHING;
	return !value_is_null(*state);
}

static gboolean import(Provider *provider, const char *name, const char *id, Value *state,
	GCancellable *cancellable, Diags *diags) {
	const AwsType *type = aws_type(name, FALSE);
	g_auto(AwsRun) run = run_new(provider, type, "importing", cancellable, diags);
	run.self = value_object_take("id", value_string(id), "region",
		value_string(((AwsProvider *)provider)->region), NULL);
	AwsOutcome outcome = type->import ? aws_run_body(&run, type->import) : AWS_DONE;
	if (outcome == AWS_DONE)
		*state = finish_state(&run);
	return outcome == AWS_DONE && !value_is_null(*state);
}

static gboolean plan(Provider *provider, const char *name, Value prior, Value config,
	Value proposed, ProviderPlan *result, Diags *diags) {
	return aws_plan((AwsProvider *)provider, aws_type(name, FALSE), prior, config, proposed,
		result, diags);
}

static void validate_resource(Provider *provider, const char *name, Value config, Diags *diags) {
	aws_validate((AwsProvider *)provider, aws_type(name, FALSE), config, diags);
}

static void validate_data(Provider *provider, const char *name, Value config, Diags *diags) {
	aws_validate((AwsProvider *)provider, aws_type(name, TRUE), config, diags);
}

const ProviderClass provider_aws_class = {
	.name = "aws",
	.source = "registry.terraform.io/hashicorp/aws",
	.version = "6.36.0",
	.oldest_major = 3,
	.create = create,
	.destroy = destroy,
	.schema = schema,
	.resource_schema = resource_schema,
	.data_schema = data_schema,
	.resource_types = resource_types,
	.data_types = data_types,
	.configure = configure,
	.validate_resource = validate_resource,
	.validate_data = validate_data,
	.plan = plan,
	.apply = apply,
	.read = read_object,
	.read_data = read_data,
	.import = import,
};
