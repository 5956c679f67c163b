/* Sources of modules. See module_source.h. */
#include "engine/module_source.h"

#include <string.h>

#define PUBLIC_REGISTRY "registry.terraform.io"

void module_source_free(ModuleSource *source) {
	if (!source)
		return;
	g_free(source->address);
	g_free(source->host);
	g_free(source->subdir);
	g_free(source->reference);
	g_free(source->format);
	g_free(source);
}

char *module_source_registry_name(const ModuleSource *source) {
	return g_strdup_printf("%s/%s%s%s", source->host, source->address,
		source->subdir ? "//" : "", source->subdir ? source->subdir : "");
}

static ModuleSource *source_new(ModuleSourceKind kind, const char *address, const char *subdir) {
	ModuleSource *source = g_new0(ModuleSource, 1);
	source->kind = kind;
	source->address = g_strdup(address);
	source->subdir = g_strdup(subdir);
	return source;
}

/* ---- parts ---- */

/* Takes "//folder" out of a source, wherever its query begins. The slashes of "https://" are none.
 * Returns the folder (caller frees) or NULL; `text` gets shorter. */
static char *take_subdir(char *text) {
	char *begin = strstr(text, "://");
	begin = begin ? begin + 3 : text;
	char *query = begin + strcspn(begin, "?");
	char *slashes = strstr(begin, "//");
	if (!slashes || slashes > query)
		return NULL;
	char *folder = g_strndup(slashes + 2, (gsize)(query - slashes - 2));
	memmove(slashes, query, strlen(query) + 1);
	g_strchomp(folder);
	return folder;
}

/* Takes a parameter out of the query of a URL. Returns its value (caller frees) or NULL. */
static char *take_parameter(char **url, const char *name) {
	char *query = strchr(*url, '?');
	if (!query)
		return NULL;
	g_autoptr(GString) rest = g_string_new_len(*url, query - *url);
	g_auto(GStrv) parameters = g_strsplit(query + 1, "&", -1);
	char *value = NULL, joint = '?';
	for (char **each = parameters; *each; each++) {
		gsize length = strcspn(*each, "=");
		if (!value && length == strlen(name) && strncmp(*each, name, length) == 0) {
			value = g_uri_unescape_string(
				(*each)[length] ? *each + length + 1 : "", NULL);
			continue;
		}
		g_string_append_c(rest, joint);
		g_string_append(rest, *each);
		joint = '&';
	}
	g_free(*url);
	*url = g_string_free(g_steal_pointer(&rest), FALSE);
	return value;
}

static char *archive_format(const char *url) {
	static const char *const formats[] = {
		"zip", "tar.gz", "tgz", "tar.bz2", "tbz2", "tar.xz", "txz", "tar", NULL};
	g_autofree char *path = g_strndup(url, strcspn(url, "?"));
	for (guint i = 0; formats[i]; i++) {
		g_autofree char *ending = g_strconcat(".", formats[i], NULL);
		if (g_str_has_suffix(path, ending))
			return g_strdup(formats[i]);
	}
	return NULL;
}

/* ---- kinds ---- */

static ModuleSource *git_source(const char *url, const char *subdir, char **problem) {
	g_autofree char *rest = g_strdup(url);
	g_autofree char *reference = take_parameter(&rest, "ref");
	g_autofree char *depth = take_parameter(&rest, "depth");
	g_autofree char *key = take_parameter(&rest, "sshkey");
	if (key) {
		*problem = g_strdup("Terrarium does not read a key from ?sshkey=: let an SSH agent "
				    "hold it");
		return NULL;
	}
	ModuleSource *source = source_new(MODULE_GIT, rest, subdir);
	source->reference = g_steal_pointer(&reference);
	source->depth = depth ? (guint)g_ascii_strtoull(depth, NULL, 10) : 0;
	return source;
}

static ModuleSource *archive_source(const char *url, const char *subdir) {
	g_autofree char *rest = g_strdup(url);
	g_autofree char *format = take_parameter(&rest, "archive");
	ModuleSource *source = source_new(MODULE_ARCHIVE, rest, subdir);
	source->format = format ? g_steal_pointer(&format) : archive_format(rest);
	return source;
}

/* "host.example/organisation/repository[/folder]": what is behind the second part is a folder. */
static ModuleSource *hosted_git_source(const char *text, const char *subdir, char **problem) {
	g_autofree char *path = g_strndup(text, strcspn(text, "?"));
	g_auto(GStrv) parts = g_strsplit(path, "/", 4);
	if (g_strv_length(parts) < 3 || !*parts[1] || !*parts[2]) {
		*problem = g_strdup_printf(
			"%s sources are %s/ORGANISATION/REPOSITORY", parts[0], parts[0]);
		return NULL;
	}
	gboolean ends = g_str_has_suffix(parts[2], ".git");
	g_autofree char *url = g_strdup_printf("https://%s/%s/%s%s%s", parts[0], parts[1], parts[2],
		ends ? "" : ".git", text + strlen(path));
	const char *behind = parts[3] && *parts[3] ? parts[3] : NULL;
	g_autofree char *folder =
		behind && subdir ? g_build_filename(behind, subdir, NULL) : g_strdup(behind);
	return git_source(url, folder ? folder : subdir, problem);
}

/* "git@host:organisation/repository.git", as ssh clients write it. */
static ModuleSource *scp_source(const char *text, const char *subdir, char **problem) {
	const char *colon = strchr(text, ':');
	g_autofree char *host = g_strndup(text, (gsize)(colon - text));
	g_autofree char *url = g_strdup_printf("ssh://%s/%s", host, colon + 1);
	return git_source(url, subdir, problem);
}

static gboolean is_scp(const char *text) {
	const char *at = strchr(text, '@'), *colon = strchr(text, ':');
	return at && colon && at < colon && !strstr(text, "://") &&
	       colon < text + strcspn(text, "/");
}

static gboolean is_name(const char *text) {
	return *text && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789-_") == strlen(text);
}

static gboolean is_host(const char *text) {
	return strchr(text, '.') || strchr(text, ':') || g_str_equal(text, "localhost");
}

/* NULL: the text is no registry's module. */
static ModuleSource *registry_source(const char *text, const char *subdir) {
	g_auto(GStrv) parts = g_strsplit(text, "/", -1);
	guint n = g_strv_length(parts);
	if (n != 3 && !(n == 4 && is_host(parts[0])))
		return NULL;
	char **names = parts + n - 3;
	if (!is_name(names[0]) || !is_name(names[1]) || !is_name(names[2]))
		return NULL;
	g_autofree char *address = g_strjoinv("/", names);
	ModuleSource *source = source_new(MODULE_REGISTRY, address, subdir);
	source->host = g_strdup(n == 4 ? parts[0] : PUBLIC_REGISTRY);
	return source;
}

/* ---- all of it ---- */

static ModuleSource *forced_source(
	const char *getter, const char *address, const char *subdir, char **problem) {
	if (g_str_equal(getter, "git"))
		return is_scp(address) ? scp_source(address, subdir, problem)
				       : git_source(address, subdir, problem);
	if (g_str_equal(getter, "http") || g_str_equal(getter, "https"))
		return archive_source(address, subdir);
	if (g_str_equal(getter, "file"))
		return source_new(MODULE_FOLDER,
			g_str_has_prefix(address, "file://") ? address + strlen("file://")
							     : address,
			subdir);
	*problem =
		g_str_equal(getter, "hg") || g_str_equal(getter, "s3") || g_str_equal(getter, "gcs")
			? g_strdup_printf("Terrarium does not fetch modules by %s::", getter)
			: g_strdup_printf("there is no way to fetch by \"%s::\"", getter);
	return NULL;
}

static ModuleSource *guessed_source(const char *text, const char *subdir, char **problem) {
	if (g_str_has_prefix(text, "github.com/") || g_str_has_prefix(text, "bitbucket.org/"))
		return hosted_git_source(text, subdir, problem);
	if (is_scp(text))
		return scp_source(text, subdir, problem);
	if (g_str_has_prefix(text, "http://") || g_str_has_prefix(text, "https://"))
		return archive_source(text, subdir);
	if (g_str_has_prefix(text, "file://") || g_path_is_absolute(text))
		return forced_source("file", text, subdir, problem);
	if (strstr(text, "amazonaws.com/") || strstr(text, "googleapis.com/")) {
		*problem = g_strdup("Terrarium does not fetch modules from object storage");
		return NULL;
	}
	ModuleSource *registry = registry_source(text, subdir);
	if (!registry)
		*problem = g_strdup("it is neither a path (./…), nor a registry's "
				    "NAMESPACE/NAME/SYSTEM, nor any other kind of source");
	return registry;
}

ModuleSource *module_source_parse(const char *text, char **problem) {
	if (g_str_has_prefix(text, "./") || g_str_has_prefix(text, "../") ||
		g_str_equal(text, ".") || g_str_equal(text, ".."))
		return source_new(MODULE_LOCAL, text, NULL);
	const char *colons = strstr(text, "::");
	g_autofree char *getter = colons ? g_strndup(text, (gsize)(colons - text)) : NULL;
	g_autofree char *address = g_strdup(colons ? colons + 2 : text);
	g_autofree char *subdir = take_subdir(address);
	if (subdir && (g_str_has_prefix(subdir, "..") || strstr(subdir, "/.."))) {
		*problem = g_strdup_printf("\"//%s\" leads out of the module's package", subdir);
		return NULL;
	}
	return getter ? forced_source(getter, address, subdir, problem)
		      : guessed_source(address, subdir, problem);
}
