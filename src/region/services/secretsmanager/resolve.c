/* The value behind a `valueFrom` of a task definition, for ECS and CodeBuild. */
#include "region/services/secretsmanager/internal.h"
#include "region/services/secretsmanager/secretsmanager.h"
#include "value/json.h"

static char *key_of(Value text, const char *key, const char *value_from, GError **error) {
	g_autoptr(GError) broken = NULL;
	g_auto(Value) json = value_from_json(value_text_or(text, ""), -1, &broken);
	Value found = value_get(json, key);
	if (broken || value_is_null(found)) {
		wire_error_set(error, "ResourceInitializationError",
			"ResourceInitializationError: unable to pull secrets or registry auth: "
			"execution resource retrieval failed: unable to retrieve secret from asm: "
			"retrieved secret from Secrets Manager did not contain json key %s (%s)",
			key, value_from);
		return NULL;
	}
	return value_text(found) ? g_strdup(value_text(found))
				 : value_to_json(found, VALUE_JSON_COMPACT);
}

char *secretsmanager_resolve(
	Region *region, StoreScope scope, const char *value_from, GError **error) {
	/* arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, and then key, stage and version. */
	g_auto(GStrv) parts = g_strsplit(value_from, ":", -1);
	guint n = g_strv_length(parts);
	gboolean is_arn = n >= 7 && g_str_equal(parts[0], "arn");
	const char *key = is_arn && n > 7 ? parts[7] : "";
	const char *stage = is_arn && n > 8 ? parts[8] : "",
		   *version = is_arn && n > 9 ? parts[9] : "";
	g_autofree char *id = is_arn ? g_strdup_printf("%s:%s:%s:%s:%s:%s:%s", parts[0], parts[1],
					       parts[2], parts[3], parts[4], parts[5], parts[6])
				     : g_strdup(value_from);
	g_auto(Value) secret = secret_lookup(region, scope, id);
	g_auto(Value) input =
		value_object_take("VersionId", *version ? value_string(version) : VALUE_NOTHING,
			"VersionStage", *stage ? value_string(stage) : VALUE_NOTHING, NULL);
	g_autoptr(GError) local = NULL;
	g_auto(Value) value = value_is_null(secret) || value_has(secret, "DeletedDate")
				      ? secret_not_found(&local)
				      : secret_value(secret, input, &local);
	if (local) {
		wire_error_set(error, "ResourceInitializationError",
			"ResourceInitializationError: unable to pull secrets or registry auth: "
			"execution resource retrieval failed: unable to retrieve secret from asm: "
			"%s: %s (%s)",
			wire_error_code(local), local->message, value_from);
		return NULL;
	}
	Value text = value_get(value, "SecretString");
	return *key ? key_of(text, key, value_from, error) : g_strdup(value_text_or(text, ""));
}
