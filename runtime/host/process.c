#include "host/process.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <sys/resource.h>
#include <unistd.h>

static struct rlimit files_before;

/* jemalloc cannot set itself up in less address space, and its first allocation crashes. */
#define LEAST_SPACE ((rlim_t)24 << 20)

/* Says so where there is less, without an allocation. */
static bool has_space(void) {
    static const char few[] = "fellowship: out of memory: less than 24 MB of address space "
                              "(ulimit -v)\n";
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) < 0 || space.rlim_cur >= LEAST_SPACE) return true;
    if (write(STDERR_FILENO, few, sizeof few - 1) < 0) return false; /* nobody hears it */
    return false;
}

bool process_begin(void) {
    if (!has_space()) return false;
    /* Whatever opens a file next would be given the missing number, and be taken for the standard
     * stream. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
    /* A socket for each call on the wire: the usual soft limit of 1,024 is for programs of old. */
    if (getrlimit(RLIMIT_NOFILE, &files_before) < 0) return true;
    struct rlimit files = files_before;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return true;
}

/* Calls the function that is upvalue 1 with the command in a shell that first sets the limit: those
 * who start children without a fork of ours run no code of ours in them. */
static int call_with_limit(lua_State *L) {
    if (lua_type(L, 1) == LUA_TSTRING && files_before.rlim_cur != RLIM_INFINITY) {
        lua_pushfstring(L, "ulimit -Sn %I\n", (LUAI_UACINT)files_before.rlim_cur);
        lua_pushvalue(L, 1);
        lua_concat(L, 2);
        lua_replace(L, 1);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* [-0, +0] */
static void wrap(lua_State *L, const char *library, const char *name) {
    lua_getglobal(L, library);
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, call_with_limit, 1);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

void process_open(lua_State *L) {
    wrap(L, "io", "popen");
    wrap(L, "os", "execute");
}
