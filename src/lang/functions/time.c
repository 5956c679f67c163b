/* Date and time functions (RFC 3339). */
#include <string.h>

#include "lang/functions/functions.h"

static GDateTime *parse_time(const char *text, int *blame, int index, char **problem) {
	GDateTime *time = strchr(text, 'T') ? g_date_time_new_from_iso8601(text, NULL) : NULL;
	if (!time)
		lang_function_fail(
			blame, index, problem, "not a valid RFC3339 timestamp: \"%s\"", text);
	return time;
}

static char *format_time(GDateTime *time) {
	if (g_date_time_get_utc_offset(time) == 0)
		return g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
	return g_date_time_format(time, "%Y-%m-%dT%H:%M:%S%:z");
}

FUNCTION(timestamp) {
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	return value_string_take(format_time(now));
}

gboolean lang_parse_duration(const char *text, double *microseconds) {
	static const struct {
		const char *unit;
		double size;
	} units[] = {{"ns", 1e-3}, {"us", 1}, {"µs", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 6e7},
		{"h", 3.6e9}};
	double sign = *text == '-' ? -1 : 1;
	text += *text == '-' || *text == '+';
	*microseconds = 0;
	if (!*text)
		return FALSE;
	while (*text && !g_str_equal(text, "0")) {
		char *end;
		double number = g_ascii_strtod(text, &end);
		gboolean found = FALSE;
		for (guint i = 0; i < G_N_ELEMENTS(units) && end > text && !found; i++) {
			gsize length = strlen(units[i].unit);
			found = strncmp(end, units[i].unit, length) == 0 &&
				!g_ascii_isalpha(end[length]);
			if (found) {
				*microseconds += sign * number * units[i].size;
				text = end + length;
			}
		}
		if (!found)
			return FALSE;
	}
	return TRUE;
}

FUNCTION(timeadd) {
	g_autoptr(GDateTime) time = parse_time(value_text(arguments[0]), blame, -1, problem);
	double microseconds;
	if (!time)
		return VALUE_NOTHING;
	if (!lang_parse_duration(value_text(arguments[1]), &microseconds))
		return lang_function_fail(
			blame, -1, problem, "invalid duration \"%s\"", value_text(arguments[1]));
	g_autoptr(GDateTime) sum = g_date_time_add(time, (GTimeSpan)microseconds);
	return value_string_take(format_time(sum));
}

FUNCTION(timecmp) {
	g_autoptr(GDateTime) a = parse_time(value_text(arguments[0]), blame, 0, problem);
	g_autoptr(GDateTime) b = a ? parse_time(value_text(arguments[1]), blame, 1, problem) : NULL;
	return b ? value_int(g_date_time_compare(a, b)) : VALUE_NOTHING;
}

/* What a run of one letter in formatdate means, as a g_date_time_format pattern; NULL: nothing. */
static const char *date_field(const char *run) {
	static const struct {
		const char *run, *format;
	} fields[] = {
		{"YYYY", "%Y"},
		{"YY", "%y"},
		{"MMMM", "%B"},
		{"MMM", "%b"},
		{"MM", "%m"},
		{"M", "%-m"},
		{"DD", "%d"},
		{"D", "%-d"},
		{"EEEE", "%A"},
		{"EEE", "%a"},
		{"hh", "%H"},
		{"h", "%-H"},
		{"HH", "%I"},
		{"H", "%-I"},
		{"mm", "%M"},
		{"m", "%-M"},
		{"ss", "%S"},
		{"s", "%-S"},
		{"ZZZZZ", "%:z"},
		{"ZZZZ", "%z"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
		if (g_str_equal(fields[i].run, run))
			return fields[i].format;
	return NULL;
}

static char *special_field(GDateTime *time, const char *run) {
	gboolean morning = g_date_time_get_hour(time) < 12;
	if (g_str_equal(run, "AA"))
		return g_strdup(morning ? "AM" : "PM");
	if (g_str_equal(run, "aa"))
		return g_strdup(morning ? "am" : "pm");
	gboolean utc = g_date_time_get_utc_offset(time) == 0;
	if (g_str_equal(run, "ZZZ"))
		return utc ? g_strdup("UTC") : g_date_time_format(time, "%z");
	if (g_str_equal(run, "Z"))
		return utc ? g_strdup("Z") : g_date_time_format(time, "%:z");
	const char *format = date_field(run);
	if (!format)
		return NULL;
	char *text = g_date_time_format(time, format);
	return g_strstrip(text);
}

FUNCTION(formatdate) {
	g_autoptr(GDateTime) time = parse_time(value_text(arguments[1]), blame, 1, problem);
	if (!time)
		return VALUE_NOTHING;
	g_autoptr(GString) out = g_string_new(NULL);
	for (const char *at = value_text(arguments[0]); *at;) {
		if (*at == '\'') {
			for (at++; *at && (*at != '\'' || at[1] == '\''); at++) {
				at += *at == '\'';
				g_string_append_c(out, *at);
			}
			at += *at == '\'';
		} else if (g_ascii_isalpha(*at)) {
			gsize length = 1;
			while (at[length] == *at)
				length++;
			g_autofree char *run = g_strndup(at, length);
			g_autofree char *text = special_field(time, run);
			if (!text)
				return lang_function_fail(
					blame, 0, problem, "invalid date format verb \"%s\"", run);
			g_string_append(out, text);
			at += length;
		} else {
			g_string_append_c(out, *at++);
		}
	}
	return value_string(out->str);
}

const LangFunctionSpec lang_time_specs[] = {
	{"formatdate", call_formatdate, "format:s time:s", 's'},
	{"plantimestamp", call_timestamp, "", 's', TRUE},
	{"timeadd", call_timeadd, "timestamp:s duration:s", 's'},
	{"timecmp", call_timecmp, "timestamp_a:s timestamp_b:s", 'n'},
	{"timestamp", call_timestamp, "", 's', TRUE},
	{NULL},
};
