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

/* Types live as long as the process. */
/* Types live as long as the program. */
static GPtrArray *types_new(void) {
	static GPtrArray *kept;
	if (!kept)
		kept = g_ptr_array_new();
	GPtrArray *types = g_ptr_array_new();
	g_ptr_array_add(kept, types);
	return types;
}

static const AwsType *parse(void) {
	static const AwsType *parsed;
	if (parsed)
		return parsed;
	g_autoptr(Diags) diags = diags_new();
	GPtrArray *types = types_new();
	g_autoptr(GHashTable) services = g_hash_table_new(g_str_hash, g_str_equal);
	g_assert_true(aws_types_parse("thing.hcl", source, strlen(source), types, services, diags));
	g_assert_cmpuint(types->len, ==, 1);
	return parsed = types->pdata[0];
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

/* A part stands for its lines and blocks in a schema, in steps and beside them; in another part
 * too. */
static void test_parts(void) {
	static const AwsTypeFile files[] = {
		{"thing.hcl",
			"resource \"aws_thing\" {\n  schema {\n    use \"lines\" {}\n  }\n"
			"  use \"make\" {}\n}\n",
			0},
		{"parts.hcl",
			"part \"lines\" {\n  name = required(string)\n  list \"rule\" {\n    use "
			"\"port\" {}\n  }\n}\npart \"port\" {\n  port = required(number)\n}\n"
			"part \"make\" {\n  create {\n    use \"steps\" {}\n    call \"Third\" "
			"{}\n  }\n}\npart \"steps\" {\n  call \"First\" {}\n  call \"Second\" "
			"{}\n}\n",
			0},
		{NULL}};
	AwsTypeFile sized[G_N_ELEMENTS(files)];
	for (guint i = 0; i < G_N_ELEMENTS(files); i++)
		sized[i] = (AwsTypeFile){
			files[i].name, files[i].text, files[i].text ? strlen(files[i].text) : 0};
	g_autoptr(Diags) diags = diags_new();
	GPtrArray *types = types_new();
	g_autoptr(GHashTable) services = g_hash_table_new(g_str_hash, g_str_equal);
	g_assert_true(aws_type_files_parse(sized, types, services, diags));
	const AwsType *type = types->pdata[0];
	g_assert_true(schema_block_attribute(type->schema->block, "name")->required);
	g_assert_nonnull(schema_block_attribute(
		schema_block_nested(type->schema->block, "rule")->block, "port"));
	g_assert_cmpuint(type->create->blocks->len, ==, 3);
	static const char *const calls[] = {"First", "Second", "Third"};
	for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
		g_assert_cmpstr(
			((LangBlock *)type->create->blocks->pdata[i])->labels[0], ==, calls[i]);
}

static void test_wrong_parts(void) {
	static const char *const wrong[] = {
		"resource \"aws_thing\" {\n  schema {}\n  use \"none\" {}\n}\n",
		"resource \"aws_thing\" {\n  schema {}\n  use \"itself\" {}\n}\n"
		"part \"itself\" {\n  use \"itself\" {}\n}\n",
		"resource \"aws_thing\" {\n  schema {\n    name = required(string)\n    use "
		"\"name\" {}\n  }\n}\npart \"name\" { name = required(string) }\n"};
	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(Diags) diags = diags_new();
		GPtrArray *types = types_new();
		g_autoptr(GHashTable) services = g_hash_table_new(g_str_hash, g_str_equal);
		g_assert_false(aws_types_parse(
			"thing.hcl", wrong[i], strlen(wrong[i]), types, services, diags));
		g_assert_cmpuint(diags_error_count(diags), ==, 1);
	}
}

static void test_create(void) {
	const AwsType *type = parse();
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
	const AwsType *type = parse();
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
	const AwsType *type = parse();
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
	const AwsType *type = parse();
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

/* What a data source reads, without an API. */
static Value read_data(const char *name, const char *config_json) {
	g_autoptr(Diags) diags = diags_new();
	Provider *provider = provider_new();
	g_auto(Value) config = shaped(aws_type(name, TRUE), config_json);
	g_auto(Value) state = VALUE_NOTHING;
	gboolean fine = provider_aws_class.read_data(provider, name, config, &state, NULL, diags);
	g_autofree char *shown = diags_render(diags, NULL, FALSE, 0);
	g_assert_cmpstr(shown, ==, "");
	g_assert_true(fine);
	provider_aws_class.destroy(provider);
	return value_steal(&state);
}

static void test_data(void) {
	g_auto(Value) partition = read_data("aws_partition", "{}");
	g_assert_cmpstr(value_get_text(partition, "partition"), ==, "aws");
	g_assert_cmpstr(value_get_text(partition, "reverse_dns_prefix"), ==, "com.amazonaws");
	g_auto(Value) document = read_data("aws_iam_policy_document",
		"{\"source_policy_documents\":[\"{\\\"Statement\\\":[{\\\"Sid\\\":\\\"a\\\","
		"\\\"Action\\\":"
		"\\\"x:Y\\\"}]}\"],\"statement\":[{\"sid\":\"b\",\"actions\":[\"s3:Put\",\"s3:"
		"Get\"],"
		"\"resources\":[\"*\"]}]}");
	g_assert_cmpstr(value_get_text(document, "minified_json"), ==,
		"{\"Statement\":[{\"Action\":\"x:Y\",\"Sid\":\"a\"},{\"Action\":[\"s3:Get\",\"s3:"
		"Put\"],"
		"\"Effect\":\"Allow\",\"Resource\":\"*\",\"Sid\":\"b\"}],\"Version\":\"2012-10-"
		"17\"}");
}

/* Every call that a program makes is one that the wire has a model of. */
static void check_calls(const LangBody *body, const char *service) {
	for (guint i = 0; body && i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		gboolean calls =
			g_str_equal(block->type, "call") || g_str_equal(block->type, "wait");
		LangAttribute *own = lang_body_attribute(block->body, "service");
		const char *name = own ? lang_expr_keyword(own->expr) : service;
		if (calls && !wire_operation(wire_service(name), block->labels[0]))
			g_error("%s: there is no operation %s of %s", block->type_range.filename,
				block->labels[0], name);
	}
}

static void check_type(const char *name, gboolean data) {
	const AwsType *type = aws_type(name, data);
	const LangBody *bodies[] = {
		type->create, type->read, type->update, type->delete, type->import};
	for (guint i = 0; i < G_N_ELEMENTS(bodies); i++)
		check_calls(bodies[i], type->service);
}

static void test_calls(void) {
	for (int data = 0; data < 2; data++)
		for (const char *const *name = aws_type_names(data); *name; name++)
			check_type(*name, data);
	static const char *const services[] = {
		"ec2", "ecr", "ecs", "elbv2", "logs", "rds", "secretsmanager", "servicediscovery"};
	for (guint i = 0; i < G_N_ELEMENTS(services); i++) {
		const LangBody *body = aws_service_body(services[i]);
		for (guint j = 0; j < body->blocks->len; j++)
			check_calls(((LangBlock *)body->blocks->pdata[j])->body, services[i]);
	}
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/provider/catalogue", test_catalogue);
	g_test_add_func("/provider/parts", test_parts);
	g_test_add_func("/provider/wrong-parts", test_wrong_parts);
	g_test_add_func("/provider/create", test_create);
	g_test_add_func("/provider/no-change", test_no_change);
	g_test_add_func("/provider/change", test_change);
	g_test_add_func("/provider/validate", test_validate);
	g_test_add_func("/provider/data", test_data);
	g_test_add_func("/provider/calls", test_calls);
	g_test_add_func("/provider/policy-document", test_policy_document);
	return g_test_run();
}
