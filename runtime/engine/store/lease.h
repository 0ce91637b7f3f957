/*
 * store_lease: which calls are under way, over all processes that have a store open, so that two
 * of them do not pay for the same one.
 *
 * A lease is a word in memory that the processes share: a file beside the store, PATH-calls, which
 * goes away with the last of them. It costs no system call and no write to the store. A process
 * shows that it lives by a lock on a byte of that file, which the kernel lets go of however the
 * process ends: its leases end with it. Nothing in the file outlives the processes, so no version
 * of the store knows of it; a program that does not know it either asks as if it were alone.
 *
 * All but opening and closing is thread-safe; but one thread takes the leases.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_LEASE_H
#define FELLOWSHIP_ENGINE_STORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct store_leases store_leases;

/* For the store at path, which is there. NULL where the file cannot be made or shared: then every
 * process asks as if it were alone. All other functions take NULL for that. */
store_leases *store_leases_open(const char *path);
void store_leases_close(store_leases *); /* ends this process's leases */

/* Takes the lease on a call. False while somebody has it, this process included; true without one
 * where there is no room for more. */
bool store_lease_take(store_leases *, const unsigned char key[32]);

/* Ends a lease that was taken. */
void store_lease_end(store_leases *, const unsigned char key[32]);

/* Whether nobody who lives has the lease now. */
bool store_lease_is_free(store_leases *, const unsigned char key[32]);

/* Notes that completions were committed by this process; and how often others have done so: whoever
 * took a lease, and finds the number that was before it looked a call up, need not look again. */
void store_leases_note_commit(store_leases *);
uint64_t store_leases_foreign_commits(store_leases *);

#endif
