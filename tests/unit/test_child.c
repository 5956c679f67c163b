/* Programs that are run for a configuration: what is heard of them, and how they end. */
#include <stdlib.h>

#include "base/child.h"

static void take(ChildStream stream, const char *text, gsize length, gpointer data) {
	g_string_append_len(((GString **)data)[stream], text, (gssize)length);
}

typedef struct {
	GString *streams[2];
	GError *error;
	gboolean fine;
} Outcome;

static void outcome_clear(Outcome *outcome) {
	g_string_free(outcome->streams[0], TRUE);
	g_string_free(outcome->streams[1], TRUE);
	g_clear_error(&outcome->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outcome, outcome_clear)

static Outcome run(ChildProgram program, GCancellable *cancellable) {
	Outcome outcome = {{g_string_new(NULL), g_string_new(NULL)}, NULL, FALSE};
	g_auto(GStrv) environment = child_environment();
	program.environment = (const char *const *)environment;
	program.took = take;
	program.data = outcome.streams;
	outcome.fine = child_run(&program, cancellable, &outcome.error);
	return outcome;
}

#define SHELL(text) ((const char *const[]){"sh", "-c", text, NULL})

static void test_streams(void) {
	g_auto(Outcome) apart =
		run((ChildProgram){.argv = SHELL("cat; echo bad >&2"), .input = "given"}, NULL);
	g_assert_true(apart.fine);
	g_assert_cmpstr(apart.streams[CHILD_OUTPUT]->str, ==, "given");
	g_assert_cmpstr(apart.streams[CHILD_ERRORS]->str, ==, "bad\n");
	g_auto(Outcome) joined = run(
		(ChildProgram){
			.argv = SHELL("cat; echo 1; echo 2 >&2; pwd"), .joined = TRUE, .dir = "/"},
		NULL);
	g_assert_cmpstr(joined.streams[CHILD_OUTPUT]->str, ==, "1\n2\n/\n");
}

/* Nobody reads all of it: neither a hang nor a SIGPIPE. */
static void test_unread_input(void) {
	g_autofree char *much = g_strnfill(1 << 20, 'x');
	g_auto(Outcome) outcome =
		run((ChildProgram){.argv = SHELL("exec true"), .input = much}, NULL);
	g_assert_true(outcome.fine);
	g_auto(Outcome) all = run((ChildProgram){.argv = SHELL("wc -c"), .input = much}, NULL);
	g_assert_cmpint(atoi(all.streams[CHILD_OUTPUT]->str), ==, 1 << 20);
}

static void assert_fails(ChildProgram program, const char *message) {
	g_auto(Outcome) outcome = run(program, NULL);
	g_assert_false(outcome.fine);
	g_assert_cmpstr(outcome.error->message, ==, message);
}

static void test_failures(void) {
	assert_fails((ChildProgram){.argv = SHELL("exit 3")}, "exit status 3");
	assert_fails((ChildProgram){.argv = SHELL("kill -9 $$")}, "signal: killed");
	assert_fails((ChildProgram){.argv = SHELL("true"), .dir = "/does/not/exist"},
		"chdir /does/not/exist: no such file or directory");
	assert_fails((ChildProgram){.argv = (const char *const[]){"/does/not/exist", NULL}},
		"fork/exec /does/not/exist: no such file or directory");
	assert_fails((ChildProgram){.argv = (const char *const[]){"no-such-program", NULL}},
		"exec: \"no-such-program\": executable file not found in $PATH");
	assert_fails((ChildProgram){.argv = (const char *const[]){"/dev/null", NULL}},
		"fork/exec /dev/null: permission denied");
}

static gpointer cancel_soon(gpointer cancellable) {
	g_usleep(G_USEC_PER_SEC / 5);
	g_cancellable_cancel(cancellable);
	return NULL;
}

/* It ends when asked to, with what it started; or is made to. */
static void test_cancelled(void) {
	static const struct {
		const char *script, *message;
	} all[] = {{"sleep 1000 & sleep 1000", "signal: terminated"},
		{"trap '' TERM; sleep 1000; sleep 1000; sleep 1000", "signal: killed"}};
	for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
		g_autoptr(GCancellable) cancellable = g_cancellable_new();
		GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
		g_auto(Outcome) outcome =
			run((ChildProgram){.argv = SHELL(all[i].script)}, cancellable);
		g_thread_join(thread);
		g_assert_cmpstr(outcome.error->message, ==, all[i].message);
	}
}

static void test_environment(void) {
	g_setenv("CHILD_TEST_A", "own", TRUE);
	g_setenv("CHILD_TEST_GONE", "own", TRUE);
	g_setenv("CHILD_TEST_MANY_1", "own", TRUE);
	g_setenv("CHILD_TEST_MANY_2", "own", TRUE);
	child_set_environment((const char *const[]){
		"CHILD_TEST_MANY_*", "CHILD_TEST_GONE", "CHILD_TEST_MANY_2=kept=so", NULL});
	g_auto(Outcome) outcome =
		run((ChildProgram){.argv = SHELL("env | grep ^CHILD_TEST_ | sort")}, NULL);
	g_assert_cmpstr(outcome.streams[CHILD_OUTPUT]->str, ==,
		"CHILD_TEST_A=own\nCHILD_TEST_MANY_2=kept=so\n");
}

int main(int argc, char **argv) {
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/child/environment", test_environment);
	g_test_add_func("/child/streams", test_streams);
	g_test_add_func("/child/unread-input", test_unread_input);
	g_test_add_func("/child/failures", test_failures);
	g_test_add_func("/child/cancelled", test_cancelled);
	return g_test_run();
}
