#include "engine/store/store.h"

#include "engine/store/batch.h"
#include "engine/store/db.h"
#include "engine/store/lease.h"
#include "engine/store/queue.h"
#include "engine/store/table.h"
#include "engine/store/work.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROUND_MAX = 1000,    /* jobs in one transaction */
    SYNC_AFTER_MS = 500, /* half of the second that a power cut may cost; a sync takes time too */
    PLACE_MS = 10,       /* between two looks at where its file is */
    AWAIT_MS = 10,       /* between two looks at the leases that are awaited */
    ERROR_MAX = 512
};

/* 16 MB of page cache; a WAL that a long reader let grow shrinks to 32 MB. */
static const char tuning_sql[] = "PRAGMA cache_size=-16384; PRAGMA journal_size_limit=33554432";

enum bound { BEGIN_READING, BEGIN_WRITING, COMMIT, BOUNDS };

static const char *const bounds_sql[BOUNDS] = {
    [BEGIN_READING] = "BEGIN", [BEGIN_WRITING] = "BEGIN IMMEDIATE", [COMMIT] = "COMMIT"};

struct store {
    /* set once */
    char *path;
    bool read_only, has_pending;
    void (*notify)(void *arg);
    void *notify_arg;
    pthread_t thread;

    /* the thread's alone */
    sqlite3 *db;
    store_table *table;
    sqlite3_stmt *bounds[BOUNDS]; /* of transactions: every round has them */
    bool durable;                 /* each commit is synced by SQLite */
    bool sync_failed;             /* a sync of ours was refused: from now on SQLite shall do it */
    bool moved;                   /* its file is not where it was */
    int64_t place_looked;         /* when that was last looked at */
    int64_t unsynced_since; /* when the oldest commit that is not yet on the disk was made; or 0 */
    int64_t locked_out_at;  /* when another process's lock was met */
    store_queue awaited;    /* jobs that wait for a lease to end */
    int64_t awaited_looked; /* when that was last looked at */

    /* the submitting thread's alone */
    bool leases_wanted;

    _Atomic(store_leases *) leases; /* set once, by the first lease */

    /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    store_queue later, waiting, done;
    bool closing, finished;
};

/* What job->error is when there is no memory to say more. */
static char out_of_memory[] = "the store failed: out of memory";

int64_t store_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void set_error(store_job *job, const char *message) {
    if (job->error) return;
    job->found = false;
    job->error = strdup(message);
    if (!job->error) job->error = out_of_memory;
}

static void explain(store *s, int rc, store_job *job) {
    char message[ERROR_MAX];
    store_db_explain(s->db, rc, s->path, message, sizeof message);
    set_error(job, message);
}

/* ---- syncing ---- */

/* Brings all commits to the disk, which SQLite alone would only do at the next checkpoint. */
static void sync_commits(store *s) {
    sqlite3_file *wal = store_db_wal(s->db);
    if (!wal || wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) != SQLITE_OK) s->sync_failed = true;
    s->unsynced_since = 0;
}

/* After a sync that failed every commit is synced on its own, so that the fault shows in its jobs.
 */
static void mend_syncing(store *s) {
    if (!s->sync_failed || s->durable) return;
    s->durable = sqlite3_exec(s->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL) == SQLITE_OK;
}

/* SQLite asks this when another process has the lock, for which it may wait longer than commits may
 * stay off the disk. */
static int on_locked(void *arg, int count) {
    static const int pauses_ms[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
    enum { PAUSES = sizeof pauses_ms / sizeof *pauses_ms };
    store *s = arg;
    if (s->unsynced_since) sync_commits(s);
    if (count == 0) s->locked_out_at = store_now_ms();
    if (store_now_ms() - s->locked_out_at >= STORE_PATIENCE * 1000) return 0;
    int pause = pauses_ms[count < PAUSES ? count : PAUSES - 1];
    nanosleep(&(struct timespec){.tv_nsec = pause * 1000000L}, NULL);
    return 1;
}

/* ---- rounds of jobs ---- */

/* Inserts unless there is one, which then is read back. */
static int insert(store *s, store_job *job) {
    int rc = store_table_put(s->table, job);
    if (rc != SQLITE_TOOBIG) return rc;
    explain(s, rc, job); /* its own fault: the rest of the group goes on */
    return SQLITE_OK;
}

static void run_get(store *s, store_job *job) {
    int rc = store_table_get(s->table, job);
    if (rc != SQLITE_OK) explain(s, rc, job);
}

static bool is_writing(const store_job *job) {
    return job->op == STORE_PUT || (job->op == STORE_WORK && job->work->writes);
}

static int run_job(store *s, store_job *job) {
    switch (job->op) {
    case STORE_GET: run_get(s, job); return SQLITE_OK;
    case STORE_PUT: return job->error ? SQLITE_OK : insert(s, job);
    case STORE_WORK: return job->error ? SQLITE_OK : job->work->run(job->work, s->db, s->table);
    case STORE_AWAIT: break; /* never in a group */
    }
    return SQLITE_INTERNAL;
}

static int pass(store *s, enum bound bound) {
    int rc = sqlite3_step(s->bounds[bound]);
    int why = sqlite3_reset(s->bounds[bound]);
    return rc == SQLITE_DONE ? SQLITE_OK : why;
}

/* Does the jobs in their order inside one transaction; a failure is that of the whole group. */
static int run_group(store *s, const store_queue *round, bool writes) {
    int rc = pass(s, writes ? BEGIN_WRITING : BEGIN_READING);
    if (rc == SQLITE_OK) rc = store_table_begin(s->table);
    for (store_job *job = round->head; job && rc == SQLITE_OK; job = job->next)
        rc = run_job(s, job);
    if (rc == SQLITE_OK) rc = pass(s, COMMIT);
    return rc;
}

/* After a group that failed: its puts fail with it. Its gets are asked again, one by one, since
 * what they saw may have been rolled back, and a disk that cannot be written can be read. */
static void undo_group(store *s, const store_queue *round, int rc) {
    char message[ERROR_MAX];
    store_db_explain(s->db, rc, s->path, message, sizeof message);
    if (!sqlite3_get_autocommit(s->db)) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    store_table_undone(s->table);
    /* Without the recent keys a completion that is there would seem not to be. */
    bool readable = store_table_begin(s->table) == SQLITE_OK;
    if (!readable) store_table_undone(s->table);
    for (store_job *job = round->head; job; job = job->next) {
        if (job->op != STORE_GET || !readable) {
            set_error(job, message);
        } else if (!job->error) {
            free(job->answer.data);
            job->answer = (store_text){0};
            run_get(s, job);
        }
    }
}

/* Moves recent keys into the index. A failure leaves them where they are found as well. */
static void index_recent(store *s) {
    int rc = pass(s, BEGIN_WRITING);
    if (rc == SQLITE_OK) rc = store_table_index_recent(s->table);
    if (rc == SQLITE_OK) rc = pass(s, COMMIT);
    if (rc == SQLITE_OK) return;
    if (!sqlite3_get_autocommit(s->db)) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    store_table_undone(s->table);
}

/* Commits that go to a file which nobody will open again are told at once. They stand in the file
 * that was moved, or beside it, and are there again when it comes back. */
static void check_place(store *s, const store_queue *round) {
    int64_t now = store_now_ms();
    if (!s->moved && now - s->place_looked >= PLACE_MS) {
        s->place_looked = now;
        s->moved = store_db_has_moved(s->db);
    }
    if (!s->moved) return;
    char message[ERROR_MAX];
    snprintf(message, sizeof message,
             "the store %s was moved, removed or replaced while it was in use; bring it back, with "
             "the file %s-wal where there is one, and run again",
             s->path, s->path);
    for (store_job *job = round->head; job; job = job->next)
        if (is_writing(job)) set_error(job, message);
}

static void after_commit(store *s, const store_queue *round, bool sync) {
    store_leases_note_commit(atomic_load(&s->leases));
    if (!s->durable && !s->unsynced_since) s->unsynced_since = store_now_ms();
    /* What is noted of batches stands on the disk before anything is sent that costs. */
    if (sync && s->unsynced_since) sync_commits(s);
    check_place(s, round);
}

static void run_round(store *s, const store_queue *round) {
    bool writes = false, sync = false;
    for (store_job *job = round->head; job; job = job->next) {
        if (!is_writing(job)) continue;
        sync = sync || (job->op == STORE_WORK && job->work->syncs);
        if (s->read_only)
            explain(s, SQLITE_READONLY, job);
        else
            writes = true;
    }
    mend_syncing(s);
    int rc = run_group(s, round, writes);
    if (rc != SQLITE_OK)
        undo_group(s, round, rc);
    else if (writes)
        after_commit(s, round, sync);
}

/* ---- awaiting leases ---- */

static bool has_waited(store *s, store_job *job, int64_t now, bool closing) {
    job->found = !closing && store_lease_is_free(atomic_load(&s->leases), job->key);
    return job->found || closing || now >= job->until_ms || atomic_load(&job->withdrawn);
}

/* Moves the jobs whose waiting is over to the end of `done`. */
static void look_at_leases(store *s, store_queue *done, bool closing) {
    int64_t now = store_now_ms();
    store_queue still;
    store_queue_init(&still);
    for (store_job *job = s->awaited.head, *next; job; job = next) {
        next = job->next;
        store_queue_append(has_waited(s, job, now, closing) ? done : &still, job);
    }
    store_queue_init(&s->awaited);
    store_queue_join(&s->awaited, &still);
    s->awaited_looked = now;
}

/* Takes out of the round what awaits a lease. */
static void set_awaiting_aside(store *s, store_queue *round) {
    store_queue rest;
    store_queue_init(&rest);
    for (store_job *job = round->head, *next; job; job = next) {
        next = job->next;
        store_queue_append(job->op == STORE_AWAIT ? &s->awaited : &rest, job);
    }
    store_queue_init(round);
    store_queue_join(round, &rest);
}

/* ---- the thread ---- */

/* When the thread has to go on without a job, on the clock of store_now_ms; INT64_MAX for never. */
static int64_t next_duty(const store *s) {
    int64_t duty = INT64_MAX;
    if (s->unsynced_since) duty = s->unsynced_since + SYNC_AFTER_MS;
    if (s->awaited.head && s->awaited_looked + AWAIT_MS < duty) duty = s->awaited_looked + AWAIT_MS;
    return duty;
}

/* Waits for jobs, or for the next duty, and moves what a transaction takes into round, which may
 * stay empty. False when the store is closing and nothing is left. */
static bool next_round(store *s, store_queue *round) {
    int64_t duty = next_duty(s);
    struct timespec until = {.tv_sec = duty / 1000, .tv_nsec = duty % 1000 * 1000000};
    int rc = 0;
    pthread_mutex_lock(&s->mutex);
    while (!s->waiting.head && !s->closing && rc == 0) {
        if (duty < INT64_MAX)
            rc = pthread_cond_timedwait(&s->wake, &s->mutex, &until);
        else
            rc = pthread_cond_wait(&s->wake, &s->mutex);
    }
    store_queue_take(round, &s->waiting, ROUND_MAX);
    bool more = round->head || !s->closing;
    pthread_mutex_unlock(&s->mutex);
    return more;
}

static void give_back(store *s, store_queue *done) {
    if (!done->head) return;
    pthread_mutex_lock(&s->mutex);
    store_queue_join(&s->done, done);
    pthread_mutex_unlock(&s->mutex);
    if (s->notify) s->notify(s->notify_arg);
}

static void *thread_main(void *arg) {
    pthread_setname_np(pthread_self(), "store"); /* for top, perf and gdb */
    /* Where it shares a core with the loop it does not break in on that for each job, but takes
     * more at a time: half of the switches. */
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &(struct sched_param){0});
    store *s = arg;
    store_queue round;
    store_queue_init(&round);
    while (next_round(s, &round)) {
        set_awaiting_aside(s, &round);
        bool any = round.head != NULL;
        if (any) run_round(s, &round);
        if (s->awaited.head) look_at_leases(s, &round, false);
        give_back(s, &round);
        if (any && !s->read_only && store_table_due(s->table)) index_recent(s);
        if (s->unsynced_since && store_now_ms() >= s->unsynced_since + SYNC_AFTER_MS)
            sync_commits(s);
    }
    look_at_leases(s, &round, true);
    give_back(s, &round);
    store_table_expect(s->table, false);
    if (!s->read_only && store_table_due(s->table)) index_recent(s);
    if (s->unsynced_since) sync_commits(s);
    return NULL;
}

/* ---- opening and closing ---- */

static int prepare_connection(store *s) {
    int rc = sqlite3_exec(s->db, tuning_sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->db,
                          s->durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_busy_handler(s->db, on_locked, s);
    for (int i = 0; i < BOUNDS && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(s->db, bounds_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->bounds[i],
                                NULL);
    if (rc == SQLITE_OK) s->table = store_table_open(s->db, s->read_only, &rc);
    if (rc == SQLITE_OK) s->has_pending = store_batch_any(s->db);
    return rc;
}

/* Signals are the main thread's business. */
static int start_thread(store *s) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&s->thread, NULL, thread_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* Closing the last connection checkpoints the file and takes the WAL away. */
static void release(store *s) {
    store_table_close(s->table);
    for (int i = 0; i < BOUNDS; i++) sqlite3_finalize(s->bounds[i]);
    sqlite3_close(s->db);
    store_leases_close(atomic_load(&s->leases));
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->mutex);
    free(s->path);
    free(s);
}

static store *new_store(const store_options *options) {
    store *s = calloc(1, sizeof *s);
    char *path = strdup(options->path);
    if (!s || !path) {
        free(s);
        free(path);
        return NULL;
    }
    s->path = path;
    s->read_only = options->read_only;
    s->durable = options->durable;
    s->notify = options->notify;
    s->notify_arg = options->notify_arg;
    store_queue_init(&s->later);
    store_queue_init(&s->waiting);
    store_queue_init(&s->done);
    store_queue_init(&s->awaited);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    return s;
}

store *store_open(const store_options *options, char *err, size_t errlen) {
    store *s = new_store(options);
    if (!s) {
        snprintf(err, errlen, "%s", out_of_memory);
        return NULL;
    }
    int rc;
    s->db = store_db_open(options, &rc, err, errlen);
    if (s->db) rc = prepare_connection(s);
    if (s->db && rc != SQLITE_OK) store_db_explain(s->db, rc, s->path, err, errlen);
    if (rc == SQLITE_OK && start_thread(s) != 0) {
        snprintf(err, errlen, "the store %s failed: cannot start its thread", s->path);
        rc = SQLITE_ERROR;
    }
    if (rc == SQLITE_OK) return s;
    release(s);
    return NULL;
}

bool store_has_pending(const store *s) {
    return s->has_pending;
}

void store_finish(store *s) {
    if (s->finished) return;
    store_flush(s);
    pthread_mutex_lock(&s->mutex);
    s->closing = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    assert(!s->waiting.head && !s->awaited.head);
    s->finished = true;
}

void store_close(store *s) {
    if (!s) return;
    store_finish(s);
    store_queue_free(&s->done);
    release(s);
}

/* ---- for the submitting thread ---- */

void store_submit(store *s, store_job *job) {
    store_submit_later(s, job);
    store_flush(s);
}

void store_submit_later(store *s, store_job *job) {
    assert(!job->error && !job->found && !job->answer.data);
    pthread_mutex_lock(&s->mutex);
    assert(!s->closing);
    store_queue_append(&s->later, job);
    pthread_mutex_unlock(&s->mutex);
}

void store_flush(store *s) {
    pthread_mutex_lock(&s->mutex);
    bool any = s->later.head != NULL;
    store_queue_join(&s->waiting, &s->later);
    pthread_mutex_unlock(&s->mutex);
    /* Not before: the thread may run at once, and would only wait for the mutex. */
    if (any) pthread_cond_signal(&s->wake);
}

store_job *store_collect(store *s) {
    pthread_mutex_lock(&s->mutex);
    store_job *jobs = s->done.head;
    store_queue_init(&s->done);
    pthread_mutex_unlock(&s->mutex);
    return jobs;
}

bool store_lease(store *s, const unsigned char key[STORE_KEY]) {
    if (!s->leases_wanted && !s->read_only) {
        s->leases_wanted = true;
        atomic_store(&s->leases, store_leases_open(s->path));
    }
    return store_lease_take(atomic_load(&s->leases), key);
}

void store_end_lease(store *s, const unsigned char key[STORE_KEY]) {
    store_lease_end(atomic_load(&s->leases), key);
}

int64_t store_foreign_commits(store *s) {
    if (!s->leases_wanted) return -1;
    return (int64_t)store_leases_foreign_commits(atomic_load(&s->leases));
}

void store_job_free(store_job *job) {
    if (!job) return;
    free(job->answer.data);
    if (job->work) job->work->free(job->work);
    if (job->error != out_of_memory) free(job->error);
    free(job);
}
