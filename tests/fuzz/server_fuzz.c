/* Any bytes as what a client sends to a server, in pieces that the first byte measures: requests
 * that arrive are within their bounds and are answered, whole or piece by piece; when the client is
 * gone nothing of it is held; and the next client is served. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/server/server.h"

enum { HEADER = 4096, BODY = 2048, BODIES = 4096, TURNS = 20000 };

static const char token[] = "secret";
static loop *l;
static server *s;
static size_t owned; /* requests that are ours now */

static void check(int truth) {
    if (!truth) abort();
}

/* ---- the owner of requests ---- */

typedef struct owner {
    server_request *request;
    bool done;
} owner;

static void on_change(void *arg) {
    owner *o = arg;
    o->done = o->done || server_is_over(o->request) || server_is_gone(o->request);
}

static owner owners[64];

static void answer(owner *o) {
    server_request *r = o->request;
    size_t len;
    const char *body = server_body(r, &len);
    check(len <= BODY && (server_is_known(r) || len <= 64 << 10));
    const server_field fields[] = {{"Content-Type", "text/plain"}};
    const char *host = server_header(r, "Host");
    if (len % 2 == 0) {
        buf whole = {0};
        check(buf_printf(&whole, "%s %s %s", server_method(r), server_path(r), host ? host : ""));
        check(server_answer(r, 200, fields, 1, &whole));
        buf_free(&whole);
    } else {
        check(server_begin(r, 200, fields, 1));
        for (size_t i = 0; i < 3; i++) check(server_write(r, body, len));
        server_end(r);
    }
    server_drop_body(r);
}

static void take_all(void) {
    for (server_request *r; owned < sizeof owners / sizeof *owners && (r = server_take(s));) {
        owner *o = &owners[owned++];
        *o = (owner){.request = r};
        server_own(r, on_change, o);
        answer(o);
    }
}

static void release_done(bool all) {
    size_t kept = 0;
    for (size_t i = 0; i < owned; i++) {
        if (!all && !owners[i].done && !server_is_over(owners[i].request)) {
            owners[kept] = owners[i];
            server_own(owners[kept].request, on_change, &owners[kept]);
            kept++;
        } else {
            server_release(owners[i].request);
        }
    }
    owned = kept;
}

static void on_arrival(void *arg) {
    (void)arg;
}

static void turn(void) {
    loop_turn(l, false);
    take_all();
    release_done(false);
}

/* ---- the client ---- */

static int client(void) {
    static unsigned number;
    number++;
    /* An address of its own for each, since ports are few. */
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f000001u + number % 0xfffff0u)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(server_port(s)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof from) == 0);
    check(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* Bytes of an answer that are here; false when it is over. */
static bool receive(int fd, char *into, size_t most, size_t *len) {
    ssize_t got = recv(fd, into, most, MSG_DONTWAIT);
    *len = got > 0 ? (size_t)got : 0;
    return got > 0 || (got < 0 && poll(&(struct pollfd){.fd = fd, .events = POLLRDHUP}, 1, 0) == 0);
}

/* Who asks rightly gets an answer. */
static void check_served(void) {
    static const char request[] = "POST /x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\n"
                                  "Connection: close\r\nContent-Length: 2\r\n\r\n{}";
    char got[1024];
    size_t have = 0, len;
    int fd = client();
    check(send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
    for (int i = 0; i < TURNS; i++) {
        turn();
        bool more = receive(fd, got + have, sizeof got - 1 - have, &len);
        have += len;
        if (!more) break;
        if (i > 100) poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 1);
    }
    got[have] = '\0';
    check(strncmp(got, "HTTP/1.1 200", 12) == 0 && strstr(got, "POST /x h") != NULL);
    close(fd);
}

static void send_pieces(int fd, const uint8_t *data, size_t size, size_t step) {
    char got[4096];
    size_t len;
    while (size > 0) {
        size_t part = size < step ? size : step;
        if (send(fd, data, part, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)part) return;
        data += part;
        size -= part;
        turn();
        while (receive(fd, got, sizeof got, &len) && len > 0) continue;
    }
    for (int i = 0; i < 4; i++) turn();
}

static void leave(int fd, bool half) {
    if (half) {
        shutdown(fd, SHUT_WR);
        for (int i = 0; i < 4; i++) turn();
    }
    struct linger hard = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

static void set_up(void) {
    static const server_spec spec = {.address = "127.0.0.1",
                                     .connections = 8,
                                     .idle = 60,
                                     .header = HEADER,
                                     .body = BODY,
                                     .bodies = BODIES,
                                     .token = token,
                                     .arrived = on_arrival};
    char err[256];
    l = loop_new();
    s = server_new(l, &spec, err, sizeof err);
    if (!s) fprintf(stderr, "%s\n", err);
    check(s != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!s) set_up();
    if (size < 1) return 0;
    int fd = client();
    send_pieces(fd, data + 1, size - 1, (size_t)(data[0] >> 1) * (data[0] >> 1) + 1);
    leave(fd, data[0] & 1);
    for (int i = 0; i < TURNS && (server_held(s) > 0 || owned > 0); i++) turn();
    check(server_held(s) == 0);
    release_done(true);
    check_served();
    return 0;
}
