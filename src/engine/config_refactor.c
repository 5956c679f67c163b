/*
 * The blocks that tell how the configuration has been changed: moved, removed and import. Whether
 * what they name is or is not there, refactor.c finds out.
 */
#include "engine/config_read.h"

/* ---- addresses ---- */

/* What an address may be of. */
typedef enum { TARGET_WRONG, TARGET_RESOURCE, TARGET_INSTANCE, TARGET_DATA, TARGET_MODULE } Target;

static Target wrong_address(const LangExpr *expr, const char *detail, Diags *diags) {
	diags_error(diags, lang_expr_range(expr), "Invalid address", "%s", detail);
	return TARGET_WRONG;
}

static const char *name_at(const LangTraversal *traversal, guint step) {
	return step == 0 ? traversal->root
	       : step <= traversal->n_steps && traversal->steps[step - 1].kind == LANG_STEP_NAME
		       ? traversal->steps[step - 1].name
		       : NULL;
}

static gboolean is_index_at(const LangTraversal *traversal, guint step) {
	return step > 0 && step <= traversal->n_steps &&
	       traversal->steps[step - 1].kind == LANG_STEP_INDEX;
}

/* address = { "module" "." name [ key ] "." } [ "data" "." ] type "." name [ key ] */
static Target read_target(const LangExpr *expr, Diags *diags) {
	static const char *const reserved[] = {
		"count", "each", "local", "path", "self", "template", "terraform", "var", NULL};
	const LangTraversal *traversal = lang_expr_traversal(expr);
	if (!traversal) {
		config_refuse_reference(expr, diags);
		return TARGET_WRONG;
	}
	guint at = 0;
	while (g_strcmp0(name_at(traversal, at), "module") == 0 && name_at(traversal, at + 1)) {
		at += 2;
		at += is_index_at(traversal, at);
	}
	if (at > traversal->n_steps)
		return TARGET_MODULE;
	gboolean data = g_strcmp0(name_at(traversal, at), "data") == 0;
	at += data;
	const char *type = name_at(traversal, at);
	if (type && g_strv_contains(reserved, type)) {
		g_autofree char *detail = g_strdup_printf(
			"The keyword \"%s\" is reserved and cannot be used to target a resource "
			"address. If you are targeting a resource type that uses a reserved "
			"keyword, please prefix your address with \"resource.\".",
			type);
		return wrong_address(expr, detail, diags);
	}
	if (!type || !name_at(traversal, at + 1))
		return wrong_address(expr,
			"Resource specification must include a resource type and name.", diags);
	at += 2;
	if (name_at(traversal, at))
		return wrong_address(
			expr, "Resource instance key must be given in square brackets.", diags);
	gboolean keyed = is_index_at(traversal, at);
	at += keyed;
	if (at <= traversal->n_steps)
		return wrong_address(expr, "Unexpected extra operators after address.", diags);
	return data ? TARGET_DATA : keyed ? TARGET_INSTANCE : TARGET_RESOURCE;
}

/* ---- blocks ---- */

void config_read_moved(Module *module, const LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {"from", "to", NULL};
	static const char *const none[] = {NULL};
	if (!config_check_label_count(block, 0, "", diags))
		return;
	config_check_names(block->body, attributes, none, diags);
	gboolean whole = config_require(block->body, "from", diags);
	whole &= config_require(block->body, "to", diags);
	if (!whole)
		return;
	Target from = read_target(config_expression(block->body, "from"), diags);
	Target to = read_target(config_expression(block->body, "to"), diags);
	if (from == TARGET_WRONG || to == TARGET_WRONG)
		return;
	if ((from == TARGET_MODULE) != (to == TARGET_MODULE))
		diags_error(diags, block->header, "Invalid \"moved\" addresses",
			"The \"from\" and \"to\" addresses must either both refer to resources or "
			"both refer to modules.");
	else
		g_ptr_array_add(module->moved, block->body);
}

static void refuse_removed(const LangExpr *from, Target target, Diags *diags) {
	if (target == TARGET_INSTANCE)
		diags_error(diags, lang_expr_range(from), "Resource instance keys not allowed",
			"Resource address must be a resource (e.g. \"test_instance.foo\"), not a "
			"resource instance (e.g. \"test_instance.foo[1]\").");
	else if (target == TARGET_DATA)
		diags_error(diags, lang_expr_range(from), "Data source address not allowed",
			"Data sources are never destroyed, so they are not valid targets of "
			"removed blocks. To remove the data source from state, remove the data "
			"source block from configuration.");
}

void config_read_removed(Module *module, const LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {"from", NULL};
	static const char *const blocks[] = {"lifecycle", "provisioner", "connection", NULL};
	static const char *const settings[] = {"destroy", NULL};
	static const char *const none[] = {NULL};
	if (!config_check_label_count(block, 0, "", diags))
		return;
	config_check_names(block->body, attributes, blocks, diags);
	if (!config_require(block->body, "from", diags))
		return;
	const LangExpr *from = config_expression(block->body, "from");
	Target target = read_target(from, diags);
	refuse_removed(from, target, diags);
	if (target != TARGET_RESOURCE && target != TARGET_MODULE)
		return;
	Removed *removed = g_new0(Removed, 1);
	*removed = (Removed){
		block->body, block->header, TRUE, config_read_provisioners(block->body, diags)};
	for (guint i = 0; i < removed->provisioners->len; i++) {
		const Provisioner *provisioner = removed->provisioners->pdata[i];
		if (!provisioner->at_destroy)
			diags_error(diags, provisioner->range, "Invalid provisioner block",
				"Only destroy-time provisioners are valid in \"removed\" blocks. "
				"To "
				"declare a destroy-time provisioner, use:\n    when = destroy");
	}
	g_autoptr(GPtrArray) lifecycle = config_blocks_of(block->body, "lifecycle");
	if (lifecycle->len > 0) {
		config_check_names(lifecycle->pdata[0], settings, none, diags);
		removed->destroy = config_literal_bool(lifecycle->pdata[0], "destroy", TRUE, diags);
	}
	g_ptr_array_add(module->removed, removed);
}

/* The text of a reference without keys that are not literal cannot be compared: only these are. */
static gboolean same_target(const LangExpr *a, const LangExpr *b) {
	const LangTraversal *one = lang_expr_traversal(a), *other = lang_expr_traversal(b);
	if (!one || !other || one->n_steps != other->n_steps || one->root != other->root)
		return FALSE;
	for (guint i = 0; i < one->n_steps; i++) {
		const LangStep *x = &one->steps[i], *y = &other->steps[i];
		if (x->kind != y->kind || x->name != y->name ||
			(x->kind == LANG_STEP_INDEX && !value_equal(x->index, y->index)))
			return FALSE;
	}
	return TRUE;
}

static void refuse_second_import(
	const LangExpr *to, SourceRange first, const char *text, Diags *diags) {
	g_autofree char *summary =
		g_strdup_printf("Duplicate import configuration for \"%s\"", text);
	diags_error(diags, lang_expr_range(to), summary,
		"An import block for the resource \"%s\" was already declared at %s:%u,%u-%u. A "
		"resource can have only one import block.",
		text, first.filename, first.start_line, first.start_column, first.end_column);
}

static char *text_of(const Module *module, const LangExpr *expr) {
	SourceRange range = lang_expr_range(expr);
	gsize length;
	const char *text = sources_text(module->config->sources, range.filename, &length);
	return g_strndup(text + range.start_byte, range.end_byte - range.start_byte);
}

static gboolean check_import(const Module *module, const LangBlock *block, Diags *diags) {
	const LangExpr *to = config_expression(block->body, "to");
	const LangExpr *provider = config_expression(block->body, "provider");
	guint errors = diags_error_count(diags);
	if (lang_expr_traversal(to)) {
		Target target = read_target(to, diags);
		if (target == TARGET_MODULE)
			wrong_address(to,
				"A resource instance address is required here. The module path "
				"must "
				"be followed by a resource instance specification.",
				diags);
		if (target != TARGET_RESOURCE && target != TARGET_INSTANCE)
			diags_error(diags, lang_expr_range(to), "Invalid import address",
				"Only managed resources can be imported.");
	}
	if (provider)
		diags_error(diags, lang_expr_range(provider), "Invalid import provider argument",
			"The provider argument can only be specified in import blocks that will "
			"generate configuration.\n\nUse the provider argument in the target "
			"resource block to configure the provider for a resource with explicit "
			"provider configuration.");
	for (guint i = 0; i < module->imports->len; i++) {
		const LangBlock *other = module->imports->pdata[i];
		if (!same_target(to, config_expression(other->body, "to")))
			continue;
		g_autofree char *text = text_of(module, to);
		refuse_second_import(to, other->header, text, diags);
	}
	return diags_error_count(diags) == errors;
}

void config_read_import(Module *module, LangBlock *block, Diags *diags) {
	static const char *const attributes[] = {"to", "id", "for_each", "provider", NULL};
	static const char *const none[] = {NULL};
	if (!config_check_label_count(block, 0, "", diags))
		return;
	config_check_names(block->body, attributes, none, diags);
	if (module->parent) {
		diags_error(diags, block->header, "Invalid import configuration",
			"An import block was detected in \"%s\". Import blocks are only allowed in "
			"the root module.",
			module->path);
		return;
	}
	gboolean whole = config_require(block->body, "to", diags);
	whole &= config_require(block->body, "id", diags);
	if (whole && check_import(module, block, diags))
		g_ptr_array_add(module->imports, block);
}
