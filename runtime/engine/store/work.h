/*
 * store_work: something else that the store's thread does between gets and puts, in the same
 * transactions. Internal to the store: engine/store/batch.h is what others see.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_WORK_H
#define FELLOWSHIP_ENGINE_STORE_WORK_H

#include <sqlite3.h>
#include <stdbool.h>

typedef struct store_work store_work;
struct store_table; /* engine/store/table.h */

/* The beginning of what a job of STORE_WORK points to. */
struct store_work {
    bool writes; /* it changes the store */
    bool syncs;  /* and that is on the disk when it comes back, whatever the options say */
    /* An SQLite result code; may be run again after a transaction that failed. */
    int (*run)(store_work *, sqlite3 *, struct store_table *);
    void (*free)(store_work *);
};

#endif
