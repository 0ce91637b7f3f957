/* store_job: what is asked of a store, and how a store is opened (engine/store/store.h). */
#ifndef FELLOWSHIP_ENGINE_STORE_JOB_H
#define FELLOWSHIP_ENGINE_STORE_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/store/pack.h"

enum { STORE_KEY = 32 }; /* bytes: a SHA-256 digest */

/* How long a connection waits for another process, in seconds. */
enum { STORE_PATIENCE = 60 };

typedef struct store_options {
    const char *path; /* copied */
    bool read_only;   /* offline: never written; opens on read-only media too */
    bool prompt;      /* somebody waits for each answer: the thread does not stand back */
    bool durable;     /* fsync each commit; else a power cut loses the last second at most */
    void (*notify)(void *arg); /* jobs are done; called from the store's thread once a round, so it
                                  must be thread-safe, cheap, and must not call store_*; or NULL */
    void *notify_arg;
    void (*say)(void *arg, const char *text); /* of opening that takes long, before it does; called
                                                 by store_open itself; or NULL */
    void *say_arg;
} store_options;

enum store_op {
    STORE_GET,
    STORE_PUT,
    STORE_AWAIT, /* comes back when no process has the lease of its key, or `until_ms` has come */
    STORE_WORK
};

/* Bytes that may hold NULs; data is malloc'd, NULL only when len is 0. */
typedef struct store_text {
    char *data;
    size_t len;
} store_text;

typedef struct store_job {
    enum store_op op;
    unsigned char key[STORE_KEY];
    pack_text request;     /* PUT: canonical JSON of the request as asked */
    pack_text wire;        /* PUT: the body that was sent */
    pack_text completion;  /* PUT: JSON of the answer */
    int64_t created_ms;    /* Unix time in milliseconds; set by the caller for PUT, filled by GET */
    bool found;            /* GET: there is one; PUT: there was one before, which stays; AWAIT: no
                              process has the lease */
    store_text answer;     /* the completion that was found */
    int64_t until_ms;      /* AWAIT: on the clock of store_now_ms */
    atomic_bool withdrawn; /* AWAIT: to be set by whoever waits no more; it comes back soon */
    struct store_work *work; /* WORK: what is done (engine/store/work.h); store_job_free frees it */
    char *error; /* NULL, or what failed, with the store's path; store_job_free frees it */
    void *user;  /* the caller's */
    struct store_job *next;
} store_job;

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t store_now_ms(void);

/* What an error is when there is no memory to say more; never freed. */
extern char store_out_of_memory[];

/* Notes in the job that it failed, and found nothing, unless it has failed before. */
void store_job_fail(store_job *, const char *message);

/* Frees one job and what it holds; does not follow next. NULL is allowed. */
void store_job_free(store_job *);

#endif
