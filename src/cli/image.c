/*
 * terrarium image: builds images inside the region, loads saved ones, lists what its registry has.
 * Speaks to the region over HTTP only: builds by its admin API, lists by AWS's.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/cli.h"
#include "glass/build.h"
#include "value/json.h"

#define ACCOUNT "000000000000"

/* The region that the environment names, or NULL. */
static const char *region_name(void) {
	const char *name = g_getenv("AWS_REGION");
	if (!name || !*name)
		name = g_getenv("AWS_DEFAULT_REGION");
	return name && *name ? name : NULL;
}

static gboolean has_repository(CliApi *api, const char *name) {
	g_autoptr(GError) error = NULL;
	g_auto(Value) found = cli_api_call(api, "ecr", "DescribeRepositories",
		value_object_take("repositoryNames", value_tuple_take(1, value_string(name)), NULL),
		&error);
	return error == NULL;
}

/* "app" of "app", "app:1" and "host/app:1". Caller frees. */
static char *repository_of(const char *tag) {
	const char *slash = strchr(tag, '/');
	g_autofree char *host = slash ? g_strndup(tag, (gsize)(slash - tag)) : NULL;
	const char *name = host && strpbrk(host, ".:") ? slash + 1 : tag;
	return g_strndup(name, strcspn(name, ":"));
}

/* Chooses the region that an image goes to, if the environment and the image's name leave it open:
 * the only one that has the repository. FALSE after saying that there are several. */
static gboolean choose_region(const char *tag, char **region) {
	gboolean told = !tag || strstr(tag, ".dkr.ecr.");
	*region = g_strdup(region_name());
	g_autoptr(GPtrArray) places = *region || told ? NULL : cli_places(NULL);
	g_autofree char *repository = tag ? repository_of(tag) : NULL;
	for (guint i = 0; places && i < places->len; i++) {
		CliApi *api = places->pdata[i];
		if (!g_str_equal(cli_api_account(api), ACCOUNT) || !has_repository(api, repository))
			continue;
		if (*region) {
			cli_fail("there is a repository %s in %s and in %s: set AWS_REGION to one "
				 "of them.",
				repository, *region, cli_api_region(api));
			g_clear_pointer(region, g_free);
			return FALSE;
		}
		*region = g_strdup(cli_api_region(api));
	}
	return TRUE;
}

/* Options come before and behind what they are about, as in docker's own command. */
static gboolean parse(int *argc, char ***argv, const GOptionEntry *entries, const char *words,
	const char *summary, int operands) {
	g_autoptr(GOptionContext) context = g_option_context_new(words);
	g_autoptr(GError) error = NULL;
	g_autofree char *name = g_strdup_printf("terrarium image %s", (*argv)[0]);
	(*argv)[0] = name;
	g_option_context_set_summary(context, summary);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, &error))
		cli_fail("%s. See %s --help.", error->message, name);
	else if (*argc != operands + 1)
		cli_fail(
			"%s takes %s. See %s --help.", name, operands ? words : "no operand", name);
	else
		return TRUE;
	return FALSE;
}

/* ---- the region's answer, line by line ---- */

typedef struct {
	GString *line;
	gboolean done, failed;
} Answer;

static void take_line(Answer *answer) {
	g_auto(Value) object = value_from_json(answer->line->str, (gssize)answer->line->len, NULL);
	const char *line = value_get_text(object, "line");
	const char *digest = value_get_text(object, "digest");
	const char *error = value_get_text(object, "error");
	if (line) {
		printf("%s\n", line);
	} else if (digest) {
		const char *image = value_get_text(object, "image");
		printf("%s%s%s\n", image ? image : "", image && *image ? "@" : "", digest);
		answer->done = TRUE;
	} else if (error) {
		cli_fail("%s",
			g_str_has_prefix(error, "Error: ") ? error + strlen("Error: ") : error);
		answer->failed = TRUE;
	}
	fflush(stdout);
	g_string_truncate(answer->line, 0);
}

static size_t take_bytes(char *bytes, size_t size, size_t n, void *data) {
	Answer *answer = data;
	for (size_t i = 0; i < size * n; i++) {
		if (bytes[i] == '\n')
			take_line(answer);
		else
			g_string_append_c(answer->line, bytes[i]);
	}
	return size * n;
}

static size_t give_bytes(char *bytes, size_t size, size_t n, void *data) {
	gssize got = read(*(int *)data, bytes, size * n);
	return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

/* Sends the file and prints what is answered; the exit code. */
static int post(const char *action, const char *query, int fd) {
	struct stat status;
	if (fstat(fd, &status) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return cli_fail("cannot read what is to be sent: %s", g_strerror(errno));
	g_autofree char *url = g_strdup_printf(
		"http://127.0.0.1:%u/_terrarium/images/%s?%s", cli_port(), action, query);
	Answer answer = {.line = g_string_new(NULL)};
	CURL *curl = curl_easy_init();
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "POST");
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_bytes);
	curl_easy_setopt(curl, CURLOPT_READDATA, &fd);
	curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)status.st_size);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	g_string_free(answer.line, TRUE);
	if (answer.done || answer.failed)
		return answer.failed;
	return cli_fail("the region did not answer to the end: %s",
		code == CURLE_OK ? "it went away" : curl_easy_strerror(code));
}

static void add_parameter(GString *query, const char *name, const char *value) {
	if (!value)
		return;
	g_autofree char *escaped = g_uri_escape_string(value, NULL, FALSE);
	g_string_append_printf(query, "%s%s=%s", query->len ? "&" : "", name, escaped);
}

/* A file without a name, for what is made to be sent. */
static int temporary(void) {
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "terrarium-XXXXXX", NULL);
	int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* ---- commands ---- */

static int run_build(int argc, char **argv) {
	g_autofree char *file = NULL, *tag = NULL, *target = NULL;
	g_auto(GStrv) arguments = NULL, labels = NULL;
	gboolean no_cache = FALSE;
	const GOptionEntry entries[] = {
		{"file", 'f', 0, G_OPTION_ARG_FILENAME, &file, "The Dockerfile (PATH/Dockerfile)",
			"FILE"},
		{"tag", 't', 0, G_OPTION_ARG_STRING, &tag,
			"The repository that the image goes to, and its tag (latest)",
			"NAME[:TAG]"},
		{"build-arg", 0, 0, G_OPTION_ARG_STRING_ARRAY, &arguments, "Set an ARG",
			"NAME=VALUE"},
		{"label", 0, 0, G_OPTION_ARG_STRING_ARRAY, &labels, "Add a label", "NAME=VALUE"},
		{"target", 0, 0, G_OPTION_ARG_STRING, &target, "The stage to build (the last)",
			"STAGE"},
		{"no-cache", 0, 0, G_OPTION_ARG_NONE, &no_cache,
			"Build every layer anew, whatever is kept", NULL},
		{NULL},
	};
	if (!parse(&argc, &argv, entries, "PATH",
		    "Builds an image from a folder with a Dockerfile.", 1))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autofree char *dockerfile = file ? g_canonicalize_filename(file, NULL) : NULL;
	g_autofree char *region = NULL;
	if (!cli_ensure_region() || !choose_region(tag, &region))
		return 1;
	int fd = temporary();
	if (fd < 0)
		return cli_fail("cannot write to %s: %s", g_get_tmp_dir(), g_strerror(errno));
	if (!build_context_write(argv[1], dockerfile, fd, &error)) {
		close(fd);
		return cli_fail("%s", error->message);
	}
	g_autoptr(GString) query = g_string_new(NULL);
	add_parameter(query, "region", region);
	add_parameter(query, "tag", tag);
	add_parameter(query, "target", target);
	for (gsize i = 0; arguments && arguments[i]; i++)
		add_parameter(query, "argument", arguments[i]);
	for (gsize i = 0; labels && labels[i]; i++)
		add_parameter(query, "label", labels[i]);
	if (no_cache)
		add_parameter(query, "no-cache", "1");
	int code = post("build", query->str, fd);
	close(fd);
	return code;
}

static int run_load(int argc, char **argv) {
	g_autofree char *tag = NULL;
	const GOptionEntry entries[] = {
		{"tag", 't', 0, G_OPTION_ARG_STRING, &tag,
			"The repository that the image goes to, and its tag (latest)",
			"NAME[:TAG]"},
		{NULL},
	};
	if (!parse(&argc, &argv, entries, "FILE",
		    "Loads an image from a tar: docker save's, or an OCI archive.", 1))
		return 1;
	if (!tag)
		return cli_fail("which repository is the image for? Give -t NAME[:TAG].");
	g_autofree char *region = NULL;
	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cli_fail("cannot read %s: %s", argv[1], g_strerror(errno));
	if (!cli_ensure_region() || !choose_region(tag, &region)) {
		close(fd);
		return 1;
	}
	g_autoptr(GString) query = g_string_new(NULL);
	add_parameter(query, "region", region);
	add_parameter(query, "tag", tag);
	int code = post("load", query->str, fd);
	close(fd);
	return code;
}

static void print_image(const CliApi *api, Value image) {
	const char *digest = value_get_text(image, "imageDigest");
	Value tags = value_get(image, "imageTags");
	g_autofree char *size = g_format_size((guint64)value_get_int(image, "imageSizeInBytes", 0));
	for (gsize i = 0; i < MAX(value_length(tags), 1); i++)
		printf("%-14s %-40s %-20s %-19.19s %s\n", cli_api_region(api),
			value_get_text(image, "repositoryName"),
			value_length(tags) ? value_text(value_at(tags, i)) : "-",
			digest ? digest : "-", size);
}

static gboolean print_images(CliApi *api, GError **error) {
	g_autoptr(GError) local = NULL;
	g_auto(Value) repositories = cli_api_list(api, "ecr", "DescribeRepositories",
		value_empty_object(), "repositories", "nextToken", "nextToken", &local);
	for (gsize i = 0; !local && i < value_length(repositories); i++) {
		Value name = value_get(value_at(repositories, i), "repositoryName");
		g_auto(Value) images = cli_api_list(api, "ecr", "DescribeImages",
			value_object_take("repositoryName", value_ref(name), NULL), "imageDetails",
			"nextToken", "nextToken", &local);
		for (gsize j = 0; j < value_length(images); j++)
			print_image(api, value_at(images, j));
	}
	if (!local)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

/* Of all regions, or of the one that the environment names. */
static int run_list(int argc, char **argv) {
	const GOptionEntry entries[] = {{NULL}};
	if (!parse(&argc, &argv, entries, NULL, "Lists the images in the region's registry.", 0))
		return 1;
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) places = cli_places(&error);
	if (!places)
		return cli_fail("%s", error->message);
	printf("%-14s %-40s %-20s %-19s %s\n", "REGION", "REPOSITORY", "TAG", "DIGEST", "SIZE");
	for (guint i = 0; i < places->len; i++) {
		CliApi *api = places->pdata[i];
		if (region_name() && !g_str_equal(cli_api_region(api), region_name()))
			continue;
		if (!print_images(api, &error))
			return cli_fail("%s", error->message);
	}
	return 0;
}

static const struct {
	const char *name, *summary;
	int (*run)(int argc, char **argv);
} actions[] = {
	{"build", "Build an image from a folder with a Dockerfile", run_build},
	{"load", "Load an image that docker save wrote, or an OCI archive", run_load},
	{"list", "List the images in the region's registry", run_list},
};

static int run(int argc, char **argv) {
	const char *name = argc > 1 ? argv[1] : "--help";
	for (gsize i = 0; i < G_N_ELEMENTS(actions); i++)
		if (g_str_equal(actions[i].name, name))
			return actions[i].run(argc - 1, argv + 1);
	gboolean asked = g_str_equal(name, "--help") || g_str_equal(name, "-h");
	FILE *out = asked && argc > 1 ? stdout : stderr;
	if (!asked)
		cli_fail("terrarium image has no command named \"%s\".", name);
	fprintf(out, "Usage: terrarium image COMMAND [OPTION…]\n\nCommands:\n");
	for (gsize i = 0; i < G_N_ELEMENTS(actions); i++)
		fprintf(out, "  %-10s %s\n", actions[i].name, actions[i].summary);
	return asked && argc > 1 ? 0 : 1;
}

const CliCommand cli_command_image = {"image", "Build, load and list images", run};
