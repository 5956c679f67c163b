/*
 * Lifecycle rules, carried out once an hour: expiration of objects, of noncurrent versions, of
 * delete markers that hide nothing, of uploads that were never completed. As S3 does, days end at
 * midnight UTC. Transitions to other storage classes change nothing on one machine.
 */
#include <string.h>

#include "region/services/s3/internal.h"

#define CONTROLLER "s3/lifecycle"
#define HOUR_S 3600
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define MOST_AT_ONCE 500 /* of what one run changes: it must be quick */

typedef struct {
	Region *region;
	Value bucket, rule;
	guint left;
} Work;

/* ---- which objects ---- */

static gboolean tag_matches(Value tags, Value tag) {
	const char *own = value_get_text(tags, value_text_or(value_get(tag, "Key"), ""));
	return g_strcmp0(own, value_get_text(tag, "Value")) == 0;
}

static const char *prefix_of(Value rule) {
	Value filter = value_get(rule, "Filter");
	const char *prefix = value_get_text(rule, "Prefix");
	prefix = prefix ? prefix : value_get_text(filter, "Prefix");
	prefix = prefix ? prefix : value_get_text(value_get(filter, "And"), "Prefix");
	return prefix ? prefix : "";
}

static gboolean size_fits(Value filter, gint64 size) {
	gint64 more = value_get_int(filter, "ObjectSizeGreaterThan", -1);
	gint64 less = value_get_int(filter, "ObjectSizeLessThan", G_MAXINT64);
	return size > more && size < less;
}

static gboolean fits(Value rule, const S3Version *version) {
	Value filter = value_get(rule, "Filter"), both = value_get(filter, "And");
	Value tags = value_get(version->info, "_Tags"), wanted = value_get(both, "Tags");
	if (value_has(filter, "Tag") && !tag_matches(tags, value_get(filter, "Tag")))
		return FALSE;
	for (gsize i = 0; i < value_length(wanted); i++)
		if (!tag_matches(tags, value_at(wanted, i)))
			return FALSE;
	return version->marker ||
	       (size_fits(filter, version->size) && size_fits(both, version->size));
}

/* Whether `days` are over since then: at the midnight that follows. */
static gboolean is_over(const Work *work, gint64 since, gint64 days) {
	gint64 end = (since / DAY_US + 1 + days) * DAY_US;
	return region_now(work->region) >= end;
}

/* The versions of a bucket that are older than a day at all, under a prefix. */
static GArray *old_versions(const Work *work, const char *condition_sql) {
	GArray *found = g_array_new(FALSE, FALSE, sizeof(S3Version));
	g_array_set_clear_func(found, (GDestroyNotify)s3_version_clear);
	const char *prefix = prefix_of(work->rule);
	sqlite3_stmt *statement = s3_sql(work->region, condition_sql);
	s3_bind_text(statement, 1, value_get_text(work->bucket, "Name"));
	s3_bind_text(statement, 2, prefix);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		S3Version version;
		s3_version_read(statement, &version);
		if (!g_str_has_prefix(version.key, prefix)) {
			s3_version_clear(&version);
			break;
		}
		if (fits(work->rule, &version))
			g_array_append_val(found, version);
		else
			s3_version_clear(&version);
	}
	sqlite3_reset(statement);
	return found;
}

/* ---- what is done ---- */

static void expire_current(Work *work) {
	Value expiration = value_get(work->rule, "Expiration");
	gint64 days = value_get_int(expiration, "Days", -1);
	double date = value_to_double(value_get(expiration, "Date"), 0);
	gboolean due = date > 0 && (double)region_now(work->region) / G_USEC_PER_SEC >= date;
	if (days < 0 && !due)
		return;
	g_autoptr(GArray) all = old_versions(work,
		"SELECT " S3_VERSION_COLUMNS
		" FROM s3_versions WHERE bucket = ?1 AND key >= ?2 AND latest = 1 AND marker = 0 "
		"ORDER BY key");
	for (guint i = 0; i < all->len && work->left > 0; i++) {
		const S3Version *each = &g_array_index(all, S3Version, i);
		gboolean marker;
		g_autofree char *made = NULL;
		if (!due && !is_over(work, each->modified, days))
			continue;
		s3_version_delete(
			work->region, work->bucket, each->key, NULL, &marker, &made, NULL);
		work->left--;
	}
}

/* Versions of one key come newest first: what is newer made the next one noncurrent. */
static void expire_noncurrent(Work *work) {
	Value expiration = value_get(work->rule, "NoncurrentVersionExpiration");
	gint64 days = value_get_int(expiration, "NoncurrentDays", -1);
	gint64 keep = value_get_int(expiration, "NewerNoncurrentVersions", 0);
	if (days < 0)
		return;
	g_autoptr(GArray) all = old_versions(work,
		"SELECT " S3_VERSION_COLUMNS
		" FROM s3_versions WHERE bucket = ?1 AND key >= ?2 ORDER BY key, row DESC");
	gint64 newer = 0;
	for (guint i = 1; i < all->len && work->left > 0; i++) {
		const S3Version *each = &g_array_index(all, S3Version, i);
		const S3Version *before = &g_array_index(all, S3Version, i - 1);
		gboolean same = g_str_equal(each->key, before->key);
		newer = same && !before->latest ? newer + 1 : 0;
		if (!same || each->latest || newer < keep || !is_over(work, before->modified, days))
			continue;
		s3_version_remove(work->region, each);
		s3_tell_later(work->region, "ObjectRemoved:Delete", each);
		work->left--;
	}
}

static void remove_bare_markers(Work *work) {
	if (!value_get_bool(value_get(work->rule, "Expiration"), "ExpiredObjectDeleteMarker"))
		return;
	g_autoptr(GArray) all = old_versions(work,
		"SELECT " S3_VERSION_COLUMNS " FROM s3_versions AS own WHERE bucket = ?1 AND key "
		">= ?2 AND latest = 1 AND marker "
		"= 1 AND NOT EXISTS (SELECT 1 FROM s3_versions AS other WHERE other.bucket = "
		"own.bucket AND other.key = own.key AND other.row <> own.row) ORDER BY key");
	for (guint i = 0; i < all->len && work->left > 0; i++, work->left--)
		s3_version_remove(work->region, &g_array_index(all, S3Version, i));
}

static void abort_uploads(Work *work) {
	gint64 days = value_get_int(
		value_get(work->rule, "AbortIncompleteMultipartUpload"), "DaysAfterInitiation", -1);
	const char *name = value_get_text(work->bucket, "Name"), *prefix = prefix_of(work->rule);
	g_autoptr(GPtrArray) due = g_ptr_array_new_with_free_func(g_free);
	if (days < 0)
		return;
	sqlite3_stmt *statement = s3_sql(work->region,
		"SELECT key, id, initiated FROM s3_uploads WHERE bucket = ?1 ORDER BY key");
	s3_bind_text(statement, 1, name);
	while (sqlite3_step(statement) == SQLITE_ROW)
		if (g_str_has_prefix(s3_column(statement, 0), prefix) &&
			is_over(work, sqlite3_column_int64(statement, 2), days)) {
			g_ptr_array_add(due, g_strdup(s3_column(statement, 0)));
			g_ptr_array_add(due, g_strdup(s3_column(statement, 1)));
		}
	sqlite3_reset(statement);
	for (guint i = 0; i < due->len && work->left > 0; i += 2, work->left--) {
		g_auto(S3Upload) upload = {0};
		if (s3_upload_find(
			    work->region, name, due->pdata[i], due->pdata[i + 1], &upload, NULL))
			s3_upload_remove(work->region, &upload);
	}
}

static void apply_rules(Work *work, Value rules) {
	for (gsize i = 0; i < value_length(rules); i++) {
		work->rule = value_at(rules, i);
		if (g_strcmp0(value_get_text(work->rule, "Status"), "Enabled") != 0)
			continue;
		expire_current(work);
		expire_noncurrent(work);
		remove_bare_markers(work);
		abort_uploads(work);
	}
}

static void run(Region *region, gpointer data) {
	Store *store = region_store(region);
	Work work = {.region = region, .left = MOST_AT_ONCE};
	g_autoptr(GError) error = NULL;
	g_auto(StoreIter) iter = store_iter(store, S3_EVERYWHERE, S3_BUCKETS);
	const char *name;
	while (store_iter_next(&iter, &name, &work.bucket)) {
		g_auto(Value) lifecycle = s3_setting(region, name, "lifecycle");
		if (value_is_null(lifecycle))
			continue;
		if (!store_begin(store, &error))
			break;
		apply_rules(&work, value_get(lifecycle, "Rules"));
		if (!store_commit(store, &error))
			break;
	}
	if (error)
		g_warning("lifecycle rules: %s", error->message);
	region_wake_after(region, CONTROLLER, work.left == 0 ? 1 : HOUR_S);
}

void s3_lifecycle_start(Region *region) {
	region_controller_add(region, CONTROLLER, run, NULL);
	region_wake_on(region, CONTROLLER, S3_SETTINGS);
	region_wake(region, CONTROLLER);
}
