/* The inside of IAM: what its files share. */
#pragma once

#include "region/services/iam/iam.h"

#define IAM_ROLES "iam/role" /* by name: the Role shape, with its policies under IAM_INTERNAL */
#define IAM_USERS "iam/user" /* the same of users; IAM_INTERNAL.Groups: names of their groups */
#define IAM_GROUPS "iam/group"
#define IAM_POLICIES "iam/policy" /* by ARN: the Policy shape, its versions under IAM_INTERNAL */
#define IAM_PROFILES "iam/instance-profile" /* by name; Role: the name of its role */
/* Keys that were issued, by access key id, in iam_issued: AccessKeyId, SecretAccessKey, Account,
 * Arn, PrincipalId, Status, CreateDate; of users UserName; of sessions SessionToken, Expires,
 * RoleName, RoleId, Policies. */
#define IAM_KEYS "iam/access-key"
#define IAM_INTERNAL "internal"
#define IAM_AWS_POLICY "arn:aws:iam::aws:policy/"

/* Where keys are kept, since a request names its account by its key only. */
extern const StoreScope iam_issued;

/* What has policies: roles, users, groups. */
typedef struct {
	const char *kind; /* in the store, by name */
	const char *member; /* of inputs, and of the shape: "RoleName" */
	const char *shape; /* "Role" */
	const char *word; /* in sentences: "role" */
} IamHolder;

extern const IamHolder iam_role, iam_user, iam_group;

/* ---- objects (common.c) ---- */

/* Finds what the input names by `holder->member`; NoSuchEntity if it is not there. Owned. */
Value iam_find(RegionCall *call, const IamHolder *holder, Value input, GError **error);
Value iam_find_named(RegionCall *call, const IamHolder *holder, const char *name, GError **error);
/* Refuses a second one of a name. */
gboolean iam_is_new(RegionCall *call, const IamHolder *holder, const char *name, GError **error);
void iam_put(RegionCall *call, const IamHolder *holder, Value object_taken);
/* What is kept beside the API's shape: read (borrowed), and set. */
Value iam_inside(Value object, const char *name);
Value iam_with_inside(Value object_taken, const char *name, Value value_taken);
/* A copy of `members` that the input has, over the object. */
Value iam_with_members(Value object_taken, Value input, const char *const *members, gsize n);
/* The shape as it is answered, with its tags. */
Value iam_view(RegionCall *call, Value object);

/* Unique ids: a prefix that says of what, and 17 characters. */
Value iam_unique_id(const char *prefix);
/* Documents are answered percent-encoded. */
Value iam_encoded(const char *document);
gboolean iam_check_document(const char *text, gboolean trust, GError **error);
void iam_no_such(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A page of a list, as IAM's lists are answered. */
Value iam_page(
	RegionCall *call, Value input, const char *member, Value items_taken, GError **error);
/* A page of all objects of a kind below the input's PathPrefix, without their tags. */
Value iam_list(
	RegionCall *call, const IamHolder *holder, Value input, const char *member, GError **error);
void iam_set_tags(RegionCall *call, Value input, Value object);
void iam_remove_tags(RegionCall *call, Value input, Value object);
/* PermissionsBoundary of an input, if it has one, over the object. */
Value iam_with_boundary(Value object_taken, Value input);

/* ---- policies that roles, users and groups have (holder.c) ---- */

/* Inline and attached policies of a name: refuses to delete what still has some. */
gboolean iam_holds_none(Value object, GError **error);
/* How many roles, users and groups have it attached. */
gint64 iam_attachment_count(Region *region, StoreScope global, const char *policy_arn);

/* ---- managed policies (managed.c) ---- */

/* The text of the default version of a customer's policy or AWS's own; NULL if there is none, or
 * (*known FALSE) if AWS has such a policy and we not its document. Caller frees. */
char *iam_managed_document(
	Region *region, StoreScope global, const char *policy_arn, gboolean *known);
/* NoSuchEntity unless it is a policy that may be attached. */
gboolean iam_is_attachable(RegionCall *call, const char *arn, GError **error);

/* ---- instance profiles (profile.c) ---- */

/* The InstanceProfile shapes that have the role: a tuple. */
Value iam_profiles_of(RegionCall *call, const char *role_name);

/* ---- keys and sessions (key.c, session.c) ---- */

/* Makes a session key of a principal and keeps it: the key object. `policies` (a tuple of texts)
 * and `role` (the Role shape, its own) may be VALUE_NOTHING. */
Value iam_session_new(Region *region, const char *account, const char *arn, const char *id,
	Value role, Value policies, gint64 seconds);
/* AccessKeyId, SecretAccessKey, SessionToken, Expiration of a key object. */
Value iam_session_credentials(Value key);
/* May they (PolicyRequest.principals) assume the role? By its trust policy. */
gboolean iam_trusts(Value role, const char *action, const char *const *principals, Value context);
/* Random secret of 40 characters, and an access key id ("AKIA", "ASIA"). Caller frees. */
char *iam_random_secret(void);
char *iam_random_key_id(const char *prefix);
/* How many keys a user has. */
gsize iam_user_key_count(RegionCall *call, const char *user);
