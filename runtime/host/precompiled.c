#include "host/precompiled.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/printable.h"

/*
 * The file is a head and, for each module, an entry: its name as require has it, its path under
 * `home`/lualib, and its bytecode, one behind the other. Integers are the machine's own: the file
 * never leaves it. The bytecode names `home`, for messages.
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

static void fill_entry(entry *e, const struct stat *source) {
    *e = (entry){.size = (uint64_t)source->st_size,
                 .seconds = source->st_mtim.tv_sec,
                 .nanoseconds = source->st_mtim.tv_nsec};
}

/* ---- reading ---- */

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
    if (stat(path, &source) != 0) return false;
    entry now;
    fill_entry(&now, &source);
    return now.size == e->size && now.seconds == e->seconds && now.nanoseconds == e->nanoseconds;
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

/* ---- writing ---- */

/* nftw has no argument for its caller. */
static struct {
    lua_State *L;
    FILE *out;
    const char *library, *home;
} writing;

static int append(lua_State *L, const void *bytes, size_t len, void *arg) {
    (void)L;
    return !buf_append(arg, bytes, len);
}

typedef struct source {
    FILE *file;
    char block[8192];
} source;

static const char *read_source(lua_State *L, void *arg, size_t *len) {
    (void)L;
    source *s = arg;
    *len = fread(s->block, 1, sizeof s->block, s->file);
    return s->block;
}

/* [-0, +n] Compiles a source under the name that it will have; on top is a message where it
 * cannot. */
static bool compile(lua_State *L, const char *path, const char *relative, buf *code) {
    source s = {fopen(path, "rb"), ""};
    if (!s.file) {
        lua_pushfstring(L, "%s: %s", path, strerror(errno));
        return false;
    }
    const char *chunk = lua_pushfstring(L, "@%s/lualib/%s", writing.home, relative);
    bool well = lua_load(L, read_source, &s, chunk, "t") == LUA_OK;
    if (well && lua_dump(L, append, code, 0) != 0) {
        lua_pushliteral(L, "out of memory");
        well = false;
    }
    if (ferror(s.file)) {
        lua_pushfstring(L, "%s cannot be read", path);
        well = false;
    }
    fclose(s.file);
    return well;
}

/* "fellowship/call/model.lua" -> "fellowship.call.model" */
static size_t module_name(const char *relative, char name[PATH_MAX]) {
    size_t len = strlen(relative) - strlen(".lua");
    const size_t init = strlen("/init");
    if (len > init && memcmp(relative + len - init, "/init", init) == 0) len -= init;
    for (size_t i = 0; i < len; i++) name[i] = relative[i] == '/' ? '.' : relative[i];
    return len;
}

static int write_module(const char *path, const struct stat *st, int kind, struct FTW *place) {
    (void)place;
    size_t len = strlen(path);
    if (kind != FTW_F || len < 4 || strcmp(path + len - 4, ".lua") != 0) return 0;
    const char *relative = path + strlen(writing.library) + 1;
    char name[PATH_MAX];
    buf code = {0};
    int top = lua_gettop(writing.L);
    bool well = compile(writing.L, path, relative, &code);
    if (well) {
        entry e;
        fill_entry(&e, st);
        e.name_len = (uint32_t)module_name(relative, name);
        e.path_len = (uint32_t)strlen(relative);
        e.code_len = (uint32_t)code.len;
        fwrite(&e, sizeof e, 1, writing.out);
        fwrite(name, e.name_len, 1, writing.out);
        fwrite(relative, e.path_len, 1, writing.out);
        fwrite(code.data, code.len, 1, writing.out);
    } else {
        printable_say("%s", lua_tostring(writing.L, -1));
    }
    lua_settop(writing.L, top);
    buf_free(&code);
    return !well;
}

bool precompiled_write(lua_State *L, const char *path, const char *library, const char *home) {
    char partial[PATH_MAX], modules[PATH_MAX];
    snprintf(partial, sizeof partial, "%s.partial", path);
    snprintf(modules, sizeof modules, "%s/fellowship", library);
    FILE *out = fopen(partial, "wb");
    bool well = out != NULL;
    if (well) {
        writing.L = L;
        writing.out = out;
        writing.library = library;
        writing.home = home;
        head h;
        fill_head(&h, home);
        fwrite(&h, sizeof h, 1, out);
        int rc = nftw(modules, write_module, 16, FTW_PHYS);
        if (rc > 0) {
            fclose(out);
            remove(partial);
            return false; /* said already */
        }
        well = rc == 0 && !ferror(out);
        well = fclose(out) == 0 && well;
    }
    /* Renamed: a program that has the old file mapped keeps it. */
    if (well && rename(partial, path) == 0) return true;
    printable_say("cannot write %s from %s: %s", path, modules, strerror(errno));
    return false;
}
