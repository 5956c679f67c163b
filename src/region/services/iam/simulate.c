/* SimulatePrincipalPolicy: what a principal's policies would say. */
#include <string.h>

#include "region/services/iam/internal.h"

extern const RegionService region_iam_simulation;

/* ContextEntries as a request's condition keys. */
static Value context_of(RegionCall *call, Value input, const char *arn) {
	Value context = iam_principal_context(call->region, arn, NULL);
	Value entries = value_get(input, "ContextEntries");
	for (gsize i = 0; i < value_length(entries); i++) {
		Value each = value_at(entries, i);
		const char *name = value_get_text(each, "ContextKeyName");
		if (!name)
			continue;
		g_autofree char *key = g_ascii_strdown(name, -1);
		context = value_with_take(
			context, key, value_ref(value_get(each, "ContextKeyValues")));
	}
	return context;
}

static Value result_of(RegionCall *call, const IamRequest *request) {
	g_autoptr(GError) refused = NULL;
	gboolean allowed = iam_authorise(call->region, request, &refused);
	const char *decision = allowed					   ? "allowed"
			       : strstr(refused->message, "explicit deny") ? "explicitDeny"
									   : "implicitDeny";
	return value_object_take("EvalActionName", value_string(request->action),
		"EvalResourceName", value_string(request->resource), "EvalDecision",
		value_string(decision), "MatchedStatements", value_empty_tuple(),
		"MissingContextValues", value_empty_tuple(), NULL);
}

static Value simulate(RegionCall *call, Value input, GError **error) {
	const char *arn = value_get_text(input, "PolicySourceArn");
	const char *const unserved[] = {"PolicyInputList", "PermissionsBoundaryPolicyInputList",
		"ResourcePolicy", "CallerArn", "ResourceHandlingOption"};
	for (guint i = 0; i < G_N_ELEMENTS(unserved); i++)
		if (value_has(input, unserved[i])) {
			wire_error_set_status(error, 501, "NotImplemented",
				"Terrarium does not implement %s of iam:SimulatePrincipalPolicy.",
				unserved[i]);
			return VALUE_NOTHING;
		}
	const IamHolder *holder = strstr(arn, ":user/")	   ? &iam_user
				  : strstr(arn, ":group/") ? &iam_group
							   : &iam_role;
	const char *slash = strrchr(arn, '/');
	g_auto(Value) object = iam_find_named(call, holder, slash ? slash + 1 : arn, error);
	if (value_is_null(object))
		return VALUE_NOTHING;
	g_auto(Value) context = context_of(call, input, arn);
	g_auto(Value) everything = value_tuple_take(1, value_string("*"));
	Value actions = value_get(input, "ActionNames"),
	      resources = value_get(input, "ResourceArns");
	if (value_length(resources) == 0)
		resources = everything;
	g_autoptr(ValueBuilder) results = value_builder_new(VALUE_TUPLE, NULL);
	for (gsize i = 0; i < value_length(actions); i++)
		for (gsize j = 0; j < value_length(resources); j++) {
			const IamRequest request = {.scope = call->global,
				.principal_arn = arn,
				.action = value_text(value_at(actions, i)),
				.resource = value_text(value_at(resources, j)),
				.context = context};
			value_builder_add_take(results, result_of(call, &request));
		}
	return iam_page(call, input, "EvaluationResults",
		value_builder_end(g_steal_pointer(&results)), error);
}

static const RegionOperation operations[] = {
	{"SimulatePrincipalPolicy", simulate, .reads_only = TRUE},
	{NULL},
};

const RegionService region_iam_simulation = {.name = "iam", .operations = operations};
