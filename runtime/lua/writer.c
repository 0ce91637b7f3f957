#include "lua/writer.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sink.h"
#include "lua/box.h"
#include "lua/json/json.h"
#include "lua/task.h"
#include "lua/writer_csv.h"

/* A piece of so many bytes goes to the worker. */
#define PIECE ((size_t)512 * 1024)

typedef struct outlet outlet;

/* A task that waits for the worker; a userdata on its stack. */
typedef struct waiter {
    task *task;
    outlet *outlet;
    struct waiter *next;
} waiter;

/*
 * Rows gather in `filling` while a worker thread compresses and writes the piece before; whoever
 * fills a second piece waits. So the loop waits for no disk, and memory is bounded. What a worker
 * uses must outlive the box, hence a block of its own.
 */
struct outlet {
    sink *sink;
    runtime *rt;
    buf filling;
    size_t whole;         /* bytes of it that are whole rows: an error may have cut one short */
    buf leaving;          /* the worker's */
    char *rename_to;      /* the name of the complete file, if it gets another */
    bool last;            /* the piece under way is the last one */
    bool counted;         /* and among what a drain waits for */
    bool dropped;         /* the box is gone */
    size_t reports;       /* calls of on_done that are to come */
    waiter *waiters;      /* tasks to wake by the next of them */
    pthread_mutex_t lock; /* for: */
    pthread_cond_t ended; /* the worker has no piece any more */
    bool working, failed;
};

enum format { JSONL, JSON, CSV, TSV };

typedef struct writer {
    box_head box;
    outlet *outlet; /* NULL when closed */
    enum format format;
    bool closing;
    lua_Integer rows;
    uint64_t bytes; /* before compression, with those that are still here */
} writer;

enum { COLUMNS = 1 }; /* user value: the names of the columns, once there is a header */

/* ---- the worker ---- */

static void free_outlet(outlet *o) {
    sink_close(o->sink);
    buf_free(&o->filling);
    buf_free(&o->leaving);
    free(o->rename_to);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->ended);
    free(o);
}

static bool write_piece(outlet *o) {
    if (!sink_write(o->sink, o->leaving.data, o->leaving.len)) return false;
    if (!o->last) return true;
    return o->rename_to ? sink_commit(o->sink, o->rename_to) : sink_finish(o->sink);
}

static void work(void *arg) {
    outlet *o = arg;
    bool well = write_piece(o);
    pthread_mutex_lock(&o->lock);
    o->failed = !well;
    o->working = false;
    pthread_cond_signal(&o->ended);
    pthread_mutex_unlock(&o->lock);
}

static void on_done(void *arg) {
    outlet *o = arg;
    o->reports--;
    if (o->counted && o->reports == 0) {
        o->counted = false;
        o->rt->committed--;
    }
    if (o->dropped) {
        if (o->reports == 0) free_outlet(o);
        return;
    }
    waiter *next = o->waiters;
    o->waiters = NULL;
    for (waiter *w = next; w; w = next) {
        next = w->next;
        task_wake(w->task);
    }
}

/* Whether the worker has a piece; waits until it has none when told to. */
static bool is_working(outlet *o, bool wait) {
    pthread_mutex_lock(&o->lock);
    while (wait && o->working) pthread_cond_wait(&o->ended, &o->lock);
    bool working = o->working;
    pthread_mutex_unlock(&o->lock);
    return working;
}

/* Hands what has gathered to the worker, which is idle; does its work where no task can wait. */
static void hand_over(outlet *o, bool last, bool aside) {
    buf spare = o->leaving;
    o->leaving = o->filling;
    o->filling = spare;
    buf_clear(&o->filling);
    o->whole = 0;
    o->last = last;
    o->working = true; /* seen by nobody else yet */
    if (!aside || !loop_work(o->rt->loop, work, on_done, o)) {
        work(o);
        return;
    }
    o->reports++;
    /* An interrupted run ends behind the rename, not in the middle of it. */
    o->counted = last;
    o->rt->committed += last;
}

static void stop_waiting(void *arg) {
    waiter *self = arg;
    for (waiter **link = &self->outlet->waiters; *link; link = &(*link)->next) {
        if (*link != self) continue;
        *link = self->next;
        break;
    }
}

static int await_worker(lua_State *L, task *t, outlet *o, lua_KContext ctx, lua_KFunction k) {
    lua_settop(L, 1);
    waiter *w = lua_newuserdatauv(L, sizeof *w, 0);
    *w = (waiter){.task = t, .outlet = o, .next = o->waiters};
    o->waiters = w;
    return task_suspend(L, TASK_OUTSIDE, stop_waiting, w, ctx, k);
}

/* ---- writing ---- */

static void release_writer(void *box) {
    writer *w = box;
    outlet *o = w->outlet;
    w->outlet = NULL;
    if (!o) return;
    o->dropped = true;
    if (o->reports == 0) free_outlet(o);
}

static const box_class writer_class;

static writer *check_writer(lua_State *L) {
    writer *w = box_check(L, 1, &writer_class);
    if (w->closing) luaL_error(L, "%s", writer_class.closed);
    w->outlet->filling.len = w->outlet->whole;
    return w;
}

static int fail_sink(lua_State *L, const outlet *o) {
    return lx_fail(L, "file", "%s", sink_error(o->sink));
}

/* Goes on once less than a piece is here: with the bytes so far, or nil and the error. */
static int keep_small(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    writer *w = lua_touserdata(L, 1);
    outlet *o = w->outlet;
    while (o && o->whole >= PIECE) { /* whoever closed it has written all of it */
        task *t = task_able(L);
        if (is_working(o, !t)) return await_worker(L, t, o, ctx, keep_small);
        if (o->failed) return fail_sink(L, o);
        hand_over(o, false, true);
    }
    lua_pushinteger(L, (lua_Integer)w->bytes);
    return 1;
}

/* What was appended since `before` counts. */
static int appended(lua_State *L, writer *w, size_t before) {
    outlet *o = w->outlet;
    o->whole = o->filling.len;
    w->bytes += o->whole - before;
    return keep_small(L, LUA_OK, 0);
}

/* Appends the row at 2 to the lines; false and the reason on the stack when it has no such form. */
static bool append_row(lua_State *L, writer *w, buf *out) {
    if (w->format == CSV || w->format == TSV) {
        luaL_checktype(L, 2, LUA_TTABLE);
        if (lua_getiuservalue(L, 1, COLUMNS) != LUA_TTABLE)
            return luaL_error(L, "a CSV file needs its header before its rows");
        return writer_csv_row(L, 2, 3, w->format == CSV ? ',' : '\t', out);
    }
    char error[512];
    const char *lead = w->format == JSONL ? "" : w->rows == 0 ? "[\n" : ",\n";
    if (!buf_append_str(out, lead)) {
        lua_pushliteral(L, "out of memory");
        return false;
    }
    if (!json_encode_value(L, 2, out, 0, error, sizeof error)) {
        lua_pushstring(L, error);
        return false;
    }
    if (w->format == JSON || buf_append_char(out, '\n')) return true;
    lua_pushliteral(L, "out of memory");
    return false;
}

/* writer:write(row) -> bytes so far | nil, {kind =, message =}: raises when the row has no form in
 * this format. */
static int l_write(lua_State *L) {
    writer *w = check_writer(L);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    size_t before = w->outlet->whole;
    if (!append_row(L, w, &w->outlet->filling)) {
        w->outlet->filling.len = before;
        return luaL_error(L, "row %I: %s", (LUAI_UACINT)w->rows + 1, lua_tostring(L, -1));
    }
    w->rows++;
    return appended(L, w, before);
}

/* writer:header(columns) -> bytes so far | nil, {kind =, message =}: the columns of CSV. */
static int l_header(lua_State *L) {
    writer *w = check_writer(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    luaL_argcheck(L, w->format == CSV || w->format == TSV, 1, "this format has no header");
    luaL_argcheck(L, count > 0, 2, "CSV needs a column");
    lua_createtable(L, (int)count, 0);
    for (lua_Integer i = 1; i <= count; i++) {
        luaL_argcheck(L, lua_rawgeti(L, 2, i) == LUA_TSTRING, 2, "columns are named by strings");
        lua_rawseti(L, 3, i);
    }
    size_t before = w->outlet->whole;
    if (!writer_csv_header(L, 3, w->format == CSV ? ',' : '\t', &w->outlet->filling)) {
        w->outlet->filling.len = before;
        return lua_error(L);
    }
    lua_settop(L, 3);
    lua_setiuservalue(L, 1, COLUMNS);
    return appended(L, w, before);
}

/* writer:write_text(text) -> bytes so far | nil, {kind =, message =}: bytes as they are. */
static int l_write_text(lua_State *L) {
    writer *w = check_writer(L);
    size_t len, before = w->outlet->whole;
    const char *text = luaL_checklstring(L, 2, &len);
    if (!buf_append(&w->outlet->filling, text, len)) return luaL_error(L, "out of memory");
    return appended(L, w, before);
}

/* ---- the end ---- */

/* Writes what is left, then closes; ctx says whether the last piece is on its way. */
static int finish(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    writer *w = lua_touserdata(L, 1);
    outlet *o = w->outlet;
    for (;;) {
        task *t = task_able(L);
        if (is_working(o, !t)) return await_worker(L, t, o, ctx, finish);
        if (ctx || o->failed) break;
        ctx = 1;
        hand_over(o, true, t != NULL);
    }
    int results = 1;
    if (o->failed)
        results = fail_sink(L, o);
    else
        lua_pushboolean(L, 1);
    box_shut(w);
    return results;
}

/* close([to]) -> true | nil, {kind =, message =}: all rows are on the disk then, and the file has
 * the name `to`, in place of what had it. */
static int l_close(lua_State *L) {
    writer *w = check_writer(L);
    const char *to = luaL_optstring(L, 2, NULL);
    outlet *o = w->outlet;
    if (to && !(o->rename_to = strdup(to))) return luaL_error(L, "out of memory");
    const char *end = w->rows > 0 ? "\n]\n" : w->bytes == 0 ? "[]\n" : "";
    if (w->format == JSON && !buf_append_str(&o->filling, end))
        return luaL_error(L, "out of memory");
    o->whole = o->filling.len;
    w->closing = true;
    return finish(L, LUA_OK, 0);
}

/* open(path [, {format =, compression =, level =}]) -> writer | nil, {kind = "file", message =}:
 * the file is made anew. */
static int l_open(lua_State *L) {
    static const char *const formats[] = {"jsonl", "json", "csv", "tsv", NULL};
    const char *path = luaL_checkstring(L, 1);
    char err[256];
    lua_settop(L, 2);
    int level = (int)lx_integer_field(L, 2, "level", -1, 0, 100);
    if (!lx_string_field(L, 2, "format", NULL)) lua_pushnil(L);
    const char *filter = lx_string_field(L, 2, "compression", NULL);
    if (!filter) lua_pushnil(L);
    writer *w = box_new(L, &writer_class, sizeof *w, 1);
    w->format = (enum format)luaL_checkoption(L, 3, "jsonl", formats);
    outlet *o = calloc(1, sizeof *o);
    if (!o) return luaL_error(L, "out of memory");
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->ended, NULL);
    o->rt = runtime_of(L);
    o->sink = sink_open(path, filter, level, err, sizeof err);
    if (o->sink) {
        w->outlet = o;
        return 1;
    }
    free_outlet(o);
    return lx_fail(L, "file", "%s", err);
}

static const luaL_Reg methods[] = {{"write", l_write},
                                   {"header", l_header},
                                   {"write_text", l_write_text},
                                   {"close", l_close},
                                   {NULL, NULL}};

static const box_class writer_class = {.name = "fellowship.writer",
                                       .closed = "the writer is closed",
                                       .methods = methods,
                                       .release = release_writer};

int luaopen_fellowship_core_writer(lua_State *L) {
    box_register(L, &writer_class);
    static const luaL_Reg functions[] = {{"open", l_open}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
