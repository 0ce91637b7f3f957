/*
 * store_batch: calls that are under way in providers' batches, kept in the store's file beside the
 * completions, so that a batch which was paid for is found again by whoever has the store.
 *
 * A batch has an id of ours and a state, a text that means nothing here. Each of its calls is
 * pending: its key is claimed by the batch, with the request and the body as sent, until its
 * completion is committed or the batch lets go of it. The tables are made by the first claim or
 * state; programs that do not know them do without.
 *
 * Ownership: store_batch_job makes a job of STORE_WORK (engine/store/store.h). What is asked is the
 * caller's, and lives until the job is back; then its answers, which are the job's, are read where
 * they stand.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_BATCH_H
#define FELLOWSHIP_ENGINE_STORE_BATCH_H

#include <sqlite3.h>

#include "engine/store/job.h"

enum store_batch_op {
    BATCH_CLAIM,    /* entries: key, request, wire -> found: a completion is there, in text; else
                       the batch that has claimed the call, in text: uid, or who was first */
    BATCH_COMPLETE, /* entries: key, completion -> it stands with the request and wire that were
                       claimed, and the claim is gone. committed: now; found: there was one before,
                       in text; neither: nobody has claimed the call */
    BATCH_STATE,    /* notes uid's state; end: it lets go of its calls; without state it is
                       forgotten with its calls */
    BATCH_LIST,     /* rows: every batch, oldest first */
    BATCH_HOLDER    /* entries: key -> text: the batch that has claimed the call, or NULL */
};

typedef struct store_batch_entry {
    unsigned char key[STORE_KEY];
    pack_text request, wire, completion;
    store_text text;
    bool found, committed;
} store_batch_entry;

typedef struct store_batch_row {
    store_text uid, state;
    int64_t pending; /* calls that it has claimed */
} store_batch_row;

typedef struct store_batch {
    enum store_batch_op op;
    pack_text uid, state;
    bool end;
    int64_t created_ms; /* of what is completed */
    store_batch_entry *entries;
    size_t count;
    store_batch_row *rows;
    size_t row_count;
} store_batch;

/* A zeroed job with room for count entries; its store_batch in *out. NULL when out of memory. */
store_job *store_batch_job(enum store_batch_op op, size_t count, store_batch **out);
store_batch *store_batch_of(const store_job *);

/* Whether calls are under way in batches; also of a store without the tables. */
bool store_batch_any(sqlite3 *db);

#endif
