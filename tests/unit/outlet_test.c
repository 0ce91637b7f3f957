/* Files written without holding up the loop: what gathers is written whole and in order, and errors
 * are told. */
#include "engine/outlet.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tap.h"

static char folder[] = "/tmp/outlet_test.XXXXXX", path[64], done[64];
static loop *l;
static int pieces;

static void on_ready(void *arg) {
    (void)arg;
    pieces++;
}

static outlet *open_path(const char *name) {
    char err[256] = "";
    outlet *o = outlet_open(name, NULL, -1, l, on_ready, NULL, err, sizeof err);
    ok(o != NULL, "%s opens: %s", name, err);
    return o;
}

/* The state once nothing is being written; `wait` on this thread, or by turning the loop. */
static enum outlet_state settle(outlet *o, bool wait) {
    enum outlet_state state;
    while ((state = outlet_state(o, wait)) == OUTLET_BUSY) loop_turn(l, true);
    return state;
}

static enum outlet_state put(outlet *o, const char *text, bool wait) {
    buf_append_str(outlet_record(o), text);
    outlet_keep(o);
    return settle(o, wait);
}

static void test_file(bool wait) {
    enum { LINES = 200000 };
    outlet *o = open_path(path);
    char line[32];
    int bad = 0;
    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "line %d\n", i);
        bad += put(o, line, wait) != OUTLET_READY;
        buf_append_str(outlet_record(o), "half a rec");
        outlet_undo(o);
    }
    is_int(bad, 0, "pieces are written one after the other");
    ok(outlet_end(o, done), "the end");
    is_int(settle(o, wait), OUTLET_READY, "comes");
    ok(access(path, F_OK) != 0, "the file has its other name");
    FILE *f = fopen(done, "r");
    char got[32];
    int lines = 0;
    while (f && fgets(got, sizeof got, f)) {
        snprintf(line, sizeof line, "line %d\n", lines++);
        bad += strcmp(line, got) != 0;
    }
    if (f) fclose(f);
    is_int(lines, LINES, "and holds every record");
    is_int(bad, 0, "whole and in order");
    outlet_drop(o);
    unlink(done);
}

static void test_errors(void) {
    char err[256];
    ok(!outlet_open(folder, NULL, -1, l, on_ready, NULL, err, sizeof err), "a folder: %s", err);
    ok(!outlet_open(path, "lzma", -1, l, on_ready, NULL, err, sizeof err), "no such filter: %s",
       err);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000000, RLIM_INFINITY});
    outlet *o = open_path(path);
    int failed = 0;
    for (int i = 0; i < 200000 && !failed; i++)
        failed = put(o, "some text\n", false) != OUTLET_READY;
    ok(failed, "a file that cannot grow is told");
    is_str(outlet_error(o), "File too large", "with why");
    ok(outlet_end(o, done) && settle(o, true) == OUTLET_FAILED, "again, at its end");
    outlet_drop(o);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
    o = open_path(path);
    outlet_drop(o); /* nothing was written */
    unlink(path);
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(done, sizeof done, "%s/done", folder);
    l = loop_new();
    test_file(false);
    test_file(true);
    test_errors();
    loop_free(l);
    rmdir(folder);
    return done_testing();
}
