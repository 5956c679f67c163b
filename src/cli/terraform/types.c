/* terrarium types: the resource types and data sources that there are. */
#include <stdio.h>

#include "cli/terraform/terraform.h"

static void print_all(const char *what, const char *const *names) {
	for (; *names; names++)
		printf("%-8s %s\n", what, *names);
}

static int run(int argc, char **argv) {
	int code;
	const Flag flags[] = {{NULL}};
	if (!flags_parse(&argc, argv, flags, 0, "types", &code))
		return code;
	gsize n;
	const ProviderClass *const *classes = provider_classes(&n);
	for (gsize i = 0; i < n; i++) {
		Provider *provider = classes[i]->create();
		print_all("resource", classes[i]->resource_types(provider));
		print_all("data", classes[i]->data_types(provider));
		classes[i]->destroy(provider);
	}
	return 0;
}

const CliCommand cli_command_types = {"types", "List the resource types that there are", run};
