/*
 * store: all completions ever paid for, in one SQLite file keyed by what was asked.
 *
 * One thread, the store's own, does all reads and writes in the order of submission. Puts that
 * wait together are committed in one transaction (group commit); a job is handed back only after
 * the transaction that holds it is committed.
 *
 * Ownership: store_submit takes a job; store_collect gives it back, and then the caller frees it
 * with store_job_free. The texts to be put are the caller's, and live until the job is back; what
 * the store gives (store_text) is malloc'd and the job's.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_STORE_H
#define FELLOWSHIP_ENGINE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/store/job.h"

typedef struct store store;

/* Opens the store, creating it and its missing parent folders unless read_only; one of version 1 is
 * brought to the present version first, unless read_only, then it is read as it is. NULL and a
 * message in err (errlen bytes at most, with its NUL): not a store, another application's database,
 * made by a newer version, on a network file system, no permission, or read_only and absent. */
store *store_open(const store_options *, char *err, size_t errlen);

/* Takes the job (a zeroed struct from calloc with op, key and what the op wants). Thread-safe and
 * never blocks on the disk. */
void store_submit(store *, store_job *);

/* The same, but the job may wait for the next store_flush: those handed over together are one
 * transaction, and one switch of threads. Flush from the thread that submits. */
void store_submit_later(store *, store_job *);
void store_flush(store *);

/* The finished jobs in order of submission, linked by next, or NULL. Thread-safe, never blocks. A
 * PUT with error set has stored nothing, and later jobs were still tried. */
store_job *store_collect(store *);

/* Does every job that was submitted (those that await a lease come back), makes all durable and
 * ends the thread: notify is not called any more. All results can be collected then. */
void store_finish(store *);

/* Finishes, if that was not done, and frees; results that were not collected are dropped. NULL is
 * allowed. */
void store_close(store *);

/*
 * Leases (engine/store/lease.h): whoever asks for a completion that is not in the store takes the
 * lease of its key first, looks again if others have committed since it looked, and ends the lease
 * once the completion is committed or given up. These are for one thread.
 */

/* False while another process asks for it: see STORE_AWAIT. */
bool store_lease(store *, const unsigned char key[STORE_KEY]);
void store_end_lease(store *, const unsigned char key[STORE_KEY]);

/* A number that changes when other processes commit what they held leases for; negative until the
 * first lease was wanted, and then nothing is known. */
int64_t store_foreign_commits(store *);

/* Whether calls were under way in batches (engine/store/batch.h) when the store was opened. */
bool store_has_pending(const store *);

#endif
