#include "host/precompiled.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * lualib/fellowship/command/precompile.lua writes the file. It is a head and, for each module, an
 * entry: its name as require has it, its path under `home`/lualib, and its bytecode, one behind the
 * other. Integers are the machine's own: the file never leaves it. The bytecode names `home`, for
 * messages.
 */
#define MAGIC "fellowship lua 1"

typedef struct head {
    char magic[sizeof MAGIC];
    char version[31];
    char home[PATH_MAX];
} head;

typedef struct entry {
    uint64_t size; /* of the source, and when it was last changed */
    int64_t seconds, nanoseconds;
    uint32_t name_len, path_len, code_len;
    uint32_t unused;
} entry;

static void fill_head(head *h, const char *home) {
    *h = (head){.magic = MAGIC, .version = FELLOWSHIP_VERSION};
    snprintf(h->home, sizeof h->home, "%s", home);
}

/* The file as it lies in memory, to the end of the process. */
static struct {
    const char *bytes;
    size_t len;
    char path[PATH_MAX + 64]; /* where package.path must look first */
} file;

/* The next entry at *at, which moves behind it, and its strings; false at the end, or where the
 * file ends too early. */
static bool next_entry(size_t *at, entry *e, const char **strings) {
    if (file.len - *at < sizeof *e) return false;
    memcpy(e, file.bytes + *at, sizeof *e);
    size_t len = (size_t)e->name_len + e->path_len + e->code_len;
    if (file.len - *at - sizeof *e < len) return false;
    *strings = file.bytes + *at + sizeof *e;
    *at += sizeof *e + len;
    return true;
}

/* A script that puts a place of its own before ours must find its modules there. */
static bool comes_first(lua_State *L) {
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "path");
    const char *path = lua_tostring(L, -1);
    bool first = path && strncmp(path, file.path, strlen(file.path)) == 0;
    lua_pop(L, 2);
    return first;
}

static bool unchanged(const entry *e, const char *path) {
    struct stat source;
    return stat(path, &source) == 0 && (uint64_t)source.st_size == e->size &&
           source.st_mtim.tv_sec == e->seconds && source.st_mtim.tv_nsec == e->nanoseconds;
}

/* A searcher of require: name -> loader, path | nothing */
static int search(lua_State *L) {
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len), *strings;
    entry e;
    for (size_t at = sizeof(head); next_entry(&at, &e, &strings);) {
        if (e.name_len != len || memcmp(strings, name, len) != 0) continue;
        const head *h = (const head *)file.bytes;
        const char *path = lua_pushfstring(L, "%s/lualib/", h->home);
        lua_pushlstring(L, strings + len, e.path_len);
        lua_concat(L, 2);
        path = lua_tostring(L, -1);
        lua_pushfstring(L, "@%s", path);
        if (!comes_first(L) || !unchanged(&e, path) ||
            luaL_loadbufferx(L, strings + len + e.path_len, e.code_len, lua_tostring(L, -1), "b") !=
                LUA_OK)
            return 0; /* bytecode of another Lua is refused: then the source will do */
        lua_pushvalue(L, -3);
        return 2;
    }
    return 0;
}

/* [-0, +0] Puts `search` behind package.preload's searcher, before that of files. */
static void add_searcher(lua_State *L) {
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers");
    for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) {
        lua_geti(L, -1, i);
        lua_seti(L, -2, i + 1);
    }
    lua_pushcfunction(L, search);
    lua_seti(L, -2, 2);
    lua_pop(L, 2);
}

void precompiled_use(lua_State *L, const char *path, const char *home) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    struct stat st;
    head expected;
    fill_head(&expected, home);
    if (fstat(fd, &st) == 0 && (size_t)st.st_size > sizeof(head)) {
        void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED && memcmp(bytes, &expected, sizeof expected) == 0) {
            file.bytes = bytes;
            file.len = (size_t)st.st_size;
            snprintf(file.path, sizeof file.path, "%s/lualib/?.lua;", home);
            add_searcher(L);
        } else if (bytes != MAP_FAILED) {
            munmap(bytes, (size_t)st.st_size);
        }
    }
    close(fd);
}
