/*
 * Whether moved blocks make sense: none twice, none in a circle, and nothing left where something
 * moved from. Told before anything is moved.
 */
#include "engine/internal.h"

/* A moved block with its two addresses, those of the root module. */
typedef struct {
	SourceRange range;
	char *from, *to;
	Address *from_address, *to_address;
} Move;

static void move_free(gpointer data) {
	Move *move = data;
	g_free(move->from);
	g_free(move->to);
	address_free(move->from_address);
	address_free(move->to_address);
	g_free(move);
}

static GPtrArray *list_moves(Engine *engine) {
	GPtrArray *moves = g_ptr_array_new_with_free_func(move_free);
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		for (guint j = 0; j < module->moved->len; j++) {
			const LangBody *body = module->moved->pdata[j];
			Move *move = g_new0(Move, 1);
			move->range = body->header;
			move->from = engine_address_in(engine, body, "from", module);
			move->to = engine_address_in(engine, body, "to", module);
			move->from_address = address_parse(move->from, engine->diags);
			move->to_address = address_parse(move->to, engine->diags);
			g_ptr_array_add(moves, move);
		}
	}
	return moves;
}

/* ---- between each other ---- */

static gboolean is_whole_resource(const Move *move) {
	return move->from_address->type && !move->from_address->has_key &&
	       !move->to_address->has_key;
}

static const char *thing(const Move *move) {
	return !move->from_address->type ? "module"
	       : is_whole_resource(move) ? "resource"
					 : "resource instance";
}

static void ambiguous(Engine *engine, const Move *first, const Move *second, gboolean same_from) {
	g_autofree char *other = same_from ? g_strdup_printf("that it moved to %s", second->to)
					   : g_strdup_printf("that %s moved there", second->from);
	const char *what = thing(first);
	g_autofree char *rule =
		same_from ? g_strdup_printf(
				    "Each %s can move to only one destination %s.", what, what)
			  : g_strdup_printf(
				    "Each %s can have moved from only one source %s.", what, what);
	diags_error(engine->diags, second->range, "Ambiguous move statements",
		"A statement at %s:%u,%u declared that %s moved to %s, but this statement instead "
		"declares %s.\n\n%s",
		first->range.filename, first->range.start_line, first->range.start_column,
		first->from, first->to, other, rule);
}

static void check_pairs(Engine *engine, const GPtrArray *moves) {
	for (guint i = 0; i < moves->len; i++)
		for (guint j = 0; j < i; j++) {
			const Move *first = moves->pdata[j], *second = moves->pdata[i];
			gboolean same_from = g_str_equal(first->from, second->from);
			gboolean same_to = g_str_equal(first->to, second->to);
			if (same_from != same_to)
				ambiguous(engine, first, second, same_from);
		}
}

static const Move *next_of(const GPtrArray *moves, const Move *move) {
	for (guint i = 0; i < moves->len; i++)
		if (g_str_equal(((const Move *)moves->pdata[i])->from, move->to))
			return moves->pdata[i];
	return NULL;
}

static void append_move(GString *text, const Move *move) {
	const char *all = is_whole_resource(move) ? "[*]" : "";
	g_string_append_printf(text, "\n  - %s:%u,%u: %s%s → %s%s", move->range.filename,
		move->range.start_line, move->range.start_column, move->from, all, move->to, all);
}

/* Told once, of the circle that the first move of all leads into. */
static gboolean check_circle(Engine *engine, const GPtrArray *moves, const Move *start) {
	g_autoptr(GString) text = g_string_new(NULL);
	const Move *move = start;
	for (guint i = 0; i < moves->len && move; i++) {
		append_move(text, move);
		move = next_of(moves, move);
		if (move != start)
			continue;
		diags_error(engine->diags, SOURCE_NOWHERE, "Cyclic dependency in move statements",
			"The following chained move statements form a cycle, and so there is no "
			"final location to move objects to:%s\n\nA chain of move statements must "
			"end with an address that doesn't appear in any other statements, and "
			"which "
			"typically also refers to an object still declared in the configuration.",
			text->str);
		return FALSE;
	}
	return TRUE;
}

/* ---- with the configuration ---- */

static const Module *module_at(const Engine *engine, const char *path) {
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		if (*path && g_str_equal(module->path, path))
			return module;
	}
	return NULL;
}

/* Whether the address is one that the configuration has, whose block is at *where. */
static gboolean is_declared(Engine *engine, const Move *move, SourceRange *where) {
	const Address *from = move->from_address;
	if (!from->type) {
		const Module *module = module_at(engine, from->module_config);
		gboolean keyed = !g_str_equal(from->module, from->module_config);
		if (!module || keyed || module->call->count || module->call->for_each)
			return FALSE;
		*where = module->call->range;
		return TRUE;
	}
	const Resource *resource = engine_declared(engine, from);
	if (!resource)
		return FALSE;
	*where = resource->range;
	gboolean single = !resource->count && !resource->for_each;
	if (!from->has_key)
		return is_whole_resource(move) || single;
	if (single || !g_str_equal(from->module, from->module_config))
		return FALSE;
	g_autoptr(GPtrArray) modules = engine_module_instances(engine, resource->module);
	const Expansion *expansion =
		modules->len > 0 ? engine_expand(engine, modules->pdata[0], resource) : NULL;
	g_autofree char *key = address_key(from->key);
	return expansion && g_hash_table_contains(expansion->by_key, key);
}

static void check_source(Engine *engine, const Move *move) {
	SourceRange where;
	if (!is_declared(engine, move, &where))
		return;
	const char *what = thing(move);
	diags_error(engine->diags, move->range, "Moved object still exists",
		"This statement declares a move from %s, but that %s is still declared at "
		"%s:%u,%u.\n\nChange your configuration so that this %s will be declared as %s "
		"instead.",
		move->from, what, where.filename, where.start_line, where.start_column,
		g_str_has_suffix(what, "instance") ? "instance" : what, move->to);
}

gboolean engine_check_moves(Engine *engine) {
	guint errors = diags_error_count(engine->diags);
	g_autoptr(GPtrArray) moves = list_moves(engine);
	if (diags_error_count(engine->diags) > errors)
		return FALSE;
	check_pairs(engine, moves);
	gboolean circle = FALSE;
	for (guint i = 0; i < moves->len; i++) {
		const Move *move = moves->pdata[i];
		if (g_str_equal(move->from, move->to))
			diags_error(engine->diags, move->range, "Redundant move statement",
				"This statement declares a move from %s to the same address, which "
				"is the same as not declaring this move at all.",
				move->from);
		else if (!circle)
			circle = !check_circle(engine, moves, move);
		if (!g_str_equal(move->from, move->to))
			check_source(engine, move);
	}
	return diags_error_count(engine->diags) == errors;
}
