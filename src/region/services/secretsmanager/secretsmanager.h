/* What ECS needs of Secrets Manager: the value behind a `valueFrom`. */
#pragma once

#include "region/region.h"

/* The value of "arn:…:secret:name-AbCdEf", or of one key of its JSON, stage or version, as ECS's
 * secrets have it: "arn:key:stage:version-id" (any of the three may be empty). NULL and an error in
 * ECS's words (ResourceInitializationError: …). The caller frees it. */
char *secretsmanager_resolve(
	Region *region, StoreScope scope, const char *value_from, GError **error);
