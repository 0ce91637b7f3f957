/* store_sweep: many completions of a store, unpacked and looked at by several threads, and given
 * back in the order they came. Internal to the store: engine/store/scan.h is what others see. */
#ifndef FELLOWSHIP_ENGINE_STORE_SWEEP_H
#define FELLOWSHIP_ENGINE_STORE_SWEEP_H

#include <sqlite3.h>
#include <stdbool.h>

#include "engine/store/job.h"
#include "engine/store/record.h"

typedef struct store_sweep store_sweep;

/* What became of a completion. */
typedef struct store_swept {
    int64_t id;
    enum { SWEPT_SOUND, SWEPT_DAMAGED, SWEPT_NO_MEMORY } end;
    store_record record; /* of a sound one: its key, its date and what was noted. It stands until
                            the next call */
} store_swept;

/* look(arg, ...) is called for each. `check`: one whose key is not that of its request is damaged.
 * NULL when there is no memory. */
store_sweep *store_sweep_new(store_look look, void *arg, bool check);
void store_sweep_free(store_sweep *);

/* Copies the row that a statement of store_table_row stands on; NULL is one that could not be read,
 * and comes back as damaged in its place. False when there is no memory. store_sweep_take is to be
 * called before, until it gives none. */
bool store_sweep_add(store_sweep *, int64_t id, sqlite3_stmt *row);

/* The one that was added just now turned out to be damaged. */
void store_sweep_spoil(store_sweep *);

/* The next one that has been looked at. False when there is none: while more are to come, unless as
 * many are under way as may be; at the end, when all came back. */
bool store_sweep_take(store_sweep *, bool more, store_swept *out);

#endif
