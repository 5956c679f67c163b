/* What other services need of IAM: roles, their sessions, keys that were issued, and the answer to
 * "may it?". Where a scope is asked for, its account decides; its region (which may be "") is only
 * what conditions on aws:SourceArn see. */
#pragma once

#include "region/region.h"

/* IAM's Role shape of an ARN (RoleName, Arn, AssumeRolePolicyDocument…), or VALUE_NOTHING. The
 * caller owns it. `global` is the account with region "". */
Value iam_role_get(Region *region, StoreScope global, const char *role_arn);
/* Credentials of a session of the role, as a service hands them to what it runs: AccessKeyId,
 * SecretAccessKey, SessionToken, Expiration (timestamp), Arn (of the session). Kept in the store,
 * renewed by calling again: the same ones while more than half of `seconds` is left. Inside the
 * open transaction. VALUE_NOTHING and an error if there is no such role or its trust policy does
 * not let `service` ("ecs-tasks.amazonaws.com"; NULL: not asked) assume it. */
Value iam_role_session(Region *region, StoreScope global, const char *role_arn, const char *session,
	const char *service, gint64 seconds, GError **error);
/* May `principal_arn` (a role, a session, a user; the account's root may all) do `action`
 * ("secretsmanager:GetSecretValue") on `resource` (an ARN)? By the policies that are attached and
 * inline: explicit deny first. */
gboolean iam_allows(Region *region, StoreScope global, const char *principal_arn,
	const char *action, const char *resource);

/* ---- the same with all that AWS tells ---- */

/* An access key that the region issued; whose it is and what it may at most. */
typedef struct {
	char *access_key_id, *secret;
	char *token; /* that must come with it; NULL: a long-term key */
	gint64 expires; /* epoch seconds; 0: never */
	gboolean active;
	char *account, *arn, *id; /* of the principal */
	Value session_policies; /* tuple of documents (text), or VALUE_NOTHING */
	gint64 issued; /* epoch seconds */
} IamKey;

/* NULL if the region never issued it. The principal may be gone meanwhile: then it is not active.
 */
IamKey *iam_key_get(Region *region, const char *access_key_id);
void iam_key_free(IamKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IamKey, iam_key_free)
/* Notes that a key was used (GetAccessKeyLastUsed): kept in memory. */
void iam_key_used(
	Region *region, const char *access_key_id, const char *service, const char *region_name);
/* Keeps a key pair of the account's root. Inside the open transaction. */
void iam_root_key_put(
	Region *region, const char *account, const char *access_key_id, const char *secret);

typedef struct {
	StoreScope scope; /* of the call */
	const char *principal_arn;
	Value session_policies; /* borrowed; or VALUE_NOTHING */
	const char *action, *resource;
	Value context; /* borrowed: condition keys in lower case -> text or tuple of texts */
} IamRequest;

/* TRUE, or FALSE with AWS's sentence: an error AccessDenied of status 403. */
gboolean iam_authorise(Region *region, const IamRequest *request, GError **error);
/* Condition keys that follow from the principal (aws:PrincipalArn, aws:username…), in lower case.
 * The caller owns it. */
Value iam_principal_context(Region *region, const char *principal_arn, const char *principal_id);
