/*
 * Programs that the user's configuration has run on this machine (provisioners, data "external"):
 * in a process group of their own, with what they print handed over as it comes, and ended when the
 * operation is interrupted or this process dies.
 */
#pragma once

#include <gio/gio.h>

typedef enum { CHILD_OUTPUT, CHILD_ERRORS } ChildStream;

typedef struct {
	const char *const *argv; /* argv[0] is looked for in $PATH; ended by NULL */
	const char *dir; /* NULL: where this process is */
	const char *const *environment; /* all of it, "NAME=value"; ended by NULL */
	const char *input; /* what it can read; NULL: nothing */
	gboolean joined; /* both streams are one, so that they come in order: CHILD_OUTPUT */
	/* Takes what it prints, in pieces as they come. Called by child_run's thread. */
	void (*took)(ChildStream stream, const char *text, gsize length, gpointer data);
	gpointer data;
} ChildProgram;

/* Runs the program until it has ended and nobody writes to its streams any more. TRUE if it exited
 * with 0; else *error says "exit status 3", "signal: killed", "chdir …", "fork/exec …". When
 * `cancellable` is cancelled, the program's group is asked to end, and made to after 3 s. */
gboolean child_run(const ChildProgram *program, GCancellable *cancellable, GError **error);

/* What such programs have in their environment instead of what this process has (copied;
 * "NAME=value", ended by NULL). To be set before any is run. A NAME without a value is taken away,
 * and NAME* is any name that begins so. */
void child_set_environment(const char *const *settings);
/* The environment for such a program. Caller frees with g_strfreev; see g_environ_setenv. */
char **child_environment(void);
