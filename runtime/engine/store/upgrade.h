/*
 * store_upgrade: brings the tables of version 1 to the present ones, in place. Internal to the
 * store.
 *
 * Version 1 kept the texts as they were, found by a unique index of whole keys. Opened for reading
 * it is read as it is (engine/store/table.h).
 */
#ifndef FELLOWSHIP_ENGINE_STORE_UPGRADE_H
#define FELLOWSHIP_ENGINE_STORE_UPGRADE_H

#include <sqlite3.h>

#include "engine/store/job.h"

/* One transaction: a process that is killed in it leaves the store as it was. `stamp` are the
 * statements that mark the new version. A large store is told of by options->say. Returns an SQLite
 * result code: SQLITE_BUSY while another process has the store open, and SQLITE_OK without a change
 * when one has brought it to the present tables in the meantime. */
int store_upgrade(sqlite3 *db, const store_options *options, const char *stamp);

#endif
