/*
 * store_import: many completions put into a store at once: lines of a recording, or those of
 * another store. Each is put unless its key has one; what it says is checked before.
 *
 * Ownership: the functions make jobs of STORE_WORK (engine/store/store.h), which own what they
 * answer. What is asked is the caller's, and lives until the job is back.
 */
#ifndef FELLOWSHIP_ENGINE_STORE_IMPORT_H
#define FELLOWSHIP_ENGINE_STORE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/store/store.h"

/* A store that is read from; one thread's at a time. */
typedef struct store_source store_source;

/* NULL and a message when it cannot be read. */
store_source *store_source_open(const char *path, char *err, size_t errlen);
void store_source_close(store_source *); /* NULL is allowed */

typedef struct store_import {
    /* what is asked: whole lines, or else so many completions of a source, from where the last job
     * ended */
    pack_text lines;
    store_source *source;
    size_t most;

    /* what came of it */
    size_t added, known;
    size_t used; /* bytes of the lines; a line that is not as store_recording_write makes it is
                    where it ends, and so is a completion of a source that is damaged */
    size_t line; /* lines that were taken */
    bool ended;  /* the source has no more */
    char problem[512]; /* "", or what is wrong with the source; what came before it is put */
} store_import;

/* A zeroed job, and its store_import in *out. NULL when out of memory. */
store_job *store_import_job(store_import **out);
store_import *store_import_of(const store_job *);

#endif
