#include "engine/store/sweep.h"

#include "base/crew.h"
#include "engine/store/salvage.h"
#include "engine/store/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Completions go to a thread in batches, of so many or so many bytes. */
enum { BATCH = 32, BATCH_BYTES = 256 << 10 };

/* A completion: where it stands in the batch's bytes, and what was found. */
typedef struct row {
    int64_t id, created_ms;
    unsigned char key[STORE_KEY];
    bool packed;
    bool damaged, no_memory;
    size_t at, len[PACK_TEXTS]; /* the record is the first of the texts */
    size_t note_at, note_len;
} row;

typedef struct batch {
    buf bytes, notes;
    size_t count, shown;
    row rows[BATCH];
    pack *pack;
    json_reader reader;
    bool ready; /* the two above are made */
} batch;

struct store_sweep {
    store_look look;
    void *arg;
    bool check;
    crew *crew;
    batch *filling, *showing;
};

/* ---- on any thread ---- */

static bool make_ready(batch *b) {
    if (!b->ready) json_reader_init(&b->reader, "", 0);
    b->ready = true;
    if (!b->pack) b->pack = pack_new();
    return b->pack != NULL;
}

/* The texts of a completion. False when they are damaged. */
static bool unpack(batch *b, const row *r, pack_text texts[PACK_TEXTS]) {
    const char *at = b->bytes.data + r->at;
    if (r->packed) return pack_open(b->pack, at, r->len[0], texts);
    for (int i = 0; i < PACK_TEXTS; at += r->len[i++]) texts[i] = (pack_text){at, r->len[i]};
    return true;
}

static void look_at(const store_sweep *s, batch *b, row *r) {
    pack_text texts[PACK_TEXTS];
    if (!unpack(b, r, texts)) {
        r->damaged = true;
        return;
    }
    store_record record = {.key = r->key,
                           .created_ms = r->created_ms,
                           .request = texts[RECORD_REQUEST].data,
                           .request_len = texts[RECORD_REQUEST].len,
                           .wire = texts[RECORD_WIRE].data,
                           .wire_len = texts[RECORD_WIRE].len,
                           .completion = texts[RECORD_COMPLETION].data,
                           .completion_len = texts[RECORD_COMPLETION].len};
    r->damaged = s->check && !store_salvage_is_right(&record);
    if (r->damaged) return;
    r->note_at = b->notes.len;
    r->no_memory = !s->look(s->arg, &b->reader, &record, &b->notes);
    r->note_len = b->notes.len - r->note_at;
}

static void work(void *arg, void *slot) {
    batch *b = slot;
    bool ready = make_ready(b);
    for (size_t i = 0; i < b->count; i++) {
        if (!ready)
            b->rows[i].no_memory = true;
        else if (!b->rows[i].damaged)
            look_at(arg, b, &b->rows[i]);
    }
}

/* ---- the caller's side ---- */

static void release(void *slot) {
    batch *b = slot;
    buf_free(&b->bytes);
    buf_free(&b->notes);
    pack_free(b->pack);
    if (b->ready) json_reader_free(&b->reader);
}

store_sweep *store_sweep_new(store_look look, void *arg, bool check) {
    store_sweep *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    *s = (store_sweep){.look = look, .arg = arg, .check = check};
    s->crew = crew_new(crew_usual(), sizeof(batch), work, s);
    if (s->crew) return s;
    free(s);
    return NULL;
}

void store_sweep_free(store_sweep *s) {
    if (!s) return;
    crew_free(s->crew, release);
    free(s);
}

static bool is_full(const batch *b) {
    return b->count == BATCH || b->bytes.len >= BATCH_BYTES;
}

static row *next_row(store_sweep *s, int64_t id) {
    batch *b = s->filling;
    if (!b) {
        b = s->filling = crew_room(s->crew);
        assert(b); /* what was full has been taken */
        b->count = b->shown = 0;
        buf_clear(&b->bytes);
        buf_clear(&b->notes);
    }
    row *r = &b->rows[b->count++];
    *r = (row){.id = id, .at = b->bytes.len};
    return r;
}

static const void *column(sqlite3_stmt *stmt, int at, bool packed) {
    return packed ? sqlite3_column_blob(stmt, at) : sqlite3_column_text(stmt, at);
}

bool store_sweep_add(store_sweep *s, int64_t id, sqlite3_stmt *stmt) {
    row *r = next_row(s, id);
    r->damaged = !stmt || sqlite3_column_bytes(stmt, 0) != STORE_KEY;
    if (r->damaged) return true;
    r->created_ms = sqlite3_column_int64(stmt, 1);
    memcpy(r->key, sqlite3_column_blob(stmt, 0), STORE_KEY);
    r->packed = sqlite3_column_type(stmt, 2) == SQLITE_BLOB;
    for (int i = 0; i < (r->packed ? 1 : PACK_TEXTS); i++) {
        const void *text = column(stmt, 2 + i, r->packed);
        r->len[i] = (size_t)sqlite3_column_bytes(stmt, 2 + i);
        if (!text)
            r->damaged = true;
        else if (!buf_append(&s->filling->bytes, text, r->len[i]))
            return false;
    }
    return true;
}

void store_sweep_spoil(store_sweep *s) {
    s->filling->rows[s->filling->count - 1].damaged = true;
}

/* The batch whose rows are given back; NULL when there is none yet, or none any more. */
static batch *batch_to_show(store_sweep *s, bool more) {
    if (s->showing && s->showing->shown < s->showing->count) return s->showing;
    if (s->showing) crew_done(s->crew);
    s->showing = NULL;
    if (s->filling && (!more || is_full(s->filling))) {
        crew_give(s->crew);
        s->filling = NULL;
    }
    if (more && (s->filling || crew_room(s->crew))) return NULL;
    return s->showing = crew_take(s->crew);
}

bool store_sweep_take(store_sweep *s, bool more, store_swept *out) {
    batch *b = batch_to_show(s, more);
    if (!b) return false;
    const row *r = &b->rows[b->shown++];
    *out = (store_swept){.id = r->id,
                         .end = r->damaged     ? SWEPT_DAMAGED
                                : r->no_memory ? SWEPT_NO_MEMORY
                                               : SWEPT_SOUND,
                         .record = {.key = r->key, .created_ms = r->created_ms}};
    if (r->note_len) out->record.note = b->notes.data + r->note_at;
    out->record.note_len = r->note_len;
    return true;
}
