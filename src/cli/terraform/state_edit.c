/* terrarium state mv, rm, pull, push; taint and untaint: what changes the state and nothing else.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/terraform/terraform.h"
#include "engine/address.h"

#define OPERATION "OperationTypeState"

static int report_missing(Command *command) {
	diags_error(command->diags, SOURCE_NOWHERE, "Invalid target address",
		"No matching objects found. To view the available instances, use \"terrarium state "
		"list\". Please modify the address to reference a specific instance.");
	return command_report(command);
}

/* The addresses of all instances that `text` (an instance, a resource, a module) means, in order.
 */
static GPtrArray *instances_of(Command *command, const State *state, const char *text) {
	GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Address) wanted = address_parse(text, command->diags);
	g_autoptr(GPtrArray) all = state_sorted(state);
	for (guint i = 0; wanted && i < all->len; i++) {
		const StateInstance *instance = all->pdata[i];
		if (address_covers(wanted, instance->address))
			g_ptr_array_add(found, g_strdup(instance->address));
	}
	return found;
}

/* ---- mv ---- */

static int move(Command *command, const char *from, const char *to) {
	g_autoptr(State) state = command_open_state(command, OPERATION);
	if (!state)
		return 1;
	g_autoptr(Address) target = address_parse(to, command->diags);
	g_autoptr(GPtrArray) instances = instances_of(command, state, from);
	if (!target || diags_has_errors(command->diags))
		return command_report(command);
	if (instances->len == 0)
		return report_missing(command);
	for (guint i = 0; i < instances->len; i++) {
		const char *old = instances->pdata[i];
		g_autofree char *new = g_strconcat(to, old + strlen(from), NULL);
		g_autoptr(Address) parsed = address_parse(new, command->diags);
		g_autoptr(GError) error = NULL;
		if (!parsed || !parsed->type || state_instance(state, new) ||
			!state_move(state, old, new, &error)) {
			diags_error(command->diags, SOURCE_NOWHERE, "Invalid target address",
				"Cannot move to %s: %s.", new,
				error ? error->message
				      : "there is already a resource instance at that address in "
					"the current state, or it is no resource's");
			return command_report(command);
		}
	}
	printf("Move \"%s\" to \"%s\"\nSuccessfully moved %u object(s).\n", from, to,
		instances->len);
	return command_save_state(command, state);
}

/* ---- rm ---- */

static guint forget(State *state, const char *address, GError **error) {
	StateInstance *instance = state_instance(state, address);
	g_autofree char *provider = g_strdup(instance->provider);
	g_autofree gpointer *keys =
		instance->deposed ? g_hash_table_get_keys_as_array(instance->deposed, NULL) : NULL;
	g_autoptr(GPtrArray) deposed = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; keys && keys[i]; i++)
		g_ptr_array_add(deposed, g_strdup(keys[i]));
	for (guint i = 0; i < deposed->len; i++)
		if (!state_put(state, address, provider, deposed->pdata[i], NULL, error))
			return FALSE;
	return !state_instance(state, address) ||
	       state_put(state, address, provider, NULL, NULL, error);
}

static int remove_all(Command *command, char **texts) {
	g_autoptr(State) state = command_open_state(command, OPERATION);
	guint removed = 0;
	if (!state)
		return 1;
	for (; *texts; texts++) {
		g_autoptr(GPtrArray) instances = instances_of(command, state, *texts);
		if (diags_has_errors(command->diags))
			return command_report(command);
		for (guint i = 0; i < instances->len; i++, removed++) {
			g_autoptr(GError) error = NULL;
			printf("Removed %s\n", (char *)instances->pdata[i]);
			if (!forget(state, instances->pdata[i], &error))
				return cli_fail("%s", error->message);
		}
	}
	if (removed == 0)
		return report_missing(command);
	printf("Successfully removed %u resource instance(s).\n", removed);
	return command_save_state(command, state);
}

/* ---- pull and push ---- */

static int pull(Command *command) {
	g_autoptr(State) state = command_open_state(command, NULL);
	if (!state)
		return 1;
	if (state->serial == 0 && g_hash_table_size(state->instances) == 0)
		return 0;
	g_autofree char *text = state_to_text(state);
	fputs(text, stdout);
	return 0;
}

static char *read_input(const char *path, gsize *length, GError **error) {
	char *text = NULL;
	if (!g_str_equal(path, "-")) {
		g_file_get_contents(path, &text, length, error);
		return text;
	}
	g_autoptr(GIOChannel) input = g_io_channel_unix_new(STDIN_FILENO);
	g_io_channel_set_encoding(input, NULL, NULL);
	g_io_channel_read_to_end(input, &text, length, error);
	return text;
}

/* Whether the new state may take the old one's place. */
static gboolean follows(const State *old, const State *new) {
	if (old->serial == 0)
		return TRUE;
	if (!g_str_equal(old->lineage, new->lineage)) {
		cli_fail("cannot import state with lineage \"%s\" over unrelated state with "
			 "lineage \"%s\". Use -force if that is what is wanted.",
			new->lineage, old->lineage);
		return FALSE;
	}
	if (new->serial < old->serial) {
		cli_fail("cannot import state with serial %" G_GUINT64_FORMAT
			 " over newer state with serial %" G_GUINT64_FORMAT
			 ". Use -force if that is what is wanted.",
			new->serial, old->serial);
		return FALSE;
	}
	return TRUE;
}

static int push(Command *command, const char *path, gboolean force) {
	g_autoptr(GError) error = NULL;
	gsize length;
	g_autofree char *text = read_input(path, &length, &error);
	g_autoptr(State) new = text ? state_from_text(text, (gssize)length, &error) : NULL;
	if (!new)
		return cli_fail("%s", error->message);
	g_autoptr(State) old = command_open_state(command, OPERATION);
	if (!old || (!force && !follows(old, new)))
		return 1;
	new->path = g_strdup(old->path);
	new->changed = TRUE;
	/* The fold counts one up. */
	new->serial -= new->serial > 0;
	return command_save_state(command, new);
}

int command_state_edit(Command *command, const char *name, int argc, char **argv, gboolean force) {
	if (g_str_equal(name, "mv") && argc == 2)
		return move(command, argv[0], argv[1]);
	if (g_str_equal(name, "rm") && argc > 0)
		return remove_all(command, argv);
	if (g_str_equal(name, "pull") && argc == 0)
		return pull(command);
	if (g_str_equal(name, "push") && argc == 1)
		return push(command, argv[0], force);
	return -1;
}

/* ---- taint and untaint ---- */

static int no_instance(Command *command, const char *address, gboolean taint) {
	diags_error(command->diags, SOURCE_NOWHERE, "No such resource instance",
		"There is no resource instance in the state with the address %s. If the resource "
		"configuration has just been added, you must run \"terrarium apply\" once to "
		"create "
		"the corresponding instance(s) before they can be %s.",
		address, taint ? "tainted" : "untainted");
	return command_report(command);
}

static int set_taint(Command *command, const char *address, gboolean taint) {
	g_autoptr(State) state = command_open_state(command, taint ? "taint" : "untaint");
	if (!state)
		return 1;
	StateInstance *instance = state_instance(state, address);
	if (!instance || !instance->current || !instance->managed)
		return no_instance(command, address, taint);
	if (!taint && !instance->current->tainted) {
		diags_error(command->diags, SOURCE_NOWHERE, "Resource instance is not tainted",
			"%s is not currently tainted, so it cannot be untainted.", address);
		return command_report(command);
	}
	StateObject *object = state_object_copy(instance->current);
	object->tainted = taint;
	g_autofree char *provider = g_strdup(instance->provider);
	g_autoptr(GError) error = NULL;
	if (!state_put(state, address, provider, NULL, object, &error))
		return cli_fail("%s", error->message);
	printf("Resource instance %s has been %s.\n", address,
		taint ? "marked as tainted" : "successfully untainted");
	return command_save_state(command, state);
}

static int run_taint_with(int argc, char **argv, gboolean taint) {
	g_auto(Command) command;
	command_init(&command);
	int code;
	const Flag flags[] = {
		{"state", FLAG_TEXT, &command.state_path, "FILE: another state"},
		{"lock", FLAG_BOOL, &command.locks, "false: do not lock the state"},
		{"lock-timeout", FLAG_NUMBER, &command.lock_timeout, "SECONDS: wait for the lock"},
		{"no-color", FLAG_BOOL, &command.no_color, "no colours"},
		{NULL},
	};
	const char *usage = taint ? "taint [OPTION…] ADDRESS" : "untaint [OPTION…] ADDRESS";
	if (!flags_parse(&argc, argv, flags, 1, usage, &code))
		return code;
	return argc == 2 ? set_taint(&command, argv[1], taint)
			 : cli_fail("Usage: terrarium %s", usage);
}

static int run_taint(int argc, char **argv) {
	return run_taint_with(argc, argv, TRUE);
}

static int run_untaint(int argc, char **argv) {
	return run_taint_with(argc, argv, FALSE);
}

const CliCommand cli_command_taint = {"taint", "Mark an object for replacement", run_taint};
const CliCommand cli_command_untaint = {"untaint", "Take that mark away", run_untaint};
