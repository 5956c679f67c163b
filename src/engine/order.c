/*
 * What comes before what: a node for each variable, local, output, module call, provider and
 * resource of the configuration, and an edge for each reference. Static: it looks at names, and
 * evaluates nothing. Linear in the size of the configuration.
 */

#include "engine/internal.h"

typedef struct {
	Engine *engine;
	Order *order;
	GHashTable *all; /* what the node stands for (Variable*, Local*, …) -> GraphNode* */
	GraphRun run;
} Ordering;

typedef struct {
	Ordering *ordering;
	const Module *module;
	GraphNode *node;
	gboolean may_be_itself; /* a provisioner, which runs when its resource's object is there */
} Referrer;

void order_free(Order *order) {
	if (!order)
		return;
	graph_free(order->graph);
	g_hash_table_unref(order->nodes);
	g_free(order);
}

/* ---- nodes ---- */

static void add(Ordering *ordering, const Module *module, gconstpointer what, const char *kind,
	const char *name) {
	g_autofree char *label =
		g_strdup_printf("%s%s%s%s", module->path, *module->path ? "." : "", kind, name);
	g_hash_table_insert(ordering->all, (gpointer)what,
		graph_add(ordering->order->graph, label, NULL, (gpointer)what));
}

static void add_resource(Ordering *ordering, const Module *module, Resource *resource) {
	g_autofree char *name = resource_name(resource);
	g_autofree char *label =
		g_strdup_printf("%s%s%s", module->path, *module->path ? "." : "", name);
	GraphNode *node = graph_add(ordering->order->graph, label, ordering->run, resource);
	g_hash_table_insert(ordering->all, resource, node);
	g_hash_table_insert(ordering->order->nodes, resource, node);
}

static void add_module(Ordering *ordering, const Module *module) {
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, module->variables);
	while (g_hash_table_iter_next(&iter, &name, &value))
		add(ordering, module, value, "var.", name);
	g_hash_table_iter_init(&iter, module->locals);
	while (g_hash_table_iter_next(&iter, &name, &value))
		add(ordering, module, value, "local.", name);
	g_hash_table_iter_init(&iter, module->outputs);
	while (g_hash_table_iter_next(&iter, &name, &value))
		add(ordering, module, value, "output.", name);
	g_hash_table_iter_init(&iter, module->calls);
	while (g_hash_table_iter_next(&iter, &name, &value))
		add(ordering, module, value, "module.", name);
	g_hash_table_iter_init(&iter, module->providers);
	while (g_hash_table_iter_next(&iter, &name, &value))
		add(ordering, module, value, "provider.", name);
	for (guint i = 0; i < module->resources->len; i++)
		add_resource(ordering, module, module->resources->pdata[i]);
}

static GraphNode *node_of(const Ordering *ordering, gconstpointer what) {
	return what ? g_hash_table_lookup(ordering->all, what) : NULL;
}

/* ---- references ---- */

static void depend(const Referrer *referrer, gconstpointer what) {
	GraphNode *target = node_of(referrer->ordering, what);
	if (target)
		graph_depend(referrer->node, target);
}

/* The resource with the key that a reference gives. Caller frees. */
static char *name_in(const Resource *resource, const LangTraversal *traversal) {
	guint at = resource->managed ? 1 : 2;
	g_autofree char *name = resource_name(resource);
	g_autofree char *key =
		at < traversal->n_steps && traversal->steps[at].kind == LANG_STEP_INDEX
			? address_key(traversal->steps[at].index)
			: g_strdup("");
	return g_strconcat(name, key, NULL);
}

/* `what` may not need itself. */
static gboolean refers_to_itself(
	const Referrer *referrer, gconstpointer what, const LangTraversal *traversal) {
	if (!what || node_of(referrer->ordering, what) != referrer->node)
		return FALSE;
	if (referrer->may_be_itself)
		return TRUE;
	g_autofree char *name = name_in(what, traversal);
	const char *path = referrer->module->path;
	diags_error(referrer->ordering->engine->diags, traversal->range, "Self-referential block",
		"Configuration for %s%s%s may not refer to itself.", path, *path ? "." : "", name);
	return TRUE;
}

static void depend_on_outputs(const Referrer *referrer, const Module *child) {
	GHashTableIter iter;
	gpointer output;
	g_hash_table_iter_init(&iter, child->outputs);
	while (g_hash_table_iter_next(&iter, NULL, &output))
		depend(referrer, output);
}

static void refer_to_module(const Referrer *referrer, const LangTraversal *traversal) {
	if (traversal->n_steps < 1 || traversal->steps[0].kind != LANG_STEP_NAME)
		return;
	ModuleCall *call = g_hash_table_lookup(referrer->module->calls, traversal->steps[0].name);
	if (!call || !call->module)
		return;
	depend(referrer, call);
	for (guint i = 1; i < traversal->n_steps; i++) {
		const LangStep *step = &traversal->steps[i];
		gpointer output = step->kind == LANG_STEP_NAME
					  ? g_hash_table_lookup(call->module->outputs, step->name)
					  : NULL;
		if (output) {
			depend(referrer, output);
			return;
		}
	}
	depend_on_outputs(referrer, call->module);
}

static void refer_to_resource(const Referrer *referrer, const LangTraversal *traversal,
	const char *prefix, const char *type, const LangStep *step) {
	if (step->kind != LANG_STEP_NAME)
		return;
	g_autofree char *name = g_strdup_printf("%s%s.%s", prefix, type, step->name);
	gconstpointer resource = g_hash_table_lookup(referrer->module->resource_index, name);
	if (!refers_to_itself(referrer, resource, traversal))
		depend(referrer, resource);
}

static void refer_to_local(
	const Referrer *referrer, const LangTraversal *traversal, const Local *local) {
	if (local && node_of(referrer->ordering, local) == referrer->node)
		diags_error(referrer->ordering->engine->diags, traversal->range,
			"Self-referencing local value",
			"Local value local.%s cannot use its own result as part of its expression.",
			local->name);
	else
		depend(referrer, local);
}

static void refer(const LangTraversal *traversal, gpointer data) {
	const Referrer *referrer = data;
	const char *root = traversal->root;
	const Module *module = referrer->module;
	const LangStep *step = traversal->n_steps > 0 ? &traversal->steps[0] : NULL;
	const char *name = step && step->kind == LANG_STEP_NAME ? step->name : NULL;
	if (!name)
		return;
	if (g_str_equal(root, "var"))
		depend(referrer, g_hash_table_lookup(module->variables, name));
	else if (g_str_equal(root, "local"))
		refer_to_local(referrer, traversal, g_hash_table_lookup(module->locals, name));
	else if (g_str_equal(root, "module"))
		refer_to_module(referrer, traversal);
	else if (g_str_equal(root, "data") && traversal->n_steps > 1)
		refer_to_resource(referrer, traversal, "data.", name, &traversal->steps[1]);
	else
		refer_to_resource(referrer, traversal, "", root, step);
}

static void refer_in(
	Ordering *ordering, const Module *module, gconstpointer what, const LangExpr *expr) {
	Referrer referrer = {ordering, module, node_of(ordering, what), FALSE};
	if (expr)
		lang_expr_references(expr, refer, &referrer);
}

static void refer_in_body(
	Ordering *ordering, const Module *module, gconstpointer what, const LangBody *body) {
	Referrer referrer = {ordering, module, node_of(ordering, what), FALSE};
	if (body)
		lang_body_references(body, refer, &referrer);
}

static gboolean is_provisioner(const LangBlock *block) {
	return g_str_equal(block->type, "provisioner") || g_str_equal(block->type, "connection");
}

static void refer_in_resource(Ordering *ordering, const Module *module, const Resource *resource) {
	Referrer referrer = {ordering, module, node_of(ordering, resource), FALSE};
	const LangBody *body = resource->body;
	for (guint i = 0; i < body->attributes->len; i++)
		lang_expr_references(
			((LangAttribute *)body->attributes->pdata[i])->expr, refer, &referrer);
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		referrer.may_be_itself = is_provisioner(block);
		lang_body_references(block->body, refer, &referrer);
	}
}

/* A reference that is not evaluated, which JSON spells as a string. */
static void refer_to(
	Ordering *ordering, const Module *module, gconstpointer what, const LangExpr *expr) {
	Referrer referrer = {ordering, module, node_of(ordering, what), FALSE};
	const LangTraversal *traversal = lang_expr_traversal(expr);
	if (traversal)
		refer(traversal, &referrer);
}

/* depends_on = [aws_x.y, module.z]: of a module, all that is in it. */
static void depend_on_module(Ordering *ordering, GraphNode *node, const Module *module) {
	for (guint i = 0; i < module->resources->len; i++)
		graph_depend(node, node_of(ordering, module->resources->pdata[i]));
	GHashTableIter iter;
	gpointer call;
	g_hash_table_iter_init(&iter, module->calls);
	while (g_hash_table_iter_next(&iter, NULL, &call))
		if (((ModuleCall *)call)->module)
			depend_on_module(ordering, node, ((ModuleCall *)call)->module);
	Referrer referrer = {ordering, module, node, FALSE};
	depend_on_outputs(&referrer, module);
}

/* What depends_on names must be there: nothing else would find out. */
static void check_target(Ordering *ordering, const Module *module, const LangTraversal *traversal) {
	static const char *const other[] = {"module", "var", "local", "path", "terraform", NULL};
	gboolean data = g_str_equal(traversal->root, "data");
	guint at = data ? 1 : 0;
	if (g_strv_contains(other, traversal->root) || traversal->n_steps <= at ||
		traversal->steps[at].kind != LANG_STEP_NAME)
		return;
	const char *type = data ? traversal->steps[0].name : traversal->root;
	const char *name = traversal->steps[at].name;
	g_autofree char *key = g_strdup_printf("%s%s.%s", data ? "data." : "", type, name);
	if (!g_hash_table_contains(module->resource_index, key))
		diags_error(ordering->engine->diags, traversal->range,
			"Reference to undeclared resource",
			"A %s resource \"%s\" \"%s\" has not been declared in %s.",
			data ? "data" : "managed", type, name,
			*module->path ? module->path : "the root module");
}

static void depends_on(
	Ordering *ordering, const Module *module, GraphNode *node, const GPtrArray *references) {
	Referrer referrer = {ordering, module, node, FALSE};
	for (guint i = 0; references && i < references->len; i++) {
		const LangTraversal *traversal = references->pdata[i];
		refer(traversal, &referrer);
		check_target(ordering, module, traversal);
		ModuleCall *call =
			g_str_equal(traversal->root, "module") && traversal->n_steps > 0 &&
					traversal->steps[0].kind == LANG_STEP_NAME
				? g_hash_table_lookup(module->calls, traversal->steps[0].name)
				: NULL;
		if (call && call->module)
			depend_on_module(ordering, node, call->module);
	}
}

/* ---- edges ---- */

static void connect_variables(Ordering *ordering, const Module *module) {
	GHashTableIter iter;
	gpointer name, variable;
	g_hash_table_iter_init(&iter, module->variables);
	while (g_hash_table_iter_next(&iter, &name, &variable)) {
		LangAttribute *argument =
			module->call ? lang_body_attribute(module->call->body, name) : NULL;
		if (argument)
			refer_in(ordering, module->parent, variable, argument->expr);
		if (module->call)
			graph_depend(node_of(ordering, variable), node_of(ordering, module->call));
		const Variable *declared = variable;
		for (guint i = 0; declared->validations && i < declared->validations->len; i++)
			refer_in_body(ordering, module, variable, declared->validations->pdata[i]);
	}
}

static void connect_resource(Ordering *ordering, const Module *module, const Resource *resource) {
	GraphNode *node = node_of(ordering, resource);
	refer_in_resource(ordering, module, resource);
	refer_in(ordering, module, resource, resource->count);
	refer_in(ordering, module, resource, resource->for_each);
	depends_on(ordering, module, node, resource->depends_on);
	for (guint i = 0; resource->replace_triggered_by && i < resource->replace_triggered_by->len;
		i++)
		refer_to(ordering, module, resource, resource->replace_triggered_by->pdata[i]);
	for (guint i = 0; resource->preconditions && i < resource->preconditions->len; i++)
		refer_in_body(ordering, module, resource, resource->preconditions->pdata[i]);
	for (guint i = 0; resource->postconditions && i < resource->postconditions->len; i++)
		refer_in_body(ordering, module, resource, resource->postconditions->pdata[i]);
	const ProviderConfig *provider = engine_provider_config(resource);
	if (provider && node_of(ordering, provider))
		graph_depend(node, node_of(ordering, provider));
	for (const Module *each = module; each->call; each = each->parent) {
		graph_depend(node, node_of(ordering, each->call));
		depends_on(ordering, each->parent, node, each->call->depends_on);
	}
}

static void connect(Ordering *ordering, const Module *module) {
	GHashTableIter iter;
	gpointer value;
	connect_variables(ordering, module);
	g_hash_table_iter_init(&iter, module->locals);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		refer_in(ordering, module, value, ((Local *)value)->expr);
	g_hash_table_iter_init(&iter, module->outputs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const Output *output = value;
		refer_in(ordering, module, output, output->expr);
		depends_on(ordering, module, node_of(ordering, output), output->depends_on);
		for (guint i = 0; output->preconditions && i < output->preconditions->len; i++)
			refer_in_body(ordering, module, output, output->preconditions->pdata[i]);
	}
	g_hash_table_iter_init(&iter, module->calls);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const ModuleCall *call = value;
		refer_in(ordering, module, call, call->count);
		refer_in(ordering, module, call, call->for_each);
	}
	g_hash_table_iter_init(&iter, module->providers);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		refer_in_body(ordering, module, value, ((ProviderConfig *)value)->body);
	for (guint i = 0; i < module->resources->len; i++)
		connect_resource(ordering, module, module->resources->pdata[i]);
}

Order *engine_order(Engine *engine, GraphRun run) {
	g_autoptr(Order) order = g_new0(Order, 1);
	guint errors = diags_error_count(engine->diags);
	g_autoptr(GHashTable) all = g_hash_table_new(NULL, NULL);
	order->graph = graph_new();
	order->nodes = g_hash_table_new(NULL, NULL);
	Ordering ordering = {engine, order, all, run};
	for (guint i = 0; i < engine->config->modules->len; i++)
		add_module(&ordering, engine->config->modules->pdata[i]);
	for (guint i = 0; i < engine->config->modules->len; i++)
		connect(&ordering, engine->config->modules->pdata[i]);
	if (diags_error_count(engine->diags) > errors)
		return NULL;
	g_auto(GStrv) cycle = graph_cycle(order->graph);
	if (cycle) {
		g_autofree char *names = g_strjoinv(", ", cycle);
		g_autofree char *summary = g_strdup_printf("Cycle: %s", names);
		diags_error(engine->diags, SOURCE_NOWHERE, summary,
			"They refer to each other in a circle. Take away one of the references.");
		return NULL;
	}
	return g_steal_pointer(&order);
}
