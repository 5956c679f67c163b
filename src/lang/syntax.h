/*
 * The syntax tree of the language, inside this room. Nodes belong to their file and live as long as
 * it.
 */
#pragma once

#include "lang/lang.h"

typedef enum {
	EXPR_LITERAL,
	EXPR_TEMPLATE, /* parts, joined to a string */
	EXPR_WRAP, /* "${x}": x as it is */
	EXPR_TRAVERSAL,
	EXPR_ATTRIBUTE, /* object.name */
	EXPR_INDEX, /* object[key] */
	EXPR_SPLAT, /* object[*] followed by `body` on each element */
	EXPR_EACH, /* the element in a splat's body */
	EXPR_CALL,
	EXPR_CONDITIONAL,
	EXPR_BINARY,
	EXPR_UNARY,
	EXPR_TUPLE,
	EXPR_OBJECT,
	EXPR_FOR,
	EXPR_PARENTHESES,
	EXPR_IF_DIRECTIVE, /* %{ if } in a template: condition, then, otherwise (templates) */
	EXPR_FOR_DIRECTIVE, /* %{ for } in a template: value is the template for each element */
} ExprKind;

typedef enum {
	OP_OR,
	OP_AND,
	OP_EQUAL,
	OP_NOT_EQUAL,
	OP_GREATER,
	OP_GREATER_EQUAL,
	OP_LESS,
	OP_LESS_EQUAL,
	OP_ADD,
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_MODULO,
	OP_NOT,
	OP_NEGATE,
} Operator;

struct LangExpr {
	ExprKind kind;
	SourceRange range;
	LangExpr *spelt; /* of a JSON string: the reference or call that it spells; or NULL */
	const char *verbatim; /* of a JSON string that is a template: its text, which it stands for
				 where nothing can be referred to (interned); or NULL */
	const char *problem, *problem_detail; /* why such a string is no template; or NULL */
	union {
		Value literal;
		struct {
			LangExpr **items; /* parts, elements, arguments; keys of an object */
			LangExpr **values; /* of an object */
			guint n_items;
			const char *name; /* of a call */
			SourceRange name_range;
			gboolean expand; /* the call's last argument has ... */
		};
		LangTraversal traversal;
		struct {
			LangExpr *object; /* of attribute, index and splat; operand of unary and
					     parentheses */
			LangExpr *key; /* of index */
			LangExpr *body; /* of splat */
			const char *attribute;
			SourceRange attribute_range;
		};
		struct {
			LangExpr *condition, *then, *otherwise;
		};
		struct {
			Operator op;
			LangExpr *left, *right; /* right: the operand of a unary one */
		};
		struct {
			const char *key_name, *value_name; /* key_name may be NULL */
			LangExpr *collection;
			LangExpr *result_key; /* NULL: gives a tuple */
			LangExpr *result;
			LangExpr *filter; /* if …; or NULL */
			gboolean grouped;
		};
	};
};

struct LangFile {
	const char *name; /* interned */
	LangBody *body;
	LangExpr *expr;
	GPtrArray *memory; /* everything that the tree is made of */
	GPtrArray *arrays; /* GPtrArrays of bodies */
	GArray *literals; /* Values to unref */
};

/* Zeroed memory, an empty body, an empty file: the first two belong to the file. */
gpointer lang_file_allocate(LangFile *file, gsize size);
LangBody *lang_file_new_body(LangFile *file);
LangFile *lang_file_new(const char *filename);
/* Parses `text`, which a file holds in another form (JSON), as a template or an expression; its
 * nodes belong to the file and are all said to be at `range`. NULL after an error. */
LangExpr *lang_parse_part(
	LangFile *file, const char *text, gboolean template, SourceRange range, Diags *diags);
/* An object key that is a bare name stands for itself. */
const char *lang_bare_name(const LangExpr *expr);

/* Terraform's ==: true, false or unknown. */
Value lang_equals(Value a, Value b);
