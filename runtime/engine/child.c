#include "engine/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"

#define MOST_COMPLAINT (16 * 1024)

struct child {
    uv_process_t process;
    uv_pipe_t errors;
    void (*ended)(void *);
    void *arg;
    int output; /* the pipe's end to read from, or -1 */
    char path[32];
    buf complaint;
    char block[4096]; /* of the pipe of errors */
    int status, signal;
    bool exited, silent; /* what it takes to have ended */
    bool freed;
    int handles; /* that are not closed yet */
};

static void free_memory(child *c) {
    if (c->output >= 0) close(c->output);
    buf_free(&c->complaint);
    free(c);
}

static void on_close(uv_handle_t *h) {
    child *c = h->data;
    if (--c->handles == 0 && c->freed) free_memory(c);
}

static void tell_end(child *c) {
    if (!c->exited || !c->silent || c->freed) return;
    c->ended(c->arg);
}

static void on_exit_of(uv_process_t *p, int64_t status, int signal) {
    child *c = p->data;
    c->status = (int)status;
    c->signal = signal;
    c->exited = true;
    uv_close((uv_handle_t *)p, on_close);
    kill(-p->pid, SIGKILL); /* what it has left behind */
    tell_end(c);
}

/* --- what it complains of --- */

static void give_block(uv_handle_t *h, size_t wanted, uv_buf_t *out) {
    (void)wanted;
    child *c = h->data;
    *out = uv_buf_init(c->block, sizeof c->block);
}

static void on_error_text(uv_stream_t *s, ssize_t n, const uv_buf_t *in) {
    child *c = s->data;
    if (n < 0) { /* the end of it */
        c->silent = true;
        uv_close((uv_handle_t *)s, on_close);
        tell_end(c);
        return;
    }
    if (c->complaint.len > 2 * MOST_COMPLAINT) {
        char *last = c->complaint.data + c->complaint.len - MOST_COMPLAINT;
        memmove(c->complaint.data, last, MOST_COMPLAINT);
        c->complaint.len = MOST_COMPLAINT;
    }
    buf_append(&c->complaint, in->base, (size_t)n); /* without memory there is less to read */
}

const char *child_complaint(child *c) {
    if (!buf_append_char(&c->complaint, '\0')) return "";
    c->complaint.len--;
    return c->complaint.data;
}

/* --- begin and end --- */

static bool open_output(child *c, bool wanted, uv_stdio_container_t *out, char *err,
                        size_t errlen) {
    c->output = -1;
    out->flags = UV_IGNORE;
    if (!wanted) return true;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        snprintf(err, errlen, "no pipe: %s", strerror(errno));
        return false;
    }
    c->output = ends[0];
    snprintf(c->path, sizeof c->path, "/dev/fd/%d", ends[0]);
    out->flags = UV_INHERIT_FD;
    out->data.fd = ends[1];
    return true;
}

/* All it says goes elsewhere: nothing is kept. */
static bool open_elsewhere(child *c, const child_spec *spec, uv_stdio_container_t stdio[3],
                           char *err, size_t errlen) {
    c->output = -1;
    c->silent = true;
    c->handles = 1;
    stdio[1].flags = stdio[2].flags = UV_INHERIT_FD;
    stdio[1].data.fd = STDOUT_FILENO;
    stdio[2].data.fd = STDERR_FILENO;
    if (spec->shared) return true;
    int fd = open(spec->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    stdio[1].data.fd = stdio[2].data.fd = fd;
    if (fd < 0) snprintf(err, errlen, "cannot open its log %s: %s", spec->log, strerror(errno));
    return fd >= 0;
}

static void open_errors(loop *l, child *c, uv_stdio_container_t *out) {
    c->handles = 2;
    c->errors.data = c;
    uv_pipe_init(loop_uv(l), &c->errors, 0);
    out->flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
    out->data.stream = (uv_stream_t *)&c->errors;
}

child *child_start(loop *l, const child_spec *spec, void (*ended)(void *), void *arg, char *err,
                   size_t errlen) {
    child *c = calloc(1, sizeof *c);
    if (!c) {
        snprintf(err, errlen, "out of memory");
        return NULL;
    }
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    bool elsewhere = spec->log || spec->shared;
    bool open = elsewhere ? open_elsewhere(c, spec, stdio, err, errlen)
                          : open_output(c, spec->output, &stdio[1], err, errlen);
    if (!open) {
        free(c);
        return NULL;
    }
    c->ended = ended;
    c->arg = arg;
    c->process.data = c;
    if (!elsewhere) open_errors(l, c, &stdio[2]);
    uv_process_options_t options = {.exit_cb = on_exit_of,
                                    .file = spec->argv[0],
                                    .args = (char **)(uintptr_t)spec->argv,
                                    .cwd = spec->folder,
                                    .env = (char **)(uintptr_t)spec->environment,
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    int rc = uv_spawn(loop_uv(l), &c->process, &options);
    if (stdio[1].flags == UV_INHERIT_FD && !spec->shared) close(stdio[1].data.fd);
    if (rc == 0) {
        if (!elsewhere) uv_read_start((uv_stream_t *)&c->errors, give_block, on_error_text);
        return c;
    }
    snprintf(err, errlen, "%s",
             rc == UV_ENOENT ? "there is no such program in the PATH" : uv_strerror(rc));
    c->freed = true;
    if (!elsewhere) uv_close((uv_handle_t *)&c->errors, on_close);
    uv_close((uv_handle_t *)&c->process, on_close);
    return NULL;
}

const char *child_output(const child *c) {
    return c->output >= 0 ? c->path : NULL;
}

bool child_has_ended(const child *c, int *status, int *signal) {
    *status = c->status;
    *signal = c->signal;
    return c->exited && c->silent;
}

void child_signal(const child *c, int signal) {
    if (!c->exited) kill(c->process.pid, signal);
}

void child_free(child *c) {
    if (!c) return;
    c->freed = true;
    if (!c->exited) kill(-c->process.pid, SIGKILL); /* then both handles close */
    if (c->handles == 0) free_memory(c);
}
