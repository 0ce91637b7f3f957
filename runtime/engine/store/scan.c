#include "engine/store/db.h"
#include "engine/store/store.h"
#include "engine/store/table.h"

#include <stdio.h>

/* The order comes from ids and not from whole rows, so that SQLite sorts some tens of bytes a
 * completion and not kilobytes. */
static const char order_sql[] = "SELECT id FROM completion ORDER BY created, key";

/* Shows the row with this id to fn. Returns SQLITE_OK with fn's answer in *stop, or a failure. */
static int show(sqlite3_stmt *row, pack *p, sqlite3_int64 id,
                int (*fn)(void *, const store_record *), void *arg, int *stop) {
    sqlite3_bind_int64(row, 1, id);
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW) {
        pack_text texts[PACK_TEXTS];
        bool whole = store_table_texts(row, p, texts);
        if (whole)
            *stop = fn(arg, &(store_record){.key = sqlite3_column_blob(row, 0),
                                            .created_ms = sqlite3_column_int64(row, 1),
                                            .request = texts[RECORD_REQUEST].data,
                                            .request_len = texts[RECORD_REQUEST].len,
                                            .wire = texts[RECORD_WIRE].data,
                                            .wire_len = texts[RECORD_WIRE].len,
                                            .completion = texts[RECORD_COMPLETION].data,
                                            .completion_len = texts[RECORD_COMPLETION].len});
        rc = whole ? SQLITE_OK : SQLITE_CORRUPT;
    } else if (rc == SQLITE_DONE) {
        rc = SQLITE_CORRUPT;
    }
    int reset = sqlite3_reset(row);
    return rc == SQLITE_OK ? reset : rc;
}

/* What a scan shows to whom, and what it may pass over. */
typedef struct scan_state {
    sqlite3_stmt *row;
    pack *pack;
    int (*fn)(void *, const store_record *);
    void *arg;
    int stop;
    size_t *damaged; /* NULL: damage is a failure */
} scan_state;

static int visit(scan_state *s, sqlite3_int64 id) {
    int rc = show(s->row, s->pack, id, s->fn, s->arg, &s->stop);
    if ((rc & 0xff) != SQLITE_CORRUPT || !s->damaged) return rc;
    ++*s->damaged;
    return SQLITE_OK;
}

static int in_order(sqlite3 *db, scan_state *s) {
    sqlite3_stmt *order = NULL;
    int rc = sqlite3_prepare_v2(db, order_sql, -1, &order, NULL);
    int step = SQLITE_DONE;
    while (rc == SQLITE_OK && !s->stop && (step = sqlite3_step(order)) == SQLITE_ROW)
        rc = visit(s, sqlite3_column_int64(order, 0));
    if (rc == SQLITE_OK && step != SQLITE_ROW && step != SQLITE_DONE) rc = step;
    sqlite3_finalize(order);
    return rc;
}

/* The highest id of a table, or 0. */
static sqlite3_int64 highest(sqlite3 *db, const char *sql) {
    sqlite3_stmt *query = NULL;
    sqlite3_int64 id = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        id = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return id;
}

/* Where pages are damaged no query gets past them; asked for one by one, the others are there. Ids
 * that were never used count as damaged, but there are none in between. */
static int one_by_one(sqlite3 *db, scan_state *s) {
    sqlite3_int64 last = highest(db, "SELECT max(id) FROM completion");
    sqlite3_int64 noted = highest(db, "SELECT max(id) FROM recent");
    sqlite3_int64 indexed = highest(db, "SELECT max(id) FROM key_index");
    if (noted > last) last = noted;
    if (indexed > last) last = indexed;
    int rc = last > 0 ? SQLITE_OK : SQLITE_CORRUPT;
    for (sqlite3_int64 id = 1; id <= last && rc == SQLITE_OK && !s->stop; id++) rc = visit(s, id);
    return rc;
}

/* At most `most`, evenly over the ids. Each is found by its id, so that the pages between are not
 * read. What was pruned leaves gaps. */
static int spread(sqlite3 *db, scan_state *s, size_t most) {
    sqlite3_int64 last = highest(db, "SELECT max(id) FROM completion");
    sqlite3_int64 step = last / (sqlite3_int64)most + 1;
    int rc = SQLITE_OK;
    for (sqlite3_int64 id = 1; id <= last && rc == SQLITE_OK && !s->stop; id += step)
        rc = visit(s, id);
    return rc;
}

/* All of them, or with `most` that many at most. */
static int scan(sqlite3 *db, scan_state *s, size_t most) {
    int rc = sqlite3_prepare_v2(db, store_table_row(db), -1, &s->row, NULL);
    s->pack = pack_new();
    if (!s->pack) rc = SQLITE_NOMEM;
    if (rc == SQLITE_OK) rc = most ? spread(db, s, most) : in_order(db, s);
    /* Nothing was shown: it fails before the first row, while it sorts. */
    if ((rc & 0xff) == SQLITE_CORRUPT && s->damaged && !most) rc = one_by_one(db, s);
    pack_free(s->pack);
    sqlite3_finalize(s->row);
    return rc;
}

static int each(const char *path, size_t most, int (*fn)(void *arg, const store_record *),
                void *arg, size_t *damaged, char *err, size_t errlen) {
    sqlite3 *db = store_db_open(&(store_options){.path = path, .read_only = true}, err, errlen);
    if (!db) return -1;
    scan_state s = {.fn = fn, .arg = arg, .damaged = damaged};
    if (damaged) *damaged = 0;
    /* One transaction: a run that goes on meanwhile does not change what is seen. */
    int rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = scan(db, &s, most);
    if (rc != SQLITE_OK) store_db_explain(db, rc, path, err, errlen);
    sqlite3_close(db);
    return rc == SQLITE_OK ? s.stop : -1;
}

int store_each(const char *path, int (*fn)(void *arg, const store_record *), void *arg,
               size_t *damaged, char *err, size_t errlen) {
    return each(path, 0, fn, arg, damaged, err, errlen);
}

int store_sample(const char *path, size_t most, int (*fn)(void *arg, const store_record *),
                 void *arg, char *err, size_t errlen) {
    size_t left_out;
    return each(path, most > 0 ? most : 1, fn, arg, &left_out, err, errlen);
}

/* ---- taking out ---- */

static int delete_key(sqlite3 *db, sqlite3_stmt *const statements[3], const unsigned char *key,
                      size_t *count) {
    sqlite3_bind_blob(statements[0], 1, key, 32, SQLITE_STATIC);
    sqlite3_bind_int64(statements[1], 1, store_table_prefix(key));
    sqlite3_bind_blob(statements[1], 2, key, 32, SQLITE_STATIC);
    sqlite3_bind_blob(statements[2], 1, key, 32, SQLITE_STATIC);
    int rc = SQLITE_OK;
    for (int i = 0; i < 3 && rc == SQLITE_OK; i++) {
        rc = sqlite3_step(statements[i]);
        sqlite3_reset(statements[i]);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    *count += (size_t)sqlite3_changes(db);
    return rc;
}

static int prune(sqlite3 *db, const unsigned char *keys, size_t n, size_t *count) {
    /* The index first, and the completion last: by it the index is found. */
    static const char *const sql[3] = {"DELETE FROM recent WHERE key = ?1",
                                       "DELETE FROM key_index WHERE prefix = ?1 AND id IN"
                                       " (SELECT id FROM completion WHERE key = ?2)",
                                       "DELETE FROM completion WHERE key = ?1"};
    sqlite3_stmt *statements[3] = {0};
    /* Ids are used again after the last has gone, which would mislead another process. */
    int rc = sqlite3_exec(db,
                          "PRAGMA locking_mode=EXCLUSIVE; PRAGMA busy_timeout=0;"
                          "BEGIN EXCLUSIVE;"
                          "CREATE TEMP TABLE t(x);" /* the lock is taken with the first page */
                          "CREATE INDEX by_key ON completion(key)",
                          NULL, NULL, NULL);
    for (int i = 0; i < 3 && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v2(db, sql[i], -1, &statements[i], NULL);
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
        rc = delete_key(db, statements, keys + 32 * i, count);
    for (int i = 0; i < 3; i++) sqlite3_finalize(statements[i]);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "DROP INDEX by_key; COMMIT; VACUUM", NULL, NULL, NULL);
    if (rc != SQLITE_OK) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int64_t store_prune(const char *path, const unsigned char *keys, size_t n, char *err,
                    size_t errlen) {
    sqlite3 *db = store_db_open(&(store_options){.path = path}, err, errlen);
    if (!db) return -1;
    size_t count = 0;
    int rc = prune(db, keys, n, &count);
    if ((rc & 0xff) == SQLITE_BUSY)
        snprintf(err, errlen, "the store %s is in use; prune it when no run is", path);
    else if (rc != SQLITE_OK)
        store_db_explain(db, rc, path, err, errlen);
    sqlite3_close(db);
    return rc == SQLITE_OK ? (int64_t)count : -1;
}

int64_t store_count(const char *path, char *err, size_t errlen) {
    sqlite3 *db = store_db_open(&(store_options){.path = path, .read_only = true}, err, errlen);
    if (!db) return -1;
    int64_t count = -1;
    sqlite3_stmt *query = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT count(*) FROM completion", -1, &query, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(query);
    if (rc == SQLITE_ROW)
        count = sqlite3_column_int64(query, 0);
    else
        store_db_explain(db, rc, path, err, errlen);
    sqlite3_finalize(query);
    sqlite3_close(db);
    return count;
}
