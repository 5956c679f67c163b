/*
 * Plans for people, as Terraform prints them: what is created, changed and destroyed and why,
 * outputs, and how many of each. Relies on render_block.c for what is inside of an object; must
 * never change the plan.
 */
#include <string.h>

#include "engine/render.h"

/* ---- changes ---- */

static char *module_of(const char *address) {
	g_autoptr(Diags) quiet = diags_new();
	g_autoptr(Address) parsed = address_parse(address, quiet);
	return g_strdup(parsed && *parsed->module ? parsed->module : "its module");
}

static char *reason_line(const Change *change) {
	g_auto(GStrv) parts = g_strsplit(change->address, "[", -1);
	guint n = g_strv_length(parts);
	const char *index = n > 1 ? parts[n - 1] : "";
	switch (change->reason) {
	case REASON_NO_RESOURCE:
		return g_strdup_printf(
			"because %s.%s is not in configuration", change->type, change->name);
	case REASON_NO_MODULE: {
		g_autofree char *module = module_of(change->address);
		return g_strdup_printf("because %s is not in configuration", module);
	}
	case REASON_WRONG_REPETITION:
		return n == 1 ? g_strdup("because resource uses count or for_each")
			      : g_strdup_printf("because resource does not use %s",
					*index == '"' ? "for_each" : "count");
	case REASON_COUNT_INDEX:
		return g_strdup_printf("because index [%s is out of range for count", index);
	case REASON_EACH_KEY:
		return g_strdup_printf("because key [%s is not in for_each map", index);
	case REASON_UNKNOWN_CONFIG:
		return g_strdup("config refers to values not yet known");
	case REASON_DEPENDENCY_PENDING:
		return g_strdup("depends on a resource or a module with changes pending");
	default:
		return change->deposed
			       ? g_strdup("left over from a partially-failed replacement of this "
					  "instance")
			       : NULL;
	}
}

/* "will be created" */
static void write_intent(const Renderer *renderer, const Change *change) {
	GString *out = renderer->out;
	const char *red = render_paint(renderer, RED), *bold = render_paint(renderer, BOLD);
	const char *reset = render_paint(renderer, RESET);
	switch (change->action) {
	case CHANGE_CREATE:
		g_string_append(out, "will be created");
		break;
	case CHANGE_READ:
		g_string_append(out, "will be read during apply");
		break;
	case CHANGE_UPDATE:
		g_string_append(out, "will be updated in-place");
		break;
	case CHANGE_DELETE:
		g_string_append_printf(out, "will be %s%sdestroyed%s", bold, red, reset);
		break;
	default:
		g_string_append_printf(out,
			change->reason == REASON_TAINTED ? "is tainted, so must be %s%sreplaced%s"
			: change->reason == REASON_REQUESTED
				? "will be %s%sreplaced%s, as requested"
			: change->reason == REASON_TRIGGERED
				? "will be %s%sreplaced%s due to changes in replace_triggered_by"
				: "must be %s%sreplaced%s",
			bold, red, reset);
	}
}

static void write_title(const Renderer *renderer, const Change *change) {
	GString *out = renderer->out;
	const char *bold = render_paint(renderer, BOLD), *reset = render_paint(renderer, RESET);
	if (change->action == CHANGE_NONE && change->imported) {
		g_string_append_printf(
			out, "%s  # %s%s will be imported\n", bold, change->address, reset);
		return;
	}
	if (change->action == CHANGE_FORGET) {
		g_string_append_printf(out,
			"%s # %s%s will no longer be managed by Terrarium, but will not be "
			"destroyed\n # (destroy = false is set in the configuration)\n",
			bold, change->address, reset);
		return;
	}
	if (change->action == CHANGE_NONE) {
		g_string_append_printf(out, "%s  # %s%s has moved to %s%s%s\n", bold,
			change->moved_from, reset, bold, change->address, reset);
		return;
	}
	g_string_append_printf(out, "%s  # %s%s ", bold, change->address, reset);
	if (change->deposed)
		g_string_append_printf(out, "(deposed object %s) ", change->deposed);
	write_intent(renderer, change);
	g_string_append_c(out, '\n');
	g_autofree char *reason = reason_line(change);
	if (reason)
		g_string_append_printf(out, "  # (%s)\n", reason);
	if (change->moved_from)
		g_string_append_printf(out, "  # (moved from %s)\n", change->moved_from);
	if (change->imported)
		g_string_append_printf(out, "  # (imported from \"%s\")\n", change->imported);
}

static const char *const action_symbols[] = {
	[CHANGE_NONE] = "   ", /* moved */
	[CHANGE_CREATE] = "  " GREEN "+" RESET,
	[CHANGE_READ] = " " CYAN "<=" RESET,
	[CHANGE_UPDATE] = "  " YELLOW "~" RESET,
	[CHANGE_DELETE] = "  " RED "-" RESET,
	[CHANGE_REPLACE] = RED "-" RESET "/" GREEN "+" RESET,
	[CHANGE_REPLACE_CREATE_FIRST] = GREEN "+" RESET "/" RED "-" RESET,
	[CHANGE_FORGET] = " .",
};

/* Takes escape sequences away where no colour is wanted. */
static void write_action_symbol(const Renderer *renderer, ChangeAction action) {
	for (const char *at = action_symbols[action]; *at; at++) {
		if (*at == '\033' && !renderer->color)
			at = strchr(at, 'm');
		else
			g_string_append_c(renderer->out, *at);
	}
}

static GHashTable *forcing_paths(const Change *change) {
	GHashTable *paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (gsize i = 0; i < value_length(change->requires_replace); i++) {
		Value path = value_at(change->requires_replace, i);
		/* A step into a set is by value: the set's own path stands for it. */
		g_autoptr(ValueBuilder) plain = value_builder_new(VALUE_TUPLE, NULL);
		for (gsize j = 0; j < value_length(path); j++) {
			Value step = value_at(path, j);
			if (!value_text(step) && value_kind(step) != VALUE_NUMBER)
				break;
			value_builder_add_take(plain, value_ref(step));
		}
		g_auto(Value) steps = value_builder_end(g_steal_pointer(&plain));
		g_hash_table_add(paths, value_path_to_string(steps));
	}
	return paths;
}

static gboolean is_shown(const Change *change) {
	return change->action != CHANGE_NONE || change->moved_from || change->imported;
}

static void write_change(Renderer *renderer, const Change *change) {
	write_title(renderer, change);
	write_action_symbol(renderer, change->action);
	g_string_append_printf(renderer->out, " %s \"%s\" \"%s\" {\n",
		change->managed ? "resource" : "data", change->type, change->name);
	g_autoptr(GHashTable) forcing = forcing_paths(change);
	renderer->forcing = forcing;
	renderer->show_unchanged = change->imported && change->action == CHANGE_NONE;
	render_block(renderer, change->schema->block, change->before, change->after, 0, "");
	renderer->forcing = NULL;
	renderer->show_unchanged = FALSE;
	g_string_append(renderer->out, "    }\n\n");
}

/* ---- the whole plan ---- */

static gboolean changes_objects(const Plan *plan) {
	for (guint i = 0; i < plan->changes->len; i++)
		if (((const Change *)plan->changes->pdata[i])->action != CHANGE_NONE)
			return TRUE;
	return FALSE;
}

static void write_legend(const Renderer *renderer, const Plan *plan) {
	static const struct {
		ChangeAction action;
		const char *text;
	} legend[] = {
		{CHANGE_CREATE, "create"},
		{CHANGE_UPDATE, "update in-place"},
		{CHANGE_DELETE, "destroy"},
		{CHANGE_REPLACE, "destroy and then create replacement"},
		{CHANGE_REPLACE_CREATE_FIRST, "create replacement and then destroy"},
		{CHANGE_READ, "read (data resources)"},
	};
	if (!changes_objects(plan))
		return;
	g_string_append(renderer->out,
		"\nTerrarium used the selected providers to generate the following execution\n"
		"plan. Resource actions are indicated with the following symbols:\n");
	for (guint i = 0; i < G_N_ELEMENTS(legend); i++) {
		gboolean used = FALSE;
		for (guint j = 0; !used && j < plan->changes->len; j++)
			used = ((const Change *)plan->changes->pdata[j])->action ==
			       legend[i].action;
		if (!used)
			continue;
		write_action_symbol(renderer, legend[i].action);
		g_string_append_printf(renderer->out, " %s\n", legend[i].text);
	}
}

static void write_outputs(const Renderer *renderer, const Plan *plan) {
	guint width = 0, n = 0;
	for (guint i = 0; i < plan->outputs->len; i++) {
		const OutputChange *change = plan->outputs->pdata[i];
		if (change->action == CHANGE_NONE)
			continue;
		width = MAX(width, (guint)strlen(change->name));
		n++;
	}
	if (n == 0)
		return;
	g_string_append_printf(renderer->out, "\n%sChanges to Outputs:%s\n",
		render_paint(renderer, BOLD), render_paint(renderer, RESET));
	for (guint i = 0; i < plan->outputs->len; i++) {
		const OutputChange *change = plan->outputs->pdata[i];
		if (change->action == CHANGE_NONE)
			continue;
		Diff diff = change->action == CHANGE_CREATE   ? DIFF_CREATE
			    : change->action == CHANGE_DELETE ? DIFF_DELETE
							      : DIFF_UPDATE;
		render_symbol(renderer, diff);
		render_key(renderer, change->name, width);
		g_auto(Value) before = change->sensitive ? value_mark_sensitive(change->before)
							 : value_ref(change->before);
		g_auto(Value) after = change->sensitive ? value_mark_sensitive(change->after)
							: value_ref(change->after);
		render_value(renderer, before, after, diff, (Style){0, TRUE, TRUE, NULL});
		g_string_append_c(renderer->out, '\n');
	}
}

static gboolean changes_resources(const Plan *plan) {
	for (guint i = 0; i < plan->changes->len; i++)
		if (is_shown(plan->changes->pdata[i]))
			return TRUE;
	return FALSE;
}

static void write_drifted(Renderer *renderer, const Change *change) {
	g_string_append_printf(renderer->out, "%s  # %s%s has %s\n", render_paint(renderer, BOLD),
		change->address, render_paint(renderer, RESET),
		change->action == CHANGE_DELETE ? "been deleted" : "changed");
	write_action_symbol(renderer, change->action);
	g_string_append_printf(
		renderer->out, " resource \"%s\" \"%s\" {\n", change->type, change->name);
	render_block(renderer, change->schema->block, change->before, change->after, 0, NULL);
	g_string_append(renderer->out, "    }\n\n");
}

/* Whether the plan acts on an object: only then what happened to it outside matters. */
static gboolean acts_on(const Plan *plan, const char *address) {
	for (guint i = 0; i < plan->changes->len; i++) {
		const Change *change = plan->changes->pdata[i];
		if (change->action != CHANGE_NONE && g_str_equal(change->address, address))
			return TRUE;
	}
	return FALSE;
}

#define RULE "─────────────────────────────────────────────────────────────────────────────\n"

static void write_drift(Renderer *renderer, const Plan *plan) {
	gboolean refreshing = plan->mode == PLAN_REFRESH_ONLY;
	g_autoptr(GPtrArray) shown = g_ptr_array_new();
	for (guint i = 0; i < plan->drift->len; i++) {
		Change *change = plan->drift->pdata[i];
		if (refreshing || (plan->mode == PLAN_NORMAL && acts_on(plan, change->address)))
			g_ptr_array_add(shown, change);
	}
	if (shown->len == 0)
		return;
	g_string_append_printf(renderer->out,
		"\n%sNote:%s Objects have changed outside of Terrarium\n\nTerrarium detected the "
		"following changes made outside of Terrarium since the\nlast \"terrarium apply\" "
		"which may have affected this plan:\n\n",
		render_paint(renderer, BOLD), render_paint(renderer, RESET));
	for (guint i = 0; i < shown->len; i++)
		write_drifted(renderer, shown->pdata[i]);
	g_string_append(renderer->out,
		refreshing
			? "\nThis is a refresh-only plan, so Terrarium will not take any actions "
			  "to "
			  "undo these. If you were expecting these changes then you can apply this "
			  "plan to record\nthe updated values in the Terrarium state without "
			  "changing "
			  "any remote objects.\n"
			: "\nUnless you have made equivalent changes to your configuration, or "
			  "ignored "
			  "the\nrelevant attributes using ignore_changes, the following plan may "
			  "include\nactions to undo or respond to these changes.\n\n" RULE);
}

static void write_nothing_to_do(const Renderer *renderer, const Plan *plan) {
	const char *bold = render_paint(renderer, BOLD), *green = render_paint(renderer, GREEN);
	const char *reset = render_paint(renderer, RESET);
	if (plan->mode == PLAN_DESTROY)
		g_string_append_printf(renderer->out,
			"\n%s%sNo changes.%s%s No objects need to be destroyed.%s\n\nEither you "
			"have "
			"not created any objects yet or the existing objects were\nalready deleted "
			"outside of Terrarium.\n",
			bold, green, reset, bold, reset);
	else
		g_string_append_printf(renderer->out,
			"\n%s%sNo changes.%s%s Your infrastructure %s.%s\n\nTerrarium has compared "
			"your real infrastructure against your %s\nand found no differences, so no "
			"changes are needed.\n",
			bold, green, reset, bold,
			plan->mode == PLAN_REFRESH_ONLY ? "still matches the configuration"
							: "matches the configuration",
			reset, plan->mode == PLAN_REFRESH_ONLY ? "state" : "configuration");
}

char *plan_render(const Plan *plan, gboolean color) {
	Renderer renderer = {.out = g_string_new(NULL), .color = color};
	write_drift(&renderer, plan);
	if (!plan_changes_anything(plan)) {
		write_nothing_to_do(&renderer, plan);
		return g_string_free(renderer.out, FALSE);
	}
	if (changes_resources(plan)) {
		write_legend(&renderer, plan);
		g_string_append_printf(renderer.out, "\nTerrarium %s:\n\n",
			plan->errored ? "planned the following actions, but then encountered a "
					"problem"
				      : "will perform the following actions");
		for (guint i = 0; i < plan->changes->len; i++) {
			const Change *change = plan->changes->pdata[i];
			if (is_shown(change))
				write_change(&renderer, change);
		}
		guint add, changed, destroy;
		plan_count(plan, &add, &changed, &destroy);
		guint imports = 0;
		for (guint i = 0; i < plan->changes->len; i++)
			imports += ((const Change *)plan->changes->pdata[i])->imported != NULL;
		g_autofree char *import_count =
			imports > 0 ? g_strdup_printf(" %u to import,", imports) : g_strdup("");
		g_string_append_printf(renderer.out,
			"%sPlan:%s%s %u to add, %u to change, %u to destroy.\n",
			render_paint(&renderer, BOLD), render_paint(&renderer, RESET), import_count,
			add, changed, destroy);
	}
	if (plan->errored)
		return g_string_free(renderer.out, FALSE);
	write_outputs(&renderer, plan);
	if (!changes_resources(plan) && plan->mode != PLAN_REFRESH_ONLY)
		g_string_append(renderer.out,
			"\nYou can apply this plan to save these new output values to the "
			"Terrarium\nstate, without changing any real infrastructure.\n");
	return g_string_free(renderer.out, FALSE);
}
