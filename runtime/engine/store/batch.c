#include "engine/store/batch.h"

#include <stdlib.h>
#include <string.h>

#include "engine/store/table.h"
#include "engine/store/work.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS batch(uid TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS pending(key BLOB PRIMARY KEY, batch TEXT NOT NULL,"
    " record BLOB NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS pending_batch ON pending(batch)";

enum statement { HOLDER, CLAIM, RECORD, LET_GO, NOTE, FORGET, LET_GO_ALL, LIST, STATEMENTS };

static const char *const sql[STATEMENTS] = {
    [HOLDER] = "SELECT batch FROM pending WHERE key = ?1",
    [CLAIM] = "INSERT INTO pending(key, batch, record) VALUES(?1, ?2, ?3)",
    [RECORD] = "SELECT record FROM pending WHERE key = ?1",
    [LET_GO] = "DELETE FROM pending WHERE key = ?1",
    [NOTE] = "INSERT INTO batch(uid, state) VALUES(?1, ?2)"
             " ON CONFLICT(uid) DO UPDATE SET state = excluded.state",
    [FORGET] = "DELETE FROM batch WHERE uid = ?1",
    [LET_GO_ALL] = "DELETE FROM pending WHERE batch = ?1",
    [LIST] = "SELECT uid, state, (SELECT count(*) FROM pending WHERE batch = uid) FROM batch"
             " ORDER BY rowid",
};

typedef struct batch_work {
    store_work work;
    store_batch batch;
} batch_work;

/* What one run needs; prepared as it goes, since a run needs few of the statements. */
typedef struct session {
    sqlite3 *db;
    store_table *table;
    store_batch *b;
    pack *pack;
    sqlite3_stmt *statements[STATEMENTS];
} session;

static sqlite3_stmt *prepare(session *s, enum statement which, int *rc) {
    sqlite3_stmt **statement = &s->statements[which];
    if (!*statement) *rc = sqlite3_prepare_v2(s->db, sql[which], -1, statement, NULL);
    return *rc == SQLITE_OK ? *statement : NULL;
}

static int finish(sqlite3_stmt *statement) {
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool set_text(store_text *text, const void *data, size_t len) {
    char *copy = malloc(len + 1);
    if (!copy) return false;
    if (len) memcpy(copy, data, len);
    copy[len] = '\0';
    free(text->data);
    *text = (store_text){copy, len};
    return true;
}

static bool take_column(store_text *text, sqlite3_stmt *row, int column) {
    const unsigned char *data = sqlite3_column_text(row, column);
    return data && set_text(text, data, (size_t)sqlite3_column_bytes(row, column));
}

static void drop_text(store_text *text) {
    free(text->data);
    *text = (store_text){0};
}

static int bind_text(sqlite3_stmt *statement, int at, const pack_text *text) {
    return sqlite3_bind_text64(statement, at, text->data, text->len, SQLITE_STATIC, SQLITE_UTF8);
}

/* The completion of the entry's key, if there is one, becomes its text. */
static int find_completion(session *s, store_batch_entry *e) {
    store_job probe = {.op = STORE_GET};
    memcpy(probe.key, e->key, sizeof probe.key);
    int rc = store_table_get(s->table, &probe);
    e->found = rc == SQLITE_OK && probe.found;
    drop_text(&e->text);
    e->text = probe.answer;
    return rc;
}

/* The batch that has claimed the entry's key becomes its text. */
static int find_holder(session *s, store_batch_entry *e) {
    int rc = SQLITE_OK;
    sqlite3_stmt *holder = prepare(s, HOLDER, &rc);
    if (!holder) return rc;
    drop_text(&e->text);
    sqlite3_bind_blob(holder, 1, e->key, sizeof e->key, SQLITE_STATIC);
    rc = sqlite3_step(holder);
    if (rc == SQLITE_ROW && !take_column(&e->text, holder, 0)) rc = SQLITE_NOMEM;
    sqlite3_reset(holder);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int claim(session *s, store_batch_entry *e) {
    int rc = find_completion(s, e);
    if (rc != SQLITE_OK || e->found) return rc;
    rc = find_holder(s, e);
    if (rc != SQLITE_OK || e->text.data) return rc;
    sqlite3_stmt *insert = prepare(s, CLAIM, &rc);
    if (!insert) return rc;
    const pack_text texts[PACK_TEXTS] = {
        [RECORD_COMPLETION] = {"", 0}, [RECORD_REQUEST] = e->request, [RECORD_WIRE] = e->wire};
    const void *record;
    size_t len;
    rc = store_table_pack(s->pack, texts, &record, &len);
    if (rc != SQLITE_OK) return rc;
    sqlite3_bind_blob(insert, 1, e->key, sizeof e->key, SQLITE_STATIC);
    rc = bind_text(insert, 2, &s->b->uid);
    if (rc == SQLITE_OK) rc = sqlite3_bind_blob64(insert, 3, record, len, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = finish(insert);
    if (rc != SQLITE_OK) return rc;
    return set_text(&e->text, s->b->uid.data, s->b->uid.len) ? SQLITE_OK : SQLITE_NOMEM;
}

/* Puts the completion with the texts that were claimed with its key. */
static int put(session *s, store_batch_entry *e, const void *record, size_t len) {
    pack_text texts[PACK_TEXTS];
    if (!pack_open(s->pack, record, len, texts)) return SQLITE_CORRUPT;
    store_job job = {.op = STORE_PUT,
                     .request = texts[RECORD_REQUEST],
                     .wire = texts[RECORD_WIRE],
                     .completion = e->completion,
                     .created_ms = s->b->created_ms};
    memcpy(job.key, e->key, sizeof job.key);
    int rc = store_table_put(s->table, &job);
    e->found = rc == SQLITE_OK && job.found;
    e->committed = rc == SQLITE_OK && !job.found;
    drop_text(&e->text);
    e->text = job.answer;
    return rc;
}

static int complete(session *s, store_batch_entry *e) {
    int rc = SQLITE_OK;
    e->found = e->committed = false;
    sqlite3_stmt *row = prepare(s, RECORD, &rc);
    if (!row) return rc;
    sqlite3_bind_blob(row, 1, e->key, sizeof e->key, SQLITE_STATIC);
    rc = sqlite3_step(row);
    bool claimed = rc == SQLITE_ROW;
    if (claimed)
        rc = put(s, e, sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0));
    else if (rc == SQLITE_DONE)
        rc = find_completion(s, e);
    sqlite3_reset(row);
    sqlite3_stmt *let_go = rc == SQLITE_OK && claimed ? prepare(s, LET_GO, &rc) : NULL;
    if (!let_go) return rc;
    sqlite3_bind_blob(let_go, 1, e->key, sizeof e->key, SQLITE_STATIC);
    return finish(let_go);
}

/* Does one statement about the batch. */
static int about(session *s, enum statement which) {
    int rc = SQLITE_OK;
    sqlite3_stmt *statement = prepare(s, which, &rc);
    if (!statement) return rc;
    rc = bind_text(statement, 1, &s->b->uid);
    if (rc == SQLITE_OK && which == NOTE) rc = bind_text(statement, 2, &s->b->state);
    return rc == SQLITE_OK ? finish(statement) : rc;
}

static int note_state(session *s) {
    int rc = about(s, s->b->state.data ? NOTE : FORGET);
    if (rc == SQLITE_OK && (s->b->end || !s->b->state.data)) rc = about(s, LET_GO_ALL);
    return rc;
}

static void free_rows(store_batch *b) {
    for (size_t i = 0; i < b->row_count; i++) {
        free(b->rows[i].uid.data);
        free(b->rows[i].state.data);
    }
    free(b->rows);
    b->rows = NULL;
    b->row_count = 0;
}

static int add_row(store_batch *b, sqlite3_stmt *row) {
    store_batch_row *more = realloc(b->rows, (b->row_count + 1) * sizeof *more);
    if (!more) return SQLITE_NOMEM;
    b->rows = more;
    store_batch_row *r = &more[b->row_count++];
    *r = (store_batch_row){.pending = sqlite3_column_int64(row, 2)};
    return take_column(&r->uid, row, 0) && take_column(&r->state, row, 1) ? SQLITE_OK
                                                                          : SQLITE_NOMEM;
}

static int list(session *s) {
    int rc = SQLITE_OK;
    free_rows(s->b);
    sqlite3_stmt *rows = prepare(s, LIST, &rc);
    if (!rows) return rc;
    while (rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) rc = add_row(s->b, rows);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int each_entry(session *s, int (*fn)(session *, store_batch_entry *)) {
    int rc = SQLITE_OK;
    for (size_t i = 0; i < s->b->count && rc == SQLITE_OK; i++) rc = fn(s, &s->b->entries[i]);
    return rc;
}

static bool has_tables(sqlite3 *db) {
    sqlite3_stmt *query = NULL;
    bool has = sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema WHERE name = 'pending'", -1,
                                  &query, NULL) == SQLITE_OK &&
               sqlite3_step(query) == SQLITE_ROW;
    sqlite3_finalize(query);
    return has;
}

bool store_batch_any(sqlite3 *db) {
    if (!has_tables(db)) return false;
    sqlite3_stmt *query = NULL;
    bool any =
        sqlite3_prepare_v2(db, "SELECT 1 FROM pending LIMIT 1", -1, &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW;
    sqlite3_finalize(query);
    return any;
}

static int run_with(session *s) {
    if (!has_tables(s->db)) {
        if (s->b->op == BATCH_LIST || s->b->op == BATCH_HOLDER) return SQLITE_OK;
        int rc = sqlite3_exec(s->db, schema, NULL, NULL, NULL);
        if (rc != SQLITE_OK) return rc;
    }
    switch (s->b->op) {
    case BATCH_CLAIM: return each_entry(s, claim);
    case BATCH_COMPLETE: return each_entry(s, complete);
    case BATCH_STATE: return note_state(s);
    case BATCH_LIST: return list(s);
    case BATCH_HOLDER: return each_entry(s, find_holder);
    }
    return SQLITE_MISUSE;
}

static int run(store_work *work, sqlite3 *db, store_table *table) {
    session s = {.db = db, .table = table, .b = &((batch_work *)work)->batch};
    bool packs = s.b->op == BATCH_CLAIM || s.b->op == BATCH_COMPLETE;
    if (packs && !(s.pack = pack_new())) return SQLITE_NOMEM;
    int rc = run_with(&s);
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(s.statements[i]);
    pack_free(s.pack);
    return rc;
}

static void free_work(store_work *work) {
    store_batch *b = &((batch_work *)work)->batch;
    for (size_t i = 0; i < b->count; i++) free(b->entries[i].text.data);
    free(b->entries);
    free_rows(b);
    free(work);
}

store_job *store_batch_job(enum store_batch_op op, size_t count, store_batch **out) {
    store_job *job = calloc(1, sizeof *job);
    batch_work *work = calloc(1, sizeof *work);
    store_batch_entry *entries = calloc(count ? count : 1, sizeof *entries);
    if (!job || !work || !entries) {
        free(job);
        free(work);
        free(entries);
        return NULL;
    }
    bool writes = op != BATCH_LIST && op != BATCH_HOLDER;
    work->work = (store_work){.writes = writes, .syncs = writes, .run = run, .free = free_work};
    work->batch = (store_batch){.op = op, .entries = entries, .count = count};
    job->op = STORE_WORK;
    job->work = &work->work;
    *out = &work->batch;
    return job;
}

store_batch *store_batch_of(const store_job *job) {
    return &((batch_work *)job->work)->batch;
}
