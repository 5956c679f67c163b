/*
 * What must hold: pre- and postconditions, assertions of checks, and the rules that variables are
 * validated by. The messages, and what is said of conditions that make no sense, are Terraform's.
 */
#include "engine/internal.h"
#include "value/convert.h"

static const LangExpr *argument(const LangBody *rule, const char *name) {
	return lang_body_attribute(rule, name)->expr;
}

/* ---- conditions ---- */

typedef enum { HOLDS, FAILS, NOT_KNOWN, SENSELESS } Truth;

/* The words for what is wrong with a condition itself. */
typedef struct {
	const char *summary, *null, *value;
} Words;

static const Words of_condition = {"Invalid condition result",
	"Condition expression must return either true or false, not null.",
	"Invalid condition result value"};
static const Words of_validation = {"Invalid variable validation result",
	"Validation condition expression must return either true or false, not null.",
	"Invalid validation condition result value"};

static Truth truth_of(
	const LangExpr *condition, const LangScope *lang, const Words *words, Diags *diags) {
	guint errors = diags_error_count(diags);
	g_auto(Value) marked = lang_eval(condition, lang, diags);
	if (diags_error_count(diags) > errors)
		return SENSELESS;
	g_auto(Value) value = value_unmark(marked);
	if (!value_is_known(value))
		return NOT_KNOWN;
	g_autofree char *problem = NULL;
	g_auto(Value) holds = value_convert(value, type_bool(), &problem);
	if (!problem && !value_is_null(holds))
		return value_to_bool(holds) ? HOLDS : FAILS;
	g_autofree char *wrong =
		problem ? g_strdup_printf("%s: %s.", words->value, problem) : g_strdup(words->null);
	lang_explain(diags_error(diags, lang_expr_range(condition), words->summary, "%s", wrong),
		condition, lang, LANG_ABOUT_VALUES);
	return SENSELESS;
}

/* ---- messages ---- */

static void unsuitable_message(
	const LangExpr *message, const LangScope *lang, const char *problem, Diags *diags) {
	lang_explain(diags_error(diags, lang_expr_range(message), "Invalid error message",
			     "Unsuitable value for error message: %s.", problem),
		message, lang, LANG_ABOUT_UNKNOWN);
}

/* An error_message's text; NULL if it is not known, is not to be shown, or is wrong, which is said.
 * Caller frees. */
static char *text_of(const LangExpr *message, const LangScope *lang, DiagSeverity sensitive,
	const char *why_sensitive, Diags *diags) {
	guint errors = diags_error_count(diags);
	g_auto(Value) value = lang_eval(message, lang, diags);
	if (diags_error_count(diags) > errors || !value_is_known(value))
		return NULL;
	g_autofree char *problem = NULL;
	g_auto(Value) text = value_convert(value, type_string(), &problem);
	if (problem || value_is_null(text)) {
		unsuitable_message(message, lang, problem ? problem : "must not be null", diags);
		return NULL;
	}
	if (!value_has_sensitive(text))
		return g_strstrip(g_strdup(value_text(text)));
	Diag *diag = (sensitive == DIAG_ERROR ? diags_error : diags_warning)(diags,
		lang_expr_range(message), "Error message refers to sensitive values",
		"The error expression used to explain this condition refers to sensitive values%s "
		"Terrarium will not display the resulting message.\n\nYou can correct this by "
		"removing references to sensitive values, or by carefully using the nonsensitive() "
		"function if the expression will not reveal the sensitive data.",
		why_sensitive);
	diag->alone = TRUE;
	return NULL;
}

/* ---- pre- and postconditions, assertions ---- */

/* FALSE if it does not hold, or makes no sense. what: "Resource precondition". */
static gboolean check_rule(const EvalScope *scope, const LangBody *rule, const char *what,
	DiagSeverity severity, Diags *diags) {
	const LangExpr *condition = argument(rule, "condition");
	LangScope lang = engine_lang_scope(scope);
	guint errors = diags_error_count(diags);
	g_autofree char *text =
		text_of(argument(rule, "error_message"), &lang, DIAG_WARNING, ", so", diags);
	Truth truth = truth_of(condition, &lang, &of_condition, diags);
	if (diags_error_count(diags) > errors)
		return FALSE;
	if (truth == NOT_KNOWN && severity == DIAG_WARNING) {
		g_autofree char *summary = g_strdup_printf("%s known after apply", what);
		Diag *diag = diags_warning(diags, lang_expr_range(condition), summary,
			"The condition could not be evaluated at this time, a result will be known "
			"when this plan is applied.");
		diag->alone = TRUE;
		lang_explain(diag, condition, &lang, LANG_ABOUT_VALUES);
	}
	if (truth != FAILS)
		return TRUE;
	g_autofree char *summary = g_strdup_printf("%s failed", what);
	Diag *diag = (severity == DIAG_ERROR ? diags_error : diags_warning)(diags,
		lang_expr_range(condition), summary, "%s",
		text && *text ? text
			      : "This check failed, but has an invalid error message as described "
				"in the other accompanying messages.");
	diag->alone = TRUE;
	lang_explain(diag, condition, &lang, LANG_ABOUT_VALUES);
	return FALSE;
}

gboolean engine_check_conditions(
	Engine *engine, const EvalScope *scope, const GPtrArray *conditions, const char *what) {
	gboolean fine = TRUE;
	for (guint i = 0; conditions && i < conditions->len; i++)
		fine &= check_rule(scope, conditions->pdata[i], what, DIAG_ERROR, engine->diags);
	return fine;
}

void engine_validate_conditions(
	Engine *engine, const EvalScope *scope, const GPtrArray *conditions) {
	LangScope lang = engine_lang_scope(scope);
	for (guint i = 0; conditions && i < conditions->len; i++) {
		const LangBody *rule = conditions->pdata[i];
		g_autofree char *ignored = text_of(argument(rule, "error_message"), &lang,
			DIAG_WARNING, ", so", engine->diags);
		truth_of(argument(rule, "condition"), &lang, &of_condition, engine->diags);
	}
}

static void run_check(
	Engine *engine, ModuleInstance *module, const LangBlock *check, Diags *warnings) {
	EvalScope scope = {.engine = engine, .module = module};
	g_autoptr(Diags) own = diags_new();
	for (guint i = 0; i < check->body->blocks->len; i++) {
		const LangBlock *block = check->body->blocks->pdata[i];
		if (g_str_equal(block->type, "assert"))
			check_rule(&scope, block->body, "Check block assertion", DIAG_WARNING, own);
	}
	g_autoptr(Diags) own_warnings = diags_split_warnings(own);
	diags_move(warnings, own_warnings);
	diags_move(engine->diags, own);
}

void engine_run_checks(Engine *engine, Diags *warnings) {
	for (guint i = 0; i < engine->config->modules->len; i++) {
		const Module *module = engine->config->modules->pdata[i];
		if (module->checks->len == 0)
			continue;
		g_autoptr(GPtrArray) instances = engine_module_instances(engine, module);
		for (guint j = 0; j < instances->len; j++)
			for (guint k = 0; k < module->checks->len; k++)
				run_check(engine, instances->pdata[j], module->checks->pdata[k],
					warnings);
	}
}

/* ---- validation of variables ---- */

/* `where`: what gave the variable its value. */
static void validate(
	const EvalScope *scope, const LangBody *rule, SourceRange where, Diags *diags) {
	const LangExpr *condition = argument(rule, "condition");
	const LangExpr *message = argument(rule, "error_message");
	LangScope lang = engine_lang_scope(scope);
	Truth truth = truth_of(condition, &lang, &of_validation, diags);
	if (truth == NOT_KNOWN || truth == SENSELESS)
		return;
	g_auto(Value) value = VALUE_NOTHING;
	g_autoptr(Diags) own = diags_new();
	value = lang_eval(message, &lang, own);
	if (!diags_has_errors(own) && !value_is_known(value)) {
		unsuitable_message(message, &lang,
			"expression refers to values that won't be known until the apply phase",
			diags);
		return;
	}
	if (truth == HOLDS)
		return;
	g_autofree char *text =
		value_is_null(value) ? NULL : text_of(message, &lang, DIAG_ERROR, ".", diags);
	SourceRange declared = rule->header;
	lang_explain(
		diags_error(diags, where, "Invalid value for variable",
			"%s\n\nThis was checked by the validation rule at %s:%u,%u-%u.",
			text && *text ? text
			: value_has_sensitive(value)
				? "The error message included a sensitive value, so it will not "
				  "be displayed."
				: "Failed to evaluate condition error message.",
			declared.filename, declared.start_line, declared.start_column,
			declared.end_column),
		condition, &lang, LANG_ABOUT_VALUES);
}

void engine_check_validations(
	Engine *engine, ModuleInstance *module, const Variable *variable, SourceRange where) {
	EvalScope scope = {.engine = engine, .module = module};
	for (guint i = 0; i < variable->validations->len; i++)
		validate(&scope, variable->validations->pdata[i], where, engine->diags);
}

/* ---- outputs ---- */

void engine_check_output(Engine *engine, const Output *output, Value value) {
	if (output->ephemeral)
		diags_error(engine->diags, output->range, "Ephemeral output not allowed",
			"Ephemeral outputs are not allowed in context of a root module");
	if (output->sensitive || !value_has_sensitive(value))
		return;
	diags_error(engine->diags, output->range, "Output refers to sensitive values",
		"To reduce the risk of accidentally exporting sensitive data that was intended to "
		"be only internal, Terrarium requires that any root module output containing "
		"sensitive data be explicitly marked as sensitive, to confirm your intent.\n\n"
		"If you do intend to export this data, annotate the output value as sensitive by "
		"adding the following argument:\n    sensitive = true");
}
