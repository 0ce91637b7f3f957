/* store_make: a new store, at once. For store_db.c only. */
#ifndef FELLOWSHIP_ENGINE_STORE_MAKE_H
#define FELLOWSHIP_ENGINE_STORE_MAKE_H

#include <stdbool.h>

/* Puts an empty store at path, whole and on the disk before the name is there, unless something is
 * there already. `setup` is the SQL that makes one, up to NULL. False when it could not, and
 * nothing is there then: SQLite's own way, which takes seven syncs, may still do it, and says what
 * is wrong if it cannot. */
bool store_make(const char *path, const char *const *setup);

#endif
