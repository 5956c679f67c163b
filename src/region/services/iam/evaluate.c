/*
 * May a principal do it? All policies that bear on it, in the order of IAM's user guide ("Policy
 * evaluation logic"): an explicit deny anywhere; session policies; permissions boundary; identity
 * policies. Other accounts' principals and resources' own policies are their services' matter.
 */
#include <string.h>

#include "region/services/iam/internal.h"
#include "region/services/iam/policy.h"

/* ---- whose policies ---- */

typedef struct {
	const IamHolder *holder; /* NULL: unknown */
	char *name;
	gboolean root;
} Principal;

static void principal_clear(Principal *principal) {
	g_free(principal->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Principal, principal_clear)

/* "user/path/name", "role/path/name", "assumed-role/name/session", "root". */
static Principal principal_of(const char *arn) {
	g_autofree char *resource = NULL;
	Principal principal = {0};
	if (!region_arn_parse(arn, NULL, NULL, NULL, &resource))
		return principal;
	const char *last = strrchr(resource, '/');
	principal.root = g_str_equal(resource, "root");
	if (g_str_has_prefix(resource, "user/") || g_str_has_prefix(resource, "role/") ||
		g_str_has_prefix(resource, "group/")) {
		principal.holder = *resource == 'u'   ? &iam_user
				   : *resource == 'g' ? &iam_group
						      : &iam_role;
		principal.name = g_strdup(last + 1);
	} else if (g_str_has_prefix(resource, "assumed-role/")) {
		const char *name = resource + strlen("assumed-role/");
		principal.holder = &iam_role;
		principal.name = g_strndup(name, strcspn(name, "/"));
	}
	return principal;
}

static Value holder_object(Region *region, StoreScope global, const Principal *principal) {
	return principal->holder ? store_get(region_store(region), global, principal->holder->kind,
					   principal->name)
				 : VALUE_NOTHING;
}

/* ---- sums of policies ---- */

/* What the policies that were looked at say together. */
typedef struct {
	const PolicyRequest *request;
	PolicyDecision decision;
	GString *unknown; /* ARNs of attached policies whose documents are not held; or NULL */
} Sum;

static void add(Sum *sum, const char *document) {
	PolicyDecision decision = policy_evaluate_text(document, sum->request);
	sum->decision = MAX(sum->decision, decision);
}

static void add_managed(Sum *sum, Region *region, StoreScope global, const char *arn) {
	gboolean known;
	g_autofree char *document = iam_managed_document(region, global, arn, &known);
	if (document)
		add(sum, document);
	if (known)
		return;
	if (!sum->unknown)
		sum->unknown = g_string_new(NULL);
	g_string_append_printf(sum->unknown, "%s%s", sum->unknown->len ? ", " : "", arn);
}

static void add_of(Sum *sum, Region *region, StoreScope global, Value object) {
	ValueIter iter;
	const char *name;
	Value each;
	for (value_iter_init(&iter, iam_inside(object, "Inline"));
		value_iter_next(&iter, &name, &each);)
		add(sum, value_text(each));
	for (value_iter_init(&iter, iam_inside(object, "Attached"));
		value_iter_next(&iter, &name, &each);)
		add_managed(sum, region, global, name);
}

static void add_groups(Sum *sum, Region *region, StoreScope global, Value user) {
	Value groups = iam_inside(user, "Groups");
	for (gsize i = 0; i < value_length(groups); i++) {
		g_auto(Value) group = store_get(
			region_store(region), global, IAM_GROUPS, value_key_at(groups, i));
		add_of(sum, region, global, group);
	}
}

/* ---- the answer ---- */

static gboolean refuse(const IamRequest *request, PolicyDecision decision, const char *a_policy,
	const char *no_policy, const char *unknown, GError **error) {
	g_autofree char *note =
		unknown ? g_strdup_printf(" (attached, but their documents are not held by "
					  "Terrarium: %s)",
				  unknown)
			: g_strdup("");
	if (decision == POLICY_DENIES)
		wire_error_set_status(error, 403, "AccessDenied",
			"User: %s is not authorized to perform: %s on resource: %s with an "
			"explicit deny in %s",
			request->principal_arn, request->action, request->resource, a_policy);
	else
		wire_error_set_status(error, 403, "AccessDenied",
			"User: %s is not authorized to perform: %s on resource: %s because no %s "
			"allows the %s action%s",
			request->principal_arn, request->action, request->resource, no_policy,
			request->action, note);
	return FALSE;
}

static gboolean session_allows(
	const IamRequest *request, const PolicyRequest *question, GError **error) {
	Value policies = request->session_policies;
	if (value_length(policies) == 0)
		return TRUE;
	Sum sum = {.request = question};
	for (gsize i = 0; i < value_length(policies); i++)
		add(&sum, value_text(value_at(policies, i)));
	return sum.decision == POLICY_ALLOWS ||
	       refuse(request, sum.decision, "a session policy", "session policy", NULL, error);
}

static gboolean boundary_allows(Region *region, StoreScope global, Value object,
	const IamRequest *request, const PolicyRequest *question, GError **error) {
	const char *arn = value_text(
		value_get_path(object, "PermissionsBoundary", "PermissionsBoundaryArn", NULL));
	if (!arn)
		return TRUE;
	Sum sum = {.request = question};
	add_managed(&sum, region, global, arn);
	gboolean allowed =
		sum.decision == POLICY_ALLOWS ||
		refuse(request, sum.decision, "a permissions boundary", "permissions boundary",
			sum.unknown ? sum.unknown->str : NULL, error);
	if (sum.unknown)
		g_string_free(sum.unknown, TRUE);
	return allowed;
}

static gboolean identity_allows(Region *region, StoreScope global, Value object,
	const IamRequest *request, const PolicyRequest *question, GError **error) {
	Sum sum = {.request = question};
	add_of(&sum, region, global, object);
	add_groups(&sum, region, global, object);
	gboolean allowed =
		sum.decision == POLICY_ALLOWS ||
		refuse(request, sum.decision, "an identity-based policy", "identity-based policy",
			sum.unknown ? sum.unknown->str : NULL, error);
	if (sum.unknown)
		g_string_free(sum.unknown, TRUE);
	return allowed;
}

gboolean iam_authorise(Region *region, const IamRequest *request, GError **error) {
	const StoreScope global = {request->scope.account, ""};
	const PolicyRequest question = {.action = request->action,
		.resource = request->resource,
		.context = request->context};
	g_auto(Principal) principal = principal_of(request->principal_arn);
	g_auto(Value) object = holder_object(region, global, &principal);
	if (!session_allows(request, &question, error))
		return FALSE;
	if (principal.root)
		return TRUE;
	return identity_allows(region, global, object, request, &question, error) &&
	       boundary_allows(region, global, object, request, &question, error);
}

gboolean iam_allows(Region *region, StoreScope global, const char *principal_arn,
	const char *action, const char *resource) {
	g_auto(Value) context = iam_principal_context(region, principal_arn, NULL);
	const IamRequest request = {.scope = global,
		.principal_arn = principal_arn,
		.action = action,
		.resource = resource,
		.context = context};
	return iam_authorise(region, &request, NULL);
}

/* ---- what the principal tells ---- */

Value iam_principal_context(Region *region, const char *principal_arn, const char *principal_id) {
	g_autofree char *account = NULL;
	g_auto(Principal) principal = principal_of(principal_arn);
	g_autoptr(ValueBuilder) context = value_builder_new(VALUE_OBJECT, NULL);
	if (!region_arn_parse(principal_arn, NULL, NULL, &account, NULL))
		return value_empty_object();
	const StoreScope global = {account, ""};
	g_auto(Value) object = holder_object(region, global, &principal);
	/* Of a session, it is its role's. */
	const char *arn = value_text_or(value_get(object, "Arn"), principal_arn);
	value_builder_set_take(context, "aws:principalarn", value_string(arn));
	value_builder_set_take(context, "aws:principalaccount", value_string(account));
	value_builder_set_take(context, "aws:principaltype",
		value_string(principal.root			       ? "Account"
			     : strstr(principal_arn, ":assumed-role/") ? "AssumedRole"
			     : principal.holder == &iam_user	       ? "User"
								       : "Role"));
	if (principal_id)
		value_builder_set_take(context, "aws:userid", value_string(principal_id));
	if (principal.holder == &iam_user)
		value_builder_set_take(context, "aws:username", value_string(principal.name));
	g_auto(Value) tags = region_tags(region, global, arn);
	for (gsize i = 0; i < value_length(tags); i++) {
		g_autofree char *key =
			g_strdup_printf("aws:principaltag/%s", value_key_at(tags, i));
		g_autofree char *lower = g_ascii_strdown(key, -1);
		value_builder_set_take(context, lower, value_ref(value_at(tags, i)));
	}
	return value_builder_end(g_steal_pointer(&context));
}
