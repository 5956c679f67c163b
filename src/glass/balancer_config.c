/*
 * A balancer's spec and the HAProxy configuration that it becomes. Servers are not in it: targets
 * come and go by the runtime API. Each request is first given the name of the one rule that it
 * matches (txn.rule), then that rule's action is taken, so that AWS's order by priority holds
 * whatever order HAProxy gives its own kinds of statements.
 */
#include "glass/balancer.h"
#include "glass/glass.h"

#include <string.h>

#define SERVER "hdr Server awselb/2.0"
#define ERROR_PAGE                                                                                 \
	"<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center><h1>%d %s</h1></center>" \
	"\r\n</body>\r\n</html>\r\n"

/* ---- the spec ---- */

static void condition_free(gpointer data) {
	BalancerCondition *condition = data;
	g_free(condition->name);
	g_strfreev(condition->values);
	g_free(condition);
}

static void forward_free(gpointer data) {
	BalancerForward *forward = data;
	g_free(forward->group);
	g_free(forward);
}

static void action_free(BalancerAction *action) {
	if (!action)
		return;
	char *const texts[] = {action->protocol, action->host, action->port, action->path,
		action->query, action->content_type, action->body};
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	g_ptr_array_unref(action->forwards);
	g_free(action);
}

static void rule_free(gpointer data) {
	BalancerRule *rule = data;
	g_ptr_array_unref(rule->conditions);
	action_free(rule->action);
	g_free(rule);
}

static void listener_free(gpointer data) {
	BalancerListener *listener = data;
	g_free(listener->id);
	g_free(listener->certificate);
	g_ptr_array_unref(listener->rules);
	action_free(listener->default_action);
	g_free(listener);
}

static void group_free(gpointer data) {
	BalancerGroup *group = data;
	g_free(group->id);
	g_free(group->cookie);
	g_free(group->check.path);
	g_free(group->check.matcher);
	g_free(group);
}

BalancerSpec *balancer_spec_new(const char *id, const char *owner) {
	BalancerSpec *spec = g_new0(BalancerSpec, 1);
	spec->id = g_strdup(id);
	spec->owner = g_strdup(owner);
	spec->listeners = g_ptr_array_new_with_free_func(listener_free);
	spec->groups = g_ptr_array_new_with_free_func(group_free);
	return spec;
}

void balancer_spec_free(BalancerSpec *spec) {
	if (!spec)
		return;
	g_free(spec->id);
	g_free(spec->owner);
	g_strfreev(spec->addresses);
	g_ptr_array_unref(spec->listeners);
	g_ptr_array_unref(spec->groups);
	g_free(spec);
}

BalancerListener *balancer_spec_listener(BalancerSpec *spec, const char *id, int port) {
	BalancerListener *listener = g_new0(BalancerListener, 1);
	listener->id = g_strdup(id);
	listener->port = port;
	listener->published_fd = -1;
	listener->rules = g_ptr_array_new_with_free_func(rule_free);
	g_ptr_array_add(spec->listeners, listener);
	return listener;
}

BalancerGroup *balancer_spec_group(BalancerSpec *spec, const char *id) {
	BalancerGroup *group = g_new0(BalancerGroup, 1);
	group->id = g_strdup(id);
	group->deregistration_delay = 300;
	group->check = (BalancerHealthCheck){.enabled = TRUE,
		.interval = 30,
		.timeout = 5,
		.healthy_threshold = 5,
		.unhealthy_threshold = 2};
	g_ptr_array_add(spec->groups, group);
	return group;
}

BalancerRule *balancer_listener_rule(BalancerListener *listener) {
	BalancerRule *rule = g_new0(BalancerRule, 1);
	rule->conditions = g_ptr_array_new_with_free_func(condition_free);
	g_ptr_array_add(listener->rules, rule);
	return rule;
}

BalancerCondition *balancer_rule_condition(BalancerRule *rule, BalancerConditionKind kind,
	const char *name, const char *const *values) {
	BalancerCondition *condition = g_new0(BalancerCondition, 1);
	condition->kind = kind;
	condition->name = g_strdup(name);
	condition->values = g_strdupv((char **)values);
	g_ptr_array_add(rule->conditions, condition);
	return condition;
}

BalancerAction *balancer_action_new(BalancerActionKind kind) {
	BalancerAction *action = g_new0(BalancerAction, 1);
	action->kind = kind;
	action->forwards = g_ptr_array_new_with_free_func(forward_free);
	return action;
}

void balancer_action_forward(BalancerAction *action, const char *group, int weight) {
	BalancerForward *forward = g_new0(BalancerForward, 1);
	forward->group = g_strdup(group);
	forward->weight = weight;
	g_ptr_array_add(action->forwards, forward);
}

/* ---- words of HAProxy's language ---- */

/* One argument, quoted: nothing in it can end it or the line. */
static void append_quoted(GString *config, const char *text) {
	g_string_append_c(config, '"');
	for (; *text; text++) {
		if (g_ascii_isalnum(*text) || strchr(" -_./:;,<>()=[]{}^|*+?!~@&%", *text))
			g_string_append_c(config, *text);
		else
			g_string_append_printf(config, "\\x%02x", (guchar)*text);
	}
	g_string_append_c(config, '"');
}

/* A pattern with * and ? as a regular expression, anchored by `before` and `behind`. */
static void append_pattern(GString *config, const char *before, const char *pattern,
	const char *any, const char *behind) {
	g_autoptr(GString) regex = g_string_new(before);
	for (; *pattern; pattern++) {
		if (*pattern == '*')
			g_string_append_printf(regex, "%s*", any);
		else if (*pattern == '?')
			g_string_append(regex, any);
		else if (strchr("\\^$.|()[]{}+", *pattern))
			g_string_append_printf(regex, "\\%c", *pattern);
		else
			g_string_append_c(regex, *pattern);
	}
	g_string_append(regex, behind);
	g_string_append_c(config, ' ');
	append_quoted(config, regex->str);
}

/* A text for a log format: '%' is itself. */
static void append_literal(GString *format, const char *text, gsize length) {
	for (gsize i = 0; i < length; i++) {
		if (text[i] == '%')
			g_string_append_c(format, '%');
		g_string_append_c(format, text[i]);
	}
}

static gboolean is_token(const char *text) {
	return text && *text &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
		       strlen(text);
}

/* ---- rules ---- */

static void append_query(GString *config, const char *value) {
	const char *before = strchr(value, '=') ? "(^|&)" : "(^|&)[^&=]*=";
	append_pattern(config, before, value, "[^&]", "(&|$)");
}

static gboolean append_condition(
	GString *config, const char *acl, const BalancerCondition *condition, GError **error) {
	static const char *const samples[] = {
		[BALANCER_IF_PATH] = "path -m reg",
		[BALANCER_IF_HOST] = "req.hdr(host),field(1,:) -m reg -i",
		[BALANCER_IF_HEADER] = NULL, /* names its header, below */
		[BALANCER_IF_METHOD] = "method -m str",
		[BALANCER_IF_QUERY] = "query -m reg -i",
		[BALANCER_IF_SOURCE_IP] = "src",
	};
	gboolean header = condition->kind == BALANCER_IF_HEADER;
	if (header && !is_token(condition->name))
		return glass_refuse(error, "not a header's name: %s",
			condition->name ? condition->name : "(none)");
	g_string_append_printf(config, "\tacl %s ", acl);
	if (header)
		g_string_append_printf(config, "req.fhdr(%s) -m reg -i", condition->name);
	else
		g_string_append(config, samples[condition->kind]);
	g_string_append(config, " --");
	for (char **value = condition->values; *value; value++) {
		if (condition->kind == BALANCER_IF_QUERY)
			append_query(config, *value);
		else if (condition->kind == BALANCER_IF_METHOD ||
			 condition->kind == BALANCER_IF_SOURCE_IP) {
			g_string_append_c(config, ' ');
			append_quoted(config, *value);
		} else
			append_pattern(config, "^", *value, ".", "$");
	}
	g_string_append_c(config, '\n');
	return TRUE;
}

/* A target group's `part` of a redirect with AWS's placeholders filled in as a log format. */
static void append_placeholders(GString *format, const char *text, const char *protocol) {
	const char *const values[][2] = {
		{"#{protocol}", protocol},
		{"#{host}", "%[req.hdr(host),field(1,:)]"},
		{"#{port}", "%[var(txn.port)]"},
		{"#{path}", "%[path,regsub(^/,)]"},
		{"#{query}", "%[query]"},
	};
	while (*text) {
		gsize found = G_N_ELEMENTS(values);
		for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
			if (g_str_has_prefix(text, values[i][0]))
				found = i;
		}
		if (found < G_N_ELEMENTS(values)) {
			g_string_append(format, values[found][1]);
			text += strlen(values[found][0]);
		} else {
			append_literal(format, text++, 1);
		}
	}
}

static gboolean append_redirect(GString *config, const BalancerListener *listener,
	const BalancerAction *action, const char *rule, GError **error) {
	if (action->status != 301 && action->status != 302)
		return glass_refuse(
			error, "a redirect's status is 301 or 302, not %d", action->status);
	const char *own = listener->https ? "https" : "http";
	g_autofree char *protocol =
		g_ascii_strdown(action->protocol ? action->protocol : "#{protocol}", -1);
	const char *query = action->query ? action->query : "#{query}";
	g_autoptr(GString) base = g_string_new(NULL);
	append_placeholders(base, protocol, own);
	g_string_append(base, "://");
	append_placeholders(base, action->host ? action->host : "#{host}", own);
	g_string_append_c(base, ':');
	append_placeholders(base, action->port ? action->port : "#{port}", own);
	append_placeholders(base, action->path ? action->path : "/#{path}", own);
	g_autoptr(GString) full = g_string_new(base->str);
	g_string_append_c(full, '?');
	append_placeholders(full, query, own);
	gboolean forwards_query = g_str_equal(query, "#{query}");
	if (*query) {
		g_string_append(config, "\thttp-request redirect location ");
		append_quoted(config, full->str);
		g_string_append_printf(config, " code %d if { var(txn.rule) -m str %s }%s\n",
			action->status, rule, forwards_query ? " { query -m len gt 0 }" : "");
	}
	g_string_append(config, "\thttp-request redirect location ");
	append_quoted(config, base->str);
	g_string_append_printf(
		config, " code %d if { var(txn.rule) -m str %s }\n", action->status, rule);
	return TRUE;
}

static gboolean append_fixed(
	GString *config, const BalancerAction *action, const char *rule, GError **error) {
	if (action->status < 200 || action->status > 599)
		return glass_refuse(error, "a fixed response's status is 2XX, 4XX or 5XX, not %d",
			action->status);
	g_string_append_printf(config, "\thttp-request return status %d", action->status);
	if (action->body && *action->body) {
		g_string_append(config, " content-type ");
		append_quoted(config, action->content_type ? action->content_type : "text/plain");
		g_string_append(config, " string ");
		append_quoted(config, action->body);
	}
	g_string_append_printf(config, " " SERVER " if { var(txn.rule) -m str %s }\n", rule);
	return TRUE;
}

static gboolean has_group(const BalancerSpec *spec, const char *id) {
	for (guint i = 0; i < spec->groups->len; i++) {
		const BalancerGroup *group = spec->groups->pdata[i];
		if (g_str_equal(group->id, id))
			return TRUE;
	}
	return FALSE;
}

/* Weighted groups: one throw of the dice a request, each group its share of the numbers. */
static gboolean append_forward(GString *config, const BalancerSpec *spec,
	const BalancerAction *action, const char *rule, GError **error) {
	int total = 0, below = 0;
	if (action->group_stickiness > 0)
		return glass_refuse(error,
			"stickiness between the target groups of a forward action is not "
			"supported");
	for (guint i = 0; i < action->forwards->len; i++) {
		const BalancerForward *forward = action->forwards->pdata[i];
		if (!has_group(spec, forward->group))
			return glass_refuse(
				error, "target group %s is not in the balancer", forward->group);
		total += forward->weight;
	}
	if (total <= 0) {
		g_string_append_printf(config,
			"\thttp-request return status 503 default-errorfiles " SERVER
			" if { var(txn.rule) -m str %s }\n",
			rule);
		return TRUE;
	}
	if (action->forwards->len > 1)
		g_string_append_printf(config,
			"\thttp-request set-var(txn.dice) rand(%d) if { var(txn.rule) -m str %s "
			"}\n",
			total, rule);
	for (guint i = 0; i < action->forwards->len; i++) {
		const BalancerForward *forward = action->forwards->pdata[i];
		below += forward->weight;
		g_string_append_printf(config,
			"\tuse_backend group-%s if { var(txn.rule) -m str %s }", forward->group,
			rule);
		if (action->forwards->len > 1)
			g_string_append_printf(config, " { var(txn.dice) -m int lt %d }", below);
		g_string_append_c(config, '\n');
	}
	return TRUE;
}

static gboolean append_action(GString *config, const BalancerSpec *spec,
	const BalancerListener *listener, const BalancerAction *action, const char *rule,
	GError **error) {
	switch (action->kind) {
	case BALANCER_FORWARD:
		return append_forward(config, spec, action, rule, error);
	case BALANCER_REDIRECT:
		return append_redirect(config, listener, action, rule, error);
	case BALANCER_FIXED_RESPONSE:
		return append_fixed(config, action, rule, error);
	}
	g_assert_not_reached();
}

/* Names the rule of the request: the first whose conditions all hold, else "default". */
static gboolean append_choice(GString *config, const BalancerListener *listener, GError **error) {
	for (guint i = 0; i < listener->rules->len; i++) {
		const BalancerRule *rule = listener->rules->pdata[i];
		g_autoptr(GString) all = g_string_new(NULL);
		for (guint j = 0; j < rule->conditions->len; j++) {
			g_autofree char *acl = g_strdup_printf("rule-%u-%u", i, j);
			if (!append_condition(config, acl, rule->conditions->pdata[j], error))
				return FALSE;
			g_string_append_printf(all, " %s", acl);
		}
		g_string_append_printf(config,
			"\thttp-request set-var(txn.rule) str(%u) if !{ var(txn.rule) -m found "
			"}%s\n",
			i, all->str);
	}
	g_string_append(config, "\thttp-request set-var(txn.rule) str(default) "
				"if !{ var(txn.rule) -m found }\n");
	return TRUE;
}

/* ---- listeners ---- */

static void append_forwarded_for(GString *config, const BalancerSpec *spec) {
	if (spec->xff_preserve)
		return;
	if (spec->xff_remove) {
		g_string_append(config, "\thttp-request del-header X-Forwarded-For\n");
		return;
	}
	g_string_append(config,
		"\thttp-request set-var(txn.xff) req.fhdr(X-Forwarded-For)\n"
		"\thttp-request set-header X-Forwarded-For \"%[var(txn.xff)], %[src]\" "
		"if { var(txn.xff) -m found }\n"
		"\thttp-request set-header X-Forwarded-For %[src] "
		"if !{ var(txn.xff) -m found }\n");
}

/* The port that the client sees: the Host header's (a published port differs from the listener's),
 * else the listener's. */
static void append_headers(
	GString *config, const BalancerSpec *spec, const BalancerListener *listener) {
	g_string_append_printf(config,
		"\thttp-request set-var(txn.port) int(%d)\n"
		"\thttp-request set-var(txn.port) req.hdr(host),field(2,:) "
		"if { req.hdr(host),field(2,:) -m len gt 0 }\n",
		listener->port);
	if (spec->drop_invalid_headers)
		g_string_append(config, "\thttp-request del-header [^-A-Za-z0-9] -m reg\n");
	append_forwarded_for(config, spec);
	g_string_append_printf(config,
		"\thttp-request set-header X-Forwarded-Proto %s\n"
		"\thttp-request set-header X-Forwarded-Port %%[dst_port]\n",
		listener->https ? "https" : "http");
	g_string_append(config,
		"\thttp-request set-var-fmt(txn.trace) "
		"\"1-%{+X}Ts-%[uuid(),regsub(-,,g),bytes(0,24)]\"\n"
		"\thttp-request set-var(txn.root) req.fhdr(X-Amzn-Trace-Id)\n"
		"\thttp-request set-header X-Amzn-Trace-Id "
		"\"Self=%[var(txn.trace),lower];%[var(txn.root)]\" if { var(txn.root) -m found }\n"
		"\thttp-request set-header X-Amzn-Trace-Id \"Root=%[var(txn.trace),lower]\" "
		"if !{ var(txn.root) -m found }\n");
}

static gboolean has_port(const BalancerSpec *spec, int port) {
	for (guint i = 0; i < spec->listeners->len; i++)
		if (((const BalancerListener *)spec->listeners->pdata[i])->port == port)
			return TRUE;
	return FALSE;
}

static gboolean append_binds(GString *config, const BalancerSpec *spec,
	const BalancerListener *listener, int fd, GError **error) {
	g_autoptr(GString) options = g_string_new(NULL);
	if (listener->https && !listener->certificate)
		return glass_refuse(error, "listener %s has no certificate", listener->id);
	if (listener->https) {
		g_string_append(options, " ssl alpn h2,http/1.1 crt ");
		append_quoted(options, listener->certificate);
	}
	for (char **address = spec->addresses; address && *address; address++) {
		g_string_append_printf(
			config, "\tbind %s:%d%s\n", *address, listener->port, options->str);
		if (listener->published_port && !has_port(spec, listener->published_port))
			g_string_append_printf(config, "\tbind %s:%d%s\n", *address,
				listener->published_port, options->str);
	}
	if (fd >= 0)
		g_string_append_printf(config, "\tbind fd@%d%s\n", fd, options->str);
	return TRUE;
}

static gboolean append_listener(GString *config, const BalancerSpec *spec,
	const BalancerListener *listener, int fd, GError **error) {
	if (!is_token(listener->id))
		return glass_refuse(error, "not an id of a listener: %s", listener->id);
	if (!listener->default_action)
		return glass_refuse(error, "listener %s has no default action", listener->id);
	g_string_append_printf(config, "\nfrontend listener-%s\n", listener->id);
	if (!append_binds(config, spec, listener, fd, error))
		return FALSE;
	append_headers(config, spec, listener);
	if (!append_choice(config, listener, error))
		return FALSE;
	for (guint i = 0; i < listener->rules->len; i++) {
		const BalancerRule *rule = listener->rules->pdata[i];
		g_autofree char *name = g_strdup_printf("%u", i);
		if (!append_action(config, spec, listener, rule->action, name, error))
			return FALSE;
	}
	return append_action(config, spec, listener, listener->default_action, "default", error);
}

/* ---- groups ---- */

static gboolean append_check(GString *config, const BalancerGroup *group, GError **error) {
	const BalancerHealthCheck *check = &group->check;
	const char *matcher = check->matcher ? check->matcher : "200";
	if (!check->enabled)
		return TRUE;
	if (!*matcher || strspn(matcher, "0123456789,-") != strlen(matcher))
		return glass_refuse(error, "not a matcher of HTTP codes: %s", matcher);
	g_string_append(config, "\toption httpchk\n\thttp-check send meth GET uri ");
	append_quoted(config, check->path ? check->path : "/");
	g_string_append_printf(config,
		" ver HTTP/1.1 hdr Host %%[bc_dst]:%%[bc_dst_port] "
		"hdr User-Agent ELB-HealthChecker/2.0 hdr Connection close\n"
		"\thttp-check expect status %s\n\ttimeout check %ds\n",
		matcher, MAX(check->timeout, 1));
	return TRUE;
}

/* The balancer's own cookie: a session's name, which a table knows the server of. */
static void append_own_cookie(GString *config, const BalancerGroup *group) {
	g_string_append_printf(config,
		"\tstick-table type string len 64 size 100k expire %ds\n"
		"\thttp-request set-var(txn.session) req.cook(AWSALB)\n"
		"\thttp-request set-var(txn.session) uuid() if !{ var(txn.session) -m found }\n"
		"\tstick on var(txn.session)\n"
		"\thttp-response add-header Set-Cookie "
		"\"AWSALB=%%[var(txn.session)]; Max-Age=%d; Path=/\"\n",
		group->stickiness, group->stickiness);
}

static gboolean append_group(GString *config, const BalancerGroup *group, GError **error) {
	if (!is_token(group->id))
		return glass_refuse(error, "not an id of a target group: %s", group->id);
	if (group->cookie && !is_token(group->cookie))
		return glass_refuse(error, "not a cookie's name: %s", group->cookie);
	g_string_append_printf(config, "\nbackend group-%s\n\tbalance %s\n\toption allbackups\n",
		group->id, group->least_outstanding ? "leastconn" : "roundrobin");
	if (group->stickiness > 0 && !group->cookie)
		append_own_cookie(config, group);
	if (group->stickiness > 0 && group->cookie)
		g_string_append_printf(config,
			"\tstick-table type string len 128 size 100k expire %ds\n"
			"\tstick match req.cook(%s)\n\tstick store-response res.cook(%s)\n",
			group->stickiness, group->cookie, group->cookie);
	return append_check(config, group, error);
}

/* ---- the whole ---- */

static void append_error_page(GString *config, int status, const char *words) {
	g_autofree char *page = g_strdup_printf(ERROR_PAGE, status, words, status, words);
	g_string_append_printf(
		config, "\thttp-error status %d content-type text/html string ", status);
	append_quoted(config, page);
	g_string_append(config, " " SERVER "\n");
}

static void append_defaults(GString *config, const BalancerSpec *spec, const char *folder) {
	int idle = spec->idle_timeout > 0 ? spec->idle_timeout : 60;
	g_string_append_printf(config,
		"global\n\tstats socket %s/haproxy.sock mode 600 level admin expose-fd listeners\n"
		"\tstats timeout 1h\n\tnbthread 1\n\thard-stop-after 3600s\n",
		folder);
	if (spec->access_log)
		g_string_append_printf(
			config, "\tlog %s/access.sock len 8192 format raw local0\n", folder);
	g_string_append_printf(config,
		"\ndefaults\n\tmode http\n\toption http-keep-alive\n\toption "
		"idle-close-on-response\n\toption redispatch\n\tretries "
		"2\n"
		"\ttimeout connect 10s\n\ttimeout client %ds\n\ttimeout server %ds\n"
		"\ttimeout http-keep-alive %ds\n\ttimeout tunnel %ds\n%s",
		idle, idle, idle, idle, spec->access_log ? "\tlog global\n\toption httplog\n" : "");
	append_error_page(config, 502, "Bad Gateway");
	append_error_page(config, 503, "Service Temporarily Unavailable");
	append_error_page(config, 504, "Gateway Time-out");
}

char *balancer_configuration(
	const BalancerSpec *spec, const int *fds, const char *folder, GError **error) {
	g_autoptr(GString) config = g_string_new(NULL);
	append_defaults(config, spec, folder);
	for (guint i = 0; i < spec->listeners->len; i++) {
		if (!append_listener(
			    config, spec, spec->listeners->pdata[i], fds ? fds[i] : -1, error))
			return NULL;
	}
	for (guint i = 0; i < spec->groups->len; i++) {
		if (!append_group(config, spec->groups->pdata[i], error))
			return NULL;
	}
	return g_strdup(config->str);
}
