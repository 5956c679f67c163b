/*
 * The blocks that tell how the configuration has been changed: moved, removed and import. They are
 * carried out on the state that a plan is made from, before and while it is made.
 */
#include <string.h>

#include "engine/internal.h"
#include "value/convert.h"

/* ---- moved blocks ---- */

/* The text of a block's argument as it is written; in JSON what the string holds. Caller frees. */
static char *written(Engine *engine, const LangBody *body, const char *name) {
	LangAttribute *attribute = lang_body_attribute(body, name);
	g_return_val_if_fail(attribute, NULL);
	if (body->json) {
		const char *text = lang_expr_keyword(attribute->expr);
		return g_strdup(text ? text : "");
	}
	SourceRange range = lang_expr_range(attribute->expr);
	gsize length;
	const char *text = sources_text(engine->sources, range.filename, &length);
	return g_strndup(text + range.start_byte, range.end_byte - range.start_byte);
}

char *engine_address_in(
	Engine *engine, const LangBody *body, const char *name, const Module *module) {
	g_autofree char *text = written(engine, body, name);
	return *module->path ? g_strdup_printf("%s.%s", module->path, text)
			     : g_steal_pointer(&text);
}

/* The address that an instance has after a move, or NULL if the move is not about it. */
static char *address_after(const char *address, const char *from, const char *to) {
	if (!g_str_has_prefix(address, from))
		return NULL;
	const char *rest = address + strlen(from);
	if (*rest && *rest != '[' && *rest != '.')
		return NULL;
	return g_strconcat(to, rest, NULL);
}

static gboolean move_one(Engine *engine, const char *before, const char *after) {
	g_autoptr(GError) error = NULL;
	if (!state_move(engine->state, before, after, &error)) {
		diags_gerror(engine->diags, SOURCE_NOWHERE, "Move failed", error);
		return FALSE;
	}
	const char *first = g_hash_table_lookup(engine->moved, before);
	g_hash_table_replace(engine->moved, g_strdup(after), g_strdup(first ? first : before));
	g_hash_table_remove(engine->moved, before);
	return TRUE;
}

static gboolean move_all(Engine *engine, const char *from, const char *to) {
	g_autoptr(GPtrArray) instances = state_sorted(engine->state);
	for (guint i = 0; i < instances->len; i++) {
		const StateInstance *instance = instances->pdata[i];
		g_autofree char *before = g_strdup(instance->address);
		g_autofree char *after = address_after(before, from, to);
		if (!after || state_instance(engine->state, after))
			continue;
		if (!move_one(engine, before, after))
			return FALSE;
	}
	return TRUE;
}

/* Where the object of an address belongs now that its resource has a count, or has none any more;
 * NULL: where it is. Caller frees. */
static char *address_by_count(const Engine *engine, const char *text) {
	g_autoptr(Diags) quiet = diags_new();
	g_autoptr(Address) address = address_parse(text, quiet);
	const Resource *resource = address ? engine_declared(engine, address) : NULL;
	if (!resource || !resource->managed)
		return NULL;
	if (!address->has_key)
		return resource->count ? g_strconcat(text, "[0]", NULL) : NULL;
	gboolean single = !resource->count && !resource->for_each;
	gboolean first = g_str_has_suffix(text, "[0]");
	return single && first ? g_strndup(text, strlen(text) - strlen("[0]")) : NULL;
}

static gboolean move_by_count(Engine *engine) {
	g_autoptr(GPtrArray) instances = state_sorted(engine->state);
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < instances->len; i++)
		g_ptr_array_add(
			addresses, g_strdup(((StateInstance *)instances->pdata[i])->address));
	for (guint i = 0; i < addresses->len; i++) {
		g_autofree char *after = address_by_count(engine, addresses->pdata[i]);
		if (after && !state_instance(engine->state, after) &&
			!move_one(engine, addresses->pdata[i], after))
			return FALSE;
	}
	return TRUE;
}

gboolean engine_move(Engine *engine) {
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		for (guint j = 0; j < module->moved->len; j++) {
			const LangBody *body = module->moved->pdata[j];
			g_autofree char *from = engine_address_in(engine, body, "from", module);
			g_autofree char *to = engine_address_in(engine, body, "to", module);
			if (!from || !to || !move_all(engine, from, to))
				return FALSE;
		}
	}
	return move_by_count(engine);
}

/* ---- removed blocks ---- */

/* Whether an address is of the resource, or in the module, that a removed block is about. */
static gboolean is_about(const char *from, const char *plain) {
	gsize length = strlen(from);
	return g_str_has_prefix(plain, from) && (!plain[length] || plain[length] == '.');
}

static const Removed *find_removed(Engine *engine, const char *address, gboolean destroy) {
	g_autofree char *plain = address_without_keys(address);
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		for (guint j = 0; j < module->removed->len; j++) {
			const Removed *removed = module->removed->pdata[j];
			g_autofree char *from =
				engine_address_in(engine, removed->body, "from", module);
			if (removed->destroy == destroy && is_about(from, plain))
				return removed;
		}
	}
	return NULL;
}

gboolean engine_is_forgotten(Engine *engine, const char *address) {
	return find_removed(engine, address, FALSE) != NULL;
}

const Removed *engine_removed(Engine *engine, const char *address) {
	return find_removed(engine, address, TRUE);
}

/* What a removed block names must be gone from the configuration. */
static void check_removed(Engine *engine, const Module *module, const Removed *removed) {
	g_autofree char *from = engine_address_in(engine, removed->body, "from", module);
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *other = engine->config->modules->pdata[i];
		if (*other->path && g_str_equal(other->path, from))
			diags_error(engine->diags, other->call->range,
				"Removed module still exists",
				"This statement declares that %s was removed, but it is still "
				"declared in configuration.",
				from);
		for (guint j = 0; j < other->resources->len; j++) {
			g_autofree char *name = resource_name(other->resources->pdata[j]);
			g_autofree char *full =
				*other->path ? g_strdup_printf("%s.%s", other->path, name)
					     : g_strdup(name);
			if (g_str_equal(full, from))
				diags_error(engine->diags,
					((const Resource *)other->resources->pdata[j])->range,
					"Removed resource still exists",
					"This statement declares that %s was removed, but it is "
					"still "
					"declared in configuration.",
					from);
		}
	}
}

void engine_validate_refactoring(Engine *engine) {
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		for (guint j = 0; j < module->removed->len; j++)
			check_removed(engine, module, module->removed->pdata[j]);
	}
}

void engine_warn_of_forgotten(const Plan *plan, Diags *diags) {
	g_autoptr(GString) names = g_string_new(NULL);
	for (guint i = 0; i < plan->changes->len; i++) {
		const Change *change = plan->changes->pdata[i];
		if (change->action == CHANGE_FORGET)
			g_string_append_printf(names, "\n - %s", change->address);
	}
	if (names->len > 0)
		diags_warning(diags, SOURCE_NOWHERE,
			"Some objects will no longer be managed by Terrarium",
			"If you apply this plan, Terrarium will discard its tracking information "
			"for the following objects, but it will not delete them:%s\n\nAfter "
			"applying this plan, Terrarium will no longer manage these objects. You "
			"will need to import them into Terrarium to manage them again.",
			names->str);
}

/* ---- import blocks ---- */

/* `to` with every [expression] in it evaluated: aws_x.y[each.key] is aws_x.y["a"]. Caller frees;
 * NULL after an error. */
static char *address_of_import(
	Engine *engine, const EvalScope *scope, const LangBody *body, SourceRange range) {
	g_autofree char *text = written(engine, body, "to");
	g_autoptr(GString) address = g_string_new(NULL);
	for (const char *at = text; *at;) {
		gsize plain = strcspn(at, "[");
		g_string_append_len(address, at, (gssize)plain);
		at += plain;
		if (!*at)
			break;
		gsize inside = strcspn(at + 1, "]");
		LangFile *file =
			lang_parse_expression(range.filename, at + 1, inside, engine->diags);
		g_ptr_array_add(engine->config->files, file);
		LangExpr *expr = lang_file_expr(file);
		g_auto(Value) key = expr ? engine_eval(scope, expr, engine->diags) : VALUE_NOTHING;
		if (value_is_null(key) || !value_is_known(key))
			return NULL;
		g_autofree char *index = address_key(key);
		g_string_append(address, index);
		at += 1 + inside + (at[1 + inside] == ']');
	}
	return g_string_free(g_steal_pointer(&address), FALSE);
}

static gboolean note_import(Engine *engine, const EvalScope *scope, const LangBlock *block) {
	guint errors = diags_error_count(engine->diags);
	g_autofree char *to = address_of_import(engine, scope, block->body, block->header);
	LangExpr *id_expr = lang_body_attribute(block->body, "id")->expr;
	LangScope lang = engine_lang_scope(scope);
	g_auto(Value) marked = lang_eval(id_expr, &lang, engine->diags);
	g_autofree char *problem = NULL;
	g_auto(Value) id_text = value_convert(marked, type_string(), &problem);
	g_auto(Value) id = value_unmark(id_text);
	if (problem)
		lang_explain(
			diags_error(engine->diags, lang_expr_range(id_expr), "Incorrect value type",
				"Invalid expression value: %s.", problem),
			id_expr, &lang, LANG_ABOUT_VALUES);
	if (diags_error_count(engine->diags) > errors)
		return FALSE;
	if (!value_text(id) || !*value_text(id)) {
		diags_error(engine->diags, lang_expr_range(id_expr), "Invalid import id argument",
			value_is_null(id) ? "The import ID cannot be null."
			: value_is_known(id)
				? "The import ID value evaluates to an empty string, please "
				  "provide a non-empty value."
				: "The import block \"id\" argument depends on resource attributes "
				  "that cannot be determined until apply, so Terrarium cannot plan "
				  "to "
				  "import this resource.");
		return FALSE;
	}
	g_autoptr(Address) address = to ? address_parse(to, engine->diags) : NULL;
	if (!address || !address->type)
		return FALSE;
	LangExpr *to_expr = lang_body_attribute(block->body, "to")->expr;
	const Resource *resource = engine_declared(engine, address);
	if (!resource) {
		diags_error(engine->diags, lang_expr_range(to_expr),
			"Configuration for import target does not exist",
			"The configuration for the given import target %s does not exist. All "
			"target instances must have an associated configuration to be imported.",
			to);
		return FALSE;
	}
	if (address->has_key && !(value_kind(address->key) == VALUE_NUMBER ? resource->count
									   : resource->for_each)) {
		diags_error(engine->diags, lang_expr_range(to_expr),
			"Invalid import 'to' expression", "The target resource does not use %s.",
			value_kind(address->key) == VALUE_NUMBER ? "count" : "for_each");
		return FALSE;
	}
	if (!state_instance(engine->state, to))
		g_hash_table_insert(
			engine->imports, g_steal_pointer(&to), g_strdup(value_text(id)));
	return TRUE;
}

static void refuse_imports(const EvalScope *scope, const LangExpr *expr, gboolean known) {
	LangScope lang = engine_lang_scope(scope);
	lang_explain(diags_error(scope->engine->diags, lang_expr_range(expr),
			     "Invalid for_each argument",
			     known ? "The \"for_each\" expression must be a collection."
				   : "The \"for_each\" of an import block must be known before "
				     "apply."),
		expr, &lang, LANG_ABOUT_VALUES);
}

static gboolean note_imports(Engine *engine, const LangBlock *block) {
	EvalScope scope = {.engine = engine, .module = engine->root};
	LangAttribute *for_each = lang_body_attribute(block->body, "for_each");
	if (!for_each)
		return note_import(engine, &scope, block);
	guint errors = diags_error_count(engine->diags);
	g_auto(Value) marked = engine_eval(&scope, for_each->expr, engine->diags);
	g_auto(Value) each = value_unmark(marked);
	if (!value_is_known(each) || !(value_is_mapping(each) || value_is_sequence(each))) {
		if (diags_error_count(engine->diags) == errors)
			refuse_imports(&scope, for_each->expr, value_is_known(each));
		return FALSE;
	}
	scope.repeat = REPEAT_EACH;
	gboolean fine = TRUE;
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, each); value_iter_next(&iter, &key, &element);) {
		scope.key = key ? value_string(key) : value_ref(element);
		scope.each = element;
		fine &= note_import(engine, &scope, block);
		value_clear(&scope.key);
	}
	return fine;
}

gboolean engine_note_imports(Engine *engine) {
	g_hash_table_remove_all(engine->imports);
	gboolean fine = TRUE;
	const GPtrArray *blocks = engine->config->root->imports;
	for (guint i = 0; i < blocks->len; i++)
		fine &= note_imports(engine, blocks->pdata[i]);
	return fine;
}

gboolean engine_import_object(Engine *engine, const char *address, ProviderInstance *provider,
	const char *type, const Schema *schema, SourceRange where, const char *id) {
	g_autofree char *shown = g_strdup_printf("[id=%s]", id);
	engine_tell(engine, EVENT_PREPARING_IMPORT, address, shown, 0);
	g_auto(Value) found = VALUE_NOTHING;
	g_autoptr(Diags) own = diags_new();
	Running running;
	engine_let_go(engine, &running, address, NULL);
	gboolean fine = provider->class->import && provider->class->import(provider->provider, type,
							   id, &found, engine->cancellable, own);
	engine_come_back(engine, &running);
	engine_take_diags(engine, own, NULL, where, address);
	if (!fine || value_is_null(found))
		return FALSE;
	StateObject *object = state_object_new();
	state_object_set(object, found, schema_block_type(schema->block));
	object->schema_version = schema->version;
	return state_put(engine->state, address, provider->address, NULL, object, NULL);
}

gboolean engine_refuse_missing_import(Engine *engine, const char *address, SourceRange where) {
	diags_error(engine->diags, where, "Cannot import non-existent remote object",
		"While attempting to import an existing object to \"%s\", the provider detected "
		"that "
		"no object exists with the given id. Only pre-existing objects can be imported; "
		"check "
		"that the id is correct and that it is associated with the provider's configured "
		"region or endpoint, or use \"terrarium apply\" to create a new remote object for "
		"this resource.",
		address);
	return FALSE;
}

static const Resource *import_target(Engine *engine, const char *text) {
	g_autoptr(Address) address = address_parse(text, engine->diags);
	if (!address || !address->type) {
		if (!diags_has_errors(engine->diags))
			diags_error(engine->diags, SOURCE_NOWHERE, "Invalid address",
				"\"%s\" is no resource instance.", text);
		return NULL;
	}
	const Resource *resource = engine_declared(engine, address);
	if (!resource || !resource->managed) {
		g_autofree char *summary = g_strdup_printf(
			"resource address \"%s\" does not exist in the configuration.", text);
		diags_error(engine->diags, SOURCE_NOWHERE, summary,
			"Before importing this resource, please create its configuration in %s. "
			"For "
			"example:\n\nresource \"%s\" \"%s\" {\n  # (resource arguments)\n}",
			*address->module ? address->module : "the root module", address->type,
			address->name);
		return NULL;
	}
	if (state_instance(engine->state, text)) {
		diags_error(engine->diags, SOURCE_NOWHERE, "Resource already managed by Terrarium",
			"Terrarium is already managing a remote object for %s. To import to this "
			"address you must first remove the existing object from the state.",
			text);
		return NULL;
	}
	return resource;
}

/* Reads what the import found, so that the state has all of it. */
static gboolean complete_import(Engine *engine, const char *address, ProviderInstance *provider,
	const Resource *resource, const Schema *schema) {
	StateInstance *instance = state_instance(engine->state, address);
	g_auto(Value) prior = engine_object_value(engine, instance->current, schema, address);
	g_autofree char *shown = engine_id_of(prior);
	engine_tell(engine, EVENT_REFRESHING, address, shown, 0);
	g_auto(Value) now = VALUE_NOTHING;
	g_autoptr(Diags) own = diags_new();
	gboolean fine = provider->class->read(
		provider->provider, resource->type, prior, &now, engine->cancellable, own);
	engine_take_diags(engine, own, NULL, resource->range, address);
	if (!fine)
		return FALSE;
	if (value_is_null(now))
		return engine_refuse_missing_import(engine, address, resource->range);
	g_auto(Value) marked = engine_mark_by_schema(now, schema->block);
	StateObject *object = state_object_new();
	state_object_set(object, marked, schema_block_type(schema->block));
	object->schema_version = schema->version;
	return state_put(engine->state, address, provider->address, NULL, object, NULL);
}

gboolean engine_import(Engine *engine, const char *address, const char *id) {
	if (!engine_collect_variables(engine) || !engine_validate(engine))
		return FALSE;
	g_mutex_lock(&engine->lock);
	engine_begin_walk(engine, PHASE_PLAN);
	/* Nothing is written unless all of it is known. */
	engine_detach_state(engine);
	const Resource *resource = import_target(engine, address);
	ProviderInstance *provider = NULL;
	const Schema *schema = NULL;
	gboolean fine = resource && engine_find_type(engine, resource, &provider, &schema);
	if (fine && !schema)
		engine_refuse_lacking(engine, resource, address);
	fine = fine && schema && engine_provider_ready(engine, provider) &&
	       engine_import_object(
		       engine, address, provider, resource->type, schema, resource->range, id) &&
	       complete_import(engine, address, provider, resource, schema) &&
	       engine_attach_state(engine);
	g_mutex_unlock(&engine->lock);
	return fine;
}
