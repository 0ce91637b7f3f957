#include "base/intern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

void intern_free(intern *in) {
    free(in->records);
    free(in->table);
    *in = intern_of(in->width);
}

static size_t slot_of(const intern *in, const void *record) {
    size_t at = (size_t)hash_bytes(record, in->width) & (in->slots - 1);
    while (in->table[at] && memcmp(intern_at(in, in->table[at] - 1), record, in->width) != 0)
        at = (at + 1) & (in->slots - 1);
    return at;
}

/* Room for one more: the table stays at most two thirds full. */
static bool grow(intern *in) {
    if (in->count == in->room) {
        size_t room = in->room ? 2 * in->room : 16;
        char *records = realloc(in->records, room * in->width + 1);
        if (!records) return false;
        in->records = records;
        in->room = room;
    }
    if (3 * (in->count + 1) <= 2 * in->slots) return true;
    size_t slots = in->slots ? 2 * in->slots : 32;
    uint32_t *table = calloc(slots, sizeof *table);
    if (!table) return false;
    free(in->table);
    in->table = table;
    in->slots = slots;
    for (size_t i = 0; i < in->count; i++) table[slot_of(in, intern_at(in, i))] = (uint32_t)i + 1;
    return true;
}

uint32_t intern_add(intern *in, const void *record) {
    if (in->count >= INTERN_FULL - 1 || !grow(in)) return INTERN_FULL;
    size_t at = slot_of(in, record);
    if (in->table[at]) return in->table[at] - 1;
    memcpy(in->records + in->count * in->width, record, in->width);
    in->table[at] = (uint32_t)++in->count;
    return in->table[at] - 1;
}
