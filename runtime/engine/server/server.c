#include "engine/server/server.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/server/libmicrohttpd.h"
#include "engine/server/request.h"

#define BACKLOG 1024

/* Files that are neither a client nor a provider: the store, logs, what a workflow opens. */
#define FILES 32

struct server {
    server_spec spec;
    server_hub hub;
    char *token;
    struct MHD_Daemon *daemon;
    loop_poll *poll; /* the daemon's epoll */
    int listener;    /* the daemon's too; -1 when it is closed */
    bool closed;     /* a connection was, since the daemon looked for new ones */
};

/* ---- turns of libmicrohttpd ---- */

static void run(void *arg) {
    server *s = arg;
    s->hub.running = true;
    s->closed = false;
    MHD_run(s->daemon);
    s->hub.running = false;
    MHD_UNSIGNED_LONG_LONG wait;
    /* Where there was no room for more, it listens again at the beginning of a turn. */
    if (s->closed)
        loop_timer_start(s->hub.timer, 0);
    else if (MHD_get_timeout(s->daemon, &wait) == MHD_YES)
        loop_timer_start(s->hub.timer, wait);
}

static void on_poll(void *arg, int fd, int events) {
    (void)fd, (void)events;
    run(arg);
}

/* ---- requests ---- */

server_request *server_take(server *s) {
    server_request *r = s->hub.ready.first;
    if (r) requests_move(&s->hub.live, r);
    return r;
}

static server_connection *place_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
    server *s = arg;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = connections_add(&s->hub.connections, info->connect_fd, loop_now(s->hub.loop));
        return;
    }
    s->closed = true;
    if (*context) {
        connections_remove(&s->hub.connections, *context);
        *context = NULL;
    }
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *connection, const char *path,
                                 const char *method, const char *version, const char *bytes,
                                 size_t *len, void **context) {
    (void)version;
    server *s = arg;
    server_request *r = *context;
    if (!r) {
        r = request_new(&s->hub, connection, place_of(connection), method, path);
        if (!r) return MHD_NO;
        *context = r;
        requests_move(&s->hub.live, r);
        return request_check_length(r) ? MHD_YES : MHD_NO;
    }
    if (*len > 0) {
        bool well = request_receive(r, bytes, *len);
        *len = 0;
        return well ? MHD_YES : MHD_NO;
    }
    return request_advance(r) ? MHD_YES : MHD_NO;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how) {
    (void)arg, (void)connection, (void)how;
    if (*context) request_over(*context);
    *context = NULL;
}

/* ---- its beginning and its end ---- */

/* A listening socket, or -1 and a message. */
static int listen_at(const server_spec *spec, char *err, size_t errlen) {
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)spec->port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int problem = getaddrinfo(spec->address, port, &hints, &found);
    if (problem) {
        snprintf(err, errlen, "%s is no address: %s", spec->address, gai_strerror(problem));
        return -1;
    }
    int one = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool well = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    if (!well) {
        snprintf(err, errlen, "cannot listen at %s port %s: %s", spec->address, port,
                 strerror(errno));
        if (fd >= 0) close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

/* Of the files that the process may open, the other half is for calls to providers. */
static size_t most_connections(unsigned wanted) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY) return wanted;
    rlim_t half = files.rlim_cur > FILES + 2 ? (files.rlim_cur - FILES) / 2 : 1;
    return wanted < half ? wanted : (size_t)half;
}

/* Some more are accepted, for whom those that have waited longest go. */
static unsigned with_newcomers(size_t most) {
    return (unsigned)(most + most / 8 + 1);
}

static struct MHD_Daemon *start(server *s) {
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, s,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)s->listener, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT,
        with_newcomers(s->hub.connections.most), MHD_OPTION_CONNECTION_TIMEOUT, s->spec.idle,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, s->spec.header, MHD_OPTION_END);
}

server *server_new(loop *l, const server_spec *spec, char *err, size_t errlen) {
    const char *problem = libmicrohttpd_load();
    if (problem) {
        snprintf(err, errlen, "%s", problem);
        return NULL;
    }
    server *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(err, errlen, "out of memory");
        return NULL;
    }
    s->spec = *spec;
    s->token = spec->token ? strdup(spec->token) : NULL;
    s->hub = (server_hub){.loop = l,
                          .body = spec->body,
                          .bodies = spec->bodies,
                          .idle = (uint64_t)spec->idle * 1000,
                          .token = s->token,
                          .connections = {.most = most_connections(spec->connections)},
                          .arrived = spec->arrived,
                          .arg = spec->arg};
    s->listener = -1;
    if (spec->token && !s->token) {
        snprintf(err, errlen, "out of memory");
        server_free(s);
        return NULL;
    }
    s->listener = listen_at(spec, err, errlen);
    if (s->listener < 0) {
        server_free(s);
        return NULL;
    }
    s->daemon = start(s);
    s->hub.timer = loop_timer_new(l, run, s);
    const union MHD_DaemonInfo *info =
        s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    s->poll = info ? loop_poll_new(l, info->epoll_fd, on_poll, s) : NULL;
    if (!s->poll || !s->hub.timer || !loop_poll_set(s->poll, LOOP_READ)) {
        snprintf(err, errlen, "no server can be had: %s", strerror(errno));
        server_free(s);
        return NULL;
    }
    return s;
}

uint16_t server_port(const server *s) {
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    char port[8] = "0";
    if (s->listener >= 0 && getsockname(s->listener, (struct sockaddr *)&at, &len) == 0)
        getnameinfo((struct sockaddr *)&at, len, NULL, 0, port, sizeof port, NI_NUMERICSERV);
    return (uint16_t)strtoul(port, NULL, 10);
}

size_t server_held(const server *s) {
    return s->hub.held;
}

void server_close_door(server *s) {
    if (s->listener < 0) return;
    MHD_quiesce_daemon(s->daemon); /* from now on the socket is ours */
    close(s->listener);
    s->listener = -1;
}

void server_free(server *s) {
    if (!s) return;
    if (s->daemon) {
        server_close_door(s);
        requests_break_off(&s->hub.ready);
        requests_break_off(&s->hub.live);
        loop_poll_free(s->poll);
        s->hub.running = true; /* nobody starts the timer any more */
        MHD_stop_daemon(s->daemon);
    } else if (s->listener >= 0) {
        close(s->listener);
    }
    loop_timer_free(s->hub.timer);
    free(s->token);
    free(s);
}
