/* main: the fellowship program: finds its library, runs the command line (Lua: the module
 * fellowship.command.cli) as the first task, and turns how it ended into an exit status. */
#include <lauxlib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/allocator.h"
#include "base/printable.h"
#include "engine/libcurl.h"
#include "host/modules.h"
#include "host/precompiled.h"
#include "host/process.h"
#include "host/program.h"
#include "host/signals.h"
#include "lua/limits.h"

typedef struct host {
    program program;
    runtime runtime;
    loop *loop;
    int status;
} host;

/* ---- what ended the run ---- */

/* [-0, +0] Prints an error value and its traceback (may be NULL or empty). The value is a script's:
 * its metamethods may fail, so the library's words for it are made under pcall. */
static void report(lua_State *L, int index, const char *traceback) {
    index = lua_absindex(L, index);
    int top = lua_gettop(L);
    const char *message = "an error whose text cannot be made";
    if (luaL_loadstring(L, "return require 'fellowship.base.errors'.text(...)") == LUA_OK) {
        lua_pushvalue(L, index);
        if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_isstring(L, -1)) message = lua_tostring(L, -1);
    }
    bool traced = traceback && *traceback;
    printable_say("%s%s%s", message, traced ? "\n" : "", traced ? traceback : "");
    lua_settop(L, top);
}

/* [-0, +0] Failed tasks that nobody awaited; their errors would be lost otherwise. The library
 * tells them, equal ones once. Gives the exit status that they mean. */
static int report_unobserved(lua_State *L) {
    int status = 0, top = lua_gettop(L);
    task_push_unobserved(L, true);
    if (luaL_len(L, top + 1) > 0) {
        status = EXIT_SCRIPT_FAILED;
        int failed = luaL_loadstring(L, "return require 'fellowship.command.fatal'.unawaited(...)");
        lua_pushvalue(L, top + 1);
        if (failed == LUA_OK && lua_pcall(L, 1, 1, 0) == LUA_OK)
            status = (int)lua_tointeger(L, -1);
        else
            report(L, top + 2, NULL);
    }
    lua_settop(L, top);
    return status;
}

/* [-0, +0] The status of a run whose first task, whose box is at index, has ended. */
static int status_of(lua_State *L, int index) {
    int top = lua_gettop(L), status = EXIT_SCRIPT_FAILED;
    int results = task_push_outcome(L, index);
    if (lua_toboolean(L, top + 1))
        status = results > 1 ? (int)lua_tointeger(L, top + 2) : 0;
    else
        report(L, top + 2, lua_tostring(L, top + 3));
    lua_settop(L, top);
    int unobserved = report_unobserved(L);
    return status == 0 ? unobserved : status;
}

/* [-0, +0] The first task's box is at index. */
static int conclude(lua_State *L, int index, enum runtime_end end) {
    signals_run_over();
    if (end == RUNTIME_DRAINED && signals_status()) {
        if (!program_call_on_interrupt(L)) report(L, -1, NULL);
        return signals_status();
    }
    if (end == RUNTIME_DEADLOCK) {
        printable_say("deadlock: every task waits for another one");
        return EXIT_SCRIPT_FAILED;
    }
    return status_of(L, index);
}

/* ---- the run ---- */

/* [-0, +1] The first task: cli.main(arguments). */
static void spawn_main(lua_State *L, const program *p) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "fellowship.command.cli");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_remove(L, -2);
    lua_createtable(L, p->argc, 0);
    for (int i = 0; i < p->argc; i++) {
        lua_pushstring(L, p->argv[i]);
        lua_rawseti(L, -2, i);
    }
    task_spawn(L, 1);
}

/* Under pcall, since setting up a state can throw too. */
static int protected_main(lua_State *L) {
    host *h = lua_touserdata(L, 1);
    modules_open(L, &h->runtime, h->loop, h->program.home);
    precompiled_use(L, h->program.precompiled, h->program.home);
    program_open(L, &h->program);
    process_open(L);
    if (!signals_begin(&h->runtime, limits_drain)) return luaL_error(L, "out of memory");
    spawn_main(L, &h->program);
    h->status = conclude(L, lua_gettop(L), runtime_run(&h->runtime));
    return 0;
}

/* What a failure in protected_main says: no script's error comes here. */
static int with_traceback(lua_State *L) {
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

static void run(lua_State *L, host *h) {
    lua_pushcfunction(L, with_traceback);
    lua_pushcfunction(L, protected_main);
    lua_pushlightuserdata(L, h);
    if (lua_pcall(L, 1, 0, 1) != LUA_OK) {
        printable_say("%s", lua_tostring(L, -1));
        h->status = EXIT_SCRIPT_FAILED;
    }
    if (h->runtime.L) runtime_cancel_all(&h->runtime);
}

/* Whether standard output is a pipe that nobody reads any more, as behind `| head`. */
static bool reader_has_gone(void) {
    struct pollfd output = {.fd = fileno(stdout)};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR);
}

/* What was printed must have arrived: a full disk behind a redirection is a failure too. A reader
 * who has gone has what it wanted, and is told of nothing. */
static void flush_output(host *h) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return;
    if (!reader_has_gone()) printable_say("cannot write to standard output");
    if (h->status == 0) h->status = EXIT_SCRIPT_FAILED;
}

/* Whether a model may be asked: a script is run, and not from the store alone. */
static bool may_call(int argc, char **argv) {
    bool script = argc > 1 && strcmp(argv[1], "run") == 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--offline") == 0 || strcmp(argv[i], "--dry-run") == 0 ||
            strcmp(argv[i], "--help") == 0)
            return false;
        size_t len = strlen(argv[i]);
        script = script || (len > 4 && strcmp(argv[i] + len - 4, ".lua") == 0);
    }
    return script;
}

/* Ends the process without the ends of libraries: exit() would wait for one that is still being
 * loaded and that nobody wanted, and for ever where memory ran out in loading it, since the C
 * library then keeps its lock. */
static void end(int status) {
    fflush(NULL);           /* finalizers may have printed */
#ifdef __SANITIZE_ADDRESS__ /* which looks for leaks at the usual end */
    char err[256];
    if (libcurl_loading()) libcurl_load(err, sizeof err);
    exit(status);
#else
    _exit(status);
#endif
}

int main(int argc, char **argv) {
    if (!process_begin()) return EXIT_SCRIPT_FAILED;
    allocator_begin_thread();
    if (may_call(argc, argv)) libcurl_begin();
    host h = {.program = {.argc = argc, .argv = argv}, .status = EXIT_SCRIPT_FAILED};
    lua_State *L = luaL_newstate();
    h.loop = loop_new();
    if (!program_find(&h.program))
        printable_say(
            "cannot find lualib/fellowship beside the program; reinstall it, or run it from "
            "its checkout");
    else if (!L || !h.loop)
        printable_say("out of memory");
    else
        run(L, &h);
    flush_output(&h);
    if (L) lua_close(L);
    signals_end();
    loop_free(h.loop);
    end(h.status);
}
