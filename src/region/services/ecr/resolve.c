/* From image references to digests, and the collection of what no reference leads to. See ecr.h. */
#include "region/services/ecr/ecr.h"

#include <string.h>

#include "region/services/ecr/internal.h"

extern const RegionService region_ecr_collection;

#define KEPT "ecr/kept" /* id: the owner → the digest */
#define SWEEP_S 3600
#define FIRST_SWEEP_S 60 /* after the start: a region may never live for an hour */
/* A push sends its blobs before the manifest that names them: they are left alone that long. */
#define YOUNGEST_S 7200

static const StoreScope everywhere = {"", ""};

/* ---- references ---- */

typedef struct {
	StoreScope scope;
	char *repository, *tag, *digest; /* digest may be NULL */
} Reference;

static void reference_clear(Reference *reference) {
	g_free(reference->repository);
	g_free(reference->tag);
	g_free(reference->digest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reference, reference_clear)

/* Whether `host` is a registry of this region; its scope replaces *scope if it names one. */
static gboolean registry_of(const char *host, StoreScope *scope) {
	g_autofree char *name = g_strndup(host, strcspn(host, ":"));
	return ecr_host_scope(name, scope) || g_str_equal(name, "localhost") ||
	       g_str_equal(name, "127.0.0.1");
}

static gboolean parse_reference(StoreScope scope, const char *image, Reference *reference) {
	const char *slash = strchr(image, '/');
	g_autofree char *host = slash ? g_strndup(image, (gsize)(slash - image)) : NULL;
	reference->scope = scope;
	if (!host || !registry_of(host, &reference->scope))
		return FALSE;
	g_autofree char *rest = g_strdup(slash + 1);
	char *at = strchr(rest, '@');
	if (at) {
		reference->digest = g_strdup(at + 1);
		*at = '\0';
	}
	char *colon = strchr(rest, ':');
	reference->tag = g_strdup(colon ? colon + 1 : "latest");
	if (colon)
		*colon = '\0';
	reference->repository = g_strdup(rest);
	return TRUE;
}

static char *G_GNUC_PRINTF(2, 3) cannot_pull(GError **error, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *why = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	wire_error_set(error, "CannotPullContainerError", "CannotPullContainerError: %s", why);
	return NULL;
}

char *ecr_resolve(Region *region, StoreScope scope, const char *image, GError **error) {
	g_auto(Reference) reference = {0};
	if (!parse_reference(scope, image, &reference))
		return cannot_pull(error,
			"%s is an image of another registry, and images are not pulled from the "
			"Internet: push it to a repository of this region, and name that",
			image);
	g_autofree char *tagged = reference.digest ? NULL
						   : ecr_tag_digest(region, reference.scope,
							     reference.repository, reference.tag);
	const char *digest = reference.digest ? reference.digest : tagged;
	g_auto(Value) record =
		digest ? ecr_image(region, reference.scope, reference.repository, digest)
		       : VALUE_NOTHING;
	if (value_is_null(record))
		return cannot_pull(error,
			"pull image manifest has been retried 1 time(s): failed to resolve ref "
			"%s: %s: not found",
			image, image);
	g_autoptr(GError) local = NULL;
	g_autoptr(Image) opened = image_open(region_blobs(region), digest, &local);
	if (!opened)
		return cannot_pull(error, "%s: %s", image, local->message);
	return g_strdup(opened->manifest_digest);
}

/* ---- what builds make ---- */

/* Begins a transaction unless one is open; *own says whether. */
static gboolean join(Region *region, gboolean *own, GError **error) {
	*own = !store_in_transaction(region_store(region));
	return !*own || store_begin(region_store(region), error);
}

static gboolean leave(Region *region, gboolean own, gboolean good, GError **error) {
	if (own && !good)
		store_rollback(region_store(region));
	return good && (!own || store_commit(region_store(region), error));
}

gboolean ecr_put_image(Region *region, StoreScope scope, const char *repository, const char *tag,
	const char *digest, GError **error) {
	gboolean own;
	g_autoptr(GBytes) manifest = ecr_image_manifest(region, digest, error);
	if (!manifest || !join(region, &own, error))
		return FALSE;
	gboolean good = ecr_image_put(region, scope, repository, tag, manifest, NULL, NULL, error);
	return leave(region, own, good, error);
}

gboolean ecr_keep_image(Region *region, const char *owner, const char *digest, GError **error) {
	gboolean own;
	if (!join(region, &own, error))
		return FALSE;
	if (digest)
		store_put_take(region_store(region), everywhere, KEPT, owner, value_string(digest));
	else
		store_delete(region_store(region), everywhere, KEPT, owner);
	return leave(region, own, TRUE, error);
}

/* ---- collection ---- */

static void refer(Region *region, const char *digest, GHashTable *referenced) {
	if (digest && !g_hash_table_contains(referenced, digest))
		image_references(region_blobs(region), digest, referenced);
}

static void refer_repositories(Region *region, GHashTable *referenced) {
	g_auto(StoreIter) iter =
		store_iter(region_store(region), (StoreScope){NULL, NULL}, ECR_IMAGES);
	const char *id;
	Value image;
	while (store_iter_next(&iter, &id, &image))
		refer(region, value_get_text(image, "digest"), referenced);
}

/* Tasks stand on their images though a repository may have dropped them. */
static void refer_tasks(Region *region, GHashTable *referenced) {
	g_auto(StoreIter) iter =
		store_iter(region_store(region), (StoreScope){NULL, NULL}, "ecs/task");
	const char *id;
	Value task;
	while (store_iter_next(&iter, &id, &task)) {
		Value containers = value_get(task, "containers");
		if (g_strcmp0(value_get_text(task, "lastStatus"), "STOPPED") == 0)
			continue;
		for (gsize i = 0; i < value_length(containers); i++)
			refer(region, value_get_text(value_at(containers, i), "imageDigest"),
				referenced);
	}
}

static void refer_kept(Region *region, GHashTable *referenced) {
	g_auto(StoreIter) iter = store_iter(region_store(region), everywhere, KEPT);
	const char *owner;
	Value digest;
	while (store_iter_next(&iter, &owner, &digest))
		refer(region, value_text(digest), referenced);
}

static void collect(Region *region, gpointer data) {
	g_autoptr(GHashTable) referenced =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	refer_repositories(region, referenced);
	refer_tasks(region, referenced);
	refer_kept(region, referenced);
	blobs_gc(region_blobs(region), referenced, YOUNGEST_S);
	if (region_layers(region))
		layers_gc(region_layers(region), referenced);
	region_wake_after(region, ECR_GC, SWEEP_S);
}

static gboolean start(Region *region, GError **error) {
	region_controller_add(region, ECR_GC, collect, NULL);
	region_wake_after(region, ECR_GC, FIRST_SWEEP_S);
	return TRUE;
}

const RegionService region_ecr_collection = {.start = start};
