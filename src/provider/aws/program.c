/*
 * Carries out the operations of resource types: steps (call, wait, let, set, gone, error) in the
 * order in which the .hcl file writes them. Relies on lang for expressions and on wire for calls.
 * Must never know a resource type or a service by name.
 */
#include <string.h>

#include "provider/aws/aws.h"

#define POLL_FIRST_MS 100
#define POLL_LONGEST_MS 5000
#define DEFAULT_TIMEOUT_S (20 * 60)

void aws_run_clear(AwsRun *run) {
	value_clear(&run->self);
	value_clear(&run->prior);
	value_clear(&run->config);
	value_clear(&run->result);
	value_clear(&run->names);
	value_clear(&run->state);
}

/* ---- names ---- */

static Value provider_value(AwsRun *run) {
	AwsProvider *provider = run->provider;
	const char *region = value_get_text(run->self, "region");
	if (!region)
		region = provider->region;
	return value_object_take("region", value_string(region), "partition",
		value_string(aws_partition(region)), "dns_suffix",
		value_string(aws_dns_suffix(region)), "default_tags",
		value_ref(provider->default_tags), "endpoint", value_string(aws_local_endpoint()),
		NULL);
}

/* provider.account_id takes a call, so only who names it pays for it. */
static Value account_value(AwsRun *run, Diags *diags) {
	if (run->pure)
		return value_unknown(type_string());
	g_autoptr(GError) error = NULL;
	const char *account = aws_account_id(run->provider, &error);
	if (!account)
		diags_gerror(diags, SOURCE_NOWHERE, "Cannot find out the account", error);
	return value_string(account);
}

static gboolean resolve(
	const LangTraversal *traversal, Value *out, guint *used, gpointer data, Diags *diags) {
	AwsRun *run = data;
	const char *root = traversal->root;
	*used = 0;
	if (g_str_equal(root, "self")) {
		*out = value_ref(run->self);
	} else if (g_str_equal(root, "result")) {
		*out = value_ref(run->result);
	} else if (g_str_equal(root, "prior")) {
		*out = value_ref(run->prior);
	} else if (g_str_equal(root, "config")) {
		*out = value_ref(run->config);
	} else if (g_str_equal(root, "type")) {
		*out = value_string(run->type->name);
	} else if (g_str_equal(root, "provider")) {
		const LangStep *step = traversal->n_steps > 0 ? &traversal->steps[0] : NULL;
		if (step && step->kind == LANG_STEP_NAME && g_str_equal(step->name, "account_id")) {
			*out = account_value(run, diags);
			*used = 1;
		} else {
			*out = provider_value(run);
		}
	} else if (value_has(run->names, root)) {
		*out = value_ref(value_get(run->names, root));
	} else {
		diags_error(diags, traversal->root_range, "Unknown name",
			"Nothing here is called %s.", root);
		return FALSE;
	}
	return TRUE;
}

Value aws_run_eval(AwsRun *run, const LangExpr *expr) {
	LangScope scope = {
		.resolve = resolve,
		.data = run,
		.functions = aws_functions(),
		.pure = run->pure,
		.lenient = TRUE,
	};
	return lang_eval(expr, &scope, run->diags);
}

void aws_run_name_take(AwsRun *run, const char *name, Value value) {
	if (value_is_null(run->names))
		run->names = value_empty_object();
	run->names = value_with_take(run->names, name, value);
}

/* ---- reading a step's arguments ---- */

/* The step's argument, or null if it has none of that name. */
static Value argument(AwsRun *run, const LangBody *body, const char *name) {
	LangAttribute *attribute = lang_body_attribute(body, name);
	return attribute ? aws_run_eval(run, attribute->expr) : VALUE_NOTHING;
}

static gboolean wanted(AwsRun *run, const LangBody *body) {
	if (!lang_body_attribute(body, "when"))
		return TRUE;
	g_auto(Value) when = argument(run, body, "when");
	return value_to_bool(when);
}

static gboolean lists(Value list, const char *text) {
	for (gsize i = 0; i < value_length(list); i++)
		if (g_strcmp0(value_text(value_at(list, i)), text) == 0)
			return TRUE;
	return FALSE;
}

static gboolean argument_lists(
	AwsRun *run, const LangBody *body, const char *name, const char *text) {
	g_auto(Value) list = argument(run, body, name);
	return lists(list, text);
}

/* "90s", "5m", "1h30m", as Terraform's timeouts are written; 0 if it is none. */
static gint64 duration_seconds(const char *text) {
	gint64 total = 0;
	while (*text) {
		char *end;
		double number = g_ascii_strtod(text, &end);
		if (end == text || !*end)
			return 0;
		gint64 unit = *end == 'h' ? 3600 : *end == 'm' ? 60 : *end == 's' ? 1 : 0;
		total += (gint64)(number * (double)unit);
		text = end + 1;
	}
	return total;
}

static gint64 deadline_of(AwsRun *run, const LangBody *body) {
	g_auto(Value) timeout = argument(run, body, "timeout");
	gint64 seconds = duration_seconds(value_text_or(timeout, ""));
	return g_get_monotonic_time() +
	       (seconds > 0 ? seconds : DEFAULT_TIMEOUT_S) * G_USEC_PER_SEC;
}

/* ---- messages ---- */

static char *what_failed(AwsRun *run) {
	const char *id = value_get_text(run->self, "id");
	if (!id || !*id)
		return g_strdup_printf("%s %s", run->verb, run->type->name);
	return g_strdup_printf("%s %s (%s)", run->verb, run->type->name, id);
}

/* An error of the run: what it was doing, then `format`. */
static void G_GNUC_PRINTF(3, 4) fail(AwsRun *run, const char *detail, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *problem = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_autofree char *what = what_failed(run);
	g_autofree char *summary = g_strdup_printf("%s: %s", what, problem);
	provider_error(run->diags, VALUE_NOTHING, summary, "%s", detail ? detail : "");
}

static void report(AwsRun *run, const char *operation, const GError *error) {
	const char *code = error->domain == WIRE_ERROR ? wire_error_code(error) : "";
	fail(run, NULL, "%s: %s%s%s", operation, code, *code ? ": " : "", error->message);
}

/* ---- call ---- */

/* Sleeps for `ms` or until cancelled; FALSE then. */
static gboolean pause_for(AwsRun *run, guint ms) {
	if (!run->cancellable) {
		g_usleep((gulong)ms * 1000);
		return TRUE;
	}
	GPollFD fd;
	if (!g_cancellable_make_pollfd(run->cancellable, &fd))
		return TRUE;
	g_poll(&fd, 1, (int)ms);
	g_cancellable_release_fd(run->cancellable);
	return !g_cancellable_is_cancelled(run->cancellable);
}

static const char *service_of(AwsRun *run, const LangBody *body, Value *holder) {
	*holder = argument(run, body, "service");
	return value_text_or(*holder, run->type->service);
}

/* One page: request with the token in it, sent. */
static Value send_page(
	AwsRun *run, const char *service, const char *operation, Value request, GError **error) {
	WireClient *client = aws_client(run->provider, value_get_text(run->self, "region"));
	return wire_client_call(client, service, operation, request, error);
}

/* The names of one of paginate's arguments: a text, or a list of texts. */
static Value names_of(Value paginate, const char *argument) {
	Value names = value_get(paginate, argument);
	return value_is_sequence(names) ? value_ref(names) : value_tuple_take(1, value_ref(names));
}

/* The next page's request; FALSE: there is none. Of several tokens the first decides. */
static gboolean take_tokens(Value *request, Value page, Value inputs, Value outputs) {
	for (gsize i = 0; i < value_length(inputs); i++) {
		const char *input = value_text(value_at(inputs, i));
		const char *token = value_get_text(page, value_text(value_at(outputs, i)));
		if (token && *token)
			*request =
				value_with_take(value_steal(request), input, value_string(token));
		else if (i == 0)
			return FALSE;
		else
			*request = value_without_take(value_steal(request), input);
	}
	return TRUE;
}

/* Lists that come in pages: paginate = { input, output, items }. The result is the last page with
 * all items in it. */
static Value send_pages(AwsRun *run, const char *service, const char *operation, Value request,
	Value paginate, GError **error) {
	g_auto(Value) inputs = names_of(paginate, "input");
	g_auto(Value) outputs = names_of(paginate, "output");
	g_auto(Value) items = names_of(paginate, "items");
	g_auto(Value) next = value_ref(request);
	g_auto(Value) all = value_empty_object();
	for (;;) {
		g_autoptr(GError) local = NULL;
		g_auto(Value) page = send_page(run, service, operation, next, &local);
		if (local) {
			g_propagate_error(error, g_steal_pointer(&local));
			return VALUE_NOTHING;
		}
		for (gsize i = 0; i < value_length(items); i++) {
			const char *name = value_text(value_at(items, i));
			Value list = value_get(page, name), before = value_get(all, name);
			Value sum = value_is_null(before) ? value_empty_tuple() : value_ref(before);
			all = value_without_take(value_steal(&all), name);
			for (gsize j = 0; j < value_length(list); j++)
				sum = value_append_take(sum, value_ref(value_at(list, j)));
			all = value_with_take(value_steal(&all), name, sum);
		}
		if (!take_tokens(&next, page, inputs, outputs))
			return value_merge(page, all);
	}
}

static Value send(
	AwsRun *run, const LangBody *body, const char *operation, Value request, GError **error) {
	g_auto(Value) holder = VALUE_NOTHING;
	const char *service = service_of(run, body, &holder);
	g_auto(Value) paginate = argument(run, body, "paginate");
	if (value_is_mapping(paginate))
		return send_pages(run, service, operation, request, paginate, error);
	return send_page(run, service, operation, request, error);
}

/* retry "Code" { message = "part", timeout = "2m" }: whether this error is to be tried again now.
 */
static gboolean may_retry(AwsRun *run, const LangBody *body, const GError *error, gint64 started) {
	if (error->domain != WIRE_ERROR)
		return FALSE;
	for (guint i = 0; i < body->blocks->len; i++) {
		const LangBlock *block = body->blocks->pdata[i];
		if (!g_str_equal(block->type, "retry") || block->n_labels != 1 ||
			!g_str_equal(block->labels[0], wire_error_code(error)))
			continue;
		g_auto(Value) part = argument(run, block->body, "message");
		g_auto(Value) timeout = argument(run, block->body, "timeout");
		gint64 seconds = duration_seconds(value_text_or(timeout, "2m"));
		if (strstr(error->message, value_text_or(part, "")) &&
			g_get_monotonic_time() < started + seconds * G_USEC_PER_SEC)
			return TRUE;
	}
	return FALSE;
}

static Value send_with_retries(
	AwsRun *run, const LangBody *body, const char *operation, Value request, GError **error) {
	gint64 started = g_get_monotonic_time();
	guint delay = POLL_FIRST_MS;
	for (;;) {
		g_autoptr(GError) local = NULL;
		Value result = send(run, body, operation, request, &local);
		if (!local)
			return result;
		if (!may_retry(run, body, local, started) || !pause_for(run, delay)) {
			g_propagate_error(error, g_steal_pointer(&local));
			return VALUE_NOTHING;
		}
		delay = MIN(delay * 2, POLL_LONGEST_MS);
	}
}

/* set = { attribute = expr }: what the step learnt about self. */
static void set_attributes(AwsRun *run, const LangBody *body) {
	LangAttribute *id = lang_body_attribute(body, "id");
	if (id)
		run->self = value_with_take(run->self, "id", aws_run_eval(run, id->expr));
	if (id && run->keeper) {
		g_auto(Value) known = aws_run_known(run);
		run->keeper->keep(known, run->keeper->data);
	}
	g_auto(Value) set = argument(run, body, "set");
	ValueIter iter;
	const char *key;
	Value value;
	for (value_iter_init(&iter, set); value_iter_next(&iter, &key, &value);)
		run->self = value_with_take(run->self, key, value_ref(value));
}

static AwsOutcome accept_result(AwsRun *run, const LangBlock *step, Value result_taken) {
	value_clear(&run->result);
	run->result = result_taken;
	if (step->n_labels > 1)
		aws_run_name_take(run, step->labels[1], value_ref(run->result));
	guint errors = diags_error_count(run->diags);
	set_attributes(run, step->body);
	return diags_error_count(run->diags) > errors ? AWS_FAILED : AWS_DONE;
}

static AwsOutcome accept_error(AwsRun *run, const LangBlock *step, const GError *error) {
	const char *code = error->domain == WIRE_ERROR ? wire_error_code(error) : "";
	if (*code && argument_lists(run, step->body, "gone", code))
		return AWS_GONE;
	if (*code && argument_lists(run, step->body, "ignore", code))
		return accept_result(run, step, VALUE_NOTHING);
	report(run, step->labels[0], error);
	return AWS_FAILED;
}

static Value request_of(AwsRun *run, const LangBody *body) {
	g_auto(Value) request = argument(run, body, "request");
	return value_is_null(request) ? value_empty_object() : aws_without_nulls(request);
}

static AwsOutcome call_once(AwsRun *run, const LangBlock *step) {
	guint errors = diags_error_count(run->diags);
	g_auto(Value) request = request_of(run, step->body);
	if (diags_error_count(run->diags) > errors)
		return AWS_FAILED;
	g_autoptr(GError) error = NULL;
	Value result = send_with_retries(run, step->body, step->labels[0], request, &error);
	return error ? accept_error(run, step, error) : accept_result(run, step, result);
}

/* Of such a call the name is the list of all answers. */
static AwsOutcome call_each(AwsRun *run, const LangBlock *step) {
	g_autoptr(ValueBuilder) answers = value_builder_new(VALUE_TUPLE, NULL);
	g_auto(Value) each = argument(run, step->body, "for_each");
	ValueIter iter;
	const char *key;
	Value value;
	gint64 index = 0;
	for (value_iter_init(&iter, each); value_iter_next(&iter, &key, &value); index++) {
		aws_run_name_take(run, "each",
			value_object_take("key", key ? value_string(key) : value_int(index),
				"value", value_ref(value), NULL));
		if (!wanted(run, step->body))
			continue;
		AwsOutcome outcome = call_once(run, step);
		if (outcome != AWS_DONE)
			return outcome;
		value_builder_add_take(answers, value_ref(run->result));
	}
	if (step->n_labels > 1)
		aws_run_name_take(
			run, step->labels[1], value_builder_end(g_steal_pointer(&answers)));
	return AWS_DONE;
}

static AwsOutcome step_call(AwsRun *run, const LangBlock *step) {
	if (lang_body_attribute(step->body, "for_each"))
		return call_each(run, step);
	if (wanted(run, step->body))
		return call_once(run, step);
	/* What was not asked for is null, as all that is missing. */
	if (step->n_labels > 1)
		aws_run_name_take(run, step->labels[1], VALUE_NOTHING);
	return AWS_DONE;
}

/* ---- wait ---- */

typedef enum { POLL_AGAIN, POLL_ARRIVED, POLL_FAILED } Poll;

static Poll judge(AwsRun *run, const LangBlock *step, gboolean gone) {
	const LangBody *body = step->body;
	g_auto(Value) value = gone ? VALUE_NOTHING : argument(run, body, "value");
	g_autofree char *text = NULL;
	if (!value_is_null(value)) {
		g_auto(Value) string = value_convert(value, type_string(), NULL);
		text = g_strdup(value_text_or(string, ""));
	}
	g_auto(Value) target = argument(run, body, "target");
	if (value_length(target) == 0)
		return text ? POLL_AGAIN : POLL_ARRIVED;
	if (!text || lists(target, text))
		return text ? POLL_ARRIVED : POLL_AGAIN;
	g_auto(Value) pending = argument(run, body, "pending");
	if (value_length(pending) == 0 || lists(pending, text))
		return POLL_AGAIN;
	g_auto(Value) failure = argument(run, body, "failure");
	fail(run, value_text_or(failure, ""), "unexpected state '%s'", text);
	return POLL_FAILED;
}

static Poll poll_once(AwsRun *run, const LangBlock *step) {
	guint errors = diags_error_count(run->diags);
	g_auto(Value) request = request_of(run, step->body);
	g_autoptr(GError) error = NULL;
	Value result = send(run, step->body, step->labels[0], request, &error);
	const char *code = error && error->domain == WIRE_ERROR ? wire_error_code(error) : "";
	gboolean gone = error && *code && argument_lists(run, step->body, "gone", code);
	if (error && !gone) {
		report(run, step->labels[0], error);
		return POLL_FAILED;
	}
	value_clear(&run->result);
	run->result = result;
	Poll poll = judge(run, step, gone);
	return diags_error_count(run->diags) > errors ? POLL_FAILED : poll;
}

static AwsOutcome step_wait(AwsRun *run, const LangBlock *step) {
	if (!wanted(run, step->body))
		return AWS_DONE;
	gint64 deadline = deadline_of(run, step->body);
	guint delay = POLL_FIRST_MS;
	for (;;) {
		Poll poll = poll_once(run, step);
		if (poll == POLL_FAILED)
			return AWS_FAILED;
		if (poll == POLL_ARRIVED)
			return accept_result(run, step, value_steal(&run->result));
		if (!pause_for(run, delay)) {
			fail(run, NULL, "interrupted");
			return AWS_FAILED;
		}
		if (g_get_monotonic_time() > deadline) {
			fail(run, NULL, "timeout while waiting for %s", step->labels[0]);
			return AWS_FAILED;
		}
		delay = MIN(delay * 2, POLL_LONGEST_MS);
	}
}

/* ---- the other steps ---- */

static AwsOutcome step_let(AwsRun *run, const LangBlock *step) {
	guint errors = diags_error_count(run->diags);
	for (guint i = 0; i < step->body->attributes->len; i++) {
		const LangAttribute *attribute = step->body->attributes->pdata[i];
		aws_run_name_take(run, attribute->name, aws_run_eval(run, attribute->expr));
	}
	return diags_error_count(run->diags) > errors ? AWS_FAILED : AWS_DONE;
}

static AwsOutcome step_set(AwsRun *run, const LangBlock *step) {
	if (!wanted(run, step->body))
		return AWS_DONE;
	guint errors = diags_error_count(run->diags);
	for (guint i = 0; i < step->body->attributes->len; i++) {
		const LangAttribute *attribute = step->body->attributes->pdata[i];
		if (!g_str_equal(attribute->name, "when"))
			run->self = value_with_take(
				run->self, attribute->name, aws_run_eval(run, attribute->expr));
	}
	return diags_error_count(run->diags) > errors ? AWS_FAILED : AWS_DONE;
}

static AwsOutcome step_gone(AwsRun *run, const LangBlock *step) {
	return wanted(run, step->body) ? AWS_GONE : AWS_DONE;
}

static AwsOutcome step_error(AwsRun *run, const LangBlock *step) {
	if (!wanted(run, step->body))
		return AWS_DONE;
	g_auto(Value) summary = argument(run, step->body, "summary");
	g_auto(Value) detail = argument(run, step->body, "detail");
	g_auto(Value) path = argument(run, step->body, "path");
	provider_error(run->diags, path, value_text_or(summary, "Invalid configuration"), "%s",
		value_text_or(detail, ""));
	return AWS_FAILED;
}

/* replace "attribute" { when = … }: the change of this attribute forces replacement. */
static AwsOutcome step_replace(AwsRun *run, const LangBlock *step) {
	if (run->replace && step->n_labels == 1 && wanted(run, step->body))
		value_builder_add_take(
			run->replace, value_tuple_take(1, value_string(step->labels[0])));
	return AWS_DONE;
}

static const struct {
	const char *name;
	gboolean calls; /* not while planning */
	AwsOutcome (*run)(AwsRun *run, const LangBlock *step);
} steps[] = {
	{"call", TRUE, step_call},
	{"wait", TRUE, step_wait},
	{"let", FALSE, step_let},
	{"set", FALSE, step_set},
	{"gone", FALSE, step_gone},
	{"error", FALSE, step_error},
	{"replace", FALSE, step_replace},
};

static AwsOutcome run_step(AwsRun *run, const LangBlock *step) {
	for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
		if (g_str_equal(steps[i].name, step->type) && !(steps[i].calls && run->pure))
			return steps[i].run(run, step);
	diags_error(
		run->diags, step->header, "Unknown step", "There is no step %s here.", step->type);
	return AWS_FAILED;
}

AwsOutcome aws_run_body(AwsRun *run, const LangBody *body) {
	for (guint i = 0; i < body->blocks->len; i++) {
		AwsOutcome outcome = run_step(run, body->blocks->pdata[i]);
		if (outcome != AWS_DONE)
			return outcome;
	}
	guint errors = diags_error_count(run->diags);
	value_clear(&run->state);
	run->state = argument(run, body, "state");
	return diags_error_count(run->diags) > errors ? AWS_FAILED : AWS_DONE;
}
