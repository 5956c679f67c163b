/* S3's errors: their codes, statuses and sentences (API reference, "Error responses"). */
#include "region/services/s3/internal.h"

static const struct {
	const char *code;
	int status;
	const char *message;
} errors[] = {
	{"AccessControlListNotSupported", 400, "The bucket does not allow ACLs"},
	{"AccessDenied", 403, "Access Denied"},
	{"AccessForbidden", 403,
		"CORSResponse: This CORS request is not allowed. This is usually because the "
		"evalution of Origin, request method / Access-Control-Request-Method or "
		"Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."},
	{"BadDigest", 400, "The Content-MD5 you specified did not match what we received."},
	{"BucketAlreadyExists", 409,
		"The requested bucket name is not available. The bucket namespace is shared by all "
		"users of the system. Please select a different name and try again."},
	{"BucketAlreadyOwnedByYou", 409,
		"Your previous request to create the named bucket succeeded and you already own "
		"it."},
	{"BucketNotEmpty", 409, "The bucket you tried to delete is not empty"},
	{"ConditionalRequestConflict", 409,
		"The conditional request cannot succeed due to a conflicting operation against "
		"this "
		"resource."},
	{"EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size"},
	{"EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size"},
	{"ExpiredToken", 400, "The provided token has expired."},
	{"IllegalLocationConstraintException", 400,
		"The unspecified location constraint is incompatible for the region specific "
		"endpoint "
		"this request was sent to."},
	{"IncompleteBody", 400,
		"You did not provide the number of bytes specified by the Content-Length HTTP "
		"header"},
	{"InternalError", 500, "We encountered an internal error. Please try again."},
	{"IncorrectNumberOfFilesInPostRequest", 400,
		"POST requires exactly one file upload per request."},
	{"InvalidBucketName", 400, "The specified bucket is not valid."},
	{"InvalidBucketState", 409,
		"The request is not valid for the current state of the bucket."},
	{"InvalidDigest", 400, "The Content-MD5 you specified was invalid."},
	{"InvalidLocationConstraint", 400, "The specified location-constraint is not valid"},
	{"InvalidPart", 400,
		"One or more of the specified parts could not be found.  The part may not have "
		"been "
		"uploaded, or the specified entity tag may not match the part's entity tag."},
	{"InvalidPartNumber", 416, "The requested partnumber is not satisfiable"},
	{"InvalidPartOrder", 400,
		"The list of parts was not in ascending order. The parts list must be specified in "
		"order by part number."},
	{"InvalidRange", 416, "The requested range is not satisfiable"},
	{"InvalidStorageClass", 400, "The storage class you specified is not valid"},
	{"KeyTooLongError", 400, "Your key is too long"},
	{"MalformedACLError", 400,
		"The XML you provided was not well-formed or did not validate against our "
		"published "
		"schema"},
	{"MalformedPOSTRequest", 400,
		"The body of your POST request is not well-formed multipart/form-data."},
	{"MalformedXML", 400,
		"The XML you provided was not well-formed or did not validate against our "
		"published "
		"schema"},
	{"MaxPostPreDataLengthExceeded", 400,
		"Your POST request fields preceding the upload file were too large."},
	{"MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size"},
	{"MethodNotAllowed", 405, "The specified method is not allowed against this resource."},
	{"MissingContentLength", 411, "You must provide the Content-Length HTTP header."},
	{"MissingRequestBodyError", 400, "Request Body is empty"},
	{"NoSuchBucket", 404, "The specified bucket does not exist"},
	{"NoSuchBucketPolicy", 404, "The bucket policy does not exist"},
	{"NoSuchCORSConfiguration", 404, "The CORS configuration does not exist"},
	{"NoSuchKey", 404, "The specified key does not exist."},
	{"NoSuchLifecycleConfiguration", 404, "The lifecycle configuration does not exist"},
	{"NoSuchPublicAccessBlockConfiguration", 404,
		"The public access block configuration was not found"},
	{"NoSuchTagSet", 404, "The TagSet does not exist"},
	{"NoSuchUpload", 404,
		"The specified upload does not exist. The upload ID may be invalid, or the upload "
		"may "
		"have been aborted or completed."},
	{"NoSuchVersion", 404, "The specified version does not exist."},
	{"NoSuchWebsiteConfiguration", 404,
		"The specified bucket does not have a website configuration"},
	{"NotModified", 304, "Not Modified"},
	{"ObjectLockConfigurationNotFoundError", 404,
		"Object Lock configuration does not exist for this bucket"},
	{"OwnershipControlsNotFoundError", 404, "The bucket ownership controls were not found"},
	{"PermanentRedirect", 301,
		"The bucket you are attempting to access must be addressed using the specified "
		"endpoint. Please send all future requests to this endpoint."},
	{"PreconditionFailed", 412,
		"At least one of the pre-conditions you specified did not hold"},
	{"ReplicationConfigurationNotFoundError", 404,
		"The replication configuration was not found"},
	{"ServerSideEncryptionConfigurationNotFoundError", 404,
		"The server side encryption configuration was not found"},
	{"TooManyBuckets", 400, "You have attempted to create more buckets than allowed"},
	{"XAmzContentSHA256Mismatch", 400,
		"The provided 'x-amz-content-sha256' header does not match what was computed."},
};

gboolean s3_fail_about(GError **error, const char *code, const char *member, const char *text) {
	for (guint i = 0; i < G_N_ELEMENTS(errors); i++) {
		if (!g_str_equal(errors[i].code, code))
			continue;
		wire_error_set_status(error, errors[i].status, code, "%s", errors[i].message);
		if (member && error && *error)
			wire_error_set_members_take(
				*error, value_object_take(member, value_string(text), NULL));
		return FALSE;
	}
	g_return_val_if_reached(FALSE);
}

gboolean s3_fail(GError **error, const char *code) {
	return s3_fail_about(error, code, NULL, NULL);
}

gboolean s3_fail_argument(
	GError **error, const char *message, const char *name, const char *value) {
	wire_error_set_status(error, 400, "InvalidArgument", "%s", message);
	if (error && *error)
		wire_error_set_members_take(
			*error, value_object_take("ArgumentName", value_string(name),
					"ArgumentValue", value_string(value ? value : ""), NULL));
	return FALSE;
}

gboolean s3_fail_not_implemented(GError **error, const char *what) {
	wire_error_set_status(
		error, 501, "NotImplemented", "Terrarium does not implement %s of S3.", what);
	return FALSE;
}

gboolean s3_no_such_bucket(GError **error, const char *bucket) {
	return s3_fail_about(error, "NoSuchBucket", "BucketName", bucket);
}

gboolean s3_no_such_key(GError **error, const char *key) {
	return s3_fail_about(error, "NoSuchKey", "Key", key);
}
