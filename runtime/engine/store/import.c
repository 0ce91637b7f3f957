#include "engine/store/import.h"

#include "engine/digest.h"
#include "engine/store/db.h"
#include "engine/store/recording.h"
#include "engine/store/salvage.h"
#include "engine/store/table.h"
#include "engine/store/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pages of the write-ahead log, 64 MB, that go into the file together: that syncs it, twice. */
enum { CHECKPOINT = 8192 };

typedef struct import_work {
    store_work work;
    store_import import;
} import_work;

/* ---- one completion ---- */

/* Puts a completion, whose record is made by `pack` unless it is given. */
static int put(store_table *table, pack *p, const store_record *r, const void *record, size_t len,
               store_import *import) {
    int64_t id;
    int rc = store_table_find(table, r->key, &id);
    if (rc != SQLITE_OK) return rc;
    if (id) {
        import->known++;
        return SQLITE_OK;
    }
    if (!record) {
        const pack_text texts[PACK_TEXTS] = {
            [RECORD_COMPLETION] = {r->completion, r->completion_len},
            [RECORD_REQUEST] = {r->request, r->request_len},
            [RECORD_WIRE] = {r->wire, r->wire_len}};
        rc = store_table_pack(p, texts, &record, &len);
    }
    if (rc == SQLITE_OK) rc = store_table_add(table, r->key, r->created_ms, record, len);
    if (rc == SQLITE_OK) import->added++;
    return rc;
}

/* ---- lines ---- */

static int put_lines(store_table *table, pack *p, store_import *import) {
    json_reader reader;
    json_reader_init(&reader, "", 0);
    const char *at = import->lines.data, *end = at + import->lines.len;
    int rc = SQLITE_OK;
    while (at < end && rc == SQLITE_OK) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        unsigned char key[STORE_KEY];
        store_record r;
        if (!store_recording_read(&reader, at, len, key, &r)) break;
        rc = put(table, p, &r, NULL, 0, import);
        at += stop ? len + 1 : len;
        import->line++;
    }
    json_reader_free(&reader);
    import->used = (size_t)(at - import->lines.data);
    return rc;
}

/* ---- another store ---- */

struct store_source {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *rows;
    int64_t last; /* the id of the last completion that was taken */
};

static const char next_sql[] =
    "SELECT key, created, record, id FROM completion WHERE id > ?1 ORDER BY id";
static const char next_of_first_sql[] = "SELECT key, created, completion, request, wire, id"
                                        " FROM completion WHERE id > ?1 ORDER BY id";

store_source *store_source_open(const char *path, char *err, size_t errlen) {
    store_source *s = calloc(1, sizeof *s);
    int rc = SQLITE_NOMEM;
    if (s) s->path = strdup(path);
    if (!s || !s->path) {
        snprintf(err, errlen, "out of memory");
        store_source_close(s);
        return NULL;
    }
    s->db = store_db_open(&(store_options){.path = path, .read_only = true}, &rc, err, errlen);
    if (!s->db) {
        store_source_close(s);
        return NULL;
    }
    const char *sql = store_table_is_first(s->db) ? next_of_first_sql : next_sql;
    rc = sqlite3_prepare_v2(s->db, sql, -1, &s->rows, NULL);
    if (rc == SQLITE_OK) return s;
    store_db_explain(s->db, rc, path, err, errlen);
    store_source_close(s);
    return NULL;
}

void store_source_close(store_source *s) {
    if (!s) return;
    sqlite3_finalize(s->rows);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

/* Puts the completion that the source stands on, if it is sound. Its record goes over as it is. */
static int put_row(store_table *table, pack *p, store_source *s, store_import *import,
                   bool *sound) {
    pack_text texts[PACK_TEXTS];
    bool packed = sqlite3_column_count(s->rows) == 4;
    store_record r = {.key = sqlite3_column_blob(s->rows, 0)};
    *sound = store_table_texts(s->rows, p, texts);
    if (*sound) {
        r.created_ms = sqlite3_column_int64(s->rows, 1);
        r.request = texts[RECORD_REQUEST].data, r.request_len = texts[RECORD_REQUEST].len;
        r.wire = texts[RECORD_WIRE].data, r.wire_len = texts[RECORD_WIRE].len;
        r.completion = texts[RECORD_COMPLETION].data;
        r.completion_len = texts[RECORD_COMPLETION].len;
        *sound = store_salvage_is_right(&r);
    }
    if (!*sound) return SQLITE_OK;
    const void *record = packed ? sqlite3_column_blob(s->rows, 2) : NULL;
    size_t len = packed ? (size_t)sqlite3_column_bytes(s->rows, 2) : 0;
    return put(table, p, &r, record, len, import);
}

static int put_source(store_table *table, pack *p, store_import *import) {
    store_source *s = import->source;
    int id_column = sqlite3_column_count(s->rows) - 1;
    sqlite3_bind_int64(s->rows, 1, s->last);
    int from = SQLITE_ROW, rc = SQLITE_OK;
    bool sound = true;
    for (size_t n = 0; rc == SQLITE_OK && sound && n < import->most; n++) {
        from = sqlite3_step(s->rows);
        if (from != SQLITE_ROW) break;
        int64_t id = sqlite3_column_int64(s->rows, id_column);
        sound = id > s->last; /* not so where pages are pointed to twice */
        s->last = id;
        if (sound) rc = put_row(table, p, s, import, &sound);
    }
    import->ended = from == SQLITE_DONE;
    if (from != SQLITE_ROW && from != SQLITE_DONE)
        store_db_explain(s->db, from, s->path, import->problem, sizeof import->problem);
    else if (!sound)
        store_db_explain(NULL, SQLITE_CORRUPT, s->path, import->problem, sizeof import->problem);
    sqlite3_reset(s->rows);
    return rc;
}

/* ---- jobs ---- */

static int run(store_work *work, sqlite3 *db, store_table *table) {
    sqlite3_wal_autocheckpoint(db, CHECKPOINT);
    store_import *import = &((import_work *)work)->import;
    int64_t last = import->source ? import->source->last : 0;
    pack *p = pack_new();
    if (!p) return SQLITE_NOMEM;
    store_table_expect(table, true);
    import->added = import->known = import->used = import->line = 0;
    import->problem[0] = '\0';
    int rc = import->source ? put_source(table, p, import) : put_lines(table, p, import);
    if (rc != SQLITE_OK && import->source) import->source->last = last;
    pack_free(p);
    return rc;
}

static void free_work(store_work *work) {
    free(work);
}

store_job *store_import_job(store_import **out) {
    store_job *job = calloc(1, sizeof *job);
    import_work *work = calloc(1, sizeof *work);
    if (!job || !work) {
        free(job);
        free(work);
        return NULL;
    }
    work->work = (store_work){.writes = true, .run = run, .free = free_work};
    job->op = STORE_WORK;
    job->work = &work->work;
    *out = &work->import;
    return job;
}

store_import *store_import_of(const store_job *job) {
    return &((import_work *)job->work)->import;
}
