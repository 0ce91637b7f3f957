#include "base/likeness.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/shingles.h"

/* Rounding must not take a pair off the threshold. */
#define SLACK 1e-9

/* The index is built anew when the texts are half as many again, or when looking has cost WORK
 * times what building costs. It is built beside the one in use, for each text so many steps as it
 * has shingles, STEPS times. */
#define GROWTH 1.5
#define WORK   4
#define STEPS  16

/* Slots for each entry when building begins: as many more come until the next index is in use. */
#define SLOTS 2.2

#define FEWEST       64 /* texts without which nothing is built anew */
#define LEAST_COUNTS (1u << 12)
#define MOST_COUNTS  (1u << 26)

/* --- large tables --- */

/* Zeroed memory of its own, which costs when it is touched: clearing a large table at once would
 * hold up whoever waits. */
static void *new_table(size_t bytes) {
    void *table = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return table == MAP_FAILED ? NULL : table;
}

static void free_table(void *table, size_t bytes) {
    if (table) munmap(table, bytes);
}

/* --- the same ones: a set of hashes --- */

typedef struct hashes {
    uint64_t *slots; /* 0 is free */
    size_t size, used;
} hashes;

static bool add_hash(hashes *set, uint64_t hash) {
    size_t at = (size_t)hash & (set->size - 1);
    while (set->slots[at] && set->slots[at] != hash) at = (at + 1) & (set->size - 1);
    bool is_new = set->slots[at] == 0;
    set->slots[at] = hash;
    set->used += is_new;
    return is_new;
}

static bool has_hash(const hashes *set, uint64_t hash) {
    if (set->size == 0) return false;
    size_t at = (size_t)hash & (set->size - 1);
    while (set->slots[at] && set->slots[at] != hash) at = (at + 1) & (set->size - 1);
    return set->slots[at] != 0;
}

static bool make_room(hashes *set) {
    if (set->used * 4 < set->size * 3) return true;
    hashes larger = {.size = set->size ? set->size * 2 : 1024};
    larger.slots = new_table(larger.size * sizeof *larger.slots);
    if (!larger.slots) return false;
    for (size_t i = 0; i < set->size; i++)
        if (set->slots[i]) add_hash(&larger, set->slots[i]);
    free_table(set->slots, set->size * sizeof *set->slots);
    *set = larger;
    return true;
}

/* --- the index --- */

typedef struct posting {
    uint32_t text, next; /* next: an index + 1, 0 at the end */
    uint32_t size;       /* the text's shingles */
} posting;

/* value: 0 free; a text + 1; with LISTED an index of the first posting. */
typedef struct slot {
    uint32_t shingle, value;
} slot;

#define LISTED 0x80000000u

typedef struct index {
    uint16_t *counts; /* how often shingles occur, those of equal low bits together */
    uint32_t counts_mask;
    slot *slots;
    size_t size, used;
    posting *postings;
    size_t postings_used, postings_size;
} index_of;

struct likeness {
    double threshold;
    hashes same;
    buf words, own, order; /* of the text that is looked up */

    shingles **texts;
    size_t count, size;
    size_t tokens, entries; /* of all texts; of those, in the index */
    uint32_t *looked;       /* by which look-up a text was compared last */
    uint32_t look;
    size_t compared;

    index_of now;
    size_t built; /* texts when it was begun */
    size_t work;  /* since it is in use */

    index_of next; /* being built, when it has slots */
    size_t cursor;
    bool counted;
};

static void free_index(index_of *x) {
    free_table(x->counts, ((size_t)x->counts_mask + 1) * sizeof *x->counts);
    free_table(x->slots, x->size * sizeof *x->slots);
    free(x->postings);
    *x = (index_of){0};
}

/* How many of n shingles come first. Two texts as like as the threshold t share `wanted` or more;
 * the first of these has wanted - 1 others behind it in both. With n and m shingles, n >= m:
 * wanted = t / (1 + t) * (n + m) >= t n, and >= 2 t / (1 + t) * m. So the first one that is shared
 * is among the `near` ones of the smaller text, and the `far` ones of the larger. */
typedef struct prefix {
    size_t near, far;
} prefix;

static size_t before(double share, size_t n) {
    size_t wanted = (size_t)ceil(share * (double)n - SLACK);
    return n - (wanted > 0 ? wanted : 1) + 1;
}

static prefix prefix_of(double t, size_t n) {
    return (prefix){before(2 * t / (1 + t), n), before(t, n)};
}

/* Under what a shingle stands in the index that is far, not near. */
static uint32_t far_one(uint32_t shingle) {
    return shingle ^ 0x55555555u;
}

static size_t slot_of(const index_of *x, uint32_t shingle) {
    size_t at = (size_t)((uint64_t)(shingle * 0x9e3779b1u) * x->size >> 32);
    while (x->slots[at].value && x->slots[at].shingle != shingle)
        if (++at == x->size) at = 0;
    return at;
}

static bool grow_slots(index_of *x, size_t size) {
    index_of larger = *x;
    larger.size = size;
    larger.slots = new_table(size * sizeof *larger.slots);
    if (!larger.slots) return false;
    for (size_t i = 0; i < x->size; i++)
        if (x->slots[i].value) larger.slots[slot_of(&larger, x->slots[i].shingle)] = x->slots[i];
    free_table(x->slots, x->size * sizeof *x->slots);
    *x = larger;
    return true;
}

static bool add_posting(index_of *x, uint32_t text, uint32_t size, uint32_t next, uint32_t *at) {
    if (x->postings_used == x->postings_size) {
        size_t room = x->postings_size ? x->postings_size * 2 : 256;
        posting *larger = realloc(x->postings, room * sizeof *larger);
        if (!larger) return false;
        x->postings = larger;
        x->postings_size = room;
    }
    x->postings[x->postings_used++] = (posting){text, next, size};
    *at = (uint32_t)x->postings_used;
    return true;
}

static bool add_entry(likeness *l, index_of *x, uint32_t shingle, uint32_t text) {
    if (x->used * 5 >= x->size * 4 && !grow_slots(x, x->size + x->size / 2 + 256)) return false;
    slot *s = &x->slots[slot_of(x, shingle)];
    if (s->value == 0) {
        *s = (slot){shingle, text + 1};
        x->used++;
        return true;
    }
    uint32_t head = 0;
    if (s->value & LISTED)
        head = s->value & ~LISTED;
    else if (!add_posting(x, s->value - 1, l->texts[s->value - 1]->count, 0, &head))
        return false;
    if (!add_posting(x, text, l->texts[text]->count, head, &head)) return false;
    s->value = LISTED | head;
    return true;
}

/* --- the order of shingles --- */

/* A shingle's place: rare ones first, then by value. */
static uint64_t place_of(const index_of *x, uint32_t shingle) {
    uint64_t often = x->counts ? x->counts[shingle & x->counts_mask] : 0;
    return often << 32 | shingle;
}

/* Puts the `first` least of n values before the others (Hoare's selection). */
static void select_first(uint64_t *list, size_t n, size_t first) {
    size_t low = 0, high = n;
    while (high - low > 1 && first > low && first < high) {
        uint64_t middle = list[low + (high - low) / 2];
        size_t i = low, j = high - 1;
        for (;;) {
            while (list[i] < middle) i++;
            while (list[j] > middle) j--;
            if (i >= j) break;
            uint64_t value = list[i];
            list[i++] = list[j];
            list[j--] = value;
        }
        if (first <= i)
            high = i;
        else
            low = i;
    }
}

/* Puts a few values in rising order. */
static void sort_few(uint64_t *list, size_t n) {
    for (size_t gap = n > 32 ? n / 3 : 1; gap > 0; gap = gap > 1 && gap < 3 ? 1 : gap / 3)
        for (size_t i = gap; i < n; i++) {
            uint64_t value = list[i];
            size_t at = i;
            while (at >= gap && list[at - gap] > value) list[at] = list[at - gap], at -= gap;
            list[at] = value;
        }
}

/* The shingles that come first, in order; NULL when out of memory. */
static const uint64_t *first_ones(likeness *l, const index_of *x, const shingles *s, prefix *p) {
    buf_clear(&l->order);
    if (!buf_reserve(&l->order, s->count * sizeof(uint64_t))) return NULL;
    uint64_t *order = (uint64_t *)(void *)l->order.data;
    for (size_t i = 0; i < s->count; i++) order[i] = place_of(x, s->list[i]);
    *p = prefix_of(l->threshold, s->count);
    select_first(order, s->count, p->far);
    sort_few(order, p->far);
    return order;
}

static bool index_text(likeness *l, index_of *x, const shingles *s, size_t text) {
    prefix p;
    const uint64_t *first = first_ones(l, x, s, &p);
    if (!first) return false;
    for (size_t i = 0; i < p.far; i++) {
        uint32_t shingle = (uint32_t)first[i];
        if (!add_entry(l, x, i < p.near ? shingle : far_one(shingle), (uint32_t)text)) return false;
    }
    return true;
}

/* --- building anew, in steps --- */

static bool begin_next(likeness *l) {
    size_t counts = LEAST_COUNTS;
    while (counts < MOST_COUNTS && counts < l->tokens / 4) counts *= 2;
    index_of next = {.counts_mask = (uint32_t)counts - 1,
                     .size = (size_t)((double)l->entries * SLOTS) + 1024};
    next.counts = new_table(counts * sizeof *next.counts);
    next.slots = new_table(next.size * sizeof *next.slots);
    l->next = next;
    l->cursor = 0;
    l->counted = false;
    if (next.counts && next.slots) return true;
    free_index(&l->next);
    return false;
}

static void count_text(index_of *x, const shingles *s) {
    for (size_t i = 0; i < s->count; i++) {
        uint16_t *count = &x->counts[s->list[i] & x->counts_mask];
        if (*count < UINT16_MAX) ++*count;
    }
}

/* Goes on building, or begins; the index is in use once it has all texts. */
static bool build(likeness *l, size_t steps) {
    if (!l->next.slots) {
        bool grown = (double)l->count >= GROWTH * (double)l->built;
        if (l->count < FEWEST || (!grown && l->work < WORK * 3 * l->tokens)) return true;
        if (!begin_next(l)) return false;
    }
    while (l->cursor < l->count) {
        const shingles *s = l->texts[l->cursor];
        if (!l->counted)
            count_text(&l->next, s);
        else if (!index_text(l, &l->next, s, l->cursor))
            return false;
        l->cursor++;
        if (l->cursor == l->count && !l->counted) {
            l->counted = true;
            l->cursor = 0;
        }
        if (steps < s->count) return true;
        steps -= s->count;
    }
    free_index(&l->now);
    l->now = l->next;
    l->next = (index_of){0};
    l->built = l->count;
    l->work = 0;
    return true;
}

/* --- looking up --- */

/* How many shingles two texts of these sizes share, if they are as like as the threshold. */
static size_t wanted_of(const likeness *l, size_t a, size_t b) {
    return (size_t)ceil((double)(a + b) * l->threshold / (1 + l->threshold) - SLACK);
}

/* Whether a text of `size` shingles is near, of which it is known that the own shingles before the
 * `at`th are not shared. */
static bool is_near(likeness *l, const shingles *own, size_t at, size_t text, size_t size) {
    size_t wanted = wanted_of(l, own->count, size);
    if (own->count - at < wanted || size < wanted || l->looked[text] == l->look) return false;
    l->looked[text] = l->look;
    l->compared++;
    l->work += own->count + size;
    return shingles_shared(own, l->texts[text], wanted) >= wanted;
}

static bool any_is_near(likeness *l, const shingles *own, size_t at, uint32_t shingle) {
    uint32_t value = l->now.slots[slot_of(&l->now, shingle)].value, one = value - 1;
    if (value == 0) return false;
    if (!(value & LISTED)) return is_near(l, own, at, one, l->texts[one]->count);
    for (uint32_t next = value & ~LISTED; next;) {
        const posting *p = &l->now.postings[next - 1];
        l->work++;
        if (is_near(l, own, at, p->text, p->size)) return true;
        next = p->next;
    }
    return false;
}

/* Whether a text of the index is near; LIKENESS_NEW when none is. */
static enum likeness_found find(likeness *l, const shingles *own) {
    prefix p;
    const uint64_t *first = first_ones(l, &l->now, own, &p);
    if (!first) return LIKENESS_NO_MEMORY;
    l->look++;
    for (size_t i = 0; i < p.far; i++) {
        uint32_t shingle = (uint32_t)first[i];
        if (any_is_near(l, own, i, shingle)) return LIKENESS_NEAR;
        if (i < p.near && any_is_near(l, own, i, far_one(shingle))) return LIKENESS_NEAR;
    }
    return LIKENESS_NEW;
}

static bool make_room_for_text(likeness *l) {
    if (l->count < l->size) return true;
    size_t size = l->size ? l->size * 2 : 256;
    shingles **texts = realloc(l->texts, size * sizeof *texts);
    if (texts) l->texts = texts;
    uint32_t *looked = realloc(l->looked, size * sizeof *looked);
    if (looked) l->looked = looked;
    if (!texts || !looked) return false;
    l->size = size;
    return true;
}

static bool remember(likeness *l, const shingles *own) {
    size_t bytes = sizeof *own + own->count * sizeof *own->list;
    shingles *kept = make_room_for_text(l) ? malloc(bytes) : NULL;
    if (!kept) return false;
    memcpy(kept, own, bytes);
    l->looked[l->count] = 0;
    l->texts[l->count++] = kept;
    l->tokens += own->count;
    l->entries += prefix_of(l->threshold, own->count).far;
    return index_text(l, &l->now, own, l->count - 1) &&
           build(l, STEPS * ((size_t)own->count + FEWEST));
}

enum likeness_found likeness_see(likeness *l, const char *words, size_t len) {
    uint64_t whole;
    if (!shingles_hash(&l->words, words, len, &whole) || !make_room(&l->same))
        return LIKENESS_NO_MEMORY;
    if (has_hash(&l->same, whole)) return LIKENESS_SAME;
    if (l->threshold > 0) {
        if (!shingles_make(&l->own, &l->words)) return LIKENESS_NO_MEMORY;
        const shingles *own = shingles_in(&l->own);
        enum likeness_found found = find(l, own);
        if (found != LIKENESS_NEW) return found;
        if (!remember(l, own)) return LIKENESS_NO_MEMORY;
    }
    add_hash(&l->same, whole);
    return LIKENESS_NEW;
}

likeness *likeness_new(double threshold) {
    likeness *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->threshold = threshold;
    if (threshold <= 0 || grow_slots(&l->now, 1024)) return l;
    free(l);
    return NULL;
}

void likeness_free(likeness *l) {
    if (!l) return;
    for (size_t i = 0; i < l->count; i++) free(l->texts[i]);
    free(l->texts);
    free(l->looked);
    free_table(l->same.slots, l->same.size * sizeof *l->same.slots);
    free_index(&l->now);
    free_index(&l->next);
    buf_free(&l->words);
    buf_free(&l->own);
    buf_free(&l->order);
    free(l);
}

size_t likeness_compared(const likeness *l) {
    return l->compared;
}

double likeness_of(const char *a, size_t a_len, const char *b, size_t b_len) {
    buf words = {0}, lists[2] = {{0}, {0}};
    uint64_t whole;
    bool well = shingles_hash(&words, a, a_len, &whole) && shingles_make(&lists[0], &words) &&
                shingles_hash(&words, b, b_len, &whole) && shingles_make(&lists[1], &words);
    double alike = -1;
    if (well) {
        const shingles *x = shingles_in(&lists[0]);
        const shingles *y = shingles_in(&lists[1]);
        size_t both = shingles_shared(x, y, 0);
        alike = (double)both / (double)((size_t)x->count + y->count - both);
    }
    buf_free(&words);
    buf_free(&lists[0]);
    buf_free(&lists[1]);
    return alike;
}
