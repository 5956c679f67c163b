/* Bodies that are made of two: a body, and another one that overrides parts of it. */
#include "lang/syntax.h"

/* What a nested block is, or, if it is dynamic, what it makes. */
static const char *made_type(const LangBlock *block) {
	return g_str_equal(block->type, "dynamic") && block->n_labels == 1 ? block->labels[0]
									   : block->type;
}

/* In JSON a nested block may still look like an attribute. */
static gboolean sets(const LangBody *body, const char *name) {
	if (lang_body_attribute(body, name))
		return TRUE;
	for (guint i = 0; i < body->blocks->len; i++)
		if (g_str_equal(made_type(body->blocks->pdata[i]), name))
			return TRUE;
	return FALSE;
}

LangBody *lang_body_merge(LangFile *file, const LangBody *base, const LangBody *over) {
	LangBody *merged = lang_file_new_body(file);
	merged->json = base->json ? base->json : over->json;
	merged->range = base->range;
	merged->end = base->end;
	for (guint i = 0; i < base->attributes->len; i++) {
		LangAttribute *attribute = base->attributes->pdata[i];
		if (!sets(over, attribute->name))
			g_ptr_array_add(merged->attributes, attribute);
	}
	for (guint i = 0; i < base->blocks->len; i++) {
		LangBlock *block = base->blocks->pdata[i];
		if (!sets(over, made_type(block)))
			g_ptr_array_add(merged->blocks, block);
	}
	g_ptr_array_extend(merged->attributes, over->attributes, NULL, NULL);
	g_ptr_array_extend(merged->blocks, over->blocks, NULL, NULL);
	return merged;
}
