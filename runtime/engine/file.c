#include "engine/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- what stands in the way ---- */

/* https://www.sqlite.org/fileformat2.html#magic_header_string; with its NUL. */
static const char sqlite_magic[] = "SQLite format 3";

static bool is_database(const char *path) {
    char head[sizeof sqlite_magic];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return false;
    bool same = read(fd, head, sizeof head) == (ssize_t)sizeof head &&
                memcmp(head, sqlite_magic, sizeof head) == 0;
    close(fd);
    return same;
}

/* Whether it is one of the files that lie beside a database while that is open. */
static bool is_beside_database(const char *path) {
    static const char *const endings[] = {"-wal", "-shm", "-journal", "-calls"};
    char stem[PATH_MAX];
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t own = strlen(endings[i]);
        if (len <= own || len >= sizeof stem || strcmp(path + len - own, endings[i]) != 0) continue;
        memcpy(stem, path, len - own);
        stem[len - own] = '\0';
        return is_database(stem);
    }
    return false;
}

static const char *kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG: return NULL;
    case S_IFDIR: return "a folder";
    case S_IFLNK: return "a symbolic link";
    case S_IFIFO: return "a named pipe";
    case S_IFSOCK: return "a socket";
    default: return "a device";
    }
}

const char *file_obstacle(const char *path) {
    struct stat st;
    if (lstat(path, &st) < 0) return NULL;
    const char *kind = kind_of(st.st_mode);
    if (kind) return kind;
    if (is_database(path)) return "an SQLite database, as stores are";
    return is_beside_database(path) ? "a part of an SQLite database, as stores are" : NULL;
}

/* ---- making ---- */

/* Whether the open file is the only one of its kind: ordinary, still at path, and nowhere else. */
enum standing { STANDS, GONE, ELSEWHERE_TOO };

static enum standing standing_of(int fd, const char *path) {
    struct stat here, there;
    if (fstat(fd, &here) < 0 || lstat(path, &there) < 0) return GONE;
    if (here.st_ino != there.st_ino || here.st_dev != there.st_dev) return GONE;
    return here.st_nlink > 1 ? ELSEWHERE_TOO : STANDS;
}

static int fail(int fd, const char **why, const char *what) {
    *why = what;
    if (fd >= 0) close(fd);
    return -1;
}

int file_make(const char *path, const char **why) {
    enum { TRIES = 100 };
    for (int i = 0; i < TRIES; i++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        struct stat st;
        if (fd < 0 && (errno == ELOOP || errno == ENXIO || errno == EISDIR))
            return fail(fd, why, "what is written first, as .partial, is no ordinary file there");
        if (fd < 0) return fail(fd, why, strerror(errno));
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
            return fail(fd, why, "what is written first, as .partial, is no ordinary file there");
        /* Where the file system knows no locks there is none to respect. */
        if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
            return fail(fd, why, "another writer, in this process or another one, has it open");
        enum standing standing = standing_of(fd, path);
        if (standing == STANDS && ftruncate(fd, 0) == 0) return fd;
        if (standing == STANDS) return fail(fd, why, strerror(errno));
        if (standing == ELSEWHERE_TOO) unlink(path); /* its other name keeps what it holds */
        close(fd);
    }
    return fail(-1, why, "it changes all the time");
}

/* 0, or what errno says. */
static int write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        data += n, len -= (size_t)n;
    }
    return fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP ? errno : 0;
}

/* Where the file system has no links: others may see a part of it for a moment. */
static int create_in_place(const char *path, const void *data, size_t len) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return errno;
    int problem = write_all(fd, data, len);
    close(fd);
    if (problem) unlink(path);
    return problem;
}

/* A link is made by one, on NFS too. There the answer to it may be lost, and the same asked again
 * be refused: then the count of links tells (open(2), under O_EXCL). */
static int link_once(int fd, const char *from, const char *to) {
    if (link(from, to) == 0) return 0;
    int problem = errno;
    struct stat st;
    return problem == EEXIST && fstat(fd, &st) == 0 && st.st_nlink == 2 ? 0 : problem;
}

/* A file of a name of its own beside path, where nobody looks. */
static int make_beside(const char *path, char made[PATH_MAX]) {
    enum { TRIES = 100 };
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    for (int i = 0; i < TRIES; i++) { /* other machines have the same numbers of processes */
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        int length = snprintf(made, PATH_MAX, "%.*s.%s.%ld.%ld", (int)(name - path), path, name,
                              (long)getpid(), now.tv_nsec + i);
        if (length < 0 || length >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

int file_create(const char *path, const void *data, size_t len) {
    char made[PATH_MAX];
    int fd = make_beside(path, made);
    if (fd < 0) return errno;
    int problem = write_all(fd, data, len);
    if (!problem) problem = link_once(fd, made, path);
    close(fd);
    unlink(made);
    bool without = problem == EPERM || problem == EOPNOTSUPP || problem == ENOSYS;
    return without ? create_in_place(path, data, len) : problem;
}

/* ---- renaming ---- */

/* Some file systems cannot sync a folder, and need not be asked. */
static bool is_refusal(int problem) {
    return problem == EINVAL || problem == ENOTSUP || problem == EROFS;
}

/* A folder that may be written and not read cannot be opened: then all of its file system is
 * synced, through the file. */
static int sync_folder(const char *folder, const char *file) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool whole = fd < 0 && errno == EACCES;
    if (whole) fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return errno;
    int problem = (whole ? syncfs(fd) : fsync(fd)) < 0 ? errno : 0;
    close(fd);
    return is_refusal(problem) ? 0 : problem;
}

int file_rename(const char *from, const char *to) {
    const char *slash = strrchr(to, '/');
    char *folder = slash ? strndup(to, (size_t)(slash - to) + 1) : strdup(".");
    if (!folder) return ENOMEM;
    int problem = rename(from, to) < 0 ? errno : sync_folder(folder, to);
    free(folder);
    return problem;
}
