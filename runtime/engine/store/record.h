/* store_record: a completion as the tools of a store show it (engine/store/scan.h). */
#ifndef FELLOWSHIP_ENGINE_STORE_RECORD_H
#define FELLOWSHIP_ENGINE_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

/* A completion as it is shown; the pointers live until the callback returns. */
typedef struct store_record {
    const unsigned char *key; /* STORE_KEY bytes */
    const char *request;
    size_t request_len;
    const char *wire;
    size_t wire_len;
    const char *completion;
    size_t completion_len;
    int64_t created_ms;
    const char *note; /* what a look found; then the texts are not there */
    size_t note_len;
} store_record;

/* Takes a completion; not 0 to stop, and then positive. */
typedef int (*store_visitor)(void *arg, const store_record *);

/* Looks at a completion and appends to `note` what a visitor is to see of it. Called on any thread,
 * for several at once: `arg`, the visitor's, is only read. False when there is no memory. */
typedef bool (*store_look)(const void *arg, json_reader *, const store_record *, buf *note);

enum store_order {
    STORE_BY_TIME,    /* by when they were created, then by key: the same in every store */
    STORE_AS_WRITTEN, /* in the order of writing */
    STORE_LAST_FIRST  /* against it */
};

/* What could not be shown of a store that is damaged. */
typedef struct store_damage {
    bool any;
    size_t lost; /* completions that it is known to have had */
} store_damage;

#endif
