#include "engine/store/prune.h"

#include "engine/store/db.h"
#include "engine/store/table.h"

#include <stdio.h>

enum statement { RECENT, INDEX, COMPLETION, STATEMENTS };

static const char *const sql[STATEMENTS] = {
    [RECENT] = "DELETE FROM recent WHERE id = ?1",
    [INDEX] = "DELETE FROM key_index WHERE prefix = ?2 AND id = ?1",
    [COMPLETION] = "DELETE FROM completion WHERE id = ?1",
};

/* Takes the completion of a key out of all tables. */
static int take_out(store_table *t, sqlite3_stmt *const statements[STATEMENTS],
                    const unsigned char *key, int64_t *count) {
    int64_t id;
    int rc = store_table_find(t, key, &id);
    if (rc != SQLITE_OK || !id) return rc;
    for (int i = 0; i < STATEMENTS && rc == SQLITE_OK; i++) {
        sqlite3_bind_int64(statements[i], 1, id);
        if (i == INDEX) sqlite3_bind_int64(statements[i], 2, store_table_prefix(key));
        rc = sqlite3_step(statements[i]);
        sqlite3_reset(statements[i]);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    ++*count;
    return rc;
}

static int take_all_out(sqlite3 *db, const unsigned char *keys, size_t n, int64_t *count) {
    sqlite3_stmt *statements[STATEMENTS] = {0};
    int rc;
    store_table *table = store_table_open(db, false, &rc);
    if (rc == SQLITE_OK) rc = store_table_begin(table);
    for (int i = 0; i < STATEMENTS && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v2(db, sql[i], -1, &statements[i], NULL);
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
        rc = take_out(table, statements, keys + STORE_KEY * i, count);
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(statements[i]);
    store_table_close(table);
    return rc;
}

/* Ids are used again after the last has gone, which would mislead another process: so the store is
 * this one's alone. */
static int prune(sqlite3 *db, const unsigned char *keys, size_t n, int64_t *count) {
    int rc =
        sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA busy_timeout=0; BEGIN EXCLUSIVE",
                     NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = take_all_out(db, keys, n, count);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int64_t store_prune(const char *path, const unsigned char *keys, size_t n, char *err,
                    size_t errlen) {
    int rc;
    err[0] = '\0';
    sqlite3 *db = store_db_open(&(store_options){.path = path}, &rc, err, errlen);
    if (!db) return -1;
    int64_t count = 0;
    rc = prune(db, keys, n, &count);
    if ((rc & 0xff) == SQLITE_BUSY) {
        snprintf(err, errlen, "the store %s is in use; prune it when no run is", path);
    } else if (rc != SQLITE_OK) {
        store_db_explain(db, rc, path, err, errlen);
    } else if (count > 0) {
        int left = sqlite3_exec(db, "VACUUM", NULL, NULL, NULL);
        if (left != SQLITE_OK) store_db_explain(db, left, path, err, errlen);
    }
    sqlite3_close(db);
    return rc == SQLITE_OK ? count : -1;
}
