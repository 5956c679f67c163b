/*
 * provisioner and connection blocks: which ones there are, when they run, and that those which run
 * before a destruction refer to nothing else. What they do is in provision.c.
 */
#include "engine/config_read.h"

/* The keyword that an argument is; NULL after an error, or if it is not set. */
static const char *keyword_of(
	const LangBody *body, const char *name, const char *const *allowed, Diags *diags) {
	LangExpr *expr = config_expression(body, name);
	if (!expr)
		return NULL;
	const LangTraversal *traversal = lang_expr_traversal(expr);
	const char *keyword = lang_expr_keyword(expr);
	if (!traversal && keyword && !body->json)
		diags_warning(diags, lang_expr_range(expr), "Quoted keywords are deprecated",
			"In this context, keywords are expected literally rather than in quotes. "
			"Terraform 0.11 and earlier required quotes, but quoted keywords are now "
			"deprecated and will be removed in a future version of Terraform. Remove "
			"the quotes surrounding this keyword to silence this warning.");
	if (keyword && g_strv_contains(allowed, keyword))
		return keyword;
	g_autofree char *summary = g_strdup_printf("Invalid \"%s\" keyword", name);
	diags_error(diags, lang_expr_range(expr), summary,
		"The \"%s\" argument requires one of the following keywords: %s or %s.", name,
		allowed[0], allowed[1]);
	return NULL;
}

static gboolean check_type(const LangBlock *block, Diags *diags) {
	static const char *const known[] = {"local-exec", "remote-exec", "file", NULL};
	static const char *const removed[] = {"chef", "habitat", "puppet", "salt-masterless", NULL};
	const char *type = block->labels[0];
	if (g_strv_contains(known, type))
		return TRUE;
	if (g_strv_contains(removed, type)) {
		g_autofree char *summary =
			g_strdup_printf("The \"%s\" provisioner has been removed", type);
		diags_error(diags, block->header, summary,
			"The \"%s\" provisioner was deprecated in Terraform 0.13.4 and has been "
			"removed from Terraform since.",
			type);
		return FALSE;
	}
	diags_error(diags, block->header, "Missing required provisioner plugin",
		"This configuration requires provisioner plugin \"%s\", which isn't available. "
		"There are local-exec, remote-exec and file.",
		type);
	return FALSE;
}

/* Before a destruction nothing else may be there any more. */
static void check_reference(const LangTraversal *traversal, gpointer data) {
	static const char *const fine[] = {"self", "path", "terraform", NULL};
	const char *name = traversal->n_steps > 0 && traversal->steps[0].kind == LANG_STEP_NAME
				   ? traversal->steps[0].name
				   : "";
	gboolean key = (g_str_equal(traversal->root, "count") && g_str_equal(name, "index")) ||
		       (g_str_equal(traversal->root, "each") && g_str_equal(name, "key"));
	if (key || traversal->n_steps == 0 || g_strv_contains(fine, traversal->root))
		return;
	diags_error(data, traversal->range, "Invalid reference from destroy provisioner",
		"Destroy-time provisioners and their connection configurations may only reference "
		"attributes of the related resource, via 'self', 'count.index', or "
		"'each.key'.\n\nReferences to other resources during the destroy phase can cause "
		"dependency cycles and interact poorly with create_before_destroy.");
}

static void read_provisioner(const LangBlock *block, GPtrArray *provisioners, Diags *diags) {
	static const char *const times[] = {"create", "destroy", NULL};
	static const char *const failures[] = {"continue", "fail", NULL};
	if (block->n_labels != 1) {
		diags_error(diags, block->header,
			block->n_labels ? "Extraneous label for provisioner"
					: "Missing type for provisioner",
			"All provisioner blocks must have 1 labels (type).");
		return;
	}
	if (!check_type(block, diags))
		return;
	Provisioner *provisioner = g_new0(Provisioner, 1);
	provisioner->type = block->labels[0];
	provisioner->body = block->body;
	provisioner->range = block->header;
	provisioner->at_destroy =
		g_strcmp0(keyword_of(block->body, "when", times, diags), "destroy") == 0;
	provisioner->go_on =
		g_strcmp0(keyword_of(block->body, "on_failure", failures, diags), "continue") == 0;
	if (provisioner->at_destroy)
		lang_body_references(block->body, check_reference, diags);
	g_ptr_array_add(provisioners, provisioner);
}

GPtrArray *config_read_provisioners(const LangBody *body, Diags *diags) {
	GPtrArray *provisioners = g_ptr_array_new_with_free_func(g_free);
	const LangBlock *connection = NULL;
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		if (g_str_equal(block->type, "provisioner"))
			read_provisioner(block, provisioners, diags);
		if (!g_str_equal(block->type, "connection"))
			continue;
		if (connection)
			diags_error(diags, block->header, "Duplicate connection block",
				"This resource already has a connection block at %s:%u,%u-%u.",
				connection->header.filename, connection->header.start_line,
				connection->header.start_column, connection->header.end_column);
		connection = block;
	}
	return provisioners;
}
