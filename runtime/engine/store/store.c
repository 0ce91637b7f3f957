#include "engine/store/store.h"

#include "engine/store/batch.h"
#include "engine/store/db.h"
#include "engine/store/table.h"
#include "engine/store/work.h"

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
    ERROR_MAX = 512
};

/* 16 MB of page cache; a WAL that a long reader let grow shrinks to 32 MB. */
static const char tuning_sql[] = "PRAGMA cache_size=-16384; PRAGMA journal_size_limit=33554432";

typedef struct queue {
    store_job *head;
    store_job **tail;
} queue;

struct store {
    /* set once */
    char *path;
    bool read_only, durable, has_pending;
    void (*notify)(void *arg);
    void *notify_arg;
    pthread_t thread;

    /* the thread's alone */
    sqlite3 *db;
    store_table *table;
    int64_t unsynced_since; /* when the oldest commit that is not yet on the disk was made; or 0 */

    /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    queue held, waiting, done;
    bool closing;
};

/* What job->error is when there is no memory to say more. */
static char out_of_memory[] = "the store failed: out of memory";

static void queue_init(queue *q) {
    q->head = NULL;
    q->tail = &q->head;
}

static void queue_append(queue *q, store_job *job) {
    job->next = NULL;
    *q->tail = job;
    q->tail = &job->next;
}

/* Moves all of from to the end of q. */
static void queue_join(queue *q, queue *from) {
    if (!from->head) return;
    *q->tail = from->head;
    q->tail = from->tail;
    queue_init(from);
}

/* Moves at most max jobs from the front of from to q, which is empty. */
static void queue_take(queue *q, queue *from, int max) {
    while (from->head && max-- > 0) {
        store_job *job = from->head;
        from->head = job->next;
        queue_append(q, job);
    }
    if (!from->head) queue_init(from);
}

static void queue_free(queue *q) {
    for (store_job *job = q->head, *next; job; job = next) {
        next = job->next;
        store_job_free(job);
    }
}

static int64_t now_ms(void) {
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

/* Does the jobs in their order inside one transaction; a failure is that of the whole group. */
static int run_group(store *s, const queue *round, bool writes) {
    int rc = sqlite3_exec(s->db, writes ? "BEGIN IMMEDIATE" : "BEGIN", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = store_table_begin(s->table);
    for (store_job *job = round->head; job && rc == SQLITE_OK; job = job->next) {
        if (job->op == STORE_GET)
            run_get(s, job);
        else if (!job->error)
            rc = job->op == STORE_PUT ? insert(s, job) : job->work->run(job->work, s->db, s->table);
    }
    if (rc == SQLITE_OK) rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    return rc;
}

/* After a group that failed: its puts fail with it. Its gets are asked again, one by one, since
 * what they saw may have been rolled back, and a disk that cannot be written can be read. */
static void undo_group(store *s, const queue *round, int rc) {
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
            free(job->completion.data);
            job->completion = (store_text){0};
            run_get(s, job);
        }
    }
}

/* Moves recent keys into the index. A failure leaves them where they are found as well. */
static void settle(store *s) {
    int rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = store_table_settle(s->table);
    if (rc == SQLITE_OK) rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK) return;
    if (!sqlite3_get_autocommit(s->db)) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    store_table_undone(s->table);
}

/* Brings all commits to the disk, which SQLite alone would only do at the next checkpoint. When
 * that fails every later commit is synced on its own, so that the fault shows in its jobs. */
static void sync_commits(store *s) {
    sqlite3_file *wal = store_db_wal(s->db);
    if (!wal || wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) != SQLITE_OK) {
        sqlite3_exec(s->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
        s->durable = true;
    }
    s->unsynced_since = 0;
}

static void run_round(store *s, const queue *round) {
    bool writes = false, work = false;
    for (store_job *job = round->head; job; job = job->next) {
        if (!is_writing(job)) continue;
        work = work || job->op == STORE_WORK;
        if (s->read_only)
            explain(s, SQLITE_READONLY, job);
        else
            writes = true;
    }
    int rc = run_group(s, round, writes);
    if (rc != SQLITE_OK)
        undo_group(s, round, rc);
    else if (writes && !s->durable && !s->unsynced_since)
        s->unsynced_since = now_ms();
    /* What is noted of batches stands on the disk before anything is sent that costs. */
    if (rc == SQLITE_OK && work && s->unsynced_since) sync_commits(s);
}

/* Waits for jobs, or until a sync is due, and moves what a transaction takes into round, which may
 * stay empty. False when the store is closing and nothing is left. */
static bool next_round(store *s, queue *round) {
    int64_t due = s->unsynced_since + SYNC_AFTER_MS;
    struct timespec until = {.tv_sec = due / 1000, .tv_nsec = due % 1000 * 1000000};
    int rc = 0;
    pthread_mutex_lock(&s->mutex);
    while (!s->waiting.head && !s->closing && rc == 0) {
        if (s->unsynced_since)
            rc = pthread_cond_timedwait(&s->wake, &s->mutex, &until);
        else
            rc = pthread_cond_wait(&s->wake, &s->mutex);
    }
    queue_take(round, &s->waiting, ROUND_MAX);
    bool more = round->head || !s->closing;
    pthread_mutex_unlock(&s->mutex);
    return more;
}

static void *thread_main(void *arg) {
    pthread_setname_np(pthread_self(), "store"); /* for top, perf and gdb */
    /* Where it shares a core with the loop it does not break in on that for each job, but takes
     * more at a time: half of the switches. */
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &(struct sched_param){0});
    store *s = arg;
    queue round;
    queue_init(&round);
    while (next_round(s, &round)) {
        if (round.head) {
            run_round(s, &round);
            pthread_mutex_lock(&s->mutex);
            queue_join(&s->done, &round);
            pthread_mutex_unlock(&s->mutex);
            if (s->notify) s->notify(s->notify_arg);
            if (!s->read_only && store_table_due(s->table)) settle(s);
        }
        if (s->unsynced_since && now_ms() >= s->unsynced_since + SYNC_AFTER_MS) sync_commits(s);
    }
    if (s->unsynced_since) sync_commits(s);
    return NULL;
}

static int prepare_connection(store *s) {
    int rc = sqlite3_exec(s->db, tuning_sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK && !s->durable)
        rc = sqlite3_exec(s->db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
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
    sqlite3_close(s->db);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->mutex);
    free(s->path);
    free(s);
}

store *store_open(const store_options *options, char *err, size_t errlen) {
    store *s = calloc(1, sizeof *s);
    char *path = strdup(options->path);
    if (!s || !path) {
        free(s);
        free(path);
        snprintf(err, errlen, "%s", out_of_memory);
        return NULL;
    }
    s->path = path;
    s->read_only = options->read_only;
    s->durable = options->durable;
    s->notify = options->notify;
    s->notify_arg = options->notify_arg;
    queue_init(&s->held);
    queue_init(&s->waiting);
    queue_init(&s->done);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);

    s->db = store_db_open(options, err, errlen);
    int rc = s->db ? prepare_connection(s) : SQLITE_ERROR;
    if (s->db && rc != SQLITE_OK) store_db_explain(s->db, rc, path, err, errlen);
    if (rc == SQLITE_OK && start_thread(s) != 0) {
        snprintf(err, errlen, "the store %s failed: cannot start its thread", path);
        rc = SQLITE_ERROR;
    }
    if (rc == SQLITE_OK) return s;
    release(s);
    return NULL;
}

void store_submit(store *s, store_job *job) {
    store_submit_later(s, job);
    store_flush(s);
}

void store_submit_later(store *s, store_job *job) {
    pthread_mutex_lock(&s->mutex);
    queue_append(&s->held, job);
    pthread_mutex_unlock(&s->mutex);
}

void store_flush(store *s) {
    pthread_mutex_lock(&s->mutex);
    bool any = s->held.head != NULL;
    queue_join(&s->waiting, &s->held);
    pthread_mutex_unlock(&s->mutex);
    /* Not before: the thread may run at once, and would only wait for the mutex. */
    if (any) pthread_cond_signal(&s->wake);
}

bool store_has_pending(const store *s) {
    return s->has_pending;
}

store_job *store_collect(store *s) {
    pthread_mutex_lock(&s->mutex);
    store_job *jobs = s->done.head;
    queue_init(&s->done);
    pthread_mutex_unlock(&s->mutex);
    return jobs;
}

void store_close(store *s) {
    if (!s) return;
    store_flush(s);
    pthread_mutex_lock(&s->mutex);
    s->closing = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    queue_free(&s->done);
    release(s);
}

void store_job_free(store_job *job) {
    if (!job) return;
    free(job->request.data);
    free(job->wire.data);
    free(job->completion.data);
    if (job->work) job->work->free(job->work);
    if (job->error != out_of_memory) free(job->error);
    free(job);
}
