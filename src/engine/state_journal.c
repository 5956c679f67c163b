/*
 * The journal beside a state file: a first line that says which state it goes on from, then a line
 * for each change, written before anyone is told that it happened. Reading a state replays it; a
 * fold writes the file anew and ends it. A kill at any line loses nothing that was told.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/state_parts.h"
#include "value/json.h"

static char *journal_path(const State *state) {
	return g_strconcat(state->path, ".journal", NULL);
}

static void replay_line(State *state, const char *line) {
	/* A line that was cut off in the middle is the write that never happened. */
	g_autoptr(GError) error = NULL;
	g_auto(Value) entry = value_from_json(line, -1, &error);
	const char *address = value_get_text(entry, "address");
	if (error || !address)
		return;
	state->changed = TRUE;
	if (value_has(entry, "depose")) {
		state_apply_depose(state, address, value_text_or(value_get(entry, "depose"), ""));
		return;
	}
	if (value_has(entry, "restore")) {
		state_apply_restore(state, address, value_text_or(value_get(entry, "restore"), ""));
		return;
	}
	if (value_has(entry, "move")) {
		state_apply_move(state, address, value_text_or(value_get(entry, "move"), ""));
		return;
	}
	Value object = value_get(entry, "object");
	state_apply_put(state, address, value_get_text(entry, "provider"),
		value_get_text(entry, "deposed"),
		value_is_null(object) ? NULL : state_object_from_json(object));
}

static void replay_journal(State *state) {
	g_autofree char *path = journal_path(state);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	state->unfolded = TRUE;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	if (!lines[0])
		return;
	/* The first line says which state it goes on from: an older one has been folded already. */
	g_auto(Value) head = value_from_json(lines[0], -1, NULL);
	gboolean ours = g_strcmp0(value_get_text(head, "lineage"), state->lineage) == 0;
	if (!ours && state->serial == 0 && value_get_text(head, "lineage")) {
		g_free(state->lineage);
		state->lineage = g_strdup(value_get_text(head, "lineage"));
		ours = TRUE;
	}
	if (ours && value_get_int(head, "serial", -1) == (gint64)state->serial)
		for (char **line = lines + 1; *line; line++)
			replay_line(state, *line);
}

State *state_open(const char *path, GError **error) {
	g_autofree char *text = NULL;
	gsize length;
	g_autoptr(State) state = NULL;
	if (g_file_get_contents(path, &text, &length, NULL) && length > 0)
		state = state_from_text(text, (gssize)length, error);
	else
		state = state_new();
	if (!state) {
		g_prefix_error(error, "%s: ", path);
		return NULL;
	}
	state->path = g_strdup(path);
	replay_journal(state);
	return g_steal_pointer(&state);
}

gboolean state_fail_errno(GError **error, const char *what, const char *path) {
	int number = errno;
	g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(number), "cannot %s %s: %s", what,
		path, g_strerror(number));
	return FALSE;
}

static gboolean append_line(State *state, Value entry, GError **error) {
	g_autofree char *json = value_to_json(entry, VALUE_JSON_COMPACT);
	g_autofree char *line = g_strconcat(json, "\n", NULL);
	gsize length = strlen(line);
	if (write(state->journal, line, length) == (gssize)length)
		return TRUE;
	g_autofree char *path = journal_path(state);
	return state_fail_errno(error, "write", path);
}

static gboolean open_journal(State *state, GError **error) {
	if (state->journal >= 0)
		return TRUE;
	if (state->unfolded && !state_fold(state, error))
		return FALSE;
	g_autofree char *path = journal_path(state);
	g_autofree char *dir = g_path_get_dirname(path);
	if (g_mkdir_with_parents(dir, 0755) < 0)
		return state_fail_errno(error, "make the folder", dir);
	state->journal = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (state->journal < 0)
		return state_fail_errno(error, "open", path);
	g_auto(Value) head = value_object_take("lineage", value_string(state->lineage), "serial",
		value_int((gint64)state->serial), NULL);
	return append_line(state, head, error);
}

gboolean state_put(State *state, const char *address, const char *provider, const char *deposed,
	StateObject *object_taken, GError **error) {
	state->changed = TRUE;
	g_auto(Value) entry = value_object_take("address", value_string(address), "provider",
		value_string(provider), "deposed", value_string(deposed), "object",
		object_taken ? state_object_to_json(object_taken, VALUE_NOTHING, NULL)
			     : VALUE_NOTHING,
		NULL);
	state_apply_put(state, address, provider, deposed, object_taken);
	if (!state->path)
		return TRUE;
	return open_journal(state, error) && append_line(state, entry, error);
}

/* One line for one change, so that a killed process has made all of it or nothing. */
static gboolean append_change(
	State *state, const char *address, const char *what, const char *text, GError **error) {
	state->changed = TRUE;
	if (!state->path)
		return TRUE;
	g_auto(Value) entry =
		value_object_take("address", value_string(address), what, value_string(text), NULL);
	return open_journal(state, error) && append_line(state, entry, error);
}

const char *state_depose(State *state, const char *address, GError **error) {
	g_autofree char *key = text_random_hex(8);
	if (!append_change(state, address, "depose", key, error) ||
		!state_apply_depose(state, address, key))
		return NULL;
	gpointer owned = NULL;
	g_hash_table_lookup_extended(state_instance(state, address)->deposed, key, &owned, NULL);
	return owned;
}

gboolean state_restore(State *state, const char *address, const char *key, GError **error) {
	g_autofree char *owned_key = g_strdup(key);
	return append_change(state, address, "restore", owned_key, error) &&
	       state_apply_restore(state, address, owned_key);
}

gboolean state_move(State *state, const char *from, const char *to, GError **error) {
	g_autofree char *source = g_strdup(from);
	return append_change(state, source, "move", to, error) &&
	       state_apply_move(state, source, to);
}

/* ---- the fold ---- */

/* The file as it is now stays beside it as .backup, as Terraform keeps one. */
static void keep_backup(const State *state) {
	g_autofree char *backup = g_strconcat(state->path, ".backup", NULL);
	g_autofree char *text = NULL;
	gsize length;
	if (g_file_get_contents(state->path, &text, &length, NULL))
		g_file_set_contents_full(
			backup, text, (gssize)length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

void state_touch(State *state) {
	state->changed |= state->path && !g_file_test(state->path, G_FILE_TEST_EXISTS);
}

gboolean state_fold(State *state, GError **error) {
	if (!state->path)
		return TRUE;
	if (state->changed) {
		g_autofree char *dir = g_path_get_dirname(state->path);
		if (g_mkdir_with_parents(dir, 0755) < 0)
			return state_fail_errno(error, "make the folder", dir);
		keep_backup(state);
		state->serial++;
		g_autofree char *text = state_to_text(state);
		if (!g_file_set_contents_full(state->path, text, -1,
			    G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
			    error))
			return FALSE;
		state->changed = FALSE;
	}
	if (state->journal >= 0)
		close(state->journal);
	state->journal = -1;
	g_autofree char *path = journal_path(state);
	g_unlink(path);
	state->unfolded = FALSE;
	return TRUE;
}
