/* Any bytes as a store's file: every way to read it ends, shows only completions whose key is that
 * of their request, each once where damage is passed over, and changes nothing; a run over it ends
 * too. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/digest.h"
#include "engine/store/import.h"
#include "engine/store/prune.h"
#include "engine/store/recording.h"
#include "engine/store/scan.h"

enum { KEYS_MOST = 4096 };

static char path[64], other[64], err[1024];

/* What has been shown. */
typedef struct shown {
    unsigned char keys[KEYS_MOST][STORE_KEY];
    size_t count;
    buf lines;
} shown;

static void check(int truth) {
    if (!truth) abort();
}

static void write_file(const unsigned char *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

static void check_file(const unsigned char *data, size_t size) {
    unsigned char *now = malloc(size + 1);
    int fd = open(path, O_RDONLY);
    check(now && fd >= 0 && read(fd, now, size + 1) == (ssize_t)size);
    check(memcmp(now, data, size) == 0);
    close(fd);
    free(now);
}

static int take(void *arg, const store_record *r) {
    shown *s = arg;
    unsigned char digest_of[STORE_KEY], key[STORE_KEY];
    digest_sha256(r->request, r->request_len, digest_of);
    check(memcmp(digest_of, r->key, STORE_KEY) == 0);
    for (size_t i = 0; i < s->count; i++) check(memcmp(s->keys[i], r->key, STORE_KEY) != 0);
    if (s->count < KEYS_MOST) memcpy(s->keys[s->count++], r->key, STORE_KEY);
    /* What is written as a line is read as the same. */
    json_reader reader;
    json_reader_init(&reader, "", 0);
    buf_clear(&s->lines);
    store_record back;
    if (store_recording_write(&s->lines, &reader, r) == RECORDING_DONE &&
        store_recording_read(&reader, s->lines.data, s->lines.len - 1, key, &back))
        check(memcmp(key, r->key, STORE_KEY) == 0 && back.created_ms == r->created_ms);
    json_reader_free(&reader);
    return 0;
}

static int pass(void *arg, const store_record *r) {
    (void)arg;
    return r->key[0] == 0xff;
}

static void read_all(shown *s) {
    size_t counts[3] = {0};
    for (int order = 0; order < 3; order++) {
        store_damage damage;
        store_how how = {.order = (enum store_order)order, .damage = &damage};
        s->count = 0;
        int end = store_each(path, &how, take, s, err, sizeof err);
        check(end == 0 || end == -1);
        check(end == 0 || err[0]);
        counts[order] = end == 0 ? s->count : 0;
    }
    store_each(path, &(store_how){.order = STORE_AS_WRITTEN}, pass, NULL, err, sizeof err);
    store_each(path, &(store_how){.keys_only = true}, pass, NULL, err, sizeof err);
    store_sample(path, 3, pass, NULL, err, sizeof err);
    unsigned char low[STORE_KEY] = {0x10}, high[STORE_KEY];
    memset(high, 0x7f, sizeof high);
    store_find(path, low, high, 5, pass, NULL, err, sizeof err);
}

static store_job *wait_for(store *s) {
    store_job *job;
    while (!(job = store_collect(s))) usleep(100);
    return job;
}

/* A run over it: looks up, puts, prunes. */
static void run_over(const shown *seen) {
    store *s = store_open(&(store_options){.path = path}, err, sizeof err);
    if (!s) return;
    store_job *job = calloc(1, sizeof *job);
    check(job != NULL);
    job->op = STORE_GET;
    if (seen->count) memcpy(job->key, seen->keys[0], STORE_KEY);
    store_submit(s, job);
    store_job_free(wait_for(s));
    job = calloc(1, sizeof *job);
    check(job != NULL);
    job->op = STORE_PUT;
    job->request = job->wire = job->completion = (pack_text){"{}", 2};
    digest_sha256("{}", 2, job->key);
    store_submit(s, job);
    store_job_free(wait_for(s));
    store_close(s);
    if (seen->count) store_prune(path, seen->keys[0], 1, err, sizeof err);
}

/* Into another store. */
static void import(void) {
    store *s = store_open(&(store_options){.path = other}, err, sizeof err);
    check(s != NULL);
    store_source *from = store_source_open(path, err, sizeof err);
    bool ended = from == NULL;
    for (int round = 0; !ended && round < 100; round++) {
        store_import *import;
        store_job *job = store_import_job(&import);
        check(job != NULL);
        import->source = from;
        import->most = 10;
        store_submit(s, job);
        job = wait_for(s);
        ended = job->error || import->problem[0] || import->ended;
        store_job_free(job);
    }
    store_source_close(from);
    store_close(s);
    check(store_each(other, &(store_how){0}, pass, NULL, err, sizeof err) >= 0);
}

static void clean(void) {
    static const char *const endings[] = {"", "-wal", "-shm", "-journal", "-calls"};
    char name[96];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
        snprintf(name, sizeof name, "%s%s", other, endings[i]);
        unlink(name);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static shown s;
    snprintf(path, sizeof path, "/dev/shm/store-fuzz-%d.db", (int)getpid());
    snprintf(other, sizeof other, "/dev/shm/store-fuzz-%d-other.db", (int)getpid());
    clean();
    write_file(data, size);
    read_all(&s);
    check_file(data, size);
    unsigned char sum = 0;
    for (size_t i = 0; i < size; i++) sum = (unsigned char)(sum * 31 + data[i]);
    if (sum % 4 == 0) import();
    if (sum % 4 == 1) run_over(&s);
    clean();
    return 0;
}
