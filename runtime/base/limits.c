#include "base/limits.h"

#include <stdlib.h>

struct limits_endpoint {
    limits *owner;
    limits_endpoint *next;
    limits_waiter *first, *last;
    size_t slots, in_use;
    uint64_t paused_until;
};

struct limits {
    limits_endpoint *endpoints; /* a ring in order of turn: `turn` points at the next to be asked */
    limits_endpoint *turn;
    size_t slots, in_use, waiting;
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

void limits_wait(limits_endpoint *e, limits_waiter *w) {
    w->endpoint = e;
    w->next = NULL;
    w->previous = e->last;
    *(e->last ? &e->last->next : &e->first) = w;
    e->last = w;
    e->owner->waiting++;
}

void limits_forget(limits_waiter *w) {
    limits_endpoint *e = w->endpoint;
    if (!e) return;
    *(w->previous ? &w->previous->next : &e->first) = w->next;
    *(w->next ? &w->next->previous : &e->last) = w->previous;
    w->endpoint = NULL;
    w->next = w->previous = NULL;
    e->owner->waiting--;
}

limits_waiter *limits_next(limits *l, uint64_t now_ms, uint64_t *wake_ms) {
    *wake_ms = UINT64_MAX;
    if (l->closed || l->waiting == 0 || l->in_use >= l->slots) return NULL;
    limits_endpoint *start = l->turn ? l->turn : l->endpoints, *e = start;
    do {
        limits_endpoint *following = e->next ? e->next : l->endpoints;
        if (e->first && (e->slots == 0 || e->in_use < e->slots)) {
            if (e->paused_until <= now_ms) {
                limits_waiter *w = e->first;
                limits_forget(w);
                e->in_use++;
                l->in_use++;
                l->turn = following;
                return w;
            }
            if (e->paused_until < *wake_ms) *wake_ms = e->paused_until;
        }
        e = following;
    } while (e != start);
    return NULL;
}

void limits_release(limits_endpoint *e) {
    e->in_use--;
    e->owner->in_use--;
}

void limits_pause(limits_endpoint *e, uint64_t until_ms) {
    if (until_ms > e->paused_until) e->paused_until = until_ms;
}

uint64_t limits_paused_until(const limits_endpoint *e) {
    return e->paused_until;
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
