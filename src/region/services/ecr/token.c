/*
 * Registry passwords: what GetAuthorizationToken gives and `docker login` sends. A token says whose
 * it is and until when, signed with a key that is the region's alone; so none is kept.
 */
#include <string.h>

#include "base/text.h"
#include "region/services/ecr/internal.h"
#include "region/services/iam/iam.h"
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

void ecr_token_clear(EcrToken *token) {
	g_clear_pointer(&token->principal_arn, g_free);
	g_clear_pointer(&token->principal_id, g_free);
	g_clear_pointer(&token->access_key_id, g_free);
}

char *ecr_token_new(Region *region, const EcrToken *token, gint64 expires) {
	g_autofree char *key = signing_key(region);
	g_auto(Value) claim = value_object_take("account", value_string(token->scope.account),
		"region", value_string(token->scope.region), "arn",
		value_string(token->principal_arn), "id", value_string(token->principal_id), "key",
		value_string(token->access_key_id), "expires", value_int(expires), NULL);
	g_autofree char *json = value_to_json(claim, VALUE_JSON_COMPACT);
	g_autofree char *payload = g_base64_encode((const guchar *)json, strlen(json));
	g_autofree char *signature = sign(key, payload);
	return g_strdup_printf("%s.%s", payload, signature);
}

char *ecr_token_for(const RegionCall *call, const char *account, gint64 expires) {
	g_autoptr(IamKey) issued =
		call->access_key_id ? iam_key_get(call->region, call->access_key_id) : NULL;
	const EcrToken token = {.scope = {account, call->scope.region},
		.principal_arn = (char *)call->principal_arn,
		.principal_id = (char *)call->principal_id,
		.access_key_id = issued ? issued->access_key_id : NULL};
	return ecr_token_new(call->region, &token, expires);
}

/* In time that does not tell how much is right. */
static gboolean same_text(const char *a, const char *b) {
	gsize length = strlen(a);
	guchar difference = length != strlen(b);
	for (gsize i = 0; i < length && b[i]; i++)
		difference |= (guchar)(a[i] ^ b[i]);
	return difference == 0;
}

gboolean ecr_token_check(Region *region, const char *password, EcrToken *token) {
	const char *dot = password ? strrchr(password, '.') : NULL;
	g_autofree char *key = signing_key(region);
	if (!dot || !key)
		return FALSE;
	g_autofree char *payload = g_strndup(password, (gsize)(dot - password));
	g_autofree char *signature = sign(key, payload);
	if (!same_text(signature, dot + 1))
		return FALSE;
	gsize length;
	g_autofree guchar *json = g_base64_decode(payload, &length);
	g_auto(Value) claim = value_from_json((const char *)json, (gssize)length, NULL);
	*token = (EcrToken){.scope = {g_intern_string(value_get_text(claim, "account")),
				    g_intern_string(value_get_text(claim, "region"))},
		.principal_arn = g_strdup(value_get_text(claim, "arn")),
		.principal_id = g_strdup(value_get_text(claim, "id")),
		.access_key_id = g_strdup(value_get_text(claim, "key"))};
	return value_get_int(claim, "expires", 0) > region_now(region);
}
