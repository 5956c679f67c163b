/*
 * hashicorp/time: moments that are kept in the state, and pauses. Years and months are added as the
 * official provider does it: what is past the end of a month runs over into the next.
 */
#include <string.h>
#include <time.h>

#include "lang/lang.h"
#include "provider/plain/plain.h"

typedef struct {
	const char *attribute;
	int years, months, days;
	gint64 seconds;
} Unit;

static const Unit offsets[] = {
	{"offset_years", .years = 1},
	{"offset_months", .months = 1},
	{"offset_days", .days = 1},
	{"offset_hours", .seconds = 3600},
	{"offset_minutes", .seconds = 60},
	{"offset_seconds", .seconds = 1},
};

static const Unit rotations[] = {
	{"rotation_years", .years = 1},
	{"rotation_months", .months = 1},
	{"rotation_days", .days = 1},
	{"rotation_hours", .seconds = 3600},
	{"rotation_minutes", .seconds = 60},
};

static gint64 now_s(void) {
	return g_get_real_time() / G_USEC_PER_SEC;
}

/* Seconds since the epoch of "2020-02-12T06:36:13Z". */
static gboolean parse(const char *text, gint64 *seconds) {
	g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, NULL) : NULL;
	if (time)
		*seconds = g_date_time_to_unix(time);
	return time != NULL;
}

static Value stamp(gint64 seconds) {
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
	return time ? value_string_take(g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ"))
		    : VALUE_NOTHING;
}

/* The base, or now, with all the units of `wanted` added. */
static gint64 moved(gint64 base, Value wanted, const Unit *units, guint n) {
	time_t start = (time_t)base;
	struct tm broken;
	gmtime_r(&start, &broken);
	gint64 seconds = 0;
	for (guint i = 0; i < n; i++) {
		gint64 count = value_get_int(wanted, units[i].attribute, 0);
		broken.tm_year += (int)count * units[i].years;
		broken.tm_mon += (int)count * units[i].months;
		broken.tm_mday += (int)count * units[i].days;
		seconds += count * units[i].seconds;
	}
	return (gint64)timegm(&broken) + seconds;
}

static Value with_parts_take(Value made, gint64 seconds) {
	time_t time = (time_t)seconds;
	struct tm broken;
	gmtime_r(&time, &broken);
	made = value_with_take(made, "year", value_int(broken.tm_year + 1900));
	made = value_with_take(made, "month", value_int(broken.tm_mon + 1));
	made = value_with_take(made, "day", value_int(broken.tm_mday));
	made = value_with_take(made, "hour", value_int(broken.tm_hour));
	made = value_with_take(made, "minute", value_int(broken.tm_min));
	made = value_with_take(made, "second", value_int(broken.tm_sec));
	return value_with_take(made, "unix", value_int(seconds));
}

/* The moment that `attribute` gives, or now; FALSE after an error. */
static gboolean base_of(Value wanted, const char *attribute, gint64 *base, Diags *diags) {
	const char *text = value_get_text(wanted, attribute);
	*base = now_s();
	if (!text || parse(text, base))
		return TRUE;
	plain_fail(diags, "Invalid time", "%s: \"%s\" is no time as RFC 3339 writes it in UTC.",
		attribute, text);
	return FALSE;
}

/* ---- time_static ---- */

static Value create_static(Value wanted, GCancellable *cancellable, Diags *diags) {
	gint64 base;
	if (!base_of(wanted, "rfc3339", &base, diags))
		return VALUE_NOTHING;
	Value made = value_with_take(value_ref(wanted), "rfc3339", stamp(base));
	made = value_with_take(made, "id", stamp(base));
	return with_parts_take(made, base);
}

static Value import_static(const char *id, Diags *diags) {
	g_auto(Value) wanted = value_object_take("rfc3339", value_string(id), NULL);
	return create_static(wanted, NULL, diags);
}

/* ---- time_offset ---- */

static Value create_offset(Value wanted, GCancellable *cancellable, Diags *diags) {
	gint64 base;
	if (!base_of(wanted, "base_rfc3339", &base, diags))
		return VALUE_NOTHING;
	gint64 there = moved(base, wanted, offsets, G_N_ELEMENTS(offsets));
	Value made = value_with_take(value_ref(wanted), "base_rfc3339", stamp(base));
	made = value_with_take(made, "id", stamp(base));
	made = value_with_take(made, "rfc3339", stamp(there));
	return with_parts_take(made, there);
}

static Value update_offset(Value wanted, Value prior, Diags *diags) {
	return create_offset(wanted, NULL, diags);
}

/* The base and a number for each unit; a number that is 0 is not set. VALUE_NOTHING if the id is
 * not of that form. */
static Value import_units(const char *id, const char *base, const Unit *units, guint n) {
	g_auto(GStrv) parts = g_strsplit(id, ",", (int)n + 2);
	if (g_strv_length(parts) != n + 1)
		return VALUE_NOTHING;
	Value wanted = value_object_take(base, value_string(parts[0]), NULL);
	for (guint i = 0; i < n; i++) {
		gint64 count;
		if (!g_ascii_string_to_signed(parts[i + 1], 10, G_MININT, G_MAXINT, &count, NULL)) {
			value_clear(&wanted);
			return VALUE_NOTHING;
		}
		if (count)
			wanted = value_with_take(wanted, units[i].attribute, value_int(count));
	}
	return wanted;
}

static Value import_offset(const char *id, Diags *diags) {
	g_auto(Value) wanted = import_units(id, "base_rfc3339", offsets, G_N_ELEMENTS(offsets));
	if (value_is_null(wanted))
		return plain_fail(diags, "Invalid import id",
			"time_offset is imported by \"BASE,YEARS,MONTHS,DAYS,HOURS,MINUTES,"
			"SECONDS\", not by \"%s\".",
			id);
	return create_offset(wanted, NULL, diags);
}

/* ---- time_rotating ---- */

static gboolean has_rotation(Value wanted) {
	for (guint i = 0; i < G_N_ELEMENTS(rotations); i++)
		if (!value_is_null(value_get(wanted, rotations[i].attribute)))
			return TRUE;
	return FALSE;
}

static Value create_rotating(Value wanted, GCancellable *cancellable, Diags *diags) {
	gint64 base, rotation;
	if (!base_of(wanted, "rfc3339", &base, diags) ||
		!base_of(wanted, "rotation_rfc3339", &rotation, diags))
		return VALUE_NOTHING;
	if (has_rotation(wanted))
		rotation = moved(base, wanted, rotations, G_N_ELEMENTS(rotations));
	Value made = value_with_take(value_ref(wanted), "rfc3339", stamp(base));
	made = value_with_take(made, "id", stamp(base));
	made = value_with_take(made, "rotation_rfc3339", stamp(rotation));
	return with_parts_take(made, base);
}

static Value update_rotating(Value wanted, Value prior, Diags *diags) {
	return create_rotating(wanted, NULL, diags);
}

/* Once its time has come, it is to be made anew. */
static gboolean is_before_rotation(Value prior) {
	gint64 rotation;
	return !parse(value_get_text(prior, "rotation_rfc3339"), &rotation) || now_s() <= rotation;
}

static Value import_rotating(const char *id, Diags *diags) {
	g_auto(Value) wanted = import_units(id, "rfc3339", rotations, G_N_ELEMENTS(rotations));
	g_auto(GStrv) parts = g_strsplit(id, ",", 3);
	if (value_is_null(wanted) && g_strv_length(parts) == 2)
		wanted = value_object_take("rfc3339", value_string(parts[0]), "rotation_rfc3339",
			value_string(parts[1]), NULL);
	if (value_is_null(wanted))
		return plain_fail(diags, "Invalid import id",
			"time_rotating is imported by \"BASE,YEARS,MONTHS,DAYS,HOURS,MINUTES\" or "
			"by \"BASE,ROTATION\", not by \"%s\".",
			id);
	return create_rotating(wanted, NULL, diags);
}

/* ---- time_sleep ---- */

/* Waits as long as the attribute says, if it is set; FALSE when interrupted. */
static gboolean sleep_for(
	Value object, const char *attribute, GCancellable *cancellable, Diags *diags) {
	const char *text = value_get_text(object, attribute);
	double length = 0;
	if (text && !lang_parse_duration(text, &length)) {
		plain_fail(
			diags, "Invalid duration", "%s: \"%s\" is no duration.", attribute, text);
		return FALSE;
	}
	gint64 end = g_get_monotonic_time() + (gint64)length;
	while (g_get_monotonic_time() < end) {
		if (cancellable && g_cancellable_is_cancelled(cancellable)) {
			plain_fail(diags, "Interrupted", "The %s of time_sleep was not waited for.",
				attribute);
			return FALSE;
		}
		g_usleep((gulong)CLAMP(end - g_get_monotonic_time(), 0, 50000));
	}
	return TRUE;
}

static Value create_sleep(Value wanted, GCancellable *cancellable, Diags *diags) {
	if (!sleep_for(wanted, "create_duration", cancellable, diags))
		return VALUE_NOTHING;
	return value_with_take(value_ref(wanted), "id", stamp(now_s()));
}

static gboolean remove_sleep(Value prior, GCancellable *cancellable, Diags *diags) {
	return sleep_for(prior, "destroy_duration", cancellable, diags);
}

/* "CREATE,DESTROY", either may be empty. */
static Value import_sleep(const char *id, Diags *diags) {
	g_auto(GStrv) parts = g_strsplit(id, ",", 3);
	double length;
	gboolean fine = g_strv_length(parts) == 2 && strlen(id) > 1;
	for (guint i = 0; fine && i < 2; i++)
		fine = !*parts[i] || lang_parse_duration(parts[i], &length);
	if (!fine)
		return plain_fail(diags, "Invalid import id",
			"time_sleep is imported by its create_duration and destroy_duration with a "
			"comma between them, not by \"%s\".",
			id);
	return value_object_take("id", stamp(now_s()), "create_duration",
		value_string(*parts[0] ? parts[0] : NULL), "destroy_duration",
		value_string(*parts[1] ? parts[1] : NULL), NULL);
}

static const PlainType types[] = {
	{"time_offset", .create = create_offset, .update = update_offset, .import = import_offset},
	{"time_rotating", .create = create_rotating, .update = update_rotating,
		.is_there = is_before_rotation, .import = import_rotating},
	{"time_sleep", .create = create_sleep, .remove = remove_sleep, .import = import_sleep},
	{"time_static", .create = create_static, .import = import_static},
	{NULL},
};

PLAIN_PROVIDER(time, "0.13.1", types);
