#include "engine/multi.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * libcurl 7.88 looks through all connections of a multi handle for each new transfer, so the
 * transfers are spread over several handles ("shards") of at most SHARD_MOST each. A shard is
 * filled before the next one is used: that keeps connections in use and warm. Measured at 1,024 in
 * flight: shards of 256 take a tenth less CPU a call than of 1,000, and less than of 128.
 */
#define SHARD_MOST 256
#define SHARDS     64
#define KEPT_MOST  1000 /* connections of a shard, idle ones among them */

typedef struct shard {
    multi *owner;
    CURLM *curl;
    loop_timer *timer;
    int running;
    bool spent; /* memory ran out in a transfer: later ones might never move (seen with 7.88) */
    bool dead;  /* given up */
} shard;

/*
 * A connection's descriptor stays registered with the loop from its opening to its closing,
 * although curl takes it out between transfers: that saves several system calls for each. It is
 * taken out when it reports something that nobody wants, as when the server closes an idle
 * connection.
 */
typedef struct watch {
    loop_poll *poll;
    shard *shard;
    int wanted;   /* what curl waits for, 0 between transfers */
    int current;  /* what the loop reports */
    bool lasting; /* opened by open_socket; others (the resolver's) go with the transfer */
    bool suspect; /* in the list of those to be looked at again, */
    bool moved;   /* and something came since the last look */
} watch;

struct multi {
    loop *loop;
    void (*done)(void *, multi_transfer *, CURLcode);
    void (*broken)(void *, int);
    void *arg;
    shard *shards[SHARDS];
    int count;
    watch *watches; /* by descriptor */
    int room;
    uint64_t actions;
    loop_timer *look; /* runs out at once while a connection is suspected */
    int *suspects;    /* descriptors; room for all of them */
    int suspected;
};

/* ---- second looks ---- */

/*
 * libcurl 7.88 reads an HTTP/2 connection for one transfer and puts away what comes for others,
 * each in its own buffer. Where such a buffer is full it stops, and is not always careful to go on:
 * what it has read off the socket already waits until more comes, or until some timer runs out,
 * which is the one for connecting: 30 s. So a connection on which a buffer was full is looked at
 * again in each turn, as if its socket had become readable, until a turn brings nothing more.
 *
 * Nor does it tell all transfers when the other side says that it closes: the first one reads that,
 * and the others wait for their socket. So a connection on which one failed is looked at, too.
 */
static void suspect(multi *m, int fd) {
    watch *w = &m->watches[fd];
    w->moved = true;
    if (w->suspect) return;
    w->suspect = true;
    m->suspects[m->suspected++] = fd;
    loop_timer_start(m->look, 0);
}

/* The descriptor of a transfer's connection where several may share it, else -1. */
static int shared_connection(const multi *m, const multi_transfer *t) {
    long version = CURL_HTTP_VERSION_NONE;
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    if (version == CURL_HTTP_VERSION_1_0 || version == CURL_HTTP_VERSION_1_1) return -1;
    return t->fd >= 0 && t->fd < m->room && m->watches[t->fd].poll ? t->fd : -1;
}

void multi_arrived(multi *m, multi_transfer *t, size_t len, size_t buffer) {
    if (t->action != m->actions) t->came = 0;
    t->action = m->actions;
    t->came += len;
    bool full = t->came >= buffer;
    if (!full && m->suspected == 0) return;
    int fd = shared_connection(m, t);
    if (fd >= 0 && (full || m->watches[fd].suspect)) suspect(m, fd);
}

/* Hands out what has ended. Unconditional after every action: a transfer can end while none runs.
 */
static void drain(shard *s) {
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(s->curl, &left));) {
        if (m->msg != CURLMSG_DONE) continue;
        CURL *easy = m->easy_handle;
        multi_transfer *t = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
        CURLcode result = m->data.result; /* m is gone once the handle is removed */
        if (result == CURLE_OUT_OF_MEMORY) s->spent = true;
        int fd = result == CURLE_OK ? -1 : shared_connection(s->owner, t);
        curl_multi_remove_handle(s->curl, easy);
        s->running--;
        if (fd >= 0 && s->owner->watches[fd].poll) suspect(s->owner, fd);
        s->owner->done(s->owner->arg, t, result);
    }
}

/* Gives up the transfers of a shard whose handle is dead: it does nothing more, not even end them
 * when their time is over. It is cleaned up when none of them is left. */
static void give_up(shard *s) {
    multi *m = s->owner;
    for (int i = 0; i < m->count; i++)
        if (m->shards[i] == s) m->broken(m->arg, i);
    s->spent = s->dead = true;
    loop_timer_stop(s->timer);
}

static void act(shard *s, curl_socket_t fd, int events) {
    if (s->dead) return;
    s->owner->actions++;
    int running;
    CURLMcode code = curl_multi_socket_action(s->curl, fd, events, &running);
    drain(s);
    if (code == CURLM_ABORTED_BY_CALLBACK || code == CURLM_OUT_OF_MEMORY) give_up(s);
}

static void on_look(void *arg) {
    multi *m = arg;
    for (int i = m->suspected - 1; i >= 0; i--) {
        if (i >= m->suspected) continue; /* that connection was closed by the action before */
        int fd = m->suspects[i];
        watch *w = &m->watches[fd];
        if (w->moved) {
            w->moved = false;
            act(w->shard, fd, CURL_CSELECT_IN);
        } else {
            w->suspect = false;
            m->suspects[i] = m->suspects[--m->suspected];
        }
    }
    if (m->suspected) loop_timer_start(m->look, 0);
}

static void on_timeout(void *arg) {
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static bool set_watch(watch *w, int events) {
    if (w->current == events) return true;
    if (!loop_poll_set(w->poll, events)) return false;
    w->current = events;
    return true;
}

static void on_ready(void *arg, int fd, int events) {
    shard *s = arg;
    watch *w = &s->owner->watches[fd];
    if (w->wanted == 0 || s->dead) {
        (void)set_watch(w, 0); /* to watch no more cannot fail */
        return;
    }
    act(s, fd,
        (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

/* The watch of a descriptor, with a poll; NULL when it cannot be had. */
static watch *watch_of(shard *s, int fd) {
    multi *m = s->owner;
    if (fd >= m->room) {
        int room = fd + fd / 2 + 64;
        int *suspects = realloc(m->suspects, (size_t)room * sizeof *suspects);
        if (!suspects) return NULL;
        m->suspects = suspects;
        watch *more = realloc(m->watches, (size_t)room * sizeof *more);
        if (!more) return NULL;
        memset(more + m->room, 0, (size_t)(room - m->room) * sizeof *more);
        m->watches = more;
        m->room = room;
    }
    watch *w = &m->watches[fd];
    if (!w->poll) w->poll = loop_poll_new(m->loop, fd, on_ready, s);
    w->shard = s;
    return w->poll ? w : NULL;
}

static void forget_watch(multi *m, int fd) {
    if (fd >= m->room || !m->watches[fd].poll) return;
    for (int i = 0; m->watches[fd].suspect && i < m->suspected; i++)
        if (m->suspects[i] == fd) m->suspects[i] = m->suspects[--m->suspected];
    loop_poll_free(m->watches[fd].poll);
    m->watches[fd] = (watch){0};
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    watch *w = watch_of(arg, fd);
    if (w) w->lasting = true;
    return fd;
}

static int close_socket(void *arg, curl_socket_t fd) {
    forget_watch(((shard *)arg)->owner, fd);
    return close(fd);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused) {
    (void)unused;
    shard *s = arg;
    multi_transfer *t = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
    /* Told for each transfer that begins to use a connection, new or not. */
    if (t && what != CURL_POLL_REMOVE) t->fd = fd;
    if (what == CURL_POLL_REMOVE) {
        watch *w = fd < s->owner->room ? &s->owner->watches[fd] : NULL;
        if (w && w->lasting)
            w->wanted = 0;
        else
            forget_watch(s->owner, fd);
        return 0;
    }
    if (s->dead) return 0;
    watch *w = watch_of(s, fd);
    if (!w) return -1;
    /* CURL_POLL_INOUT is both bits. */
    w->wanted = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
    return set_watch(w, w->wanted) ? 0 : -1;
}

static int set_timer(CURLM *curl, long ms, void *arg) {
    (void)curl;
    shard *s = arg;
    /* 0 ms means "now", but curl must not be re-entered: the next turn of the loop is soon enough,
     * and takes all transfers that were added meanwhile in one action. */
    if (ms < 0)
        loop_timer_stop(s->timer);
    else
        loop_timer_start(s->timer, (uint64_t)ms);
    return 0;
}

static void free_shard(shard *s) {
    if (s->curl) curl_multi_cleanup(s->curl);
    loop_timer_free(s->timer);
    free(s);
}

static CURLM *open_curl(shard *s) {
    CURLM *curl = curl_multi_init();
    if (!curl) return NULL;
    /* The default of MAXCONNECTS, four times the added handles, shrinks as a fan-out drains and
     * closes connections that the next rows would have used. */
    if (curl_multi_setopt(curl, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
        curl_multi_setopt(curl, CURLMOPT_SOCKETDATA, s) == CURLM_OK &&
        curl_multi_setopt(curl, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
        curl_multi_setopt(curl, CURLMOPT_TIMERDATA, s) == CURLM_OK &&
        curl_multi_setopt(curl, CURLMOPT_MAXCONNECTS, (long)KEPT_MOST) == CURLM_OK)
        return curl;
    curl_multi_cleanup(curl);
    return NULL;
}

static shard *new_shard(multi *m) {
    shard *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->owner = m;
    s->timer = loop_timer_new(m->loop, on_timeout, s);
    s->curl = open_curl(s);
    if (!s->timer || !s->curl) {
        free_shard(s);
        return NULL;
    }
    return s;
}

multi *multi_new(loop *l, void (*done)(void *, multi_transfer *, CURLcode),
                 void (*broken)(void *, int), void *arg) {
    multi *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->loop = l;
    m->done = done;
    m->broken = broken;
    m->arg = arg;
    m->look = loop_timer_new(l, on_look, m);
    if (m->look) return m;
    free(m);
    return NULL;
}

void multi_free(multi *m) {
    if (!m) return;
    for (int i = 0; i < m->count; i++) free_shard(m->shards[i]);
    for (int fd = 0; fd < m->room; fd++) forget_watch(m, fd);
    loop_timer_free(m->look);
    free(m->watches);
    free(m->suspects);
    free(m);
}

/* Puts a new shard at i, where one may stand that is done with. */
static bool renew(multi *m, int i) {
    shard *s = new_shard(m);
    if (!s) return false;
    if (i < m->count) {
        shard *old = m->shards[i];
        for (int fd = 0; fd < m->room; fd++) /* those that libcurl does not close itself */
            if (m->watches[fd].shard == old && !m->watches[fd].lasting) forget_watch(m, fd);
        free_shard(old);
    } else {
        m->count++;
    }
    m->shards[i] = s;
    return true;
}

/* The first shard with room, made when there is none, in the place of one that was retired if there
 * is such; when all are full, the emptiest; -1 when none can be had. */
static int shard_with_room(multi *m) {
    int emptiest = -1, place = m->count < SHARDS ? m->count : -1;
    for (int i = 0; i < m->count; i++) {
        const shard *s = m->shards[i];
        if (s->spent && s->running == 0) place = i;
        if (s->spent) continue;
        if (s->running < SHARD_MOST) return i;
        if (emptiest < 0 || s->running < m->shards[emptiest]->running) emptiest = i;
    }
    return place >= 0 && renew(m, place) ? place : emptiest;
}

bool multi_add(multi *m, multi_transfer *t, CURL *easy) {
    int i = shard_with_room(m);
    if (i < 0) return false;
    shard *s = m->shards[i];
    *t = (multi_transfer){.easy = easy, .shard = i, .fd = -1};
    if (curl_easy_setopt(easy, CURLOPT_PRIVATE, t) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, s) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, s) != CURLE_OK ||
        curl_multi_add_handle(s->curl, easy) != CURLM_OK)
        return false;
    s->running++;
    return true;
}

void multi_remove(multi *m, multi_transfer *t) {
    shard *s = m->shards[t->shard];
    int fd = shared_connection(m, t);
    curl_multi_remove_handle(s->curl, t->easy);
    s->running--;
    /* Its buffer may have been full, and others' answers stand behind it. */
    if (fd >= 0 && m->watches[fd].poll) suspect(m, fd);
}
