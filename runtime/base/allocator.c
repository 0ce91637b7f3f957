#include "base/allocator.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* A collection frees thousands of pieces at once and the next calls take them again: so many stay
 * at hand. One arena: a thread that begins when there is no memory for another would crash inside
 * jemalloc. So it would where there is none for its cache, the pieces at hand: a thread begins
 * without. */
const char *malloc_conf = "narenas:1,tcache:false,tcache_nslots_small_max:2000,"
                          "lg_tcache_nslots_mul:3,tcache_nslots_large:200";

/* jemalloc's; absent where another allocator is linked in. */
int mallctl(const char *name, void *old, size_t *old_len, void *new, size_t new_len)
    __attribute__((weak));

/* More than a cache takes, which is 600 KB, of addresses mostly; and more than its book-keeping. */
enum { ROOM = 1 << 20, BOOKS = 1 << 16 };

/* Whether a cache can be made now. jemalloc does not look, and crashes when it is first used. */
static bool has_room(void) {
    void *volatile room = malloc(ROOM); /* or it would be optimised out */
    void *volatile books = malloc(BOOKS);
    bool has = room && books;
    free(books);
    free(room);
    return has;
}

void allocator_begin_thread(void) {
    static _Thread_local bool begun;
    if (begun || !mallctl || !has_room()) return;
    bool on = true;
    begun = mallctl("thread.tcache.enabled", NULL, NULL, &on, sizeof on) == 0;
}
