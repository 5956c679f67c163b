/* terrarium init: fetches modules; providers are built in, so it only tells which there are. */
#include <stdio.h>

#include "cli/terraform/terraform.h"

static void print_provider(
	const char *source, const char *version, const char *constraints, gpointer data) {
	const Command *command = data;
	if (version) {
		if (constraints)
			printf("- %s is built in, and serves %s\n", source, constraints);
		else
			printf("- %s%s%s is built in\n", source, *version ? " v" : "", version);
		return;
	}
	printf("- %s is not available here\n", source);
	g_autofree char *names = provider_class_names();
	diags_warning(command->diags, SOURCE_NOWHERE, "Provider not available",
		"The configuration names the provider %s, which Terrarium does not have: it has "
		"those of hashicorp that are called %s. What that provider describes cannot run "
		"here, which is fine as long as "
		"there is none of it (count = 0, for_each = {}).",
		source, names);
}

static int run(int argc, char **argv) {
	g_auto(Command) command;
	command_init(&command);
	int code;
	gboolean upgrade = FALSE, reconfigure = FALSE, migrate = FALSE, backend = TRUE;
	g_autoptr(GPtrArray) settings = g_ptr_array_new_with_free_func(g_free);
	const Flag flags[] = {
		{"upgrade", FLAG_BOOL, &upgrade,
			"fetch modules anew, by the newest versions that are allowed"},
		{"reconfigure", FLAG_BOOL, &reconfigure, "accepted: backends have no effect here"},
		{"migrate-state", FLAG_BOOL, &migrate, "accepted: backends have no effect here"},
		{"backend", FLAG_BOOL, &backend, "accepted: backends have no effect here"},
		{"backend-config", FLAG_LIST, settings, "accepted: backends have no effect here"},
		{"input", FLAG_BOOL, &command.input, "accepted: nothing is asked for"},
		{"no-color", FLAG_BOOL, &command.no_color, "no colours"},
		{NULL},
	};
	if (!flags_parse(&argc, argv, flags, 0, "init [OPTION…]", &code))
		return code;
	printf("Initializing the backend...\n");
	command_install_modules(&command, "Initializing modules...", upgrade);
	command.may_be_empty = TRUE;
	if (!command_open(&command, NULL))
		return 1;
	if (engine_is_empty(command.engine)) {
		printf("Terrarium initialized in an empty directory!\n\nThe directory has no "
		       "Terraform configuration files. You may begin working\nwith Terrarium "
		       "immediately by creating Terraform configuration files.\n");
		return 0;
	}
	const char *name = engine_backend(command.engine);
	if (name)
		printf("- the \"%s\" %s does not take effect here: the state of this machine is "
		       "kept "
		       "in .terrarium/\n",
			name, g_str_equal(name, "cloud") ? "block" : "backend");
	command_print_modules(&command);
	printf("Initializing provider plugins...\n");
	engine_each_provider(command.engine, print_provider, &command);
	if (command_report(&command))
		return 1;
	printf("\nTerrarium has been successfully initialized!\n\nYou may now begin working with "
	       "Terrarium. Try running \"terrarium plan\" to see\nany changes that are required "
	       "for "
	       "your infrastructure.\n");
	return 0;
}

const CliCommand cli_command_init = {
	"init", "Fetch modules, and check that all that is needed is there", run};
