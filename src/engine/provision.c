/*
 * Provisioners: what a resource has run on this machine when an object was created, and before it
 * is destroyed. Only local-exec does run; what needs a machine to connect to is refused when the
 * plan shows that it would have to. Must never keep the engine's lock while a program runs.
 */
#include <string.h>

#include "base/child.h"
#include "engine/internal.h"

#define KEPT_OUTPUT 8192 /* of what a program printed, for its error */

static const char *const provisioner_meta[] = {"when", "on_failure", "connection", NULL};

/* ---- the schema of local-exec ---- */

static gpointer make_schema(gpointer nothing) {
	const struct {
		const char *name;
		const Type *type;
	} all[] = {{"command", type_string()}, {"interpreter", type_list(type_string())},
		{"working_dir", type_string()}, {"environment", type_map(type_string())},
		{"quiet", type_bool()}};
	SchemaBlock *block = schema_block_new();
	for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
		SchemaAttribute *attribute = g_new0(SchemaAttribute, 1);
		attribute->name = all[i].name;
		attribute->type = all[i].type;
		attribute->required = i == 0;
		attribute->optional = i > 0;
		g_ptr_array_add(block->attributes, attribute);
	}
	return block;
}

static const SchemaBlock *local_exec(void) {
	static GOnce once = G_ONCE_INIT;
	return g_once(&once, make_schema, NULL);
}

/* ---- what cannot run here ---- */

gboolean engine_check_provisioners(
	Engine *engine, const GPtrArray *provisioners, gboolean at_destroy, const char *address) {
	gboolean fine = TRUE;
	for (guint i = 0; provisioners && i < provisioners->len; i++) {
		const Provisioner *provisioner = provisioners->pdata[i];
		if (provisioner->at_destroy != at_destroy ||
			g_str_equal(provisioner->type, "local-exec"))
			continue;
		Diag *diag = diags_error(engine->diags, provisioner->range,
			"Provisioner is not implemented",
			"The \"%s\" provisioner would have to connect to a machine, which "
			"Terrarium does not do. Do the same in the image, in the task, or in a "
			"step of the pipeline, or leave the block out of the local environment, "
			"for example with count.",
			provisioner->type);
		diag->address = g_strdup(address);
		fine = FALSE;
	}
	return fine;
}

void engine_validate_provisioners(Engine *engine, const EvalScope *scope, const Resource *resource,
	const SchemaBlock *block, Diags *diags) {
	EvalScope own = *scope;
	own.self = value_unknown(schema_block_type(block));
	own.has_self = TRUE;
	for (guint i = 0; resource->provisioners && i < resource->provisioners->len; i++) {
		const Provisioner *provisioner = resource->provisioners->pdata[i];
		if (!g_str_equal(provisioner->type, "local-exec"))
			continue;
		g_auto(Value) ignored = engine_decode(
			&own, provisioner->body, local_exec(), provisioner_meta, diags);
		(void)ignored;
	}
	value_clear(&own.self);
}

/* ---- what is printed ---- */

typedef struct {
	Engine *engine;
	const char *address;
	const Provisioner *provisioner;
	gboolean secret;
	GString *line; /* of output, so far */
	GString *kept;
} Telling;

static void tell(const Telling *telling, const char *text) {
	g_autofree char *detail = g_strdup_printf("%s\n%s", telling->provisioner->type,
		telling->secret ? "(output suppressed due to sensitive value in config)" : text);
	engine_tell(telling->engine, EVENT_PROVISIONER_OUTPUT, telling->address, detail, 0);
}

static void tell_line(Telling *telling) {
	g_autofree char *valid = g_utf8_make_valid(telling->line->str, (gssize)telling->line->len);
	g_strchomp(valid);
	g_mutex_lock(&telling->engine->lock);
	tell(telling, valid);
	g_mutex_unlock(&telling->engine->lock);
	g_string_truncate(telling->line, 0);
}

/* Called without the engine's lock. */
static void take(ChildStream stream, const char *text, gsize length, gpointer data) {
	Telling *telling = data;
	g_string_append_len(telling->kept, text, (gssize)length);
	if (telling->kept->len > KEPT_OUTPUT)
		g_string_erase(telling->kept, 0, (gssize)(telling->kept->len - KEPT_OUTPUT));
	for (gsize i = 0; i < length; i++) {
		if (text[i] == '\n')
			tell_line(telling);
		else
			g_string_append_c(telling->line, text[i]);
	}
}

/* A string as Go's %q writes it, which Terraform shows commands with. */
static void append_quoted(GString *out, const char *text) {
	static const char plain[] = "\a\b\t\n\v\f\r\"\\", shown[] = "abtnvfr\"\\";
	g_string_append_c(out, '"');
	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		const char *special = strchr(plain, *at);
		gunichar c = g_utf8_get_char(at);
		if (special)
			g_string_append_printf(out, "\\%c", shown[special - plain]);
		else if (c < 0x20 || c == 0x7f)
			g_string_append_printf(out, "\\x%02x", c);
		else if (!g_unichar_isprint(c))
			g_string_append_printf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
		else
			g_string_append_unichar(out, c);
	}
	g_string_append_c(out, '"');
}

static void tell_command(const Telling *telling, Value config, const GPtrArray *argv) {
	if (value_get_bool(config, "quiet")) {
		tell(telling, "local-exec: Executing: Suppressed by quiet=true");
		return;
	}
	g_autoptr(GString) text = g_string_new("Executing: [");
	for (guint i = 0; argv->pdata[i]; i++) {
		g_string_append(text, i > 0 ? " " : "");
		append_quoted(text, argv->pdata[i]);
	}
	g_string_append_c(text, ']');
	tell(telling, text->str);
}

/* ---- running ---- */

/* Borrows from config. */
static GPtrArray *arguments(Value config) {
	GPtrArray *argv = g_ptr_array_new();
	Value interpreter = value_get(config, "interpreter");
	for (gsize i = 0; i < value_length(interpreter); i++)
		if (value_text(value_at(interpreter, i)))
			g_ptr_array_add(argv, (char *)value_text(value_at(interpreter, i)));
	if (argv->len == 0) {
		g_ptr_array_add(argv, "/bin/sh");
		g_ptr_array_add(argv, "-c");
	}
	g_ptr_array_add(argv, (char *)value_get_text(config, "command"));
	g_ptr_array_add(argv, NULL);
	return argv;
}

static char **environment(Value config) {
	char **all = child_environment();
	ValueIter iter;
	const char *name;
	Value value;
	Value own = value_get(config, "environment");
	for (value_iter_init(&iter, own); value_iter_next(&iter, &name, &value);)
		if (value_text(value))
			all = g_environ_setenv(all, name, value_text(value), TRUE);
	return all;
}

/* The error of one that failed, with the address that it is about. */
static gboolean fail(
	const Telling *telling, Diags *diags, const char *summary, const char *detail) {
	Diag *diag = diags_error(diags, telling->provisioner->range, summary, "%s", detail);
	diag->address = g_strdup(telling->address);
	return FALSE;
}

static gboolean run(Telling *telling, Running *running, Value config, Diags *diags) {
	Engine *engine = telling->engine;
	const char *command = value_get_text(config, "command");
	if (!command || !*command)
		return fail(telling, diags, "Invalid local-exec provisioner command",
			"The command must be a non-empty string.");
	const char *dir = value_get_text(config, "working_dir");
	g_autoptr(GPtrArray) argv = arguments(config);
	g_auto(GStrv) envp = environment(config);
	tell_command(telling, config, argv);
	const ChildProgram program = {.argv = (const char *const *)argv->pdata,
		.dir = dir && *dir ? dir : NULL,
		.environment = (const char *const *)envp,
		.joined = TRUE,
		.took = take,
		.data = telling};
	g_autoptr(GError) error = NULL;
	engine_let_go_on(engine, running);
	gboolean fine = child_run(&program, engine->cancellable, &error);
	if (telling->line->len > 0)
		tell_line(telling);
	engine_come_back(engine, running);
	if (fine)
		return TRUE;
	g_autofree char *output = g_utf8_make_valid(telling->kept->str, (gssize)telling->kept->len);
	g_autofree char *detail =
		telling->secret
			? g_strdup_printf(
				  "Error running command: %s. It and its output are not shown due "
				  "to a sensitive value in config.",
				  error->message)
			: g_strdup_printf("Error running command '%s': %s. Output: %s", command,
				  error->message, output);
	return fail(telling, diags, "local-exec provisioner error", detail);
}

static gboolean provision(Engine *engine, const EvalScope *scope, const Provisioner *provisioner,
	const char *address, Running *running) {
	g_autoptr(Diags) own = diags_new();
	g_auto(Value) config =
		engine_decode(scope, provisioner->body, local_exec(), provisioner_meta, own);
	g_autoptr(GString) line = g_string_new(NULL);
	g_autoptr(GString) kept = g_string_new(NULL);
	Telling telling = {engine, address, provisioner, value_has_sensitive(config), line, kept};
	if (diags_has_errors(own)) {
		engine_take_diags(engine, own, NULL, provisioner->range, address);
		return FALSE;
	}
	engine_tell(engine, EVENT_PROVISIONING, address, provisioner->type, 0);
	g_auto(Value) plain = value_unmark_deep(config);
	if (run(&telling, running, plain, own))
		return TRUE;
	if (provisioner->go_on && !g_cancellable_is_cancelled(engine->cancellable))
		return TRUE;
	diags_move(engine->diags, own);
	return FALSE;
}

gboolean engine_provision(Engine *engine, const EvalScope *scope, const GPtrArray *provisioners,
	gboolean at_destroy, const char *address, Running *running) {
	for (guint i = 0; provisioners && i < provisioners->len; i++) {
		const Provisioner *provisioner = provisioners->pdata[i];
		if (provisioner->at_destroy == at_destroy &&
			!provision(engine, scope, provisioner, address, running))
			return FALSE;
	}
	return TRUE;
}

gboolean engine_provisions(const GPtrArray *provisioners, gboolean at_destroy) {
	for (guint i = 0; provisioners && i < provisioners->len; i++)
		if (((const Provisioner *)provisioners->pdata[i])->at_destroy == at_destroy)
			return TRUE;
	return FALSE;
}

/* ---- before a destruction ---- */

/* What is to run before the object goes; *module: where that is written. NULL: nothing. */
static const GPtrArray *before_destruction(
	Engine *engine, const Address *address, const char *text, const Module **module) {
	const Resource *resource = address ? engine_declared(engine, address) : NULL;
	const Removed *removed = resource ? NULL : engine_removed(engine, text);
	*module = resource ? resource->module : engine->config->root;
	return resource ? resource->provisioners : removed ? removed->provisioners : NULL;
}

gboolean engine_provision_destruction(
	Engine *engine, const char *address, Value self, Running *running) {
	g_autoptr(Diags) quiet = diags_new();
	g_autoptr(Address) parsed = address_parse(address, quiet);
	const Module *module;
	const GPtrArray *provisioners = before_destruction(engine, parsed, address, &module);
	if (!engine_provisions(provisioners, TRUE))
		return TRUE;
	/* They refer to nothing but their own object, so it does not matter whether the module's
	 * instance is still there. */
	ModuleInstance *instance = module_instance_new((Module *)module, NULL, parsed->module);
	gboolean counted = parsed->has_key && value_kind(parsed->key) == VALUE_NUMBER;
	EvalScope scope = {.engine = engine,
		.module = instance,
		.key = parsed->has_key ? parsed->key : VALUE_NOTHING,
		.repeat = counted	    ? REPEAT_COUNT
			  : parsed->has_key ? REPEAT_EACH
					    : REPEAT_SINGLE,
		.self = self,
		.has_self = TRUE};
	gboolean fine = engine_provision(engine, &scope, provisioners, TRUE, address, running);
	module_instance_free(instance);
	return fine;
}

gboolean engine_check_destruction(Engine *engine, const char *address) {
	g_autoptr(Diags) quiet = diags_new();
	g_autoptr(Address) parsed = address_parse(address, quiet);
	const Module *module;
	return engine_check_provisioners(
		engine, before_destruction(engine, parsed, address, &module), TRUE, address);
}
