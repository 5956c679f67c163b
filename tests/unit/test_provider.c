/* The framework of the aws provider: a type described in text, planned and checked. */
#include "provider/aws/aws.h"

#include <string.h>

static const char source[] = "resource \"aws_thing\" {\n"
			     "  service = \"ec2\"\n"
			     "  schema {\n"
			     "    name   = required(string, force_new)\n"
			     "    size   = optional(number, default(3), range(1, 10))\n"
			     "    policy = optional(string, equal(\"policy\"))\n"
			     "    arn    = computed(string, changes_with(\"size\"))\n"
			     "    old    = optional(string, unsupported(\"nobody needs it\"))\n"
			     "    tags   = tags()\n"
			     "    list \"rule\" \"0..1\" {\n"
			     "      port = required(number)\n"
			     "      id   = computed(string)\n"
			     "    }\n"
			     "  }\n"
			     "  plan {\n"
			     "    replace \"size\" { when = self.size < prior.size }\n"
			     "  }\n"
			     "}\n";

static AwsType *parse(void) {
	g_autoptr(Diags) diags = diags_new();
	g_autoptr(GPtrArray) types = g_ptr_array_new();
	g_autoptr(GHashTable) services = g_hash_table_new(g_str_hash, g_str_equal);
	g_assert_true(aws_types_parse("thing.hcl", source, strlen(source), types, services, diags));
	g_assert_cmpuint(types->len, ==, 1);
	return types->pdata[0];
}

static Provider *provider_new(void) {
	g_autoptr(Diags) diags = diags_new();
	provider_aws_set_endpoint("http://127.0.0.1:9");
	Provider *provider = provider_aws_class.create();
	g_auto(Value) config = value_object_take("region", value_string("us-east-1"), NULL);
	g_assert_true(provider_aws_class.configure(provider, config, diags));
	return provider;
}

static Value shaped(const AwsType *type, const char *json) {
	g_autofree char *problem = NULL;
	g_auto(Value) plain = value_from_json(json, -1, NULL);
	Value value = aws_shape(type->block, plain, &problem);
	g_assert_null(problem);
	return value;
}

static void plan(const AwsType *type, const char *prior_json, const char *config_json,
	ProviderPlan *result) {
	g_autoptr(Diags) diags = diags_new();
	Provider *provider = provider_new();
	g_auto(Value) prior = prior_json ? shaped(type, prior_json) : VALUE_NOTHING;
	g_auto(Value) config = shaped(type, config_json);
	g_assert_true(
		aws_plan((AwsProvider *)provider, type, prior, config, config, result, diags));
	provider_aws_class.destroy(provider);
}

static void test_create(void) {
	AwsType *type = parse();
	g_auto(ProviderPlan) result = {};
	plan(type, NULL, "{\"name\":\"a\",\"tags\":{\"x\":\"y\"},\"rule\":[{\"port\":80}]}",
		&result);
	g_assert_cmpint(value_get_int(result.planned, "size", 0), ==, 3);
	g_assert_false(value_is_known(value_get(result.planned, "arn")));
	g_assert_false(value_is_known(value_get(result.planned, "id")));
	Value rule = value_at(value_get(result.planned, "rule"), 0);
	g_assert_cmpint(value_get_int(rule, "port", 0), ==, 80);
	g_assert_false(value_is_known(value_get(rule, "id")));
	g_assert_cmpstr(value_get_text(value_get(result.planned, "tags_all"), "x"), ==, "y");
	g_assert_cmpstr(value_get_text(result.planned, "region"), ==, "us-east-1");
	g_assert_cmpuint(value_length(result.requires_replace), ==, 0);
}

#define PRIOR                                                                                      \
	"{\"id\":\"i\",\"name\":\"a\",\"size\":3,\"arn\":\"arn\",\"region\":\"us-east-1\",\"tags_" \
	"all\":{},"                                                                                \
	"\"policy\":\"{\\\"Statement\\\":[{\\\"Action\\\":[\\\"s3:Get\\\"]}]}\"}"

static void test_no_change(void) {
	AwsType *type = parse();
	g_auto(ProviderPlan) result = {};
	plan(type, PRIOR,
		"{\"name\":\"a\",\"policy\":\"{\\\"Statement\\\": {\\\"Action\\\": "
		"\\\"s3:Get\\\"}}\"}",
		&result);
	g_auto(Value) prior = shaped(type, PRIOR);
	g_assert_true(value_equal(result.planned, prior));
	g_assert_cmpuint(value_length(result.requires_replace), ==, 0);
}

static void test_change(void) {
	AwsType *type = parse();
	g_auto(ProviderPlan) larger = {};
	plan(type, PRIOR, "{\"name\":\"a\",\"size\":4}", &larger);
	g_assert_false(value_is_known(value_get(larger.planned, "arn")));
	g_assert_cmpstr(value_get_text(larger.planned, "id"), ==, "i");
	g_assert_cmpuint(value_length(larger.requires_replace), ==, 0);
	g_auto(ProviderPlan) smaller = {};
	plan(type, PRIOR, "{\"name\":\"a\",\"size\":2}", &smaller);
	g_assert_cmpuint(value_length(smaller.requires_replace), ==, 1);
	g_auto(ProviderPlan) renamed = {};
	plan(type, PRIOR, "{\"name\":\"b\"}", &renamed);
	g_autofree char *path = value_path_to_string(value_at(renamed.requires_replace, 0));
	g_assert_cmpstr(path, ==, "name");
}

static void test_validate(void) {
	AwsType *type = parse();
	Provider *provider = provider_new();
	g_autoptr(Diags) diags = diags_new();
	g_auto(Value) config = shaped(type, "{\"name\":\"a\",\"size\":11,\"old\":\"x\"}");
	aws_validate((AwsProvider *)provider, type, config, diags);
	g_assert_cmpuint(diags_error_count(diags), ==, 2);
	g_assert_cmpstr(diags_at(diags, 0)->summary, ==, "Invalid argument value");
	g_assert_cmpstr(diags_at(diags, 1)->summary, ==, "Unsupported argument");
	g_autofree char *path = value_path_to_string(provider_diag_path(diags_at(diags, 1)));
	g_assert_cmpstr(path, ==, "old");
	provider_aws_class.destroy(provider);
}

static void test_catalogue(void) {
	g_assert_nonnull(aws_provider_type());
	g_assert_nonnull(schema_block_attribute(aws_provider_type()->schema->block, "region"));
	g_assert_nonnull(aws_service_body("ec2"));
	g_assert_null(aws_type("aws_nothing", FALSE));
}

static void test_policy_document(void) {
	g_auto(Value) config = value_from_json("{\"statement\":[{\"actions\":[\"sts:AssumeRole\"],"
					       "\"principals\":[{\"type\":\"Service\","
					       "\"identifiers\":[\"ecs-tasks.amazonaws.com\"]}]}]}",
		-1, NULL);
	g_autofree char *problem = NULL;
	g_autofree char *text = aws_policy_document(config, &problem);
	g_assert_cmpstr(text, ==,
		"{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": "
		"\"Allow\",\n"
		"      \"Action\": \"sts:AssumeRole\",\n      \"Principal\": {\n"
		"        \"Service\": \"ecs-tasks.amazonaws.com\"\n      }\n    }\n  ]\n}");
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/provider/catalogue", test_catalogue);
	g_test_add_func("/provider/create", test_create);
	g_test_add_func("/provider/no-change", test_no_change);
	g_test_add_func("/provider/change", test_change);
	g_test_add_func("/provider/validate", test_validate);
	g_test_add_func("/provider/policy-document", test_policy_document);
	return g_test_run();
}
