/* Balancers for real: HAProxy in a VPC, small HTTP servers as targets, requests from a client
 * inside and from the host by the published socket. */
#include "glass/balancer.h"
#include "glass/job.h"
#include "glass/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRONT "10.0.0.5"
#define PORT 8000

static char *home;
static Glass *glass;
static Balancers *balancers;
static Balancer *balancer;
static int published = -1, host_port;
static GPtrArray *servers;
static guint ready;
static char *problem;
static GHashTable *reasons; /* "group address" -> the last reason */

/* Answers with its name; /health with 500 when a file of that name says so. */
static const char server_code[] =
	"import http.server, os, sys\n"
	"class Handler(http.server.BaseHTTPRequestHandler):\n"
	"    protocol_version = 'HTTP/1.1'\n"
	"    def do_GET(self):\n"
	"        sick = self.path == '/health' and os.path.exists(sys.argv[2])\n"
	"        lines = [sys.argv[1], self.path] + [f'{k}: {v}' for k, v in "
	"self.headers.items()]\n"
	"        body = '\\n'.join(lines).encode()\n"
	"        self.send_response(500 if sick else 200)\n"
	"        self.send_header('Content-Length', str(len(body)))\n"
	"        self.end_headers()\n"
	"        self.wfile.write(body)\n"
	"    def log_message(self, *arguments):\n"
	"        pass\n"
	"http.server.ThreadingHTTPServer(('0.0.0.0', 8000), Handler).serve_forever()\n";

/* Asks for `seconds`, each time anew, and tells how many answers of each kind there were. */
static const char client_code[] =
	"import collections, http.client, sys, time\n"
	"seen, end = collections.Counter(), time.time() + float(sys.argv[2])\n"
	"kept = http.client.HTTPConnection(sys.argv[1], 80, timeout=5)\n"
	"while time.time() < end:\n"
	"    once = http.client.HTTPConnection(sys.argv[1], 80, timeout=5)\n"
	"    for connection in (once, kept):\n"
	"        try:\n"
	"            connection.request('GET', '/')\n"
	"            answer = connection.getresponse()\n"
	"            answer.read()\n"
	"            seen['good' if answer.status == 200 else 'bad'] += 1\n"
	"            if answer.will_close:\n"
	"                connection.close()\n"
	"        except Exception as error:\n"
	"            seen['bad'] += 1\n"
	"            print(repr(error))\n"
	"            connection.close()\n"
	"    once.close()\n"
	"    time.sleep(0.004)\n"
	"print(seen['good'], 'good', seen['bad'], 'bad')\n";

static void on_ready(Balancer *of, const GError *error, gpointer data) {
	g_free(problem);
	problem = error ? g_strdup(error->message) : NULL;
	ready++;
}

static void on_health(Balancer *of, const char *group, const char *address, int port,
	const BalancerTargetHealth *health, gpointer data) {
	g_test_message("%s %s:%d is %d %s %s", group, address, port, health->state,
		health->reason ? health->reason : "", health->description);
	g_hash_table_insert(reasons, g_strdup_printf("%s %s", group, address),
		g_strdup(health->reason ? health->reason : "healthy"));
}

static const BalancerEvents events = {on_ready, on_health, NULL};

static gboolean wake(gpointer data) {
	return G_SOURCE_CONTINUE;
}

/* Runs the main loop until the last word on a target is `reason`. */
static gboolean until(const char *target, const char *reason, int seconds) {
	gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
	guint tick = g_timeout_add(50, wake, NULL);
	while (g_strcmp0(g_hash_table_lookup(reasons, target), reason) != 0 &&
		g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(tick);
	return g_strcmp0(g_hash_table_lookup(reasons, target), reason) == 0;
}

static gboolean until_ready(guint count) {
	gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
	guint tick = g_timeout_add(50, wake, NULL);
	while (ready < count && g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(tick);
	return ready >= count;
}

static void wait_a_while(int milliseconds) {
	gint64 end = g_get_monotonic_time() + milliseconds * 1000;
	guint tick = g_timeout_add(20, wake, NULL);
	while (g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(tick);
}

static void make_network(void) {
	g_autoptr(GError) error = NULL;
	g_autoptr(NetState) state = net_state_new();
	const char *const cidr[] = {"10.0.0.0/24", NULL}, *const open[] = {"sg", NULL};
	net_state_vpc(state, "vpc-1", cidr);
	net_state_route_table(state, "rtb", "vpc-1");
	net_state_subnet(state, "subnet-a", "vpc-1", "10.0.0.0/25", "a", "rtb");
	net_state_subnet(state, "subnet-b", "vpc-1", "10.0.0.128/25", "b", "rtb");
	NetSecurityGroup *group = net_state_security_group(state, "sg", "vpc-1");
	net_security_group_rule(group, FALSE, -1, -1, -1, "0.0.0.0/0", NULL);
	net_security_group_rule(group, TRUE, -1, -1, -1, "0.0.0.0/0", NULL);
	net_state_interface(state, "eni-a", "subnet-a", "alb", FRONT, open);
	net_state_interface(state, "eni-b", "subnet-b", "alb", "10.0.0.135", open)->index = 1;
	net_state_interface(state, "eni-one", "subnet-a", "one", "10.0.0.11", open);
	net_state_interface(state, "eni-two", "subnet-b", "two", "10.0.0.142", open);
	net_state_interface(state, "eni-three", "subnet-a", "three", "10.0.0.13", open);
	net_state_interface(state, "eni-client", "subnet-b", "client", "10.0.0.150", open);
	net_apply_sync(glass, state, &error);
	g_assert_no_error(error);
}

static void serve(const char *name) {
	g_autoptr(GError) error = NULL;
	g_autofree char *sick = g_strdup_printf(GLASS_HOME "/sick-%s", name);
	const char *const argv[] = {"python3", "-c", server_code, name, sick, NULL};
	GlassSpawn how = GLASS_SPAWN_INIT;
	how.netns = name;
	how.argv = argv;
	g_ptr_array_add(servers, glass_spawn(glass, &how, NULL, NULL, &error));
	g_assert_no_error(error);
}

static void set_sick(const char *name, gboolean sick) {
	g_autofree char *path = g_strdup_printf("%s/sick-%s", home, name);
	if (sick)
		g_assert_true(g_file_set_contents(path, "", 0, NULL));
	else
		g_remove(path);
}

/* The answer to a GET from inside, its status before it. Caller frees. */
static char *get(const char *address, int port, const char *path) {
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) output = NULL;
	g_autofree char *url = g_strdup_printf("http://%s:%d%s", address, port, path);
	const char *const argv[] = {"curl", "-s", "-m", "3", "-w", "\n%{http_code}", url, NULL};
	glass_run_sync(glass, "client", argv, NULL, NULL, &output, NULL, &error);
	gsize length = 0;
	const char *text = output ? g_bytes_get_data(output, &length) : "";
	return g_strndup(text, length);
}

/* From the host, by the published socket. Caller frees. */
static char *get_published(const char *path) {
	char answer[4096] = "";
	g_autofree char *request = g_strdup_printf(
		"GET %s HTTP/1.1\r\nHost: web.elb.localhost:%d\r\nConnection: close\r\n\r\n", path,
		host_port);
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((guint16)host_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = {3, 0};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	gsize length = 0;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
		for (gssize n; length < sizeof answer - 1 &&
			       (n = read(fd, answer + length, sizeof answer - 1 - length)) > 0;)
			length += (gsize)n;
	close(fd);
	return g_strndup(answer, length);
}

static void publish(void) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	published = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_assert_cmpint(bind(published, (struct sockaddr *)&address, length), ==, 0);
	g_assert_cmpint(listen(published, 128), ==, 0);
	g_assert_cmpint(getsockname(published, (struct sockaddr *)&address, &length), ==, 0);
	host_port = ntohs(address.sin_port);
}

static BalancerSpec *make_spec(gboolean with_rule) {
	BalancerSpec *spec = balancer_spec_new("alb-1", "alb");
	spec->addresses = g_strsplit(FRONT ",10.0.0.135", ",", -1);
	for (int i = 0; i < 2; i++) {
		BalancerGroup *group = balancer_spec_group(spec, i ? "back" : "front");
		group->deregistration_delay = 5;
		group->check.path = g_strdup("/health");
		group->check.interval = 1;
		group->check.timeout = 1;
		group->check.healthy_threshold = group->check.unhealthy_threshold = 2;
	}
	BalancerListener *listener = balancer_spec_listener(spec, "http", 80);
	listener->published_fd = published;
	listener->published_port = host_port;
	listener->default_action = balancer_action_new(BALANCER_FORWARD);
	balancer_action_forward(listener->default_action, "front", 1);
	BalancerRule *api = balancer_listener_rule(listener);
	balancer_rule_condition(api, BALANCER_IF_PATH, NULL, (const char *const[]){"/api/*", NULL});
	api->action = balancer_action_new(BALANCER_FORWARD);
	balancer_action_forward(api->action, "back", 1);
	if (!with_rule)
		return spec;
	BalancerRule *fixed = balancer_listener_rule(listener);
	balancer_rule_condition(
		fixed, BALANCER_IF_PATH, NULL, (const char *const[]){"/gone", NULL});
	fixed->action = balancer_action_new(BALANCER_FIXED_RESPONSE);
	fixed->action->status = 410;
	return spec;
}

static void run(gboolean with_rule) {
	g_autoptr(GError) error = NULL;
	guint before = ready;
	balancer = balancers_run(balancers, make_spec(with_rule), &error);
	g_assert_no_error(error);
	g_assert_true(until_ready(before + 1));
	g_assert_cmpstr(problem, ==, NULL);
}

static void assert_begins(char *answer_taken, const char *beginning) {
	g_autofree char *answer = answer_taken;
	if (!g_str_has_prefix(answer, beginning))
		g_test_message("%s", answer);
	g_assert_true(g_str_has_prefix(answer, beginning));
}

static void assert_ends(char *answer_taken, const char *end) {
	g_autofree char *answer = answer_taken;
	if (!g_str_has_suffix(answer, end))
		g_test_message("%s", answer);
	g_assert_true(g_str_has_suffix(answer, end));
}

static void test_routes(void) {
	run(FALSE);
	/* No targets: 503. */
	assert_ends(get(FRONT, 80, "/"), "\n503");
	gint64 began = g_get_monotonic_time();
	balancer_register(balancer, "front", "10.0.0.11", PORT);
	balancer_register(balancer, "back", "10.0.0.142", PORT);
	g_assert_true(until("front 10.0.0.11", "healthy", 8));
	g_assert_true(until("back 10.0.0.142", "healthy", 8));
	g_test_message(
		"healthy after %" G_GINT64_FORMAT " ms", (g_get_monotonic_time() - began) / 1000);
	assert_begins(get(FRONT, 80, "/"), "one\n/\n");
	assert_begins(get("10.0.0.135", 80, "/api/x?a=1"), "two\n/api/x?a=1\n");
	assert_begins(get(FRONT, host_port, "/"), "one\n");
	g_autofree char *answer = get_published("/api/y");
	g_assert_nonnull(strstr(answer, "two\n/api/y"));
	g_autofree char *host = g_strdup_printf("web.elb.localhost:%d\n", host_port);
	g_assert_nonnull(strstr(answer, host));
	g_autofree char *port = g_strdup_printf("x-forwarded-port: %d", host_port);
	g_autofree char *small = g_ascii_strdown(answer, -1);
	g_assert_nonnull(strstr(small, port));
	g_assert_nonnull(strstr(small, "x-forwarded-for: 127.0.0.1"));
}

static void test_health(void) {
	set_sick("one", TRUE);
	g_assert_true(until("front 10.0.0.11", "Target.ResponseCodeMismatch", 8));
	/* It is the only one: the group fails open. */
	assert_begins(get(FRONT, 80, "/"), "one\n");
	balancer_register(balancer, "front", "10.0.0.13", PORT);
	g_assert_true(until("front 10.0.0.13", "healthy", 8));
	for (int i = 0; i < 4; i++)
		assert_begins(get(FRONT, 80, "/"), "three\n");
	set_sick("one", FALSE);
	g_assert_true(until("front 10.0.0.11", "healthy", 8));
	/* One that never answers is first "initial", then unhealthy. */
	balancer_register(balancer, "front", "10.0.0.150", PORT);
	g_assert_true(until("front 10.0.0.150", "Elb.InitialHealthChecking", 3));
	g_assert_true(until("front 10.0.0.150", "Target.FailedHealthChecks", 8));
	balancer_deregister(balancer, "front", "10.0.0.150", PORT);
	g_assert_true(until("front 10.0.0.150", "Target.NotRegistered", 8));
	for (int i = 0; i < 4; i++)
		assert_ends(get(FRONT, 80, "/"), "\n200");
}

static void on_load_done(GObject *source, GAsyncResult *result, gpointer data) {
	g_autoptr(GBytes) output = NULL;
	g_autoptr(GError) error = NULL;
	glass_run_finish(result, &output, NULL, &error);
	g_assert_no_error(error);
	gsize length = 0;
	const char *text = output ? g_bytes_get_data(output, &length) : "";
	*(char **)data = g_strndup(text, length);
}

/* Targets come and go and the rules change while requests are made: none fails. */
static void test_changes_under_load(void) {
	char *outcome = NULL;
	const char *const argv[] = {"python3", "-c", client_code, FRONT, "8", NULL};
	glass_run_async(glass, "client", argv, NULL, NULL, NULL, on_load_done, &outcome);
	wait_a_while(500);
	for (int i = 0; i < 2; i++) {
		balancer_deregister(balancer, "front", "10.0.0.11", PORT);
		g_assert_true(until("front 10.0.0.11", "Target.NotRegistered", 8));
		balancer_register(balancer, "front", "10.0.0.11", PORT);
		g_assert_true(until("front 10.0.0.11", "healthy", 8));
	}
	run(TRUE);
	balancer_deregister(balancer, "front", "10.0.0.13", PORT);
	g_assert_true(until("front 10.0.0.13", "Target.NotRegistered", 8));
	run(FALSE);
	while (!outcome)
		g_main_context_iteration(NULL, TRUE);
	g_test_message("%s", outcome);
	g_assert_true(g_str_has_suffix(outcome, " good 0 bad\n"));
	g_assert_cmpint(atoi(outcome), >, 100);
	g_free(outcome);
}

static pid_t recorded_pid(void) {
	g_autoptr(GKeyFile) record = g_key_file_new();
	g_autofree char *path = g_build_filename(home, "balancers/alb-1/balancer.ini", NULL);
	g_assert_true(g_key_file_load_from_file(record, path, G_KEY_FILE_NONE, NULL));
	return g_key_file_get_integer(record, "process", "pid", NULL);
}

static void test_adoption(void) {
	g_autoptr(GError) error = NULL;
	pid_t pid = recorded_pid();
	balancer_register(balancer, "front", "10.0.0.13", PORT);
	g_assert_true(until("front 10.0.0.13", "healthy", 8));
	/* The process goes away, with its sockets; the balancer goes on. */
	balancers_free(balancers);
	close(published);
	g_ptr_array_set_size(servers, 0);
	glass_close(glass);
	g_autofree char *meanwhile = get_published("/");
	g_assert_nonnull(strstr(meanwhile, " 200 "));
	glass = glass_open(home, &error);
	g_assert_no_error(error);
	balancers = balancers_new(glass, &events, NULL);
	published = balancers_recover_socket(balancers, "alb-1", (guint16)host_port);
	g_assert_cmpint(published, >=, 0);
	g_hash_table_remove_all(reasons);
	run(FALSE);
	balancer_register(balancer, "front", "10.0.0.11", PORT);
	g_assert_true(until("front 10.0.0.11", "healthy", 8));
	/* Nobody registered the other one again: it is taken out. */
	g_assert_true(until("front 10.0.0.13", "Target.NotRegistered", 8));
	g_assert_cmpint(recorded_pid(), ==, pid);
	assert_begins(get(FRONT, 80, "/"), "one\n");
	g_autofree char *after = get_published("/");
	g_assert_nonnull(strstr(after, "\n\r\none\n"));
}

/* Killed, it is started again, with the targets that it had. */
static void test_crash(void) {
	g_autoptr(GError) error = NULL;
	guint before = ready;
	g_autofree char *pid = g_strdup_printf("%d", recorded_pid());
	const char *const argv[] = {"kill", "-9", pid, NULL};
	glass_run_sync(glass, NULL, argv, NULL, NULL, NULL, NULL, &error);
	g_assert_no_error(error);
	g_assert_true(until_ready(before + 1));
	assert_begins(get(FRONT, 80, "/"), "one\n");
	g_autofree char *answer = get_published("/");
	g_assert_nonnull(strstr(answer, "\n\r\none\n"));
}

/* A listener that is not published any more is closed on the host. */
static void test_unpublish_and_stop(void) {
	int former = published;
	published = -1;
	run(FALSE);
	close(former);
	wait_a_while(300);
	g_autofree char *answer = get_published("/");
	g_assert_cmpstr(answer, ==, "");
	assert_begins(get(FRONT, 80, "/"), "one\n");
	balancer_stop(balancer);
	wait_a_while(300);
	assert_ends(get(FRONT, 80, "/"), "\n000");
	g_autofree char *folder = g_build_filename(home, "balancers/alb-1", NULL);
	g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
}

/* One that nobody asks for after a restart is ended. */
static void test_sweep(void) {
	run(FALSE);
	balancers_free(balancers);
	balancers = balancers_new(glass, &events, NULL);
	balancers_sweep(balancers);
	wait_a_while(300);
	assert_ends(get(FRONT, 80, "/"), "\n000");
}

int main(int argc, char **argv) {
	if (argc > 1 && g_str_equal(argv[1], "glass-init"))
		return glass_init_main(argc, argv);
	g_test_init(&argc, &argv, NULL);
	g_log_set_fatal_mask(NULL, G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	g_autoptr(GError) error = NULL;
	home = g_dir_make_tmp("terrarium-balancer-XXXXXX", NULL);
	servers = g_ptr_array_new_with_free_func((GDestroyNotify)glass_process_free);
	reasons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	glass = glass_open(home, &error);
	if (!glass) {
		g_print("1..0 # SKIP %s\n", error->message);
		return 0;
	}
	make_network();
	serve("one");
	serve("two");
	serve("three");
	publish();
	balancers = balancers_new(glass, &events, NULL);
	g_test_add_func("/balancer/routes", test_routes);
	g_test_add_func("/balancer/health", test_health);
	g_test_add_func("/balancer/changes-under-load", test_changes_under_load);
	g_test_add_func("/balancer/adoption", test_adoption);
	g_test_add_func("/balancer/crash", test_crash);
	g_test_add_func("/balancer/unpublish-and-stop", test_unpublish_and_stop);
	g_test_add_func("/balancer/sweep", test_sweep);
	int failed = g_test_run();
	balancers_free(balancers);
	g_ptr_array_unref(servers);
	glass_close(glass);
	glass_destroy_home(home, NULL);
	const char *const remove[] = {"rm", "-rf", home, NULL};
	g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
		NULL);
	g_free(home);
	return failed;
}
