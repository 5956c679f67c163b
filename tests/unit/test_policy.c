/* IAM's policy evaluator: statements, patterns, variables, conditions. */
#include <glib.h>

#include "region/services/iam/policy.h"
#include "value/json.h"

/* A document with one statement of those members. */
static PolicyDecision ask(
	const char *statement, const char *action, const char *resource, const char *context_json) {
	g_autofree char *text =
		g_strdup_printf("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statement);
	g_autofree char *wrong = policy_check(text, FALSE);
	g_assert_cmpstr(wrong, ==, NULL);
	g_autoptr(GError) error = NULL;
	g_auto(Value) context = value_from_json(context_json, -1, &error);
	g_assert_no_error(error);
	const PolicyRequest request = {.action = action, .resource = resource, .context = context};
	return policy_evaluate_text(text, &request);
}

static void test_actions(void) {
	static const char statement[] = "{\"Effect\":\"Allow\",\"Action\":[\"ecs:Describe*\",\"S3:"
					"getobject\"],\"Resource\":\"*\"}";
	g_assert_cmpint(ask(statement, "ecs:DescribeTasks", "*", "{}"), ==, POLICY_ALLOWS);
	g_assert_cmpint(ask(statement, "s3:GetObject", "*", "{}"), ==, POLICY_ALLOWS);
	g_assert_cmpint(ask(statement, "ecs:RunTask", "*", "{}"), ==, POLICY_SILENT);
	static const char others[] =
		"{\"Effect\":\"Allow\",\"NotAction\":\"iam:*\",\"Resource\":\"*\"}";
	g_assert_cmpint(ask(others, "ecs:RunTask", "*", "{}"), ==, POLICY_ALLOWS);
	g_assert_cmpint(ask(others, "iam:GetUser", "*", "{}"), ==, POLICY_SILENT);
}

static void test_resources(void) {
	static const char statement[] =
		"{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":["
		"\"arn:aws:s3:::b/${aws:username}/*\",\"arn:aws:s3:::x?\"]}";
	static const char ann[] = "{\"aws:username\":\"ann\"}";
	g_assert_cmpint(
		ask(statement, "s3:GetObject", "arn:aws:s3:::b/ann/1", ann), ==, POLICY_ALLOWS);
	g_assert_cmpint(
		ask(statement, "s3:GetObject", "arn:aws:s3:::b/bob/1", ann), ==, POLICY_SILENT);
	g_assert_cmpint(
		ask(statement, "s3:GetObject", "arn:aws:s3:::b/ann/1", "{}"), ==, POLICY_SILENT);
	g_assert_cmpint(ask(statement, "s3:GetObject", "arn:aws:s3:::xy", "{}"), ==, POLICY_ALLOWS);
	/* What a variable stands for is no pattern. */
	g_assert_cmpint(
		ask(statement, "s3:GetObject", "arn:aws:s3:::b/bob/1", "{\"aws:username\":\"*\"}"),
		==, POLICY_SILENT);
	static const char but[] =
		"{\"Effect\":\"Allow\",\"Action\":\"*\",\"NotResource\":\"arn:aws:s3:::b/*\"}";
	g_assert_cmpint(ask(but, "s3:GetObject", "arn:aws:s3:::c/1", "{}"), ==, POLICY_ALLOWS);
	g_assert_cmpint(ask(but, "s3:GetObject", "arn:aws:s3:::b/1", "{}"), ==, POLICY_SILENT);
	static const char otherwise[] = "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":"
					"\"arn:aws:s3:::${aws:username, 'none'}\"}";
	g_assert_cmpint(
		ask(otherwise, "s3:ListBucket", "arn:aws:s3:::none", "{}"), ==, POLICY_ALLOWS);
}

static void test_deny_wins(void) {
	static const char both[] =
		"{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
		"{\"Effect\":\"Deny\",\"Action\":\"s3:Delete*\",\"Resource\":\"*\"}";
	g_assert_cmpint(ask(both, "s3:DeleteObject", "*", "{}"), ==, POLICY_DENIES);
	g_assert_cmpint(ask(both, "s3:GetObject", "*", "{}"), ==, POLICY_ALLOWS);
}

typedef struct {
	const char *condition, *context;
	gboolean holds;
} ConditionCase;

static const ConditionCase conditions[] = {
	{"{\"StringEquals\":{\"aws:PrincipalTag/team\":[\"a\",\"b\"]}}",
		"{\"aws:principaltag/team\":\"b\"}", TRUE},
	{"{\"StringEquals\":{\"k\":\"a\"}}", "{\"k\":\"A\"}", FALSE},
	{"{\"StringEquals\":{\"k\":\"a*\"}}", "{\"k\":\"ab\"}", FALSE},
	{"{\"StringEqualsIgnoreCase\":{\"k\":\"a\"}}", "{\"k\":\"A\"}", TRUE},
	{"{\"StringLike\":{\"k\":\"a*\"}}", "{\"k\":\"ab\"}", TRUE},
	{"{\"StringLike\":{\"k\":\"a${*}\"}}", "{\"k\":\"ab\"}", FALSE},
	{"{\"StringLike\":{\"k\":\"a${*}\"}}", "{\"k\":\"a*\"}", TRUE},
	{"{\"StringEquals\":{\"k\":\"${other}\"}}", "{\"k\":\"v\",\"other\":\"v\"}", TRUE},
	{"{\"StringEquals\":{\"k\":\"v\"}}", "{}", FALSE},
	{"{\"StringEqualsIfExists\":{\"k\":\"v\"}}", "{}", TRUE},
	{"{\"StringEqualsIfExists\":{\"k\":\"v\"}}", "{\"k\":\"w\"}", FALSE},
	{"{\"StringNotEquals\":{\"k\":[\"v\",\"w\"]}}", "{\"k\":\"w\"}", FALSE},
	{"{\"StringNotEquals\":{\"k\":\"v\"}}", "{}", TRUE},
	{"{\"StringNotLike\":{\"k\":\"v*\"}}", "{\"k\":\"xv\"}", TRUE},
	{"{\"NumericLessThan\":{\"k\":\"10\"}}", "{\"k\":\"9\"}", TRUE},
	{"{\"NumericLessThan\":{\"k\":10}}", "{\"k\":\"10\"}", FALSE},
	{"{\"NumericGreaterThanEquals\":{\"k\":\"10\"}}", "{\"k\":\"10\"}", TRUE},
	{"{\"NumericEquals\":{\"k\":\"ten\"}}", "{\"k\":\"10\"}", FALSE},
	{"{\"DateGreaterThan\":{\"k\":\"2020-01-01T00:00:00Z\"}}",
		"{\"k\":\"2021-05-01T10:00:00Z\"}", TRUE},
	{"{\"DateLessThan\":{\"k\":\"2020-01-01\"}}", "{\"k\":\"2021-05-01T10:00:00Z\"}", FALSE},
	{"{\"DateEquals\":{\"k\":\"1970-01-01T00:01:00Z\"}}", "{\"k\":\"60\"}", TRUE},
	{"{\"Bool\":{\"k\":true}}", "{\"k\":\"true\"}", TRUE},
	{"{\"Bool\":{\"aws:SecureTransport\":\"true\"}}", "{\"aws:securetransport\":\"false\"}",
		FALSE},
	{"{\"IpAddress\":{\"k\":[\"10.0.0.0/8\",\"192.168.1.1\"]}}", "{\"k\":\"10.1.2.3\"}", TRUE},
	{"{\"IpAddress\":{\"k\":\"192.168.1.1\"}}", "{\"k\":\"192.168.1.2\"}", FALSE},
	{"{\"NotIpAddress\":{\"k\":\"10.0.0.0/8\"}}", "{\"k\":\"11.0.0.1\"}", TRUE},
	{"{\"ArnLike\":{\"k\":\"arn:aws:ecs:*:1:cluster/*\"}}",
		"{\"k\":\"arn:aws:ecs:us-east-1:1:cluster/a\"}", TRUE},
	{"{\"ArnLike\":{\"k\":\"arn:aws:ecs:*:cluster/*\"}}",
		"{\"k\":\"arn:aws:ecs:us-east-1:1:cluster/a\"}", FALSE},
	{"{\"ArnNotEquals\":{\"k\":\"arn:aws:ecs:*:1:cluster/*\"}}",
		"{\"k\":\"arn:aws:ecs:us-east-1:1:cluster/a\"}", FALSE},
	{"{\"Null\":{\"k\":\"true\"}}", "{}", TRUE},
	{"{\"Null\":{\"k\":\"false\"}}", "{}", FALSE},
	{"{\"Null\":{\"k\":false}}", "{\"k\":\"v\"}", TRUE},
	{"{\"ForAllValues:StringEquals\":{\"k\":[\"a\",\"b\"]}}", "{\"k\":[\"a\",\"b\"]}", TRUE},
	{"{\"ForAllValues:StringEquals\":{\"k\":[\"a\",\"b\"]}}", "{\"k\":[\"a\",\"c\"]}", FALSE},
	{"{\"ForAllValues:StringEquals\":{\"k\":\"a\"}}", "{}", TRUE},
	{"{\"ForAnyValue:StringEquals\":{\"k\":[\"a\",\"b\"]}}", "{\"k\":[\"a\",\"c\"]}", TRUE},
	{"{\"ForAnyValue:StringEquals\":{\"k\":\"a\"}}", "{}", FALSE},
	{"{\"ForAnyValue:StringNotEquals\":{\"k\":\"a\"}}", "{\"k\":[\"a\",\"c\"]}", TRUE},
	{"{\"ForAllValues:StringNotEquals\":{\"k\":\"a\"}}", "{\"k\":[\"a\",\"c\"]}", FALSE},
	/* All operators and keys must hold. */
	{"{\"StringEquals\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"a\":\"1\",\"b\":\"3\"}", FALSE},
	{"{\"StringEquals\":{\"a\":\"1\"},\"Bool\":{\"b\":\"true\"}}",
		"{\"a\":\"1\",\"b\":\"true\"}", TRUE},
};

static void test_conditions(void) {
	for (guint i = 0; i < G_N_ELEMENTS(conditions); i++) {
		const ConditionCase *each = &conditions[i];
		g_autofree char *statement =
			g_strdup_printf("{\"Effect\":\"Allow\",\"Action\":\"*\","
					"\"Resource\":\"*\",\"Condition\":%s}",
				each->condition);
		if ((ask(statement, "x:Y", "*", each->context) == POLICY_ALLOWS) != each->holds)
			g_error("%s of %s should be %s", each->condition, each->context,
				each->holds ? "true" : "false");
	}
}

static PolicyDecision ask_trust(const char *principal, const char *who) {
	g_autofree char *text = g_strdup_printf("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
						"\"sts:AssumeRole\",\"Principal\":%s}}",
		principal);
	g_autofree char *wrong = policy_check(text, TRUE);
	g_assert_cmpstr(wrong, ==, NULL);
	const char *const principals[] = {who, NULL};
	const PolicyRequest request = {.action = "sts:AssumeRole",
		.resource = "arn:aws:iam::000000000000:role/r",
		.principals = principals};
	return policy_evaluate_text(text, &request);
}

static void test_principals(void) {
	static const char user[] = "AWS:arn:aws:iam::000000000000:user/ann";
	g_assert_cmpint(
		ask_trust("{\"Service\":[\"ecs.amazonaws.com\",\"ecs-tasks.amazonaws.com\"]}",
			"Service:ecs-tasks.amazonaws.com"),
		==, POLICY_ALLOWS);
	g_assert_cmpint(ask_trust("{\"Service\":\"ecs.amazonaws.com\"}", user), ==, POLICY_SILENT);
	g_assert_cmpint(ask_trust("\"*\"", user), ==, POLICY_ALLOWS);
	g_assert_cmpint(ask_trust("{\"AWS\":\"000000000000\"}", user), ==, POLICY_ALLOWS);
	g_assert_cmpint(
		ask_trust("{\"AWS\":\"arn:aws:iam::000000000000:root\"}", user), ==, POLICY_ALLOWS);
	g_assert_cmpint(ask_trust("{\"AWS\":\"111111111111\"}", user), ==, POLICY_SILENT);
	g_assert_cmpint(ask_trust("{\"AWS\":\"arn:aws:iam::000000000000:user/bob\"}", user), ==,
		POLICY_SILENT);
}

static void test_check(void) {
	static const char *const bad[] = {"{", "[]", "{\"Statement\":[]}",
		"{\"Statement\":[{\"Effect\":\"Maybe\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
		"{\"Statement\":[{\"Effect\":\"Allow\",\"Resource\":\"*\"}]}",
		"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\"}]}",
		"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":{\"a\":1},\"Resource\":\"*\"}]}",
		"{\"Version\":\"2020-01-01\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
		"\"Resource\":\"*\"}]}",
		"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
		"\"Condition\":{\"StringIs\":{\"a\":\"b\"}}}]}",
		"{\"Statement\":[\"text\"]}"};
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *wrong = policy_check(bad[i], FALSE);
		g_assert_nonnull(wrong);
	}
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/actions", test_actions);
	g_test_add_func("/policy/resources", test_resources);
	g_test_add_func("/policy/deny", test_deny_wins);
	g_test_add_func("/policy/conditions", test_conditions);
	g_test_add_func("/policy/principals", test_principals);
	g_test_add_func("/policy/check", test_check);
	return g_test_run();
}
