#include "base/limits.h"

#include <assert.h>
#include <stdlib.h>

struct limits_endpoint {
    limits *owner;
    limits_endpoint *next;
    limits_waiter **queue; /* a binary heap: none goes before queue[0] */
    size_t waiting, room;
    size_t slots, in_use;
    pace pace;
};

struct limits {
    limits_endpoint *endpoints; /* a ring in order of turn: `turn` points at the next to be asked */
    limits_endpoint *turn;
    size_t slots, in_use, waiting;
    uint64_t arrivals;
    bool closed;
};

limits *limits_new(size_t slots) {
    limits *l = calloc(1, sizeof *l);
    if (l) l->slots = slots;
    return l;
}

void limits_free(limits *l) {
    if (!l) return;
    for (limits_endpoint *e = l->endpoints, *next; e; e = next) {
        next = e->next;
        free(e->queue);
        free(e);
    }
    free(l);
}

void limits_set_slots(limits *l, size_t slots) {
    l->slots = slots;
}

limits_endpoint *limits_endpoint_new(limits *l, size_t slots) {
    limits_endpoint *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->owner = l;
    e->slots = slots;
    e->next = l->endpoints;
    l->endpoints = e;
    return e;
}

static bool before(const limits_waiter *a, const limits_waiter *b) {
    return a->rank != b->rank ? a->rank < b->rank : a->order < b->order;
}

static void put(limits_endpoint *e, size_t place, limits_waiter *w) {
    e->queue[place] = w;
    w->place = place;
}

/* Finds w its place, from `place` upwards and then downwards. */
static void sift(limits_endpoint *e, size_t place, limits_waiter *w) {
    for (; place > 0 && before(w, e->queue[(place - 1) / 2]); place = (place - 1) / 2)
        put(e, place, e->queue[(place - 1) / 2]);
    for (size_t child; (child = 2 * place + 1) < e->waiting; place = child) {
        if (child + 1 < e->waiting && before(e->queue[child + 1], e->queue[child])) child++;
        if (!before(e->queue[child], w)) break;
        put(e, place, e->queue[child]);
    }
    put(e, place, w);
}

bool limits_wait(limits_endpoint *e, limits_waiter *w) {
    assert(!w->endpoint);
    if (e->waiting == e->room) {
        size_t room = e->room ? 2 * e->room : 64;
        limits_waiter **queue = realloc(e->queue, room * sizeof(limits_waiter *));
        if (!queue) return false;
        e->queue = queue;
        e->room = room;
    }
    w->endpoint = e;
    w->order = e->owner->arrivals++;
    e->waiting++;
    e->owner->waiting++;
    sift(e, e->waiting - 1, w);
    return true;
}

void limits_forget(limits_waiter *w) {
    limits_endpoint *e = w->endpoint;
    if (!e) return;
    assert(e->waiting > 0 && e->queue[w->place] == w);
    e->owner->waiting--;
    limits_waiter *last = e->queue[--e->waiting];
    if (last != w) sift(e, w->place, last);
    w->endpoint = NULL;
}

limits_waiter *limits_next(limits *l, uint64_t now_ms, uint64_t *wake_ms) {
    *wake_ms = UINT64_MAX;
    if (l->closed || l->waiting == 0 || l->in_use >= l->slots) return NULL;
    limits_endpoint *start = l->turn ? l->turn : l->endpoints, *e = start;
    do {
        limits_endpoint *following = e->next ? e->next : l->endpoints;
        uint64_t wake;
        if (e->waiting && (e->slots == 0 || e->in_use < e->slots)) {
            if (pace_allows(&e->pace, e->in_use, now_ms, &wake)) {
                limits_waiter *w = e->queue[0];
                limits_forget(w);
                w->ticket = pace_sent(&e->pace, now_ms);
                e->in_use++;
                l->in_use++;
                l->turn = following;
                return w;
            }
            if (wake < *wake_ms) *wake_ms = wake;
        }
        e = following;
    } while (e != start);
    return NULL;
}

size_t limits_supply(limits *l, uint64_t now_ms) {
    size_t supply = 0;
    for (limits_endpoint *e = l->endpoints; e; e = e->next) {
        uint64_t wake;
        if (!e->waiting || !pace_allows(&e->pace, e->in_use, now_ms, &wake)) continue;
        size_t room = e->slots == 0 ? e->waiting : e->slots > e->in_use ? e->slots - e->in_use : 0;
        supply += room < e->waiting ? room : e->waiting;
    }
    return supply;
}

size_t limits_free_slots(const limits *l) {
    return l->slots > l->in_use ? l->slots - l->in_use : 0;
}

size_t limits_slots(const limits *l) {
    return l->slots;
}

void limits_release(limits_endpoint *e) {
    assert(e->in_use > 0 && e->owner->in_use > 0);
    e->in_use--;
    e->owner->in_use--;
}

void limits_pause(limits_endpoint *e, uint64_t until_ms, uint64_t now_ms) {
    pace_pause(&e->pace, until_ms, now_ms);
}

uint64_t limits_paused_until(const limits_endpoint *e) {
    return e->pace.paused_until;
}

void limits_set_pace(limits_endpoint *e, const pace_options *options) {
    pace_init(&e->pace, options);
}

pace *limits_pace(limits_endpoint *e) {
    return &e->pace;
}

void limits_close(limits *l) {
    l->closed = true;
}

size_t limits_in_use(const limits *l) {
    return l->in_use;
}

size_t limits_waiting(const limits *l) {
    return l->waiting;
}
