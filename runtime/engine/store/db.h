/*
 * store_db: a connection to a store's SQLite file: opened, checked, its schema made; and what
 * SQLite's failures mean to the user. Internal to the store.
 *
 * Ownership: store_db_open hands over a connection that its taker closes with sqlite3_close; it
 * has no mutex, so one thread at a time may use it.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_DB_H
#define FELLOWSHIP_ENGINE_STORE_DB_H

#include <sqlite3.h>
#include <stddef.h>

#include "engine/store/job.h"

/* Opens the file as store_open (engine/store/store.h) says. NULL, a message in err, and in *rc an
 * SQLite result code: SQLITE_CORRUPT or SQLITE_NOTADB for a file that is damaged or no store. */
sqlite3 *store_db_open(const store_options *options, int *rc, char *err, size_t errlen);

/* The file of the write-ahead log, or NULL; the connection's own. */
sqlite3_file *store_db_wal(sqlite3 *db);

/* Whether the file is no longer where it was opened, or its write-ahead log is gone. */
bool store_db_has_moved(sqlite3 *db);

/* Writes to err what the last failure on db (its result code is rc) means for the store at path. */
void store_db_explain(sqlite3 *db, int rc, const char *path, char *err, size_t errlen);

#endif
