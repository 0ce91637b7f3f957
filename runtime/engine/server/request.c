#include "engine/server/request.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/server/libmicrohttpd.h"
#include "engine/server/token.h"

#define PIECE 16384 /* bytes that libmicrohttpd takes at a time of an answer that is written */

/* So many times the bound of a body that is too long are read and dropped, so that the client comes
 * to see why it was refused; then the connection is closed. */
#define PATIENCE 4

/* Bytes of a body that whoever has not the token may send, to be told so. */
#define STRANGER (64 << 10)

struct server_request {
    server_hub *hub;                   /* NULL when it is over */
    struct MHD_Connection *connection; /* the same */
    server_connection *place;          /* the same, as it is counted */
    server_requests *list;
    server_request *before, *behind;
    char *method, *path;
    bool known; /* the token came with it */
    buf body;
    size_t most;    /* bytes of it */
    size_t dropped; /* of one that is too long */
    unsigned refusal;
    bool arrived, suspended, gone, answered, begun, ended;
    unsigned status;
    struct MHD_Response *response; /* until libmicrohttpd has it */
    buf unsent;
    size_t taken;     /* bytes at the beginning of `unsent` that libmicrohttpd has */
    loop_poll *watch; /* while it is suspended: whether the client is still there */
    void (*changed)(void *owner);
    void *owner;
};

/* ---- lists ---- */

static void unlink_request(server_request *r) {
    if (!r->list) return;
    *(r->before ? &r->before->behind : &r->list->first) = r->behind;
    *(r->behind ? &r->behind->before : &r->list->last) = r->before;
    r->list = NULL;
    r->before = r->behind = NULL;
}

void requests_move(server_requests *to, server_request *r) {
    unlink_request(r);
    r->list = to;
    r->before = to->last;
    *(to->last ? &to->last->behind : &to->first) = r;
    to->last = r;
}

/* ---- waiting for the owner ---- */

static void tell(server_request *r) {
    if (r->changed) r->changed(r->owner);
}

static void resume(server_request *r) {
    if (!r->suspended) return;
    loop_poll_free(r->watch);
    r->watch = NULL;
    r->suspended = false;
    MHD_resume_connection(r->connection);
    if (!r->hub->running) loop_timer_start(r->hub->timer, 0);
}

static void break_off(server_request *r) {
    r->gone = true;
    resume(r);
    tell(r);
}

static void on_gone(void *arg, int fd, int events) {
    (void)fd, (void)events;
    break_off(arg);
}

static void suspend(server_request *r) {
    r->suspended = true;
    MHD_suspend_connection(r->connection);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    r->watch = info ? loop_poll_new(r->hub->loop, info->connect_fd, on_gone, r) : NULL;
    /* Where that cannot be watched, it is seen when it is answered. */
    if (!r->watch || loop_poll_set(r->watch, LOOP_GONE)) return;
    loop_poll_free(r->watch);
    r->watch = NULL;
}

void requests_break_off(server_requests *list) {
    for (server_request *r = list->first, *next; r; r = next) {
        next = r->behind;
        break_off(r);
    }
}

/* ---- coming in ---- */

server_request *request_new(server_hub *hub, struct MHD_Connection *connection,
                            server_connection *place, const char *method, const char *path) {
    server_request *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->hub = hub;
    r->connection = connection;
    r->place = place;
    r->method = strdup(method);
    r->path = strdup(path);
    if (r->method && r->path) {
        r->known = !hub->token || token_is_given(hub->token, server_header(r, "Authorization"),
                                                 server_header(r, "api-key"));
        r->most = r->known || hub->body < STRANGER ? hub->body : STRANGER;
        if (place) connections_wait(&hub->connections, place, loop_now(hub->loop));
        return r;
    }
    free(r->method);
    free(r->path);
    free(r);
    return NULL;
}

static void free_request(server_request *r) {
    if (r->response) MHD_destroy_response(r->response);
    buf_free(&r->unsent);
    free(r->method);
    free(r->path);
    free(r);
}

void server_drop_body(server_request *r) {
    if (r->hub) r->hub->held -= r->body.len;
    buf_free(&r->body);
}

static void arrive(server_request *r) {
    r->arrived = true;
    if (r->place) connections_busy(&r->hub->connections, r->place);
}

static bool refuse(server_request *r, unsigned status) {
    static const char too_large[] = "{\"error\":{\"message\":\"the request is too large\",\"type\":"
                                    "\"invalid_request_error\",\"param\":null,"
                                    "\"code\":\"too_large\"}}\n";
    static const char full[] = "{\"error\":{\"message\":\"the server holds as much as it may; try "
                               "again\",\"type\":\"server_error\",\"param\":null,"
                               "\"code\":\"overloaded\"}}\n";
    static const char unknown[] =
        "{\"error\":{\"message\":\"this server wants its token as the API "
        "key (FELLOWSHIP_SERVE_TOKEN where it runs)\",\"type\":"
        "\"authentication_error\",\"param\":null,"
        "\"code\":\"invalid_api_key\"}}\n";
    const char *text = status == MHD_HTTP_CONTENT_TOO_LARGE ? too_large
                       : status == MHD_HTTP_UNAUTHORIZED    ? unknown
                                                            : full;
    buf body = {0};
    static const server_field fields[] = {{"Content-Type", "application/json"},
                                          {"Connection", "close"}};
    arrive(r);
    if (!buf_append_str(&body, text) || !server_answer(r, status, fields, 2, &body)) {
        buf_free(&body);
        return false;
    }
    return request_advance(r);
}

bool request_check_length(server_request *r) {
    const char *text = server_header(r, "Content-Length");
    unsigned long long len = text ? strtoull(text, NULL, 10) : 0;
    unsigned status = r->known ? MHD_HTTP_CONTENT_TOO_LARGE : MHD_HTTP_UNAUTHORIZED;
    if (len / PATIENCE > r->most) return refuse(r, status);
    if (len > r->most) r->refusal = status;
    return true;
}

/* Whether so many bytes more of bodies may be here. Where not, those that come slowly make room for
 * the next ones. */
static bool has_room(server_hub *hub, size_t len) {
    if (len <= hub->bodies - hub->held) return true;
    uint64_t now = loop_now(hub->loop);
    connections_make_room(&hub->connections, now > hub->idle ? now - hub->idle : 0);
    return false;
}

bool request_receive(server_request *r, const char *bytes, size_t len) {
    if (r->gone) return false;
    if (!r->refusal && len > r->most - r->body.len)
        r->refusal = r->known ? MHD_HTTP_CONTENT_TOO_LARGE : MHD_HTTP_UNAUTHORIZED;
    if (!r->refusal && !has_room(r->hub, len)) r->refusal = MHD_HTTP_SERVICE_UNAVAILABLE;
    if (!r->refusal) {
        if (!buf_append(&r->body, bytes, len)) return false;
        r->hub->held += len;
        if (r->place) r->place->bytes = r->body.len;
        return true;
    }
    server_drop_body(r);
    r->dropped += len;
    return r->dropped / PATIENCE <= r->most;
}

static bool hand_over_response(server_request *r) {
    struct MHD_Response *response = r->response;
    r->response = NULL;
    enum MHD_Result result = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    return result == MHD_YES;
}

bool request_advance(server_request *r) {
    if (r->response && !r->gone) return hand_over_response(r);
    if (r->gone) return false;
    if (r->arrived) {
        suspend(r); /* woken for nothing */
        return true;
    }
    if (r->refusal) return refuse(r, r->refusal);
    arrive(r);
    suspend(r);
    requests_move(&r->hub->ready, r);
    r->hub->arrived(r->hub->arg);
    return true;
}

void request_over(server_request *r) {
    loop_poll_free(r->watch);
    r->watch = NULL;
    unlink_request(r);
    server_drop_body(r);
    if (r->place) connections_wait(&r->hub->connections, r->place, loop_now(r->hub->loop));
    r->hub = NULL;
    r->connection = NULL;
    r->place = NULL;
    buf_free(&r->unsent);
    r->taken = 0;
    if (r->owner)
        tell(r);
    else
        free_request(r);
}

/* ---- what its owner sees ---- */

void server_own(server_request *r, void (*changed)(void *owner), void *owner) {
    r->changed = changed;
    r->owner = owner;
}

void server_release(server_request *r) {
    r->changed = NULL;
    r->owner = NULL;
    if (!r->connection) {
        free_request(r);
    } else if (!r->answered && !r->ended) {
        r->gone = true;
        resume(r);
    }
}

const char *server_method(const server_request *r) {
    return r->method;
}

const char *server_path(const server_request *r) {
    return r->path;
}

const char *server_header(const server_request *r, const char *name) {
    return r->connection ? MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name) : NULL;
}

const char *server_body(const server_request *r, size_t *len) {
    *len = r->body.len;
    return r->body.len ? r->body.data : "";
}

bool server_is_known(const server_request *r) {
    return r->known;
}

bool server_is_gone(const server_request *r) {
    return r->gone || (!r->connection && !r->answered && !r->ended);
}

bool server_is_over(const server_request *r) {
    return !r->connection;
}

/* ---- answering ---- */

static bool add_fields(struct MHD_Response *response, const server_field *fields, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (MHD_add_response_header(response, fields[i].name, fields[i].value) != MHD_YES)
            return false;
    return true;
}

/* Gives libmicrohttpd a response, with its fields, in its next turn. */
static bool respond(server_request *r, unsigned status, struct MHD_Response *response,
                    const server_field *fields, size_t count) {
    if (!response) return false;
    if (!add_fields(response, fields, count)) {
        MHD_destroy_response(response);
        return false;
    }
    r->status = status;
    r->response = response;
    resume(r);
    return true;
}

bool server_answer(server_request *r, unsigned status, const server_field *fields, size_t count,
                   buf *body) {
    if (r->answered || r->begun) return false;
    if (!r->connection) return true; /* to nobody */
    size_t len = body->len;
    char *bytes = buf_steal(body);
    if (!bytes) return false;
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(len, bytes, free);
    if (!response) free(bytes);
    r->answered = respond(r, status, response, fields, count);
    return r->answered;
}

/* libmicrohttpd wants a piece of an answer that is written. */
static ssize_t give_piece(void *arg, uint64_t at, char *to, size_t most) {
    (void)at;
    server_request *r = arg;
    if (r->gone) return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t left = r->unsent.len - r->taken;
    if (left == 0) {
        if (r->ended) return MHD_CONTENT_READER_END_OF_STREAM;
        suspend(r);
        return 0;
    }
    size_t len = left < most ? left : most;
    memcpy(to, r->unsent.data + r->taken, len);
    r->taken += len;
    if (r->taken == r->unsent.len) {
        buf_clear(&r->unsent);
        r->taken = 0;
    }
    tell(r);
    return (ssize_t)len;
}

bool server_begin(server_request *r, unsigned status, const server_field *fields, size_t count) {
    if (r->answered || r->begun) return false;
    r->begun = true;
    if (!r->connection) return true;
    return respond(r, status,
                   MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE, give_piece, r, NULL),
                   fields, count);
}

bool server_write(server_request *r, const char *bytes, size_t len) {
    if (!r->connection || r->gone || r->ended) return true;
    if (r->taken > PIECE && r->taken > r->unsent.len / 2) { /* what is behind moves to the front */
        memmove(r->unsent.data, r->unsent.data + r->taken, r->unsent.len - r->taken);
        r->unsent.len -= r->taken;
        r->taken = 0;
    }
    if (!buf_append(&r->unsent, bytes, len)) return false;
    resume(r);
    return true;
}

size_t server_unsent(const server_request *r) {
    return r->unsent.len - r->taken;
}

void server_end(server_request *r) {
    r->ended = true;
    if (r->connection) resume(r);
}
