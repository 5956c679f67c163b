/*
 * Parts: what several types say in the same blocks stands once, as `part "name" { … }`; a
 * `use "name" {}` stands for the lines and blocks of it, in a schema as in an operation. They are
 * put in place before a type is read, so nothing else knows of them. Relies on all files having
 * been parsed, since any of them may hold the part.
 */
#include "provider/aws/aws.h"

#define MOST_IN_ONE_BLOCK 100 /* uses: beyond that a part is in itself */

static void take_attributes(LangBody *body, const LangBody *part, Diags *diags) {
	for (guint i = 0; i < part->attributes->len; i++) {
		LangAttribute *attribute = part->attributes->pdata[i];
		if (lang_body_attribute(body, attribute->name))
			diags_error(diags, attribute->name_range, "Attribute redefined",
				"The place where this part is used sets %s already.",
				attribute->name);
		else
			g_ptr_array_add(body->attributes, attribute);
	}
}

static void take_blocks(LangBody *body, guint at, const LangBody *part) {
	for (guint i = 0; i < part->blocks->len; i++)
		g_ptr_array_insert(body->blocks, (gint)(at + i), part->blocks->pdata[i]);
}

void aws_parts_put(LangBody *body, GHashTable *parts, Diags *diags) {
	guint uses = 0;
	for (guint i = 0; i < body->blocks->len;) {
		const LangBlock *block = body->blocks->pdata[i];
		if (!g_str_equal(block->type, "use")) {
			aws_parts_put(block->body, parts, diags);
			i++;
			continue;
		}
		const LangBody *part =
			block->n_labels == 1 ? g_hash_table_lookup(parts, block->labels[0]) : NULL;
		g_ptr_array_remove_index(body->blocks, i);
		if (!part || ++uses > MOST_IN_ONE_BLOCK) {
			diags_error(diags, block->header, "Unknown part",
				"There is no part of that name, or it uses itself.");
			continue;
		}
		take_attributes(body, part, diags);
		take_blocks(body, i, part); /* and these are looked at next */
	}
}
