/* What commands share. See cli.h. */
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"

#define DEFAULT_PORT 4566

char *cli_home(void) {
	const char *home = g_getenv("TERRARIUM_HOME");
	if (home && *home)
		return g_canonicalize_filename(home, NULL);
	return g_build_filename(g_get_user_data_dir(), "terrarium", NULL);
}

guint cli_port(void) {
	const char *text = g_getenv("TERRARIUM_PORT");
	guint64 port = DEFAULT_PORT;
	if (text && !g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL))
		cli_fail("TERRARIUM_PORT is %s, which is no port; %u is used.", text, DEFAULT_PORT);
	return (guint)port;
}

void cli_keys(char **access_key_id, char **secret_access_key) {
	g_autofree char *home = cli_home();
	g_autofree char *path = g_build_filename(home, "root-credentials", NULL);
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL);
	*access_key_id = g_key_file_get_string(file, "default", "aws_access_key_id", NULL);
	*secret_access_key = g_key_file_get_string(file, "default", "aws_secret_access_key", NULL);
	if (*access_key_id && *secret_access_key)
		return;
	g_free(*access_key_id);
	g_free(*secret_access_key);
	*access_key_id = g_strdup("terrarium");
	*secret_access_key = g_strdup("terrarium");
}

char **cli_environment(void) {
	/* What would lead to other keys, or for a service to another endpoint. */
	static const char *const unwanted[] = {"AWS_ENDPOINT_URL*",
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ROLE_ARN",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS*", NULL};
	g_autofree char *key = NULL, *secret = NULL;
	cli_keys(&key, &secret);
	GPtrArray *settings = g_ptr_array_new();
	for (const char *const *each = unwanted; *each; each++)
		g_ptr_array_add(settings, g_strdup(*each));
	g_ptr_array_add(
		settings, g_strdup_printf("AWS_ENDPOINT_URL=http://127.0.0.1:%u", cli_port()));
	g_ptr_array_add(settings, g_strconcat("AWS_ACCESS_KEY_ID=", key, NULL));
	g_ptr_array_add(settings, g_strconcat("AWS_SECRET_ACCESS_KEY=", secret, NULL));
	g_ptr_array_add(settings, g_strdup("AWS_REGION=us-east-1"));
	g_ptr_array_add(settings, g_strdup("AWS_DEFAULT_REGION=us-east-1"));
	g_ptr_array_add(settings, g_strdup("AWS_DISABLE_HOST_PREFIX_INJECTION=true"));
	g_ptr_array_add(settings, NULL);
	return (char **)g_ptr_array_free(settings, FALSE);
}

int cli_fail(const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	fprintf(stderr, "Error: %s\n", text);
	return 1;
}

int cli_fail_unknown(
	const char *command, const char *word, const char *const *known, gsize n_known) {
	const char *near = text_nearest(word, known, n_known);
	return cli_fail("terrarium %s has no command named \"%s\".%s%s%s", command, word,
		near ? " Did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

gboolean cli_parse(int *argc, char ***argv, const GOptionEntry *entries, const char *summary) {
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *name = g_strdup_printf("terrarium %s", (*argv)[0]);
	(*argv)[0] = name;
	g_option_context_set_summary(context, summary);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, &error)) {
		cli_fail("%s. See %s --help.", error->message, name);
		return FALSE;
	}
	if (*argc > 1) {
		cli_fail("Too many arguments: \"%s\". See %s --help.", (*argv)[1], name);
		return FALSE;
	}
	return TRUE;
}

int cli_region_pid(const char *home) {
	g_autofree char *path = g_build_filename(home, "region.lock", NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	int pid = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
	close(fd);
	return pid;
}

gboolean cli_region_answers(guint port) {
	g_autoptr(GSocketClient) client = g_socket_client_new();
	g_socket_client_set_timeout(client, 2);
	g_autoptr(GSocketConnection) connection =
		g_socket_client_connect_to_host(client, "127.0.0.1", (guint16)port, NULL, NULL);
	if (!connection)
		return FALSE;
	static const char request[] =
		"GET /_terrarium/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	char answer[512] = "";
	gsize length = 0;
	g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), request,
		strlen(request), NULL, NULL, NULL);
	g_input_stream_read_all(g_io_stream_get_input_stream(G_IO_STREAM(connection)), answer,
		sizeof answer - 1, &length, NULL, NULL);
	return strstr(answer, "\"status\":\"running\"") != NULL;
}
