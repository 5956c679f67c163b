/*
 * What the files of Secrets Manager share. A secret lies in the store under its name: Name, ARN,
 * dates, and Versions {id: {CreatedDate, Stages, SecretString or SecretBinary64}}.
 */
#pragma once

#include "region/region.h"

#define SECRETS "secretsmanager/secret"

/* ---- finding (secretsmanager.c) ---- */

/* A secret by name or ARN, or VALUE_NOTHING. */
Value secret_lookup(Region *region, StoreScope scope, const char *id);
/* The one that a call's SecretId means, or ResourceNotFoundException; `live`: and
 * InvalidRequestException for one that waits for its deletion. */
Value secret_find(RegionCall *call, Value input, GError **error);
Value secret_find_live(RegionCall *call, Value input, GError **error);
/* Sets ResourceNotFoundException. Returns VALUE_NOTHING. */
Value secret_not_found(GError **error);
/* Keeps it. Takes it. */
void secret_put(RegionCall *call, Value secret_taken);
/* {ARN, Name}: the beginning of most answers. */
Value secret_named(Value secret);

/* ---- versions (version.c) ---- */

/* Does a version have the staging label? */
gboolean secret_has_stage(Value version, const char *stage);
/* The id of the version that has the label: borrowed; NULL if there is none. */
const char *secret_version_of_stage(Value secret, const char *stage);
/* Does a call bring a value? */
gboolean secret_has_value(Value input);
/* Adds the input's value as a version under its token, with the stages that it names (AWSCURRENT).
 * The same again is no change; another value under the same token is refused (VALUE_NOTHING and an
 * error). Takes the secret; *version_id is the caller's. */
Value secret_add_version(
	RegionCall *call, Value secret_taken, Value input, char **version_id, GError **error);
/* Sets ResourceNotFoundException for a version by its id or label. Returns VALUE_NOTHING. */
Value secret_version_not_found(const char *what, const char *id, GError **error);

/* ---- operations ---- */

/* The value of a secret's version as GetSecretValue answers; VALUE_NOTHING and an error. */
Value secret_value(Value secret, Value input, GError **error);
Value secret_get_value(RegionCall *call, Value input, GError **error);
Value secret_describe(RegionCall *call, Value input, GError **error);
Value secret_list(RegionCall *call, Value input, GError **error);
Value secret_list_versions(RegionCall *call, Value input, GError **error);
Value secret_update_stage(RegionCall *call, Value input, GError **error);
Value secret_random_password(RegionCall *call, Value input, GError **error);
