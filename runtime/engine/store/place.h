/*
 * store_place: whether a path is a fit place for a store, and the folders above it (libc only).
 *
 * Ownership: nothing is kept or allocated; paths are read and not stored.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_PLACE_H
#define FELLOWSHIP_ENGINE_STORE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* Prompts and answers are their owner's: the modes of a new store (its WAL gets the same), and of
 * folders made for it, less what the umask takes. */
enum { STORE_MODE = 0600, STORE_FOLDER_MODE = 0700 };

typedef struct store_place {
    bool exists;         /* there is a file, and it is a regular one */
    const char *network; /* name of the network file system it is on, or NULL; static */
} store_place;

/* Looks at path; for one that does not exist, at its nearest existing parent. False and a message
 * when it cannot be looked at or is no regular file. */
bool store_place_look(const char *path, store_place *, char *err, size_t errlen);

/* Creates the missing folders above path. False and a message. */
bool store_place_make_parents(const char *path, char *err, size_t errlen);

/* The name of the network file system that a statfs magic number stands for or, where the number
 * says only FUSE, the type in /proc/self/mountinfo (may be NULL). NULL for a local one. */
const char *store_place_network(unsigned long magic, const char *type);

#endif
