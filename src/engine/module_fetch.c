/* Getting packages of modules. See module_fetch.h. */
#include "engine/module_fetch.h"

#include <archive.h>
#include <archive_entry.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"

#define BODY_LIMIT (16u << 20)
#define CONNECT_S 30L
/* A server that sends less than this for a minute has forgotten us. */
#define SLOW_BYTES 100L
#define SLOW_S 60L
#define HOPS 5

/* ---- HTTP ---- */

void module_response_free(ModuleResponse *response) {
	if (!response)
		return;
	g_string_free(response->body, TRUE);
	g_free(response->get);
	g_free(response->url);
	g_free(response);
}

static size_t take_header(char *line, size_t size, size_t n, void *data) {
	static const char name[] = "x-terraform-get:";
	ModuleResponse *response = data;
	gsize length = size * n;
	if (length > strlen(name) && g_ascii_strncasecmp(line, name, strlen(name)) == 0) {
		g_free(response->get);
		response->get = g_strstrip(g_strndup(line + strlen(name), length - strlen(name)));
	}
	return length;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *data) {
	GString *body = data;
	if (body->len + size * n > BODY_LIMIT)
		return 0;
	g_string_append_len(body, bytes, (gssize)(size * n));
	return size * n;
}

static size_t write_file(char *bytes, size_t size, size_t n, void *data) {
	gsize left = size * n;
	while (left > 0) {
		gssize written = write(*(int *)data, bytes, left);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return 0;
		bytes += written;
		left -= (gsize)written;
	}
	return size * n;
}

static CURL *request_new(const char *url) {
	CURL *curl = curl_easy_init();
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SLOW_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "terrarium/" TERRARIUM_VERSION);
	return curl;
}

ModuleResponse *module_http_get(const char *url, const char *token, GError **error) {
	g_autoptr(ModuleResponse) response = g_new0(ModuleResponse, 1);
	response->body = g_string_new(NULL);
	CURL *curl = request_new(url);
	if (token) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token);
	}
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, response);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, response->body);
	CURLcode code = curl_easy_perform(curl);
	char *last = NULL;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response->status);
	curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &last);
	response->url = g_strdup(last ? last : url);
	curl_easy_cleanup(curl);
	if (code == CURLE_OK)
		return g_steal_pointer(&response);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", url, curl_easy_strerror(code));
	return NULL;
}

char *module_url_resolve(const char *base, const char *reference, GError **error) {
	return g_uri_resolve_relative(base, reference, G_URI_FLAGS_ENCODED, error);
}

static gboolean download(const char *url, int fd, GError **error) {
	CURL *curl = request_new(url);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write_file);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &fd);
	CURLcode code = curl_easy_perform(curl);
	long status = 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (code == CURLE_OK)
		return TRUE;
	if (code == CURLE_HTTP_RETURNED_ERROR)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: the server answered %ld",
			url, status);
	else
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", url,
			curl_easy_strerror(code));
	return FALSE;
}

/* ---- archives ---- */

/* Never outside of the folder: neither by "..", nor by absolute paths, nor through links. */
static gboolean extract_entry(
	struct archive *disk, struct archive *in, struct archive_entry *entry, const char *folder) {
	g_autofree char *path = g_build_filename(folder, archive_entry_pathname(entry), NULL);
	archive_entry_set_pathname(entry, path);
	const char *target = archive_entry_hardlink(entry);
	if (target) {
		g_autofree char *inside = g_build_filename(folder, target, NULL);
		archive_entry_set_hardlink(entry, inside);
	}
	if (archive_write_header(disk, entry) < ARCHIVE_WARN)
		return FALSE;
	const void *block;
	gsize size;
	la_int64_t offset;
	int code;
	while ((code = archive_read_data_block(in, &block, &size, &offset)) == ARCHIVE_OK)
		if (archive_write_data_block(disk, block, size, offset) < ARCHIVE_WARN)
			return FALSE;
	return code == ARCHIVE_EOF && archive_write_finish_entry(disk) >= ARCHIVE_WARN;
}

static gboolean is_inside(const char *path) {
	g_auto(GStrv) steps = g_strsplit(path, "/", -1);
	return !g_path_is_absolute(path) && !g_strv_contains((const char *const *)steps, "..");
}

static gboolean extract_all(
	struct archive *in, struct archive *disk, const char *folder, GError **error) {
	struct archive_entry *entry;
	int code;
	while ((code = archive_read_next_header(in, &entry)) == ARCHIVE_OK) {
		const char *path = archive_entry_pathname(entry);
		if (!path || !is_inside(path)) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
				"the archive holds the path %s, which leads out of it",
				path ? path : "(none)");
			return FALSE;
		}
		if (!extract_entry(disk, in, entry, folder)) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot unpack %s: %s",
				path,
				archive_error_string(disk) ? archive_error_string(disk)
							   : archive_error_string(in));
			return FALSE;
		}
	}
	if (code == ARCHIVE_EOF)
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot read the archive: %s",
		archive_error_string(in));
	return FALSE;
}

static gboolean extract(int fd, const char *folder, GError **error) {
	struct archive *in = archive_read_new(), *disk = archive_write_disk_new();
	archive_read_support_format_zip(in);
	archive_read_support_format_tar(in);
	archive_read_support_filter_all(in);
	archive_write_disk_set_options(disk, ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
						     ARCHIVE_EXTRACT_SECURE_SYMLINKS |
						     ARCHIVE_EXTRACT_SECURE_NODOTDOT);
	gboolean fine = FALSE;
	if (lseek(fd, 0, SEEK_SET) < 0 || archive_read_open_fd(in, fd, 64 << 10) != ARCHIVE_OK)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot read the archive: %s",
			archive_error_string(in) ? archive_error_string(in) : g_strerror(errno));
	else
		fine = extract_all(in, disk, folder, error);
	archive_read_free(in);
	archive_write_free(disk);
	return fine;
}

static gboolean fetch_archive(const char *url, const char *folder, GError **error) {
	g_autofree char *path = g_strconcat(folder, ".archive", NULL);
	int fd = g_open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || g_mkdir(folder, 0777) < 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot write to %s: %s", folder,
			g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return FALSE;
	}
	g_unlink(path);
	gboolean fine = download(url, fd, error) && extract(fd, folder, error);
	close(fd);
	return fine;
}

/* ---- git ---- */

static gboolean run_git(const char *const *arguments, GError **error) {
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
		G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
	/* A question would wait for an answer that nobody sees. */
	g_subprocess_launcher_setenv(launcher, "GIT_TERMINAL_PROMPT", "0", FALSE);
	g_autoptr(GSubprocess) git = g_subprocess_launcher_spawnv(launcher, arguments, error);
	g_autofree char *said = NULL;
	if (!git || !g_subprocess_communicate_utf8(git, NULL, NULL, NULL, &said, error))
		return FALSE;
	if (g_subprocess_get_successful(git))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "git: %s",
		said && *said ? g_strstrip(said) : "failed");
	return FALSE;
}

static gboolean fetch_git(const ModuleSource *source, const char *folder, GError **error) {
	g_autofree char *depth = g_strdup_printf("--depth=%u", source->depth);
	const char *clone[] = {"git", "clone", "--quiet", NULL, NULL, NULL, NULL, NULL, NULL};
	guint n = 3;
	if (source->depth)
		clone[n++] = depth;
	if (source->depth && source->reference) {
		clone[n++] = "--branch";
		clone[n++] = source->reference;
	}
	clone[n++] = source->address;
	clone[n++] = folder;
	const char *checkout[] = {
		"git", "-C", folder, "checkout", "--quiet", source->reference, NULL};
	const char *submodules[] = {"git", "-C", folder, "submodule", "update", "--init",
		"--recursive", "--quiet", NULL};
	if (g_str_has_prefix(source->address, "-") ||
		(source->reference && g_str_has_prefix(source->reference, "-"))) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			"\"%s\" is no repository and no reference of one", source->address);
		return FALSE;
	}
	return run_git(clone, error) &&
	       (!source->reference || source->depth || run_git(checkout, error)) &&
	       run_git(submodules, error);
}

/* ---- pages that name another source ---- */

/* The content of <meta name="terraform-get" content="…">. Caller frees; NULL: there is none. */
static char *named_by_page(const char *html) {
	g_autoptr(GRegex) meta = g_regex_new(
		"<meta[^>]*name=[\"']terraform-get[\"'][^>]*>", G_REGEX_CASELESS, 0, NULL);
	g_autoptr(GRegex) content =
		g_regex_new("content=[\"']([^\"']+)[\"']", G_REGEX_CASELESS, 0, NULL);
	g_autoptr(GMatchInfo) found = NULL;
	if (!g_regex_match(meta, html, 0, &found))
		return NULL;
	g_autofree char *tag = g_match_info_fetch(found, 0);
	g_autoptr(GMatchInfo) inner = NULL;
	return g_regex_match(content, tag, 0, &inner) ? g_match_info_fetch(inner, 1) : NULL;
}

static ModuleSource *ask_page(const char *url, GError **error) {
	g_autofree char *asked =
		g_strconcat(url, strchr(url, '?') ? "&" : "?", "terraform-get=1", NULL);
	g_autoptr(ModuleResponse) response = module_http_get(asked, NULL, error);
	if (!response)
		return NULL;
	if (response->status >= 300) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: the server answered %ld",
			url, response->status);
		return NULL;
	}
	g_autofree char *named =
		response->get ? g_strdup(response->get) : named_by_page(response->body->str);
	if (!named) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			"%s is no archive by its name, and names no other source "
			"(X-Terraform-Get)",
			url);
		return NULL;
	}
	g_autofree char *problem = NULL;
	g_autofree char *absolute = strstr(named, "::")
					    ? g_strdup(named)
					    : module_url_resolve(response->url, named, error);
	ModuleSource *source = absolute ? module_source_parse(absolute, &problem) : NULL;
	if (!source && absolute)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s names the source \"%s\": %s",
			url, named, problem);
	return source;
}

/* ---- all kinds ---- */

static gboolean fetch_folder(const char *path, const char *folder, GError **error) {
	if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "there is no folder %s", path);
		return FALSE;
	}
	if (symlink(path, folder) == 0)
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot make the link %s: %s", folder,
		g_strerror(errno));
	return FALSE;
}

/* A folder in a package may be a pattern ("*", for the one folder that an archive of a repository
 * has). Replaces it by what it stands for. */
static gboolean expand(const char *folder, GString *subdir, GError **error) {
	if (!strpbrk(subdir->str, "*?["))
		return TRUE;
	g_autofree char *pattern = g_build_filename(folder, subdir->str, NULL);
	glob_t found = {0};
	gboolean one = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc == 1;
	if (one)
		g_string_assign(subdir, found.gl_pathv[0] + strlen(folder) + 1);
	else
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			"the package has not exactly one folder \"%s\"", subdir->str);
	globfree(&found);
	return one;
}

static gboolean fetch(
	const ModuleSource *source, const char *folder, int hops, GString *subdir, GError **error) {
	if (source->subdir) {
		g_string_prepend(subdir, subdir->len ? "/" : "");
		g_string_prepend(subdir, source->subdir);
	}
	switch (source->kind) {
	case MODULE_GIT:
		return fetch_git(source, folder, error);
	case MODULE_FOLDER:
		return fetch_folder(source->address, folder, error);
	case MODULE_ARCHIVE:
		break;
	default:
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "\"%s\" cannot be fetched",
			source->address);
		return FALSE;
	}
	if (source->format)
		return fetch_archive(source->address, folder, error);
	if (hops == 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			"%s: one page names another, and so on", source->address);
		return FALSE;
	}
	g_autoptr(ModuleSource) next = ask_page(source->address, error);
	return next && fetch(next, folder, hops - 1, subdir, error);
}

gboolean module_fetch(
	const ModuleSource *source, const char *folder, char **subdir, GError **error) {
	g_autofree char *half = g_strconcat(folder, ".part", NULL);
	g_autoptr(GString) inner = g_string_new(NULL);
	files_remove(half);
	if (fetch(source, half, HOPS, inner, error) && expand(half, inner, error)) {
		if (g_rename(half, folder) == 0) {
			*subdir = g_string_free(g_steal_pointer(&inner), FALSE);
			return TRUE;
		}
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot rename %s: %s", half,
			g_strerror(errno));
	}
	files_remove(half);
	return FALSE;
}
