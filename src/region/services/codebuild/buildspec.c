/*
 * Build specifications. libyaml makes nodes with their lines; here is what they mean. The walk is
 * as deep as the grammar, so that a node which contains itself by an alias ends nowhere else.
 */
#include "region/services/codebuild/buildspec.h"

#include <string.h>
#include <yaml.h>

G_DEFINE_QUARK(buildspec - error - quark, buildspec_error)

#define MOST_WARNINGS 20

typedef struct {
	yaml_document_t *document;
	GError **error;
	ValueBuilder *warnings;
} Reader;

typedef const yaml_node_t Node;

static gboolean fail(const Reader *reader, Node *at, const char *format, ...) G_GNUC_PRINTF(3, 4);
static gboolean fail(const Reader *reader, Node *at, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(reader->error, BUILDSPEC_ERROR, 0, "%s at line %zu", message,
		at ? at->start_mark.line + 1 : 1);
	return FALSE;
}

static void warn(Reader *reader, Node *at, const char *what) {
	if (value_builder_length(reader->warnings) < MOST_WARNINGS)
		value_builder_add_take(reader->warnings,
			value_string_printf("Terrarium does not implement %s (line %zu of the "
					    "buildspec): it is passed over",
				what, at->start_mark.line + 1));
}

/* ---- nodes ---- */

static Node *node_at(const Reader *reader, int index) {
	return yaml_document_get_node(reader->document, index);
}

/* Scalars have no zero bytes that a shell could be given: what follows one is not there. */
static const char *scalar(Node *node) {
	return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value
						      : NULL;
}

/* Nothing is written, or a null. */
static gboolean is_empty(Node *node) {
	const char *text = scalar(node);
	return !node || (text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
				(!*text || g_str_equal(text, "~") || g_str_equal(text, "null")));
}

/* The last value of the key in a mapping, or NULL. */
static Node *get(const Reader *reader, Node *mapping, const char *key) {
	Node *found = NULL;
	if (!mapping || mapping->type != YAML_MAPPING_NODE)
		return NULL;
	for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
		pair < mapping->data.mapping.pairs.top; pair++)
		if (g_strcmp0(scalar(node_at(reader, pair->key)), key) == 0)
			found = node_at(reader, pair->value);
	return found;
}

static gboolean want_mapping(const Reader *reader, Node *node, const char *name) {
	return !node || is_empty(node) || node->type == YAML_MAPPING_NODE ||
	       fail(reader, node, "Expected %s to be a mapping", name);
}

/* ---- pieces ---- */

/* A text; "" if it is not there. */
static gboolean read_text(const Reader *reader, Node *mapping, const char *key, ValueBuilder *out,
	const char *member) {
	Node *node = get(reader, mapping, key);
	const char *text = is_empty(node) ? "" : scalar(node);
	if (!text)
		return fail(reader, node, "Expected %s to be of string type", key);
	value_builder_set_take(out, member, value_string(text));
	return TRUE;
}

static gboolean read_bool(const Reader *reader, Node *mapping, const char *key, ValueBuilder *out,
	const char *member) {
	static const char *const yes[] = {"yes", "true", "on", NULL};
	static const char *const no[] = {"no", "false", "off", "", NULL};
	Node *node = get(reader, mapping, key);
	g_autofree char *word = g_ascii_strdown(is_empty(node) ? ""
						: scalar(node) ? scalar(node)
							       : "?",
		-1);
	if (!g_strv_contains(yes, word) && !g_strv_contains(no, word))
		return fail(reader, node, "Expected %s to be yes or no", key);
	value_builder_set_take(out, member, value_bool(g_strv_contains(yes, word)));
	return TRUE;
}

/* A list of texts; one text alone is a list of one. */
static gboolean read_list(const Reader *reader, Node *mapping, const char *key, const char *title,
	ValueBuilder *out, const char *member) {
	g_autoptr(ValueBuilder) list = value_builder_new(VALUE_TUPLE, NULL);
	Node *node = get(reader, mapping, key);
	if (scalar(node) && !is_empty(node))
		value_builder_add_take(list, value_string(scalar(node)));
	else if (node && node->type == YAML_MAPPING_NODE)
		return fail(
			reader, node, "Expected %s to be a sequence: found subkeys instead", title);
	else if (node && node->type == YAML_SEQUENCE_NODE) {
		gsize index = 0;
		for (const yaml_node_item_t *item = node->data.sequence.items.start;
			item < node->data.sequence.items.top; item++, index++) {
			Node *each = node_at(reader, *item);
			if (!scalar(each))
				return fail(reader, each,
					"Expected %s[%zu] to be of string type: found subkeys "
					"instead",
					title, index);
			value_builder_add_take(list, value_string(scalar(each)));
		}
	}
	value_builder_set_take(out, member, value_builder_end(g_steal_pointer(&list)));
	return TRUE;
}

/* A mapping of names to texts. */
static gboolean read_map(const Reader *reader, Node *mapping, const char *key, ValueBuilder *out,
	const char *member) {
	g_autoptr(ValueBuilder) map = value_builder_new(VALUE_OBJECT, NULL);
	Node *node = get(reader, mapping, key);
	if (!want_mapping(reader, node, key))
		return FALSE;
	if (node && node->type == YAML_MAPPING_NODE)
		for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
			pair < node->data.mapping.pairs.top; pair++) {
			const char *name = scalar(node_at(reader, pair->key));
			Node *value = node_at(reader, pair->value);
			if (!name || !*name || strchr(name, '='))
				return fail(reader, node_at(reader, pair->key),
					"%s has a name that no variable can have", key);
			if (!scalar(value))
				return fail(reader, value, "Expected %s of %s to be of string type",
					name, key);
			value_builder_set_take(
				map, name, value_string(is_empty(value) ? "" : scalar(value)));
		}
	value_builder_set_take(out, member, value_builder_end(g_steal_pointer(&map)));
	return TRUE;
}

/* ---- phases ---- */

static gboolean is_retry(const char *word) {
	const char *count = word + strlen("RETRY-");
	return g_str_equal(word, "RETRY") ||
	       (g_str_has_prefix(word, "RETRY-") && *count && strlen(count) <= 3 &&
		       strspn(count, "0123456789") == strlen(count));
}

static gboolean check_on_failure(const Reader *reader, Node *phase) {
	Node *node = get(reader, phase, "on-failure");
	const char *word = is_empty(node) ? "ABORT" : scalar(node);
	if (word && (g_str_equal(word, "ABORT") || g_str_equal(word, "CONTINUE") || is_retry(word)))
		return TRUE;
	if (word && g_str_has_prefix(word, "RETRY-"))
		return fail(reader, node,
			"Terrarium does not implement on-failure with a pattern (%s)", word);
	return fail(reader, node, "Invalid on-failure: it must be ABORT, CONTINUE or RETRY");
}

static gboolean read_runtimes(const Reader *reader, Node *phase, ValueBuilder *out) {
	g_autoptr(ValueBuilder) names = value_builder_new(VALUE_TUPLE, NULL);
	Node *node = get(reader, phase, "runtime-versions");
	if (!want_mapping(reader, node, "runtime-versions"))
		return FALSE;
	if (node && node->type == YAML_MAPPING_NODE)
		for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
			pair < node->data.mapping.pairs.top; pair++) {
			const char *name = scalar(node_at(reader, pair->key));
			value_builder_add_take(names, value_string(name ? name : "?"));
		}
	value_builder_set_take(out, "runtimes", value_builder_end(g_steal_pointer(&names)));
	return TRUE;
}

static gboolean read_phases(const Reader *reader, Node *root, ValueBuilder *out) {
	static const char *const names[] = {"install", "pre_build", "build", "post_build"};
	g_autoptr(ValueBuilder) phases = value_builder_new(VALUE_OBJECT, NULL);
	Node *all = get(reader, root, "phases");
	if (is_empty(all))
		return fail(reader, all ? all : root, "phases is missing or empty");
	if (!want_mapping(reader, all, "phases"))
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		Node *node = get(reader, all, names[i]);
		if (!node)
			continue;
		g_autoptr(ValueBuilder) phase = value_builder_new(VALUE_OBJECT, NULL);
		if (!want_mapping(reader, node, names[i]) ||
			!read_list(reader, node, "commands", "Commands", phase, "commands") ||
			!read_list(reader, node, "finally", "Finally", phase, "finally") ||
			!check_on_failure(reader, node) ||
			!read_text(reader, node, "on-failure", phase, "onFailure") ||
			!read_text(reader, node, "run-as", phase, "runAs") ||
			!read_runtimes(reader, node, phase))
			return FALSE;
		value_builder_set_take(
			phases, names[i], value_builder_end(g_steal_pointer(&phase)));
	}
	value_builder_set_take(out, "phases", value_builder_end(g_steal_pointer(&phases)));
	return TRUE;
}

/* ---- env, artifacts, cache ---- */

static gboolean read_env(Reader *reader, Node *root, ValueBuilder *out) {
	Node *env = get(reader, root, "env");
	Node *helper = get(reader, env, "git-credential-helper");
	const char *shell = scalar(get(reader, env, "shell"));
	if (shell && !g_str_equal(shell, "bash") && !g_str_equal(shell, "/bin/sh") &&
		!g_str_equal(shell, "sh"))
		return fail(reader, get(reader, env, "shell"),
			"Invalid shell %s: it must be bash or /bin/sh", shell);
	if (helper)
		warn(reader, helper, "git-credential-helper");
	return want_mapping(reader, env, "env") && read_text(reader, env, "shell", out, "shell") &&
	       read_map(reader, env, "variables", out, "variables") &&
	       read_map(reader, env, "parameter-store", out, "parameterStore") &&
	       read_map(reader, env, "secrets-manager", out, "secretsManager") &&
	       read_list(reader, env, "exported-variables", "exported-variables", out, "exported");
}

static gboolean read_artifact(const Reader *reader, Node *node, const char *title, Value *out) {
	g_autoptr(ValueBuilder) artifact = value_builder_new(VALUE_OBJECT, NULL);
	if (!want_mapping(reader, node, title) ||
		!read_list(reader, node, "files", "files", artifact, "files") ||
		!read_list(reader, node, "exclude-paths", "exclude-paths", artifact, "exclude") ||
		!read_text(reader, node, "base-directory", artifact, "base") ||
		!read_text(reader, node, "name", artifact, "name") ||
		!read_text(reader, node, "s3-prefix", artifact, "prefix") ||
		!read_bool(reader, node, "discard-paths", artifact, "discard") ||
		!read_bool(reader, node, "enable-symlinks", artifact, "symlinks"))
		return FALSE;
	*out = value_builder_end(g_steal_pointer(&artifact));
	return TRUE;
}

static gboolean read_secondary(const Reader *reader, Node *artifacts, ValueBuilder *out) {
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_OBJECT, NULL);
	Node *node = get(reader, artifacts, "secondary-artifacts");
	if (!want_mapping(reader, node, "secondary-artifacts"))
		return FALSE;
	if (node && node->type == YAML_MAPPING_NODE)
		for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
			pair < node->data.mapping.pairs.top; pair++) {
			const char *name = scalar(node_at(reader, pair->key));
			Value artifact = VALUE_NOTHING;
			if (!name || !read_artifact(
					     reader, node_at(reader, pair->value), name, &artifact))
				return name ? FALSE
					    : fail(reader, node, "Invalid artifact identifier");
			value_builder_set_take(all, name, artifact);
		}
	value_builder_set_take(out, "secondaryArtifacts", value_builder_end(g_steal_pointer(&all)));
	return TRUE;
}

static gboolean read_artifacts(const Reader *reader, Node *root, ValueBuilder *out) {
	Node *node = get(reader, root, "artifacts");
	Value artifact = VALUE_NOTHING;
	if (!is_empty(node) && !read_artifact(reader, node, "artifacts", &artifact))
		return FALSE;
	value_builder_set_take(out, "artifacts", artifact);
	return read_secondary(reader, node, out);
}

static gboolean read_cache(Reader *reader, Node *root, ValueBuilder *out) {
	static const char *const unserved[] = {"key", "fallback-keys", "action"};
	Node *cache = get(reader, root, "cache");
	for (gsize i = 0; i < G_N_ELEMENTS(unserved); i++)
		if (get(reader, cache, unserved[i]))
			warn(reader, get(reader, cache, unserved[i]), unserved[i]);
	return want_mapping(reader, cache, "cache") &&
	       read_list(reader, cache, "paths", "paths", out, "cachePaths");
}

/* ---- the whole ---- */

static gboolean check_version(const Reader *reader, Node *root) {
	Node *node = get(reader, root, "version");
	const char *version = scalar(node);
	if (!version)
		return fail(reader, node ? node : root, "version is missing: it must be 0.2");
	return g_str_equal(version, "0.2") ||
	       fail(reader, node, "Invalid buildspec version %s: Terrarium implements version 0.2",
		       version);
}

static gboolean read_root(Reader *reader, Node *root, ValueBuilder *out) {
	static const char *const unserved[] = {"reports", "proxy"};
	if (!root || root->type != YAML_MAPPING_NODE)
		return fail(reader, root, "the buildspec must be a mapping");
	if (get(reader, root, "batch"))
		return fail(reader, get(reader, root, "batch"),
			"Terrarium does not implement batch builds: batch is refused");
	for (gsize i = 0; i < G_N_ELEMENTS(unserved); i++)
		if (get(reader, root, unserved[i]))
			warn(reader, get(reader, root, unserved[i]), unserved[i]);
	return check_version(reader, root) && read_text(reader, root, "run-as", out, "runAs") &&
	       read_env(reader, root, out) && read_phases(reader, root, out) &&
	       read_artifacts(reader, root, out) && read_cache(reader, root, out);
}

static Value read_document(yaml_document_t *document, GError **error) {
	Reader reader = {document, error, value_builder_new(VALUE_TUPLE, NULL)};
	g_autoptr(ValueBuilder) out = value_builder_new(VALUE_OBJECT, NULL);
	gboolean fine = read_root(&reader, yaml_document_get_root_node(document), out);
	Value warnings = value_builder_end(reader.warnings);
	value_builder_set_take(out, "warnings", warnings);
	return fine ? value_builder_end(g_steal_pointer(&out)) : VALUE_NOTHING;
}

Value buildspec_parse(const char *text, gsize length, GError **error) {
	yaml_parser_t parser;
	yaml_document_t document;
	Value result = VALUE_NOTHING;
	if (!g_utf8_validate(text, (gssize)length, NULL)) {
		g_set_error(error, BUILDSPEC_ERROR, 0, "the buildspec is not UTF-8 text");
		return VALUE_NOTHING;
	}
	if (!yaml_parser_initialize(&parser)) {
		g_set_error(error, BUILDSPEC_ERROR, 0, "out of memory");
		return VALUE_NOTHING;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	if (yaml_parser_load(&parser, &document)) {
		result = read_document(&document, error);
		yaml_document_delete(&document);
	} else
		g_set_error(error, BUILDSPEC_ERROR, 0, "%s at line %zu",
			parser.problem ? parser.problem : "cannot be read",
			parser.problem_mark.line + 1);
	yaml_parser_delete(&parser);
	return result;
}
