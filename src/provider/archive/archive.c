/*
 * hashicorp/archive: zip and tar.gz files out of files, folders and texts. The same content gives
 * the same bytes: entries are in order, and all have the same time.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fnmatch.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "provider/plain/digests.h"
#include "provider/plain/plain.h"

/* The first of January 2049, as the official provider has it. */
#define ENTRY_TIME 2493072000

typedef struct {
	char *name; /* in the archive */
	char *path; /* of the file, or NULL */
	Value content; /* if there is no path */
} Entry;

typedef struct {
	Value wanted;
	GPtrArray *entries; /* of Entry* */
	Diags *diags;
} Packing;

static void entry_free(gpointer data) {
	Entry *entry = data;
	g_free(entry->name);
	g_free(entry->path);
	value_clear(&entry->content);
	g_free(entry);
}

static void add_entry(Packing *packing, const char *name, const char *path, Value content) {
	Entry *entry = g_new0(Entry, 1);
	*entry = (Entry){g_strdup(name), g_strdup(path), value_ref(content)};
	g_ptr_array_add(packing->entries, entry);
}

/* ---- what goes in ---- */

/* `**` crosses folders, `*` does not; a folder that is excluded is so with all that is in it. */
static gboolean matches(const char *pattern, const char *name) {
	if (g_str_equal(pattern, name))
		return TRUE;
	gsize length = strlen(pattern);
	if (strncmp(name, pattern, length) == 0 && name[length] == '/')
		return TRUE;
	if (g_str_has_prefix(pattern, "**/") && matches(pattern + 3, name))
		return TRUE;
	return fnmatch(pattern, name, strstr(pattern, "**") ? 0 : FNM_PATHNAME) == 0;
}

static gboolean is_excluded(const Packing *packing, const char *name) {
	Value excludes = value_get(packing->wanted, "excludes");
	for (gsize i = 0; i < value_length(excludes); i++)
		if (matches(value_text_or(value_at(excludes, i), ""), name))
			return TRUE;
	return FALSE;
}

static gboolean add_folder(Packing *packing, const char *path, const char *inside, guint depth);

static gboolean add_path(Packing *packing, const char *path, const char *name, guint depth) {
	gboolean skips_links = value_get_bool(packing->wanted, "exclude_symlink_directories");
	if (is_excluded(packing, name))
		return TRUE;
	if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
		add_entry(packing, name, path, VALUE_NOTHING);
		return TRUE;
	}
	if (skips_links && g_file_test(path, G_FILE_TEST_IS_SYMLINK))
		return TRUE;
	return add_folder(packing, path, name, depth + 1);
}

static gboolean add_folder(Packing *packing, const char *path, const char *inside, guint depth) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) folder = g_dir_open(path, 0, &error);
	if (!folder || depth > 64) {
		plain_fail(packing->diags, "Archive creation error", "%s",
			error ? error->message : "links that go in circles");
		return FALSE;
	}
	const char *name;
	while ((name = g_dir_read_name(folder))) {
		g_autofree char *there = g_build_filename(path, name, NULL);
		g_autofree char *whole =
			*inside ? g_strdup_printf("%s/%s", inside, name) : g_strdup(name);
		if (!add_path(packing, there, whole, depth))
			return FALSE;
	}
	return TRUE;
}

static gboolean collect(Packing *packing) {
	Value wanted = packing->wanted, blocks = value_get(wanted, "source");
	const char *file = value_get_text(wanted, "source_file");
	const char *folder = value_get_text(wanted, "source_dir");
	Value content = value_get(wanted, "source_content");
	for (gsize i = 0; i < value_length(blocks); i++)
		add_entry(packing, value_get_text(value_at(blocks, i), "filename"), NULL,
			value_get(value_at(blocks, i), "content"));
	if (!value_is_null(content)) {
		const char *name = value_get_text(wanted, "source_content_filename");
		add_entry(packing, name ? name : "", NULL, content);
	}
	if (file) {
		g_autofree char *name = g_path_get_basename(file);
		add_entry(packing, name, file, VALUE_NOTHING);
	}
	return !folder || add_folder(packing, folder, "", 0);
}

static int compare_entries(gconstpointer a, gconstpointer b) {
	return strcmp((*(Entry *const *)a)->name, (*(Entry *const *)b)->name);
}

/* ---- writing ---- */

static struct archive *archive_of(Value wanted) {
	struct archive *archive = archive_write_new();
	if (g_strcmp0(value_get_text(wanted, "type"), "zip") == 0) {
		archive_write_set_format_zip(archive);
	} else {
		archive_write_set_format_ustar(archive);
		archive_write_add_filter_gzip(archive);
		archive_write_set_filter_option(archive, "gzip", "timestamp", NULL);
	}
	archive_write_set_bytes_in_last_block(archive, 1);
	return archive;
}

static gboolean write_entry(Packing *packing, struct archive *archive, const Entry *source) {
	const char *mode = value_get_text(packing->wanted, "output_file_mode");
	const char *bytes = value_text(source->content);
	gsize n = value_text_length(source->content);
	g_autofree char *read = NULL;
	g_autoptr(GError) error = NULL;
	GStatBuf about = {.st_mode = 0644};
	if (source->path) {
		if (!g_file_get_contents(source->path, &read, &n, &error)) {
			plain_fail(packing->diags, "Archive creation error", "%s", error->message);
			return FALSE;
		}
		bytes = read;
		g_stat(source->path, &about);
	}
	struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname_utf8(entry, source->name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(
		entry, mode ? (mode_t)g_ascii_strtoull(mode, NULL, 8) : about.st_mode & 0777);
	archive_entry_set_size(entry, (gint64)n);
	archive_entry_set_mtime(entry, ENTRY_TIME, 0);
	gboolean fine = archive_write_header(archive, entry) == ARCHIVE_OK &&
			archive_write_data(archive, bytes ? bytes : "", n) == (ssize_t)n;
	archive_entry_free(entry);
	if (!fine)
		plain_fail(packing->diags, "Archive creation error", "%s: %s", source->name,
			archive_error_string(archive));
	return fine;
}

static gboolean pack(Packing *packing, const char *path) {
	struct archive *archive = archive_of(packing->wanted);
	gboolean fine = archive_write_open_filename(archive, path) == ARCHIVE_OK;
	if (!fine)
		plain_fail(packing->diags, "Archive creation error", "%s: %s", path,
			archive_error_string(archive));
	for (guint i = 0; fine && i < packing->entries->len; i++)
		fine = write_entry(packing, archive, packing->entries->pdata[i]);
	if (archive_write_close(archive) != ARCHIVE_OK && fine) {
		fine = FALSE;
		plain_fail(packing->diags, "Archive creation error", "%s: %s", path,
			archive_error_string(archive));
	}
	archive_write_free(archive);
	return fine;
}

static Value describe(Value wanted, const char *path, Diags *diags) {
	g_autofree char *bytes = NULL;
	gsize n;
	g_autoptr(GError) error = NULL;
	if (!g_file_get_contents(path, &bytes, &n, &error))
		return plain_fail(diags, "Archive output error", "%s", error->message);
	Value made = plain_with_digests_take(
		value_ref(wanted), "output_", "sha", (const guint8 *)bytes, n);
	made = value_with_take(made, "output_size", value_int((gint64)n));
	return value_with_take(made, "id", value_ref(value_get(made, "output_sha")));
}

static Value create_archive(Value wanted, GCancellable *cancellable, Diags *diags) {
	g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(entry_free);
	Packing packing = {wanted, entries, diags};
	const char *path = value_get_text(wanted, "output_path");
	if (!collect(&packing))
		return VALUE_NOTHING;
	if (entries->len == 0)
		return plain_fail(diags, "Archive creation error",
			"archive has not been created as it would be empty");
	g_ptr_array_sort(entries, compare_entries);
	g_autofree char *folder = g_path_get_dirname(path);
	if (g_mkdir_with_parents(folder, 0755) != 0)
		return plain_fail(
			diags, "Archive creation error", "%s: %s", folder, g_strerror(errno));
	return pack(&packing, path) ? describe(wanted, path, diags) : VALUE_NOTHING;
}

static gboolean is_unchanged(Value prior) {
	g_autofree char *bytes = NULL;
	gsize n;
	if (!g_file_get_contents(value_get_text(prior, "output_path"), &bytes, &n, NULL))
		return FALSE;
	g_autofree char *sha1 =
		g_compute_checksum_for_data(G_CHECKSUM_SHA1, (const guchar *)bytes, n);
	return g_strcmp0(sha1, value_get_text(prior, "output_sha")) == 0;
}

static const PlainType types[] = {
	{"archive_file", .create = create_archive, .is_there = is_unchanged},
	{"archive_file", .is_data = TRUE, .create = create_archive},
	{NULL},
};

PLAIN_PROVIDER(archive, "2.7.1", types);
