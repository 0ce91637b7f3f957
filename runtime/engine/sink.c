#include "engine/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/archive/gzip_blocks.h"
#include "engine/archive/libarchive.h"
#include "engine/file.h"

/* Where a dry run writes. */
#define NOWHERE "/dev/null"

struct sink {
    char *path;
    int fd;
    gzip_blocks *gzip;      /* of a gzip file */
    struct archive *filter; /* of a file that is compressed otherwise */
    off_t size;             /* of a plain file */
    char error[256];        /* "" while all is well */
};

static bool fail(sink *s, const char *what) {
    if (!s->error[0]) snprintf(s->error, sizeof s->error, "%s", what);
    return false;
}

/* A system error speaks for itself and is already noted; else these are libarchive's words. */
static bool fail_filter(sink *s) {
    const char *what = archive_error_string(s->filter);
    return fail(s, what ? what : "the compression failed");
}

static bool write_raw(sink *s, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t n = write(s->fd, bytes, len);
        if (n >= 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            poll(&(struct pollfd){.fd = s->fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            return fail(s, strerror(errno));
        }
    }
    return true;
}

static la_ssize_t on_compressed(struct archive *filter, void *arg, const void *bytes, size_t len) {
    sink *s = arg;
    if (!s->error[0] && write_raw(s, bytes, len)) return (la_ssize_t)len;
    archive_set_error(filter, EIO, "%s", s->error);
    return -1;
}

static bool put_gzip(void *arg, const char *bytes, size_t len) {
    return write_raw(arg, bytes, len);
}

static int add_filter(struct archive *a, const char *filter) {
    if (strcmp(filter, "zstd") == 0) return archive_write_add_filter_zstd(a);
    if (strcmp(filter, "xz") == 0) return archive_write_add_filter_xz(a);
    if (strcmp(filter, "bzip2") == 0) return archive_write_add_filter_bzip2(a);
    archive_set_error(a, EINVAL, "there is no compression \"%s\"", filter);
    return ARCHIVE_FATAL;
}

static bool fail_level(sink *s, const char *filter, int level) {
    char message[64];
    snprintf(message, sizeof message, "%s has no compression level %d", filter, level);
    return fail(s, message);
}

static bool set_level(sink *s, const char *filter, int level) {
    char text[16];
    snprintf(text, sizeof text, "%d", level);
    return archive_write_set_filter_option(s->filter, filter, "compression-level", text) ==
               ARCHIVE_OK ||
           fail_level(s, filter, level);
}

static bool begin_gzip(sink *s, int level) {
    if (level > GZIP_LEVEL_MOST) return fail_level(s, "gzip", level);
    s->gzip = gzip_blocks_new(level, put_gzip, s);
    return s->gzip || fail(s, "out of memory");
}

/* Sets up libarchive: one filter over one nameless "entry", which is all of the file. */
static bool begin_filter(sink *s, const char *filter, int level) {
    const char *missing = libarchive_load();
    if (missing) return fail(s, missing);
    s->filter = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    if (!s->filter || !entry) {
        archive_entry_free(entry);
        return fail(s, "out of memory");
    }
    archive_entry_set_filetype(entry, AE_IFREG);
    bool well = add_filter(s->filter, filter) == ARCHIVE_OK;
    if (well && level >= 0 && !set_level(s, filter, level)) well = false;
    archive_write_set_bytes_per_block(s->filter, 0); /* what the filter gives goes on as it is */
    well = well && archive_write_set_format_raw(s->filter) == ARCHIVE_OK &&
           archive_write_open(s->filter, s, NULL, on_compressed, NULL) == ARCHIVE_OK &&
           archive_write_header(s->filter, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    return well || fail_filter(s);
}

sink *sink_open(const char *path, const char *filter, int level, char *err, size_t errlen) {
    sink *s = calloc(1, sizeof *s);
    if (s) s->path = strdup(path);
    if (!s || !s->path) {
        free(s);
        snprintf(err, errlen, "out of memory");
        return NULL;
    }
    const char *why = NULL;
    if (strcmp(path, NOWHERE) == 0) {
        s->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (s->fd < 0) why = strerror(errno);
    } else {
        s->fd = file_make(path, &why);
    }
    if (s->fd < 0)
        fail(s, why);
    else if (filter && strcmp(filter, "gzip") == 0)
        begin_gzip(s, level);
    else if (filter)
        begin_filter(s, filter, level);
    if (!s->error[0]) return s;
    snprintf(err, errlen, "%s", s->error);
    sink_close(s);
    return NULL;
}

bool sink_write(sink *s, const void *bytes, size_t len) {
    if (s->error[0]) return false;
    if (len == 0) return true;
    if (s->gzip) return gzip_blocks_write(s->gzip, bytes, len);
    if (!s->filter) {
        bool well = write_raw(s, bytes, len);
        if (well)
            s->size += (off_t)len;
        else if (ftruncate(s->fd, s->size) < 0) /* a device cannot be cut, and holds no piece */
            s->size = 0;
        return well;
    }
    const char *at = bytes;
    while (len > 0) {
        la_ssize_t n = archive_write_data(s->filter, at, len);
        if (n <= 0) return fail_filter(s);
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Ends the compressed data and brings all to the disk. The file stays open, and so locked. */
static bool end(sink *s) {
    if (s->error[0]) return false;
    if (s->gzip && !gzip_blocks_finish(s->gzip)) return false;
    if (s->filter && archive_write_close(s->filter) != ARCHIVE_OK) return fail_filter(s);
    /* A pipe or a terminal cannot be synced, and need not be. */
    if (fsync(s->fd) < 0 && errno != EINVAL && errno != ENOTSUP) return fail(s, strerror(errno));
    return true;
}

static bool close_file(sink *s) {
    int fd = s->fd;
    s->fd = -1;
    return close(fd) == 0 || fail(s, strerror(errno));
}

bool sink_finish(sink *s) {
    return end(s) && close_file(s);
}

bool sink_commit(sink *s, const char *to) {
    if (!end(s)) return false;
    const char *obstacle = file_obstacle(to);
    if (obstacle) {
        char message[128];
        snprintf(message, sizeof message, "it is %s; name another file", obstacle);
        return fail(s, message);
    }
    int problem = file_rename(s->path, to);
    return close_file(s) && (!problem || fail(s, strerror(problem)));
}

const char *sink_error(const sink *s) {
    return s->error;
}

void sink_close(sink *s) {
    if (!s) return;
    if (s->filter) {
        fail(s, "closed"); /* freeing it flushes, into a file that nobody wants */
        archive_write_free(s->filter);
    }
    gzip_blocks_free(s->gzip);
    if (s->fd >= 0) close(s->fd);
    free(s->path);
    free(s);
}
