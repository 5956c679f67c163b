/* What run.sh carries out, written below the build's folder: each command is a file of its own. */
#include <string.h>

#include "region/services/codebuild/files.h"
#include "region/services/codebuild/run.h"

typedef struct {
	Region *region;
	char *folder; /* script/, below the home */
	GError **error;
} Writer;

static gboolean write_text(const Writer *writer, const char *name, const char *text) {
	g_autofree char *path =
		g_build_filename(region_home(writer->region), writer->folder, name, NULL);
	g_autofree char *below = g_build_filename(writer->folder, name, NULL);
	g_autofree char *parent = g_path_get_dirname(below);
	/* The glass's, which removes them in the end. */
	g_autofree char *made =
		glass_make_folder(region_glass(writer->region), parent, writer->error);
	return made && g_file_set_contents_full(
			       path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, writer->error);
}

static gboolean write_commands(const Writer *writer, const char *folder, Value commands) {
	for (gsize i = 0; i < value_length(commands); i++) {
		g_autofree char *name = g_strdup_printf("%s/%05zu", folder, i);
		const char *text = value_text(value_at(commands, i));
		g_autofree char *line =
			g_strconcat(text, g_str_has_suffix(text, "\n") ? "" : "\n", NULL);
		if (!write_text(writer, name, line))
			return FALSE;
	}
	return TRUE;
}

static gboolean write_phase(const Writer *writer, Value spec, const char *name, Value phase) {
	g_autofree char *commands = g_build_filename(name, "commands", NULL);
	g_autofree char *finally = g_build_filename(name, "finally", NULL);
	g_autofree char *on_failure = g_build_filename(name, "on-failure", NULL);
	g_autofree char *run_as = g_build_filename(name, "run-as", NULL);
	const char *user = value_text_or(value_get(phase, "runAs"), "");
	const char *whole = value_text_or(value_get(spec, "runAs"), "");
	return write_commands(writer, commands, value_get(phase, "commands")) &&
	       write_commands(writer, finally, value_get(phase, "finally")) &&
	       write_text(writer, on_failure, value_text_or(value_get(phase, "onFailure"), "")) &&
	       write_text(writer, run_as, *user ? user : whole);
}

static gboolean is_name(const char *text) {
	return *text && !g_ascii_isdigit(*text) &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
		       strlen(text);
}

static gboolean write_exports(const Writer *writer, Value names) {
	g_autoptr(GString) text = g_string_new(NULL);
	for (gsize i = 0; i < value_length(names); i++) {
		const char *name = value_text(value_at(names, i));
		if (is_name(name))
			g_string_append_printf(text,
				"[ -z \"${%s+x}\" ] || printf %%s \"$%s\" "
				">" CODEBUILD_HOME "/exported/%s\n",
				name, name, name);
	}
	g_string_append(text, ":\n");
	return write_text(writer, "exports", text->str);
}

/* A text as the shell would have it between double quotes, written to expanded/<name>. */
static void append_expansion(GString *script, const char *name, const char *text) {
	if (!strpbrk(text, "$`"))
		return;
	g_string_append(script, "printf %s \"");
	for (; *text; text++) {
		if (*text == '"')
			g_string_append_c(script, '\\');
		g_string_append_c(script, *text);
	}
	g_string_append_printf(script, "\" >" CODEBUILD_HOME "/expanded/%s\n", name);
}

static void append_artifact(GString *script, const char *prefix, Value artifact) {
	static const char *const members[] = {"base", "name", "prefix"};
	Value files = value_get(artifact, "files");
	for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
		g_autofree char *name = g_strdup_printf("%s-%s", prefix, members[i]);
		append_expansion(script, name, value_text_or(value_get(artifact, members[i]), ""));
	}
	for (gsize i = 0; i < value_length(files); i++) {
		g_autofree char *name = g_strdup_printf("%s-file-%zu", prefix, i);
		append_expansion(script, name, value_text(value_at(files, i)));
	}
}

static gboolean write_expansions(const Writer *writer, Value spec) {
	g_autoptr(GString) text = g_string_new(NULL);
	Value secondary = value_get(spec, "secondaryArtifacts");
	append_artifact(text, "primary", value_get(spec, "artifacts"));
	for (gsize i = 0; i < value_length(secondary); i++) {
		g_autofree char *prefix = g_strdup_printf("secondary-%zu", i);
		append_artifact(text, prefix, value_at(secondary, i));
	}
	g_string_append(text, ":\n");
	return write_text(writer, "expand", text->str);
}

/* Lines "KEPT PATH": the folder of a pattern, and what it is kept under. */
static gboolean write_cache(const Writer *writer, Value build, Value spec) {
	Value modes = value_get_path(build, "cache", "modes", NULL);
	Value paths = value_get(spec, "cachePaths");
	gboolean custom = FALSE;
	for (gsize i = 0; i < value_length(modes); i++)
		custom |= g_strcmp0(value_text(value_at(modes, i)), "LOCAL_CUSTOM_CACHE") == 0;
	g_autoptr(GString) text = g_string_new(NULL);
	for (gsize i = 0; i < value_length(paths) && custom; i++) {
		const char *pattern = value_text(value_at(paths, i));
		g_autofree char *path = g_strndup(pattern, strcspn(pattern, "*?\n"));
		for (gsize end = strlen(path); end > 1 && path[end - 1] == '/'; end--)
			path[end - 1] = '\0';
		g_autofree char *kept = g_compute_checksum_for_string(G_CHECKSUM_SHA256, path, -1);
		if (*path && !g_str_equal(path, "/"))
			g_string_append_printf(text, "%.16s %s\n", kept, path);
	}
	return text->len == 0 || write_text(writer, "cache", text->str);
}

gboolean codebuild_script_write(Region *region, Value build, Value spec, GError **error) {
	g_autofree char *folder =
		g_build_filename(CODEBUILD_JOBS, codebuild_uuid(build), "script", NULL);
	Writer writer = {region, folder, error};
	Value phases = value_get(spec, "phases");
	for (const CodebuildFile *file = codebuild_scripts; file->name; file++)
		if (!write_text(&writer, file->name, file->text))
			return FALSE;
	for (gsize i = 0; i < value_length(phases); i++)
		if (!write_phase(&writer, spec, value_key_at(phases, i), value_at(phases, i)))
			return FALSE;
	return write_text(&writer, "leave", "exit 0\n") &&
	       write_exports(&writer, value_get(spec, "exported")) &&
	       write_expansions(&writer, spec) && write_cache(&writer, build, spec);
}
