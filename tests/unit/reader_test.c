/* Files and pipes read without holding up the loop: the window over a file's text, and pipes that
 * say nothing, which neither stop the loop nor keep a reader from being dropped. */
#include "engine/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static char folder[] = "/tmp/reader_test.XXXXXX", path[64];
static loop *l;
static int reads;

static void on_ready(void *arg) {
    (void)arg;
    reads++;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static reader *open_path(const char *name) {
    char err[256];
    reader *r = reader_open(name, NULL, l, on_ready, NULL, err, sizeof err);
    ok(r != NULL, "%s opens", name);
    return r;
}

/* The next event, turning the loop while a read is under way. */
static enum reader_event next(reader *r) {
    enum reader_event event;
    while ((event = reader_advance(r)) == READER_WAIT) loop_turn(l, true);
    return event;
}

static void test_file(void) {
    enum { LINES = 100000 };
    FILE *f = fopen(path, "w");
    for (int i = 0; i < LINES; i++) fprintf(f, "line %d\n", i);
    fclose(f);
    reader *r = open_path(path);
    is_int(next(r), READER_MEMBER, "its one member begins");
    is_str(reader_member(r), "", "which has no name");
    size_t len, lines = 0, wrong = 0;
    bool last = false;
    char wanted[32];
    while (!last) {
        if (next(r) != READER_MORE) break;
        const char *text = reader_window(r, &len, &last), *end;
        size_t taken = 0;
        while ((end = memchr(text + taken, '\n', len - taken))) {
            size_t n = (size_t)snprintf(wanted, sizeof wanted, "line %zu", lines++);
            wrong += n != (size_t)(end - text) - taken || memcmp(text + taken, wanted, n) != 0;
            taken = (size_t)(end - text) + 1;
        }
        reader_take(r, taken);
    }
    is_int((int64_t)lines, LINES, "all lines come through the window");
    is_int((int64_t)wrong, 0, "whole and in order");
    is_int(next(r), READER_END, "and no other member");
    is_int(next(r), READER_END, "which stays so");
    reader_drop(r);
    r = open_path(path);
    next(r);
    reader_skip(r);
    is_int(next(r), READER_END, "a member that is skipped");
    reader_drop(r);
    r = open_path(path);
    reader_advance(r);
    reader_drop(r); /* while it is being read ahead */
    unlink(path);
}

/* A pipe without anybody at its other end, and one whose writer says nothing. */
static void test_quiet_pipe(void) {
    mkfifo(path, 0600);
    for (int writers = 0; writers < 2; writers++) {
        int fd = writers ? open(path, O_RDWR) : -1;
        double started = now();
        reader *r = open_path(path);
        is_int(reader_advance(r), READER_WAIT, "a quiet pipe is waited for");
        reads = 0;
        for (int i = 0; i < 10; i++) loop_turn(l, false);
        is_int(reads, 0, "the loop turns meanwhile");
        reader_drop(r);
        loop_free(l); /* waits for the thread */
        ok(now() - started < 5, "and it can be dropped at any time");
        l = loop_new();
        if (fd >= 0) close(fd);
    }
    unlink(path);
}

static void test_slow_pipe(void) {
    char err[256];
    mkfifo(path, 0600);
    reader *r = open_path(path);
    int fd = open(path, O_WRONLY);
    size_t len = 0;
    bool last;
    for (int i = 0; i < 3; i++) {
        ok(write(fd, "row\n", 4) == 4, "somebody writes a row");
        while (next(r) == READER_MEMBER) {
        }
        reader_window(r, &len, &last);
        ok(len == 4 && !last, "which is there at once");
        reader_take(r, 4);
    }
    close(fd);
    is_int(next(r), READER_MORE, "the end");
    reader_window(r, &len, &last);
    ok(len == 0 && last, "is told");
    is_int(next(r), READER_END, "once");
    reader_drop(r);
    unlink(path);
    ok(!reader_open(path, NULL, l, on_ready, NULL, err, sizeof err), "what is not there: %s", err);
}

/* Eight pipes that say nothing, and a file: none of them takes the other's thread. */
static void test_many_pipes(void) {
    enum { PIPES = 8 };
    reader *quiet[PIPES];
    char name[PIPES][80];
    for (int i = 0; i < PIPES; i++) {
        snprintf(name[i], sizeof name[i], "%s/pipe%d", folder, i);
        mkfifo(name[i], 0600);
        quiet[i] = open_path(name[i]);
        reader_advance(quiet[i]);
    }
    test_file();
    for (int i = 0; i < PIPES; i++) {
        reader_drop(quiet[i]);
        unlink(name[i]);
    }
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/file", folder);
    l = loop_new();
    test_file();
    test_quiet_pipe();
    test_slow_pipe();
    test_many_pipes();
    loop_free(l);
    rmdir(folder);
    return done_testing();
}
