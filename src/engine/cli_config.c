/* Terraform's CLI configuration. See cli_config.h. */
#include "engine/cli_config.h"

#include <string.h>

#include "lang/lang.h"
#include "value/json.h"

static LangFile *read_config(void) {
	const char *named = g_getenv("TF_CLI_CONFIG_FILE");
	g_autofree char *usual = g_build_filename(g_get_home_dir(), ".terraformrc", NULL);
	const char *path = named && *named ? named : usual;
	g_autoptr(Diags) ignored = diags_new();
	g_autofree char *text = NULL;
	gsize length;
	return g_file_get_contents(path, &text, &length, NULL)
		       ? lang_parse(path, text, length, ignored)
		       : NULL;
}

/* A literal argument of the block of that type and label. */
static Value setting(const char *type, const char *label, const char *name) {
	g_autoptr(LangFile) file = read_config();
	const LangBody *body = file ? lang_file_body(file) : NULL;
	for (guint i = 0; body && i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		if (!g_str_equal(block->type, type) || block->n_labels != 1 ||
			!g_str_equal(block->labels[0], label))
			continue;
		const LangAttribute *attribute = lang_body_attribute(block->body, name);
		g_autoptr(Diags) ignored = diags_new();
		if (attribute)
			return lang_eval(attribute->expr, &(LangScope){0}, ignored);
	}
	return VALUE_NOTHING;
}

char *cli_config_service(const char *host, const char *service) {
	g_auto(Value) services = setting("host", host, "services");
	return g_strdup(value_get_text(services, service));
}

/* TF_TOKEN_app_example_com: dots are underscores, hyphens two of them. */
static char *token_of_environment(const char *host) {
	g_autoptr(GString) name = g_string_new("TF_TOKEN_");
	for (; *host; host++)
		g_string_append(name, *host == '.'   ? "_"
				      : *host == '-' ? "__"
						     : (const char[]){*host, '\0'});
	const char *token = g_getenv(name->str);
	return token && *token ? g_strdup(token) : NULL;
}

static char *token_of_login(const char *host) {
	g_autofree char *path =
		g_build_filename(g_get_home_dir(), ".terraform.d", "credentials.tfrc.json", NULL);
	g_autofree char *text = NULL;
	gsize length;
	if (!g_file_get_contents(path, &text, &length, NULL))
		return NULL;
	g_auto(Value) json = value_from_json(text, (gssize)length, NULL);
	return g_strdup(value_text(value_get_path(json, "credentials", host, "token", NULL)));
}

char *cli_config_token(const char *host) {
	char *token = token_of_environment(host);
	if (token)
		return token;
	g_auto(Value) own = setting("credentials", host, "token");
	return value_text(own) ? g_strdup(value_text(own)) : token_of_login(host);
}
