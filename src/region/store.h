/*
 * The store: the whole desired and observed state of all accounts and regions, in one SQLite file
 * (WAL) under the data folder. Objects are Values kept as JSON under (account, region, kind, id);
 * kinds are
 * "<service>/<object>", e.g. "ec2/vpc". Reads come from memory, writes go through to the
 * transaction that the caller opened; a rolled-back transaction leaves memory as it was.
 * Single-threaded.
 *
 * Bulk data (log events) live in tables of their own: see store_sqlite.
 */
#pragma once

#include <glib.h>
#include <sqlite3.h>

#include "value/value.h"

typedef struct Store Store;

/* Whose: both interned or owned by whoever holds the scope longer than the call. Global services
 * (IAM) use region "". */
typedef struct {
	const char *account;
	const char *region;
} StoreScope;

/* Opens or makes the file; migrates older schemas; errors (a newer schema, not writable, corrupt)
 * in words for the user. */
Store *store_open(const char *path, GError **error);
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/* Transactions. Begin may not nest. Commit is durable when it returns (synchronous=FULL). Watchers
 * are called after commit, never on rollback. */
gboolean store_begin(Store *store, GError **error);
gboolean store_commit(Store *store, GError **error);
void store_rollback(Store *store);
gboolean store_in_transaction(const Store *store);

/* The object, or VALUE_NOTHING. The caller owns what it gets. */
Value store_get(Store *store, StoreScope scope, const char *kind, const char *id);
gboolean store_has(Store *store, StoreScope scope, const char *kind, const char *id);
/* Inserts or replaces. Needs a transaction, as does delete. */
void store_put(Store *store, StoreScope scope, const char *kind, const char *id, Value object);
void store_put_take(Store *store, StoreScope scope, const char *kind, const char *id, Value object);
/* Whether there was one. */
gboolean store_delete(Store *store, StoreScope scope, const char *kind, const char *id);

/* All objects of a kind in id order, as they are now (a snapshot: changes while walking are safe):
 *   g_auto(StoreIter) i = store_iter(store, scope, "ec2/vpc");
 *   while (store_iter_next(&i, &id, &object)) …          id and object borrowed until the next call
 * `store_iter_prefix` takes only ids that begin with `prefix`; a scope with NULL account or region
 * walks all of them (store_iter_scope tells which it is at). */
typedef struct {
	GPtrArray *rows;
	guint next;
} StoreIter;
StoreIter store_iter(Store *store, StoreScope scope, const char *kind);
StoreIter store_iter_prefix(Store *store, StoreScope scope, const char *kind, const char *prefix);
gboolean store_iter_next(StoreIter *iter, const char **id, Value *object);
StoreScope store_iter_scope(const StoreIter *iter); /* of the last one given */
void store_iter_clear(StoreIter *iter);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreIter, store_iter_clear)

/* The next number of a named counter (1, 2, …), durable with the transaction. */
gint64 store_next(Store *store, StoreScope scope, const char *counter);

/* Calls back after each commit that changed an object whose kind begins with `kind_prefix`: once a
 * changed object. object is VALUE_NOTHING for a deleted one. */
typedef void (*StoreWatch)(Store *store, StoreScope scope, const char *kind, const char *id,
	Value object, gpointer data);
void store_watch(Store *store, const char *kind_prefix, StoreWatch watch, gpointer data);

/* The connection, for rooms with tables of their own; use inside the open transaction only.
 * `store_table` creates such a table when it is not there (SQL is "CREATE TABLE IF NOT EXISTS …").
 */
sqlite3 *store_sqlite(Store *store);
gboolean store_table(Store *store, const char *sql, GError **error);
