/*
 * Override files (override.tf, *_override.tf and the same in JSON): blocks that change blocks of
 * the other files argument by argument, as Terraform documents it ("Override Files"). Works on
 * blocks as they are written, before anyone knows what they mean.
 */
#include <string.h>

#include "engine/config_read.h"

typedef struct {
	GPtrArray *blocks; /* of LangBlock*: those of the other files */
	LangFile *file; /* that owns what is merged */
	Diags *diags;
} Overriding;

/* ---- finding what is overridden ---- */

static const char *alias_of(const LangBlock *block) {
	LangExpr *alias = config_expression(block->body, "alias");
	return alias ? lang_expr_keyword(alias) : NULL;
}

static gboolean is_same(const LangBlock *a, const LangBlock *b) {
	if (!g_str_equal(a->type, b->type) || a->n_labels != b->n_labels)
		return FALSE;
	for (guint i = 0; i < a->n_labels; i++)
		if (!g_str_equal(a->labels[i], b->labels[i]))
			return FALSE;
	return !g_str_equal(a->type, "provider") || g_strcmp0(alias_of(a), alias_of(b)) == 0;
}

static LangBlock *find_base(const Overriding *overriding, const LangBlock *override) {
	for (guint i = 0; i < overriding->blocks->len; i++)
		if (is_same(overriding->blocks->pdata[i], override))
			return overriding->blocks->pdata[i];
	return NULL;
}

/* ---- what may not be overridden ---- */

static void refuse_block(const Overriding *overriding, const LangBlock *block) {
	g_autofree char *summary = g_strdup_printf("Can't override %s blocks", block->type);
	diags_error(overriding->diags, block->type_range, summary,
		"Override files cannot override \"%s\" blocks.", block->type);
}

/* Takes conditions and validations out, and says so. */
static void refuse_rules(const Overriding *overriding, LangBody *body) {
	static const char *const rules[] = {"validation", "precondition", "postcondition", NULL};
	for (guint i = 0; i < body->blocks->len; i++) {
		LangBlock *block = body->blocks->pdata[i];
		if (g_strv_contains(rules, block->type)) {
			refuse_block(overriding, block);
			g_ptr_array_remove_index(body->blocks, i--);
		} else if (g_str_equal(block->type, "lifecycle")) {
			refuse_rules(overriding, block->body);
		}
	}
}

static gboolean refuse_depends_on(const Overriding *overriding, const LangBlock *block) {
	LangAttribute *depends_on = lang_body_attribute(block->body, "depends_on");
	if (!depends_on)
		return FALSE;
	diags_error(overriding->diags, lang_expr_range(depends_on->expr), "Unsupported override",
		"The depends_on argument may not be overridden.");
	return TRUE;
}

static void refuse_missing(const Overriding *overriding, const LangBlock *block) {
	const char *type = block->type, *name = block->n_labels ? block->labels[0] : "";
	Diags *diags = overriding->diags;
	if (block->n_labels == 2) {
		gboolean data = g_str_equal(type, "data");
		g_autofree char *summary =
			g_strdup_printf("Missing %s to override", data ? "data resource" : type);
		diags_error(diags, block->header, summary,
			"There is no %s %sresource named \"%s\". An override file can only "
			"override a %s block defined in a primary configuration file.",
			name, data ? "data " : "", block->labels[1], type);
	} else if (g_str_equal(type, "variable")) {
		diags_error(diags, block->header, "Missing base variable declaration to override",
			"There is no variable named \"%s\". An override file can only override a "
			"variable that was already declared in a primary configuration file.",
			name);
	} else if (g_str_equal(type, "output")) {
		diags_error(diags, block->header, "Missing base output definition to override",
			"There is no output named \"%s\". An override file can only override an "
			"output that was already defined in a primary configuration file.",
			name);
	} else if (g_str_equal(type, "module")) {
		diags_error(diags, block->header, "Missing module call to override",
			"There is no module call named \"%s\". An override file can only override "
			"a module call that was defined in a primary configuration file.",
			name);
	} else {
		diags_error(diags, block->header,
			"Missing base provider configuration for override",
			"There is no %s provider configuration with the alias \"%s\". An override "
			"file can only override an aliased provider configuration that was already "
			"defined in a primary configuration file.",
			name, alias_of(block));
	}
}

/* ---- merging ---- */

static LangBlock *lifecycle_of(const LangBody *body) {
	for (guint i = 0; i < body->blocks->len; i++) {
		LangBlock *block = body->blocks->pdata[i];
		if (g_str_equal(block->type, "lifecycle"))
			return block;
	}
	return NULL;
}

/* Arguments replace arguments; nested blocks replace all nested blocks of their type, but for
 * lifecycle, which is merged itself. */
static void merge(const Overriding *overriding, LangBlock *base, LangBlock *override) {
	LangBlock *before = lifecycle_of(base->body), *after = lifecycle_of(override->body);
	if (before && after)
		after->body = lang_body_merge(overriding->file, before->body, after->body);
	base->body = lang_body_merge(overriding->file, base->body, override->body);
}

static void override_block(const Overriding *overriding, LangBlock *override) {
	static const LangBlockType labels[] = {{"resource", 2}, {"data", 2}, {"variable", 1},
		{"output", 1}, {"module", 1}, {"provider", 1}, {NULL, 0}};
	const LangBlockType *type = labels;
	while (type->type && !g_str_equal(type->type, override->type))
		type++;
	LangBlock *base = find_base(overriding, override);
	refuse_rules(overriding, override->body);
	gboolean is_provider = g_str_equal(override->type, "provider");
	if (base && !is_provider && refuse_depends_on(overriding, override))
		return;
	if (base)
		merge(overriding, base, override);
	else if (!type->type || override->n_labels != type->n_labels ||
		 (is_provider && !alias_of(override)))
		g_ptr_array_add(overriding->blocks, override); /* its reader knows what is wrong */
	else
		refuse_missing(overriding, override);
}

static void override_local(const Overriding *overriding, LangAttribute *override) {
	for (guint i = 0; i < overriding->blocks->len; i++) {
		const LangBlock *block = overriding->blocks->pdata[i];
		GPtrArray *locals = block->body->attributes;
		for (guint j = 0; g_str_equal(block->type, "locals") && j < locals->len; j++)
			if (((LangAttribute *)locals->pdata[j])->name == override->name) {
				locals->pdata[j] = override;
				return;
			}
	}
	diags_error(overriding->diags, override->range,
		"Missing base local value definition to override",
		"There is no local value named \"%s\". An override file can only override a local "
		"value that was already defined in a primary configuration file.",
		override->name);
}

void config_override(GPtrArray *blocks, const GPtrArray *overrides, LangFile *file, Diags *diags) {
	Overriding overriding = {blocks, file, diags};
	for (guint i = 0; i < overrides->len; i++) {
		LangBlock *override = overrides->pdata[i];
		if (g_str_equal(override->type, "locals")) {
			for (guint j = 0; j < override->body->attributes->len; j++)
				override_local(&overriding, override->body->attributes->pdata[j]);
		} else if (g_str_equal(override->type, "moved")) {
			diags_error(diags, override->header, "Cannot override 'moved' blocks",
				"Records of moved objects can appear only in normal files, not in "
				"override files.");
		} else if (g_str_equal(override->type, "import") ||
			   g_str_equal(override->type, "removed")) {
			g_autofree char *summary =
				g_strdup_printf("Cannot override '%s' blocks", override->type);
			diags_error(diags, override->header, summary,
				"%c%s blocks can appear only in normal files, not in override "
				"files.",
				g_ascii_toupper(*override->type), override->type + 1);
		} else if (g_str_equal(override->type, "check")) {
			diags_error(diags, override->header, "Can't override check blocks",
				"Override files cannot override check blocks.");
		} else if (g_str_equal(override->type, "terraform")) {
			/* Read after the others, its settings replace theirs one by one. */
			g_ptr_array_add(blocks, override);
		} else {
			override_block(&overriding, override);
		}
	}
}
