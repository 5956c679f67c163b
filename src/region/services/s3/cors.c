/*
 * Cross-origin requests of browsers' pages: which of a bucket's rules matches, what it lets the
 * browser know, and the preflight that asks first (User guide, "Using cross-origin resource
 * sharing"). Rules say only what a browser may show to a page; who may do what is decided as ever.
 */
#include <string.h>

#include "region/services/s3/internal.h"
#include "wire/codec.h"

#define MOST_RULES 100

/* ---- matching ---- */

/* A text with at most one "*". */
static gboolean matches(const char *pattern, const char *text) {
	const char *star = strchr(pattern, '*');
	if (!star)
		return g_str_equal(pattern, text);
	gsize before = (gsize)(star - pattern), after = strlen(star + 1);
	gsize length = strlen(text);
	return length >= before + after && strncmp(pattern, text, before) == 0 &&
	       g_str_equal(star + 1, text + length - after);
}

static const char *first_match(Value patterns, const char *text) {
	for (gsize i = 0; i < value_length(patterns); i++)
		if (matches(value_text_or(value_at(patterns, i), ""), text))
			return value_text(value_at(patterns, i));
	return NULL;
}

/* Names of headers know no case. */
static gboolean allows_headers(Value allowed, const char *wanted) {
	g_auto(GStrv) names = g_strsplit(wanted ? wanted : "", ",", -1);
	for (char **each = names; *each; each++) {
		g_autofree char *name = g_ascii_strdown(g_strstrip(*each), -1);
		gboolean found = !*name;
		for (gsize i = 0; i < value_length(allowed) && !found; i++) {
			const char *pattern = value_text_or(value_at(allowed, i), "");
			g_autofree char *lower = g_ascii_strdown(pattern, -1);
			found = matches(lower, name);
		}
		if (!found)
			return FALSE;
	}
	return TRUE;
}

static char *joined(Value texts) {
	GString *out = g_string_new(NULL);
	for (gsize i = 0; i < value_length(texts); i++)
		g_string_append_printf(
			out, "%s%s", i > 0 ? ", " : "", value_text_or(value_at(texts, i), ""));
	return g_string_free(out, FALSE);
}

static Value headers_of(Value rule, const char *pattern, const char *origin, const char *wanted) {
	gboolean any = g_str_equal(pattern, "*");
	Value exposed = value_get(rule, "ExposeHeaders"), age = value_get(rule, "MaxAgeSeconds");
	Value headers = value_object_take("access-control-allow-origin",
		value_string(any ? "*" : origin), "access-control-allow-methods",
		value_string_take(joined(value_get(rule, "AllowedMethods"))), "vary",
		value_string("Origin, Access-Control-Request-Headers, "
			     "Access-Control-Request-Method"),
		NULL);
	if (!any)
		headers = value_with_take(
			headers, "access-control-allow-credentials", value_string("true"));
	if (value_length(exposed) > 0)
		headers = value_with_take(headers, "access-control-expose-headers",
			value_string_take(joined(exposed)));
	if (wanted && *wanted) {
		g_autofree char *lower = g_ascii_strdown(wanted, -1);
		headers = value_with_take(
			headers, "access-control-allow-headers", value_string(lower));
	}
	if (!value_is_null(age))
		headers = value_with_take(headers, "access-control-max-age",
			value_string_printf("%" G_GINT64_FORMAT, value_to_int(age, 0)));
	return headers;
}

Value s3_cors_headers(Region *region, const char *bucket, const char *origin, const char *method,
	const char *wanted) {
	g_auto(Value) setting = s3_setting(region, bucket, "cors");
	Value rules = value_get(setting, "CORSRules");
	for (gsize i = 0; i < value_length(rules); i++) {
		Value rule = value_at(rules, i);
		const char *pattern = first_match(value_get(rule, "AllowedOrigins"), origin);
		if (pattern && first_match(value_get(rule, "AllowedMethods"), method) &&
			allows_headers(value_get(rule, "AllowedHeaders"), wanted))
			return headers_of(rule, pattern, origin, wanted);
	}
	return VALUE_NOTHING;
}

void s3_cors_dress(WireResponse *response, Value headers) {
	for (gsize i = 0; response && i < value_length(headers); i++)
		wire_response_set_header(
			response, value_key_at(headers, i), value_text(value_at(headers, i)));
}

/* ---- the preflight ---- */

gboolean s3_cors_refuse(GError **error, Value rules) {
	if (!value_is_null(rules))
		return s3_fail(error, "AccessForbidden");
	wire_error_set_status(error, 403, "AccessForbidden",
		"CORSResponse: CORS is not enabled for this bucket.");
	return FALSE;
}

/* The bucket that a path and host mean: as a listing would. Caller frees; NULL: none. */
static char *bucket_of(const WireRequest *request) {
	WireRequest listing = *request;
	WireRoute route;
	listing.method = (char *)"GET";
	listing.query = (char *)"";
	g_auto(Value) input = wire_route(&listing, &route, NULL)
				      ? wire_decode_input(&route, &listing, NULL)
				      : VALUE_NOTHING;
	return g_strdup(value_get_text(input, "Bucket"));
}

static gboolean answer_preflight(
	Region *region, const WireRequest *request, Value *headers, GError **error) {
	const char *origin = g_hash_table_lookup(request->headers, "origin");
	const char *method = g_hash_table_lookup(request->headers, "access-control-request-method");
	const char *wanted =
		g_hash_table_lookup(request->headers, "access-control-request-headers");
	if (!origin || !method) {
		wire_error_set(error, "BadRequest",
			origin ? "Invalid Access-Control-Request-Method: null"
			       : "Insufficient information. Origin request header needed.");
		return FALSE;
	}
	g_autofree char *bucket = bucket_of(request);
	g_auto(Value) rules = bucket ? s3_setting(region, bucket, "cors") : VALUE_NOTHING;
	if (bucket)
		*headers = s3_cors_headers(region, bucket, origin, method, wanted);
	return !value_is_null(*headers) || s3_cors_refuse(error, rules);
}

WireResponse *s3_serve_preflight(Region *region, const WireRequest *request) {
	const WireRoute route = {.service = wire_service("s3"), .protocol = WIRE_PROTOCOL_REST_XML};
	g_autofree char *request_id = g_uuid_string_random();
	g_auto(Value) headers = VALUE_NOTHING;
	g_autoptr(GError) error = NULL;
	if (!answer_preflight(region, request, &headers, &error))
		return wire_encode_error(&route, error, request_id);
	WireResponse *response = wire_response_new(200);
	wire_response_set_header(response, "x-amz-request-id", request_id);
	s3_cors_dress(response, headers);
	return response;
}

/* ---- what is kept ---- */

static gboolean has_two_stars(const char *text) {
	const char *star = strchr(text, '*');
	return star && strchr(star + 1, '*');
}

static gboolean check_texts(Value texts, const char *what, GError **error) {
	for (gsize i = 0; i < value_length(texts); i++) {
		const char *text = value_text_or(value_at(texts, i), "");
		if (!has_two_stars(text))
			continue;
		wire_error_set(error, "InvalidRequest",
			"%s \"%s\" can not have more than one wildcard.", what, text);
		return FALSE;
	}
	return TRUE;
}

static gboolean check_rule(Value rule, GError **error) {
	static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "HEAD", NULL};
	Value allowed = value_get(rule, "AllowedMethods"),
	      exposed = value_get(rule, "ExposeHeaders");
	if (value_length(allowed) == 0 || value_length(value_get(rule, "AllowedOrigins")) == 0)
		return s3_fail(error, "MalformedXML");
	for (gsize i = 0; i < value_length(allowed); i++) {
		const char *method = value_text_or(value_at(allowed, i), "");
		if (g_strv_contains(methods, method))
			continue;
		wire_error_set(error, "InvalidRequest",
			"Found unsupported HTTP method in CORS config. Unsupported method is %s",
			method);
		return FALSE;
	}
	for (gsize i = 0; i < value_length(exposed); i++) {
		const char *text = value_text_or(value_at(exposed, i), "");
		if (!strchr(text, '*'))
			continue;
		wire_error_set(error, "InvalidRequest",
			"ExposeHeader \"%s\" contains wildcard. We currently do not support "
			"wildcard for ExposeHeader.",
			text);
		return FALSE;
	}
	return check_texts(value_get(rule, "AllowedOrigins"), "AllowedOrigin", error) &&
	       check_texts(value_get(rule, "AllowedHeaders"), "AllowedHeader", error);
}

gboolean s3_cors_check(Value configuration, GError **error) {
	Value rules = value_get(configuration, "CORSRules");
	if (value_length(rules) == 0)
		return s3_fail(error, "MalformedXML");
	if (value_length(rules) > MOST_RULES) {
		wire_error_set(error, "InvalidRequest",
			"The number of CORS rules should not exceed allowed limit of %d rules.",
			MOST_RULES);
		return FALSE;
	}
	for (gsize i = 0; i < value_length(rules); i++)
		if (!check_rule(value_at(rules, i), error))
			return FALSE;
	return TRUE;
}
