/*
 * store_connection: what a store's thread does with its SQLite file: jobs in transactions, which it
 * brings to the disk in time. Internal to the store.
 *
 * All but opening and closing is for the store's thread.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_CONNECTION_H
#define FELLOWSHIP_ENGINE_STORE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/store/job.h"
#include "engine/store/lease.h"
#include "engine/store/queue.h"

typedef struct store_connection store_connection;

/* Opens the file as store_open (engine/store/store.h) says: NULL, and why in err. The path is the
 * caller's, and outlives it. */
store_connection *store_connection_open(const store_options *options, char *err, size_t errlen);

/* The last connection that is closed checkpoints the file and takes the WAL away. NULL is allowed.
 */
void store_connection_close(store_connection *);

/* Whether calls were under way in batches when it was opened. */
bool store_connection_has_pending(const store_connection *);

/* Does the jobs in their order in one transaction; what failed stands in them. Commits are noted in
 * the leases, which may be NULL. */
void store_connection_run(store_connection *, const store_queue *round, store_leases *leases);

/* What is to be done when the jobs of a round are given back, or none came, and what before the
 * end.
 */
void store_connection_tend(store_connection *, bool after_round);
void store_connection_finish(store_connection *);

/* When it has to be tended again, on the clock of store_now_ms; INT64_MAX for not before a round.
 */
int64_t store_connection_due(const store_connection *);

#endif
