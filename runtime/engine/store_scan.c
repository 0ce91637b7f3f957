#include "engine/store.h"
#include "engine/store_db.h"

#include <stdio.h>

/* The order comes from ids and not from whole rows, so that SQLite sorts some tens of bytes a
 * completion and not kilobytes. */
static const char order_sql[] = "SELECT id FROM completion ORDER BY created, key";
static const char row_sql[] =
    "SELECT key, request, wire, completion, created FROM completion WHERE id = ?1";

static const char *text(sqlite3_stmt *row, int column, size_t *len) {
    const char *data = (const char *)sqlite3_column_text(row, column);
    *len = (size_t)sqlite3_column_bytes(row, column);
    return data;
}

/* Shows the row with this id to fn. Returns SQLITE_OK with fn's answer in *stop, or a failure. */
static int show(sqlite3_stmt *row, sqlite3_int64 id, int (*fn)(void *, const store_record *),
                void *arg, int *stop) {
    sqlite3_bind_int64(row, 1, id);
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW) {
        store_record record = {.key = sqlite3_column_blob(row, 0),
                               .created_ms = sqlite3_column_int64(row, 4)};
        bool whole = sqlite3_column_bytes(row, 0) == 32;
        record.request = text(row, 1, &record.request_len);
        record.wire = text(row, 2, &record.wire_len);
        record.completion = text(row, 3, &record.completion_len);
        whole = whole && record.request && record.wire && record.completion;
        if (whole) *stop = fn(arg, &record);
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
    int step = SQLITE_DONE;
    while (rc == SQLITE_OK && !*stop && (step = sqlite3_step(order)) == SQLITE_ROW)
        rc = show(row, sqlite3_column_int64(order, 0), fn, arg, stop);
    if (rc == SQLITE_OK && step != SQLITE_ROW && step != SQLITE_DONE) rc = step;
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
