/*
 * Lifecycle rules, carried out once an hour: expiration of objects, of noncurrent versions, of
 * delete markers that hide nothing, of uploads that were never completed; transitions to other
 * storage classes, which change what objects say of themselves, and of archived ones that they must
 * be restored before they are read (archive.c). As S3 does, days end at midnight UTC, and what is
 * to be deleted is not moved before.
 */
#include <string.h>

#include "region/services/s3/internal.h"

#define CONTROLLER "s3/lifecycle"
#define HOUR_S 3600
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define SMALLEST_MOVED (128 * 1024)
#define MOST_AT_ONCE 500 /* of what one run changes: it must be quick */

typedef struct {
	Region *region;
	Value bucket, lifecycle, rule;
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

/* The versions of a bucket under the rule's prefix. */
static GArray *versions_of(const Work *work, const char *sql) {
	GArray *found = g_array_new(FALSE, FALSE, sizeof(S3Version));
	g_array_set_clear_func(found, (GDestroyNotify)s3_version_clear);
	const char *prefix = prefix_of(work->rule);
	sqlite3_stmt *statement = s3_sql(work->region, sql);
	s3_bind_text(statement, 1, value_get_text(work->bucket, "Name"));
	s3_bind_text(statement, 2, prefix);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		S3Version version;
		s3_version_read(statement, &version);
		if (!g_str_has_prefix(version.key, prefix)) {
			s3_version_clear(&version);
			break;
		}
		g_array_append_val(found, version);
	}
	sqlite3_reset(statement);
	return found;
}

#define CURRENT_SQL                                                                                \
	"SELECT " S3_VERSION_COLUMNS                                                               \
	" FROM s3_versions WHERE bucket = ?1 AND key >= ?2 AND latest = 1 AND marker = 0 "         \
	"ORDER BY key"
/* Versions of one key newest first. */
#define ALL_SQL                                                                                    \
	"SELECT " S3_VERSION_COLUMNS                                                               \
	" FROM s3_versions WHERE bucket = ?1 AND key >= ?2 ORDER BY key, row DESC"
#define BARE_MARKERS_SQL                                                                           \
	"SELECT " S3_VERSION_COLUMNS                                                               \
	" FROM s3_versions AS own WHERE bucket = ?1 AND key >= ?2 AND latest = 1 AND marker = 1 "  \
	"AND NOT EXISTS (SELECT 1 FROM s3_versions AS other WHERE other.bucket = own.bucket AND "  \
	"other.key = own.key AND other.row <> own.row) ORDER BY key"

/* Calls back for each noncurrent version that the rule fits, with when it became one (the version
 * behind it came then) and how many of its key are newer and noncurrent. */
static void each_noncurrent(
	Work *work, void (*each)(Work *work, S3Version *version, gint64 since, gint64 newer)) {
	g_autoptr(GArray) all = versions_of(work, ALL_SQL);
	gint64 newer = 0;
	for (guint i = 1; i < all->len && work->left > 0; i++) {
		S3Version *version = &g_array_index(all, S3Version, i);
		const S3Version *before = &g_array_index(all, S3Version, i - 1);
		gboolean same = g_str_equal(version->key, before->key);
		newer = same && !before->latest ? newer + 1 : 0;
		if (same && !version->latest && fits(work->rule, version))
			each(work, version, before->modified, newer);
	}
}

/* ---- what is done ---- */

static void expire_current(Work *work) {
	Value expiration = value_get(work->rule, "Expiration");
	gint64 days = value_get_int(expiration, "Days", -1);
	double date = value_to_double(value_get(expiration, "Date"), 0);
	gboolean due = date > 0 && (double)region_now(work->region) / G_USEC_PER_SEC >= date;
	if (days < 0 && !due)
		return;
	g_autoptr(GArray) all = versions_of(work, CURRENT_SQL);
	for (guint i = 0; i < all->len && work->left > 0; i++) {
		const S3Version *each = &g_array_index(all, S3Version, i);
		gboolean marker;
		g_autofree char *made = NULL;
		if (!fits(work->rule, each) || (!due && !is_over(work, each->modified, days)))
			continue;
		s3_version_delete(
			work->region, work->bucket, each->key, NULL, &marker, &made, NULL);
		work->left--;
	}
}

static void expire_noncurrent(Work *work, S3Version *version, gint64 since, gint64 newer) {
	Value expiration = value_get(work->rule, "NoncurrentVersionExpiration");
	gint64 days = value_get_int(expiration, "NoncurrentDays", -1);
	if (days < 0 || newer < value_get_int(expiration, "NewerNoncurrentVersions", 0) ||
		!is_over(work, since, days))
		return;
	s3_version_remove(work->region, version);
	s3_tell_later(work->region, "ObjectRemoved:Delete", version);
	work->left--;
}

/* A rule that counts days removes the markers that are as old, too. */
static void remove_bare_markers(Work *work) {
	Value expiration = value_get(work->rule, "Expiration");
	gint64 days = value_get_int(expiration, "Days", -1);
	gboolean all_of_them = value_get_bool(expiration, "ExpiredObjectDeleteMarker");
	if (!all_of_them && days < 0)
		return;
	g_autoptr(GArray) all = versions_of(work, BARE_MARKERS_SQL);
	for (guint i = 0; i < all->len && work->left > 0; i++) {
		const S3Version *each = &g_array_index(all, S3Version, i);
		if (!fits(work->rule, each) ||
			(!all_of_them && !is_over(work, each->modified, days)))
			continue;
		s3_version_remove(work->region, each);
		work->left--;
	}
}

/* ---- transitions ---- */

/* Objects go down this list only. */
static gint place_of(const char *class) {
	static const char *const classes[] = {"STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING",
		"ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"};
	for (gint i = 0; i < (gint)G_N_ELEMENTS(classes); i++)
		if (g_strcmp0(classes[i], class) == 0)
			return i;
	return 0;
}

static gboolean names_sizes(Value filter) {
	return value_has(filter, "ObjectSizeGreaterThan") ||
	       value_has(filter, "ObjectSizeLessThan");
}

/* Small objects stay where they are unless the rule speaks of sizes. */
static gboolean is_too_small(const Work *work, const char *class, gint64 size) {
	Value filter = value_get(work->rule, "Filter");
	gboolean varies =
		g_strcmp0(value_get_text(work->lifecycle, "TransitionDefaultMinimumObjectSize"),
			"varies_by_storage_class") == 0;
	return size < SMALLEST_MOVED && !names_sizes(filter) &&
	       !names_sizes(value_get(filter, "And")) && !(varies && s3_class_is_archive(class));
}

static gboolean is_due(const Work *work, Value transition, gint64 since) {
	double date = value_to_double(value_get(transition, "Date"), 0);
	gint64 days =
		value_get_int(transition, "Days", value_get_int(transition, "NoncurrentDays", -1));
	if (date > 0)
		return (double)region_now(work->region) / G_USEC_PER_SEC >= date;
	return days >= 0 && is_over(work, since, days);
}

static void move(Work *work, S3Version *version, Value transitions, gint64 since, gint64 newer) {
	const char *own = value_text_or(value_get(version->info, "StorageClass"), "STANDARD");
	const char *wanted = own;
	for (gsize i = 0; i < value_length(transitions); i++) {
		Value each = value_at(transitions, i);
		const char *class = value_text_or(value_get(each, "StorageClass"), "");
		if (place_of(class) > place_of(wanted) && is_due(work, each, since) &&
			newer >= value_get_int(each, "NewerNoncurrentVersions", 0) &&
			!is_too_small(work, class, version->size))
			wanted = class;
	}
	if (wanted == own)
		return;
	version->info = value_with_take(version->info, "StorageClass", value_string(wanted));
	s3_version_update(work->region, version);
	work->left--;
}

static void move_current(Work *work) {
	Value transitions = value_get(work->rule, "Transitions");
	if (value_length(transitions) == 0)
		return;
	g_autoptr(GArray) all = versions_of(work, CURRENT_SQL);
	for (guint i = 0; i < all->len && work->left > 0; i++) {
		S3Version *each = &g_array_index(all, S3Version, i);
		if (fits(work->rule, each))
			move(work, each, transitions, each->modified, 0);
	}
}

static void move_noncurrent(Work *work, S3Version *version, gint64 since, gint64 newer) {
	if (!version->marker)
		move(work, version, value_get(work->rule, "NoncurrentVersionTransitions"), since,
			newer);
}

/* ---- uploads ---- */

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

/* ---- the rules ---- */

static void each_rule(Work *work, void (*carry_out)(Work *work)) {
	Value rules = value_get(work->lifecycle, "Rules");
	for (gsize i = 0; i < value_length(rules) && work->left > 0; i++) {
		work->rule = value_at(rules, i);
		if (g_strcmp0(value_get_text(work->rule, "Status"), "Enabled") == 0)
			carry_out(work);
	}
}

static void delete_by(Work *work) {
	expire_current(work);
	if (value_has(work->rule, "NoncurrentVersionExpiration"))
		each_noncurrent(work, expire_noncurrent);
	remove_bare_markers(work);
	abort_uploads(work);
}

static void move_by(Work *work) {
	move_current(work);
	if (value_has(work->rule, "NoncurrentVersionTransitions"))
		each_noncurrent(work, move_noncurrent);
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
		work.lifecycle = lifecycle;
		if (!store_begin(store, &error))
			break;
		each_rule(&work, delete_by);
		each_rule(&work, move_by);
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
