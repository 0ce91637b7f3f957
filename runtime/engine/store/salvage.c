#include "engine/store/salvage.h"

#include "engine/digest.h"
#include "engine/store/pages.h"
#include "engine/store/table.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What looks like a completion, and where it stands. */
typedef struct found {
    int64_t created, id;
    uint64_t prefix; /* of its key */
    uint32_t page;
    uint16_t cell;
} found;

/* Numbers, some of them again and again. */
typedef struct numbers {
    int64_t *list;
    size_t count, room;
} numbers;

struct store_salvage {
    pages pages;
    pack *pack;
    buf row;
    found *list;
    size_t count, room;
    numbers known, shown; /* ids: of completions that there are or were; that were shown */
    uint64_t *keys;       /* prefixes that were shown: a hash table; its size is a power of two */
    size_t keys_size;
    bool by_id; /* how the list is sorted */
    bool no_memory;
};

bool store_salvage_is_right(const store_record *record) {
    unsigned char actual[DIGEST_SIZE];
    digest_sha256(record->request, record->request_len, actual);
    return memcmp(actual, record->key, sizeof actual) == 0;
}

/* ---- gathering ---- */

static bool grow(void **list, size_t *room, size_t count, size_t size) {
    if (count < *room) return true;
    size_t wanted = *room ? 2 * *room : 1024;
    void *more = realloc(*list, wanted * size);
    if (!more) return false;
    *list = more;
    *room = wanted;
    return true;
}

static void add_number(store_salvage *s, numbers *n, int64_t number) {
    if (!grow((void **)&n->list, &n->room, n->count, sizeof *n->list)) {
        s->no_memory = true;
        return;
    }
    n->list[n->count++] = number;
}

enum { KEY_TYPE = 12 + 2 * STORE_KEY };

/* Whether columns are those of a completion, of either version (engine/store/table.c). */
static bool is_completion(const column *columns, unsigned count) {
    if (count != 4 && count != 6) return false;
    if (columns[0].type != 0 || columns[1].type != KEY_TYPE) return false;
    bool dated = (columns[2].type >= 1 && columns[2].type <= 6) || columns[2].type == 8 ||
                 columns[2].type == 9;
    if (count == 4) return dated && columns[3].type >= 12 && columns[3].type % 2 == 0;
    bool texts = true;
    for (int i = 3; i < 6; i++) texts = texts && columns[i].type >= 13 && columns[i].type % 2 == 1;
    return dated && texts;
}

/* The id that a row of key_index or recent speaks of; 0 for other rows. */
static int64_t id_in(const cell *c, const column *columns, unsigned count, enum page_kind kind) {
    if (count != 2) return 0;
    if (kind == PAGE_INDEX) return pages_integer(c, &columns[1], 0);
    return columns[0].type == 0 && columns[1].type == KEY_TYPE ? c->id : 0;
}

static void take_cell(store_salvage *s, uint32_t page, unsigned number, const cell *c,
                      enum page_kind kind) {
    column columns[COLUMNS_MOST];
    unsigned count = pages_columns(c, columns);
    if (kind == PAGE_ROWS && is_completion(columns, count)) {
        if (columns[2].at + columns[2].len > c->here_len) return;
        if (!grow((void **)&s->list, &s->room, s->count, sizeof *s->list)) {
            s->no_memory = true;
            return;
        }
        add_number(s, &s->known, c->id);
        s->list[s->count++] =
            (found){.created = pages_integer(c, &columns[2], 0),
                    .id = c->id,
                    .prefix = (uint64_t)store_table_prefix(c->here + columns[1].at),
                    .page = page,
                    .cell = (uint16_t)number};
        return;
    }
    int64_t id = id_in(c, columns, count, kind);
    if (id > 0) add_number(s, &s->known, id);
}

static void gather(store_salvage *s) {
    static unsigned char page[PAGE_MOST];
    for (uint32_t at = 0; at < pages_count(&s->pages); at++) {
        if (!pages_wanted(&s->pages, at) || !pages_read(&s->pages, at, page)) continue;
        enum page_kind kind = pages_kind(at, page);
        if (kind == PAGE_OTHER) continue;
        unsigned cells = pages_cells(&s->pages, at, page);
        for (unsigned i = 0; i < cells; i++) {
            cell c;
            if (pages_cell(&s->pages, at, page, i, &c)) take_cell(s, at, i, &c, kind);
        }
    }
}

/* ---- order ---- */

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

static int by_place(const found *a, const found *b) {
    int order = ORDER(a->page, b->page);
    return order ? order : ORDER(a->cell, b->cell);
}

static int by_time(const void *x, const void *y) {
    const found *a = x, *b = y;
    int order = ORDER(a->created, b->created);
    if (!order) order = ORDER(a->prefix, b->prefix);
    return order ? order : by_place(a, b);
}

static int as_written(const void *x, const void *y) {
    const found *a = x, *b = y;
    int order = ORDER(a->id, b->id);
    return order ? order : by_place(a, b);
}

static int last_first(const void *x, const void *y) {
    return as_written(y, x);
}

static void sort(store_salvage *s, enum store_order order) {
    static int (*const by[])(const void *, const void *) = {[STORE_BY_TIME] = by_time,
                                                            [STORE_AS_WRITTEN] = as_written,
                                                            [STORE_LAST_FIRST] = last_first};
    if (s->count) qsort(s->list, s->count, sizeof *s->list, by[order]);
    s->by_id = order == STORE_AS_WRITTEN;
}

/* ---- showing ---- */

static bool make_keys(store_salvage *s) {
    s->keys_size = 1024;
    while (s->keys_size < 2 * s->count) s->keys_size *= 2;
    s->keys = calloc(s->keys_size, sizeof *s->keys);
    return s->keys != NULL;
}

/* Its place among the keys: where it stands, or an empty one. */
static uint64_t *place_of_key(const store_salvage *s, uint64_t prefix) {
    if (!prefix) prefix = 1;
    size_t at = (size_t)prefix & (s->keys_size - 1);
    while (s->keys[at] && s->keys[at] != prefix) at = (at + 1) & (s->keys_size - 1);
    return &s->keys[at];
}

/* Shows a row that holds a sound completion. False when it does not. */
static bool show_row(store_salvage *s, const column *columns, unsigned count, store_visitor fn,
                     void *arg, int *stop) {
    const char *row = s->row.data;
    store_record r = {.key = (const unsigned char *)row + columns[1].at};
    pack_text texts[PACK_TEXTS];
    if (count == 4) {
        if (!pack_open(s->pack, row + columns[3].at, columns[3].len, texts)) return false;
    } else {
        for (int i = 0; i < PACK_TEXTS; i++)
            texts[i] = (pack_text){row + columns[3 + i].at, columns[3 + i].len};
    }
    r.request = texts[RECORD_REQUEST].data, r.request_len = texts[RECORD_REQUEST].len;
    r.wire = texts[RECORD_WIRE].data, r.wire_len = texts[RECORD_WIRE].len;
    r.completion = texts[RECORD_COMPLETION].data, r.completion_len = texts[RECORD_COMPLETION].len;
    if (!store_salvage_is_right(&r)) return false;
    cell here = {.here = (const unsigned char *)row, .here_len = s->row.len, .size = s->row.len};
    r.created_ms = pages_integer(&here, &columns[2], 0);
    *stop = fn(arg, &r);
    return true;
}

static bool show(store_salvage *s, const found *f, store_visitor fn, void *arg, int *stop) {
    static unsigned char page[PAGE_MOST];
    cell c;
    column columns[COLUMNS_MOST];
    if (!pages_read(&s->pages, f->page, page) || !pages_cell(&s->pages, f->page, page, f->cell, &c))
        return false;
    unsigned count = pages_columns(&c, columns);
    if (!is_completion(columns, count)) return false; /* the file has changed meanwhile */
    bool logged = f->page >= s->pages.in_file;
    /* It goes on in pages of its own age; what is no longer there is where it was moved to. */
    return (pages_row(&s->pages, &c, logged, &s->row) &&
            show_row(s, columns, count, fn, arg, stop)) ||
           (pages_row(&s->pages, &c, !logged, &s->row) &&
            show_row(s, columns, count, fn, arg, stop));
}

/* Whether it stands behind the one that was shown last. */
static bool is_behind(const found *f, enum store_order order, int64_t after) {
    if (after == 0 || order == STORE_BY_TIME) return true;
    return order == STORE_AS_WRITTEN ? f->id > after : f->id < after;
}

static int show_all(store_salvage *s, enum store_order order, int64_t after, store_visitor fn,
                    void *arg) {
    int stop = 0;
    for (size_t i = 0; i < s->count && !stop && !s->no_memory; i++) {
        const found *f = &s->list[i];
        uint64_t *key = place_of_key(s, f->prefix);
        bool shown = *key || !is_behind(f, order, after);
        if (!shown && !show(s, f, fn, arg, &stop)) continue;
        *key = f->prefix ? f->prefix : 1;
        add_number(s, &s->shown, f->id);
    }
    return stop;
}

/* ---- what is lost ---- */

static int by_number(const void *x, const void *y) {
    const int64_t *a = x, *b = y;
    return ORDER(*a, *b);
}

/* Sorts, and leaves one of each. */
static void make_unique(numbers *n) {
    size_t kept = 0;
    if (n->count) qsort(n->list, n->count, sizeof *n->list, by_number);
    for (size_t i = 0; i < n->count; i++)
        if (kept == 0 || n->list[i] != n->list[kept - 1]) n->list[kept++] = n->list[i];
    n->count = kept;
}

static size_t count_lost(store_salvage *s) {
    make_unique(&s->known);
    make_unique(&s->shown);
    assert(s->known.count >= s->shown.count);
    return s->known.count - s->shown.count;
}

/* ---- all of it ---- */

void store_salvage_close(store_salvage *s) {
    if (!s) return;
    pages_close(&s->pages);
    pack_free(s->pack);
    buf_free(&s->row);
    free(s->list);
    free(s->known.list);
    free(s->shown.list);
    free(s->keys);
    free(s);
}

/* Gathers what there is with pages of a size. NULL when there is nothing. */
static store_salvage *open_with(const char *path, size_t size) {
    store_salvage *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    if (pages_open(&s->pages, path, size)) gather(s);
    s->pack = pack_new();
    if (s->count && s->pack && !s->no_memory) return s;
    store_salvage_close(s);
    return NULL;
}

store_salvage *store_salvage_open(const char *path) {
    /* As the header says, and where that is damaged, as stores are made and were made once. */
    static const size_t sizes[] = {0, 8192, 4096};
    store_salvage *s = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !s; i++) s = open_with(path, sizes[i]);
    return s;
}

int store_salvage_each(store_salvage *s, enum store_order order, int64_t after, store_visitor fn,
                       void *arg, store_damage *damage) {
    damage->any = true;
    sort(s, order);
    if (!make_keys(s)) return -1;
    int stop = show_all(s, order, after, fn, arg);
    if (stop == 0) damage->lost += count_lost(s);
    return s->no_memory ? -1 : stop;
}

bool store_salvage_one(store_salvage *s, int64_t id, store_visitor fn, void *arg, int *stop) {
    if (!s->by_id) sort(s, STORE_AS_WRITTEN);
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->list[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    bool shown = false;
    for (; low < s->count && s->list[low].id == id && !shown; low++)
        shown = show(s, &s->list[low], fn, arg, stop);
    return shown;
}
