#include "engine/store.h"
#include "engine/store_db.h"
#include "engine/store_table.h"

#include <stdio.h>

/* The order comes from ids and not from whole rows, so that SQLite sorts some tens of bytes a
 * completion and not kilobytes. */
static const char order_sql[] = "SELECT id FROM completion ORDER BY created, key";
static const char row_sql[] = "SELECT key, created, record FROM completion WHERE id = ?1";

/* Shows the row with this id to fn. Returns SQLITE_OK with fn's answer in *stop, or a failure. */
static int show(sqlite3_stmt *row, pack *p, sqlite3_int64 id,
                int (*fn)(void *, const store_record *), void *arg, int *stop) {
    sqlite3_bind_int64(row, 1, id);
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW) {
        pack_text texts[PACK_TEXTS];
        const void *record = sqlite3_column_blob(row, 2);
        size_t len = (size_t)sqlite3_column_bytes(row, 2);
        bool whole = sqlite3_column_bytes(row, 0) == 32 && pack_open(p, record, len, texts);
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

static int scan(sqlite3 *db, int (*fn)(void *, const store_record *), void *arg, int *stop) {
    sqlite3_stmt *order = NULL, *row = NULL;
    int rc = sqlite3_prepare_v2(db, order_sql, -1, &order, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(db, row_sql, -1, &row, NULL);
    pack *p = pack_new();
    if (!p) rc = SQLITE_NOMEM;
    int step = SQLITE_DONE;
    while (rc == SQLITE_OK && !*stop && (step = sqlite3_step(order)) == SQLITE_ROW)
        rc = show(row, p, sqlite3_column_int64(order, 0), fn, arg, stop);
    if (rc == SQLITE_OK && step != SQLITE_ROW && step != SQLITE_DONE) rc = step;
    pack_free(p);
    sqlite3_finalize(row);
    sqlite3_finalize(order);
    return rc;
}

int store_each(const char *path, int (*fn)(void *arg, const store_record *), void *arg, char *err,
               size_t errlen) {
    sqlite3 *db = store_db_open(path, true, err, errlen);
    if (!db) return -1;
    /* One transaction: a run that goes on meanwhile does not change what is seen. */
    int stop = 0;
    int rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = scan(db, fn, arg, &stop);
    if (rc != SQLITE_OK) store_db_explain(db, rc, path, err, errlen);
    sqlite3_close(db);
    return rc == SQLITE_OK ? stop : -1;
}

int64_t store_count(const char *path, char *err, size_t errlen) {
    sqlite3 *db = store_db_open(path, true, err, errlen);
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
