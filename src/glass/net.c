/*
 * Applying the network: the difference between the items wanted and those made, done by ip and nft
 * in one job inside the glass. What was made is remembered in the glass's own /run, so it is
 * forgotten exactly when it is gone. Making an item twice is harmless: a job killed in the middle
 * is repaired by the next.
 */
#include "glass/enter.h"
#include "glass/net_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define MADE "/run/terrarium-net"

static GHashTable *read_made(void) {
	GHashTable *made =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)net_item_free);
	g_autoptr(GKeyFile) file = g_key_file_new();
	if (!g_key_file_load_from_file(file, MADE, G_KEY_FILE_NONE, NULL))
		return made;
	g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
	for (gsize i = 0; groups[i]; i++) {
		NetItem *item = g_new0(NetItem, 1);
		item->key = g_strdup(groups[i]);
		item->kind = g_key_file_get_integer(file, groups[i], "kind", NULL);
		item->phase = g_key_file_get_integer(file, groups[i], "phase", NULL);
		item->netns = g_key_file_get_string(file, groups[i], "netns", NULL);
		item->make = g_key_file_get_string(file, groups[i], "make", NULL);
		item->undo = g_key_file_get_string(file, groups[i], "undo", NULL);
		g_hash_table_insert(made, item->key, item);
	}
	return made;
}

static gboolean write_made(GHashTable *made, GError **error) {
	g_autoptr(GKeyFile) file = g_key_file_new();
	GHashTableIter iter;
	NetItem *item;
	g_hash_table_iter_init(&iter, made);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&item)) {
		g_key_file_set_integer(file, item->key, "kind", item->kind);
		g_key_file_set_integer(file, item->key, "phase", item->phase);
		g_key_file_set_string(file, item->key, "make", item->make);
		if (item->netns)
			g_key_file_set_string(file, item->key, "netns", item->netns);
		if (item->undo)
			g_key_file_set_string(file, item->key, "undo", item->undo);
	}
	return g_key_file_save_to_file(file, MADE, error);
}

static gboolean write_sysctls(const char *lines) {
	g_auto(GStrv) each = g_strsplit(lines, "\n", -1);
	for (gsize i = 0; each[i]; i++) {
		char *value = strchr(each[i], ' ');
		if (!value)
			continue;
		*value++ = '\0';
		g_autofree char *path = g_build_filename("/proc/sys/net", each[i], NULL);
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue; /* a kernel without IPv6 */
		if (fd < 0 || write(fd, value, strlen(value)) < 0)
			return FALSE;
		close(fd);
	}
	return TRUE;
}

/* /proc/sys/net is that of the process that looks: a child joins first. */
static gboolean set_sysctls(const char *netns, const char *lines, GError **error) {
	int status = 1;
	pid_t pid = fork();
	if (pid == 0)
		_exit(netns && !glass_join_netns(netns, NULL) ? 2 : !write_sysctls(lines));
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
		return TRUE;
	g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "cannot set up network namespace %s",
		netns ? netns : NET_EDGE);
	return FALSE;
}

static gboolean run(const char *netns, const char *const *argv, const char *text, GError **error) {
	GlassOutput output = {0};
	if (!glass_program(netns, argv, NULL, text, strlen(text), &output, error))
		return FALSE;
	gboolean ok = output.status == 0;
	if (!ok)
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "%s in %s: %.*s", argv[0],
			netns ? netns : NET_EDGE, (int)MIN(output.errors->len, 600),
			(const char *)output.errors->data);
	glass_output_clear(&output);
	return ok;
}

static const char *const ip_strict[] = {"ip", "-batch", "-", NULL};
static const char *const ip_lenient[] = {"ip", "-force", "-batch", "-", NULL};
static const char *const nft[] = {"nft", "-f", "-", NULL};

static gboolean make(NetItemKind kind, const char *netns, const char *text, GError **error) {
	switch (kind) {
	case NET_ITEM_SYSCTL:
		return set_sysctls(netns, text, error);
	case NET_ITEM_RULES:
		return run(netns, nft, text, error);
	case NET_ITEM_NAMESPACE:
	case NET_ITEM_LINK:
		break;
	}
	return run(netns, ip_strict, text, error);
}

static void append_namespace(GString *text, const char *verb, const char *name) {
	g_autofree char *path = g_build_filename("/run/netns", name, NULL);
	gboolean there = g_file_test(path, G_FILE_TEST_EXISTS);
	if (there == g_str_equal(verb, "del"))
		g_string_append_printf(text, "netns %s %s\n", verb, name);
}

static gboolean same_place(const NetItem *a, const NetItem *b) {
	return a->kind == b->kind && a->phase == b->phase && g_strcmp0(a->netns, b->netns) == 0;
}

/* Unmakes, last first, neighbours of one namespace in one go; what is not there is passed over. */
static void undo_all(GPtrArray *items) {
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = items->len; i-- > 0;) {
		const NetItem *item = items->pdata[i];
		if (item->undo && item->kind == NET_ITEM_NAMESPACE)
			append_namespace(text, "del", item->undo);
		else if (item->undo)
			g_string_append(text, item->undo);
		if (i > 0 && same_place(item, items->pdata[i - 1]))
			continue;
		if (text->len)
			run(item->netns, ip_lenient, text->str, NULL);
		g_string_truncate(text, 0);
	}
}

static gboolean make_all(GPtrArray *items, GHashTable *made, GError **error) {
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0, first = 0; i < items->len; i++) {
		NetItem *item = items->pdata[i];
		if (item->kind == NET_ITEM_NAMESPACE)
			append_namespace(text, "add", item->make);
		else
			g_string_append(text, item->make);
		if (i + 1 < items->len && same_place(item, items->pdata[i + 1]))
			continue;
		if (text->len && !make(item->kind, item->netns, text->str, error)) {
			g_prefix_error(error, "%s: ", item->key);
			return FALSE;
		}
		g_string_truncate(text, 0);
		for (; first <= i; first++) {
			NetItem *done = items->pdata[first], *copy = g_new0(NetItem, 1);
			*copy = (NetItem){g_strdup(done->key), done->kind, done->phase,
				g_strdup(done->netns), g_strdup(done->make), g_strdup(done->undo)};
			g_hash_table_replace(made, copy->key, copy);
		}
	}
	return TRUE;
}

/* Is the new text enough to replace the old one, without unmaking first? */
static gboolean replaces(const NetItem *item) {
	return item->kind == NET_ITEM_RULES || g_str_has_prefix(item->key, "route/");
}

static int by_phase(gconstpointer a, gconstpointer b) {
	const NetItem *first = *(NetItem *const *)a, *second = *(NetItem *const *)b;
	return first->phase != second->phase ? first->phase - second->phase
					     : g_strcmp0(first->netns, second->netns);
}

static gboolean apply(GPtrArray *wanted, GError **error) {
	g_autoptr(GHashTable) made = read_made();
	g_autoptr(GHashTable) keep = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) fresh = g_ptr_array_new(), gone = g_ptr_array_new();
	for (guint i = 0; i < wanted->len; i++) {
		NetItem *item = wanted->pdata[i], *old = g_hash_table_lookup(made, item->key);
		g_hash_table_add(keep, item->key);
		if (old && same_place(old, item) && g_str_equal(old->make, item->make))
			continue;
		g_ptr_array_add(fresh, item);
		if (old && !(same_place(old, item) && replaces(item)))
			g_ptr_array_add(gone, old);
		else if (!old && item->kind == NET_ITEM_LINK)
			g_ptr_array_add(gone, item); /* half made by a killed job, perhaps */
	}
	GHashTableIter iter;
	NetItem *item;
	g_hash_table_iter_init(&iter, made);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&item))
		if (!g_hash_table_contains(keep, item->key))
			g_ptr_array_add(gone, item);
	g_ptr_array_sort(gone, by_phase);
	undo_all(gone);
	for (guint i = 0; i < gone->len; i++)
		g_hash_table_remove(made, ((NetItem *)gone->pdata[i])->key);
	gboolean ok = make_all(fresh, made, error);
	return write_made(made, ok ? error : NULL) && ok;
}

static GBytes *apply_job(gpointer data, GError **error) {
	/* Overlapping jobs wait for each other; the lock goes with the process. */
	int lock = open(MADE ".lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0) {
		g_set_error(error, GLASS_ERROR, GLASS_ERROR_FAILED, "cannot lock " MADE ": %s",
			g_strerror(errno));
		return NULL;
	}
	return apply(data, error) ? g_bytes_new(NULL, 0) : NULL;
}

typedef struct {
	GPtrArray *plan;
	GTask *task;
	Glass *glass;
} Queued;

static void start_next(GQueue *queue);

static void on_applied(GObject *source, GAsyncResult *result, gpointer data) {
	GQueue *queue = data;
	Queued *done = g_queue_pop_head(queue);
	GError *error = NULL;
	g_autoptr(GBytes) bytes = glass_job_finish(result, &error);
	start_next(queue);
	if (error)
		g_task_return_error(done->task, error);
	else
		g_task_return_boolean(done->task, TRUE);
	g_object_unref(done->task);
	g_ptr_array_unref(done->plan);
	g_free(done);
}

static void start_next(GQueue *queue) {
	Queued *next = g_queue_peek_head(queue);
	if (next)
		glass_job_async(next->glass, NULL, apply_job, next->plan, NULL, on_applied, queue);
}

void net_apply_async(
	Glass *glass, const NetState *state, GAsyncReadyCallback callback, gpointer data) {
	GTask *task = g_task_new(NULL, NULL, callback, data);
	GError *error = NULL;
	GPtrArray *plan = net_plan(state, &error);
	if (!plan) {
		g_task_return_error(task, error);
		g_object_unref(task);
		return;
	}
	Queued *queued = g_new0(Queued, 1);
	*queued = (Queued){plan, task, glass};
	GQueue *queue = glass_net_queue(glass); /* the last call's state is what stays */
	g_queue_push_tail(queue, queued);
	if (g_queue_get_length(queue) == 1)
		start_next(queue);
}

gboolean net_apply_finish(GAsyncResult *result, GError **error) {
	return g_task_propagate_boolean(G_TASK(result), error);
}

gboolean net_apply_sync(Glass *glass, const NetState *state, GError **error) {
	g_autoptr(GPtrArray) plan = net_plan(state, error);
	if (!plan)
		return FALSE;
	g_autoptr(GBytes) done = glass_job_sync(glass, NULL, apply_job, plan, error);
	return done != NULL;
}
