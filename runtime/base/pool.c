#include "base/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STEP    16
#define CLASSES (POOL_LARGEST / STEP)
#define CHUNK   (64 << 10)

/* Under a sanitizer each piece is malloc's own, so that it sees what is done with it. */
#if defined(__SANITIZE_ADDRESS__)
#define POOLED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOLED 0
#endif
#endif
#ifndef POOLED
#define POOLED 1
#endif

typedef struct piece {
    struct piece *next;
} piece;

typedef struct chunk {
    struct chunk *next;
    max_align_t pieces[];
} chunk;

struct pool {
    piece *free[CLASSES];
    char *fresh, *end; /* of the newest chunk: what was never given */
    chunk *chunks;
};

pool *pool_new(void) {
    return calloc(1, sizeof(pool));
}

void pool_free(pool *p) {
    if (!p) return;
    for (chunk *c = p->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(p);
}

static size_t class_of(size_t size) {
    return (size - 1) / STEP;
}

/* What a chunk has left becomes free pieces of its size, which is some class's. */
static void use_up(pool *p) {
    size_t left = (size_t)(p->end - p->fresh);
    if (left < STEP) return;
    piece *rest = (piece *)p->fresh;
    size_t class = class_of(left);
    rest->next = p->free[class];
    p->free[class] = rest;
}

static void *take(pool *p, size_t size) {
    size_t class = class_of(size);
    piece *found = p->free[class];
    if (found) {
        p->free[class] = found->next;
        return found;
    }
    size = (class + 1) * STEP;
    if ((size_t)(p->end - p->fresh) < size) {
        chunk *c = malloc(sizeof *c + CHUNK);
        if (!c) return NULL;
        use_up(p);
        c->next = p->chunks;
        p->chunks = c;
        p->fresh = (char *)c->pieces;
        p->end = p->fresh + CHUNK;
    }
    void *fresh = p->fresh;
    p->fresh += size;
    return fresh;
}

static void give(pool *p, void *at, size_t size) {
    piece *back = at;
    size_t class = class_of(size);
    back->next = p->free[class];
    p->free[class] = back;
}

void *pool_resize(pool *p, void *at, size_t old, size_t size) {
    if (!at) old = 0; /* Lua says there what the piece is for */
    bool was_small = POOLED && old <= POOL_LARGEST, small = POOLED && size <= POOL_LARGEST;
    if (size == 0) {
        if (!at) return NULL;
        if (was_small)
            give(p, at, old);
        else
            free(at);
        return NULL;
    }
    if (!at) return small ? take(p, size) : malloc(size);
    if (!was_small && !small) return realloc(at, size);
    if (was_small && small && class_of(old) == class_of(size)) return at;
    void *moved = small ? take(p, size) : malloc(size);
    if (!moved) return size < old ? at : NULL; /* Lua counts on shrinking */
    memcpy(moved, at, old < size ? old : size);
    pool_resize(p, at, old, 0);
    return moved;
}
