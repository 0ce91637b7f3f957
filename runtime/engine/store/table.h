/*
 * store_table: the completions in a store's file, found by key. Internal to the store.
 *
 * Keys are digests, so an index of them would write a page of its own for every completion. They
 * are first noted in the order they come (table `recent`, held in memory too, by prefix), and
 * thousands at a time go sorted into the index (table `key_index`).
 *
 * Functions return an SQLite result code. A table belongs to one thread, and is closed before its
 * connection.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_TABLE_H
#define FELLOWSHIP_ENGINE_STORE_TABLE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "engine/store/job.h"
#include "engine/store/pack.h"

typedef struct store_table store_table;

/* The order of the texts in a record, and in the rows of version 1. */
enum { RECORD_COMPLETION, RECORD_REQUEST, RECORD_WIRE };

/* Statements that make the tables of an empty database. */
extern const char store_table_schema[];

/* Whether the tables on this connection are of version 1. */
bool store_table_is_first(sqlite3 *db);

/* The query for the key, the date and the texts of the completion with one id, for the version of
 * the tables on this connection; and the texts of a row of it. False when they are damaged. */
const char *store_table_row(sqlite3 *db);
bool store_table_texts(sqlite3_stmt *row, pack *, pack_text texts[PACK_TEXTS]);

/* Packs texts; *record lives in the pack. SQLITE_TOOBIG when they are too large for a record. */
int store_table_pack(pack *, const pack_text texts[PACK_TEXTS], const void **record, size_t *len);

/* How a key stands in the index. */
int64_t store_table_prefix(const unsigned char *key);

/* NULL and a result code in *rc. A read-only one may be of version 1 (engine/store/upgrade.h). */
store_table *store_table_open(sqlite3 *db, bool read_only, int *rc);
void store_table_close(store_table *);

/* To be called first in each transaction: learns what other processes have committed. */
int store_table_begin(store_table *);

/* To be called after a transaction that was rolled back. */
void store_table_undone(store_table *);

/* Looks up the job's key: found, completion and created_ms. */
int store_table_get(store_table *, store_job *);

/* Inserts the job's completion unless there is one, which then is given back as by get. Inside a
 * writing transaction. */
int store_table_put(store_table *, store_job *);

/* The id of the completion with this key, or 0; and adds one that is known not to be there, packed
 * by store_table_pack. In transactions, as above. */
int store_table_find(store_table *, const unsigned char key[STORE_KEY], int64_t *id);
int store_table_add(store_table *, const unsigned char key[STORE_KEY], int64_t created_ms,
                    const void *record, size_t len);

/* Whether very many completions are put now: then more of their keys go into the index at a time. To
 * be said again in each transaction. */
void store_table_expect(store_table *, bool many);

/* Whether so many keys are recent that they should go into the index; does that, in a writing
 * transaction of its own. */
bool store_table_due(const store_table *);
int store_table_index_recent(store_table *);

#endif
