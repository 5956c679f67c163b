/* Functions on files, below the scope's folder. */
#include <glob.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "lang/functions/functions.h"

/* The path as it is in the file system: ~ expanded, relative ones below the scope's folder. */
static char *real_path(const LangScope *scope, const char *path) {
	g_autofree char *expanded = g_str_has_prefix(path, "~/")
					    ? g_build_filename(g_get_home_dir(), path + 2, NULL)
					    : g_strdup(path);
	if (g_path_is_absolute(expanded) || !scope->base_dir)
		return g_steal_pointer(&expanded);
	return g_build_filename(scope->base_dir, expanded, NULL);
}

/* A file's bytes; NULL and *problem. */
static char *read_file(const LangScope *scope, const char *path, gsize *length, char **problem) {
	g_autofree char *real = real_path(scope, path);
	g_autoptr(GError) error = NULL;
	char *bytes;
	if (g_file_get_contents(real, &bytes, length, &error))
		return bytes;
	*problem =
		g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)
			? g_strdup_printf(
				  "no file exists at \"%s\"; this function works only with files "
				  "that "
				  "are distributed as part of the configuration source code, so if "
				  "this file will be created by a resource in this configuration "
				  "you "
				  "must instead obtain this result from an attribute of that "
				  "resource",
				  path)
			: g_strdup_printf("failed to read \"%s\": %s", path, error->message);
	return NULL;
}

FUNCTION(file) {
	gsize length;
	g_autofree char *bytes = read_file(scope, value_text(arguments[0]), &length, problem);
	*blame = 0;
	if (!bytes)
		return VALUE_NOTHING;
	if (!g_utf8_validate_len(bytes, length, NULL))
		return lang_function_fail(blame, 0, problem,
			"contents of \"%s\" are not valid UTF-8; use the filebase64 function to "
			"obtain the Base64 "
			"encoded contents or the other file functions (e.g. filemd5, filesha256) "
			"to obtain file "
			"hashing results instead",
			value_text(arguments[0]));
	return value_string_sized(bytes, length);
}

FUNCTION(filebase64) {
	gsize length;
	g_autofree char *bytes = read_file(scope, value_text(arguments[0]), &length, problem);
	*blame = 0;
	return bytes ? value_string_take(g_base64_encode((const guchar *)bytes, length))
		     : VALUE_NOTHING;
}

FUNCTION(fileexists) {
	g_autofree char *real = real_path(scope, value_text(arguments[0]));
	if (g_file_test(real, G_FILE_TEST_IS_DIR))
		return lang_function_fail(blame, 0, problem, "\"%s\" is a directory, not a file",
			value_text(arguments[0]));
	return value_bool(g_file_test(real, G_FILE_TEST_IS_REGULAR));
}

/* ---- fileset: doublestar patterns ---- */

/* Whether a relative path matches a pattern with *, ?, [x], {a,b} and **. */
static GRegex *pattern_regex(const char *pattern) {
	GString *out = g_string_new("^");
	guint braces = 0;
	for (const char *at = pattern; *at; at++) {
		if (g_str_has_prefix(at, "**/")) {
			g_string_append(out, "(?:.*/)?");
			at += 2;
		} else if (g_str_has_prefix(at, "**")) {
			g_string_append(out, ".*");
			at++;
		} else if (*at == '*') {
			g_string_append(out, "[^/]*");
		} else if (*at == '?') {
			g_string_append(out, "[^/]");
		} else if (*at == '{') {
			g_string_append(out, "(?:");
			braces++;
		} else if (*at == '}' && braces > 0) {
			g_string_append_c(out, ')');
			braces--;
		} else if (*at == ',' && braces > 0) {
			g_string_append_c(out, '|');
		} else if (strchr(".^$+()|\\", *at)) {
			g_string_append_printf(out, "\\%c", *at);
		} else {
			g_string_append_c(out, *at);
		}
	}
	g_string_append_c(out, '$');
	GRegex *regex = g_regex_new(out->str, 0, 0, NULL);
	g_string_free(out, TRUE);
	return regex;
}

static void collect_files(
	const char *folder, const char *relative, GRegex *regex, ValueBuilder *found) {
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_autofree char *below =
			*relative ? g_strdup_printf("%s/%s", relative, name) : g_strdup(name);
		if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
			if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK))
				collect_files(path, below, regex, found);
		} else if (g_file_test(path, G_FILE_TEST_IS_REGULAR) &&
			   g_regex_match(regex, below, 0, NULL)) {
			value_builder_add_take(found, value_string(below));
		}
	}
}

FUNCTION(fileset) {
	g_autofree char *real = real_path(scope, value_text(arguments[0]));
	g_autoptr(GRegex) regex = pattern_regex(value_text(arguments[1]));
	if (!regex)
		return lang_function_fail(blame, 1, problem,
			"failed to glob pattern (%s): syntax error in pattern",
			value_text(arguments[1]));
	ValueBuilder *found = value_builder_new(VALUE_SET, type_string());
	collect_files(real, "", regex, found);
	return value_builder_end(found);
}

/* ---- templates ---- */

typedef struct {
	Value variables;
	const LangScope *outer;
} TemplateData;

static gboolean resolve_variable(
	const LangTraversal *traversal, Value *out, guint *used, gpointer data, Diags *diags) {
	const TemplateData *template = data;
	*used = 0;
	if (value_has(template->variables, traversal->root)) {
		*out = value_ref(value_get(template->variables, traversal->root));
		return TRUE;
	}
	diags_error(diags, traversal->root_range, "Unknown variable",
		"vars map does not contain key \"%s\", referenced at %s:%u,%u-%u", traversal->root,
		traversal->range.filename, traversal->range.start_line,
		traversal->range.start_column, traversal->range.end_column);
	return FALSE;
}

static Value render(const LangScope *scope, const char *name, const char *text, gsize length,
	Value variables, int *blame, char **problem) {
	if (!value_is_mapping(variables))
		return lang_function_fail(blame, 1, problem, "invalid vars value: must be a map");
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(LangFile) file = lang_parse_template(name, text, length, diags);
	g_auto(Value) result = VALUE_NOTHING;
	if (lang_file_expr(file)) {
		TemplateData data = {.variables = variables, .outer = scope};
		LangScope inner = {.resolve = resolve_variable,
			.data = &data,
			.base_dir = scope->base_dir,
			.pure = scope->pure,
			.functions = scope->functions};
		result = lang_eval(lang_file_expr(file), &inner, diags);
	}
	if (!diags_has_errors(diags))
		return value_steal(&result);
	const Diag *first = diags_at(diags, 0);
	return lang_function_fail(blame, 1, problem, "%s (%s:%u): %s", first->summary, name,
		first->subject.start_line, first->detail ? first->detail : "");
}

FUNCTION(templatefile) {
	gsize length;
	const char *path = value_text(arguments[0]);
	g_autofree char *text = read_file(scope, path, &length, problem);
	*blame = 0;
	if (!text)
		return VALUE_NOTHING;
	return render(scope, path, text, length, arguments[1], blame, problem);
}

FUNCTION(templatestring) {
	return render(scope, "<templatestring argument>", value_text(arguments[0]),
		value_text_length(arguments[0]), arguments[1], blame, problem);
}

/* ---- paths ---- */

FUNCTION(abspath) {
	g_autofree char *canonical = g_canonicalize_filename(value_text(arguments[0]), NULL);
	return value_string(canonical);
}

FUNCTION(basename) {
	return value_string_take(g_path_get_basename(value_text(arguments[0])));
}

FUNCTION(dirname) {
	return value_string_take(g_path_get_dirname(value_text(arguments[0])));
}

FUNCTION(pathexpand) {
	const char *path = value_text(arguments[0]);
	if (g_str_equal(path, "~") || g_str_has_prefix(path, "~/"))
		return value_string_take(g_strconcat(g_get_home_dir(), path + 1, NULL));
	return value_string(path);
}

/* ---- hashes of files ---- */

static Value file_hash(const Value *arguments, const LangScope *scope, GChecksumType type,
	gboolean base64, int *blame, char **problem) {
	gsize length;
	g_autofree char *bytes = read_file(scope, value_text(arguments[0]), &length, problem);
	*blame = 0;
	if (!bytes)
		return VALUE_NOTHING;
	return lang_hash(bytes, length, type, base64);
}

FUNCTION(filemd5) {
	return file_hash(arguments, scope, G_CHECKSUM_MD5, FALSE, blame, problem);
}

FUNCTION(filesha1) {
	return file_hash(arguments, scope, G_CHECKSUM_SHA1, FALSE, blame, problem);
}

FUNCTION(filesha256) {
	return file_hash(arguments, scope, G_CHECKSUM_SHA256, FALSE, blame, problem);
}

FUNCTION(filesha512) {
	return file_hash(arguments, scope, G_CHECKSUM_SHA512, FALSE, blame, problem);
}

FUNCTION(filebase64sha256) {
	return file_hash(arguments, scope, G_CHECKSUM_SHA256, TRUE, blame, problem);
}

FUNCTION(filebase64sha512) {
	return file_hash(arguments, scope, G_CHECKSUM_SHA512, TRUE, blame, problem);
}

const LangFunctionSpec lang_filesystem_specs[] = {
	{"abspath", call_abspath, "path:s", 's'},
	{"basename", call_basename, "path:s", 's'},
	{"dirname", call_dirname, "path:s", 's'},
	{"file", call_file, "path:s", 's'},
	{"filebase64", call_filebase64, "path:s", 's'},
	{"filebase64sha256", call_filebase64sha256, "path:s", 's'},
	{"filebase64sha512", call_filebase64sha512, "path:s", 's'},
	{"fileexists", call_fileexists, "path:s", 'b'},
	{"filemd5", call_filemd5, "path:s", 's'},
	{"fileset", call_fileset, "path:s pattern:s", 'a'},
	{"filesha1", call_filesha1, "path:s", 's'},
	{"filesha256", call_filesha256, "path:s", 's'},
	{"filesha512", call_filesha512, "path:s", 's'},
	{"pathexpand", call_pathexpand, "path:s", 's'},
	{"templatefile", call_templatefile, "path:s vars:a", 'a'},
	{"templatestring", call_templatestring, "template:s vars:a", 's'},
	{NULL},
};
