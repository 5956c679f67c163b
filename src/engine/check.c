/*
 * Check blocks: assertions about the whole, made when everything else is done. What does not hold
 * is a warning, and stops nothing.
 */
#include "engine/internal.h"

static void unknown_yet(const LangExpr *condition, Diags *diags) {
	diags_warning(diags, lang_expr_range(condition), "Check block assertion known after apply",
		"The condition could not be evaluated at this time, a result will be known when "
		"this plan is applied.")
		->alone = TRUE;
}

static void run_assert(const EvalScope *scope, const LangBody *assertion, Diags *diags) {
	const LangExpr *condition = lang_body_attribute(assertion, "condition")->expr;
	const LangExpr *message = lang_body_attribute(assertion, "error_message")->expr;
	LangScope lang = engine_lang_scope(scope);
	g_autoptr(Diags) own = diags_new();
	g_auto(Value) holds = lang_eval_as(condition, type_bool(), &lang, own);
	gboolean failed = diags_has_errors(own);
	diags_soften(own);
	diags_move(diags, own);
	if (failed)
		return;
	if (!value_is_known(holds)) {
		unknown_yet(condition, diags);
		return;
	}
	if (value_to_bool(holds))
		return;
	g_auto(Value) text = lang_eval_as(message, type_string(), &lang, own);
	diags_warning(diags, lang_expr_range(condition), "Check block assertion failed", "%s",
		value_has_sensitive(text) ? "The error message included a sensitive value, so it "
					    "will not be displayed."
					  : value_text_or(text, "The condition does not hold."))
		->alone = TRUE;
}

static void run_check(
	Engine *engine, ModuleInstance *module, const LangBlock *check, Diags *diags) {
	EvalScope scope = {.engine = engine, .module = module};
	for (guint i = 0; i < check->body->blocks->len; i++) {
		const LangBlock *block = check->body->blocks->pdata[i];
		if (g_str_equal(block->type, "assert"))
			run_assert(&scope, block->body, diags);
	}
}

void engine_run_checks(Engine *engine, Diags *diags) {
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		if (module->checks->len == 0)
			continue;
		g_autoptr(GPtrArray) instances = engine_module_instances(engine, module);
		for (guint j = 0; j < instances->len; j++)
			for (guint k = 0; k < module->checks->len; k++)
				run_check(engine, instances->pdata[j], module->checks->pdata[k],
					diags);
	}
}
