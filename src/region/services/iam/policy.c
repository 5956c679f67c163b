/* Policy documents: statements, their actions, resources and principals. See policy.h. */
#include "region/services/iam/policy.h"

#include <string.h>

#include "base/text.h"
#include "value/json.h"

/* ---- patterns ---- */

/* What stands for * and ? that are meant literally: bytes that no name or ARN has. */
#define LITERAL_STAR '\1'
#define LITERAL_QUESTION '\2'

static void append_hidden(GString *out, const char *text) {
	for (const char *at = text; *at; at++)
		g_string_append_c(out, *at == '*'   ? LITERAL_STAR
				       : *at == '?' ? LITERAL_QUESTION
						    : *at);
}

char *policy_hide_wildcards(const char *text) {
	GString *out = g_string_new(NULL);
	append_hidden(out, text);
	return g_string_free(out, FALSE);
}

/* "${aws:username}", "${aws:username, 'nobody'}", "${*}": appends what it stands for. */
static gboolean append_variable(GString *out, const char *name, Value context) {
	if (strlen(name) == 1 && strchr("*?$", *name)) {
		append_hidden(out, name);
		return TRUE;
	}
	g_auto(GStrv) parts = g_strsplit(name, ",", 2);
	g_autofree char *key = g_ascii_strdown(g_strstrip(parts[0]), -1);
	Value value = value_get(context, key);
	if (value_is_sequence(value) && value_length(value) == 1)
		value = value_at(value, 0);
	const char *text = value_text(value);
	char *otherwise = parts[1] ? g_strstrip(parts[1]) : NULL;
	gsize length = otherwise ? strlen(otherwise) : 0;
	if (!text && length >= 2 && *otherwise == '\'' && otherwise[length - 1] == '\'') {
		otherwise[length - 1] = '\0';
		text = otherwise + 1;
	}
	if (!text)
		return FALSE;
	append_hidden(out, text);
	return TRUE;
}

char *policy_expand(const char *pattern, Value context, gboolean variables) {
	g_autoptr(GString) out = g_string_new(NULL);
	for (const char *at = pattern; *at; at++) {
		const char *end =
			variables && at[0] == '$' && at[1] == '{' ? strchr(at, '}') : NULL;
		if (!end) {
			g_string_append_c(out, *at);
			continue;
		}
		g_autofree char *name = g_strndup(at + 2, (gsize)(end - at - 2));
		if (!append_variable(out, name, context))
			return NULL;
		at = end;
	}
	return g_strdup(out->str);
}

gboolean policy_pattern_matches(
	const char *pattern, const char *text, Value context, gboolean variables) {
	g_autofree char *expanded = policy_expand(pattern, context, variables);
	g_autofree char *hidden = policy_hide_wildcards(text);
	return expanded && text_wildcard_match(expanded, hidden);
}

/* ---- elements ---- */

/* Elements are one text or a list of them. */
static gsize element_length(Value element) {
	return value_is_sequence(element) ? value_length(element) : value_is_null(element) ? 0 : 1;
}

static const char *element_at(Value element, gsize i) {
	return value_text_or(value_is_sequence(element) ? value_at(element, i) : element, "");
}

/* Names of services and actions are the same in any case. */
static gboolean actions_match(Value element, const char *action) {
	g_autofree char *wanted = g_ascii_strdown(action, -1);
	for (gsize i = 0; i < element_length(element); i++) {
		g_autofree char *pattern = g_ascii_strdown(element_at(element, i), -1);
		if (text_wildcard_match(pattern, wanted))
			return TRUE;
	}
	return FALSE;
}

static gboolean resources_match(Value element, const PolicyRequest *request, gboolean variables) {
	for (gsize i = 0; i < element_length(element); i++)
		if (policy_pattern_matches(
			    element_at(element, i), request->resource, request->context, variables))
			return TRUE;
	return FALSE;
}

/* An account named as a principal is all of its principals: by its number, or its root's ARN. */
static gboolean is_account_of(const char *named, const char *arn) {
	g_auto(GStrv) parts = g_strsplit(arn, ":", 6);
	if (g_strv_length(parts) != 6)
		return FALSE;
	g_autofree char *root = g_strdup_printf("arn:%s:iam::%s:root", parts[1], parts[4]);
	return g_str_equal(named, parts[4]) || g_str_equal(named, root);
}

/* `who` is "AWS:arn…" or "Service:name". */
static gboolean is_principal(const char *type, const char *named, const char *who) {
	gsize length = strlen(type);
	if (strncmp(who, type, length) != 0 || who[length] != ':')
		return FALSE;
	const char *name = who + length + 1;
	return g_str_equal(named, "*") || g_str_equal(named, name) ||
	       (g_str_equal(type, "AWS") && is_account_of(named, name));
}

static gboolean principals_match(Value element, const PolicyRequest *request) {
	for (const char *const *who = request->principals; *who; who++) {
		if (g_strcmp0(value_text(element), "*") == 0)
			return TRUE;
		ValueIter iter;
		const char *type;
		Value names;
		for (value_iter_init(&iter, element); value_iter_next(&iter, &type, &names);)
			for (gsize i = 0; i < element_length(names); i++)
				if (is_principal(type, element_at(names, i), *who))
					return TRUE;
	}
	return FALSE;
}

/* ---- statements ---- */

static gboolean is_about(Value statement, const PolicyRequest *request, gboolean variables) {
	if (value_has(statement, "Action")
			? !actions_match(value_get(statement, "Action"), request->action)
			: actions_match(value_get(statement, "NotAction"), request->action))
		return FALSE;
	if (value_has(statement, "Resource") &&
		!resources_match(value_get(statement, "Resource"), request, variables))
		return FALSE;
	if (value_has(statement, "NotResource") &&
		resources_match(value_get(statement, "NotResource"), request, variables))
		return FALSE;
	if (request->principals &&
		(value_has(statement, "Principal")
				? !principals_match(value_get(statement, "Principal"), request)
				: principals_match(value_get(statement, "NotPrincipal"), request)))
		return FALSE;
	return policy_condition_holds(
		value_get(statement, "Condition"), request->context, variables);
}

PolicyDecision policy_evaluate(Value document, const PolicyRequest *request) {
	/* Variables came with that version; in older documents ${ is text. */
	gboolean variables = g_strcmp0(value_get_text(document, "Version"), "2012-10-17") == 0;
	Value statements = value_get(document, "Statement");
	gsize n = value_is_sequence(statements) ? value_length(statements)
						: (gsize)value_is_mapping(statements);
	PolicyDecision decision = POLICY_SILENT;
	for (gsize i = 0; i < n; i++) {
		Value each = value_is_sequence(statements) ? value_at(statements, i) : statements;
		if (!is_about(each, request, variables))
			continue;
		if (g_strcmp0(value_get_text(each, "Effect"), "Deny") == 0)
			return POLICY_DENIES;
		decision = POLICY_ALLOWS;
	}
	return decision;
}

PolicyDecision policy_evaluate_text(const char *text, const PolicyRequest *request) {
	g_autoptr(GError) broken = NULL;
	g_auto(Value) document = value_from_json(text ? text : "", -1, &broken);
	return broken ? POLICY_SILENT : policy_evaluate(document, request);
}

/* ---- checking ---- */

static gboolean is_texts(Value element) {
	for (gsize i = 0; value_is_sequence(element) && i < value_length(element); i++)
		if (!value_text(value_at(element, i)))
			return FALSE;
	return value_is_sequence(element) || value_text(element);
}

static gboolean has_one(Value statement, const char *name, const char *negated) {
	return value_has(statement, name) != value_has(statement, negated);
}

static char *wrong_condition(Value block) {
	ValueIter iter;
	const char *name;
	Value keys;
	if (!value_is_mapping(block))
		return g_strdup("a statement's Condition is no object");
	for (value_iter_init(&iter, block); value_iter_next(&iter, &name, &keys);) {
		if (!policy_is_operator(name))
			return g_strdup_printf("there is no condition operator %s", name);
		if (!value_is_mapping(keys))
			return g_strdup_printf("what stands under %s is no object", name);
	}
	return NULL;
}

static char *wrong_statement(Value each, gboolean trust) {
	static const char *const texts[] = {"Action", "NotAction", "Resource", "NotResource"};
	const char *effect = value_text_or(value_get(each, "Effect"), "");
	if (!value_is_mapping(each))
		return g_strdup("a statement is no object");
	if (!g_str_equal(effect, "Allow") && !g_str_equal(effect, "Deny"))
		return g_strdup("a statement's Effect is neither Allow nor Deny");
	if (!has_one(each, "Action", "NotAction"))
		return g_strdup("a statement has no Action, or both Action and NotAction");
	if (trust && !has_one(each, "Principal", "NotPrincipal"))
		return g_strdup("a statement has no Principal");
	if (trust && (value_has(each, "Resource") || value_has(each, "NotResource")))
		return g_strdup("a trust policy's statement has a Resource");
	if (!trust && (value_has(each, "Principal") || value_has(each, "NotPrincipal")))
		return g_strdup("a statement has a Principal, which only resources' policies have");
	if (!trust && !has_one(each, "Resource", "NotResource"))
		return g_strdup("a statement has no Resource");
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		if (value_has(each, texts[i]) && !is_texts(value_get(each, texts[i])))
			return g_strdup_printf(
				"a statement's %s is neither a text nor a list of texts", texts[i]);
	return value_has(each, "Condition") ? wrong_condition(value_get(each, "Condition")) : NULL;
}

char *policy_check(const char *text, gboolean trust) {
	g_autoptr(GError) broken = NULL;
	g_auto(Value) document = value_from_json(text ? text : "", -1, &broken);
	if (broken)
		return g_strdup(broken->message);
	if (!value_is_mapping(document))
		return g_strdup("it is no JSON object");
	const char *version = value_get_text(document, "Version");
	if (value_has(document, "Version") && g_strcmp0(version, "2012-10-17") != 0 &&
		g_strcmp0(version, "2008-10-17") != 0)
		return g_strdup("its Version is neither 2012-10-17 nor 2008-10-17");
	Value statements = value_get(document, "Statement");
	if (value_length(statements) == 0)
		return g_strdup("it has no Statement");
	if (value_is_mapping(statements))
		return wrong_statement(statements, trust);
	for (gsize i = 0; i < value_length(statements); i++) {
		char *wrong = wrong_statement(value_at(statements, i), trust);
		if (wrong)
			return wrong;
	}
	return NULL;
}
