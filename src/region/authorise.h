/*
 * Who calls, and whether they may: keys that the region issued are verified (SigV4) and authorised
 * by IAM's policies; unknown ones are the account's administrator, as on loopback they are the
 * developer, unless the region is strict or the request comes out of a VPC.
 */
#pragma once

#include "region/region.h"
#include "region/services/iam/iam.h"
#include "wire/sigv4.h"

typedef struct {
	Region *region;
	StoreScope scope; /* account and region that the request is about; interned */
	char *arn, *id; /* of the principal */
	char *access_key_id; /* as sent, or NULL */
	IamKey *key; /* NULL: the developer, who may all */
} RegionCaller;

void region_caller_clear(RegionCaller *caller);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RegionCaller, region_caller_clear)

/* Who sent it, by its signature. The error has one of the codes MissingAuthenticationToken,
 * InvalidClientTokenId, SignatureDoesNotMatch, RequestTimeTooSkewed, RequestExpired, ExpiredToken,
 * IncompleteSignature; region_refusal_for names it as a protocol does. */
gboolean region_authenticate(
	Region *region, const WireRequest *request, RegionCaller *caller, GError **error);
/* The same of a form by its fields' claim (NULL: it has none), which signed `policy`, its Base64
 * text. */
gboolean region_authenticate_form(Region *region, const WireRequest *request,
	const SigV4Claim *claim, const char *policy, RegionCaller *caller, GError **error);
/* Whether a page of another origin sent it, which is never the developer. */
gboolean region_is_foreign(const WireRequest *request);
/* May the caller do `action` on `resource`? `context` (condition keys in lower case; may be
 * VALUE_NOTHING) goes over what is known of the request. The error is AccessDenied. For routes
 * beside the API. */
gboolean region_permit(const RegionCaller *caller, const WireRequest *request, const char *action,
	const char *resource, Value context, GError **error);
/* The same of an API call, by its operation and input: all its resources, and the roles that it
 * passes to services. */
gboolean region_permit_call(
	const RegionCaller *caller, const RegionCall *call, Value input, GError **error);
/* What is known of a request to conditions, and of its caller: keys in lower case. The caller owns
 * it. */
Value region_request_context(const RegionCaller *caller, const WireRequest *request);
/* Gives an error of these functions the code and status that a protocol uses for it. */
void region_refusal_for(WireProtocol protocol, GError **error);

/* The key pair of the account's root, for strict regions: kept in the data folder (0600, in the
 * format of AWS's shared credentials file), made when it is not there. */
gboolean region_root_key_ensure(Region *region, GError **error);

/* ---- permission.c ---- */

/* "ecs:RunTask": with the exceptions that AWS documents. Caller frees. */
char *region_action(const WireOperation *operation);
/* The ARNs that a call is about (char*): "*" where there are none, or it is not known. */
GPtrArray *region_resources(const RegionCall *call, Value input);
/* What the input tells conditions: aws:RequestTag/…, aws:TagKeys, and some of the services'. */
Value region_input_context(const RegionCall *call, Value input);
/* The roles that the input hands to services: for each, `each` is asked; stops at FALSE. */
typedef gboolean (*RegionPassedRole)(
	const char *role_arn, const char *service, gpointer data, GError **error);
gboolean region_passed_roles(
	const RegionCall *call, Value input, RegionPassedRole each, gpointer data, GError **error);
