/* main.c: the fellowship program: finds its library, runs the command line (Lua: the module
 * fellowship.command.cli) as the first task, and turns how it ended into an exit status. */
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/edit.h"
#include "engine/libcurl.h"
#include "host/precompiled.h"
#include "host/state.h"
#include "lua/limits.h"

/* For jemalloc, where it is linked in. A collection frees thousands of pieces at once and the next
 * calls take them again: so many stay at hand. */
const char *malloc_conf =
    "tcache_nslots_small_max:2000,lg_tcache_nslots_mul:3,tcache_nslots_large:200";

/* Exit statuses, as DESIGN and the manual give them; the others come from the command line. */
enum { EXIT_SCRIPT_FAILED = 1, EXIT_USAGE = 2, EXIT_STOPPED = 4, EXIT_INTERRUPTED = 130 };

#define INTERRUPT_HOOK "fellowship.on_interrupt"

typedef struct host {
    int argc;
    char **argv;
    runtime runtime;
    loop *loop;
    int status;
    char home[PATH_MAX];
    char precompiled[PATH_MAX + 32]; /* the library as bytecode, if there is such a file */
} host;

/* What a signal handler may touch. */
static runtime *interrupted;
static loop_wake *interrupt_wake;

static bool interrupt_told; /* the message below is on the screen */

/* ---- interrupts ---- */

static void on_signal(int number) {
    int problem = errno;
    if (number == SIGINT && interrupted->interactive) {
        if (++interrupted->presses > 3) { /* nobody listens */
            edit_restore_terminal();
            _exit(EXIT_INTERRUPTED);
        }
        task_interrupt(interrupted);
        loop_wake_send(interrupt_wake);
        errno = problem;
        return;
    }
    /* A third time: the script computes without end and never lets the loop turn. Completions are
     * committed as they come, so nothing is lost. */
    if (++interrupted->interrupts > 2) {
        edit_restore_terminal();
        _exit(EXIT_INTERRUPTED);
    }
    loop_wake_send(interrupt_wake);
    errno = problem;
}

static void on_interrupt(void *arg) {
    host *h = arg;
    if (h->runtime.presses > 0) task_hear_interrupt(&h->runtime);
    if (h->runtime.interrupts != 1) return;
    limits_drain(h->runtime.L);
    fprintf(stderr,
            "\nfellowship: interrupted; %zu calls under way are finished and stored "
            "(press Ctrl+C again to stop at once)\n",
            h->runtime.committed);
    interrupt_told = true;
}

static void catch_signals(host *h) {
    interrupted = &h->runtime;
    interrupt_wake = loop_wake_new(h->loop, on_interrupt, h);
    if (!interrupt_wake) return;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that grows past the limit is an error of its write */
}

/* ---- the library ---- */

static bool has_library(const char *home) {
    char probe[PATH_MAX + 64];
    snprintf(probe, sizeof probe, "%s/lualib/fellowship/init.lua", home);
    return access(probe, R_OK) == 0;
}

/* In a checkout the library lies beside build/ (or build/asan/), installed in share/fellowship. */
static bool find_home(host *h) {
    enum { INSTALLED = 2 };
    static const char *const places[] = {"/..", "/../..", [INSTALLED] = "/../share/fellowship"};
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len < 0) return false;
    program[len] = '\0';
    *strrchr(program, '/') = '\0';
    snprintf(h->precompiled, sizeof h->precompiled, "%s/lualib.luac", program);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char place[PATH_MAX + 32];
        snprintf(place, sizeof place, "%s%s", program, places[i]);
        if (!realpath(place, h->home) || !has_library(h->home)) continue;
        if (i == INSTALLED)
            snprintf(h->precompiled, sizeof h->precompiled, "%s/lualib.luac", h->home);
        return true;
    }
    return false;
}

/* ---- running ---- */

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
    fprintf(stderr, "fellowship: %s\n", message);
    if (traceback && *traceback) fprintf(stderr, "%s\n", traceback);
    lua_settop(L, top);
}

/* [-0, +0] Whether an error is the stop by a budget. */
static bool is_stop(lua_State *L, int index) {
    if (!lua_istable(L, index)) return false;
    index = lua_absindex(L, index);
    lua_pushliteral(L, "kind");
    bool stop = lua_rawget(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "budget") == 0;
    lua_pop(L, 1);
    return stop;
}

/* [-0, +0] Failed tasks that nobody awaited; their errors would be lost otherwise. Gives the exit
 * status that they mean. The stop by a budget, which ends all tasks alike, is told once. */
static int report_unobserved(lua_State *L) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    int status = 0;
    if (lua_getfield(L, -1, "fellowship.core.task") == LUA_TTABLE) {
        lua_getfield(L, -1, "unobserved");
        lua_call(L, 0, 1);
        lua_Integer count = luaL_len(L, -1);
        for (lua_Integer i = 1; i <= count; i++) {
            lua_rawgeti(L, -1, i);
            lua_rawgeti(L, -1, 1);
            lua_rawgeti(L, -2, 2);
            bool stop = is_stop(L, -2);
            if (!stop)
                report(L, -2, lua_tostring(L, -1));
            else if (status != EXIT_STOPPED)
                report(L, -2, NULL);
            if (stop || status == 0) status = stop ? EXIT_STOPPED : EXIT_SCRIPT_FAILED;
            lua_pop(L, 3);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
    return status;
}

/* on_interrupt(fn): fn is called, outside of any task, when an interrupt has ended the run. */
static int l_on_interrupt(lua_State *L) {
    lua_settop(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, INTERRUPT_HOOK);
    return 0;
}

/* interrupt_told() -> whether the program has said that it was interrupted */
static int l_interrupt_told(lua_State *L) {
    lua_pushboolean(L, interrupt_told);
    return 1;
}

/* [-0, +0] fellowship.core.host: what the command line needs to know of its host. */
static void provide_host_module(lua_State *L, const host *h) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_createtable(L, 0, 5);
    lua_pushstring(L, h->home);
    lua_setfield(L, -2, "home");
    lua_pushliteral(L, FELLOWSHIP_VERSION);
    lua_setfield(L, -2, "version");
    lua_pushstring(L, h->argc > 0 ? h->argv[0] : "fellowship");
    lua_setfield(L, -2, "program");
    lua_pushcfunction(L, l_on_interrupt);
    lua_setfield(L, -2, "on_interrupt");
    lua_pushcfunction(L, l_interrupt_told);
    lua_setfield(L, -2, "interrupt_told");
    lua_setfield(L, -2, "fellowship.core.host");
    lua_pop(L, 1);
}

/* [-0, +1] The first task: cli.main(arguments). */
static void spawn_main(lua_State *L, const host *h) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "fellowship.command.cli");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_remove(L, -2);
    lua_createtable(L, h->argc, 0);
    for (int i = 0; i < h->argc; i++) {
        lua_pushstring(L, h->argv[i]);
        lua_rawseti(L, -2, i);
    }
    task_spawn(L, 1);
}

/* [-0, +?] The first task's box is on the stack's top. */
static void conclude(lua_State *L, host *h, enum runtime_end end) {
    if (end == RUNTIME_DRAINED) {
        h->status = EXIT_INTERRUPTED;
        if (lua_getfield(L, LUA_REGISTRYINDEX, INTERRUPT_HOOK) == LUA_TFUNCTION &&
            lua_pcall(L, 0, 0, 0) != LUA_OK)
            report(L, -1, NULL);
        return;
    }
    if (end == RUNTIME_DEADLOCK) {
        fprintf(stderr, "fellowship: deadlock: every task waits for another one\n");
        h->status = EXIT_SCRIPT_FAILED;
        return;
    }
    int results = task_push_outcome(L, -1);
    int bottom = lua_gettop(L) - results + 1;
    if (lua_toboolean(L, bottom)) {
        h->status = results > 1 ? (int)lua_tointeger(L, bottom + 1) : 0;
    } else {
        report(L, bottom + 1, lua_tostring(L, bottom + 2));
        h->status = EXIT_SCRIPT_FAILED;
    }
    int unobserved = report_unobserved(L);
    if (h->status == 0) h->status = unobserved;
}

/* Under pcall, since setting up a state can throw too. */
static int protected_main(lua_State *L) {
    host *h = lua_touserdata(L, 1);
    state_open(L, &h->runtime, h->loop, h->home);
    precompiled_use(L, h->precompiled, h->home);
    provide_host_module(L, h);
    catch_signals(h);
    spawn_main(L, h); /* its box stays on the stack */
    conclude(L, h, runtime_run(&h->runtime));
    return 0;
}

/* What was printed must have arrived: a full disk behind a redirection is a failure too. */
static void flush_output(host *h) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return;
    fprintf(stderr, "fellowship: cannot write to standard output\n");
    if (h->status == 0) h->status = EXIT_SCRIPT_FAILED;
}

/* Each call in flight holds a descriptor; the soft limit is often 1,024. */
static void raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* For the build: fellowship --precompile FILE LUALIB HOME */
static int precompile(int argc, char **argv) {
    if (argc != 5) return EXIT_USAGE;
    lua_State *L = luaL_newstate();
    bool well = L && precompiled_write(L, argv[2], argv[3], argv[4]);
    if (L) lua_close(L);
    return well ? 0 : EXIT_SCRIPT_FAILED;
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

/* Ends the process at once where a library is still being loaded that nobody wanted: the end of
 * main() would wait for it. */
static void end_early(int status) {
    if (!libcurl_loading()) return;
#ifdef __SANITIZE_ADDRESS__ /* which looks for leaks at the usual end */
    char err[256];
    libcurl_load(err, sizeof err);
    (void)status;
#else
    _exit(status);
#endif
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--precompile") == 0) return precompile(argc, argv);
    if (may_call(argc, argv)) libcurl_begin();
    host h = {.argc = argc, .argv = argv};
    if (!find_home(&h)) {
        fprintf(stderr, "fellowship: cannot find lualib/fellowship beside the program; reinstall "
                        "it, or run it from its checkout\n");
        return EXIT_SCRIPT_FAILED;
    }
    raise_file_limit();
    lua_State *L = luaL_newstate();
    h.loop = loop_new();
    if (!L || !h.loop) {
        fprintf(stderr, "fellowship: out of memory\n");
        if (L) lua_close(L);
        loop_free(h.loop);
        end_early(EXIT_SCRIPT_FAILED);
        return EXIT_SCRIPT_FAILED;
    }
    lua_pushcfunction(L, protected_main);
    lua_pushlightuserdata(L, &h);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        fprintf(stderr, "fellowship: %s\n", lua_tostring(L, -1));
        h.status = EXIT_SCRIPT_FAILED;
    }
    if (h.runtime.L) runtime_cancel_all(&h.runtime);
    flush_output(&h);
    lua_close(L);
    loop_wake_free(interrupt_wake);
    loop_free(h.loop);
    end_early(h.status);
    return h.status;
}
