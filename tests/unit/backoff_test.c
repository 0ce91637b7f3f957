/* The wait after a failed attempt: doubling, its bounds, jitter, and what a server asked for. */
#include "base/backoff.h"

#include "tap.h"

static const backoff times = {500, 60000};

/* The most that random_double gives. */
static const double almost_one = 1 - 0x1p-53;

static void doubles(void) {
    is_int(backoff_wait(&times, 1, -1, 0), 250, "half of the first wait is certain");
    is_int(backoff_wait(&times, 1, -1, 0.5), 375, "the other half is jitter");
    is_int(backoff_wait(&times, 2, -1, 0), 500, "the second wait is twice the first");
    is_int(backoff_wait(&times, 3, -1, 0), 1000, "and the third twice that");
    is_int(backoff_wait(&times, 7, -1, 0), 16000, "the seventh: 32 s before jitter");
    is_int(backoff_wait(&times, 8, -1, 0), 30000, "no wait grows past the bound");
    is_int(backoff_wait(&times, 1000, -1, 0), 30000, "nor after very many attempts");
    is_int(backoff_wait(&(backoff){0, 60000}, 9, -1, 0.9), 0, "a first wait of 0 stays 0");
    is_int(backoff_wait(&(backoff){9000, 1000}, 1, -1, 0), 500,
           "the bound holds for the first, too");
    is_int(backoff_wait(&(backoff){1, UINT64_MAX / 2}, 1000, -1, 0), (int64_t)(UINT64_MAX / 4),
           "a huge bound is reached without overflow");
}

static void bounds(void) {
    bool within = true, grows = true;
    for (int attempt = 1; attempt <= 12; attempt++) {
        uint64_t whole = attempt > 7 ? 60000 : (uint64_t)500 << (attempt - 1);
        uint64_t least = backoff_wait(&times, attempt, -1, 0), before = 0;
        for (int i = 0; i <= 10; i++) {
            uint64_t wait = backoff_wait(&times, attempt, -1, i == 10 ? almost_one : i / 10.0);
            within = within && wait >= least && wait >= whole / 2 && wait <= whole;
            grows = grows && wait >= before;
            before = wait;
        }
    }
    ok(within, "a wait is between half of its size and all of it");
    ok(grows, "and grows with the random number");
}

static void hints(void) {
    is_int(backoff_wait(&times, 1, 20000, 0), 20000, "a hint is waited in full");
    is_int(backoff_wait(&times, 9, 20000, 0), 20000, "whatever the attempt");
    is_int(backoff_wait(&times, 1, 4000, 0.5), 4500, "and up to a quarter more");
    is_int(backoff_wait(&times, 1, 3600000, 0.5), 3601000, "but at most 2 s more");
    is_int(backoff_wait(&times, 1, 3600000, almost_one), 3601999, "never quite that");
    is_int(backoff_wait(&times, 1, 0, 0.99), 0, "a hint of 0 is no wait");
    is_int(backoff_wait(&times, 1, 120000, 0), 120000, "a hint may be longer than the bound");
}

int main(void) {
    doubles();
    bounds();
    hints();
    return done_testing();
}
