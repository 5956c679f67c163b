/* Addresses: see address.h. Relies on lang for their syntax, which is that of references. */
#include "engine/address.h"

#include <string.h>

#include "lang/lang.h"
#include "value/json.h"

char *address_key(Value key) {
	if (value_kind(key) == VALUE_STRING) {
		g_autofree char *quoted = value_to_json(key, VALUE_JSON_COMPACT);
		return g_strdup_printf("[%s]", quoted);
	}
	if (value_kind(key) == VALUE_NUMBER) {
		g_autofree char *number = value_number_to_string(key);
		return g_strdup_printf("[%s]", number);
	}
	return g_strdup("");
}

char *address_join(
	const char *module, gboolean managed, const char *type, const char *name, Value key) {
	g_autofree char *suffix = address_key(key);
	return g_strdup_printf("%s%s%s%s.%s%s", module, *module ? "." : "", managed ? "" : "data.",
		type, name, suffix);
}

void address_free(Address *address) {
	if (!address)
		return;
	g_free(address->module);
	g_free(address->module_config);
	g_free(address->type);
	g_free(address->name);
	value_clear(&address->key);
	g_free(address);
}

/* ---- parsing ---- */

/* The name of the step at `*at`, the root counting as step 0; NULL at the end or at an index. */
static const char *take_name(const LangTraversal *traversal, guint *at) {
	if (*at > traversal->n_steps)
		return NULL;
	if (*at == 0) {
		(*at)++;
		return traversal->root;
	}
	const LangStep *step = &traversal->steps[*at - 1];
	if (step->kind != LANG_STEP_NAME)
		return NULL;
	(*at)++;
	return step->name;
}

static Value take_key(const LangTraversal *traversal, guint *at) {
	if (*at == 0 || *at > traversal->n_steps)
		return VALUE_NOTHING;
	const LangStep *step = &traversal->steps[*at - 1];
	if (step->kind != LANG_STEP_INDEX)
		return VALUE_NOTHING;
	(*at)++;
	return step->index;
}

static gboolean take_modules(const LangTraversal *traversal, guint *at, Address *address) {
	g_autoptr(GString) path = g_string_new(NULL), config = g_string_new(NULL);
	for (;;) {
		guint before = *at;
		const char *word = take_name(traversal, at);
		if (g_strcmp0(word, "module") != 0) {
			*at = before;
			break;
		}
		const char *name = take_name(traversal, at);
		if (!name)
			return FALSE;
		g_autofree char *key = address_key(take_key(traversal, at));
		const char *dot = path->len > 0 ? "." : "";
		g_string_append_printf(path, "%smodule.%s%s", dot, name, key);
		g_string_append_printf(config, "%smodule.%s", dot, name);
	}
	address->module = g_string_free(g_steal_pointer(&path), FALSE);
	address->module_config = g_string_free(g_steal_pointer(&config), FALSE);
	return TRUE;
}

static gboolean take_resource(const LangTraversal *traversal, guint *at, Address *address) {
	if (*at > traversal->n_steps)
		return *address->module != 0;
	const char *type = take_name(traversal, at);
	address->managed = g_strcmp0(type, "data") != 0;
	if (!address->managed)
		type = take_name(traversal, at);
	const char *name = take_name(traversal, at);
	if (!type || !name)
		return FALSE;
	address->type = g_strdup(type);
	address->name = g_strdup(name);
	Value key = take_key(traversal, at);
	address->has_key = !value_is_null(key);
	address->key = value_ref(key);
	return *at > traversal->n_steps;
}

Address *address_parse(const char *text, Diags *diags) {
	g_autoptr(Diags) own = diags_new();
	g_autoptr(LangFile) file =
		lang_parse_expression(g_intern_string("<address>"), text, strlen(text), own);
	LangExpr *expr = lang_file_expr(file);
	const LangTraversal *traversal =
		expr && !diags_has_errors(own) ? lang_expr_traversal(expr) : NULL;
	g_autoptr(Address) address = g_new0(Address, 1);
	guint at = 0;
	if (traversal && take_modules(traversal, &at, address) &&
		take_resource(traversal, &at, address))
		return g_steal_pointer(&address);
	diags_error(diags, SOURCE_NOWHERE, "Invalid address",
		"\"%s\" is no address of a resource or module. One looks like "
		"aws_vpc.main, aws_subnet.app[0] or module.network.",
		text);
	return NULL;
}

/* ---- comparing ---- */

char *address_without_keys(const char *text) {
	GString *bare = g_string_new(NULL);
	for (const char *at = text; *at; at++) {
		if (*at != '[') {
			g_string_append_c(bare, *at);
			continue;
		}
		gboolean quoted = FALSE;
		for (; *at && (quoted || *at != ']'); at++) {
			if (*at == '\\' && at[1])
				at++;
			else if (*at == '"')
				quoted = !quoted;
		}
		if (!*at)
			break;
	}
	return g_string_free(bare, FALSE);
}

/* Whether `whole` is `part` or goes on from it with a key or a further step. */
static gboolean begins(const char *whole, const char *part) {
	gsize n = strlen(part);
	return g_str_has_prefix(whole, part) && (!whole[n] || whole[n] == '.' || whole[n] == '[');
}

gboolean address_covers(const Address *target, const char *instance) {
	g_autofree char *text = target->type ? address_join(target->module, target->managed,
						       target->type, target->name, target->key)
					     : g_strdup(target->module);
	if (begins(instance, text))
		return TRUE;
	/* module.a.aws_x.y without keys means all instances of the module. */
	if (g_str_equal(target->module, target->module_config)) {
		g_autofree char *bare = address_without_keys(instance);
		return !target->has_key && begins(bare, text);
	}
	return FALSE;
}
