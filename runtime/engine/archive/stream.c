#include "engine/archive/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/archive/layer.h"
#include "engine/channel.h"

struct stream {
    layer file; /* what all is stacked on */
    channel channel;
    stream_report report;
    layer *archive; /* NULL: the file is none */
    layer *top;     /* what is read */
    enum { START, AT_MEMBER, IN_MEMBER, END } state;
};

static ssize_t read_file(layer *base, void *buf, size_t n) {
    stream *s = (stream *)base;
    ssize_t got = channel_read(&s->channel, buf, n);
    if (got < 0)
        return stream_fail(&s->report, "%s",
                           errno == ECANCELED ? "reading was ended" : strerror(errno));
    s->report.read += (uint64_t)got;
    return got;
}

static int64_t seek_file(layer *base, int64_t offset, int whence) {
    stream *s = (stream *)base;
    int64_t at = lseek(s->channel.fd, offset, whence);
    return at < 0 ? stream_fail(&s->report, "%s", strerror(errno)) : at;
}

stream *stream_open(const char *path, const stream_limits *limits, char *err, size_t errlen) {
    stream *s = calloc(1, sizeof *s);
    if (s) {
        s->channel = CHANNEL_CLOSED;
        s->file = (layer){.produce = read_file, .report = &s->report};
        s->report.limits = limits ? *limits : STREAM_LIMITS;
        s->report.error = "";
        s->report.file = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    }
    if (!s || !s->report.file) {
        stream_close(s);
        snprintf(err, errlen, "cannot open %s: out of memory", path);
        return NULL;
    }
    int problem = channel_open(&s->channel, path);
    if (problem) {
        snprintf(err, errlen, "cannot open %s: %s", path, strerror(problem));
        stream_close(s);
        return NULL;
    }
    if (!channel_waits(&s->channel) && strcmp(path, "-") != 0) s->file.seek = seek_file;
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

bool stream_waits(const stream *s) {
    return channel_waits(&s->channel);
}

void stream_halt(const stream *s) {
    channel_halt(&s->channel);
}

uint64_t stream_position(const stream *s) {
    return s->report.read;
}

const char *stream_error(const stream *s) {
    return s->report.error;
}

void stream_close(stream *s) {
    if (!s) return;
    unstack(s, &s->file);
    channel_close(&s->channel);
    stream_report_clear(&s->report);
    free(s);
}
