/* Who may go next: rank, arrival, turns, slots, pauses; and the queue against a simple model. */
#include "base/limits.h"

#include <stdlib.h>

#include "base/random.h"
#include "tap.h"

/* Grants what may go at `now`, and gives its place in the array; -1 for none. */
static int next_at(limits *l, uint64_t now, const limits_waiter *waiters, uint64_t *wake) {
    limits_waiter *w = limits_next(l, now, wake);
    return w ? (int)(w - waiters) : -1;
}

static int next(limits *l, const limits_waiter *waiters) {
    uint64_t wake;
    return next_at(l, 0, waiters, &wake);
}

static void order(void) {
    limits *l = limits_new(100);
    limits_endpoint *e = limits_endpoint_new(l, 0);
    limits_waiter w[6] = {{.rank = 2}, {.rank = 0}, {.rank = 2},
                          {.rank = 1}, {.rank = 0}, {.rank = UINT64_MAX}};
    for (int i = 0; i < 6; i++) limits_wait(e, &w[i]);
    is_int((int64_t)limits_waiting(l), 6, "six wait");
    static const int wanted[] = {1, 4, 3, 0, 2, 5};
    int right = 0;
    for (int i = 0; i < 6; i++) right += next(l, w) == wanted[i];
    is_int(right, 6, "the lowest rank first, among equals who came first");
    is_int(next(l, w), -1, "then nobody");
    is_int((int64_t)limits_waiting(l), 0, "nobody waits");
    is_int((int64_t)limits_in_use(l), 6, "six are on the wire");
    limits_wait(e, &w[0]);
    limits_wait(e, &w[1]);
    is_int(next(l, w), 1, "a waiter may come again");
    limits_free(l);
}

static void turns(void) {
    limits *l = limits_new(100);
    limits_endpoint *e[3];
    limits_waiter w[9] = {0};
    for (int i = 0; i < 3; i++) e[i] = limits_endpoint_new(l, 0);
    for (int i = 0; i < 9; i++) w[i].rank = (uint64_t)i;
    for (int i = 0; i < 9; i++) limits_wait(e[i / 3], &w[i]); /* 0 to 2 at the first, and so on */
    int granted[3] = {0};
    bool fair = true;
    for (int i = 0; i < 9; i++) {
        granted[next(l, w) / 3]++;
        for (int j = 0; j < 3; j++)
            fair = fair && granted[j] == (i + 1) / 3 + (granted[j] > (i + 1) / 3);
    }
    ok(fair && granted[0] == 3 && granted[1] == 3 && granted[2] == 3,
       "endpoints take turns, whatever the ranks");
    limits_endpoint *late = limits_endpoint_new(l, 0);
    limits_wait(e[1], &w[0]);
    limits_wait(late, &w[1]);
    int first = next(l, w), second = next(l, w);
    is_int(first + second, 1, "an endpoint that is made later has its turn");
    limits_free(l);
}

static void slots(void) {
    limits *l = limits_new(3);
    limits_endpoint *narrow = limits_endpoint_new(l, 1), *wide = limits_endpoint_new(l, 0);
    limits_waiter w[6] = {0};
    limits_wait(narrow, &w[0]);
    limits_wait(narrow, &w[1]);
    int first = next(l, w);
    uint64_t wake;
    is_int(first, 0, "one goes to an endpoint of one slot");
    is_int(next_at(l, 0, w, &wake), -1, "a second one does not");
    ok(wake == UINT64_MAX, "and no time will change that");
    for (int i = 2; i < 6; i++) limits_wait(wide, &w[i]);
    is_int(next(l, w), 2, "another endpoint is not held back");
    is_int(next(l, w), 3, "until the process's slots");
    is_int(next_at(l, 0, w, &wake), -1, "are all in use");
    ok(wake == UINT64_MAX, "which no time changes either");
    is_int((int64_t)limits_in_use(l), 3, "three on the wire");
    limits_release(narrow);
    int freed = next(l, w);
    ok(freed == 1 || freed == 4, "a slot that is given back goes to the next");
    limits_set_slots(l, 1);
    limits_release(wide);
    is_int(next(l, w), -1, "fewer slots: nobody goes while more are on the wire");
    limits_set_slots(l, 10);
    ok(next(l, w) >= 0, "more slots: they go on");
    limits_free(l);
}

static void pauses(void) {
    limits *l = limits_new(100);
    limits_endpoint *a = limits_endpoint_new(l, 0), *b = limits_endpoint_new(l, 0),
                    *c = limits_endpoint_new(l, 1);
    limits_waiter w[6] = {0};
    uint64_t wake = 0;
    limits_pause(a, 1000, 0);
    limits_pause(a, 500, 0);
    is_int((int64_t)limits_paused_until(a), 1000, "a pause is not shortened");
    limits_wait(a, &w[0]);
    limits_wait(b, &w[1]);
    is_int(next_at(l, 0, w, &wake), 1, "a paused endpoint holds no other back");
    is_int(next_at(l, 0, w, &wake), -1, "its own calls wait");
    is_int((int64_t)wake, 1000, "until the pause ends");
    limits_pause(b, 700, 0);
    limits_wait(b, &w[2]);
    is_int(next_at(l, 1, w, &wake), -1, "two pauses");
    is_int((int64_t)wake, 700, "the first to end is told");
    limits_pause(b, 1500, 0);
    is_int(next_at(l, 700, w, &wake), -1, "a pause may be lengthened");
    is_int((int64_t)wake, 1000, "then the other ends first");
    is_int(next_at(l, 999, w, &wake), -1, "a millisecond before");
    is_int(next_at(l, 1000, w, &wake), 0, "at its end");
    is_int(next_at(l, 1000, w, &wake), -1, "the other one not yet");
    is_int((int64_t)wake, 1500, "but later");
    limits_pause(c, 1200, 0);
    is_int(next_at(l, 1000, w, &wake), -1, "a pause where nobody waits");
    is_int((int64_t)wake, 1500, "wakes nobody");
    limits_wait(c, &w[3]);
    limits_wait(c, &w[4]);
    is_int(next_at(l, 1200, w, &wake), 3, "it ends, too");
    limits_pause(c, 1300, 0);
    is_int(next_at(l, 1200, w, &wake), -1, "paused, and its slot taken");
    is_int((int64_t)wake, 1500, "the end of that pause frees nobody");
    limits_free(l);
}

static void forgetting(void) {
    limits *l = limits_new(100);
    limits_endpoint *e = limits_endpoint_new(l, 0);
    limits_waiter w[3] = {{.rank = 0}, {.rank = 1}, {.rank = 2}}, never = {0};
    limits_forget(&never);
    is_int((int64_t)limits_waiting(l), 0, "forgetting who never waited does nothing");
    for (int i = 0; i < 3; i++) limits_wait(e, &w[i]);
    limits_forget(&w[0]);
    limits_forget(&w[0]);
    is_int((int64_t)limits_waiting(l), 2, "nor does forgetting twice");
    is_int(next(l, w), 1, "the next one goes");
    limits_forget(&w[1]);
    is_int((int64_t)limits_waiting(l), 1, "who was granted waits no more");
    limits_forget(&w[2]);
    is_int(next(l, w), -1, "the last one is forgotten");
    limits_free(l);
}

static void closing(void) {
    limits *l = limits_new(2);
    limits_endpoint *e = limits_endpoint_new(l, 0);
    limits_waiter w[3] = {0};
    for (int i = 0; i < 3; i++) limits_wait(e, &w[i]);
    next(l, w);
    limits_pause(e, 50, 0);
    limits_close(l);
    uint64_t wake;
    is_int(next_at(l, 100, w, &wake), -1, "nothing is granted after closing");
    ok(wake == UINT64_MAX, "at no time");
    limits_release(e);
    limits_set_slots(l, 10);
    is_int(next_at(l, 100, w, &wake), -1, "nor for a slot that is given back");
    is_int((int64_t)limits_in_use(l), 0, "what was on the wire has ended");
    limits_forget(&w[1]);
    is_int((int64_t)limits_waiting(l), 1, "waiters can still leave");
    limits_free(l);
    limits_free(NULL);
}

/* ---- against a model ---- */

enum { ENDPOINTS = 3, WAITERS = 600, STEPS = 60000 };

/* What a waiter is, in the model. */
typedef struct mirror {
    enum { IDLE, WAITS, HELD } state;
    int endpoint;
    uint64_t arrival;
} mirror;

typedef struct world {
    limits *limits;
    limits_endpoint *endpoints[ENDPOINTS];
    limits_waiter waiters[WAITERS];
    mirror mirrors[WAITERS];
    uint64_t now, arrivals, paused[ENDPOINTS];
    size_t slots, own[ENDPOINTS], held[ENDPOINTS], held_in_all, waiting;
} world;

/* Who goes before all others at an endpoint, by looking at everyone. */
static int first_of(const world *m, int endpoint) {
    int best = -1;
    for (int i = 0; i < WAITERS; i++) {
        if (m->mirrors[i].state != WAITS || m->mirrors[i].endpoint != endpoint) continue;
        if (best < 0 || m->waiters[i].rank < m->waiters[best].rank ||
            (m->waiters[i].rank == m->waiters[best].rank &&
             m->mirrors[i].arrival < m->mirrors[best].arrival))
            best = i;
    }
    return best;
}

/* Asks for the next, and says whether the answer is one that the model allows. */
static bool grant(world *m) {
    uint64_t wake, soonest = UINT64_MAX;
    limits_waiter *w = limits_next(m->limits, m->now, &wake);
    bool some = false;
    for (int e = 0; e < ENDPOINTS && m->held_in_all < m->slots; e++) {
        if (first_of(m, e) < 0 || (m->own[e] && m->held[e] >= m->own[e])) continue;
        if (m->paused[e] <= m->now)
            some = true;
        else if (m->paused[e] < soonest)
            soonest = m->paused[e];
    }
    if (!w) return !some && wake == soonest;
    int i = (int)(w - m->waiters), e = m->mirrors[i].endpoint;
    bool right = some && m->mirrors[i].state == WAITS && first_of(m, e) == i &&
                 m->paused[e] <= m->now && (!m->own[e] || m->held[e] < m->own[e]) &&
                 w->endpoint == NULL;
    m->mirrors[i].state = HELD;
    m->held[e]++;
    m->held_in_all++;
    m->waiting--;
    return right;
}

static void enter_or_leave(world *m, random_state *r, bool crowd) {
    int i = (int)random_upto(r, WAITERS - 1);
    mirror *mine = &m->mirrors[i];
    if (mine->state == HELD) {
        limits_release(m->endpoints[mine->endpoint]);
        m->held[mine->endpoint]--;
        m->held_in_all--;
        mine->state = IDLE;
    } else if (mine->state == WAITS) {
        if (crowd) return;
        limits_forget(&m->waiters[i]);
        m->waiting--;
        mine->state = IDLE;
    } else {
        m->waiters[i].rank = random_upto(r, 40);
        *mine = (mirror){WAITS, (int)random_upto(r, ENDPOINTS - 1), m->arrivals++};
        m->waiting++;
        limits_wait(m->endpoints[mine->endpoint], &m->waiters[i]);
    }
}

static void model(uint64_t seed) {
    world *m = calloc(1, sizeof *m);
    random_state r;
    random_seed(&r, seed, 0);
    m->slots = 20;
    m->limits = limits_new(m->slots);
    for (int e = 0; e < ENDPOINTS; e++) {
        m->own[e] = e == 2 ? 5 : 0;
        m->endpoints[e] = limits_endpoint_new(m->limits, m->own[e]);
    }
    int wrong = 0;
    for (int step = 0; step < STEPS; step++) {
        uint64_t dice = random_upto(&r, 99);
        bool crowd = step / (STEPS / 6) % 2 == 0; /* the queues fill and empty by turns */
        if (dice < 70)
            enter_or_leave(m, &r, crowd);
        else if (dice < 95)
            wrong += !grant(m);
        else if (dice < 97)
            m->now += random_upto(&r, 50);
        else if (dice < 99) {
            int e = (int)random_upto(&r, ENDPOINTS - 1);
            uint64_t until = m->now + random_upto(&r, 100);
            limits_pause(m->endpoints[e], until, 0);
            if (until > m->paused[e]) m->paused[e] = until;
        } else {
            m->slots = 1 + random_upto(&r, 60);
            limits_set_slots(m->limits, m->slots);
        }
        wrong +=
            limits_waiting(m->limits) != m->waiting || limits_in_use(m->limits) != m->held_in_all;
    }
    is_int(wrong, 0, "random operations agree with a model that looks at everyone");
    limits_free(m->limits);
    free(m);
}

int main(void) {
    order();
    turns();
    slots();
    pauses();
    forgetting();
    closing();
    for (uint64_t seed = 1; seed <= 3; seed++) model(seed);
    return done_testing();
}
