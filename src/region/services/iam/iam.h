/* What other services need of IAM: roles, their sessions, and the answer to "may it?". */
#pragma once

#include "region/region.h"

/* IAM's Role shape of an ARN (RoleName, Arn, AssumeRolePolicyDocument…), or VALUE_NOTHING. The
 * caller owns it. `global` is the account with region "". */
Value iam_role_get(Region *region, StoreScope global, const char *role_arn);
/* Credentials of a session of the role, as a service hands them to what it runs: AccessKeyId,
 * SecretAccessKey, SessionToken, Expiration (timestamp), Arn (of the session). Kept in the store,
 * renewed by calling again. Inside the open transaction. VALUE_NOTHING and an error if there is no
 * such role or its trust policy does not name `service` ("ecs-tasks.amazonaws.com"; NULL: not
 * asked). */
Value iam_role_session(Region *region, StoreScope global, const char *role_arn, const char *session,
	const char *service, gint64 seconds, GError **error);
/* May `principal_arn` (a role, a session, a user; the account's root may all) do `action`
 * ("secretsmanager:GetSecretValue") on `resource` (an ARN)? By the policies that are attached and
 * inline: explicit deny first. */
gboolean iam_allows(Region *region, StoreScope global, const char *principal_arn,
	const char *action, const char *resource);
