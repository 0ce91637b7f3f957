#include "engine/archive/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/archive/layer.h"

struct stream {
    layer file; /* what all is stacked on */
    char *path;
    int fd; /* -1: a named pipe that is not opened yet */
    stream_report report;
    layer *archive; /* NULL: the file is none */
    layer *top;     /* what is read */
    enum { START, AT_MEMBER, IN_MEMBER, END } state;
};

static bool is_standard_input(const stream *s) {
    return strcmp(s->path, "-") == 0;
}

/* A descriptor that whoever started us has set to O_NONBLOCK is waited for. */
static ssize_t read_file(layer *base, void *buf, size_t n) {
    stream *s = (stream *)base;
    if (s->fd < 0) s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0) return stream_fail(&s->report, "%s", strerror(errno));
    for (;;) {
        ssize_t got = read(s->fd, buf, n);
        if (got >= 0) {
            s->report.read += (uint64_t)got;
            return got;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            poll(&(struct pollfd){.fd = s->fd, .events = POLLIN}, 1, -1);
        else if (errno != EINTR)
            return stream_fail(&s->report, "%s", strerror(errno));
    }
}

static int64_t seek_file(layer *base, int64_t offset, int whence) {
    stream *s = (stream *)base;
    int64_t at = lseek(s->fd, offset, whence);
    return at < 0 ? stream_fail(&s->report, "%s", strerror(errno)) : at;
}

stream *stream_open(const char *path, const stream_limits *limits, char *err, size_t errlen) {
    stream *s = calloc(1, sizeof *s);
    if (s) {
        s->fd = -1;
        s->file = (layer){.produce = read_file, .report = &s->report};
        s->report.limits = limits ? *limits : STREAM_LIMITS;
        s->report.error = "";
        s->path = strdup(path);
        s->report.file = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    }
    if (!s || !s->path || !s->report.file) {
        stream_close(s);
        snprintf(err, errlen, "cannot open %s: out of memory", path);
        return NULL;
    }
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
        if (S_ISREG(st.st_mode)) s->file.seek = seek_file;
    }
    if (failed) {
        snprintf(err, errlen, "cannot open %s: %s", path, strerror(failed));
        stream_close(s);
        return NULL;
    }
    return s;
}

/* Frees the layers above one. */
static void unstack(stream *s, layer *down_to) {
    while (s->top && s->top != down_to) {
        layer *below = s->top->below;
        layer_free(s->top);
        s->top = below;
    }
    s->top = down_to;
}

/* Decompresses what the layer gives as often as it is compressed; the kind that comes out, or -1.
 */
static int stack(stream *s, layer *on) {
    s->top = on;
    for (int layers = 0;; layers++) {
        int kind = layer_look(s->top);
        if (kind < 0 || kind == KIND_PLAIN || kind == KIND_TAR || kind == KIND_ZIP) return kind;
        if (layers == STREAM_LAYERS)
            return stream_fail(&s->report, "it is compressed more than %d times over",
                               STREAM_LAYERS);
        layer *next = kind == KIND_GZIP ? gzip_open(s->top) : filter_open(s->top, (layer_kind)kind);
        if (!next) return -1;
        s->top = next;
    }
}

/* The first step: 1 for a file without members. */
static int start(stream *s) {
    int kind = stack(s, &s->file);
    if (kind < 0) return -1;
    s->state = IN_MEMBER;
    if (kind == KIND_PLAIN) return 1;
    s->archive = members_open(s->top, (layer_kind)kind);
    if (!s->archive) return -1;
    s->top = s->archive;
    return 0;
}

int stream_next(stream *s) {
    if (s->report.error[0]) return -1;
    if (s->state == END) return 0;
    if (s->state == START) {
        int rc = start(s);
        if (rc != 0) return rc;
    }
    int more = 0;
    if (s->archive) {
        unstack(s, s->archive);
        more = members_next(s->archive);
    }
    s->state = more == 1 ? AT_MEMBER : END;
    return more;
}

const char *stream_member(const stream *s) {
    return s->report.member ? s->report.member : "";
}

ssize_t stream_read(stream *s, void *buf, size_t n) {
    if (s->report.error[0]) return -1;
    if (n == 0 || s->state == START || s->state == END) return 0;
    if (s->state == AT_MEMBER) {
        s->state = IN_MEMBER;
        int kind = stack(s, s->archive);
        if (kind < 0) return -1;
        if (kind != KIND_PLAIN)
            return stream_fail(&s->report, "it is a %s archive inside an archive; unpack it first",
                               layer_kind_name((layer_kind)kind));
    }
    return layer_read(s->top, buf, n);
}

const char *stream_error(const stream *s) {
    return s->report.error;
}

void stream_close(stream *s) {
    if (!s) return;
    unstack(s, &s->file);
    if (s->fd >= 0 && !is_standard_input(s)) close(s->fd);
    stream_report_clear(&s->report);
    free(s->path);
    free(s);
}
