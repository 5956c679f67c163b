/*
 * The store: objects in memory, written through to SQLite inside the caller's transaction. What a
 * transaction changed is remembered with what was there before, so that a rollback can undo it and
 * a commit can tell the watchers. See store.h.
 */
#include "region/store.h"

#include <string.h>

#include "value/json.h"

#define SCHEMA_VERSION 1

typedef struct {
	char *account, *region, *kind, *id;
	Value object;
} Row;

typedef struct {
	char *key; /* of the row */
	Row *now; /* borrowed identity: whose */
	Value before; /* VALUE_NOTHING: there was none */
} Change;

typedef struct {
	char *kind_prefix;
	StoreWatch watch;
	gpointer data;
} Watcher;

struct Store {
	sqlite3 *db;
	sqlite3_stmt *put, *delete, *counter;
	GTree *rows; /* key -> Row; keys are kind, account, region and id, so that a kind is one
			stretch */
	GPtrArray *changes; /* of Change*, in order; NULL outside transactions */
	GArray *watchers; /* of Watcher */
};

/* ---- keys ---- */

#define SEPARATOR "\x01"

static char *key_of(const char *kind, const char *account, const char *region, const char *id) {
	return g_strjoin(SEPARATOR, kind, account, region, id, NULL);
}

static int compare_keys(gconstpointer a, gconstpointer b, gpointer data) {
	return strcmp(a, b);
}

static Row *row_new(const char *account, const char *region, const char *kind, const char *id,
	Value object_taken) {
	Row *row = g_new0(Row, 1);
	row->account = g_ref_string_new_intern(account);
	row->region = g_ref_string_new_intern(region);
	row->kind = g_ref_string_new_intern(kind);
	row->id = g_strdup(id);
	row->object = object_taken;
	return row;
}

static void row_free(gpointer data) {
	Row *row = data;
	g_ref_string_release(row->account);
	g_ref_string_release(row->region);
	g_ref_string_release(row->kind);
	g_free(row->id);
	value_clear(&row->object);
	g_free(row);
}

static void change_free(gpointer data) {
	Change *change = data;
	g_free(change->key);
	row_free(change->now);
	value_clear(&change->before);
	g_free(change);
}

static void watcher_clear(gpointer data) {
	g_free(((Watcher *)data)->kind_prefix);
}

/* ---- SQLite ---- */

static gboolean failed(sqlite3 *db, const char *doing, GError **error) {
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", doing, sqlite3_errmsg(db));
	return FALSE;
}

static gboolean execute(Store *store, const char *sql, const char *doing, GError **error) {
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return TRUE;
	return failed(store->db, doing, error);
}

/* A statement that must work: if it does not, the disk or the file is broken, and going on would
 * lose what was answered. */
static void run_statement(Store *store, sqlite3_stmt *statement) {
	int result = sqlite3_step(statement);
	if (result != SQLITE_DONE && result != SQLITE_ROW)
		g_error("the store cannot be written: %s", sqlite3_errmsg(store->db));
	sqlite3_reset(statement);
}

static gint64 read_version(Store *store) {
	sqlite3_stmt *statement;
	gint64 version = -1;
	if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement, NULL) ==
			SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return version;
}

static gboolean prepare_schema(Store *store, const char *path, GError **error) {
	if (!execute(store,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = "
		    "5000;",
		    path, error))
		return FALSE;
	gint64 version = read_version(store);
	if (version > SCHEMA_VERSION) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			"%s was written by a newer Terrarium (format %" G_GINT64_FORMAT
			", this one knows %d): use "
			"that version, or another data folder",
			path, version, SCHEMA_VERSION);
		return FALSE;
	}
	return execute(store,
		"CREATE TABLE IF NOT EXISTS objects (account TEXT NOT NULL, region TEXT NOT NULL, "
		"kind TEXT NOT "
		"NULL, id TEXT NOT NULL, object TEXT NOT NULL, PRIMARY KEY (kind, account, region, "
		"id)) WITHOUT "
		"ROWID;"
		"CREATE TABLE IF NOT EXISTS counters (account TEXT NOT NULL, region TEXT NOT NULL, "
		"name TEXT NOT "
		"NULL, value INTEGER NOT NULL, PRIMARY KEY (account, region, name)) WITHOUT ROWID;"
		"PRAGMA user_version = 1;",
		path, error);
}

static const char *column(sqlite3_stmt *statement, int index) {
	return (const char *)sqlite3_column_text(statement, index);
}

static gboolean load_rows(Store *store, GError **error) {
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(store->db, "SELECT account, region, kind, id, object FROM objects",
		    -1, &statement, NULL) != SQLITE_OK)
		return failed(store->db, "reading the store", error);
	gboolean fine = TRUE;
	int result;
	while (fine && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		Value object = value_from_json(column(statement, 4), -1, error);
		fine = !error || !*error;
		Row *row = row_new(column(statement, 0), column(statement, 1), column(statement, 2),
			column(statement, 3), object);
		g_tree_insert(
			store->rows, key_of(row->kind, row->account, row->region, row->id), row);
	}
	if (fine && result != SQLITE_DONE)
		fine = failed(store->db, "reading the store", error);
	sqlite3_finalize(statement);
	return fine;
}

static gboolean prepare_statements(Store *store, GError **error) {
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} all[] = {
		{&store->put, "INSERT OR REPLACE INTO objects (account, region, kind, id, object) "
			      "VALUES (?, ?, ?, "
			      "?, ?)"},
		{&store->delete, "DELETE FROM objects WHERE account = ? AND region = ? AND kind = "
				 "? AND id = ?"},
		{&store->counter, "INSERT INTO counters (account, region, name, value) VALUES (?, "
				  "?, ?, 1) ON "
				  "CONFLICT DO UPDATE SET value = value + 1 RETURNING value"},
	};
	for (guint i = 0; i < G_N_ELEMENTS(all); i++)
		if (sqlite3_prepare_v3(store->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
			    all[i].statement, NULL) != SQLITE_OK)
			return failed(store->db, "preparing the store", error);
	return TRUE;
}

Store *store_open(const char *path, GError **error) {
	g_autoptr(Store) store = g_new0(Store, 1);
	store->rows = g_tree_new_full(compare_keys, NULL, g_free, row_free);
	store->watchers = g_array_new(FALSE, FALSE, sizeof(Watcher));
	g_array_set_clear_func(store->watchers, watcher_clear);
	if (sqlite3_open(path, &store->db) != SQLITE_OK) {
		failed(store->db, path, error);
		return NULL;
	}
	if (!prepare_schema(store, path, error) || !prepare_statements(store, error) ||
		!load_rows(store, error))
		return NULL;
	return g_steal_pointer(&store);
}

void store_close(Store *store) {
	if (!store)
		return;
	if (store->changes)
		store_rollback(store);
	sqlite3_finalize(store->put);
	sqlite3_finalize(store->delete);
	sqlite3_finalize(store->counter);
	sqlite3_close(store->db);
	g_tree_unref(store->rows);
	g_array_unref(store->watchers);
	g_free(store);
}

/* ---- transactions ---- */

gboolean store_begin(Store *store, GError **error) {
	g_return_val_if_fail(!store->changes, FALSE);
	if (!execute(store, "BEGIN IMMEDIATE", "beginning a transaction", error))
		return FALSE;
	store->changes = g_ptr_array_new_with_free_func(change_free);
	return TRUE;
}

gboolean store_in_transaction(const Store *store) {
	return store->changes != NULL;
}

/* Each changed object once, with what it is now. */
static void notify(Store *store, GPtrArray *changes) {
	g_autoptr(GHashTable) told = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < changes->len; i++) {
		const Change *change = changes->pdata[i];
		if (!g_hash_table_add(told, change->key))
			continue;
		const Row *who = change->now;
		const Row *row = g_tree_lookup(store->rows, change->key);
		g_auto(Value) object = row ? value_ref(row->object) : VALUE_NOTHING;
		for (guint j = 0; j < store->watchers->len; j++) {
			Watcher watcher = g_array_index(store->watchers, Watcher, j);
			if (g_str_has_prefix(who->kind, watcher.kind_prefix))
				watcher.watch(store, (StoreScope){who->account, who->region},
					who->kind, who->id, object, watcher.data);
		}
	}
}

gboolean store_commit(Store *store, GError **error) {
	g_return_val_if_fail(store->changes, FALSE);
	if (!execute(store, "COMMIT", "committing a transaction", error)) {
		store_rollback(store);
		return FALSE;
	}
	g_autoptr(GPtrArray) changes = g_steal_pointer(&store->changes);
	notify(store, changes);
	return TRUE;
}

void store_rollback(Store *store) {
	g_return_if_fail(store->changes);
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	g_autoptr(GPtrArray) changes = g_steal_pointer(&store->changes);
	for (guint i = changes->len; i > 0; i--) {
		const Change *change = changes->pdata[i - 1];
		const Row *who = change->now;
		if (value_is_null(change->before))
			g_tree_remove(store->rows, change->key);
		else
			g_tree_replace(store->rows, g_strdup(change->key),
				row_new(who->account, who->region, who->kind, who->id,
					value_ref(change->before)));
	}
}

static void remember(
	Store *store, StoreScope scope, const char *kind, const char *id, const char *key) {
	const Row *row = g_tree_lookup(store->rows, key);
	Change *change = g_new0(Change, 1);
	change->key = g_strdup(key);
	change->now = row_new(scope.account, scope.region, kind, id, VALUE_NOTHING);
	change->before = row ? value_ref(row->object) : VALUE_NOTHING;
	g_ptr_array_add(store->changes, change);
}

/* ---- objects ---- */

Value store_get(Store *store, StoreScope scope, const char *kind, const char *id) {
	g_autofree char *key = key_of(kind, scope.account, scope.region, id);
	const Row *row = g_tree_lookup(store->rows, key);
	return row ? value_ref(row->object) : VALUE_NOTHING;
}

gboolean store_has(Store *store, StoreScope scope, const char *kind, const char *id) {
	g_autofree char *key = key_of(kind, scope.account, scope.region, id);
	return g_tree_lookup(store->rows, key) != NULL;
}

static void bind_identity(
	sqlite3_stmt *statement, StoreScope scope, const char *kind, const char *id) {
	sqlite3_bind_text(statement, 1, scope.account, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(statement, 2, scope.region, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(statement, 3, kind, -1, SQLITE_TRANSIENT);
	if (id)
		sqlite3_bind_text(statement, 4, id, -1, SQLITE_TRANSIENT);
}

void store_put_take(
	Store *store, StoreScope scope, const char *kind, const char *id, Value object) {
	g_return_if_fail(store->changes);
	g_autofree char *key = key_of(kind, scope.account, scope.region, id);
	g_autofree char *json = value_to_json(object, VALUE_JSON_COMPACT);
	bind_identity(store->put, scope, kind, id);
	sqlite3_bind_text(store->put, 5, json, -1, SQLITE_TRANSIENT);
	run_statement(store, store->put);
	remember(store, scope, kind, id, key);
	g_tree_replace(store->rows, g_steal_pointer(&key),
		row_new(scope.account, scope.region, kind, id, object));
}

void store_put(Store *store, StoreScope scope, const char *kind, const char *id, Value object) {
	store_put_take(store, scope, kind, id, value_ref(object));
}

gboolean store_delete(Store *store, StoreScope scope, const char *kind, const char *id) {
	g_return_val_if_fail(store->changes, FALSE);
	g_autofree char *key = key_of(kind, scope.account, scope.region, id);
	if (!g_tree_lookup(store->rows, key))
		return FALSE;
	bind_identity(store->delete, scope, kind, id);
	run_statement(store, store->delete);
	remember(store, scope, kind, id, key);
	g_tree_remove(store->rows, key);
	return TRUE;
}

gint64 store_next(Store *store, StoreScope scope, const char *counter) {
	g_return_val_if_fail(store->changes, 0);
	bind_identity(store->counter, scope, counter, NULL);
	if (sqlite3_step(store->counter) != SQLITE_ROW)
		g_error("the store cannot be written: %s", sqlite3_errmsg(store->db));
	gint64 value = sqlite3_column_int64(store->counter, 0);
	run_statement(store, store->counter);
	return value;
}

/* ---- walking ---- */

static gpointer row_copy(const Row *row) {
	return row_new(row->account, row->region, row->kind, row->id, value_ref(row->object));
}

StoreIter store_iter_prefix(Store *store, StoreScope scope, const char *kind, const char *prefix) {
	StoreIter iter = {.rows = g_ptr_array_new_with_free_func(row_free)};
	gboolean whole = scope.account && scope.region;
	g_autofree char *from = whole ? key_of(kind, scope.account, scope.region, prefix)
				      : g_strconcat(kind, SEPARATOR, NULL);
	for (GTreeNode *node = g_tree_lower_bound(store->rows, from); node;
		node = g_tree_node_next(node)) {
		const Row *row = g_tree_node_value(node);
		if (!g_str_has_prefix(g_tree_node_key(node), from))
			break;
		gboolean wanted = (!scope.account || g_str_equal(scope.account, row->account)) &&
				  (!scope.region || g_str_equal(scope.region, row->region)) &&
				  g_str_has_prefix(row->id, prefix);
		if (wanted)
			g_ptr_array_add(iter.rows, row_copy(row));
	}
	return iter;
}

StoreIter store_iter(Store *store, StoreScope scope, const char *kind) {
	return store_iter_prefix(store, scope, kind, "");
}

gboolean store_iter_next(StoreIter *iter, const char **id, Value *object) {
	if (iter->next >= iter->rows->len)
		return FALSE;
	const Row *row = iter->rows->pdata[iter->next++];
	if (id)
		*id = row->id;
	if (object)
		*object = row->object;
	return TRUE;
}

StoreScope store_iter_scope(const StoreIter *iter) {
	g_return_val_if_fail(iter->next > 0, (StoreScope){0});
	const Row *row = iter->rows->pdata[iter->next - 1];
	return (StoreScope){row->account, row->region};
}

void store_iter_clear(StoreIter *iter) {
	g_clear_pointer(&iter->rows, g_ptr_array_unref);
}

/* ---- watching, tables ---- */

void store_watch(Store *store, const char *kind_prefix, StoreWatch watch, gpointer data) {
	Watcher watcher = {g_strdup(kind_prefix), watch, data};
	g_array_append_val(store->watchers, watcher);
}

sqlite3 *store_sqlite(Store *store) {
	return store->db;
}

gboolean store_table(Store *store, const char *sql, GError **error) {
	return execute(store, sql, "making a table", error);
}
