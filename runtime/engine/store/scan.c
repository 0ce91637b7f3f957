#include "engine/store/scan.h"

#include "engine/store/db.h"
#include "engine/store/salvage.h"
#include "engine/store/sweep.h"
#include "engine/store/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* What a scan shows to whom, and what it may pass over. */
typedef struct scan {
    sqlite3 *db;
    sqlite3_stmt *row;
    pack *pack;
    store_visitor fn;
    void *arg;
    int stop;
    int64_t last;         /* id of what was looked at */
    store_damage *damage; /* NULL: damage is a failure */
    bool keys_only;
    const char *path;       /* of what is salvaged from; NULL: nothing is */
    store_salvage *salvage; /* once something was damaged */
    bool salvaged;          /* that was tried */
    store_look look;        /* NULL: texts are shown */
    store_sweep *sweep;     /* with a look */
    json_reader reader;     /* with a look, for what is salvaged */
    buf note;
    bool added; /* the row that was read last is in the sweep */
    bool no_memory;
} scan;

/* SQLITE_ERROR is its word for a format or a schema that it does not know. */
static bool is_damage(int rc) {
    int primary = rc & 0xff;
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR ||
           rc == SQLITE_IOERR_SHORT_READ;
}

/* ---- one completion ---- */

/* Fills in the texts of the row that the statement stands on. False when it is damaged. */
static bool take_texts(scan *s, store_record *record) {
    pack_text texts[PACK_TEXTS];
    if (!store_table_texts(s->row, s->pack, texts)) return false;
    record->request = texts[RECORD_REQUEST].data;
    record->request_len = texts[RECORD_REQUEST].len;
    record->wire = texts[RECORD_WIRE].data;
    record->wire_len = texts[RECORD_WIRE].len;
    record->completion = texts[RECORD_COMPLETION].data;
    record->completion_len = texts[RECORD_COMPLETION].len;
    return !s->damage || store_salvage_is_right(record);
}

/* Shows the row that the statement stands on. */
static int show_row(scan *s, int64_t id) {
    (void)id;
    store_record record = {.key = sqlite3_column_blob(s->row, 0),
                           .created_ms = sqlite3_column_int64(s->row, 1)};
    if (sqlite3_column_bytes(s->row, 0) != STORE_KEY) return SQLITE_CORRUPT;
    if (!s->keys_only && !take_texts(s, &record)) return SQLITE_CORRUPT;
    s->stop = s->fn(s->arg, &record);
    return SQLITE_OK;
}

/* Shows a completion that was salvaged. */
static int show_salvaged(void *arg, const store_record *record) {
    scan *s = arg;
    if (!s->look) return s->fn(s->arg, record);
    store_record looked = {.key = record->key, .created_ms = record->created_ms};
    buf_clear(&s->note);
    s->no_memory = !s->look(s->arg, &s->reader, record, &s->note);
    if (s->no_memory) return 1;
    looked.note = s->note.data;
    looked.note_len = s->note.len;
    return s->fn(s->arg, &looked);
}

/* Shows a completion that SQLite could not read, from the pages themselves; counts it when that
 * cannot be either. */
static void show_damaged(scan *s, int64_t id) {
    if (!s->salvaged) s->salvage = store_salvage_open(s->path);
    s->salvaged = true;
    s->damage->any = true;
    if (!s->salvage || !store_salvage_one(s->salvage, id, show_salvaged, s, &s->stop))
        s->damage->lost++;
}

/* Passes over a completion that is damaged, where that may be. */
static int pass_over(scan *s, int64_t id, int rc) {
    if (!is_damage(rc) || !s->damage) return rc;
    if (s->path)
        show_damaged(s, id);
    else
        s->damage->lost++;
    return s->no_memory ? SQLITE_NOMEM : SQLITE_OK;
}

/* Does something with the row of this id. */
static int with_row(scan *s, int64_t id, int (*fn)(scan *, int64_t id)) {
    s->last = id;
    sqlite3_bind_int64(s->row, 1, id);
    int rc = sqlite3_step(s->row);
    if (rc == SQLITE_ROW)
        rc = fn(s, id);
    else if (rc == SQLITE_DONE)
        rc = SQLITE_CORRUPT;
    int reset = sqlite3_reset(s->row);
    return rc == SQLITE_OK ? reset : rc;
}

/* Shows the completion with this id; what is damaged is counted, where it may be. */
static int show(scan *s, int64_t id) {
    return pass_over(s, id, with_row(s, id, show_row));
}

/* ---- looked at side by side ---- */

/* Shows what has been looked at; all of it when no more comes. */
static int show_looked(scan *s, bool more) {
    store_swept swept;
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && !s->stop && store_sweep_take(s->sweep, more, &swept)) {
        switch (swept.end) {
        case SWEPT_SOUND: s->stop = s->fn(s->arg, &swept.record); break;
        case SWEPT_DAMAGED: rc = pass_over(s, swept.id, SQLITE_CORRUPT); break;
        case SWEPT_NO_MEMORY: rc = SQLITE_NOMEM; break;
        }
    }
    return rc;
}

static int add_row(scan *s, int64_t id) {
    s->added = true;
    return store_sweep_add(s->sweep, id, s->row) ? SQLITE_OK : SQLITE_NOMEM;
}

/* Has the completion with this id looked at. */
static int look_at(scan *s, int64_t id) {
    int rc = show_looked(s, true);
    if (rc != SQLITE_OK || s->stop) return rc;
    s->added = false;
    rc = with_row(s, id, add_row);
    if (!is_damage(rc)) return rc;
    if (s->added)
        store_sweep_spoil(s->sweep);
    else if (!store_sweep_add(s->sweep, id, NULL))
        return SQLITE_NOMEM;
    return SQLITE_OK;
}

/* ---- all of them ---- */

/* The order comes from ids and not from whole rows, so that SQLite sorts some tens of bytes a
 * completion and not kilobytes. */
static const char *const order_sql[] = {
    [STORE_BY_TIME] = "SELECT id FROM completion ORDER BY created, key",
    [STORE_AS_WRITTEN] = "SELECT id FROM completion ORDER BY id",
    [STORE_LAST_FIRST] = "SELECT id FROM completion ORDER BY id DESC",
};

/* Steps to the next id. A page that is pointed to twice shows what it holds twice, and SQLite does
 * not see that. */
static int next_id(scan *s, sqlite3_stmt *ids, enum store_order order, int64_t *id) {
    int rc = sqlite3_step(ids);
    if (rc != SQLITE_ROW) return rc;
    *id = sqlite3_column_int64(ids, 0);
    bool first = s->last == 0; /* no store has an id below 1 */
    if (order == STORE_AS_WRITTEN && *id <= s->last) return SQLITE_CORRUPT;
    if (order == STORE_LAST_FIRST && (*id < 1 || (!first && *id >= s->last))) return SQLITE_CORRUPT;
    return rc;
}

static int in_order(scan *s, enum store_order order) {
    sqlite3_stmt *ids = NULL;
    int rc = sqlite3_prepare_v2(s->db, order_sql[order], -1, &ids, NULL);
    int64_t id;
    while (rc == SQLITE_OK && !s->stop && (rc = next_id(s, ids, order, &id)) == SQLITE_ROW)
        rc = s->look ? look_at(s, id) : show(s, id);
    sqlite3_finalize(ids);
    int shown = s->look && !s->stop ? show_looked(s, false) : SQLITE_OK;
    if (shown != SQLITE_OK || s->stop) return shown;
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The integer that a query gives; `otherwise` when it gives none. */
static int64_t ask(sqlite3 *db, const char *sql, int64_t otherwise) {
    sqlite3_stmt *query = NULL;
    int64_t value = otherwise;
    if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        value = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return value;
}

/* How many completions there are by the table's own pages; -1 when those make no sense. */
static int64_t count_rows(sqlite3 *db) {
    sqlite3_stmt *ids = NULL;
    int64_t count = 0, last = INT64_MIN;
    int rc = sqlite3_prepare_v2(db, "SELECT id FROM completion NOT INDEXED", -1, &ids, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(ids)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(ids, 0);
        rc = id > last ? SQLITE_OK : SQLITE_CORRUPT;
        last = id;
        count++;
    }
    sqlite3_finalize(ids);
    return rc == SQLITE_DONE ? count : -1;
}

/* Whether the table has as many completions as are noted elsewhere; true where none are noted. */
static bool is_complete(sqlite3 *db) {
    int64_t noted =
        ask(db, "SELECT (SELECT count(*) FROM key_index) + (SELECT count(*) FROM recent)", -1);
    int64_t rows = count_rows(db);
    return rows >= 0 && (noted < 0 || rows == noted);
}

/* At most `most`, evenly over the ids. Each is found by its id, so that the pages between are not
 * read. What was pruned leaves gaps. */
static int spread(scan *s, size_t most) {
    int64_t last = ask(s->db, "SELECT max(id) FROM completion", 0);
    /* Unsigned: a damaged store may have the greatest id that there is. */
    uint64_t step = (uint64_t)last / most + 1;
    int rc = SQLITE_OK;
    for (uint64_t id = 1; last > 0 && id <= (uint64_t)last && rc == SQLITE_OK && !s->stop;
         id += step)
        rc = show(s, (int64_t)id);
    return rc;
}

/* ---- connections ---- */

static int begin(scan *s, const char *path, char *err, size_t errlen) {
    int rc;
    s->db = store_db_open(&(store_options){.path = path, .read_only = true}, &rc, err, errlen);
    if (!s->db) return rc;
    /* One transaction: a run that goes on meanwhile does not change what is seen. */
    rc = sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(s->db, store_table_row(s->db), -1, &s->row, NULL);
    s->pack = pack_new();
    if (s->look) s->sweep = store_sweep_new(s->look, s->arg, s->damage != NULL);
    if (!s->pack || (s->look && !s->sweep)) rc = SQLITE_NOMEM;
    if (rc != SQLITE_OK) store_db_explain(s->db, rc, path, err, errlen);
    return rc;
}

static void end(scan *s) {
    store_salvage_close(s->salvage);
    store_sweep_free(s->sweep);
    pack_free(s->pack);
    sqlite3_finalize(s->row);
    sqlite3_close(s->db);
}

/* Goes on where SQLite cannot. */
static int salvage(scan *s, enum store_order order, char *err, size_t errlen) {
    store_salvage *from = store_salvage_open(s->path);
    if (!from) return -1;
    int shown = store_salvage_each(from, order, s->last, show_salvaged, s, s->damage);
    store_salvage_close(from);
    if (s->no_memory) shown = -1;
    if (shown < 0) snprintf(err, errlen, "the store %s failed: out of memory", s->path);
    return shown;
}

static int each(scan *s, enum store_order order, char *err, size_t errlen) {
    bool by_time = order == STORE_BY_TIME;
    int rc = begin(s, s->path, err, errlen);
    if (rc == SQLITE_OK) {
        bool whole = !s->damage || !by_time || is_complete(s->db);
        rc = whole ? in_order(s, order) : SQLITE_CORRUPT;
        if (rc != SQLITE_OK) store_db_explain(s->db, rc, s->path, err, errlen);
    }
    end(s);
    if (rc == SQLITE_OK) return s->stop;
    /* In the order of time nothing was shown yet: SQLite fails before the first one, as it sorts.
     */
    if (!s->damage || !is_damage(rc) || (by_time && s->last != 0)) return -1;
    return salvage(s, order, err, errlen);
}

int store_each(const char *path, const store_how *how, store_visitor fn, void *arg, char *err,
               size_t errlen) {
    scan s = {.fn = fn,
              .arg = arg,
              .path = path,
              .damage = how->damage,
              .keys_only = how->keys_only,
              .look = how->look};
    if (s.damage) *s.damage = (store_damage){0};
    json_reader_init(&s.reader, "", 0);
    int status = each(&s, how->order, err, errlen);
    json_reader_free(&s.reader);
    buf_free(&s.note);
    return status;
}

int store_sample(const char *path, size_t most, store_visitor fn, void *arg, char *err,
                 size_t errlen) {
    store_damage left_out;
    scan s = {.fn = fn, .arg = arg, .damage = &left_out};
    int rc = begin(&s, path, err, errlen);
    if (rc == SQLITE_OK) {
        rc = spread(&s, most > 0 ? most : 1);
        if (rc != SQLITE_OK) store_db_explain(s.db, rc, path, err, errlen);
    }
    end(&s);
    return rc == SQLITE_OK ? s.stop : -1;
}

/* ---- by key ---- */

static const char *find_sql(sqlite3 *db) {
    if (ask(db, "PRAGMA user_version", 0) == 1)
        return "SELECT id FROM completion WHERE key BETWEEN ?1 AND ?2 LIMIT ?3";
    return "SELECT k.id FROM key_index k CROSS JOIN completion c ON c.id = k.id"
           " WHERE k.prefix BETWEEN ?3 AND ?4 AND c.key BETWEEN ?1 AND ?2"
           " UNION ALL SELECT id FROM recent WHERE key BETWEEN ?1 AND ?2 LIMIT ?5";
}

/* Notes the ids of the completions with such keys, one more than `most` at the most. */
static int find_ids(sqlite3 *db, const unsigned char *low, const unsigned char *high, size_t most,
                    int64_t *ids, size_t *count) {
    sqlite3_stmt *query = NULL;
    int rc = sqlite3_prepare_v2(db, find_sql(db), -1, &query, NULL);
    sqlite3_bind_blob(query, 1, low, STORE_KEY, SQLITE_STATIC);
    sqlite3_bind_blob(query, 2, high, STORE_KEY, SQLITE_STATIC);
    bool indexed = sqlite3_bind_parameter_count(query) == 5;
    if (indexed) sqlite3_bind_int64(query, 3, store_table_prefix(low));
    if (indexed) sqlite3_bind_int64(query, 4, store_table_prefix(high));
    sqlite3_bind_int64(query, indexed ? 5 : 3, (int64_t)most + 1);
    while (rc == SQLITE_OK && (rc = sqlite3_step(query)) == SQLITE_ROW) {
        if (*count < most) ids[*count] = sqlite3_column_int64(query, 0);
        ++*count;
        rc = SQLITE_OK;
    }
    sqlite3_finalize(query);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int64_t store_find(const char *path, const unsigned char low[STORE_KEY],
                   const unsigned char high[STORE_KEY], size_t most, store_visitor fn, void *arg,
                   char *err, size_t errlen) {
    assert((low[0] ^ high[0]) < 0x80);
    scan s = {.fn = fn, .arg = arg};
    size_t count = 0;
    int64_t *ids = calloc(most + 1, sizeof *ids);
    int rc = begin(&s, path, err, errlen);
    if (rc == SQLITE_OK) {
        rc = ids ? find_ids(s.db, low, high, most, ids, &count) : SQLITE_NOMEM;
        for (size_t i = 0; i < count && count <= most && rc == SQLITE_OK && !s.stop; i++)
            rc = show(&s, ids[i]);
        if (rc != SQLITE_OK) store_db_explain(s.db, rc, path, err, errlen);
    }
    end(&s);
    free(ids);
    return rc == SQLITE_OK ? (int64_t)count : -1;
}
