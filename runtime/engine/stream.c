#include "engine/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RAW_BLOCK = 64 * 1024, TAR_BLOCK = 512 };

struct stream {
    char *path;
    int fd;                /* -1: a named pipe that is not opened yet */
    struct archive *input; /* NULL before the first read */
    const char *block;     /* decompressed bytes that wait to be read; libarchive's memory */
    size_t block_len;
    bool ended;
    bool entered; /* the one member */
    int read_errno;
    char error[512]; /* "" while all is well */
    char raw[RAW_BLOCK];
};

static bool is_standard_input(const stream *s) {
    return strcmp(s->path, "-") == 0;
}

static int fail(stream *s, const char *what) {
    const char *name = is_standard_input(s) ? "standard input" : s->path;
    snprintf(s->error, sizeof s->error, "cannot read %s: %s", name, what);
    return -1;
}

stream *stream_open(const char *path, const stream_limits *limits, char *err, size_t errlen) {
    (void)limits;
    stream *s = calloc(1, sizeof *s);
    if (s) s->path = strdup(path);
    if (!s || !s->path) {
        free(s);
        snprintf(err, errlen, "cannot open %s: out of memory", path);
        return NULL;
    }
    s->fd = -1;
    if (is_standard_input(s)) {
        s->fd = STDIN_FILENO;
        return s;
    }
    /* Opening a named pipe waits for its writer, which is for the worker thread to do. */
    struct stat st;
    int failed = stat(path, &st) < 0 ? errno : 0;
    if (!failed && S_ISDIR(st.st_mode)) failed = EISDIR;
    if (!failed && !S_ISFIFO(st.st_mode)) {
        s->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (s->fd < 0) failed = errno;
    }
    if (failed) {
        snprintf(err, errlen, "cannot open %s: %s", path, strerror(failed));
        stream_close(s);
        return NULL;
    }
    return s;
}

/* libarchive's source of raw bytes. Its own would give up on a descriptor that whoever started us
 * has set to O_NONBLOCK. */
static la_ssize_t read_raw(struct archive *input, void *arg, const void **block) {
    stream *s = arg;
    *block = s->raw;
    for (;;) {
        ssize_t n = read(s->fd, s->raw, sizeof s->raw);
        if (n >= 0) return n;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            poll(&(struct pollfd){.fd = s->fd, .events = POLLIN}, 1, -1);
        } else if (errno != EINTR) {
            s->read_errno = errno;
            archive_set_error(input, errno, "%s", strerror(errno));
            return -1;
        }
    }
}

/* libarchive's words for damage name the format at best; a system error speaks for itself. */
static int fail_input(stream *s) {
    if (s->read_errno) return fail(s, strerror(s->read_errno));
    const char *what = archive_error_string(s->input);
    char message[256];
    snprintf(message, sizeof message, "damaged or cut short%s%s%s", what ? " (" : "",
             what ? what : "", what ? ")" : "");
    return fail(s, message);
}

/* The first read: opens what is left to open and lets libarchive look at the content. */
static int begin(stream *s) {
    if (s->fd < 0) s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0) return fail(s, strerror(errno));
    struct archive *in = s->input = archive_read_new();
    if (!in) return fail(s, "out of memory");
    /* Named one by one: "all" would take some plain texts for uuencode, and run programs. */
    archive_read_support_filter_gzip(in);
    archive_read_support_filter_bzip2(in);
    archive_read_support_filter_xz(in);
    archive_read_support_filter_zstd(in);
    archive_read_support_format_raw(in);
    archive_read_support_format_empty(in);
    if (archive_read_open(in, s, NULL, read_raw, NULL) != ARCHIVE_OK) return fail_input(s);
    struct archive_entry *entry;
    int rc = archive_read_next_header(in, &entry);
    if (rc == ARCHIVE_EOF) {
        s->ended = true;
    } else if (rc != ARCHIVE_OK) {
        return fail_input(s);
    }
    return 0;
}

/* A tar header proves itself: the octal number at 148 is the sum of its 512 bytes, with the eight
 * that hold it counted as spaces (POSIX.1 pax, "ustar Interchange Format"). Older tars have no
 * magic, and a text may hold "ustar" anywhere. */
static bool is_tar(const unsigned char *block, size_t len) {
    if (len < TAR_BLOCK || block[0] == '\0') return false;
    unsigned long sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++) sum += i >= 148 && i < 156 ? ' ' : block[i];
    char field[9] = {0};
    memcpy(field, block + 148, 8);
    char *end;
    return strtoul(field, &end, 8) == sum && end != field;
}

static bool is_zip(const unsigned char *block, size_t len) {
    return len >= 4 && (memcmp(block, "PK\3\4", 4) == 0 || memcmp(block, "PK\5\6", 4) == 0);
}

/* The next decompressed bytes into s->block; none left sets ended. */
static int refill(stream *s) {
    bool first = !s->block;
    const void *block;
    la_int64_t offset;
    int rc = archive_read_data_block(s->input, &block, &s->block_len, &offset);
    if (rc == ARCHIVE_EOF) {
        s->ended = true;
        s->block_len = 0;
        return 0;
    }
    if (rc != ARCHIVE_OK) return fail_input(s);
    s->block = block;
    if (first && (is_zip(block, s->block_len) || is_tar(block, s->block_len)))
        return fail(s, "it is a zip or tar archive, and archives with members are not supported "
                       "yet; unpack it first");
    return 0;
}

int stream_next(stream *s) {
    if (s->error[0]) return -1;
    if (s->entered) return 0;
    s->entered = true;
    return begin(s) < 0 ? -1 : 1;
}

const char *stream_member(const stream *s) {
    (void)s;
    return "";
}

ssize_t stream_read(stream *s, void *buf, size_t n) {
    if (s->error[0]) return -1;
    if (n == 0 || !s->entered) return 0;
    while (s->block_len == 0 && !s->ended) {
        if (refill(s) < 0) return -1;
    }
    if (s->ended) return 0;
    if (n > s->block_len) n = s->block_len;
    memcpy(buf, s->block, n);
    s->block += n;
    s->block_len -= n;
    return (ssize_t)n;
}

const char *stream_error(const stream *s) {
    return s->error;
}

void stream_close(stream *s) {
    if (!s) return;
    if (s->input) archive_read_free(s->input);
    if (s->fd >= 0 && !is_standard_input(s)) close(s->fd);
    free(s->path);
    free(s);
}
