/* A crew: whatever its threads do, what comes back is all that was given, worked on once, in order.
 */
#include "base/crew.h"

#include "tap.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct piece {
    unsigned number;
    uint64_t result;
    atomic_int worked;
    char *block; /* made by the work, and freed by release */
} piece;

static atomic_int released;

/* Some pieces take long, so that later ones overtake them. */
static uint64_t result_of(unsigned number) {
    uint64_t x = number + 1;
    unsigned rounds = number % 7 == 0 ? 20000 : number % 50;
    for (unsigned i = 0; i < rounds; i++) x = x * 6364136223846793005U + 1442695040888963407U;
    return x;
}

static void work(void *arg, void *slot) {
    piece *p = slot;
    if (p->number % 11 == 0) sched_yield();
    p->result = result_of(p->number);
    if (!p->block) p->block = malloc(16);
    atomic_fetch_add(&p->worked, 1);
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void release(void *slot) {
    free(((piece *)slot)->block);
    atomic_fetch_add(&released, 1);
}

/* Gives and takes in turns that a generator draws, down to nothing now and then. */
static void test_order(size_t threads, unsigned pieces, unsigned seed) {
    atomic_int calls = 0;
    crew *c = crew_new(threads, sizeof(piece), work, &calls);
    unsigned given = 0, taken = 0, wrong = 0;
    while (taken < pieces) {
        seed = seed * 1103515245 + 12345;
        unsigned burst = seed >> 16 & 31;
        for (piece *p; burst-- && given < pieces && (p = crew_room(c)); given++) {
            p->number = given;
            atomic_store(&p->worked, 0);
            crew_give(c);
        }
        burst = seed >> 24 & 31;
        for (piece *p; burst-- && (p = crew_take(c)); taken++) {
            wrong +=
                p->number != taken || p->result != result_of(taken) || atomic_load(&p->worked) != 1;
            crew_done(c);
        }
    }
    ok(wrong == 0 && atomic_load(&calls) == (int)pieces && !crew_take(c),
       "%zu threads: %u pieces come back in order, each worked on once", threads, pieces);
    crew_free(c, release);
}

/* What is under way when the crew ends is let go. */
static void test_end(size_t threads) {
    atomic_int calls = 0;
    int slots = 0;
    crew *c = crew_new(threads, sizeof(piece), work, &calls);
    for (piece *p; (p = crew_room(c)); slots++) {
        p->number = (unsigned)slots;
        crew_give(c);
    }
    ok(crew_room(c) == NULL && slots > 0, "there is room for %d", slots);
    atomic_store(&released, 0);
    crew_free(c, release);
    is_int(atomic_load(&released), slots, "each of which is released once");
    ok(atomic_load(&calls) <= slots, "whether it was worked on or not");
}

int main(void) {
    for (size_t threads = 0; threads <= 4; threads++) {
        for (unsigned seed = 1; seed <= 5; seed++) test_order(threads, 400, seed);
        test_end(threads);
    }
    crew_free(NULL, release);
    return done_testing();
}
