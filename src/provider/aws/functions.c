/*
 * The functions that the programs of resource types have besides the language's own
 * (docs/resource-types.md lists them). Bodies get the run through scope->data.
 */
#include <string.h>

#include "base/text.h"
#include "provider/aws/aws.h"

static const AwsRun *run_of(const LangScope *scope) {
	return scope->data;
}

/* ---- what changed ---- */

/* changed("a", "b"): whether one of these differs from what it was. */
static Value call_changed(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	const AwsRun *run = run_of(scope);
	for (guint i = 0; i < n; i++) {
		const char *name = value_text(arguments[i]);
		if (!value_equal(value_get(run->self, name), value_get(run->prior, name)))
			return value_bool(TRUE);
	}
	return value_bool(FALSE);
}

static gboolean contains(Value sequence, Value element) {
	for (gsize i = 0; i < value_length(sequence); i++)
		if (value_equal(value_at(sequence, i), element))
			return TRUE;
	return FALSE;
}

/* The elements of one collection that the other lacks, as a tuple. */
static Value missing_from(Value from, Value other) {
	g_autoptr(ValueBuilder) tuple = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(from); i++)
		if (!contains(other, value_at(from, i)))
			value_builder_add_take(tuple, value_ref(value_at(from, i)));
	return value_builder_end(g_steal_pointer(&tuple));
}

/* added("x"), removed("x"): the elements of self.x that prior.x lacks, and the other way round. */
static Value call_added(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	const char *name = value_text(arguments[0]);
	return missing_from(
		value_get(run_of(scope)->self, name), value_get(run_of(scope)->prior, name));
}

static Value call_removed(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	const char *name = value_text(arguments[0]);
	return missing_from(
		value_get(run_of(scope)->prior, name), value_get(run_of(scope)->self, name));
}

/* ---- tags ---- */

static const char *argument_or(
	const Value *arguments, guint n, guint index, const char *otherwise) {
	return index < n ? value_text_or(arguments[index], otherwise) : otherwise;
}

/* tag_list(map, "Key", "Value"): as services want them; null if there are none. */
static Value call_tag_list(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	const char *key_name = argument_or(arguments, n, 1, "Key");
	const char *value_name = argument_or(arguments, n, 2, "Value");
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	ValueIter iter;
	const char *key;
	Value value;
	for (value_iter_init(&iter, arguments[0]); value_iter_next(&iter, &key, &value);)
		value_builder_add_take(
			list, value_object_take(key_name, value_string(key), value_name,
				      value_string(value_text_or(value, "")), NULL));
	if (value_builder_length(list) == 0)
		return value_null(type_any());
	return value_builder_end(g_steal_pointer(&list));
}

/* tag_map(list, "Key", "Value"): the other way round. */
static Value call_tag_map(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	const char *key_name = argument_or(arguments, n, 1, "Key");
	const char *value_name = argument_or(arguments, n, 2, "Value");
	g_autoptr(ValueBuilder) map = value_builder_new(VALUE_MAP, type_string());
	for (gsize i = 0; i < value_length(arguments[0]); i++) {
		Value tag = value_at(arguments[0], i);
		const char *key = value_get_text(tag, key_name);
		const char *text = value_get_text(tag, value_name);
		if (key)
			value_builder_set_take(map, key, value_string(text ? text : ""));
	}
	return value_builder_end(g_steal_pointer(&map));
}

/* tag_spec("vpc", map): EC2's TagSpecifications; null if there are no tags. */
static Value call_tag_spec(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	Value tags = call_tag_list(&arguments[1], 1, scope, blame, problem);
	if (value_is_null(tags))
		return tags;
	Value one = value_object_take("ResourceType", value_ref(arguments[0]), "Tags", tags, NULL);
	return value_tuple_take(1, one);
}

/* ---- texts and emptiness ---- */

/* nonempty(x): x, or null if it is "", or has no elements. */
static Value call_nonempty(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	Value value = arguments[0];
	gboolean text = value_kind(value) == VALUE_STRING;
	gboolean container = value_is_sequence(value) || value_is_mapping(value);
	if ((text && value_text_length(value) == 0) || (container && value_length(value) == 0))
		return value_null(type_any());
	return value_ref(value);
}

/* fallback(a, b, …): the first that is not null. */
static Value call_fallback(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	for (guint i = 0; i < n; i++)
		if (!value_is_null(arguments[i]))
			return value_ref(arguments[i]);
	return value_null(type_any());
}

/* url_decode(text): %XX undone, as IAM's policy documents come. */
static Value call_url_decode(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	g_autofree char *text = g_uri_unescape_string(value_text_or(arguments[0], ""), NULL);
	return value_string(text ? text : value_text_or(arguments[0], ""));
}

/* unique_id(prefix): prefix and 26 digits, by time and chance, as Terraform's generated names. */
static Value call_unique_id(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%Y%m%d%H%M%S");
	g_autofree char *random = text_random_hex(12);
	return value_string_printf("%s%s%s", value_text_or(arguments[0], ""), time, random);
}

/* ---- the model's spelling ---- */

static const WireShape *member_named(const WireShape *shape, const char *key, char **name) {
	const WireShape *member = wire_shape_member(shape, key);
	*name = g_strdup(key);
	if (member)
		return member;
	(*name)[0] = g_ascii_islower(key[0]) ? g_ascii_toupper(key[0]) : g_ascii_tolower(key[0]);
	return wire_shape_member(shape, *name);
}

static Value spell(const WireShape *shape, Value value) {
	if (value_is_sequence(value)) {
		g_autoptr(ValueBuilder) tuple = value_builder_new(VALUE_TUPLE, NULL);
		for (gsize i = 0; i < value_length(value); i++)
			value_builder_add_take(
				tuple, spell(wire_shape_element(shape), value_at(value, i)));
		return value_builder_end(g_steal_pointer(&tuple));
	}
	if (!value_is_mapping(value))
		return value_ref(value);
	g_autoptr(ValueBuilder) object = value_builder_new(VALUE_OBJECT, NULL);
	ValueIter iter;
	const char *key;
	Value element;
	for (value_iter_init(&iter, value); value_iter_next(&iter, &key, &element);) {
		g_autofree char *name = NULL;
		const WireShape *member = shape ? member_named(shape, key, &name) : NULL;
		value_builder_set_take(object, member ? name : key, spell(member, element));
	}
	return value_builder_end(g_steal_pointer(&object));
}

/* api_names(value, "ecs", "RegisterTaskDefinition", "containerDefinitions"): keys spelt as the API
 * does, where JSON that the user wrote begins them with a capital. */
static Value call_api_names(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	const WireService *service = wire_service(value_text_or(arguments[1], ""));
	const WireOperation *operation =
		service ? wire_operation(service, value_text_or(arguments[2], "")) : NULL;
	if (!operation) {
		*problem = g_strdup("there is no such operation");
		*blame = 2;
		return VALUE_NOTHING;
	}
	const WireShape *shape =
		wire_shape_member(wire_operation_input(operation), value_text_or(arguments[3], ""));
	return spell(shape, arguments[0]);
}

/* policy_document(config): the JSON of aws_iam_policy_document. */
static Value call_policy_document(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	g_autofree char *text = aws_policy_document(arguments[0], problem);
	return text ? value_string(text) : VALUE_NOTHING;
}

/* ---- bytes ---- */

/* file_bytes("path"): what is in a file, be it text or not. */
static Value call_file_bytes(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	g_autoptr(GError) error = NULL;
	g_autofree char *bytes = NULL;
	gsize length;
	const char *path = value_text(arguments[0]);
	g_autofree char *in_home = g_str_has_prefix(path, "~/")
					   ? g_build_filename(g_get_home_dir(), path + 2, NULL)
					   : NULL;
	if (g_file_get_contents(in_home ? in_home : path, &bytes, &length, &error))
		return value_string_sized(bytes, length);
	*problem = g_strdup_printf("reading the file: %s", error->message);
	return VALUE_NOTHING;
}

/* base64_bytes("…"): what Base64 stands for, be it text or not. */
static Value call_base64_bytes(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem) {
	gsize length;
	g_autofree guchar *bytes = g_base64_decode(value_text(arguments[0]), &length);
	return value_string_sized((const char *)bytes, length);
}

/* ---- the table ---- */

GHashTable *aws_functions(void) {
	static GHashTable *table;
	static gsize once;
	if (!g_once_init_enter(&once))
		return table;
	const LangParameter any = {"value", type_any(), TRUE, FALSE};
	const LangParameter text = {"text", type_string(), TRUE, FALSE};
	const struct {
		const char *name;
		LangFunctionCall call;
		LangParameter fixed[2];
		LangParameter variadic;
		gboolean impure;
	} functions[] = {
		{"changed", call_changed, {}, text, FALSE},
		{"added", call_added, {text}, {}, FALSE},
		{"removed", call_removed, {text}, {}, FALSE},
		{"tag_list", call_tag_list, {any}, text, FALSE},
		{"tag_map", call_tag_map, {any}, text, FALSE},
		{"tag_spec", call_tag_spec, {text, any}, {}, FALSE},
		{"nonempty", call_nonempty, {any}, {}, FALSE},
		{"fallback", call_fallback, {}, any, FALSE},
		{"url_decode", call_url_decode, {text}, {}, FALSE},
		{"unique_id", call_unique_id, {text}, {}, TRUE},
		{"api_names", call_api_names, {any}, text, FALSE},
		{"policy_document", call_policy_document, {any}, {}, FALSE},
		{"file_bytes", call_file_bytes, {text}, {}, TRUE},
		{"base64_bytes", call_base64_bytes, {text}, {}, FALSE},
	};
	table = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < G_N_ELEMENTS(functions); i++) {
		LangFunction *function = g_new0(LangFunction, 1);
		LangParameter *parameters = g_new0(LangParameter, 3);
		memcpy(parameters, functions[i].fixed, sizeof functions[i].fixed);
		function->name = functions[i].name;
		function->parameters = parameters;
		if (functions[i].variadic.name)
			function->variadic =
				g_memdup2(&functions[i].variadic, sizeof(LangParameter));
		function->call = functions[i].call;
		function->impure = functions[i].impure;
		g_hash_table_insert(table, (char *)function->name, function);
	}
	g_once_init_leave(&once, 1);
	return table;
}

void aws_functions_add(const LangBlock *block, Diags *diags) {
	LangAttribute *parameters = lang_body_attribute(block->body, "parameters");
	LangAttribute *value = lang_body_attribute(block->body, "value");
	LangExpr **names = NULL;
	guint n = 0;
	if (!parameters || !value || !lang_expr_tuple(parameters->expr, &names, &n)) {
		diags_error(diags, block->header, "Incomplete function",
			"A function has parameters, a list of names, and a value.");
		return;
	}
	LangFunction *function = g_new0(LangFunction, 1);
	LangParameter *all = g_new0(LangParameter, n + 1);
	for (guint i = 0; i < n; i++)
		all[i] = (LangParameter){lang_expr_keyword(names[i]), type_any(), TRUE, TRUE};
	function->name = block->labels[0];
	function->parameters = all;
	function->body = value->expr;
	g_hash_table_insert(aws_functions(), (char *)function->name, function);
}
