/* libFuzzer: any bytes as an IAM policy document, checked and asked about requests. */
#include "fuzz.h"

#include "region/services/iam/policy.h"
#include "value/json.h"

static void ask(const char *text, const char *action, const char *resource, gboolean trust) {
	static const char *const principals[] = {
		"AWS:arn:aws:iam::000000000000:root", "Service:ecs-tasks.amazonaws.com", NULL};
	g_auto(Value) context = value_object_take("aws:username", value_string("ann"),
		"aws:sourceip", value_string("10.0.0.5"), "aws:currenttime",
		value_string("2026-01-02T03:04:05Z"), "aws:tagkeys",
		value_tuple_take(2, value_string("a"), value_string("b*")), "aws:securetransport",
		value_string("false"), "aws:epochtime", value_string("7"), NULL);
	const PolicyRequest request = {.action = action,
		.resource = resource,
		.context = context,
		.principals = trust ? principals : NULL};
	policy_evaluate_text(text, &request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	g_autofree char *text = g_strndup((const char *)data, size);
	for (gboolean trust = FALSE; trust <= TRUE; trust++) {
		g_autofree char *wrong = policy_check(text, trust);
		if (wrong)
			continue;
		ask(text, "s3:GetObject", "arn:aws:s3:::b/ann/1", trust);
		ask(text, "sts:AssumeRole", "*", trust);
	}
	return 0;
}
