#include "host/carried.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/printable.h"

/* What the build makes: a tar archive (POSIX 1003.1, ustar: plain files, short names), and the name
 * of the folder, which changes with its content. Absent from a program that carries none. */
extern const char carried_begin[] __attribute__((weak)), carried_end[] __attribute__((weak));
extern const char carried_name[] __attribute__((weak));

typedef struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[8], user[32], group[32], major[8], minor[8], prefix[155], unused[12];
} header;

_Static_assert(sizeof(header) == 512, "a block of tar");

/* Makes the folders above the last part of path. */
static bool make_parents(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made) return false;
    }
    return true;
}

static bool write_file(const char *path, const char *bytes, size_t len) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return false;
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        bytes += n;
        len -= (size_t)n;
    }
    return close(fd) == 0 && len == 0;
}

/* Writes the files of the archive below folder. */
static bool extract(const char *folder) {
    const char *at = carried_begin;
    while (carried_end - at >= (ptrdiff_t)sizeof(header)) {
        header h;
        memcpy(&h, at, sizeof h);
        if (!h.name[0]) return true; /* the end is marked by empty blocks */
        at += sizeof h;
        size_t size = strtoul(h.size, NULL, 8);
        if (size > (size_t)(carried_end - at)) break;
        char path[PATH_MAX];
        int len = snprintf(path, sizeof path, "%s/%.155s%s%.100s", folder, h.prefix,
                           h.prefix[0] ? "/" : "", h.name);
        if (len >= (int)sizeof path) break;
        if (h.type == '0' && (!make_parents(path) || !write_file(path, at, size))) return false;
        at += (size + sizeof h - 1) / sizeof h * sizeof h;
    }
    errno = EINVAL;
    return false;
}

/* Where the library belongs, and its parents made. /tmp is everybody's: what lies there is believed
 * when it is this user's alone, since it is run. */
static bool place(char *home, size_t size) {
    const char *cache = getenv("XDG_CACHE_HOME"), *user = getenv("HOME");
    int len;
    if (cache && *cache == '/')
        len = snprintf(home, size, "%s/fellowship/%s", cache, carried_name);
    else if (user && *user == '/' && access(user, W_OK) == 0)
        len = snprintf(home, size, "%s/.cache/fellowship/%s", user, carried_name);
    else
        len =
            snprintf(home, size, "/tmp/fellowship-%lu/%s", (unsigned long)geteuid(), carried_name);
    if (len >= (int)size) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (!make_parents(home)) return false;
    char *slash = strrchr(home, '/');
    *slash = '\0';
    struct stat st;
    bool own = lstat(home, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
               (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    *slash = '/';
    if (!own) errno = EPERM;
    return own;
}

/* Has the program itself, which finds the library now, write it as bytecode; without, every start
 * compiles it. */
static void precompile(const char *home) {
    char file[PATH_MAX + 16], library[PATH_MAX + 16];
    snprintf(file, sizeof file, "%s/lualib.luac", home);
    snprintf(library, sizeof library, "%s/lualib", home);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "fellowship", "--precompile", file, library, home, (char *)NULL);
        _exit(1);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)kind, (void)at;
    return remove(path);
}

/* Into a folder of another name first: two programs may begin at once, and one may be killed. */
static bool write_out(const char *home) {
    char fresh[PATH_MAX + 16];
    snprintf(fresh, sizeof fresh, "%s.XXXXXX", home);
    if (!mkdtemp(fresh)) return false;
    if (extract(fresh) && rename(fresh, home) == 0) {
        precompile(home);
        return true;
    }
    int why = errno;
    nftw(fresh, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    errno = why;
    return why == ENOTEMPTY || why == EEXIST; /* another one was first */
}

bool carried_unpack(char *home, size_t size) {
    if (!carried_begin) return false;
    if (place(home, size) && (access(home, R_OK | X_OK) == 0 || write_out(home))) return true;
    printable_say(
        "cannot write the library that this program carries to %s: %s; set XDG_CACHE_HOME to "
        "a folder of yours",
        home, strerror(errno));
    return false;
}
