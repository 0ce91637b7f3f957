#include "engine/store/upgrade.h"

#include "engine/store/table.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A larger file is worth a word: it takes some seconds a gigabyte. */
#define LARGE ((int64_t)16 << 20)

static int64_t ask(sqlite3 *db, const char *sql) {
    sqlite3_stmt *query = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        value = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return value;
}

static void announce(sqlite3 *db, const store_options *options) {
    int64_t size = ask(db, "PRAGMA page_count") * ask(db, "PRAGMA page_size");
    if (!options->say || size < LARGE) return;
    char text[PATH_MAX + 96];
    snprintf(text, sizeof text, "bringing the store %s (%lld MB) to the present version, once",
             options->path, (long long)(size >> 20));
    options->say(options->say_arg, text);
}

static int run(sqlite3_stmt *statement) {
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Packs the row that `from` stands on into `to`. Ids stay. */
static int take_row(sqlite3_stmt *from, sqlite3_stmt *to, pack *p) {
    pack_text texts[PACK_TEXTS];
    const void *record;
    size_t len;
    if (!store_table_texts(from, p, texts)) return SQLITE_CORRUPT;
    int rc = store_table_pack(p, texts, &record, &len);
    if (rc != SQLITE_OK) return rc;
    sqlite3_bind_value(to, 1, sqlite3_column_value(from, 0));
    sqlite3_bind_value(to, 2, sqlite3_column_value(from, 1));
    rc = sqlite3_bind_blob64(to, 3, record, len, SQLITE_STATIC);
    sqlite3_bind_value(to, 4, sqlite3_column_value(from, 5));
    return rc == SQLITE_OK ? run(to) : rc;
}

/* Walks the old index, which is in the order of the new one but for the sign. */
static int take_key(sqlite3_stmt *from, sqlite3_stmt *to, pack *p) {
    (void)p;
    if (sqlite3_column_bytes(from, 0) != 32) return SQLITE_CORRUPT;
    sqlite3_bind_int64(to, 1, store_table_prefix(sqlite3_column_blob(from, 0)));
    sqlite3_bind_value(to, 2, sqlite3_column_value(from, 1));
    return run(to);
}

/* Does `take` with every row of one query and the statement that writes. */
static int copy(sqlite3 *db, pack *p, const char *read, const char *write,
                int (*take)(sqlite3_stmt *, sqlite3_stmt *, pack *)) {
    sqlite3_stmt *from = NULL, *to = NULL;
    int rc = sqlite3_prepare_v2(db, read, -1, &from, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(db, write, -1, &to, NULL);
    int step = SQLITE_DONE;
    while (rc == SQLITE_OK && (step = sqlite3_step(from)) == SQLITE_ROW) rc = take(from, to, p);
    if (rc == SQLITE_OK && step != SQLITE_DONE) rc = step;
    sqlite3_finalize(from);
    sqlite3_finalize(to);
    return rc;
}

static int copy_all(sqlite3 *db) {
    pack *p = pack_new();
    if (!p) return SQLITE_NOMEM;
    int rc =
        copy(db, p, "SELECT key, created, completion, request, wire, id FROM old ORDER BY id",
             "INSERT INTO completion(key, created, record, id) VALUES(?1, ?2, ?3, ?4)", take_row);
    if (rc == SQLITE_OK)
        rc = copy(db, p, "SELECT key, id FROM old ORDER BY key",
                  "INSERT INTO key_index(prefix, id) VALUES(?1, ?2)", take_key);
    pack_free(p);
    return rc;
}

/* How long the upgrade waits for the store, in milliseconds; its caller leaves it then, and comes
 * again. */
#define WAIT_MS 250

int store_upgrade(sqlite3 *db, const store_options *options, const char *stamp) {
    sqlite3_busy_timeout(db, WAIT_MS);
    /* A process of an older program that has the store open would fail to write what it has paid
     * for: so this waits until nobody has. The lock is taken with the first page. */
    int rc = sqlite3_exec(db,
                          "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 1 FROM"
                          " sqlite_schema",
                          NULL, NULL, NULL);
    bool mine = rc == SQLITE_OK && ask(db, "PRAGMA user_version") == 1;
    if (mine) announce(db, options);
    if (mine) rc = sqlite3_exec(db, "ALTER TABLE completion RENAME TO old", NULL, NULL, NULL);
    if (mine && rc == SQLITE_OK) rc = sqlite3_exec(db, store_table_schema, NULL, NULL, NULL);
    if (mine && rc == SQLITE_OK) rc = copy_all(db);
    if (mine && rc == SQLITE_OK) rc = sqlite3_exec(db, "DROP TABLE old", NULL, NULL, NULL);
    if (mine && rc == SQLITE_OK) rc = sqlite3_exec(db, stamp, NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    /* Two thirds of the file are free now. Without the room to make it smaller it stays as it is,
     * and is a sound store all the same. */
    if (mine && rc == SQLITE_OK) sqlite3_exec(db, "VACUUM", NULL, NULL, NULL);
    /* The lock goes with the next page that is read. */
    sqlite3_exec(db, "PRAGMA locking_mode=NORMAL; SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
    sqlite3_busy_timeout(db, STORE_PATIENCE * 1000);
    return rc;
}
