/*
 * store_salvage: what can be read of a store whose file is damaged or cut short, from its pages
 * themselves (https://www.sqlite.org/fileformat2.html). SQLite finds rows by pages that point to
 * pages, and gives up where one of those is gone; here every page is looked at, those of the
 * write-ahead log too, and every completion in them judged by itself: its record carries a
 * checksum, and its key is the digest of its request. Internal to the store.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_SALVAGE_H
#define FELLOWSHIP_ENGINE_STORE_SALVAGE_H

#include "engine/store/record.h"

typedef struct store_salvage store_salvage;

/* Looks through a file, in whatever state. NULL when it cannot be read, or holds no completion. */
store_salvage *store_salvage_open(const char *path);
void store_salvage_close(store_salvage *); /* NULL is allowed */

/* Shows every completion, once, in the order that is asked for. `after` is the id of the last one
 * that was shown already, in an order of writing, or 0. Returns as store_each; -1 when out of
 * memory. */
int store_salvage_each(store_salvage *, enum store_order order, int64_t after, store_visitor fn,
                       void *arg, store_damage *damage);

/* Shows the one with an id, and gives what the visitor returned in *stop. False when there is no
 * sound one. */
bool store_salvage_one(store_salvage *, int64_t id, store_visitor fn, void *arg, int *stop);

/* Whether the key is that of the request. */
bool store_salvage_is_right(const store_record *record);

#endif
