/*
 * store_scan: the completions of a store, one after the other, for tools. Synchronous, on a
 * read-only connection of its own; a run may go on meanwhile and changes nothing of what is seen.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_SCAN_H
#define FELLOWSHIP_ENGINE_STORE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/store/job.h"
#include "engine/store/record.h"

/* How completions are shown. */
typedef struct store_how {
    enum store_order order;
    store_look look;      /* what needs all of a store looks so: the visitor then gets the note, and
                             not the texts. NULL: it gets the texts, one completion at a time */
    bool keys_only;       /* key and created_ms alone: the texts are not unpacked, nor looked at */
    store_damage *damage; /* NULL: what is damaged is a failure. Else it is passed over and noted
                             here: each completion that can be read in any way is shown, once
                             (engine/store/salvage.h) */
} store_how;

/* Shows every completion. Returns 0 at the end, what the visitor returned when it stopped, or -1
 * and a message. */
int store_each(const char *path, const store_how *how, store_visitor fn, void *arg, char *err,
               size_t errlen);

/* The same for at most `most` of them (1 or more), evenly over the store in the order of writing,
 * without reading what lies between; those that are damaged are passed over. */
int store_sample(const char *path, size_t most, store_visitor fn, void *arg, char *err,
                 size_t errlen);

/* Shows the completions whose keys are from `low` to `high`, found by the index, unless there are
 * more than `most`. Returns how many there are, or -1 and a message. low and high agree in their
 * first bit. */
int64_t store_find(const char *path, const unsigned char low[STORE_KEY],
                   const unsigned char high[STORE_KEY], size_t most, store_visitor fn, void *arg,
                   char *err, size_t errlen);

#endif
