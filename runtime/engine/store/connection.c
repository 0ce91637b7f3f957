#include "engine/store/connection.h"

#include "engine/store/batch.h"
#include "engine/store/db.h"
#include "engine/store/table.h"
#include "engine/store/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SYNC_AFTER_MS = 500, /* half of the second that a power cut may cost; a sync takes time too */
    PLACE_MS = 10,       /* between two looks at where its file is */
    ERROR_MAX = 512
};

/* 16 MB of page cache; a WAL that a long reader let grow shrinks to 32 MB. */
static const char tuning_sql[] = "PRAGMA cache_size=-16384; PRAGMA journal_size_limit=33554432";

enum bound { BEGIN_READING, BEGIN_WRITING, COMMIT, BOUNDS };

static const char *const bounds_sql[BOUNDS] = {
    [BEGIN_READING] = "BEGIN", [BEGIN_WRITING] = "BEGIN IMMEDIATE", [COMMIT] = "COMMIT"};

struct store_connection {
    const char *path;
    bool read_only, has_pending;
    sqlite3 *db;
    store_table *table;
    sqlite3_stmt *bounds[BOUNDS]; /* of transactions: every round has them */
    bool durable;                 /* each commit is synced by SQLite */
    bool sync_failed;             /* a sync of ours was refused: from now on SQLite shall do it */
    bool moved;                   /* its file is not where it was */
    int64_t place_looked;         /* when that was last looked at */
    int64_t unsynced_since; /* when the oldest commit that is not yet on the disk was made; or 0 */
    int64_t locked_out_at;  /* when another process's lock was met */
};

static void explain(store_connection *c, int rc, store_job *job) {
    char message[ERROR_MAX];
    store_db_explain(c->db, rc, c->path, message, sizeof message);
    store_job_fail(job, message);
}

/* ---- syncing ---- */

/* Brings all commits to the disk, which SQLite alone would only do at the next checkpoint. */
static void sync_commits(store_connection *c) {
    sqlite3_file *wal = store_db_wal(c->db);
    if (!wal || wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) != SQLITE_OK) c->sync_failed = true;
    c->unsynced_since = 0;
}

/* After a sync that failed every commit is synced on its own, so that the fault shows in its jobs.
 */
static void mend_syncing(store_connection *c) {
    if (!c->sync_failed || c->durable) return;
    c->durable = sqlite3_exec(c->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL) == SQLITE_OK;
}

/* SQLite asks this when another process has the lock, for which it may wait longer than commits may
 * stay off the disk. */
static int on_locked(void *arg, int count) {
    static const int pauses_ms[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
    enum { PAUSES = sizeof pauses_ms / sizeof *pauses_ms };
    store_connection *c = arg;
    if (c->unsynced_since) sync_commits(c);
    if (count == 0) c->locked_out_at = store_now_ms();
    if (store_now_ms() - c->locked_out_at >= STORE_PATIENCE * 1000) return 0;
    int pause = pauses_ms[count < PAUSES ? count : PAUSES - 1];
    nanosleep(&(struct timespec){.tv_nsec = pause * 1000000L}, NULL);
    return 1;
}

/* ---- rounds of jobs ---- */

/* Inserts unless there is one, which then is read back. */
static int insert(store_connection *c, store_job *job) {
    int rc = store_table_put(c->table, job);
    if (rc != SQLITE_TOOBIG) return rc;
    explain(c, rc, job); /* its own fault: the rest of the group goes on */
    return SQLITE_OK;
}

static void run_get(store_connection *c, store_job *job) {
    int rc = store_table_get(c->table, job);
    if (rc != SQLITE_OK) explain(c, rc, job);
}

static bool is_writing(const store_job *job) {
    return job->op == STORE_PUT || (job->op == STORE_WORK && job->work->writes);
}

static int run_job(store_connection *c, store_job *job) {
    switch (job->op) {
    case STORE_GET: run_get(c, job); return SQLITE_OK;
    case STORE_PUT: return job->error ? SQLITE_OK : insert(c, job);
    case STORE_WORK: return job->error ? SQLITE_OK : job->work->run(job->work, c->db, c->table);
    case STORE_AWAIT: break; /* never in a group */
    }
    return SQLITE_INTERNAL;
}

static int pass(store_connection *c, enum bound bound) {
    int rc = sqlite3_step(c->bounds[bound]);
    int why = sqlite3_reset(c->bounds[bound]);
    return rc == SQLITE_DONE ? SQLITE_OK : why;
}

/* Does the jobs in their order inside one transaction; a failure is that of the whole group. */
static int run_group(store_connection *c, const store_queue *round, bool writes) {
    int rc = pass(c, writes ? BEGIN_WRITING : BEGIN_READING);
    if (rc == SQLITE_OK) rc = store_table_begin(c->table);
    for (store_job *job = round->head; job && rc == SQLITE_OK; job = job->next)
        rc = run_job(c, job);
    if (rc == SQLITE_OK) rc = pass(c, COMMIT);
    return rc;
}

/* After a group that failed: its puts fail with it. Its gets are asked again, one by one, since
 * what they saw may have been rolled back, and a disk that cannot be written can be read. */
static void undo_group(store_connection *c, const store_queue *round, int rc) {
    char message[ERROR_MAX];
    store_db_explain(c->db, rc, c->path, message, sizeof message);
    if (!sqlite3_get_autocommit(c->db)) sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    store_table_undone(c->table);
    /* Without the recent keys a completion that is there would seem not to be. */
    bool readable = store_table_begin(c->table) == SQLITE_OK;
    if (!readable) store_table_undone(c->table);
    for (store_job *job = round->head; job; job = job->next) {
        if (job->op != STORE_GET || !readable) {
            store_job_fail(job, message);
        } else if (!job->error) {
            free(job->answer.data);
            job->answer = (store_text){0};
            run_get(c, job);
        }
    }
}

/* Moves recent keys into the index. A failure leaves them where they are found as well. */
static void index_recent(store_connection *c) {
    int rc = pass(c, BEGIN_WRITING);
    if (rc == SQLITE_OK) rc = store_table_index_recent(c->table);
    if (rc == SQLITE_OK) rc = pass(c, COMMIT);
    if (rc == SQLITE_OK) return;
    if (!sqlite3_get_autocommit(c->db)) sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    store_table_undone(c->table);
}

/* Commits that go to a file which nobody will open again are told at once. They stand in the file
 * that was moved, or beside it, and are there again when it comes back. */
static void check_place(store_connection *c, const store_queue *round) {
    int64_t now = store_now_ms();
    if (!c->moved && now - c->place_looked >= PLACE_MS) {
        c->place_looked = now;
        c->moved = store_db_has_moved(c->db);
    }
    if (!c->moved) return;
    char message[ERROR_MAX];
    snprintf(message, sizeof message,
             "the store %s was moved, removed or replaced while it was in use; bring it back, with "
             "the file %s-wal where there is one, and run again",
             c->path, c->path);
    for (store_job *job = round->head; job; job = job->next)
        if (is_writing(job)) store_job_fail(job, message);
}

static void after_commit(store_connection *c, const store_queue *round, bool sync) {
    if (!c->durable && !c->unsynced_since) c->unsynced_since = store_now_ms();
    /* What is noted of batches stands on the disk before anything is sent that costs. */
    if (sync && c->unsynced_since) sync_commits(c);
    check_place(c, round);
}

void store_connection_run(store_connection *c, const store_queue *round, store_leases *leases) {
    bool writes = false, sync = false;
    for (store_job *job = round->head; job; job = job->next) {
        if (!is_writing(job)) continue;
        sync = sync || (job->op == STORE_WORK && job->work->syncs);
        if (c->read_only)
            explain(c, SQLITE_READONLY, job);
        else
            writes = true;
    }
    mend_syncing(c);
    int rc = run_group(c, round, writes);
    if (rc != SQLITE_OK) {
        undo_group(c, round, rc);
    } else if (writes) {
        store_leases_note_commit(leases);
        after_commit(c, round, sync);
    }
}

void store_connection_tend(store_connection *c, bool after_round) {
    if (after_round && !c->read_only && store_table_due(c->table)) index_recent(c);
    if (c->unsynced_since && store_now_ms() >= c->unsynced_since + SYNC_AFTER_MS) sync_commits(c);
}

void store_connection_finish(store_connection *c) {
    store_table_expect(c->table, false);
    if (!c->read_only && store_table_due(c->table)) index_recent(c);
    if (c->unsynced_since) sync_commits(c);
}

int64_t store_connection_due(const store_connection *c) {
    return c->unsynced_since ? c->unsynced_since + SYNC_AFTER_MS : INT64_MAX;
}

/* ---- opening and closing ---- */

static int prepare(store_connection *c) {
    int rc = sqlite3_exec(c->db, tuning_sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->db,
                          c->durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_busy_handler(c->db, on_locked, c);
    for (int i = 0; i < BOUNDS && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(c->db, bounds_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &c->bounds[i],
                                NULL);
    if (rc == SQLITE_OK) c->table = store_table_open(c->db, c->read_only, &rc);
    if (rc == SQLITE_OK) c->has_pending = store_batch_any(c->db);
    return rc;
}

store_connection *store_connection_open(const store_options *options, char *err, size_t errlen) {
    store_connection *c = calloc(1, sizeof *c);
    if (!c) {
        snprintf(err, errlen, "%s", store_out_of_memory);
        return NULL;
    }
    c->path = options->path;
    c->read_only = options->read_only;
    c->durable = options->durable;
    int rc;
    c->db = store_db_open(options, &rc, err, errlen);
    if (c->db && (rc = prepare(c)) == SQLITE_OK) return c;
    if (c->db) store_db_explain(c->db, rc, c->path, err, errlen);
    store_connection_close(c);
    return NULL;
}

void store_connection_close(store_connection *c) {
    if (!c) return;
    store_table_close(c->table);
    for (int i = 0; i < BOUNDS; i++) sqlite3_finalize(c->bounds[i]);
    sqlite3_close(c->db);
    free(c);
}

bool store_connection_has_pending(const store_connection *c) {
    return c->has_pending;
}
