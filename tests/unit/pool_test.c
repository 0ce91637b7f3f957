/* The pool: contents survive resizing, pieces are used again, large ones are malloc's. */
#include "base/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tap.h"

enum { PIECES = 500, STEPS = 200000, MOST = 2000 };

static bool holds(const unsigned char *at, size_t size, unsigned char mark) {
    for (size_t i = 0; i < size; i++)
        if (at[i] != mark) return false;
    return true;
}

/* Pieces of random sizes come, grow, shrink and go; each keeps what was written into it. */
static void against_model(void) {
    pool *p = pool_new();
    unsigned char *at[PIECES] = {0};
    size_t size[PIECES] = {0};
    random_state random;
    random_seed(&random, 7, 7);
    int kept = 0, aligned = 0, given = 0;
    for (int step = 0; step < STEPS; step++) {
        size_t i = random_next(&random) % PIECES, before = size[i];
        size_t next =
            random_next(&random) % 4 ? random_next(&random) % 600 : random_next(&random) % MOST;
        unsigned char mark = (unsigned char)i;
        unsigned char *moved = pool_resize(p, at[i], at[i] ? before : 5, next);
        size_t common = before < next ? before : next;
        kept += next == 0 ? moved == NULL : holds(moved, common, mark);
        aligned += (uintptr_t)moved % _Alignof(max_align_t) == 0;
        given += next == 0 || moved != NULL;
        at[i] = moved;
        size[i] = next;
        if (next) memset(moved, mark, next);
    }
    is_int(given, STEPS, "there is always a piece");
    is_int(kept, STEPS, "it holds what it held");
    is_int(aligned, STEPS, "and is aligned for anything");
    for (int i = 0; i < PIECES; i++) pool_resize(p, at[i], size[i], 0);
    pool_free(p);
}

static void used_again(void) {
    pool *p = pool_new();
    void *first = pool_resize(p, NULL, 0, 100);
    void *same = pool_resize(p, first, 100, 112);
    pool_resize(p, same, 112, 0);
#ifndef __SANITIZE_ADDRESS__
    ok(same == first, "a piece grows in place within its step");
    ok(pool_resize(p, NULL, 0, 97) == first, "the piece that was freed last comes first");
#endif
    ok(pool_resize(p, NULL, 4, 0) == NULL, "nothing of size 0");
    pool_free(p);
    pool_free(NULL);
}

int main(void) {
    against_model();
    used_again();
    return done_testing();
}
