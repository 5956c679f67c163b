/*
 * Registry passwords: what GetAuthorizationToken gives and `docker login` sends. A token says whose
 * it is and until when, signed with a key that is the region's alone; so none is kept.
 */
#include <string.h>

#include "base/text.h"
#include "region/services/ecr/internal.h"
#include "value/json.h"

#define KEYS "ecr/key"

static const StoreScope everywhere = {"", ""};

/* The signing key; made when first asked for, in the open transaction. Caller frees. */
static char *signing_key(Region *region) {
	Store *store = region_store(region);
	g_auto(Value) kept = store_get(store, everywhere, KEYS, "token");
	if (value_text(kept))
		return g_strdup(value_text(kept));
	if (!store_in_transaction(store))
		return NULL;
	char *key = text_random_hex(64);
	store_put_take(store, everywhere, KEYS, "token", value_string(key));
	return key;
}

static char *sign(const char *key, const char *payload) {
	return g_compute_hmac_for_string(
		G_CHECKSUM_SHA256, (const guchar *)key, strlen(key), payload, -1);
}

char *ecr_token_new(Region *region, StoreScope scope, const char *principal_arn, gint64 expires) {
	g_autofree char *key = signing_key(region);
	g_auto(Value) claim = value_object_take("account", value_string(scope.account), "region",
		value_string(scope.region), "principal", value_string(principal_arn), "expires",
		value_int(expires), NULL);
	g_autofree char *json = value_to_json(claim, VALUE_JSON_COMPACT);
	g_autofree char *payload = g_base64_encode((const guchar *)json, strlen(json));
	g_autofree char *signature = sign(key, payload);
	return g_strdup_printf("%s.%s", payload, signature);
}

/* In time that does not tell how much is right. */
static gboolean same_text(const char *a, const char *b) {
	gsize length = strlen(a);
	guchar difference = length != strlen(b);
	for (gsize i = 0; i < length && b[i]; i++)
		difference |= (guchar)(a[i] ^ b[i]);
	return difference == 0;
}

/* What a token that holds says; VALUE_NOTHING if it does not. */
static Value claim_of(Region *region, const char *token) {
	const char *dot = token ? strrchr(token, '.') : NULL;
	g_autofree char *key = signing_key(region);
	if (!dot || !key)
		return VALUE_NOTHING;
	g_autofree char *payload = g_strndup(token, (gsize)(dot - token));
	g_autofree char *signature = sign(key, payload);
	if (!same_text(signature, dot + 1))
		return VALUE_NOTHING;
	gsize length;
	g_autofree guchar *json = g_base64_decode(payload, &length);
	g_auto(Value) claim = value_from_json((const char *)json, (gssize)length, NULL);
	return value_get_int(claim, "expires", 0) > region_now(region) ? value_steal(&claim)
								       : VALUE_NOTHING;
}

gboolean ecr_token_check(Region *region, const char *token, StoreScope *scope) {
	g_auto(Value) claim = claim_of(region, token);
	if (!value_is_null(claim) && scope)
		*scope = (StoreScope){g_intern_string(value_get_text(claim, "account")),
			g_intern_string(value_get_text(claim, "region"))};
	return !value_is_null(claim);
}

char *ecr_token_principal(Region *region, const char *token) {
	g_auto(Value) claim = claim_of(region, token);
	return g_strdup(value_get_text(claim, "principal"));
}
