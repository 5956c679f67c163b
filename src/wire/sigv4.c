/* AWS Signature Version 4, made and checked. See sigv4.h. */
#include "wire/sigv4.h"

#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SKEW_S (15 * 60) /* how far clocks may differ */

/* ---- the canonical request ---- */

static void append_encoded(GString *out, const char *text, gboolean keep_slashes) {
	for (const char *at = text; *at; at++) {
		if (g_ascii_isalnum(*at) || strchr("-._~", *at) || (keep_slashes && *at == '/'))
			g_string_append_c(out, *at);
		else
			g_string_append_printf(out, "%%%02X", (guchar)*at);
	}
}

static int compare_texts(gconstpointer a, gconstpointer b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* By name, then by value: "a=" comes before "a-b=". */
static int compare_parameters(gconstpointer a, gconstpointer b) {
	const char *first = *(const char *const *)a, *second = *(const char *const *)b;
	gsize m = strcspn(first, "="), n = strcspn(second, "=");
	int names = memcmp(first, second, MIN(m, n));
	return names ? names : m != n ? (m > n) - (m < n) : strcmp(first + m, second + n);
}

/* Parameters in order, decoded and encoded anew; without the signature itself. */
static char *canonical_query(const char *query) {
	g_auto(GStrv) pairs = g_strsplit(query, "&", -1);
	g_autoptr(GPtrArray) encoded = g_ptr_array_new_with_free_func(g_free);
	for (char **pair = pairs; *pair; pair++) {
		if (!**pair || g_str_has_prefix(*pair, "X-Amz-Signature="))
			continue;
		char *equals = strchr(*pair, '=');
		if (equals)
			*equals = '\0';
		g_autofree char *name = g_uri_unescape_string(*pair, NULL);
		g_autofree char *value = g_uri_unescape_string(equals ? equals + 1 : "", NULL);
		GString *both = g_string_new(NULL);
		append_encoded(both, name ? name : *pair, FALSE);
		g_string_append_c(both, '=');
		append_encoded(both, value ? value : "", FALSE);
		g_ptr_array_add(encoded, g_string_free(both, FALSE));
	}
	g_ptr_array_sort(encoded, compare_parameters);
	g_ptr_array_add(encoded, NULL);
	return g_strjoinv("&", (char **)encoded->pdata);
}

/* Blanks at both ends off, runs of blanks within as one. */
static char *trimmed(const char *value) {
	GString *out = g_string_new(NULL);
	for (const char *at = value; *at; at++)
		if (*at != ' ' || (out->len > 0 && out->str[out->len - 1] != ' '))
			g_string_append_c(out, *at);
	if (out->len > 0 && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	return g_string_free(out, FALSE);
}

/* S3's paths are signed as sent; the others' are encoded once more. */
static void append_path(GString *out, const WireRequest *request, const char *service) {
	const char *path = *request->path ? request->path : "/";
	if (g_str_equal(service, "s3"))
		g_string_append(out, path);
	else
		append_encoded(out, path, TRUE);
}

static char *payload_hash(const WireRequest *request) {
	return g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, request->body);
}

static char *canonical_request(const WireRequest *request, char *const *signed_headers,
	const char *service, const char *hash) {
	GString *out = g_string_new(request->method);
	g_string_append_c(out, '\n');
	append_path(out, request, service);
	g_autofree char *query = canonical_query(request->query);
	g_string_append_printf(out, "\n%s\n", query);
	for (char *const *name = signed_headers; *name; name++) {
		const char *value = g_hash_table_lookup(request->headers, *name);
		g_autofree char *plain = trimmed(value ? value : "");
		g_string_append_printf(out, "%s:%s\n", *name, plain);
	}
	g_autofree char *names = g_strjoinv(";", (char **)signed_headers);
	g_string_append_printf(out, "\n%s\n%s", names, hash);
	return g_string_free(out, FALSE);
}

/* ---- the signature ---- */

static void hmac(const guint8 *key, gsize key_length, const char *text, guint8 digest[32]) {
	g_autoptr(GHmac) hmac = g_hmac_new(G_CHECKSUM_SHA256, key, key_length);
	gsize size = 32;
	g_hmac_update(hmac, (const guchar *)text, (gssize)strlen(text));
	g_hmac_get_digest(hmac, digest, &size);
}

static char *sign_text(const char *secret, const char *date, const char *region,
	const char *service, const char *to_sign) {
	g_autofree char *first = g_strconcat("AWS4", secret, NULL);
	guint8 key[32], next[32];
	hmac((const guint8 *)first, strlen(first), date, key);
	hmac(key, sizeof key, region, next);
	hmac(next, sizeof next, service, key);
	hmac(key, sizeof key, "aws4_request", next);
	hmac(next, sizeof next, to_sign, key);
	GString *hex = g_string_new(NULL);
	for (guint i = 0; i < sizeof key; i++)
		g_string_append_printf(hex, "%02x", key[i]);
	return g_string_free(hex, FALSE);
}

static char *signature(const char *secret, const char *date, const char *region,
	const char *service, const char *timestamp, const char *canonical) {
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, canonical, -1);
	g_autofree char *to_sign = g_strdup_printf(ALGORITHM "\n%s\n%s/%s/%s/aws4_request\n%s",
		timestamp, date, region, service, hash);
	return sign_text(secret, date, region, service, to_sign);
}

static char **header_names(const WireRequest *request) {
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name;
	g_hash_table_iter_init(&iter, request->headers);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (!g_str_equal(name, "authorization") && !g_str_equal(name, "user-agent"))
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_texts);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

void sigv4_sign(WireRequest *request, const WireCredentials *credentials, const char *region,
	const char *service, gint64 time) {
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(time);
	g_autofree char *timestamp = g_date_time_format(when, "%Y%m%dT%H%M%SZ");
	g_autofree char *date = g_strndup(timestamp, 8);
	wire_request_set_header(request, "x-amz-date", timestamp);
	if (credentials->session_token)
		wire_request_set_header(
			request, "x-amz-security-token", credentials->session_token);
	g_autofree char *hash = payload_hash(request);
	if (g_str_equal(service, "s3"))
		wire_request_set_header(request, "x-amz-content-sha256", hash);
	g_auto(GStrv) names = header_names(request);
	g_autofree char *canonical = canonical_request(request, names, service, hash);
	g_autofree char *signed_text = signature(
		credentials->secret_access_key, date, region, service, timestamp, canonical);
	g_autofree char *list = g_strjoinv(";", names);
	g_autofree char *authorization = g_strdup_printf(ALGORITHM
		" Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s",
		credentials->access_key_id, date, region, service, list, signed_text);
	wire_request_set_header(request, "authorization", authorization);
}

/* ---- claims ---- */

void sigv4_claim_free(SigV4Claim *claim) {
	if (!claim)
		return;
	g_free(claim->access_key_id);
	g_free(claim->date);
	g_free(claim->region);
	g_free(claim->service);
	g_strfreev(claim->signed_headers);
	g_free(claim->signature);
	g_free(claim->session_token);
	g_free(claim);
}

/* "20130524T000000Z"; 0 if it is none. */
static gint64 parse_time(const char *text) {
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text ? text : "", utc);
	return time ? g_date_time_to_unix(time) : 0;
}

static gboolean take_credential(SigV4Claim *claim, const char *credential) {
	g_auto(GStrv) parts = g_strsplit(credential ? credential : "", "/", -1);
	guint n = g_strv_length(parts);
	if (n < 5)
		return FALSE;
	/* The key itself may hold slashes. */
	claim->date = g_strdup(parts[n - 4]);
	claim->region = g_strdup(parts[n - 3]);
	claim->service = g_strdup(parts[n - 2]);
	char *rest = parts[n - 4];
	parts[n - 4] = NULL;
	claim->access_key_id = g_strjoinv("/", parts);
	parts[n - 4] = rest;
	return TRUE;
}

/* The value of "Name=" among an Authorization header's parts. */
static char *authorization_part(const char *header, const char *name) {
	const char *found = strstr(header, name);
	if (!found)
		return NULL;
	found += strlen(name);
	return g_strndup(found, strcspn(found, ", "));
}

static char *query_parameter(const char *query, const char *name) {
	g_auto(GStrv) pairs = g_strsplit(query, "&", -1);
	gsize length = strlen(name);
	for (char **pair = pairs; *pair; pair++)
		if (strncmp(*pair, name, length) == 0 && (*pair)[length] == '=')
			return g_uri_unescape_string(*pair + length + 1, NULL);
	return NULL;
}

/* The claim with its scope and time, if all of it is there. */
static SigV4Claim *complete(SigV4Claim *taken, const char *credential, const char *date,
	gboolean has_names, GError **error) {
	g_autoptr(SigV4Claim) claim = taken;
	claim->time = parse_time(date);
	if (take_credential(claim, credential) && has_names && claim->signature && claim->time)
		return g_steal_pointer(&claim);
	wire_error_set_status(error, 400, "IncompleteSignature",
		"The request signature does not conform to AWS standards: it needs a Credential of "
		"five parts, SignedHeaders, a Signature and a date.");
	return NULL;
}

SigV4Claim *sigv4_claim(const WireRequest *request, GError **error) {
	const char *header = g_hash_table_lookup(request->headers, "authorization");
	gboolean presigned = !header && strstr(request->query, "X-Amz-Signature=");
	if (!presigned && !(header && g_str_has_prefix(header, ALGORITHM)))
		return NULL;
	g_autoptr(SigV4Claim) claim = g_new0(SigV4Claim, 1);
	claim->presigned = presigned;
	g_autofree char *credential = presigned
					      ? query_parameter(request->query, "X-Amz-Credential")
					      : authorization_part(header, "Credential=");
	g_autofree char *names = presigned ? query_parameter(request->query, "X-Amz-SignedHeaders")
					   : authorization_part(header, "SignedHeaders=");
	claim->signature = presigned ? query_parameter(request->query, "X-Amz-Signature")
				     : authorization_part(header, "Signature=");
	const char *token = g_hash_table_lookup(request->headers, "x-amz-security-token");
	claim->session_token = presigned ? query_parameter(request->query, "X-Amz-Security-Token")
					 : g_strdup(token);
	g_autofree char *date =
		presigned ? query_parameter(request->query, "X-Amz-Date")
			  : g_strdup(g_hash_table_lookup(request->headers, "x-amz-date"));
	g_autofree char *expires =
		presigned ? query_parameter(request->query, "X-Amz-Expires") : NULL;
	claim->expires = expires ? g_ascii_strtoll(expires, NULL, 10) : 0;
	claim->signed_headers = g_strsplit(names ? names : "", ";", -1);
	return complete(g_steal_pointer(&claim), credential, date, names != NULL, error);
}

SigV4Claim *sigv4_claim_of_form(GHashTable *fields, GError **error) {
	const char *credential = g_hash_table_lookup(fields, "x-amz-credential");
	if (!credential)
		return NULL;
	SigV4Claim *claim = g_new0(SigV4Claim, 1);
	claim->signature = g_strdup(g_hash_table_lookup(fields, "x-amz-signature"));
	claim->session_token = g_strdup(g_hash_table_lookup(fields, "x-amz-security-token"));
	claim->signed_headers = g_new0(char *, 1);
	return complete(claim, credential, g_hash_table_lookup(fields, "x-amz-date"), TRUE, error);
}

/* What a claim says of the body, if the body is so: its hash; for S3 also that it is not signed, or
 * signed chunk by chunk. NULL if it is another one. Caller frees. */
static char *claimed_hash(const SigV4Claim *claim, const WireRequest *request) {
	const char *given = g_hash_table_lookup(request->headers, "x-amz-content-sha256");
	gboolean s3 = g_str_equal(claim->service, "s3");
	if (s3 && claim->presigned && !given)
		return g_strdup("UNSIGNED-PAYLOAD");
	if (s3 && given &&
		(g_str_equal(given, "UNSIGNED-PAYLOAD") || g_str_has_prefix(given, "STREAMING-")))
		return g_strdup(given);
	if (s3 && given && request->streamed)
		return g_strdup(given);
	g_autofree char *actual = payload_hash(request);
	return !given || g_ascii_strcasecmp(given, actual) == 0 ? g_strdup(given ? given : actual)
								: NULL;
}

/* Takes the same time wherever they differ. */
static gboolean is_same_signature(const char *a, const char *b) {
	gsize length = strlen(a);
	guint8 difference = 0;
	if (strlen(b) != length)
		return FALSE;
	for (gsize i = 0; i < length; i++)
		difference |= (guint8)(a[i] ^ b[i]);
	return difference == 0;
}

static char *timestamp_of(gint64 time) {
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(time);
	return when ? g_date_time_format(when, "%Y%m%dT%H%M%SZ") : g_strdup("");
}

static gboolean is_current(const SigV4Claim *claim, gint64 now, GError **error) {
	gint64 longest = claim->presigned ? claim->expires : SKEW_S;
	if (now <= claim->time + longest && claim->time <= now + SKEW_S)
		return TRUE;
	g_autofree char *then = timestamp_of(claim->time);
	g_autofree char *current = timestamp_of(now);
	wire_error_set_status(error, 403,
		claim->presigned ? "RequestExpired" : "RequestTimeTooSkewed",
		claim->time > now ? "Signature not yet current: %s is still later than %s"
				  : "Signature expired: %s is now earlier than %s",
		then, current);
	return FALSE;
}

static gboolean no_match(GError **error) {
	wire_error_set_status(error, 403, "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided. "
		"Check your AWS Secret Access Key and signing method. Consult the service "
		"documentation for details.");
	return FALSE;
}

gboolean sigv4_verify(const SigV4Claim *claim, const WireRequest *request, const char *secret,
	gint64 now, GError **error) {
	if (!is_current(claim, now, error))
		return FALSE;
	g_autofree char *timestamp = timestamp_of(claim->time);
	g_autofree char *hash = claimed_hash(claim, request);
	if (hash && g_str_has_prefix(timestamp, claim->date) &&
		g_strv_contains((const char *const *)claim->signed_headers, "host")) {
		g_autofree char *canonical =
			canonical_request(request, claim->signed_headers, claim->service, hash);
		g_autofree char *expected = signature(
			secret, claim->date, claim->region, claim->service, timestamp, canonical);
		if (is_same_signature(expected, claim->signature))
			return TRUE;
	}
	return no_match(error);
}

gboolean sigv4_verify_policy(
	const SigV4Claim *claim, const char *policy, const char *secret, GError **error) {
	g_autofree char *timestamp = timestamp_of(claim->time);
	g_autofree char *expected =
		sign_text(secret, claim->date, claim->region, claim->service, policy);
	return (g_str_has_prefix(timestamp, claim->date) &&
		       is_same_signature(expected, claim->signature)) ||
	       no_match(error);
}

char *sigv4_chunk_signature(const SigV4Claim *claim, const char *secret, const char *kind,
	const char *previous, const char *hashes) {
	g_autofree char *timestamp = timestamp_of(claim->time);
	g_autofree char *to_sign = g_strdup_printf("%s\n%s\n%s/%s/%s/aws4_request\n%s\n%s", kind,
		timestamp, claim->date, claim->region, claim->service, previous, hashes);
	return sign_text(secret, claim->date, claim->region, claim->service, to_sign);
}
