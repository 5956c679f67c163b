/* The wire: forms, XML and JSON both ways, routing, validation, and signatures. */
#include "value/json.h"
#include "wire/sigv4.h"
#include "wire/wire.h"

static Value json(const char *text) {
	g_autoptr(GError) error = NULL;
	Value value = value_from_json(text, -1, &error);
	g_assert_no_error(error);
	return value;
}

static void assert_json(Value value, const char *expected) {
	g_autofree char *text = value_to_json(value, VALUE_JSON_COMPACT);
	g_assert_cmpstr(text, ==, expected);
}

/* Sends `input` through the client's encoder and the server's router and decoder. */
static void assert_request(const char *service, const char *name, const char *input_json) {
	g_autoptr(GError) error = NULL;
	const WireOperation *operation = wire_operation(wire_service(service), name);
	g_auto(Value) input = json(input_json);
	g_autoptr(WireRequest) request = wire_encode_input(operation, input, &error);
	g_assert_no_error(error);
	WireRoute route;
	g_assert_true(wire_route(request, &route, &error));
	g_assert_true(route.operation == operation);
	g_auto(Value) decoded = wire_decode_input(&route, request, &error);
	g_assert_no_error(error);
	assert_json(decoded, input_json);
}

static void test_requests(void) {
	assert_request("ec2", "CreateVpc",
		"{\"CidrBlock\":\"10.0.0.0/"
		"24\",\"TagSpecifications\":[{\"ResourceType\":\"vpc\",\"Tags\":[{\"Key\":"
		"\"Name\",\"Value\":\"a b&c=é\"}]}]}");
	assert_request("ec2", "DescribeVpcs",
		"{\"Filters\":[{\"Name\":\"vpc-id\",\"Values\":[\"a\",\"b\"]}]}");
	assert_request("rds", "CreateDBSubnetGroup",
		"{\"DBSubnetGroupDescription\":\"d\",\"DBSubnetGroupName\":\"n\",\"SubnetIds\":["
		"\"s-1\",\"s-2\"],"
		"\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]}");
	assert_request("elbv2", "CreateTargetGroup",
		"{\"Matcher\":{\"HttpCode\":\"200\"},\"Name\":\"t\",\"Port\":80}");
	assert_request("ecs", "CreateCluster",
		"{\"clusterName\":\"c\",\"tags\":[{\"key\":\"k\",\"value\":\"v\"}]}");
	assert_request(
		"iam", "CreateRole", "{\"AssumeRolePolicyDocument\":\"{}\",\"RoleName\":\"r\"}");
}

static void assert_answer(const char *service, const char *name, const char *output_json) {
	g_autoptr(GError) error = NULL;
	WireRoute route = {.service = wire_service(service)};
	route.operation = wire_operation(route.service, name);
	g_auto(Value) input = value_empty_object();
	g_autoptr(WireRequest) request = wire_encode_input(route.operation, input, &error);
	g_assert_true(wire_route(request, &route, &error));
	g_auto(Value) output = json(output_json);
	g_autoptr(WireResponse) response = wire_encode_output(&route, output, "r-1");
	g_auto(Value) decoded = wire_decode_output(route.operation, response, &error);
	g_assert_no_error(error);
	assert_json(decoded, output_json);
}

static void test_answers(void) {
	assert_answer("ec2", "DescribeVpcs",
		"{\"Vpcs\":[{\"CidrBlock\":\"10.0.0.0/"
		"24\",\"IsDefault\":false,\"Tags\":[{\"Key\":\"<&>\",\"Value\":"
		"\"\"}],\"VpcId\":\"vpc-1\"}]}");
	assert_answer("sts", "GetCallerIdentity",
		"{\"Account\":\"000000000000\",\"Arn\":\"a\",\"UserId\":\"u\"}");
	assert_answer("iam", "GetRole",
		"{\"Role\":{\"Arn\":\"a\",\"CreateDate\":1700000000.5,\"Path\":\"/"
		"\",\"RoleName\":\"r\"}}");
	assert_answer("ecs", "ListClusters", "{\"clusterArns\":[\"a\",\"b\"]}");
}

static void test_errors(void) {
	static const char *const services[][2] = {
		{"ec2", "DescribeVpcs"}, {"iam", "GetRole"}, {"ecs", "ListClusters"}};
	for (guint i = 0; i < G_N_ELEMENTS(services); i++) {
		WireRoute route = {.service = wire_service(services[i][0])};
		g_autoptr(GError) error = NULL;
		g_auto(Value) input = value_empty_object();
		route.operation = wire_operation(route.service, services[i][1]);
		g_autoptr(WireRequest) request = wire_encode_input(route.operation, input, &error);
		g_assert_true(wire_route(request, &route, &error));
		wire_error_set(&error, "Some.Code", "it is <%s>", "bad");
		g_autoptr(WireResponse) response = wire_encode_error(&route, error, "r-1");
		g_assert_cmpint(response->status, ==, 400);
		g_autoptr(GError) read = NULL;
		g_auto(Value) nothing = wire_decode_output(route.operation, response, &read);
		g_assert_cmpstr(wire_error_code(read), ==, "Some.Code");
		g_assert_cmpstr(read->message, ==, "it is <bad>");
	}
}

static void assert_refused(const char *service, const char *name, const char *input_json,
	const char *code, const char *message) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) input = json(input_json);
	WireRoute route;
	g_autoptr(WireRequest) request =
		wire_encode_input(wire_operation(wire_service(service), name), input, &error);
	g_assert_true(wire_route(request, &route, &error));
	g_auto(Value) decoded = wire_decode_input(&route, request, &error);
	g_assert_cmpstr(wire_error_code(error), ==, code);
	g_assert_cmpstr(error->message, ==, message);
}

static void test_validation(void) {
	assert_refused("iam", "GetRole", "{}", "ValidationError",
		"1 validation error detected: Value null at 'roleName' failed to satisfy "
		"constraint: Member must not "
		"be null");
	assert_refused("ec2", "DeleteVpc", "{}", "MissingParameter",
		"The request must contain the parameter vpcId");
}

static void test_unknown(void) {
	g_autoptr(GError) error = NULL;
	WireRoute route;
	g_autoptr(WireRequest) request = wire_request_new("POST", "/", "");
	wire_request_set_header(
		request, "X-Amz-Target", "AmazonEC2ContainerServiceV20141113.NoSuchThing");
	g_assert_false(wire_route(request, &route, &error));
	g_assert_cmpstr(wire_error_code(error), ==, "UnknownOperationException");
	g_assert_nonnull(route.service);
}

/* "get-vanilla" of AWS's published Signature Version 4 test suite. */
static void test_signature(void) {
	g_autoptr(WireRequest) request = wire_request_new("GET", "/", "");
	wire_request_set_header(request, "Host", "example.amazonaws.com");
	const WireCredentials credentials = {
		"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL};
	const gint64 time = 1440938160;
	sigv4_sign(request, &credentials, "us-east-1", "service", time);
	g_assert_cmpstr(g_hash_table_lookup(request->headers, "authorization"), ==,
		"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
		"SignedHeaders=host;x-amz-date, "
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	g_autoptr(GError) error = NULL;
	g_autoptr(SigV4Claim) claim = sigv4_claim(request, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(claim->access_key_id, ==, "AKIDEXAMPLE");
	g_assert_cmpstr(claim->region, ==, "us-east-1");
	g_assert_true(sigv4_verify(claim, request, credentials.secret_access_key, time, &error));
	g_assert_false(sigv4_verify(claim, request, "another", time, &error));
	g_assert_cmpstr(wire_error_code(error), ==, "SignatureDoesNotMatch");
	g_autoptr(GError) late = NULL;
	g_assert_false(
		sigv4_verify(claim, request, credentials.secret_access_key, time + 3600, &late));
	g_assert_cmpstr(wire_error_code(late), ==, "RequestExpired");
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wire/requests", test_requests);
	g_test_add_func("/wire/answers", test_answers);
	g_test_add_func("/wire/errors", test_errors);
	g_test_add_func("/wire/validation", test_validation);
	g_test_add_func("/wire/unknown", test_unknown);
	g_test_add_func("/wire/signature", test_signature);
	return g_test_run();
}
