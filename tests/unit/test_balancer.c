/*
 * A balancer's configuration: HAProxy itself is asked whether it takes what is generated, whatever
 * texts are in it.
 */
#include "glass/balancer.h"

#include <glib/gstdio.h>
#include <string.h>

/* HAProxy's own opinion. */
static void assert_accepted(const BalancerSpec *spec) {
	g_autoptr(GError) error = NULL;
	g_autofree char *folder = g_dir_make_tmp("balancer-XXXXXX", NULL);
	g_autofree char *config = balancer_configuration(spec, NULL, folder, &error);
	g_assert_no_error(error);
	g_autofree char *path = g_build_filename(folder, "haproxy.cfg", NULL);
	g_assert_true(g_file_set_contents(path, config, -1, NULL));
	const char *const places[] = {
		"/usr/sbin/haproxy", "/usr/bin/haproxy", "/usr/local/sbin/haproxy"};
	const char *program = NULL;
	for (gsize i = 0; i < G_N_ELEMENTS(places) && !program; i++)
		program = g_file_test(places[i], G_FILE_TEST_EXISTS) ? places[i] : NULL;
	g_assert_nonnull(program);
	g_autofree char *errors = NULL;
	int status = 0;
	char *argv[] = {(char *)program, (char *)"-c", (char *)"-f", path, NULL};
	g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
		&errors, &status, NULL));
	if (status != 0)
		g_test_message("%s\n%s", errors, config);
	g_assert_cmpint(status, ==, 0);
	g_remove(path);
	g_rmdir(folder);
}

static BalancerSpec *sample(void) {
	BalancerSpec *spec = balancer_spec_new("alb-1", "alb-1");
	spec->addresses = g_strsplit("127.0.0.1,127.0.0.2", ",", -1);
	BalancerGroup *front = balancer_spec_group(spec, "front");
	front->check.path = g_strdup("/health?a=\"b c\"#$HOME");
	front->check.matcher = g_strdup("200,301-302");
	balancer_spec_group(spec, "back")->least_outstanding = TRUE;
	BalancerListener *listener = balancer_spec_listener(spec, "http", 8080);
	listener->default_action = balancer_action_new(BALANCER_FORWARD);
	balancer_action_forward(listener->default_action, "front", 1);
	return spec;
}

static BalancerRule *add_rule(BalancerSpec *spec, BalancerActionKind kind) {
	BalancerRule *rule = balancer_listener_rule(spec->listeners->pdata[0]);
	rule->action = balancer_action_new(kind);
	return rule;
}

static void test_rules(void) {
	g_autoptr(BalancerSpec) spec = sample();
	BalancerRule *rule = add_rule(spec, BALANCER_FORWARD);
	balancer_action_forward(rule->action, "front", 1);
	balancer_action_forward(rule->action, "back", 3);
	balancer_rule_condition(rule, BALANCER_IF_PATH, NULL,
		(const char *const[]){"/api/*", "/a?b.(c", "/it's\"\\", NULL});
	balancer_rule_condition(
		rule, BALANCER_IF_HOST, NULL, (const char *const[]){"*.example.com", NULL});
	balancer_rule_condition(rule, BALANCER_IF_HEADER, "X-A", (const char *const[]){"a*", NULL});
	balancer_rule_condition(rule, BALANCER_IF_METHOD, NULL, (const char *const[]){"GET", NULL});
	balancer_rule_condition(
		rule, BALANCER_IF_QUERY, NULL, (const char *const[]){"v=*", "plain", NULL});
	balancer_rule_condition(
		rule, BALANCER_IF_SOURCE_IP, NULL, (const char *const[]){"10.0.0.0/8", NULL});
	assert_accepted(spec);
	g_autofree char *config = balancer_configuration(spec, NULL, "/x", NULL);
	g_assert_nonnull(strstr(config, "acl rule-0-0 path -m reg -- \"^/api/.*\\x24\""));
	g_assert_nonnull(strstr(config, "rand(4)"));
	g_assert_nonnull(strstr(config, "use_backend group-front if { var(txn.rule) -m str 0 } "
					"{ var(txn.dice) -m int lt 1 }"));
}

static void test_actions(void) {
	g_autoptr(BalancerSpec) spec = sample();
	BalancerRule *fixed = add_rule(spec, BALANCER_FIXED_RESPONSE);
	fixed->action->status = 404;
	fixed->action->body = g_strdup("{\"error\": \"100% gone\"}\n$HOME 'x' #\xc3\xa9");
	fixed->action->content_type = g_strdup("application/json");
	BalancerRule *redirect = add_rule(spec, BALANCER_REDIRECT);
	redirect->action->status = 301;
	redirect->action->protocol = g_strdup("HTTPS");
	redirect->action->port = g_strdup("443");
	BalancerRule *nowhere = add_rule(spec, BALANCER_FORWARD);
	balancer_action_forward(nowhere->action, "back", 0);
	spec->drop_invalid_headers = TRUE;
	assert_accepted(spec);
	g_autofree char *config = balancer_configuration(spec, NULL, "/x", NULL);
	g_assert_nonnull(strstr(config, "\"https://%[req.hdr(host),field(1,:)]:443/%[path,regsub"));
}

static void test_refused(void) {
	g_autoptr(GError) error = NULL;
	g_autoptr(BalancerSpec) spec = sample();
	BalancerGroup *front = spec->groups->pdata[0];
	g_free(front->check.matcher);
	front->check.matcher = g_strdup("200\n\tserver evil 10.0.0.1:1");
	g_assert_null(balancer_configuration(spec, NULL, "/x", &error));
	g_assert_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
	g_clear_error(&error);
	g_free(front->check.matcher);
	front->check.matcher = NULL;
	BalancerRule *rule = add_rule(spec, BALANCER_FORWARD);
	balancer_action_forward(rule->action, "unknown", 1);
	g_assert_null(balancer_configuration(spec, NULL, "/x", &error));
	g_assert_nonnull(strstr(error->message, "target group unknown"));
}

static void test_stickiness(void) {
	g_autoptr(BalancerSpec) spec = sample();
	BalancerGroup *front = spec->groups->pdata[0], *back = spec->groups->pdata[1];
	front->stickiness = 3600;
	back->stickiness = 60;
	back->cookie = g_strdup("PHPSESSID");
	assert_accepted(spec);
	g_autofree char *config = balancer_configuration(spec, NULL, "/x", NULL);
	g_assert_nonnull(strstr(config, "AWSALB=%[var(txn.session)]; Max-Age=3600"));
	g_assert_nonnull(strstr(config, "stick match req.cook(PHPSESSID)"));
}

static void test_published(void) {
	g_autoptr(BalancerSpec) spec = sample();
	g_autofree char *config = balancer_configuration(spec, (int[]){7}, "/x", NULL);
	g_assert_nonnull(strstr(config, "\tbind 127.0.0.2:8080\n\tbind fd@7\n"));
	/* Its port is served on the interfaces as well, so that one URL works on both sides. */
	((BalancerListener *)spec->listeners->pdata[0])->published_port = 9090;
	g_autofree char *both = balancer_configuration(spec, (int[]){7}, "/x", NULL);
	g_assert_nonnull(strstr(both, "\tbind 127.0.0.2:8080\n\tbind 127.0.0.2:9090\n"));
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/balancer/rules", test_rules);
	g_test_add_func("/balancer/actions", test_actions);
	g_test_add_func("/balancer/refused", test_refused);
	g_test_add_func("/balancer/stickiness", test_stickiness);
	g_test_add_func("/balancer/published", test_published);
	return g_test_run();
}
