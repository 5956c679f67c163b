/* The environment of a build: AWS's own variables, the buildspec's and the project's. */
#include <string.h>

#include "glass/net.h"
#include "region/services/codebuild/run.h"
#include "region/services/iam/iam.h"
#include "region/services/secretsmanager/secretsmanager.h"
#include "region/services/ssm/ssm.h"

#define API_PORT 4566
#define SECRETS "secretsmanager/secret"

typedef struct {
	Region *region;
	StoreScope scope;
	Value build;
	GPtrArray *environment, *secrets;
} Variables;

static void add(const Variables *to, const char *name, const char *value) {
	g_ptr_array_add(to->environment, g_strdup_printf("%s=%s", name, value ? value : ""));
}

static void add_secret(const Variables *to, const char *name, const char *value) {
	add(to, name, value);
	g_ptr_array_add(to->secrets, g_strdup(value));
}

/* ---- AWS's ---- */

static const char *source_version_of(Value build, const char *identifier) {
	Value versions = value_get(build, "secondarySourceVersions");
	for (gsize i = 0; i < value_length(versions); i++)
		if (g_strcmp0(value_get_text(value_at(versions, i), "sourceIdentifier"),
			    identifier) == 0)
			return value_get_text(value_at(versions, i), "sourceVersion");
	return NULL;
}

static void add_folder(const Variables *to, const char *identifier) {
	g_autofree char *folder = codebuild_source_folder(to->build, identifier);
	g_autofree char *name = g_strconcat("CODEBUILD_SRC_DIR_", identifier, NULL);
	g_autofree char *version = g_strconcat("CODEBUILD_SOURCE_VERSION_", identifier, NULL);
	const char *given = source_version_of(to->build, identifier);
	add(to, name, folder);
	if (given)
		add(to, version, given);
}

static void add_folders(const Variables *to) {
	Value inputs = codebuild_internal(to->build, "inputs");
	Value secondary = value_get(to->build, "secondarySources");
	g_autofree char *primary = codebuild_source_folder(to->build, NULL);
	add(to, "CODEBUILD_SRC_DIR", primary);
	for (gsize i = 1; i < value_length(inputs); i++)
		add_folder(to, value_get_text(value_at(inputs, i), "name"));
	for (gsize i = 0; i < value_length(secondary); i++)
		add_folder(to, value_get_text(value_at(secondary, i), "sourceIdentifier"));
}

static void add_certificates(const Variables *to) {
	static const char *const names[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
		"NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"};
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		add(to, names[i], CODEBUILD_HOME "/ca-certificates.crt");
}

static void add_aws(const Variables *to) {
	Value build = to->build;
	const char *credentials = value_text(codebuild_internal(build, "credentials"));
	g_autofree char *endpoint =
		g_strdup_printf("http://%s:%d", NET_ADDRESS_TASK_METADATA, API_PORT);
	g_autofree char *relative = g_strconcat("/v2/credentials/", credentials, NULL);
	g_autofree char *number =
		g_strdup_printf("%" G_GINT64_FORMAT, value_get_int(build, "buildNumber", 0));
	g_autofree char *start = g_strdup_printf("%" G_GINT64_FORMAT,
		(gint64)(value_to_double(value_get(build, "startTime"), 0) * 1000));
	g_autofree char *project = region_arn(
		to->scope, "codebuild", "project/%s", value_get_text(build, "projectName"));
	add(to, "AWS_REGION", to->scope.region);
	add(to, "AWS_DEFAULT_REGION", to->scope.region);
	add(to, "AWS_ENDPOINT_URL", endpoint);
	add(to, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", relative);
	add(to, "HOME", "/root");
	add(to, "CI", "true");
	add(to, "CODEBUILD_CI", "true");
	add(to, "CODEBUILD_BUILD_ARN", value_get_text(build, "arn"));
	add(to, "CODEBUILD_BUILD_ID", value_get_text(build, "id"));
	add(to, "CODEBUILD_BUILD_IMAGE",
		value_text(value_get_path(build, "environment", "image", NULL)));
	add(to, "CODEBUILD_BUILD_NUMBER", number);
	add(to, "CODEBUILD_BUILD_SUCCEEDING", "1");
	add(to, "CODEBUILD_INITIATOR", value_get_text(build, "initiator"));
	add(to, "CODEBUILD_KMS_KEY_ID", value_get_text(build, "encryptionKey"));
	add(to, "CODEBUILD_LOG_PATH",
		value_text(value_get_path(build, "logs", "streamName", NULL)));
	add(to, "CODEBUILD_PROJECT_ARN", project);
	if (value_has(build, "resolvedSourceVersion")) /* sources in S3 have none */
		add(to, "CODEBUILD_RESOLVED_SOURCE_VERSION",
			value_get_text(build, "resolvedSourceVersion"));
	add(to, "CODEBUILD_SOURCE_VERSION", value_get_text(build, "sourceVersion"));
	add(to, "CODEBUILD_SOURCE_REPO_URL",
		value_text(value_get_path(build, "source", "location", NULL)));
	add(to, "CODEBUILD_START_TIME", start);
	if (value_get_bool(value_get(build, "environment"), "privilegedMode"))
		add(to, "TERRARIUM_PRIVILEGED", "1");
	add_certificates(to);
	add_folders(to);
}

/* ---- what is kept elsewhere ---- */

static gboolean may(const Variables *to, const char *action, const char *resource, const char *code,
	GError **error) {
	const char *role = value_get_text(to->build, "serviceRole");
	if (iam_allows(to->region, (StoreScope){to->scope.account, ""}, role, action, resource))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
		"%s: AccessDeniedException: %s is not authorized to perform: %s on resource: %s",
		code, role, action, resource);
	return FALSE;
}

static gboolean add_parameter(
	const Variables *to, const char *name, const char *from, GError **error) {
	static const char code[] = "Decrypted Variables Error Message";
	g_autofree char *arn = ssm_parameter_arn(to->scope, from);
	g_autoptr(GError) local = NULL;
	if (!may(to, "ssm:GetParameters", arn, code, error))
		return FALSE;
	g_autofree char *value = ssm_resolve(to->region, to->scope, from, &local);
	if (!value) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"%s: parameter does not exist: %s", code, from);
		return FALSE;
	}
	add_secret(to, name, value);
	return TRUE;
}

/* "secret-id:json-key:stage:version", where the id is a name or an ARN, as the resolver takes it:
 * with an ARN. Caller frees. */
static char *secret_reference(const Variables *to, const char *from) {
	if (g_str_has_prefix(from, "arn:"))
		return g_strdup(from);
	gsize length = strcspn(from, ":");
	g_autofree char *name = g_strndup(from, length);
	g_auto(Value) secret = store_get(region_store(to->region), to->scope, SECRETS, name);
	const char *arn = value_get_text(secret, "ARN");
	return arn ? g_strconcat(arn, from + length, NULL) : g_strdup(name);
}

static gboolean add_manager_secret(
	const Variables *to, const char *name, const char *from, GError **error) {
	static const char code[] = "Secrets Manager Error Message";
	g_autofree char *reference = secret_reference(to, from);
	g_auto(GStrv) parts = g_strsplit(reference, ":", 8);
	g_autofree char *rest = g_strv_length(parts) > 7 ? g_strdup(parts[7]) : NULL;
	g_autofree char *arn =
		g_strndup(reference, strlen(reference) - (rest ? strlen(rest) + 1 : 0));
	g_autoptr(GError) local = NULL;
	if (!may(to, "secretsmanager:GetSecretValue", arn, code, error))
		return FALSE;
	g_autofree char *value = secretsmanager_resolve(to->region, to->scope, reference, &local);
	if (!value) {
		g_set_error(
			error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: %s", code, local->message);
		return FALSE;
	}
	add_secret(to, name, value);
	return TRUE;
}

/* ---- the whole ---- */

static gboolean add_buildspec(const Variables *to, Value spec, GError **error) {
	Value plain = value_get(spec, "variables");
	Value parameters = value_get(spec, "parameterStore");
	Value secrets = value_get(spec, "secretsManager");
	for (gsize i = 0; i < value_length(plain); i++)
		add(to, value_key_at(plain, i), value_text(value_at(plain, i)));
	for (gsize i = 0; i < value_length(parameters); i++)
		if (!add_parameter(to, value_key_at(parameters, i),
			    value_text(value_at(parameters, i)), error))
			return FALSE;
	for (gsize i = 0; i < value_length(secrets); i++)
		if (!add_manager_secret(
			    to, value_key_at(secrets, i), value_text(value_at(secrets, i)), error))
			return FALSE;
	return TRUE;
}

static gboolean add_project(const Variables *to, GError **error) {
	Value all = value_get_path(to->build, "environment", "environmentVariables", NULL);
	for (gsize i = 0; i < value_length(all); i++) {
		const char *name = value_get_text(value_at(all, i), "name");
		const char *value = value_text_or(value_get(value_at(all, i), "value"), "");
		const char *type = value_text_or(value_get(value_at(all, i), "type"), "PLAINTEXT");
		gboolean fine = TRUE;
		if (g_str_equal(type, "PARAMETER_STORE"))
			fine = add_parameter(to, name, value, error);
		else if (g_str_equal(type, "SECRETS_MANAGER"))
			fine = add_manager_secret(to, name, value, error);
		else
			add(to, name, value);
		if (!fine)
			return FALSE;
	}
	return TRUE;
}

char **codebuild_variables(Region *region, StoreScope scope, Value build, Value spec,
	GPtrArray *secrets, GError **error) {
	Variables to = {region, scope, build, g_ptr_array_new_with_free_func(g_free), secrets};
	g_autoptr(GPtrArray) environment = to.environment;
	if (!add_buildspec(&to, spec, error) || !add_project(&to, error))
		return NULL;
	add_aws(&to);
	g_ptr_array_add(environment, NULL);
	return g_strdupv((char **)environment->pdata);
}
