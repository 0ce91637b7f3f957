/*
 * store_work: something else that the store's thread does between gets and puts, in the same
 * transactions. Internal to the store: engine/store/batch.h is what others see.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_WORK_H
#define FELLOWSHIP_ENGINE_STORE_WORK_H

#include <stdbool.h>

#include "engine/store/db.h"
#include "engine/store/table.h"

typedef struct store_work store_work;

/* The beginning of what a job of STORE_WORK points to. */
struct store_work {
    bool writes; /* it changes the store */
    bool syncs;  /* and that is on the disk when it comes back, whatever the options say */
    int (*run)(store_work *, sqlite3 *, store_table *); /* an SQLite result code; may be run again
                                                           after a transaction that failed */
    void (*free)(store_work *);
};

#endif
