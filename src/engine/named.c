/*
 * The values of variables, locals and outputs, evaluated when they are first asked for, once a
 * walk; the order of the walk (order.c) sees to it that what they need is there.
 */
#include "engine/internal.h"
#include "value/convert.h"

/* The memo of a name; *fresh says that the caller must evaluate it. */
static Memo *memo_of(GHashTable *table, const char *name, gboolean *fresh) {
	Memo *memo = g_hash_table_lookup(table, name);
	if (!memo) {
		memo = g_new0(Memo, 1);
		g_hash_table_insert(table, (gpointer)name, memo);
	}
	*fresh = !memo->done && !memo->busy;
	if (memo->busy && !memo->done) {
		value_clear(&memo->value);
		memo->value = value_unknown(type_any());
	}
	memo->busy = TRUE;
	return memo;
}

static Value memo_set(Memo *memo, Value value_taken) {
	value_clear(&memo->value);
	memo->value = value_taken;
	memo->done = TRUE;
	return value_ref(value_taken);
}

/* ---- variables ---- */

/* Where a variable's value comes from: what it is called, and which place to blame. */
typedef struct {
	const char *name; /* "module.m.var.x" */
	SourceRange place;
	const char *source; /* "using -var=\"x=...\""; NULL: the place says it */
} Origin;

static void refuse_value(Engine *engine, const Variable *variable, const Origin *origin,
	const char *summary, const char *verb, const char *problem) {
	const SourceRange *declared = &variable->range;
	g_autofree char *which =
		origin->source
			? g_strdup_printf(
				  "Unsuitable value for %s set %s", origin->name, origin->source)
			: g_strdup_printf(
				  "The given value is not suitable for %s %s at %s:%u,%u-%u",
				  origin->name, verb, declared->filename, declared->start_line,
				  declared->start_column, declared->end_column);
	diags_error(engine->diags, origin->place, summary, "%s: %s.", which, problem);
}

/* Converts to the declared type, fills optional attributes, and marks. */
static Value fit_variable(
	Engine *engine, const Variable *variable, Value given_taken, const Origin *origin) {
	g_auto(Value) plain = given_taken;
	g_auto(Value) given = lang_defaults_apply(variable->defaults, plain);
	g_autofree char *problem = NULL;
	Value fitted = value_convert(given, variable->type, &problem);
	if (problem)
		refuse_value(engine, variable, origin, "Invalid value for input variable",
			"declared", value_problem_reason(problem));
	else if (value_is_null(fitted) && value_is_known(fitted) && !variable->nullable)
		refuse_value(engine, variable, origin, "Required variable not set", "defined",
			"required variable may not be set to null");
	if (problem)
		fitted = value_unknown(variable->type);
	return variable->sensitive ? value_mark_sensitive_take(fitted) : fitted;
}

static Value variable_default(Engine *engine, const Variable *variable) {
	guint errors = diags_error_count(engine->diags);
	g_auto(Value) fallback =
		lang_eval(variable->fallback, &(const LangScope){.constant = TRUE}, engine->diags);
	if (diags_error_count(engine->diags) > errors)
		return value_unknown(variable->type);
	const Origin origin = {variable->name, lang_expr_range(variable->fallback), NULL};
	return fit_variable(engine, variable, value_steal(&fallback), &origin);
}

void engine_refuse_variable(Engine *engine, const Variable *variable) {
	diags_error(engine->diags, variable->range, "No value for required variable",
		"The root module input variable \"%s\" is not set, and has no default value. Use a "
		"-var or -var-file command line argument to provide a value for this variable.",
		variable->name);
}

/* *place: what gave it its value. */
static Value root_variable(Engine *engine, const Variable *variable, SourceRange *place) {
	GivenVariable *given =
		engine->given ? g_hash_table_lookup(engine->given, variable->name) : NULL;
	if (engine->phase == PHASE_VALIDATE)
		return variable->sensitive
			       ? value_mark_sensitive_take(value_unknown(variable->type))
			       : value_unknown(variable->type);
	if (!given && variable->fallback)
		return variable_default(engine, variable);
	if (!given) {
		if (engine->phase != PHASE_DESTROY || !engine->given)
			engine_refuse_variable(engine, variable);
		return value_unknown(variable->type);
	}
	if (value_is_null(given->value) && !variable->nullable && variable->fallback)
		return variable_default(engine, variable);
	if (!given->source)
		*place = given->range;
	g_autofree char *name = g_strdup_printf("var.%s", variable->name);
	const Origin origin = {name, *place, given->source};
	return fit_variable(engine, variable, value_ref(given->value), &origin);
}

static Value child_variable(
	Engine *engine, ModuleInstance *module, const Variable *variable, SourceRange *place) {
	LangAttribute *argument = lang_body_attribute(module->module->call->body, variable->name);
	if (!argument)
		return variable->fallback ? variable_default(engine, variable)
					  : value_unknown(variable->type);
	EvalScope scope = {.engine = engine,
		.module = module->parent,
		.key = module->key,
		.each = module->each,
		.repeat = module->module->call->count	   ? REPEAT_COUNT
			  : module->module->call->for_each ? REPEAT_EACH
							   : REPEAT_SINGLE};
	*place = lang_expr_range(argument->expr);
	g_auto(Value) given = engine_eval(&scope, argument->expr, engine->diags);
	if (value_is_null(given) && !variable->nullable && variable->fallback)
		return variable_default(engine, variable);
	g_autofree char *name = g_strdup_printf("%s.var.%s", module->path, variable->name);
	const Origin origin = {name, *place, NULL};
	return fit_variable(engine, variable, value_steal(&given), &origin);
}

Value engine_variable(Engine *engine, ModuleInstance *module, const Variable *variable) {
	gboolean fresh;
	Memo *memo = memo_of(module->variables, variable->name, &fresh);
	if (!fresh)
		return value_ref(memo->value);
	guint errors = diags_error_count(engine->diags);
	SourceRange place = variable->range;
	g_auto(Value) value = module->parent ? child_variable(engine, module, variable, &place)
					     : root_variable(engine, variable, &place);
	g_auto(Value) result = memo_set(memo, value_steal(&value));
	if (diags_error_count(engine->diags) == errors)
		engine_check_validations(engine, module, variable, place);
	return value_steal(&result);
}

/* ---- locals and outputs ---- */

Value engine_local(Engine *engine, ModuleInstance *module, const Local *local) {
	gboolean fresh;
	Memo *memo = memo_of(module->locals, local->name, &fresh);
	if (!fresh)
		return value_ref(memo->value);
	EvalScope scope = {.engine = engine, .module = module};
	return memo_set(memo, engine_eval(&scope, local->expr, engine->diags));
}

Value engine_output(Engine *engine, ModuleInstance *module, const Output *output) {
	gboolean fresh;
	Memo *memo = memo_of(module->outputs, output->name, &fresh);
	if (!fresh)
		return value_ref(memo->value);
	EvalScope scope = {.engine = engine, .module = module};
	engine_check_conditions(
		engine, &scope, output->preconditions, "Module output value precondition");
	Value value = engine_eval(&scope, output->expr, engine->diags);
	return memo_set(memo, output->sensitive ? value_mark_sensitive_take(value) : value);
}

/* ---- all of them ---- */

void engine_evaluate_names(Engine *engine, ModuleInstance *module) {
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, module->module->variables);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		g_auto(Value) ignored = engine_variable(engine, module, value);
		(void)ignored;
	}
	g_hash_table_iter_init(&iter, module->module->locals);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		g_auto(Value) ignored = engine_local(engine, module, value);
		(void)ignored;
	}
	g_hash_table_iter_init(&iter, module->module->outputs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		g_auto(Value) result = engine_output(engine, module, value);
		if (!module->parent)
			engine_check_output(engine, value, result);
	}
}

void engine_evaluate_all_names(Engine *engine) {
	for (guint i = 0; i < engine->config->modules->len; i++) {
		g_autoptr(GPtrArray) instances =
			engine_module_instances(engine, engine->config->modules->pdata[i]);
		for (guint j = 0; j < instances->len; j++)
			engine_evaluate_names(engine, instances->pdata[j]);
	}
}
