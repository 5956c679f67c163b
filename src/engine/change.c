/*
 * Plans and changes as things: made, put in Terraform's order of addresses, counted, freed. What
 * goes into them is decided by plan.c and its neighbours.
 */
#include <string.h>

#include "engine/internal.h"

Change *change_new(const char *address, ChangeAction action) {
	Change *change = g_new0(Change, 1);
	change->address = g_strdup(address);
	change->action = action;
	return change;
}

void change_free(gpointer data) {
	Change *change = data;
	g_free(change->address);
	g_free(change->deposed);
	g_free(change->provider);
	g_free(change->type);
	g_free(change->name);
	g_free(change->moved_from);
	g_free(change->imported);
	g_strfreev(change->dependencies);
	value_clear(&change->before);
	value_clear(&change->after);
	value_clear(&change->requires_replace);
	g_free(change);
}

static void output_change_free(gpointer data) {
	OutputChange *change = data;
	g_free(change->name);
	value_clear(&change->before);
	value_clear(&change->after);
	g_free(change);
}

Plan *plan_new(PlanMode mode) {
	Plan *plan = g_new0(Plan, 1);
	plan->mode = mode;
	plan->changes = g_ptr_array_new_with_free_func(change_free);
	plan->drift = g_ptr_array_new_with_free_func(change_free);
	plan->outputs = g_ptr_array_new_with_free_func(output_change_free);
	plan->warnings = diags_new();
	return plan;
}

void plan_free(Plan *plan) {
	if (!plan)
		return;
	g_ptr_array_unref(plan->changes);
	g_ptr_array_unref(plan->drift);
	g_ptr_array_unref(plan->outputs);
	diags_free(plan->warnings);
	value_clear(&plan->variables);
	g_free(plan);
}

static int compare_outputs(gconstpointer a, gconstpointer b) {
	return strcmp(
		(*(const OutputChange *const *)a)->name, (*(const OutputChange *const *)b)->name);
}

typedef struct {
	Address *address;
	Change *change;
} Sortable;

static int compare_addresses(const Address *a, const Address *b) {
	int order = strcmp(a->module, b->module);
	if (!order)
		order = a->managed - b->managed;
	if (!order)
		order = strcmp(a->type, b->type);
	if (!order)
		order = strcmp(a->name, b->name);
	if (!order && a->has_key != b->has_key)
		order = a->has_key - b->has_key;
	return order ? order : value_compare(a->key, b->key);
}

static int compare_changes(gconstpointer a, gconstpointer b) {
	const Sortable *first = a, *second = b;
	int order = compare_addresses(first->address, second->address);
	return order ? order : g_strcmp0(first->change->deposed, second->change->deposed);
}

static void sort_changes(GPtrArray *changes) {
	g_autofree Sortable *all = g_new(Sortable, changes->len + 1);
	g_autoptr(Diags) quiet = diags_new();
	for (guint i = 0; i < changes->len; i++) {
		Change *change = changes->pdata[i];
		all[i] = (Sortable){address_parse(change->address, quiet), change};
	}
	qsort(all, changes->len, sizeof *all, compare_changes);
	for (guint i = 0; i < changes->len; i++) {
		changes->pdata[i] = all[i].change;
		address_free(all[i].address);
	}
}

void plan_sort(Plan *plan) {
	sort_changes(plan->changes);
	sort_changes(plan->drift);
	g_ptr_array_sort(plan->outputs, compare_outputs);
}

/* ---- what they amount to ---- */

gboolean plan_changes_anything(const Plan *plan) {
	for (guint i = 0; i < plan->changes->len; i++)
		if (((const Change *)plan->changes->pdata[i])->action != CHANGE_NONE ||
			((const Change *)plan->changes->pdata[i])->moved_from ||
			((const Change *)plan->changes->pdata[i])->imported)
			return TRUE;
	for (guint i = 0; i < plan->outputs->len; i++)
		if (((const OutputChange *)plan->outputs->pdata[i])->action != CHANGE_NONE)
			return TRUE;
	return plan->mode == PLAN_REFRESH_ONLY && plan->drift->len > 0;
}

void plan_count(const Plan *plan, guint *add, guint *change, guint *destroy) {
	*add = *change = *destroy = 0;
	for (guint i = 0; i < plan->changes->len; i++) {
		ChangeAction action = ((const Change *)plan->changes->pdata[i])->action;
		gboolean replaces =
			action == CHANGE_REPLACE || action == CHANGE_REPLACE_CREATE_FIRST;
		*add += action == CHANGE_CREATE || replaces;
		*change += action == CHANGE_UPDATE;
		*destroy += action == CHANGE_DELETE || replaces;
	}
}
