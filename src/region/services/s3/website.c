/*
 * Buckets as websites, at <bucket>.s3-website-<region>.localhost (and AWS's own name, inside VPCs):
 * index and error documents, redirections, and routing rules (User guide, "Hosting a static
 * website using Amazon S3"). Every reader is anybody: what the bucket's policy does not give to
 * everyone is not there.
 */
#include <string.h>

#include "region/services/s3/internal.h"

#define MARK ".s3-website"
#define MOST_RULES 50

/* ---- whose ---- */

static char *bucket_of(const WireRequest *request) {
	const char *host = g_hash_table_lookup(request->headers, "host");
	g_autofree char *name = g_ascii_strdown(host ? host : "", -1);
	char *mark = strstr(name, MARK);
	char next = mark ? mark[strlen(MARK)] : '\0';
	if (!mark || mark == name || (next != '-' && next != '.'))
		return NULL;
	*mark = '\0';
	return g_steal_pointer(&name);
}

gboolean s3_is_website(const WireRequest *request) {
	g_autofree char *bucket = bucket_of(request);
	return bucket != NULL;
}

/* ---- answers ---- */

/* S3's own page for an error; `second`: that of the error document. */
static WireResponse *error_page(
	int status, const char *reason, const char *code, const char *message, const char *second) {
	g_autofree char *more =
		second ? g_markup_printf_escaped("<h3>An Error Occurred While Attempting to "
						 "Retrieve a Custom Error Document</h3>\n<ul>\n"
						 "<li>Code: %s</li>\n</ul>\n",
				 second)
		       : g_strdup("");
	g_autofree char *page = g_markup_printf_escaped(
		"<html>\n<head><title>%d %s</title></head>\n<body>\n<h1>%d %s</h1>\n<ul>\n"
		"<li>Code: %s</li>\n<li>Message: %s</li>\n</ul>\n",
		status, reason, status, reason, code, message);
	g_autofree char *whole = g_strconcat(page, more, "<hr/>\n</body>\n</html>\n", NULL);
	WireResponse *response = wire_response_new(status);
	wire_response_set_body(response, "text/html; charset=utf-8", whole, strlen(whole));
	return response;
}

static WireResponse *plain_error(int status, const char *second) {
	switch (status) {
	case 403:
		return error_page(403, "Forbidden", "AccessDenied", "Access Denied", second);
	case 404:
		return error_page(
			404, "Not Found", "NoSuchKey", "The specified key does not exist.", second);
	case 405:
		return error_page(405, "Method Not Allowed", "MethodNotAllowed",
			"The specified method is not allowed against this resource.", second);
	default:
		return error_page(status, "Error", "Error", "The request failed.", second);
	}
}

static WireResponse *redirect(int status, const char *location) {
	WireResponse *response = wire_response_new(status);
	wire_response_set_header(response, "location", location);
	return response;
}

/* ---- one object ---- */

/* A GET of the key, by nobody in particular. */
static WireResponse *fetch(Region *region, const WireRequest *request, HttpReply *reply,
	const char *bucket, const char *key) {
	static const char *const headers[] = {"if-match", "if-modified-since", "if-none-match",
		"if-unmodified-since", "origin", "range"};
	g_autofree char *escaped = g_uri_escape_string(key, "/", FALSE);
	g_autofree char *path = g_strdup_printf("/%s/%s", bucket, escaped);
	g_autoptr(WireRequest) get = wire_request_new(request->method, path, "");
	wire_request_set_header(get, "host", "s3.localhost");
	get->peer = g_strdup(request->peer);
	get->vpc = g_strdup(request->vpc);
	for (guint i = 0; i < G_N_ELEMENTS(headers); i++) {
		const char *text = g_hash_table_lookup(request->headers, headers[i]);
		if (text)
			wire_request_set_header(get, headers[i], text);
	}
	const S3Asker anyone = {.anyone = TRUE};
	S3Call call = {0};
	g_autoptr(GError) error = NULL;
	WireResponse *response = s3_call_begin(&call, region, get, &anyone, &error)
					 ? s3_serve_get(region, &call, reply)
					 : s3_call_refuse(&call, error);
	s3_call_clear(&call);
	return response;
}

static gboolean is_found(const WireResponse *response) {
	return response->status < 400 || response->status == 412 || response->status == 416;
}

/* ---- redirections ---- */

/* "http://host/key" of a Redirect of a routing rule; caller frees. */
static char *target_of(const WireRequest *request, Value rule, Value how, const char *key) {
	const char *host = value_get_text(how, "HostName");
	const char *protocol = value_text_or(value_get(how, "Protocol"), "http");
	const char *whole = value_get_text(how, "ReplaceKeyWith");
	const char *start = value_get_text(how, "ReplaceKeyPrefixWith");
	const char *prefix =
		value_text_or(value_get(value_get(rule, "Condition"), "KeyPrefixEquals"), "");
	g_autofree char *changed =
		whole ? g_strdup(whole)
		      : g_strconcat(start ? start : "", key + (start ? strlen(prefix) : 0), NULL);
	g_autofree char *escaped = g_uri_escape_string(changed, "/?=&", FALSE);
	return g_strdup_printf("%s://%s/%s", protocol,
		host ? host : (char *)g_hash_table_lookup(request->headers, "host"), escaped);
}

/* The first rule for the key, before it is read (status 0) or after that failed; or NULL. */
static WireResponse *route(const WireRequest *request, Value website, const char *key, int status) {
	Value rules = value_get(website, "RoutingRules");
	for (gsize i = 0; i < value_length(rules); i++) {
		Value rule = value_at(rules, i), how = value_get(rule, "Redirect");
		Value condition = value_get(rule, "Condition");
		const char *prefix = value_get_text(condition, "KeyPrefixEquals");
		const char *code = value_get_text(condition, "HttpErrorCodeReturnedEquals");
		if ((prefix && !g_str_has_prefix(key, prefix)) ||
			(code ? g_ascii_strtoll(code, NULL, 10) != status : status != 0))
			continue;
		const char *answer = value_text_or(value_get(how, "HttpRedirectCode"), "301");
		g_autofree char *target = target_of(request, rule, how, key);
		return redirect((int)g_ascii_strtoll(answer, NULL, 10), target);
	}
	return NULL;
}

/* An object may itself be a redirection. */
static WireResponse *follow(WireResponse *response) {
	const char *location =
		g_hash_table_lookup(response->headers, "x-amz-website-redirect-location");
	if (response->status != 200 || !location)
		return response;
	WireResponse *instead = redirect(301, location);
	wire_response_free(response);
	return instead;
}

/* ---- serving ---- */

/* "docs" where only "docs/index.html" is. */
static WireResponse *to_folder(Region *region, const WireRequest *request, HttpReply *reply,
	const char *bucket, const char *key, const char *index) {
	g_autofree char *inside = g_strconcat(key, "/", index, NULL);
	if (!*key || g_str_has_suffix(key, "/"))
		return NULL;
	WireResponse *found = fetch(region, request, reply, bucket, inside);
	gboolean there = is_found(found);
	wire_response_free(found);
	g_autofree char *location = g_strconcat(request->path, "/", NULL);
	return there ? redirect(302, location) : NULL;
}

static WireResponse *error_document(Region *region, const WireRequest *request, HttpReply *reply,
	const char *bucket, Value website, int status) {
	const char *key = value_get_text(value_get(website, "ErrorDocument"), "Key");
	if (!key)
		return plain_error(status, NULL);
	WireResponse *page = fetch(region, request, reply, bucket, key);
	if (page->status == 200) {
		page->status = status;
		return page;
	}
	const char *second = page->status == 404 ? "NoSuchKey" : "AccessDenied";
	wire_response_free(page);
	return plain_error(status, second);
}

static WireResponse *serve_key(Region *region, const WireRequest *request, HttpReply *reply,
	const char *bucket, Value website, const char *key) {
	const char *index = value_get_text(value_get(website, "IndexDocument"), "Suffix");
	WireResponse *routed = route(request, website, key, 0);
	if (routed)
		return routed;
	gboolean folder = !*key || g_str_has_suffix(key, "/");
	g_autofree char *whole = g_strconcat(key, folder && index ? index : "", NULL);
	WireResponse *response =
		*whole ? fetch(region, request, reply, bucket, whole) : wire_response_new(404);
	if (is_found(response))
		return follow(response);
	int status = response->status;
	wire_response_free(response);
	if (index && (status == 404 || status == 403)) {
		WireResponse *elsewhere = to_folder(region, request, reply, bucket, key, index);
		if (elsewhere)
			return elsewhere;
	}
	routed = route(request, website, key, status);
	return routed ? routed : error_document(region, request, reply, bucket, website, status);
}

static WireResponse *redirect_all(const WireRequest *request, Value all) {
	g_autofree char *location =
		g_strdup_printf("%s://%s%s%s%s", value_text_or(value_get(all, "Protocol"), "http"),
			value_text_or(value_get(all, "HostName"), ""), request->path,
			*request->query ? "?" : "", request->query);
	return redirect(301, location);
}

WireResponse *s3_serve_website(Region *region, const WireRequest *request, HttpReply *reply) {
	g_autofree char *bucket = bucket_of(request);
	g_autofree char *key = g_uri_unescape_string(request->path + 1, NULL);
	g_auto(Value) there = s3_bucket(region, bucket);
	g_auto(Value) website = s3_setting(region, bucket, "website");
	if (value_is_null(there))
		return error_page(404, "Not Found", "NoSuchBucket",
			"The specified bucket does not exist", NULL);
	if (value_is_null(website))
		return error_page(404, "Not Found", "NoSuchWebsiteConfiguration",
			"The specified bucket does not have a website configuration", NULL);
	if (g_str_equal(request->method, "OPTIONS"))
		return s3_serve_preflight(region, request);
	if (!g_str_equal(request->method, "GET") && !g_str_equal(request->method, "HEAD"))
		return plain_error(405, NULL);
	Value all = value_get(website, "RedirectAllRequestsTo");
	if (!value_is_null(all))
		return redirect_all(request, all);
	return key && g_utf8_validate(key, -1, NULL)
		       ? serve_key(region, request, reply, bucket, website, key)
		       : error_page(400, "Bad Request", "InvalidURI",
				 "Couldn't parse the specified URI.", NULL);
}

/* ---- what is kept ---- */

static gboolean malformed(GError **error, const char *message) {
	wire_error_set(error, "InvalidArgument", "%s", message);
	return FALSE;
}

static gboolean check_rule(Value rule, GError **error) {
	Value how = value_get(rule, "Redirect"), condition = value_get(rule, "Condition");
	const char *answer = value_get_text(how, "HttpRedirectCode");
	const char *code = value_get_text(condition, "HttpErrorCodeReturnedEquals");
	if (value_length(how) == 0)
		return s3_fail(error, "MalformedXML");
	if (value_has(how, "ReplaceKeyWith") && value_has(how, "ReplaceKeyPrefixWith"))
		return malformed(
			error, "You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
	if (answer && (strlen(answer) != 3 || *answer != '3' || g_str_equal(answer, "300")))
		return malformed(error,
			"The provided HTTP redirect code is not valid. Valid codes are 3XX except "
			"300.");
	if (code && (strlen(code) != 3 || (*code != '4' && *code != '5')))
		return malformed(error,
			"The provided HTTP error code is not valid. Valid codes are 4XX or 5XX.");
	return TRUE;
}

gboolean s3_website_check(Value configuration, GError **error) {
	Value rules = value_get(configuration, "RoutingRules");
	const char *suffix = value_get_text(value_get(configuration, "IndexDocument"), "Suffix");
	gboolean all = value_has(configuration, "RedirectAllRequestsTo");
	if (!all && !suffix)
		return malformed(error, "A value for IndexDocument Suffix must be provided if "
					"RedirectAllRequestsTo is empty");
	if (all && value_length(configuration) > 1)
		return malformed(error, "RedirectAllRequestsTo cannot be provided in conjunction "
					"with other Routing "
					"Rules.");
	if (suffix && (!*suffix || strchr(suffix, '/')))
		return malformed(error, "The IndexDocument Suffix is not well formed");
	if (value_length(rules) > MOST_RULES)
		return malformed(error, "The number of routing rules must not exceed 50.");
	for (gsize i = 0; i < value_length(rules); i++)
		if (!check_rule(value_at(rules, i), error))
			return FALSE;
	return TRUE;
}
