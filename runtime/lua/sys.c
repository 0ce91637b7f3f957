#include "lua/modules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/printable.h"
#include "base/utf8.h"
#include "engine/digest.h"
#include "engine/file.h"
#include "lua/box.h"

#define READ_SIZE 65536

static int done(lua_State *L, bool well) {
    if (!well) return box_fail(L, "file", "%s", strerror(errno));
    lua_pushboolean(L, 1);
    return 1;
}

/* mkdir(path) -> true | nil, err: with its parents; no error when it is there. */
static int l_mkdir(lua_State *L) {
    size_t len;
    const char *path = luaL_checklstring(L, 1, &len);
    buf *part = box_buf(L);
    if (!buf_append(part, path, len + 1)) return luaL_error(L, "out of memory");
    for (char *slash = part->data; *slash; slash++) {
        if (slash == part->data || *slash != '/') continue;
        *slash = '\0';
        if (mkdir(part->data, 0777) < 0 && errno != EEXIST) return done(L, false);
        *slash = '/';
    }
    buf_free(part);
    struct stat st;
    if (mkdir(path, 0777) < 0 && errno != EEXIST) return done(L, false);
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return done(L, false);
    }
    return done(L, true);
}

/* kind(path) -> "file" | "folder" | "other" | nil when there is nothing. */
static int l_kind(lua_State *L) {
    struct stat st;
    if (stat(luaL_checkstring(L, 1), &st) < 0) return 0;
    lua_pushstring(L, S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "folder" : "other");
    return 1;
}

/* same(a, b) -> whether two paths lead to one file */
static int l_same(lua_State *L) {
    struct stat a, b;
    lua_pushboolean(L, stat(luaL_checkstring(L, 1), &a) == 0 &&
                           stat(luaL_checkstring(L, 2), &b) == 0 && a.st_ino == b.st_ino &&
                           a.st_dev == b.st_dev);
    return 1;
}

/* stamp(path) -> the size of a file, and when it was changed: seconds since 1970, nanoseconds | nil
 */
static int l_stamp(lua_State *L) {
    struct stat st;
    if (stat(luaL_checkstring(L, 1), &st) < 0) return 0;
    lua_pushinteger(L, (lua_Integer)st.st_size);
    lua_pushinteger(L, (lua_Integer)st.st_mtim.tv_sec);
    lua_pushinteger(L, (lua_Integer)st.st_mtim.tv_nsec);
    return 3;
}

/* rename(from, to) -> true | nil, err: atomic, and on the disk when it returns. */
static int l_rename(lua_State *L) {
    const char *from = luaL_checkstring(L, 1), *to = luaL_checkstring(L, 2);
    const char *obstacle = file_obstacle(to);
    if (obstacle) return box_fail(L, "file", "it is %s; name another file", obstacle);
    errno = file_rename(from, to);
    return done(L, errno == 0);
}

/* cwd() -> the folder that this process works in | nil, err */
static int l_cwd(lua_State *L) {
    char path[PATH_MAX];
    if (!getcwd(path, sizeof path)) return done(L, false);
    lua_pushstring(L, path);
    return 1;
}

/* create(path, content) -> true | nil, err: a file that was not there; err.held says that it is. */
static int l_create(lua_State *L) {
    size_t len;
    const char *path = luaL_checkstring(L, 1), *content = luaL_checklstring(L, 2, &len);
    errno = file_create(path, content, len);
    bool held = errno == EEXIST;
    int results = done(L, errno == 0);
    if (held) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "held");
    }
    return results;
}

/* obstacle(path) -> what stands there that no result may take the place of | nil */
static int l_obstacle(lua_State *L) {
    lua_pushstring(L, file_obstacle(luaL_checkstring(L, 1)));
    return 1;
}

/* remove(path) -> true | nil, err; no error when it is not there. */
static int l_remove(lua_State *L) {
    return done(L, unlink(luaL_checkstring(L, 1)) == 0 || errno == ENOENT);
}

typedef struct listing {
    box_head box;
    struct dirent **entries;
    int count;
} listing;

static void release_listing(void *box) {
    listing *l = box;
    for (int i = 0; i < l->count; i++) free(l->entries[i]);
    free(l->entries);
}

/* list(path) -> names in order | nil, err */
static int l_list(lua_State *L) {
    static const box_class class = {.name = "fellowship.listing", .release = release_listing};
    const char *path = luaL_checkstring(L, 1);
    listing *l = box_new(L, &class, sizeof *l, 0);
    int count = scandir(path, &l->entries, NULL, alphasort);
    if (count < 0) return done(L, false);
    l->count = count;
    lua_createtable(L, count, 0);
    for (int i = 0, at = 0; i < count; i++) {
        if (l->entries[i]->d_name[0] == '.') continue;
        lua_pushstring(L, l->entries[i]->d_name);
        lua_rawseti(L, -2, ++at);
    }
    box_shut(l);
    return 1;
}

typedef struct globbed {
    box_head box;
    glob_t found;
} globbed;

static void release_glob(void *box) {
    globfree(&((globbed *)box)->found);
}

/* glob(pattern) -> paths in order | nil, err; none when nothing matches. */
static int l_glob(lua_State *L) {
    static const box_class class = {.name = "fellowship.glob", .release = release_glob};
    const char *pattern = luaL_checkstring(L, 1);
    globbed *g = box_new(L, &class, sizeof *g, 0);
    int rc = glob(pattern, GLOB_ERR, NULL, &g->found);
    if (rc != 0 && rc != GLOB_NOMATCH) {
        if (rc == GLOB_NOSPACE) errno = ENOMEM;
        return done(L, false);
    }
    lua_newtable(L);
    for (size_t i = 0; rc == 0 && i < g->found.gl_pathc; i++) {
        lua_pushstring(L, g->found.gl_pathv[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    box_shut(g);
    return 1;
}

typedef struct lock {
    box_head box;
    int fd; /* plus one, so that a zeroed box has none */
} lock;

static void release_lock(void *box) {
    lock *l = box;
    if (l->fd) close(l->fd - 1);
}

static const luaL_Reg lock_methods[] = {{"close", box_close}, {NULL, NULL}};

static const box_class lock_class = {.name = "fellowship.lock",
                                     .closed = "the lock is closed",
                                     .methods = lock_methods,
                                     .release = release_lock};

/* lock(folder) or lock(file, true), which makes the file -> lock | nil, err: held until the lock is
 * closed or the process ends; err.held says that another one has it. Where the file system knows no
 * locks, there is none to respect. */
static int l_lock(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    bool file = lua_toboolean(L, 2);
    lock *l = box_new(L, &lock_class, sizeof *l, 0);
    int opened = file ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666)
                      : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return done(L, false);
    l->fd = opened + 1;
    if (flock(opened, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return 1;
    box_fail(L, "file", "another process holds it");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "held");
    return 2;
}

/* sha256(text) -> 32 bytes */
static int l_sha256(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    unsigned char out[DIGEST_SIZE];
    digest_sha256(text, len, out);
    lua_pushlstring(L, (const char *)out, sizeof out);
    return 1;
}

/* sha256_file(path) -> 32 bytes | nil, err */
static int l_sha256_file(lua_State *L) {
    FILE *f = fopen(luaL_checkstring(L, 1), "rbe");
    if (!f) return done(L, false);
    digest d;
    digest_init(&d);
    char block[READ_SIZE];
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) digest_update(&d, block, n);
    bool failed = ferror(f);
    fclose(f);
    if (failed) {
        errno = EIO;
        return done(L, false);
    }
    unsigned char out[DIGEST_SIZE];
    digest_final(&d, out);
    lua_pushlstring(L, (const char *)out, sizeof out);
    return 1;
}

/* hex(32 bytes) -> 64 digits, and back: unhex(digits) -> 32 bytes | nil */
static int l_hex(lua_State *L) {
    size_t len;
    const char *raw = luaL_checklstring(L, 1, &len);
    luaL_argcheck(L, len == DIGEST_SIZE, 1, "a digest has 32 bytes");
    char out[DIGEST_HEX_SIZE];
    digest_hex((const unsigned char *)raw, out);
    lua_pushstring(L, out);
    return 1;
}

static int l_unhex(lua_State *L) {
    unsigned char out[DIGEST_SIZE];
    if (!digest_from_hex(luaL_checkstring(L, 1), out)) return 0;
    lua_pushlstring(L, (const char *)out, sizeof out);
    return 1;
}

static int push_text(lua_State *L, bool (*append)(buf *, const char *, size_t)) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    buf *out = box_buf(L);
    if (!append(out, text, len)) return luaL_error(L, "out of memory");
    box_push_buf(L, out);
    buf_free(out);
    return 1;
}

/* printable(text) -> the text as a terminal may show it, see base/printable.h */
static int l_printable(lua_State *L) {
    return push_text(L, printable_append);
}

/* plain(text) -> whether it is nothing but printable ASCII, tabs and line ends */
static int l_plain(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    lua_pushboolean(L, printable_is_plain(text, len));
    return 1;
}

/* valid(text) -> the text with U+FFFD for what is no UTF-8 */
static int l_valid(lua_State *L) {
    return push_text(L, utf8_replace);
}

/* time() -> milliseconds since 1970 (UTC) */
static int l_time(lua_State *L) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    lua_pushinteger(L, (lua_Integer)t.tv_sec * 1000 + t.tv_nsec / 1000000);
    return 1;
}

/* terminal(fd) -> columns, rows | nil when it is none */
static int l_terminal(lua_State *L) {
    int fd = (int)luaL_checkinteger(L, 1);
    struct winsize size;
    if (!isatty(fd)) return 0;
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col;
    lua_pushinteger(L, known ? size.ws_col : 80);
    lua_pushinteger(L, known && size.ws_row ? size.ws_row : 24);
    return 2;
}

int luaopen_fellowship_core_sys(lua_State *L) {
    box_register(L, &lock_class);
    static const luaL_Reg functions[] = {{"lock", l_lock},     {"mkdir", l_mkdir},
                                         {"kind", l_kind},     {"stamp", l_stamp},
                                         {"rename", l_rename}, {"obstacle", l_obstacle},
                                         {"same", l_same},     {"remove", l_remove},
                                         {"list", l_list},     {"sha256", l_sha256},
                                         {"hex", l_hex},       {"sha256_file", l_sha256_file},
                                         {"unhex", l_unhex},   {"printable", l_printable},
                                         {"plain", l_plain},   {"valid", l_valid},
                                         {"time", l_time},     {"terminal", l_terminal},
                                         {"glob", l_glob},     {"create", l_create},
                                         {"cwd", l_cwd},       {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
