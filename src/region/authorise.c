/* Who calls, and whether they may. See authorise.h. */
#include "region/authorise.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "region/internal.h"

#define DEFAULT_ACCOUNT "000000000000"
#define DEFAULT_REGION "us-east-1"

void region_caller_clear(RegionCaller *caller) {
	g_clear_pointer(&caller->arn, g_free);
	g_clear_pointer(&caller->id, g_free);
	g_clear_pointer(&caller->access_key_id, g_free);
	g_clear_pointer(&caller->key, iam_key_free);
}

/* ---- who ---- */

static gboolean is_account(const char *key) {
	return strlen(key) == 12 && strspn(key, "0123456789") == 12;
}

static gboolean must_be_known(Region *region, const WireRequest *request) {
	return region->strict || request->vpc || region_is_foreign(request);
}

/* Account and region that the developer names: by the key, if it is an account's number, and the
 * signature's scope. */
static gboolean take_developer(RegionCaller *caller, const SigV4Claim *claim) {
	const char *key = claim ? claim->access_key_id : "";
	const char *account = is_account(key) ? key : DEFAULT_ACCOUNT;
	caller->scope.account = g_intern_string(account);
	caller->scope.region = g_intern_string(claim ? claim->region : DEFAULT_REGION);
	caller->arn = g_strdup_printf("arn:aws:iam::%s:root", account);
	caller->id = g_strdup(account);
	return TRUE;
}

static gboolean unknown_key(GError **error) {
	wire_error_set_status(error, 403, "InvalidClientTokenId",
		"The security token included in the request is invalid.");
	return FALSE;
}

/* `policy` is what the claim of a form signed; else NULL. */
static gboolean verify(RegionCaller *caller, const SigV4Claim *claim, const WireRequest *request,
	const char *policy, GError **error) {
	const IamKey *key = caller->key;
	gint64 now = region_now(caller->region) / G_USEC_PER_SEC;
	if (!key->active || g_strcmp0(key->token, claim->session_token) != 0)
		return unknown_key(error);
	/* Callers sign by their own clocks, which no test steps. */
	gint64 real = g_get_real_time() / G_USEC_PER_SEC;
	if (!(policy ? sigv4_verify_policy(claim, policy, key->secret, error)
		     : sigv4_verify(claim, request, key->secret, real, error)))
		return FALSE;
	if (key->expires && key->expires <= now) {
		wire_error_set_status(error, 403, "ExpiredToken",
			"The security token included in the request is expired");
		return FALSE;
	}
	caller->scope.account = g_intern_string(key->account);
	caller->scope.region = g_intern_string(claim->region);
	caller->arn = g_strdup(key->arn);
	caller->id = g_strdup(key->id);
	iam_key_used(caller->region, key->access_key_id, claim->service, claim->region);
	return TRUE;
}

gboolean region_authenticate_form(Region *region, const WireRequest *request,
	const SigV4Claim *claim, const char *policy, RegionCaller *caller, GError **error) {
	caller->region = region;
	caller->access_key_id = claim ? g_strdup(claim->access_key_id) : NULL;
	caller->key = claim ? iam_key_get(region, claim->access_key_id) : NULL;
	if (caller->key)
		return verify(caller, claim, request, policy, error);
	if (!must_be_known(region, request))
		return take_developer(caller, claim);
	if (claim)
		return unknown_key(error);
	wire_error_set_status(error, 403, "MissingAuthenticationToken",
		"Request is missing Authentication Token");
	return FALSE;
}

gboolean region_authenticate(
	Region *region, const WireRequest *request, RegionCaller *caller, GError **error) {
	g_autoptr(GError) local = NULL;
	g_autoptr(SigV4Claim) claim = sigv4_claim(request, &local);
	if (!local)
		return region_authenticate_form(region, request, claim, NULL, caller, error);
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

/* ---- whether ---- */

Value region_request_context(const RegionCaller *caller, const WireRequest *request) {
	gint64 now = region_now(caller->region) / G_USEC_PER_SEC;
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now);
	g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
	g_auto(Value) principal = iam_principal_context(caller->region, caller->arn, caller->id);
	Value context = value_object_take("aws:currenttime", value_string(text), "aws:epochtime",
		value_string_printf("%" G_GINT64_FORMAT, now), "aws:requestedregion",
		value_string(caller->scope.region), "aws:sourceip",
		value_string(request->peer ? request->peer : "127.0.0.1"), "aws:securetransport",
		value_string("false"), "aws:viaawsservice", value_string("false"),
		"aws:principalisawsservice", value_string("false"), NULL);
	const char *agent = g_hash_table_lookup(request->headers, "user-agent");
	if (agent)
		context = value_with_take(context, "aws:useragent", value_string(agent));
	if (request->vpc)
		context = value_with_take(context, "aws:sourcevpc", value_string(request->vpc));
	if (caller->key && caller->key->token) {
		g_autoptr(GDateTime) issued = g_date_time_new_from_unix_utc(caller->key->issued);
		g_autofree char *then = g_date_time_format(issued, "%Y-%m-%dT%H:%M:%SZ");
		context = value_with_take(context, "aws:tokenissuetime", value_string(then));
	}
	g_auto(Value) own = context;
	return value_merge(own, principal);
}

/* The tags of what is asked for, by its ARN or, in EC2, its id. */
static Value resource_context(const RegionCaller *caller, const char *resource) {
	g_autofree char *service = NULL, *region_name = NULL;
	g_autoptr(ValueBuilder) context = value_builder_new(VALUE_OBJECT, NULL);
	if (region_arn_parse(resource, &service, &region_name, NULL, NULL)) {
		const StoreScope scope = {
			caller->scope.account, *region_name ? caller->scope.region : ""};
		const char *slash = strrchr(resource, '/');
		const char *id = g_str_equal(service, "ec2") && slash ? slash + 1 : resource;
		g_auto(Value) tags = region_tags(caller->region, scope, id);
		for (gsize i = 0; i < value_length(tags); i++) {
			const char *key = value_key_at(tags, i);
			g_autofree char *global = g_strdup_printf("aws:resourcetag/%s", key);
			g_autofree char *own = g_strdup_printf("%s:resourcetag/%s", service, key);
			g_autofree char *global_lower = g_ascii_strdown(global, -1);
			g_autofree char *own_lower = g_ascii_strdown(own, -1);
			value_builder_set_take(context, global_lower, value_ref(value_at(tags, i)));
			value_builder_set_take(context, own_lower, value_ref(value_at(tags, i)));
		}
	}
	return value_builder_end(g_steal_pointer(&context));
}

/* `known` is request_context with what the call adds. */
static gboolean permit(const RegionCaller *caller, const char *action, const char *resource,
	Value known, GError **error) {
	g_auto(Value) tags = resource_context(caller, resource);
	g_auto(Value) context = value_merge(known, tags);
	const IamRequest request = {.scope = caller->scope,
		.principal_arn = caller->arn,
		.session_policies = caller->key->session_policies,
		.action = action,
		.resource = resource,
		.context = context};
	return iam_authorise(caller->region, &request, error);
}

gboolean region_permit(const RegionCaller *caller, const WireRequest *request, const char *action,
	const char *resource, Value context, GError **error) {
	if (!caller->key)
		return TRUE;
	g_auto(Value) own = region_request_context(caller, request);
	g_auto(Value) known = value_merge(own, context);
	return permit(caller, action, resource, known, error);
}

/* ---- calls ---- */

typedef struct {
	const RegionCaller *caller;
	Value known;
} Passing;

static gboolean may_pass(const char *role_arn, const char *service, gpointer data, GError **error) {
	const Passing *passing = data;
	g_auto(Value) context = value_with_take(
		value_ref(passing->known), "iam:passedtoservice", value_string(service));
	return permit(passing->caller, "iam:PassRole", role_arn, context, error);
}

/* What needs no permission: asking who one is. */
static gboolean is_free(const char *action) {
	return g_str_equal(action, "sts:GetCallerIdentity") ||
	       g_str_equal(action, "sts:GetSessionToken") ||
	       g_str_equal(action, "sts:GetAccessKeyInfo");
}

gboolean region_permit_call(
	const RegionCaller *caller, const RegionCall *call, Value input, GError **error) {
	g_autofree char *action = region_action(call->operation);
	if (!caller->key || is_free(action))
		return TRUE;
	g_auto(Value) own = region_request_context(caller, call->request);
	g_auto(Value) given = region_input_context(call, input);
	g_auto(Value) known = value_merge(own, given);
	g_autoptr(GPtrArray) resources = region_resources(call, input);
	for (guint i = 0; i < resources->len; i++)
		if (!permit(caller, action, resources->pdata[i], known, error))
			return FALSE;
	Passing passing = {caller, known};
	return region_passed_roles(call, input, may_pass, &passing, error);
}

/* ---- how each protocol says it ---- */

typedef struct {
	const char *code; /* as the functions here give it */
	const char *said;
	int status;
} Refusal;

static const Refusal json_refusals[] = {
	{"AccessDenied", "AccessDeniedException", 400},
	{"ExpiredToken", "ExpiredTokenException", 400},
	{"IncompleteSignature", "IncompleteSignatureException", 400},
	{"InvalidClientTokenId", "UnrecognizedClientException", 400},
	{"MissingAuthenticationToken", "MissingAuthenticationTokenException", 400},
	{"RequestExpired", "InvalidSignatureException", 400},
	{"RequestTimeTooSkewed", "InvalidSignatureException", 400},
	{"SignatureDoesNotMatch", "InvalidSignatureException", 400},
	{NULL},
};
static const Refusal query_refusals[] = {
	{"RequestExpired", "SignatureDoesNotMatch", 403},
	{"RequestTimeTooSkewed", "SignatureDoesNotMatch", 403},
	{NULL},
};
static const Refusal ec2_refusals[] = {
	{"AccessDenied", "UnauthorizedOperation", 403},
	{"ExpiredToken", "RequestExpired", 400},
	{"IncompleteSignature", "AuthFailure", 401},
	{"InvalidClientTokenId", "AuthFailure", 401},
	{"MissingAuthenticationToken", "AuthFailure", 401},
	{"RequestExpired", "RequestExpired", 400},
	{"RequestTimeTooSkewed", "RequestExpired", 400},
	{"SignatureDoesNotMatch", "AuthFailure", 401},
	{NULL},
};
static const Refusal xml_refusals[] = {
	{"InvalidClientTokenId", "InvalidAccessKeyId", 403},
	{"MissingAuthenticationToken", "AccessDenied", 403},
	{"RequestExpired", "AccessDenied", 403},
	{NULL},
};

static const Refusal *refusals_of(WireProtocol protocol) {
	switch (protocol) {
	case WIRE_PROTOCOL_EC2:
		return ec2_refusals;
	case WIRE_PROTOCOL_QUERY:
		return query_refusals;
	case WIRE_PROTOCOL_REST_XML:
		return xml_refusals;
	default:
		return json_refusals;
	}
}

void region_refusal_for(WireProtocol protocol, GError **error) {
	const char *prefix = protocol == WIRE_PROTOCOL_EC2 &&
					     g_str_equal(wire_error_code(*error), "AccessDenied")
				     ? "You are not authorized to perform this operation. "
				     : "";
	for (const Refusal *each = refusals_of(protocol); each->code; each++) {
		if (!g_str_equal(wire_error_code(*error), each->code))
			continue;
		g_autoptr(GError) plain = g_steal_pointer(error);
		wire_error_set_status(
			error, each->status, each->said, "%s%s", prefix, plain->message);
		return;
	}
}

/* ---- the root's key ---- */

#define ROOT_KEY_FILE "root-credentials"

static char *random_key(const char *prefix, gsize length, const char *alphabet) {
	g_autofree char *rest = text_random(length, alphabet);
	return g_strconcat(prefix, rest, NULL);
}

static gboolean write_root_key(
	const char *path, const char *id, const char *secret, GError **error) {
	g_autofree char *text = g_strdup_printf(
		"[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", id, secret);
	return g_file_set_contents_full(
		path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

gboolean region_root_key_ensure(Region *region, GError **error) {
	g_autofree char *path = g_build_filename(region->home, ROOT_KEY_FILE, NULL);
	g_autoptr(GKeyFile) file = g_key_file_new();
	gboolean there = g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL);
	if (!there && !region->strict)
		return TRUE;
	g_autofree char *id = g_key_file_get_string(file, "default", "aws_access_key_id", NULL);
	g_autofree char *secret =
		g_key_file_get_string(file, "default", "aws_secret_access_key", NULL);
	if (!id || !secret) {
		g_free(id);
		g_free(secret);
		id = random_key("AKIA", 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
		secret = random_key(
			"", 40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
		if (!write_root_key(path, id, secret, error))
			return FALSE;
	}
	if (!store_begin(region->store, error))
		return FALSE;
	iam_root_key_put(region, DEFAULT_ACCOUNT, id, secret);
	return store_commit(region->store, error);
}
