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

static void assert_rest_answer(const char *service, const char *name, const char *output_json) {
	g_autoptr(GError) error = NULL;
	const WireOperation *operation = wire_operation(wire_service(service), name);
	const WireRoute route = {wire_service(service), operation, WIRE_PROTOCOL_REST_XML};
	g_auto(Value) output = json(output_json);
	g_autoptr(WireResponse) response = wire_encode_output(&route, output, "id");
	g_auto(Value) decoded = wire_decode_output(operation, response, &error);
	g_assert_no_error(error);
	assert_json(decoded, output_json);
}

/* REST: what stands in headers, in the body, in attributes, or is the body itself. */
static void test_rest_answers(void) {
	assert_rest_answer("s3", "HeadObject",
		"{\"ETag\":\"\\\"x\\\"\",\"LastModified\":784111777,\"Metadata\":{\"a\":\"b\"}}");
	assert_rest_answer("s3", "GetBucketPolicy", "{\"Policy\":\"{}\"}");
	assert_rest_answer("s3", "GetBucketLocation", "{\"LocationConstraint\":\"eu-west-1\"}");
	assert_rest_answer("s3", "ListObjectsV2",
		"{\"CommonPrefixes\":[{\"Prefix\":\"a/\"},{\"Prefix\":\"b<&>/"
		"\"}],\"IsTruncated\":false}");
	assert_rest_answer("s3", "GetBucketAcl",
		"{\"Grants\":[{\"Grantee\":{\"ID\":\"1\",\"Type\":\"CanonicalUser\"},"
		"\"Permission\":"
		"\"READ\"}],\"Owner\":{\"ID\":\"1\"}}");
	assert_rest_answer("s3", "GetBucketLifecycleConfiguration",
		"{\"Rules\":[{\"Expiration\":{\"Days\":1},\"Filter\":{},\"ID\":\"a\",\"Status\":"
		"\"Enabled\"}],\"TransitionDefaultMinimumObjectSize\":\"all_storage_classes_"
		"128K\"}");
}

static void assert_s3(const char *method, const char *host, const char *path, const char *query,
	const char *operation) {
	g_autoptr(GError) error = NULL;
	g_autoptr(WireRequest) request = wire_request_new(method, path, query);
	wire_request_set_header(request, "host", host);
	WireRoute route;
	g_assert_true(wire_route(request, &route, &error));
	g_assert_cmpstr(wire_operation_name(route.operation), ==, operation);
}

static void test_rest_routes(void) {
	assert_s3("GET", "127.0.0.1:4566", "/b/k", "", "GetObject");
	assert_s3("GET", "b.s3.localhost:4566", "/k", "", "GetObject");
	assert_s3("GET", "b.s3.eu-west-1.amazonaws.com", "/", "list-type=2", "ListObjectsV2");
	assert_s3("GET", "s3.eu-west-1.amazonaws.com", "/b/", "", "ListObjects");
	assert_s3("GET", "s3.amazonaws.com", "/", "", "ListBuckets");
	assert_s3("PUT", "127.0.0.1", "/b", "acl", "PutBucketAcl");
	assert_s3("PUT", "127.0.0.1", "/b/k", "partNumber=1&uploadId=u", "UploadPart");
	assert_s3("POST", "127.0.0.1", "/b/k", "uploads=", "CreateMultipartUpload");
	assert_s3("POST", "127.0.0.1", "/b/k", "uploadId=u", "CompleteMultipartUpload");
	assert_s3("DELETE", "127.0.0.1", "/b/k", "uploadId=u", "AbortMultipartUpload");
	assert_s3("POST", "127.0.0.1", "/b", "delete", "DeleteObjects");
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
	assert_request("s3", "GetObject",
		"{\"Bucket\":\"b\",\"Key\":\"a b/ü+%\",\"Range\":\"bytes=0-1\"}");
	assert_request("s3", "ListParts",
		"{\"Bucket\":\"b\",\"Key\":\"k\",\"MaxParts\":3,\"UploadId\":\"u&v\"}");
	assert_request(
		"s3", "ListObjectsV2", "{\"Bucket\":\"b\",\"Delimiter\":\"/\",\"Prefix\":\"a b\"}");
	assert_request("s3", "GetBucketAcl", "{\"Bucket\":\"b\"}");
	assert_request("s3", "CopyObject",
		"{\"Bucket\":\"b\",\"CopySource\":\"c/d\",\"CopySourceIfModifiedSince\":784111777,"
		"\"Key\":\"k\",\"Metadata\":{\"x\":\"y\"}}");
	assert_request("s3", "PutObject",
		"{\"Body\":\"text\",\"Bucket\":\"b\",\"ContentType\":\"text/"
		"plain\",\"Key\":\"k\"}");
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
	g_assert_cmpstr(wire_error_code(late), ==, "RequestTimeTooSkewed");
}

/* Signed with a query as S3 and other services presign; the numbers are of the S3 API reference's
 * example "Authenticating Requests: Using Query Parameters". */
static void test_presigned(void) {
	static const char secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
	const gint64 time = 1369353600;
	g_autoptr(WireRequest) request = wire_request_new("GET", "/test.txt",
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
		"%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
		"&X-Amz-SignedHeaders=host&X-Amz-Signature="
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	wire_request_set_header(request, "Host", "examplebucket.s3.amazonaws.com");
	g_autoptr(GError) error = NULL;
	g_autoptr(SigV4Claim) claim = sigv4_claim(request, &error);
	g_assert_no_error(error);
	g_assert_true(claim->presigned);
	g_assert_true(sigv4_verify(claim, request, secret, time + 3600, &error));
	g_assert_no_error(error);
	g_assert_false(sigv4_verify(claim, request, secret, time + 86401, &error));
	g_assert_cmpstr(wire_error_code(error), ==, "RequestExpired");
}

/* The S3 API reference's "Example: PUT Object" and the seed of its chunked upload example. */
static void test_signed_payloads(void) {
	static const char secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
	const gint64 time = 1369353600;
	g_autoptr(GError) error = NULL;
	g_autoptr(WireRequest) put = wire_request_new("PUT", "/test%24file.text", "");
	wire_request_set_header(put, "Host", "examplebucket.s3.amazonaws.com");
	wire_request_set_header(put, "Date", "Fri, 24 May 2013 00:00:00 GMT");
	wire_request_set_header(put, "x-amz-date", "20130524T000000Z");
	wire_request_set_header(put, "x-amz-storage-class", "REDUCED_REDUNDANCY");
	wire_request_set_header(put, "x-amz-content-sha256",
		"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
	wire_request_set_header(put, "Authorization",
		"AWS4-HMAC-SHA256 "
		"Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
		"SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
		"Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
	g_bytes_unref(put->body);
	put->body = g_bytes_new_static("Welcome to Amazon S3.", 21);
	g_autoptr(SigV4Claim) claim = sigv4_claim(put, &error);
	g_assert_true(sigv4_verify(claim, put, secret, time, &error));
	g_assert_no_error(error);
	/* Another body under the same signature. */
	g_bytes_unref(put->body);
	put->body = g_bytes_new_static("Goodbye to Amazon S3.", 21);
	g_assert_false(sigv4_verify(claim, put, secret, time, &error));
	g_assert_cmpstr(wire_error_code(error), ==, "SignatureDoesNotMatch");
	g_clear_error(&error);

	g_autoptr(WireRequest) chunked =
		wire_request_new("PUT", "/examplebucket/chunkObject.txt", "");
	wire_request_set_header(chunked, "Host", "s3.amazonaws.com");
	wire_request_set_header(chunked, "x-amz-date", "20130524T000000Z");
	wire_request_set_header(chunked, "x-amz-storage-class", "REDUCED_REDUNDANCY");
	wire_request_set_header(
		chunked, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
	wire_request_set_header(chunked, "content-encoding", "aws-chunked");
	wire_request_set_header(chunked, "x-amz-decoded-content-length", "66560");
	wire_request_set_header(chunked, "content-length", "66824");
	wire_request_set_header(chunked, "Authorization",
		"AWS4-HMAC-SHA256 "
		"Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
		"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-"
		"date;"
		"x-amz-decoded-content-length;x-amz-storage-class,"
		"Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
	g_autoptr(SigV4Claim) seed = sigv4_claim(chunked, &error);
	g_assert_true(sigv4_verify(seed, chunked, secret, time, &error));
	g_assert_no_error(error);
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wire/requests", test_requests);
	g_test_add_func("/wire/requests/rest-answers", test_rest_answers);
	g_test_add_func("/wire/requests/rest-routes", test_rest_routes);
	g_test_add_func("/wire/answers", test_answers);
	g_test_add_func("/wire/errors", test_errors);
	g_test_add_func("/wire/validation", test_validation);
	g_test_add_func("/wire/unknown", test_unknown);
	g_test_add_func("/wire/signature", test_signature);
	g_test_add_func("/wire/presigned", test_presigned);
	g_test_add_func("/wire/signed-payloads", test_signed_payloads);
	return g_test_run();
}
