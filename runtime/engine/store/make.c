#include "engine/store/make.h"

#include "engine/store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Bytes 18 and 19 of a database say how it is written and read: 1 with a rollback journal, 2 with a
 * WAL (https://www.sqlite.org/fileformat2.html). A database in memory has no WAL. */
enum { WRITE_VERSION = 18, READ_VERSION = 19, WAL = 2 };

/* The bytes of an empty store, for sqlite3_free; or NULL. */
static unsigned char *image(const char *const *setup, size_t *len) {
    sqlite3 *db;
    sqlite3_int64 size = 0;
    unsigned char *bytes = NULL;
    int rc = sqlite3_open(":memory:", &db);
    for (; rc == SQLITE_OK && *setup; setup++) rc = sqlite3_exec(db, *setup, NULL, NULL, NULL);
    if (rc == SQLITE_OK) bytes = sqlite3_serialize(db, "main", &size, 0);
    sqlite3_close(db);
    if (bytes) bytes[WRITE_VERSION] = bytes[READ_VERSION] = WAL;
    *len = (size_t)size;
    return bytes;
}

/* A file without a name in the folder of path, which goes away by itself; -1 where there is no such
 * thing. */
static int nameless(const char *path) {
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof copy) return -1;
    strcpy(copy, path);
    return open(dirname(copy), O_TMPFILE | O_WRONLY | O_CLOEXEC, STORE_MODE);
}

static bool give_name(int fd, const char *path) {
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 || errno == EEXIST;
}

bool store_make(const char *path, const char *const *setup) {
    int fd = nameless(path);
    if (fd < 0) return false;
    size_t len;
    unsigned char *bytes = image(setup, &len);
    bool well =
        bytes && write(fd, bytes, len) == (ssize_t)len && fdatasync(fd) == 0 && give_name(fd, path);
    sqlite3_free(bytes);
    close(fd);
    return well;
}
