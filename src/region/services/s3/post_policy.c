/* The policy of a form that a browser sends: until when it is good, what its fields must be, and
 * that each of them is in it (S3 API reference, "POST policy"). */
#include <string.h>

#include "region/services/s3/internal.h"
#include "value/json.h"

static gboolean against(GError **error, const char *what) {
	wire_error_set_status(error, 403, "AccessDenied", "Invalid according to Policy: %s", what);
	return FALSE;
}

static gboolean malformed(GError **error, const char *what) {
	wire_error_set(error, "InvalidPolicyDocument", "Invalid Policy: %s", what);
	return FALSE;
}

/* ---- conditions ---- */

typedef struct {
	GHashTable *fields;
	GHashTable *named; /* set of the fields that a condition is about */
	gint64 least, most;
} Check;

static gboolean failed(GError **error, Value condition) {
	g_autofree char *text = value_to_json(condition, VALUE_JSON_COMPACT);
	g_autofree char *what = g_strdup_printf("Policy Condition failed: %s", text);
	return against(error, what);
}

/* Of a Content-Type with commas each of its parts must begin so. */
static gboolean begins_with(const char *name, const char *text, const char *prefix) {
	if (!g_str_equal(name, "content-type"))
		return g_str_has_prefix(text, prefix);
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	for (char **part = parts; *part; part++)
		if (!g_str_has_prefix(g_strstrip(*part), prefix))
			return FALSE;
	return *parts != NULL || !*prefix;
}

static gboolean check_field(Check *check, Value condition, gboolean whole, const char *field,
	const char *wanted, GError **error) {
	g_autofree char *name = g_ascii_strdown(field, -1);
	const char *own = g_hash_table_lookup(check->fields, name);
	own = own ? own : "";
	gboolean fits = whole ? g_str_equal(own, wanted) : begins_with(name, own, wanted);
	g_hash_table_add(check->named, g_steal_pointer(&name));
	return fits || failed(error, condition);
}

/* Numbers may be written as texts. */
static gint64 number_of(Value value) {
	const char *text = value_text(value);
	return text ? g_ascii_strtoll(text, NULL, 10) : value_to_int(value, -1);
}

static gboolean check_list(Check *check, Value condition, GError **error) {
	const char *match = value_text(value_at(condition, 0));
	const char *field = value_text(value_at(condition, 1));
	const char *wanted = value_text(value_at(condition, 2));
	if (value_length(condition) != 3 || !match)
		return malformed(error, "Invalid Condition.");
	if (g_ascii_strcasecmp(match, "content-length-range") == 0) {
		check->least = number_of(value_at(condition, 1));
		check->most = number_of(value_at(condition, 2));
		return (check->least >= 0 && check->most >= check->least) ||
		       malformed(error, "Invalid content-length-range.");
	}
	gboolean whole = g_ascii_strcasecmp(match, "eq") == 0;
	if (!(whole || g_ascii_strcasecmp(match, "starts-with") == 0) || !field || !wanted ||
		*field != '$')
		return malformed(error, "Invalid Condition.");
	return check_field(check, condition, whole, field + 1, wanted, error);
}

static gboolean check_condition(Check *check, Value condition, GError **error) {
	if (value_is_sequence(condition))
		return check_list(check, condition, error);
	if (!value_is_mapping(condition))
		return malformed(error, "Invalid Condition.");
	for (gsize i = 0; i < value_length(condition); i++) {
		const char *wanted = value_text(value_at(condition, i));
		g_auto(Value) shown = value_tuple_take(3, value_string("eq"),
			value_string_printf("$%s", value_key_at(condition, i)),
			value_ref(value_at(condition, i)));
		if (!wanted)
			return malformed(error, "Invalid Condition.");
		if (!check_field(check, shown, TRUE, value_key_at(condition, i), wanted, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- the whole ---- */

/* Which fields need no condition. */
static gboolean is_free(const char *name) {
	static const char *const names[] = {
		"awsaccesskeyid", "bucket", "file", "policy", "signature", "x-amz-signature", NULL};
	return g_strv_contains(names, name) || g_str_has_prefix(name, "x-ignore-");
}

static gboolean check_named(const Check *check, GError **error) {
	GHashTableIter iter;
	gpointer name;
	g_hash_table_iter_init(&iter, check->fields);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		g_autofree char *what = g_strdup_printf("Extra input fields: %s", (char *)name);
		if (!is_free(name) && !g_hash_table_contains(check->named, name))
			return against(error, what);
	}
	return TRUE;
}

static gboolean check_time(Region *region, Value policy, GError **error) {
	const char *text = value_get_text(policy, "expiration");
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) end = text ? g_date_time_new_from_iso8601(text, utc) : NULL;
	if (!end)
		return malformed(
			error, text ? "Invalid 'expiration' value." : "Policy missing expiration.");
	return g_date_time_to_unix(end) >= region_now(region) / G_USEC_PER_SEC ||
	       against(error, "Policy expired.");
}

gboolean s3_post_policy_check(Region *region, const char *text, GHashTable *fields, gint64 *least,
	gint64 *most, GError **error) {
	gsize length = 0;
	g_autofree guchar *json = g_base64_decode(text, &length);
	g_autoptr(GError) parsing = NULL;
	g_auto(Value) policy = g_utf8_validate((char *)json, (gssize)length, NULL)
				       ? value_from_json((char *)json, (gssize)length, &parsing)
				       : VALUE_NOTHING;
	if (parsing || !value_is_mapping(policy))
		return malformed(error, "Invalid JSON.");
	Value conditions = value_get(policy, "conditions");
	if (!check_time(region, policy, error))
		return FALSE;
	if (!value_is_sequence(conditions))
		return malformed(error, "Policy missing conditions.");
	g_autoptr(GHashTable) named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Check check = {.fields = fields, .named = named, .most = G_MAXINT64};
	for (gsize i = 0; i < value_length(conditions); i++)
		if (!check_condition(&check, value_at(conditions, i), error))
			return FALSE;
	*least = check.least;
	*most = check.most;
	return check_named(&check, error);
}
