/*
 * The Terraform language (HCL's native syntax): bodies, expressions, templates; and their
 * evaluation to Values. This room knows the grammar and the functions, but no resource, variable or
 * provider: what a name means is told by the Scope's resolver. The engine and the resource-type
 * files use it.
 */
#pragma once

#include "base/diag.h"
#include "value/value.h"

/* ---- syntax ---- */

typedef struct LangExpr LangExpr;
typedef struct LangBody LangBody;
/* A parsed file. Owns its whole syntax tree; free it after everything that points into it. */
typedef struct LangFile LangFile;

typedef struct {
	const char *name; /* interned */
	LangExpr *expr;
	SourceRange name_range;
	SourceRange range; /* name to end of expression */
} LangAttribute;

typedef struct {
	const char *type; /* interned */
	guint n_labels;
	const char **labels; /* interned */
	SourceRange type_range;
	SourceRange *label_ranges;
	SourceRange header; /* type to last label */
	LangBody *body;
} LangBlock;

struct LangBody {
	GPtrArray *attributes; /* of LangAttribute*, in source order; a name occurs once */
	GPtrArray *blocks; /* of LangBlock*, in source order */
	SourceRange range;
	SourceRange header; /* of the block that it is of */
	SourceRange end; /* just before the closing brace or at the end of file */
	LangFile *json; /* the file of a body in JSON syntax; else NULL */
};

/* Parses native syntax (.tf, .tfvars, .hcl). Always returns a file: with what could be parsed, and
 * with errors in `diags`. Text is copied; `filename` is as it shall appear in diagnostics. */
LangFile *lang_parse(const char *filename, const char *text, gsize length, Diags *diags);
/* Parses the JSON syntax (.tf.json, .tfvars.json) to the same tree (blocks are told from attributes
 * by the reader: see lang_body_content's schema). */
LangFile *lang_parse_json(const char *filename, const char *text, gsize length, Diags *diags);
/* A single expression or a template (the text of templatefile, or a quoted string's inside). */
LangFile *lang_parse_expression(const char *filename, const char *text, gsize length, Diags *diags);
LangFile *lang_parse_template(const char *filename, const char *text, gsize length, Diags *diags);
LangBody *lang_file_body(LangFile *file);
LangExpr *lang_file_expr(LangFile *file); /* of the latter two; NULL if it did not parse */
const char *lang_file_name(const LangFile *file);
void lang_file_free(LangFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LangFile, lang_file_free)

/* Where it begins: the place to tell for what a body lacks. */
SourceRange lang_body_start(const LangBody *body);
/* The attribute of that name, or NULL. */
LangAttribute *lang_body_attribute(const LangBody *body, const char *name);

/* In a JSON body everything is an attribute until a schema says which names are blocks. For native
 * bodies returns `body` itself; for JSON bodies a body in which the named block types (with that
 * many labels) have become blocks; it belongs to the file. `types` ends with a NULL type. */
typedef struct {
	const char *type;
	guint n_labels;
} LangBlockType;
LangBody *lang_body_content(LangBody *body, const LangBlockType *types, Diags *diags);
/* `base` with what `over` has instead: attributes one by one, nested blocks all of a type. Belongs
 * to `file`; what it is made of stays where it was. */
LangBody *lang_body_merge(LangFile *file, const LangBody *base, const LangBody *over);

/* Where it stands. */
SourceRange lang_expr_range(const LangExpr *expr);

/* ---- references ---- */

/* One step of a traversal: .name, [literal], or [*] / .*. */
typedef struct {
	enum { LANG_STEP_NAME, LANG_STEP_INDEX, LANG_STEP_SPLAT } kind;
	const char *name; /* interned; of NAME */
	Value index; /* of INDEX: a literal string or number; owned by the tree */
	SourceRange range;
} LangStep;

/* aws_vpc.main.id: the root name and the steps after it, as far as they are literal. */
typedef struct {
	const char *root; /* interned */
	guint n_steps;
	const LangStep *steps;
	SourceRange range; /* all of it */
	SourceRange root_range;
} LangTraversal;

/* Calls `found` for each traversal in `expr` whose root is not a local name of a for expression, in
 * source order. */
typedef void (*LangReferenceFunc)(const LangTraversal *traversal, gpointer data);
void lang_expr_references(const LangExpr *expr, LangReferenceFunc found, gpointer data);
void lang_body_references(const LangBody *body, LangReferenceFunc found, gpointer data);

/* If the expression is nothing but a traversal (as in depends_on, ignore_changes, provider), it;
 * else NULL. Owned by the tree. A bare keyword ("all") is a traversal without steps. */
const LangTraversal *lang_expr_traversal(const LangExpr *expr);
/* If the expression is a tuple constructor, its elements (else FALSE); an object constructor, its
 * items. */
gboolean lang_expr_tuple(const LangExpr *expr, LangExpr ***elements, guint *n);
gboolean lang_expr_object(const LangExpr *expr, LangExpr ***keys, LangExpr ***values, guint *n);
/* If it is a function call, its name and arguments (for type constraints and the like). */
gboolean lang_expr_call(const LangExpr *expr, const char **name, LangExpr ***arguments, guint *n);
/* The bare keyword or quoted literal that the expression is, or NULL (interned). */
const char *lang_expr_keyword(const LangExpr *expr);

/* ---- evaluation ---- */

typedef struct LangScope LangScope;

/* Tells what a traversal's beginning means. Sets *out (owned by the caller then) and *used to how
 * many steps after the root it stands for (0: the root alone); the evaluator applies the rest.
 * Returns FALSE after adding an error to diags (Terraform: "Reference to undeclared …"). */
typedef gboolean (*LangResolveFunc)(
	const LangTraversal *traversal, Value *out, guint *used, gpointer data, Diags *diags);

struct LangScope {
	LangResolveFunc resolve;
	gpointer data;
	/* Where file(), templatefile() and the like start relative paths; NULL: no file functions.
	 */
	const char *base_dir;
	/* Names and values that hide the resolver's, innermost; an object or VALUE_NOTHING.
	 * Borrowed. */
	Value locals;
	/* Literals only: functions may not be called. */
	gboolean constant;
	/* During plan: timestamp(), uuid() and bcrypt() give unknown values. */
	gboolean pure;
	/* For the programs of resource types: what is missing (an attribute, an element, something
	 * of null) is null instead of an error, and null has no elements. */
	gboolean lenient;
	/* Functions that this scope has besides the built-in ones, by name; GHashTable of
	 * char* -> const LangFunction*; or NULL. */
	GHashTable *functions;
};

/* Evaluates. On errors adds them to diags and returns unknown of type any, so that a caller may go
 * on to find more errors. */
Value lang_eval(const LangExpr *expr, const LangScope *scope, Diags *diags);
/* Evaluates and converts to `type`; errors in Terraform's words ("Inappropriate value for
 * attribute…" is the engine's to say; here: "Unsuitable value type"). */
Value lang_eval_as(const LangExpr *expr, const Type *type, const LangScope *scope, Diags *diags);

/* Completes a diagnostic about an expression with the values of what it refers to ("var.x is 3"),
 * as lang_eval does with its own; if that is what is wrong, also of those that are not known yet,
 * or that they are sensitive. */
typedef enum {
	LANG_ABOUT_VALUES = 0,
	LANG_ABOUT_UNKNOWN = 1 << 0,
	LANG_ABOUT_SENSITIVE = 1 << 1
} LangAbout;
void lang_explain(Diag *diag, const LangExpr *expr, const LangScope *scope, LangAbout about);

/* ---- functions ---- */

typedef struct {
	const char *name;
	const Type *type; /* any: takes anything */
	gboolean allow_null,
		allow_unknown; /* else null is an error; unknown makes the result unknown */
} LangParameter;

/* A function's body: borrowed arguments, already converted; on failure VALUE_NOTHING and an error
 * message (Terraform's words) with the index of the argument to blame (-1: the call). */
typedef Value (*LangFunctionCall)(
	const Value *arguments, guint n, const LangScope *scope, int *blame, char **problem);

typedef struct {
	const char *name;
	const LangParameter *parameters; /* ended by a NULL name */
	const LangParameter *variadic; /* or NULL */
	LangFunctionCall call;
	const LangExpr *body; /* instead of call: evaluated with the parameters as names */
	/* Result type when an argument is unknown: any if NULL. */
	const Type *(*result_type)(const Value *arguments, guint n);
	gboolean impure; /* unknown in a pure scope */
	gboolean keeps_marks; /* handles sensitive marks itself; else: any marked argument marks the
				 result */
} LangFunction;

/* Built-in by name ("cidrsubnet", with or without "core::"), or NULL; and all of them, sorted. */
const LangFunction *lang_function(const char *name);
const LangFunction *const *lang_functions(gsize *n);

/* ---- type constraints ---- */

/* Default values of optional() attributes, as deep as they go. Owned by whoever calls lang_type. */
typedef struct LangDefaults LangDefaults;

/* A type constraint: `list(object({ a = string, b = optional(number, 1) }))`. NULL after an error.
 * *defaults NULL if there are none; defaults may itself be NULL (then optional(…, default) is
 * refused). */
const Type *lang_type(const LangExpr *expr, LangDefaults **defaults, Diags *diags);
Value lang_defaults_apply(const LangDefaults *defaults, Value value);
void lang_defaults_free(LangDefaults *defaults);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LangDefaults, lang_defaults_free)

/* ---- writing ---- */

/* A value as Terraform's configuration would write it, in canonical style (for output, console, and
 * generated files); `indent` in blanks for lines after the first. Sensitive: (sensitive value).
 * Unknown: (known after apply). Caller frees. */
char *lang_value_to_text(Value value, guint indent);
/* `text` in canonical format (terraform fmt), or NULL with errors in diags. Caller frees. */
char *lang_format(const char *filename, const char *text, gsize length, Diags *diags);
/* Whether `name` is an identifier of the language. */
gboolean lang_is_identifier(const char *name);
/* Reads "1h30m", "-10s", "1.5h", "5ms" as timeadd() does. FALSE if it is no duration. */
gboolean lang_parse_duration(const char *text, double *microseconds);
