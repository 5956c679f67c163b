/*
 * git over HTTP: bound repositories of this machine and the region's own at
 * http://127.0.0.1:PORT/git/OWNER/REPO, for fetch and push. The protocol is git http-backend's,
 * which is started for each request. What a client sends goes into a file without a name and is the
 * program's input from there; what it answers is pushed on as fast as the client reads.
 *
 * Whoever is on this machine may fetch and push (any password does), unless the region is strict;
 * out of VPCs nobody may. A push to the branch that a user's repository has checked out updates the
 * working tree with it, if that is clean; git refuses it otherwise.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "region/services/connections/internal.h"
#include "region/services/iam/iam.h"

#define PREFIX "/git/"
#define BLOCK 65536
#define MOST_PENDING (1 << 20)
#define WAIT_MS 10
#define LONGEST_HEAD 16384

/* ---- what is asked for ---- */

typedef struct {
	char *repository, *git_dir;
	const char *service; /* "/info/refs", "/git-upload-pack", "/git-receive-pack" */
} Target;

static void target_clear(Target *target) {
	g_clear_pointer(&target->repository, g_free);
	g_clear_pointer(&target->git_dir, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Target, target_clear)

static WireResponse *refuse(int status, const char *format, ...) G_GNUC_PRINTF(2, 3);
static WireResponse *refuse(int status, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *words = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_autofree char *line = g_strconcat(words, "\n", NULL);
	WireResponse *response = wire_response_new(status);
	wire_response_set_body(response, "text/plain", line, strlen(line));
	return response;
}

/* ---- who asks ---- */

/* In a strict region: a key of its own as user and password, that may use connections. */
static gboolean is_known(Region *region, const WireRequest *request) {
	const char *authorization = g_hash_table_lookup(request->headers, "authorization");
	if (!authorization || !g_str_has_prefix(authorization, "Basic "))
		return FALSE;
	gsize length;
	g_autofree guchar *bytes = g_base64_decode(authorization + strlen("Basic "), &length);
	g_autofree char *login = g_strndup((const char *)bytes, length);
	g_auto(GStrv) parts = g_strsplit(login, ":", 2);
	g_autoptr(IamKey) key = parts[0] ? iam_key_get(region, parts[0]) : NULL;
	if (!key || !key->active || key->token || g_strcmp0(parts[1], key->secret) != 0)
		return FALSE;
	g_auto(Value) context = iam_principal_context(region, key->arn, key->id);
	const IamRequest wanted = {.scope = {key->account, ""},
		.principal_arn = key->arn,
		.action = "codeconnections:UseConnection",
		.resource = "*",
		.context = context};
	return iam_authorise(region, &wanted, NULL);
}

static WireResponse *challenge(void) {
	WireResponse *response = refuse(401,
		"This region is strict: the user is an access key's id, the password its secret.");
	wire_response_set_header(response, "www-authenticate", "Basic realm=\"terrarium\"");
	return response;
}

/* ---- which repository ---- */

/* Finds the repository and what of it is wanted; NULL, or a refusal. */
static WireResponse *parse(Target *target, Region *region, const WireRequest *request) {
	static const char *const services[] = {
		"/info/refs", "/git-upload-pack", "/git-receive-pack"};
	g_autofree char *path = g_uri_unescape_string(request->path + strlen(PREFIX), NULL);
	if (request->vpc)
		return refuse(403, "Repositories are not served inside VPCs.");
	if (region_is_strict(region) && !is_known(region, request))
		return challenge();
	for (guint i = 0; path && i < G_N_ELEMENTS(services); i++)
		if (g_str_has_suffix(path, services[i]))
			target->service = services[i];
	if (!target->service)
		return refuse(404, "Only git's smart protocol is served here.");
	path[strlen(path) - strlen(target->service)] = '\0';
	if (g_str_has_suffix(path, ".git"))
		path[strlen(path) - strlen(".git")] = '\0';
	target->repository = g_steal_pointer(&path);
	g_auto(Value) binding = binding_anywhere(region, target->repository);
	target->git_dir = g_strdup(value_get_text(binding, "GitDir"));
	if (value_is_null(binding))
		return refuse(404,
			"No connection binds %s. Bind it: terrarium connection bind NAME %s PATH",
			target->repository, target->repository);
	if (!target->git_dir)
		return refuse(404, "%s is bound to %s: fetch from there, and push to there.",
			target->repository, value_get_text(binding, "Location"));
	return NULL;
}

/* ---- the body ---- */

typedef struct {
	HttpSink sink;
	int body;
	int problem; /* errno of a write that failed */
} Upload;

static gboolean upload_write(HttpSink *sink, const void *bytes, gsize length) {
	Upload *upload = (Upload *)sink;
	for (const char *at = bytes; length > 0;) {
		gssize n = write(upload->body, at, length);
		if (n < 0 && errno != EINTR) {
			upload->problem = errno;
			return FALSE;
		}
		if (n > 0) {
			at += n;
			length -= (gsize)n;
		}
	}
	return TRUE;
}

static void upload_free(HttpSink *sink) {
	Upload *upload = (Upload *)sink;
	if (upload->body >= 0)
		close(upload->body);
	g_free(upload);
}

HttpSink *connections_serve_open(
	Region *region, const WireRequest *request, WireResponse **refusal) {
	g_auto(Target) target = {0};
	*refusal = parse(&target, region, request);
	if (*refusal || !g_str_equal(request->method, "POST"))
		return NULL;
	int body = open(region_home(region), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (body < 0) {
		*refusal = refuse(500, "cannot keep the request in %s: %s", region_home(region),
			g_strerror(errno));
		return NULL;
	}
	Upload *upload = g_new0(Upload, 1);
	*upload = (Upload){{upload_write, upload_free}, body, 0};
	return &upload->sink;
}

/* ---- the answer ---- */

typedef struct {
	Region *region;
	HttpReply *reply;
	GSubprocess *process;
	GInputStream *output; /* borrowed from it */
	GByteArray *head; /* until it is whole; then NULL */
	char *repository;
	gboolean pushed;
} Serving;

static void read_more(Serving *serving);

static void serving_free(Serving *serving) {
	http_reply_unref(serving->reply);
	g_clear_object(&serving->process);
	g_clear_pointer(&serving->head, g_byte_array_unref);
	g_free(serving->repository);
	g_free(serving);
}

static void end_answer(Serving *serving) {
	if (serving->pushed && serving->region)
		connections_look(serving->region, serving->repository);
	if (serving->head)
		http_reply_send(serving->reply, refuse(502, "git http-backend gave no answer."));
	else
		http_reply_end(serving->reply);
	serving_free(serving);
}

/* The head of a CGI answer: "Status: 200 OK" and headers. */
static WireResponse *response_of(const char *head) {
	WireResponse *response = wire_response_new(200);
	g_auto(GStrv) lines = g_strsplit(head, "\n", -1);
	for (char **line = lines; *line; line++) {
		char *colon = strchr(*line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		const char *value = g_strstrip(colon + 1);
		if (g_ascii_strcasecmp(*line, "Status") == 0)
			response->status = (int)g_ascii_strtoll(value, NULL, 10);
		else if (g_ascii_strcasecmp(*line, "Content-Length") != 0)
			wire_response_set_header(response, *line, value);
	}
	return response;
}

/* Answers when the head is whole. FALSE: it is too long to be one. */
static gboolean take_head(Serving *serving, const void *bytes, gsize length) {
	g_byte_array_append(serving->head, bytes, (guint)length);
	const char *all = (const char *)serving->head->data;
	const char *end = g_strstr_len(all, (gssize)serving->head->len, "\r\n\r\n");
	if (!end)
		return serving->head->len < LONGEST_HEAD;
	g_autofree char *head = g_strndup(all, (gsize)(end - all));
	gsize body = (gsize)(end - all) + 4;
	http_reply_start(serving->reply, response_of(head));
	http_reply_push(serving->reply, all + body, serving->head->len - body);
	g_clear_pointer(&serving->head, g_byte_array_unref);
	return TRUE;
}

static gboolean on_waited(gpointer data) {
	Serving *serving = data;
	if (!http_reply_is_gone(serving->reply) &&
		http_reply_pending(serving->reply) > MOST_PENDING)
		return G_SOURCE_CONTINUE;
	read_more(serving);
	return G_SOURCE_REMOVE;
}

static void on_read(GObject *source, GAsyncResult *result, gpointer data) {
	Serving *serving = data;
	g_autoptr(GBytes) bytes =
		g_input_stream_read_bytes_finish(G_INPUT_STREAM(source), result, NULL);
	gsize length = 0;
	const void *got = bytes ? g_bytes_get_data(bytes, &length) : NULL;
	gboolean on = length > 0;
	/* When the client has gone, a push is carried through all the same. */
	if (on && serving->head)
		on = take_head(serving, got, length);
	else if (on && !http_reply_push(serving->reply, got, length))
		on = serving->pushed;
	if (!on)
		end_answer(serving);
	else if (http_reply_pending(serving->reply) > MOST_PENDING)
		g_timeout_add(WAIT_MS, on_waited, serving);
	else
		read_more(serving);
}

static void read_more(Serving *serving) {
	g_input_stream_read_bytes_async(
		serving->output, BLOCK, G_PRIORITY_DEFAULT, NULL, on_read, serving);
}

/* ---- the program ---- */

static char *variable(const char *name, const char *value) {
	return g_strdup_printf("%s=%s", name, value ? value : "");
}

static GPtrArray *variables(const WireRequest *request, const Target *target, goffset length) {
	GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
	GHashTable *headers = request->headers;
	g_autofree char *size = g_strdup_printf("%" G_GOFFSET_FORMAT, length);
	g_autofree char *path = g_strconcat(target->git_dir, target->service, NULL);
	/* git_spawn's settings are replaced by these, which say the same and more. */
	g_autofree char *parent = g_path_get_dirname(target->git_dir);
	const char *const pairs[][2] = {
		{"REQUEST_METHOD", request->method},
		{"QUERY_STRING", request->query},
		{"CONTENT_TYPE", g_hash_table_lookup(headers, "content-type")},
		{"HTTP_CONTENT_ENCODING", g_hash_table_lookup(headers, "content-encoding")},
		{"GIT_PROTOCOL", g_hash_table_lookup(headers, "git-protocol")},
		{"PATH_TRANSLATED", path},
		{"PATH_INFO", target->service},
		{"REMOTE_USER", "terrarium"},
		{"REMOTE_ADDR", "127.0.0.1"},
		{"GIT_HTTP_EXPORT_ALL", "1"},
		{"GIT_CONFIG_COUNT", "4"},
		{"GIT_CONFIG_KEY_0", "safe.directory"},
		{"GIT_CONFIG_VALUE_0", target->git_dir},
		{"GIT_CONFIG_KEY_1", "safe.directory"},
		{"GIT_CONFIG_VALUE_1", parent},
		{"GIT_CONFIG_KEY_2", "receive.denyCurrentBranch"},
		{"GIT_CONFIG_VALUE_2", "updateInstead"},
		{"GIT_CONFIG_KEY_3", "http.receivepack"},
		{"GIT_CONFIG_VALUE_3", "true"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(pairs); i++)
		if (pairs[i][1])
			g_ptr_array_add(all, variable(pairs[i][0], pairs[i][1]));
	if (length > 0)
		g_ptr_array_add(all, variable("CONTENT_LENGTH", size));
	g_ptr_array_add(all, NULL);
	return all;
}

/* The body's descriptor for the program, at its beginning; taken out of the sink. */
static int take_body(HttpReply *reply, goffset *length) {
	Upload *upload = (Upload *)http_reply_sink(reply);
	if (!upload)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	int body = upload->body;
	upload->body = -1;
	*length = lseek(body, 0, SEEK_END);
	lseek(body, 0, SEEK_SET);
	return body;
}

WireResponse *connections_serve(Region *region, const WireRequest *request, HttpReply *reply) {
	static const char *const argv[] = {"http-backend", NULL};
	g_auto(Target) target = {0};
	WireResponse *refusal = parse(&target, region, request);
	Upload *upload = (Upload *)http_reply_sink(reply);
	if (refusal)
		return refusal;
	if (upload && upload->problem)
		return refuse(507, "the push could not be kept: %s", g_strerror(upload->problem));
	if (!upload && !strstr(request->query, "service="))
		return refuse(404, "Only git's smart protocol is served here.");
	goffset length = 0;
	int body = take_body(reply, &length);
	g_autoptr(GPtrArray) add = variables(request, &target, length);
	g_autoptr(GError) error = NULL;
	GitRun run = GIT_RUN_INIT;
	run.git_dir = target.git_dir;
	GSubprocess *process = git_spawn(&run, argv, (const char *const *)add->pdata, body,
		G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
	if (!process)
		return refuse(500, "%s", error->message);
	Serving *serving = g_new0(Serving, 1);
	*serving = (Serving){.region = region,
		.reply = http_reply_ref(reply),
		.process = process,
		.output = g_subprocess_get_stdout_pipe(process),
		.head = g_byte_array_new(),
		.repository = g_steal_pointer(&target.repository),
		.pushed = g_str_equal(target.service, "/git-receive-pack")};
	read_more(serving);
	return NULL;
}
