/*
 * What run.sh tells by files. It runs whatever the user wrote, so nothing here trusts a name, a
 * size or a link.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "region/services/codebuild/run.h"

#define LARGEST_TEXT 65536

static const char *const phases[] = {"INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", NULL};

/* A small regular file of a folder as UTF-8 text; NULL: it is none. Caller frees. */
static char *read_text(const char *folder, const char *name, gint64 *modified) {
	g_autofree char *path = g_build_filename(folder, name, NULL);
	struct stat status;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	g_autofree char *text = g_malloc(LARGEST_TEXT);
	gssize n = -1;
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		n = read(fd, text, LARGEST_TEXT);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return NULL;
	if (modified)
		*modified = (gint64)status.st_mtim.tv_sec * G_USEC_PER_SEC +
			    status.st_mtim.tv_nsec / 1000;
	return g_utf8_make_valid(text, n);
}

/* The name of event number `n`, or NULL. Caller frees. */
static char *find_event(const char *folder, gint64 n) {
	g_autofree char *prefix = g_strdup_printf("%03" G_GINT64_FORMAT "-", n);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir)))
		if (g_str_has_prefix(name, prefix))
			return g_strdup(name);
	return NULL;
}

static Value end_take(Value build, const char *folder, gint64 n, const char *words, gint64 when) {
	const char *status = strrchr(words, '-') + 1;
	gboolean failed = g_str_equal(status, "FAILED");
	g_autofree char *name = g_strdup_printf("text-%03" G_GINT64_FORMAT, n);
	g_autofree char *message = read_text(folder, name, NULL);
	if (!failed && !g_str_equal(status, "SUCCEEDED"))
		return build;
	return codebuild_phase_end_take(build, status, failed ? "COMMAND_EXECUTION_ERROR" : NULL,
		failed ? message : NULL, when);
}

static Value apply_take(Value build, const char *folder, gint64 n, const char *name, gint64 when) {
	const char *words = strchr(name, '-') + 1;
	if (g_str_has_prefix(words, "start-") && g_strv_contains(phases, words + strlen("start-")))
		return codebuild_phase_begin_take(build, words + strlen("start-"), when);
	if (g_str_has_prefix(words, "end-"))
		return end_take(build, folder, n, words, when);
	if (g_str_has_prefix(words, "done-")) {
		build = codebuild_with_internal_take(
			build, "reached", value_bool(g_str_has_suffix(words, "-1")));
		return codebuild_with_internal_take(build, "done", value_bool(TRUE));
	}
	return build;
}

Value codebuild_events_take(Region *region, Value build) {
	g_autofree char *folder = codebuild_job_path(region, build, "events");
	gint64 n = value_to_int(codebuild_internal(build, "events"), 0);
	char *name;
	while (!value_to_bool(codebuild_internal(build, "done")) &&
		(name = find_event(folder, n + 1))) {
		gint64 when = 0;
		g_autofree char *text = read_text(folder, name, &when);
		n++;
		if (text)
			build = apply_take(build, folder, n, name, when);
		build = codebuild_with_internal_take(build, "events", value_int(n));
		g_free(name);
	}
	return build;
}

Value codebuild_exported(Region *region, Value build) {
	g_autofree char *folder = codebuild_job_path(region, build, "exported");
	Value names = value_get(codebuild_internal(build, "spec"), "exported");
	g_autoptr(ValueBuilder) all = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(names); i++) {
		const char *name = value_text(value_at(names, i));
		g_autofree char *value = strchr(name, '/') ? NULL : read_text(folder, name, NULL);
		if (value)
			value_builder_add_take(all, value_object_take("name", value_string(name),
							    "value", value_string(value), NULL));
	}
	return value_builder_end(g_steal_pointer(&all));
}
