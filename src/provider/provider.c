/* The register of providers, and what they share. See provider.h. */
#include "provider/provider.h"

#include <string.h>

extern const ProviderClass provider_archive_class;
extern const ProviderClass provider_aws_class;
extern const ProviderClass provider_external_class;
extern const ProviderClass provider_http_class;
extern const ProviderClass provider_local_class;
extern const ProviderClass provider_null_class;
extern const ProviderClass provider_random_class;
extern const ProviderClass provider_terraform_class;
extern const ProviderClass provider_time_class;
extern const ProviderClass provider_tls_class;

static const ProviderClass *const classes[] = {&provider_archive_class, &provider_aws_class,
	&provider_external_class, &provider_http_class, &provider_local_class, &provider_null_class,
	&provider_random_class, &provider_terraform_class, &provider_time_class,
	&provider_tls_class};

const ProviderClass *const *provider_classes(gsize *n) {
	*n = G_N_ELEMENTS(classes);
	return classes;
}

char *provider_class_names(void) {
	g_autoptr(GString) names = g_string_new(NULL);
	for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
		g_string_append_printf(names, "%s%s", names->len ? ", " : "", classes[i]->name);
	return g_string_free(g_steal_pointer(&names), FALSE);
}

/* Whether "hashicorp/aws" or "registry.terraform.io/hashicorp/aws" means this class. */
static gboolean is_source(const ProviderClass *class, const char *source) {
	const char *path = strchr(class->source, '/');
	return g_str_equal(class->source, source) || (path && g_str_equal(path + 1, source));
}

const ProviderClass *provider_class(const char *name_or_source) {
	for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
		if (g_str_equal(classes[i]->name, name_or_source) ||
			is_source(classes[i], name_or_source))
			return classes[i];
	return NULL;
}

void provider_plan_clear(ProviderPlan *plan) {
	value_clear(&plan->planned);
	value_clear(&plan->requires_replace);
}

static void path_free(gpointer data) {
	value_clear(data);
	g_free(data);
}

Diag *provider_error(Diags *diags, Value path, const char *summary, const char *detail, ...) {
	va_list arguments;
	va_start(arguments, detail);
	g_autofree char *text = g_strdup_vprintf(detail, arguments);
	va_end(arguments);
	Diag *diag = diags_error(diags, SOURCE_NOWHERE, summary, "%s", text);
	Value copy = value_ref(path);
	diag->extra = g_memdup2(&copy, sizeof copy);
	diag->extra_free = path_free;
	return diag;
}

Value provider_diag_path(const Diag *diag) {
	return diag->extra_free == path_free ? *(Value *)diag->extra : VALUE_NOTHING;
}
