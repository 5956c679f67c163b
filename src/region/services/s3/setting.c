/* The settings of a bucket: kept as the API's structures, and given back as they came. Those that
 * Terrarium would not act on are refused by name. */
#include <string.h>

#include "region/services/iam/policy.h"
#include "region/services/s3/internal.h"
#include "value/json.h"

#define MOST_RULES 1000 /* of a lifecycle configuration */

static char *setting_id(const char *bucket, const char *name) {
	return g_strdup_printf("%s\n%s", bucket, name);
}

Value s3_setting(Region *region, const char *bucket, const char *name) {
	g_autofree char *id = setting_id(bucket, name);
	return store_get(region_store(region), S3_EVERYWHERE, S3_SETTINGS, id);
}

void s3_setting_put(Region *region, const char *bucket, const char *name, Value setting_taken) {
	g_autofree char *id = setting_id(bucket, name);
	store_put_take(region_store(region), S3_EVERYWHERE, S3_SETTINGS, id, setting_taken);
}

gboolean s3_setting_delete(Region *region, const char *bucket, const char *name) {
	g_autofree char *id = setting_id(bucket, name);
	return store_delete(region_store(region), S3_EVERYWHERE, S3_SETTINGS, id);
}

void s3_settings_clear(Region *region, const char *bucket) {
	g_autofree char *prefix = setting_id(bucket, "");
	g_auto(StoreIter) iter =
		store_iter_prefix(region_store(region), S3_EVERYWHERE, S3_SETTINGS, prefix);
	const char *id;
	while (store_iter_next(&iter, &id, NULL))
		store_delete(region_store(region), S3_EVERYWHERE, S3_SETTINGS, id);
}

/* ---- those that are one structure ---- */

static const struct Setting {
	const char *name;
	const char *put, *get, *delete; /* operations; may be NULL */
	const char *member; /* of the input, and of the output too if `whole` */
	gboolean whole; /* the output has it as a member; else its members are the output's */
	const char *missing; /* the error's code; NULL: an empty answer */
} settings[] = {
	{"publicAccessBlock", "PutPublicAccessBlock", "GetPublicAccessBlock",
		"DeletePublicAccessBlock", "PublicAccessBlockConfiguration", TRUE,
		"NoSuchPublicAccessBlockConfiguration"},
	{"ownershipControls", "PutBucketOwnershipControls", "GetBucketOwnershipControls",
		"DeleteBucketOwnershipControls", "OwnershipControls", TRUE,
		"OwnershipControlsNotFoundError"},
	{"encryption", "PutBucketEncryption", "GetBucketEncryption", "DeleteBucketEncryption",
		"ServerSideEncryptionConfiguration", TRUE, NULL},
	{"cors", "PutBucketCors", "GetBucketCors", "DeleteBucketCors", "CORSConfiguration", FALSE,
		"NoSuchCORSConfiguration"},
	{"website", "PutBucketWebsite", "GetBucketWebsite", "DeleteBucketWebsite",
		"WebsiteConfiguration", FALSE, "NoSuchWebsiteConfiguration"},
	{"logging", "PutBucketLogging", "GetBucketLogging", NULL, "BucketLoggingStatus", FALSE,
		NULL},
	{"notification", "PutBucketNotificationConfiguration", "GetBucketNotificationConfiguration",
		NULL, "NotificationConfiguration", FALSE, NULL},
	{"requestPayment", "PutBucketRequestPayment", "GetBucketRequestPayment", NULL,
		"RequestPaymentConfiguration", FALSE, NULL},
	{"lifecycle", "PutBucketLifecycleConfiguration", "GetBucketLifecycleConfiguration",
		"DeleteBucketLifecycle", "LifecycleConfiguration", FALSE,
		"NoSuchLifecycleConfiguration"},
	{"accelerate", NULL, "GetBucketAccelerateConfiguration", NULL, NULL, FALSE, NULL},
	{"replication", NULL, "GetBucketReplication", NULL, NULL, TRUE,
		"ReplicationConfigurationNotFoundError"},
	{"objectLock", NULL, "GetObjectLockConfiguration", NULL, NULL, TRUE,
		"ObjectLockConfigurationNotFoundError"},
};

static const struct Setting *setting_of(const RegionCall *call) {
	const char *name = wire_operation_name(call->operation);
	for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
		if (g_strcmp0(settings[i].put, name) == 0 ||
			g_strcmp0(settings[i].get, name) == 0 ||
			g_strcmp0(settings[i].delete, name) == 0)
			return &settings[i];
	g_return_val_if_reached(NULL);
}

/* What a bucket has without being told. */
static Value default_of(const char *name) {
	if (g_str_equal(name, "encryption")) {
		g_auto(Value) usual =
			value_object_take("SSEAlgorithm", value_string("AES256"), NULL);
		Value rule = value_object_take("ApplyServerSideEncryptionByDefault",
			value_ref(usual), "BucketKeyEnabled", value_bool(FALSE), NULL);
		return value_object_take("Rules", value_tuple_take(1, rule), NULL);
	}
	if (g_str_equal(name, "requestPayment"))
		return value_object_take("Payer", value_string("BucketOwner"), NULL);
	return value_empty_object();
}

static Value get_setting(RegionCall *call, Value input, GError **error) {
	const struct Setting *setting = setting_of(call);
	const char *bucket = value_get_text(input, "Bucket");
	g_auto(Value) found = s3_setting(call->region, bucket, setting->name);
	if (value_is_null(found) && setting->missing) {
		s3_fail_about(error, setting->missing, "BucketName", bucket);
		return VALUE_NOTHING;
	}
	if (value_is_null(found))
		found = default_of(setting->name);
	return setting->whole ? value_object_take(setting->member, value_ref(found), NULL)
			      : value_steal(&found);
}

static Value delete_setting(RegionCall *call, Value input, GError **error) {
	const struct Setting *setting = setting_of(call);
	const char *name = value_get_text(input, "Bucket");
	s3_setting_delete(call->region, name, setting->name);
	if (g_str_equal(setting->name, "ownershipControls")) {
		g_auto(Value) bucket = s3_bucket_find(call->region, name, error);
		if (!value_is_null(bucket))
			s3_bucket_put(call->region,
				value_with_take(value_steal(&bucket), "ObjectOwnership",
					value_string("ObjectWriter")));
	}
	return VALUE_NOTHING;
}

/* ---- what is looked at before it is kept ---- */

static gboolean keep_ownership(RegionCall *call, Value wanted, const char *name, GError **error) {
	const char *rule =
		value_get_text(value_at(value_get(wanted, "Rules"), 0), "ObjectOwnership");
	g_auto(Value) bucket = s3_bucket_find(call->region, name, error);
	g_auto(Value) acl = s3_setting(call->region, name, "acl");
	if (value_is_null(bucket) || !rule)
		return rule ? FALSE : s3_fail(error, "MalformedXML");
	if (g_str_equal(rule, "BucketOwnerEnforced") && !value_is_null(acl) &&
		g_strcmp0(value_text(acl), "private") != 0) {
		wire_error_set(error, "InvalidBucketAclWithObjectOwnership",
			"Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced "
			"setting");
		return FALSE;
	}
	s3_bucket_put(call->region,
		value_with_take(value_steal(&bucket), "ObjectOwnership", value_string(rule)));
	return TRUE;
}

static gboolean check_notification(Value wanted, GError **error) {
	static const char *const members[][2] = {{"TopicConfigurations", "notifications to SNS"},
		{"QueueConfigurations", "notifications to SQS"},
		{"LambdaFunctionConfigurations", "notifications to Lambda"}};
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		if (value_length(value_get(wanted, members[i][0])) > 0)
			return s3_fail_not_implemented(error, members[i][1]);
	return TRUE;
}

static gboolean invalid(GError **error, const char *code, const char *message) {
	wire_error_set(error, code, "%s", message);
	return FALSE;
}

/* Expiration, or a transition: days or a date, which begins a day. */
static gboolean check_time(Value action, const char *days_name, GError **error) {
	double date = value_to_double(value_get(action, "Date"), 0);
	if (value_has(action, "Date") && value_has(action, days_name))
		return s3_fail(error, "MalformedXML");
	if (date > 0 && (gint64)date % 86400 != 0)
		return invalid(error, "InvalidArgument", "'Date' must be at midnight GMT");
	return TRUE;
}

static gboolean check_rule(Value rule, GError **error) {
	static const char *const actions[] = {"Expiration", "Transitions",
		"NoncurrentVersionTransitions", "NoncurrentVersionExpiration",
		"AbortIncompleteMultipartUpload"};
	Value expiration = value_get(rule, "Expiration"), moves = value_get(rule, "Transitions");
	gboolean any = FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(actions); i++)
		any |= value_has(rule, actions[i]);
	if (!any)
		return invalid(error, "InvalidRequest",
			"At least one action needs to be specified in a rule");
	if (value_has(rule, "Filter") && value_has(rule, "Prefix"))
		return s3_fail(error, "MalformedXML");
	if (value_has(expiration, "Days") && value_get_int(expiration, "Days", 0) < 1)
		return invalid(error, "InvalidArgument",
			"'Days' for Expiration action must be a positive integer");
	for (gsize i = 0; i < value_length(moves); i++)
		if (!check_time(value_at(moves, i), "Days", error))
			return FALSE;
	return check_time(expiration, "Days", error);
}

/* Rules without an id get one. */
static Value with_ids(Value wanted, GError **error) {
	g_autoptr(ValueBuilder) rules = value_builder_new(VALUE_TUPLE, NULL);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Value given = value_get(wanted, "Rules");
	if (value_length(given) == 0 || value_length(given) > MOST_RULES)
		s3_fail(error, "MalformedXML");
	for (gsize i = 0; i < value_length(given) && !*error; i++) {
		Value rule = value_ref(value_at(given, i));
		g_autofree char *id = g_uuid_string_random();
		if (!value_get_text(rule, "ID") || !*value_get_text(rule, "ID"))
			rule = value_with_take(rule, "ID", value_string(id));
		if (check_rule(rule, error) &&
			!g_hash_table_add(seen, g_strdup(value_get_text(rule, "ID"))))
			invalid(error, "InvalidArgument",
				"Rule ID must be unique. Found same ID for more than one rule");
		value_builder_add_take(rules, rule);
	}
	return value_object_take("Rules", value_builder_end(g_steal_pointer(&rules)), NULL);
}

static Value with_defaults(RegionCall *call, const struct Setting *setting, Value wanted,
	Value input, GError **error) {
	if (g_str_equal(setting->name, "lifecycle")) {
		const char *size = value_get_text(input, "TransitionDefaultMinimumObjectSize");
		return value_with_take(with_ids(wanted, error),
			"TransitionDefaultMinimumObjectSize",
			value_string(size ? size : "all_storage_classes_128K"));
	}
	Value whole = value_ref(wanted);
	static const char *const blocks[] = {"BlockPublicAcls", "IgnorePublicAcls",
		"BlockPublicPolicy", "RestrictPublicBuckets"};
	for (guint i = 0;
		i < G_N_ELEMENTS(blocks) && g_str_equal(setting->name, "publicAccessBlock"); i++)
		if (!value_has(whole, blocks[i]))
			whole = value_with_take(whole, blocks[i], value_bool(FALSE));
	return whole;
}

static gboolean check_setting(RegionCall *call, const struct Setting *setting, Value wanted,
	const char *bucket, GError **error) {
	if (g_str_equal(setting->name, "ownershipControls"))
		return keep_ownership(call, wanted, bucket, error);
	if (g_str_equal(setting->name, "notification"))
		return check_notification(wanted, error);
	if (g_str_equal(setting->name, "cors"))
		return s3_cors_check(wanted, error);
	if (g_str_equal(setting->name, "logging"))
		return s3_log_check(call->region, bucket, wanted, error);
	if (g_str_equal(setting->name, "website"))
		return s3_website_check(wanted, error);
	if (g_str_equal(setting->name, "requestPayment") &&
		g_strcmp0(value_get_text(wanted, "Payer"), "Requester") == 0)
		return s3_fail_not_implemented(error, "requester-pays buckets");
	return TRUE;
}

static Value put_setting(RegionCall *call, Value input, GError **error) {
	const struct Setting *setting = setting_of(call);
	const char *bucket = value_get_text(input, "Bucket");
	Value wanted = value_get(input, setting->member);
	if (value_is_null(wanted)) {
		s3_fail(error, "MissingRequestBodyError");
		return VALUE_NOTHING;
	}
	if (!check_setting(call, setting, wanted, bucket, error))
		return VALUE_NOTHING;
	g_autoptr(GError) local = NULL;
	g_auto(Value) kept = with_defaults(call, setting, wanted, input, &local);
	if (local) {
		g_propagate_error(error, g_steal_pointer(&local));
		return VALUE_NOTHING;
	}
	s3_setting_put(call->region, bucket, setting->name, value_ref(kept));
	if (g_str_equal(setting->name, "lifecycle"))
		return value_object_take("TransitionDefaultMinimumObjectSize",
			value_ref(value_get(kept, "TransitionDefaultMinimumObjectSize")), NULL);
	return VALUE_NOTHING;
}

/* ---- policy ---- */

static gboolean is_everyone(Value principal) {
	if (g_strcmp0(value_text(principal), "*") == 0)
		return TRUE;
	Value names = value_get(principal, "AWS");
	if (g_strcmp0(value_text(names), "*") == 0)
		return TRUE;
	for (gsize i = 0; i < value_length(names); i++)
		if (g_strcmp0(value_text(value_at(names, i)), "*") == 0)
			return TRUE;
	return FALSE;
}

/* Whether a policy lets everyone in: a statement for all principals that no condition narrows. */
static gboolean is_public(const char *text) {
	g_auto(Value) policy = value_from_json(text, -1, NULL);
	Value statements = value_get(policy, "Statement");
	gsize n = value_is_sequence(statements) ? value_length(statements) : 1;
	for (gsize i = 0; i < n; i++) {
		Value each = value_is_sequence(statements) ? value_at(statements, i) : statements;
		if (g_strcmp0(value_get_text(each, "Effect"), "Allow") == 0 &&
			is_everyone(value_get(each, "Principal")) &&
			value_length(value_get(each, "Condition")) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean check_policy(
	RegionCall *call, const char *bucket, const char *text, GError **error) {
	g_autoptr(GError) parsing = NULL;
	g_auto(Value) policy = value_from_json(text, -1, &parsing);
	if (parsing || !value_is_mapping(policy)) {
		wire_error_set(error, "MalformedPolicy",
			"Policies must be valid JSON and the first byte must be '{'");
		return FALSE;
	}
	Value statements = value_get(policy, "Statement");
	gsize n = value_is_sequence(statements) ? value_length(statements) : 1;
	for (gsize i = 0; i < n; i++) {
		Value each = value_is_sequence(statements) ? value_at(statements, i) : statements;
		const char *problem =
			!value_has(each, "Principal") && !value_has(each, "NotPrincipal")
				? "Missing required field Principal"
			: !value_has(each, "Resource") && !value_has(each, "NotResource")
				? "Missing required field Resource"
			: !value_has(each, "Action") && !value_has(each, "NotAction")
				? "Missing required field Action"
				: NULL;
		if (problem) {
			wire_error_set(error, "MalformedPolicy", "%s", problem);
			return FALSE;
		}
	}
	g_auto(Value) block = s3_setting(call->region, bucket, "publicAccessBlock");
	if (!is_public(text) || !value_get_bool(block, "BlockPublicPolicy"))
		return TRUE;
	wire_error_set_status(error, 403, "AccessDenied",
		"User: %s is not authorized to perform: s3:PutBucketPolicy on resource: "
		"\"arn:aws:s3:::%s\" because public policies are prevented by the "
		"BlockPublicPolicy "
		"setting in S3 Block Public Access.",
		call->principal_arn, bucket);
	return FALSE;
}

static Value put_policy(RegionCall *call, Value input, GError **error) {
	const char *bucket = value_get_text(input, "Bucket"),
		   *text = value_get_text(input, "Policy");
	if (!text || !g_utf8_validate(text, -1, NULL))
		wire_error_set(error, "MalformedPolicy",
			"Policies must be valid JSON and the first byte must be '{'");
	else if (check_policy(call, bucket, text, error))
		s3_setting_put(call->region, bucket, "policy", value_string(text));
	return VALUE_NOTHING;
}

static Value get_policy(RegionCall *call, Value input, GError **error) {
	const char *bucket = value_get_text(input, "Bucket");
	g_auto(Value) policy = s3_setting(call->region, bucket, "policy");
	if (!value_is_null(policy))
		return value_object_take("Policy", value_ref(policy), NULL);
	s3_fail_about(error, "NoSuchBucketPolicy", "BucketName", bucket);
	return VALUE_NOTHING;
}

static Value delete_policy(RegionCall *call, Value input, GError **error) {
	s3_setting_delete(call->region, value_get_text(input, "Bucket"), "policy");
	return VALUE_NOTHING;
}

static Value get_policy_status(RegionCall *call, Value input, GError **error) {
	g_auto(Value) policy = get_policy(call, input, error);
	const char *text = value_get_text(policy, "Policy");
	if (!text)
		return VALUE_NOTHING;
	Value status = value_object_take("IsPublic", value_bool(is_public(text)), NULL);
	return value_object_take("PolicyStatus", status, NULL);
}

const RegionOperation s3_setting_operations[] = {
	{"DeleteBucketCors", delete_setting},
	{"DeleteBucketEncryption", delete_setting},
	{"DeleteBucketLifecycle", delete_setting},
	{"DeleteBucketOwnershipControls", delete_setting},
	{"DeleteBucketPolicy", delete_policy},
	{"DeleteBucketWebsite", delete_setting},
	{"DeletePublicAccessBlock", delete_setting},
	{"GetBucketAccelerateConfiguration", get_setting, TRUE},
	{"GetBucketCors", get_setting, TRUE},
	{"GetBucketEncryption", get_setting, TRUE},
	{"GetBucketLifecycleConfiguration", get_setting, TRUE},
	{"GetBucketLogging", get_setting, TRUE},
	{"GetBucketNotificationConfiguration", get_setting, TRUE},
	{"GetBucketOwnershipControls", get_setting, TRUE},
	{"GetBucketPolicy", get_policy, TRUE},
	{"GetBucketPolicyStatus", get_policy_status, TRUE},
	{"GetBucketReplication", get_setting, TRUE},
	{"GetBucketRequestPayment", get_setting, TRUE},
	{"GetBucketWebsite", get_setting, TRUE},
	{"GetObjectLockConfiguration", get_setting, TRUE},
	{"GetPublicAccessBlock", get_setting, TRUE},
	{"PutBucketCors", put_setting},
	{"PutBucketEncryption", put_setting},
	{"PutBucketLifecycleConfiguration", put_setting},
	{"PutBucketLogging", put_setting},
	{"PutBucketNotificationConfiguration", put_setting},
	{"PutBucketOwnershipControls", put_setting},
	{"PutBucketPolicy", put_policy},
	{"PutBucketRequestPayment", put_setting},
	{"PutBucketWebsite", put_setting},
	{"PutPublicAccessBlock", put_setting},
	{NULL},
};
