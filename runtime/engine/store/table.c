#include "engine/store/table.h"

#include <stdlib.h>
#include <string.h>

/* Recent keys that are moved to the index together. A store of a million completions has some 2,700
 * pages of index: then this writes a third of a page for each. */
#define INDEX_AFTER 8192

/* While many come at once, an eighth of what is indexed goes together, within these bounds: so the
 * index is written some times over in all, and not once for each few thousand. */
enum { MANY_LEAST = 128 << 10, MANY_MOST = 1 << 20 };

/* `key` comes before the record, which may go on in overflow pages: to compare it reads one page.
 */
const char store_table_schema[] =
    "CREATE TABLE completion(id INTEGER PRIMARY KEY, key BLOB NOT NULL, created INTEGER NOT NULL,"
    " record BLOB NOT NULL) STRICT;"
    "CREATE TABLE recent(id INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;"
    "CREATE TABLE key_index(prefix INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(prefix, id))"
    " STRICT, WITHOUT ROWID";

enum statement { BY_ID, BY_PREFIX, NEWER, INSERT, NOTE, INDEX, STATEMENTS };

static const char *const sql[STATEMENTS] = {
    [BY_PREFIX] = "SELECT id FROM key_index WHERE prefix = ?1",
    [NEWER] = "SELECT id, key FROM recent WHERE id > ?1",
    [INSERT] = "INSERT INTO completion(key, created, record) VALUES(?1, ?2, ?3)",
    [NOTE] = "INSERT INTO recent(id, key) VALUES(?1, ?2)",
    [INDEX] = "INSERT OR IGNORE INTO key_index(prefix, id) VALUES(?1, ?2)",
};

/* A recent key: the first eight bytes of it, and where it is. id 0 marks an empty place. */
typedef struct entry {
    int64_t prefix, id;
} entry;

struct store_table {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    bool first; /* of version 1, read as it is */
    pack *pack;
    entry *recent; /* a hash table, linearly probed; its size is a power of two */
    size_t size, count;
    int64_t last;       /* the highest id in `recent` */
    size_t index_after; /* so many of them go to the index together */
    size_t most;        /* above it, it is asked whether they are recent still */
};

/* ---- both versions ---- */

bool store_table_is_first(sqlite3 *db) {
    sqlite3_stmt *query = NULL;
    bool first = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &query, NULL) == SQLITE_OK &&
                 sqlite3_step(query) == SQLITE_ROW && sqlite3_column_int(query, 0) == 1;
    sqlite3_finalize(query);
    return first;
}

const char *store_table_row(sqlite3 *db) {
    return store_table_is_first(db)
               ? "SELECT key, created, completion, request, wire FROM completion WHERE id = ?1"
               : "SELECT key, created, record FROM completion WHERE id = ?1";
}

bool store_table_texts(sqlite3_stmt *row, pack *p, pack_text texts[PACK_TEXTS]) {
    if (sqlite3_column_bytes(row, 0) != STORE_KEY) return false;
    if (sqlite3_column_type(row, 2) == SQLITE_BLOB) {
        const void *record = sqlite3_column_blob(row, 2);
        return pack_open(p, record, (size_t)sqlite3_column_bytes(row, 2), texts);
    }
    for (int i = 0; i < PACK_TEXTS; i++) {
        texts[i].data = (const char *)sqlite3_column_text(row, 2 + i);
        texts[i].len = (size_t)sqlite3_column_bytes(row, 2 + i);
        if (!texts[i].data) return false;
    }
    return true;
}

int store_table_pack(pack *p, const pack_text texts[PACK_TEXTS], const void **record, size_t *len) {
    switch (pack_texts(p, texts, record, len)) {
    case PACK_DONE: return SQLITE_OK;
    case PACK_TOO_BIG: return SQLITE_TOOBIG;
    case PACK_NO_MEMORY: return SQLITE_NOMEM;
    }
    return SQLITE_INTERNAL;
}

store_table *store_table_open(sqlite3 *db, bool read_only, int *rc) {
    store_table *t = calloc(1, sizeof *t);
    *rc = SQLITE_NOMEM;
    if (!t) return NULL;
    t->db = db;
    t->index_after = INDEX_AFTER;
    t->most = 2 * INDEX_AFTER;
    t->pack = pack_new();
    if (t->pack) *rc = SQLITE_OK;
    t->first = read_only && store_table_is_first(db);
    for (int i = 0; i < STATEMENTS && *rc == SQLITE_OK; i++) {
        const char *text = i == BY_ID ? store_table_row(db) : sql[i];
        if (t->first && i == BY_PREFIX) text = "SELECT id FROM completion WHERE key = ?2";
        if ((read_only && i >= INSERT) || (t->first && i == NEWER)) continue;
        *rc = sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &t->statements[i], NULL);
    }
    if (*rc == SQLITE_OK) return t;
    store_table_close(t);
    return NULL;
}

void store_table_close(store_table *t) {
    if (!t) return;
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(t->statements[i]);
    pack_free(t->pack);
    free(t->recent);
    free(t);
}

/* ---- recent keys ---- */

int64_t store_table_prefix(const unsigned char *key) {
    uint64_t prefix = 0;
    for (int i = 0; i < 8; i++) prefix = prefix << 8 | key[i];
    return (int64_t)prefix;
}

static void place(entry *table, size_t size, entry e) {
    size_t at = (size_t)e.prefix & (size - 1);
    while (table[at].id) at = (at + 1) & (size - 1);
    table[at] = e;
}

static bool remember(store_table *t, int64_t prefix, int64_t id) {
    if (2 * t->count >= t->size) {
        size_t size = t->size ? 2 * t->size : 1024;
        entry *table = calloc(size, sizeof *table);
        if (!table) return false;
        for (size_t i = 0; i < t->size; i++)
            if (t->recent[i].id) place(table, size, t->recent[i]);
        free(t->recent);
        t->recent = table;
        t->size = size;
    }
    place(t->recent, t->size, (entry){prefix, id});
    t->count++;
    if (id > t->last) t->last = id;
    return true;
}

static void forget_recent(store_table *t) {
    if (t->recent) memset(t->recent, 0, t->size * sizeof *t->recent);
    t->count = 0;
    t->last = 0;
}

void store_table_undone(store_table *t) {
    forget_recent(t); /* the next transaction reads them again */
}

int store_table_begin(store_table *t) {
    if (t->first) return SQLITE_OK; /* it has an index of all */
    /* Another process may have indexed what stands here. */
    bool again = t->count > t->most;
    if (again) forget_recent(t);
    sqlite3_stmt *newer = t->statements[NEWER];
    sqlite3_bind_int64(newer, 1, t->last);
    int rc;
    while ((rc = sqlite3_step(newer)) == SQLITE_ROW) {
        const unsigned char *key = sqlite3_column_blob(newer, 1);
        if (sqlite3_column_bytes(newer, 1) != STORE_KEY) {
            rc = SQLITE_CORRUPT;
            break;
        }
        if (!remember(t, store_table_prefix(key), sqlite3_column_int64(newer, 0))) {
            rc = SQLITE_NOMEM;
            break;
        }
    }
    sqlite3_reset(newer);
    if (again) t->most = 2 * (t->count + INDEX_AFTER);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- looking up ---- */

static int take_record(store_table *t, sqlite3_stmt *row, store_job *job) {
    pack_text texts[PACK_TEXTS];
    if (!store_table_texts(row, t->pack, texts)) return SQLITE_CORRUPT;
    size_t len = texts[RECORD_COMPLETION].len;
    char *copy = malloc(len + 1);
    if (!copy) return SQLITE_NOMEM;
    memcpy(copy, texts[RECORD_COMPLETION].data, len);
    copy[len] = '\0';
    free(job->answer.data);
    job->answer = (store_text){copy, len};
    job->created_ms = sqlite3_column_int64(row, 1);
    job->found = true;
    return SQLITE_OK;
}

/* Whether BY_ID stands on the completion with this id, and its key is this one: prefixes may be
 * equal by chance. When it does not stand there it is reset. */
static int look_at(store_table *t, int64_t id, const unsigned char *key, bool *found) {
    sqlite3_stmt *row = t->statements[BY_ID];
    sqlite3_bind_int64(row, 1, id);
    int rc = sqlite3_step(row);
    *found = rc == SQLITE_ROW && sqlite3_column_bytes(row, 0) == STORE_KEY &&
             memcmp(sqlite3_column_blob(row, 0), key, STORE_KEY) == 0;
    if (*found) return SQLITE_OK;
    sqlite3_reset(row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc; /* done: it was pruned */
}

/* The same for the completion with this key: its id, or 0. */
static int find(store_table *t, const unsigned char *key, int64_t *id) {
    int64_t prefix = store_table_prefix(key);
    bool found = false;
    int rc = SQLITE_OK;
    *id = 0;
    size_t mask = t->size - 1;
    for (size_t at = (size_t)prefix & mask; t->count && t->recent[at].id; at = (at + 1) & mask) {
        if (t->recent[at].prefix != prefix) continue;
        rc = look_at(t, t->recent[at].id, key, &found);
        if (found) *id = t->recent[at].id;
        if (rc != SQLITE_OK || found) return rc;
    }
    sqlite3_stmt *ids = t->statements[BY_PREFIX];
    if (t->first)
        sqlite3_bind_blob(ids, 2, key, STORE_KEY, SQLITE_STATIC);
    else
        sqlite3_bind_int64(ids, 1, prefix);
    while (rc == SQLITE_OK && !found && (rc = sqlite3_step(ids)) == SQLITE_ROW) {
        rc = look_at(t, sqlite3_column_int64(ids, 0), key, &found);
        if (found) *id = sqlite3_column_int64(ids, 0);
    }
    sqlite3_reset(ids);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int store_table_get(store_table *t, store_job *job) {
    int64_t id;
    int rc = find(t, job->key, &id);
    job->found = false;
    if (id) {
        rc = take_record(t, t->statements[BY_ID], job);
        sqlite3_reset(t->statements[BY_ID]);
    }
    return rc;
}

int store_table_find(store_table *t, const unsigned char key[STORE_KEY], int64_t *id) {
    int rc = find(t, key, id);
    if (*id) sqlite3_reset(t->statements[BY_ID]);
    return rc;
}

/* ---- writing ---- */

static int run(sqlite3_stmt *statement) {
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int store_table_add(store_table *t, const unsigned char key[STORE_KEY], int64_t created_ms,
                    const void *record, size_t len) {
    sqlite3_stmt *insert = t->statements[INSERT], *note = t->statements[NOTE];
    sqlite3_bind_blob(insert, 1, key, STORE_KEY, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 2, created_ms);
    int rc = sqlite3_bind_blob64(insert, 3, record, len, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = run(insert);
    if (rc != SQLITE_OK) return rc;
    int64_t id = sqlite3_last_insert_rowid(t->db);
    sqlite3_bind_int64(note, 1, id);
    sqlite3_bind_blob(note, 2, key, STORE_KEY, SQLITE_STATIC);
    rc = run(note);
    if (rc != SQLITE_OK) return rc;
    return remember(t, store_table_prefix(key), id) ? SQLITE_OK : SQLITE_NOMEM;
}

int store_table_put(store_table *t, store_job *job) {
    int rc = store_table_get(t, job);
    if (rc != SQLITE_OK || job->found) return rc;
    const pack_text texts[PACK_TEXTS] = {[RECORD_COMPLETION] = job->completion,
                                         [RECORD_REQUEST] = job->request,
                                         [RECORD_WIRE] = job->wire};
    const void *record;
    size_t len;
    rc = store_table_pack(t->pack, texts, &record, &len);
    return rc == SQLITE_OK ? store_table_add(t, job->key, job->created_ms, record, len) : rc;
}

void store_table_expect(store_table *t, bool many) {
    size_t part = (size_t)t->last / 8;
    if (part < MANY_LEAST) part = MANY_LEAST;
    if (part > MANY_MOST) part = MANY_MOST;
    t->index_after = many ? part : INDEX_AFTER;
}

bool store_table_due(const store_table *t) {
    return t->count >= t->index_after;
}

static int by_prefix(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return x->prefix != y->prefix ? (x->prefix < y->prefix ? -1 : 1)
                                  : (x->id > y->id) - (x->id < y->id);
}

int store_table_index_recent(store_table *t) {
    /* What another process has indexed, and this one still holds, must not come back. */
    forget_recent(t);
    int rc = store_table_begin(t);
    entry *sorted = t->count ? malloc(t->count * sizeof *sorted) : NULL;
    if (rc != SQLITE_OK || !sorted) {
        free(sorted);
        return rc != SQLITE_OK || !t->count ? rc : SQLITE_NOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i < t->size; i++)
        if (t->recent[i].id) sorted[n++] = t->recent[i];
    qsort(sorted, n, sizeof *sorted, by_prefix);
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
        sqlite3_bind_int64(t->statements[INDEX], 1, sorted[i].prefix);
        sqlite3_bind_int64(t->statements[INDEX], 2, sorted[i].id);
        rc = run(t->statements[INDEX]);
    }
    free(sorted);
    if (rc == SQLITE_OK) rc = sqlite3_exec(t->db, "DELETE FROM recent", NULL, NULL, NULL);
    int64_t last = t->last;
    forget_recent(t);
    t->last = last;
    return rc;
}
