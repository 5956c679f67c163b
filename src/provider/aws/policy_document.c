/*
 * The data source aws_iam_policy_document: an IAM policy's JSON from its blocks, with the members
 * in the order of the official provider (Version, Id, Statement; in a statement Sid, Effect,
 * Action, …), single values of Action, Resource and principals as plain strings. Pure.
 */
#include <string.h>

#include "provider/aws/aws.h"

/* JSON being written, two blanks a level. */
typedef struct {
	GString *text;
	guint depth;
	gboolean first; /* nothing written yet in the innermost object or list */
} Writer;

static void new_line(Writer *writer) {
	g_string_append_c(writer->text, '\n');
	for (guint i = 0; i < writer->depth; i++)
		g_string_append(writer->text, "  ");
}

static void open_with(Writer *writer, char bracket) {
	g_string_append_c(writer->text, bracket);
	writer->depth++;
	writer->first = TRUE;
}

static void close_with(Writer *writer, char bracket) {
	writer->depth--;
	if (!writer->first)
		new_line(writer);
	g_string_append_c(writer->text, bracket);
	writer->first = FALSE;
}

static void separate(Writer *writer) {
	if (!writer->first)
		g_string_append_c(writer->text, ',');
	writer->first = FALSE;
	new_line(writer);
}

static void write_string(Writer *writer, const char *text) {
	g_auto(Value) value = value_string(text);
	g_autofree char *json = value_to_json(value, VALUE_JSON_ESCAPE_HTML);
	g_string_append(writer->text, json);
}

static void write_key(Writer *writer, const char *key) {
	separate(writer);
	write_string(writer, key);
	g_string_append(writer->text, ": ");
}

static void write_member(Writer *writer, const char *key, const char *text) {
	if (!text || !*text)
		return;
	write_key(writer, key);
	write_string(writer, text);
}

/* Policy variables are written &{…} in configurations, since ${…} is the language's own. */
static char *with_variables(const char *text) {
	g_auto(GStrv) parts = g_strsplit(text, "&{", -1);
	return g_strjoinv("${", parts);
}

/* A set of texts: one as a plain string, more as a list. */
static void write_values(Writer *writer, Value values) {
	if (value_length(values) == 1) {
		g_autofree char *text = with_variables(value_text_or(value_at(values, 0), ""));
		write_string(writer, text);
		return;
	}
	open_with(writer, '[');
	for (gsize i = 0; i < value_length(values); i++) {
		g_autofree char *text = with_variables(value_text_or(value_at(values, i), ""));
		separate(writer);
		write_string(writer, text);
	}
	close_with(writer, ']');
}

static void write_set(Writer *writer, const char *key, Value values) {
	if (value_length(values) == 0)
		return;
	write_key(writer, key);
	write_values(writer, values);
}

/* The values of all blocks of that kind, by what `group` and `name` say. */
static Value grouped(Value blocks, const char *group, const char *inner, const char *values) {
	g_auto(Value) all = value_empty_object();
	for (gsize i = 0; i < value_length(blocks); i++) {
		Value block = value_at(blocks, i);
		const char *outer = value_get_text(block, group);
		const char *key = value_get_text(block, inner);
		Value given = value_get(block, values);
		if (!outer)
			continue;
		g_auto(Value) under = value_has(all, outer) ? value_ref(value_get(all, outer))
							    : value_empty_object();
		g_autoptr(ValueBuilder) list = value_builder_new(VALUE_SET, type_string());
		Value before = value_get(under, key ? key : "");
		for (gsize j = 0; j < value_length(before); j++)
			value_builder_add_take(list, value_ref(value_at(before, j)));
		for (gsize j = 0; j < value_length(given); j++)
			value_builder_add_take(list, value_ref(value_at(given, j)));
		under = value_with_take(value_steal(&under), key ? key : "",
			value_builder_end(g_steal_pointer(&list)));
		all = value_with_take(value_steal(&all), outer, value_steal(&under));
	}
	return value_steal(&all);
}

static void write_principals(Writer *writer, const char *key, Value principals) {
	if (value_length(principals) == 0)
		return;
	g_auto(Value) types = grouped(principals, "type", "none", "identifiers");
	write_key(writer, key);
	Value everyone = value_get_path(types, "*", "", NULL);
	if (value_length(types) == 1 && value_length(everyone) == 1 &&
		g_strcmp0(value_text(value_at(everyone, 0)), "*") == 0) {
		write_string(writer, "*");
		return;
	}
	open_with(writer, '{');
	ValueIter iter;
	const char *type;
	Value under;
	for (value_iter_init(&iter, types); value_iter_next(&iter, &type, &under);)
		write_set(writer, type, value_get(under, ""));
	close_with(writer, '}');
}

static void write_conditions(Writer *writer, Value conditions) {
	if (value_length(conditions) == 0)
		return;
	g_auto(Value) tests = grouped(conditions, "test", "variable", "values");
	write_key(writer, "Condition");
	open_with(writer, '{');
	ValueIter iter;
	const char *test;
	Value variables;
	for (value_iter_init(&iter, tests); value_iter_next(&iter, &test, &variables);) {
		write_key(writer, test);
		open_with(writer, '{');
		for (gsize i = 0; i < value_length(variables); i++)
			write_set(writer, value_key_at(variables, i), value_at(variables, i));
		close_with(writer, '}');
	}
	close_with(writer, '}');
}

static void write_statement(Writer *writer, Value statement) {
	separate(writer);
	open_with(writer, '{');
	const char *effect = value_get_text(statement, "effect");
	write_member(writer, "Sid", value_get_text(statement, "sid"));
	write_member(writer, "Effect", effect ? effect : "Allow");
	write_set(writer, "Action", value_get(statement, "actions"));
	write_set(writer, "NotAction", value_get(statement, "not_actions"));
	write_set(writer, "Resource", value_get(statement, "resources"));
	write_set(writer, "NotResource", value_get(statement, "not_resources"));
	write_principals(writer, "Principal", value_get(statement, "principals"));
	write_principals(writer, "NotPrincipal", value_get(statement, "not_principals"));
	write_conditions(writer, value_get(statement, "condition"));
	close_with(writer, '}');
}

/* ---- documents to merge ---- */

/* Raw statements of source and override documents keep their JSON; those of the blocks are written
 * first to JSON too, so that all merge by Sid. */
static Value statement_value(Value statement, char **problem) {
	Writer writer = {.text = g_string_new("["), .first = TRUE};
	write_statement(&writer, statement);
	g_string_append_c(writer.text, ']');
	g_autofree char *json = g_string_free(writer.text, FALSE);
	g_auto(Value) list = value_from_json(json, -1, NULL);
	return value_ref(value_at(list, 0));
}

static int index_of_sid(GArray *statements, const char *sid) {
	for (guint i = 0; sid && *sid && i < statements->len; i++)
		if (g_strcmp0(value_get_text(g_array_index(statements, Value, i), "Sid"), sid) == 0)
			return (int)i;
	return -1;
}

/* A later statement of the same Sid replaces an earlier one, if it may. */
static gboolean add_statement(
	GArray *statements, Value statement_taken, gboolean replaces, char **problem) {
	const char *sid = value_get_text(statement_taken, "Sid");
	int index = index_of_sid(statements, sid);
	if (index < 0) {
		g_array_append_val(statements, statement_taken);
		return TRUE;
	}
	if (!replaces) {
		*problem = g_strdup_printf("duplicate Sid (%s)", sid);
		value_unref(statement_taken);
		return FALSE;
	}
	Value *slot = &g_array_index(statements, Value, index);
	value_clear(slot);
	*slot = statement_taken;
	return TRUE;
}

static gboolean add_documents(
	GArray *statements, Value documents, gboolean replaces, Value *last, char **problem) {
	for (gsize i = 0; i < value_length(documents); i++) {
		const char *text = value_text_or(value_at(documents, i), "");
		g_autoptr(GError) error = NULL;
		g_auto(Value) document = *text ? value_from_json(text, -1, &error) : VALUE_NOTHING;
		if (error) {
			*problem = g_strdup_printf(
				"document %" G_GSIZE_FORMAT ": %s", i, error->message);
			return FALSE;
		}
		value_clear(last);
		*last = value_ref(document);
		Value list = value_get(document, "Statement");
		if (value_is_mapping(list) &&
			!add_statement(statements, value_ref(list), replaces, problem))
			return FALSE;
		for (gsize j = 0; value_is_sequence(list) && j < value_length(list); j++)
			if (!add_statement(
				    statements, value_ref(value_at(list, j)), replaces, problem))
				return FALSE;
	}
	return TRUE;
}

/* A member of a parsed statement, as it is. */
static void write_json(Writer *writer, Value value) {
	if (value_is_mapping(value)) {
		open_with(writer, '{');
		for (gsize i = 0; i < value_length(value); i++) {
			write_key(writer, value_key_at(value, i));
			write_json(writer, value_at(value, i));
		}
		close_with(writer, '}');
	} else if (value_is_sequence(value)) {
		open_with(writer, '[');
		for (gsize i = 0; i < value_length(value); i++) {
			separate(writer);
			write_json(writer, value_at(value, i));
		}
		close_with(writer, ']');
	} else {
		g_autofree char *json = value_to_json(value, VALUE_JSON_ESCAPE_HTML);
		g_string_append(writer->text, json);
	}
}

static void write_parsed(Writer *writer, Value statement) {
	static const char *const order[] = {"Sid", "Effect", "Action", "NotAction", "Resource",
		"NotResource", "Principal", "NotPrincipal", "Condition"};
	separate(writer);
	open_with(writer, '{');
	for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
		if (!value_has(statement, order[i]))
			continue;
		write_key(writer, order[i]);
		write_json(writer, value_get(statement, order[i]));
	}
	close_with(writer, '}');
}

static gboolean collect(GArray *statements, Value config, Value *last, char **problem) {
	if (!add_documents(
		    statements, value_get(config, "source_policy_documents"), FALSE, last, problem))
		return FALSE;
	guint inherited = statements->len;
	Value blocks = value_get(config, "statement");
	for (gsize i = 0; i < value_length(blocks); i++) {
		Value statement = statement_value(value_at(blocks, i), problem);
		int index = index_of_sid(statements, value_get_text(statement, "Sid"));
		gboolean over_source = index >= 0 && (guint)index < inherited;
		if (!add_statement(statements, statement, over_source, problem))
			return FALSE;
	}
	return add_documents(
		statements, value_get(config, "override_policy_documents"), TRUE, last, problem);
}

char *aws_policy_document(Value config, char **problem) {
	g_autoptr(GArray) statements = g_array_new(FALSE, FALSE, sizeof(Value));
	g_array_set_clear_func(statements, (GDestroyNotify)value_clear);
	g_auto(Value) last = VALUE_NOTHING;
	if (!collect(statements, config, &last, problem))
		return NULL;
	const char *version = value_get_text(config, "version");
	if (!version)
		version = value_get_text(last, "Version");
	const char *id = value_get_text(config, "policy_id");
	Writer writer = {.text = g_string_new(NULL)};
	open_with(&writer, '{');
	write_member(&writer, "Version", version ? version : "2012-10-17");
	write_member(&writer, "Id", id ? id : value_get_text(last, "Id"));
	if (statements->len > 0) {
		write_key(&writer, "Statement");
		open_with(&writer, '[');
		for (guint i = 0; i < statements->len; i++)
			write_parsed(&writer, g_array_index(statements, Value, i));
		close_with(&writer, ']');
	}
	close_with(&writer, '}');
	return g_string_free(writer.text, FALSE);
}
