/* Objects of Elastic Load Balancing: ARNs, finding, pages. */
#include <string.h>

#include "region/services/elbv2/internal.h"

/* ---- objects ---- */

Value elbv2_view_take(Value object) {
	return value_is_null(object) ? object : value_without_take(object, ELBV2_INTERNAL);
}

Value elbv2_with_internal(Value object, const char *member, Value value) {
	Value before = value_get(object, ELBV2_INTERNAL);
	Value internal = value_is_null(before) ? value_empty_object() : value_ref(before);
	return value_with_take(object, ELBV2_INTERNAL, value_with_take(internal, member, value));
}

typedef struct {
	const char *kind, *resource, *code, *what, *message;
} Kind;

static const Kind kinds[] = {
	{ELBV2_LOAD_BALANCER, "loadbalancer/", "LoadBalancerNotFound", "load balancer",
		"Load balancer '%s' not found"},
	{ELBV2_LISTENER, "listener/", "ListenerNotFound", "listener",
		"One or more listeners not found"},
	{ELBV2_RULE, "listener-rule/", "RuleNotFound", "rule", "One or more rules not found"},
	{ELBV2_TARGET_GROUP, "targetgroup/", "TargetGroupNotFound", "target group",
		"One or more target groups not found"},
};

static const Kind *find_kind(const char *name) {
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_equal(kinds[i].kind, name))
			return &kinds[i];
	g_return_val_if_reached(NULL);
}

Value elbv2_find(RegionCall *call, const char *kind, const char *arn, GError **error) {
	const Kind *known = find_kind(kind);
	g_autofree char *resource = NULL, *service = NULL;
	if (!region_arn_parse(arn, &service, NULL, NULL, &resource) ||
		!g_str_equal(service, "elasticloadbalancing") ||
		!g_str_has_prefix(resource, known->resource)) {
		wire_error_set(error, "ValidationError", "'%s' is not a valid %s ARN",
			arn ? arn : "", known->what);
		return VALUE_NOTHING;
	}
	Value object = store_get(region_store(call->region), call->scope, kind, arn);
	if (!value_is_null(object))
		return object;
	if (g_str_equal(kind, ELBV2_LOAD_BALANCER))
		wire_error_set(error, known->code, "Load balancer '%s' not found", arn);
	else
		wire_error_set(error, known->code, "%s", known->message);
	return VALUE_NOTHING;
}

void elbv2_put(RegionCall *call, const char *kind, const char *arn, Value object_taken) {
	store_put_take(region_store(call->region), call->scope, kind, arn, object_taken);
}

void elbv2_forget(RegionCall *call, const char *kind, const char *arn) {
	store_delete(region_store(call->region), call->scope, kind, arn);
	region_tags_clear(call->region, call->scope, arn);
}

Value elbv2_page(Value input, const char *member, Value items_taken, GError **error) {
	static const RegionPaging paging = {
		"PageSize", "Marker", "NextMarker", 400, "ValidationError"};
	return region_page_answer(input, &paging, member, items_taken, error);
}

gboolean elbv2_has_text(Value texts, const char *text) {
	for (gsize i = 0; i < value_length(texts); i++)
		if (g_strcmp0(value_text(value_at(texts, i)), text) == 0)
			return TRUE;
	return FALSE;
}

gboolean elbv2_check_name(const char *name, const char *what, GError **error) {
	gsize length = strlen(name);
	const char *problem = NULL;
	if (length == 0 || length > 32)
		problem = "cannot be longer than '32' characters";
	else if (name[0] == '-' || name[length - 1] == '-')
		problem = "cannot begin or end with '-'";
	else if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") !=
		 length)
		problem = "can only contain characters that are alphanumeric characters and "
			  "hyphens(-)";
	else if (g_str_has_prefix(name, "internal-"))
		problem = "cannot begin with 'internal-'";
	if (!problem)
		return TRUE;
	wire_error_set(error, "ValidationError", "%s name '%s' %s", what, name, problem);
	return FALSE;
}

/* ---- ARNs ---- */

/* `arn` with one word before its first '/' instead of another, without its last `drop` parts. */
static char *rename_arn(const char *arn, const char *word, guint drop) {
	const char *slash = strchr(arn, '/');
	const char *colon = slash ? g_strrstr_len(arn, slash - arn, ":") : NULL;
	if (!colon)
		return g_strdup("");
	g_autofree char *path = g_strdup(slash);
	for (guint i = 0; i < drop; i++) {
		char *last = strrchr(path, '/');
		if (last)
			*last = '\0';
	}
	return g_strdup_printf("%.*s%s%s", (int)(colon + 1 - arn), arn, word, path);
}

char *elbv2_listener_of_rule(const char *rule_arn) {
	return rename_arn(rule_arn, "listener", 1);
}

char *elbv2_balancer_of(const char *arn) {
	return rename_arn(arn, "loadbalancer", strstr(arn, ":listener-rule/") ? 2 : 1);
}

char *elbv2_listener_prefix(const char *balancer_arn) {
	g_autofree char *arn = rename_arn(balancer_arn, "listener", 0);
	return g_strconcat(arn, "/", NULL);
}

char *elbv2_rule_prefix(const char *listener_arn) {
	g_autofree char *arn = rename_arn(listener_arn, "listener-rule", 0);
	return g_strconcat(arn, "/", NULL);
}

const char *elbv2_id(const char *arn) {
	const char *slash = strrchr(arn, '/');
	return slash ? slash + 1 : arn;
}
