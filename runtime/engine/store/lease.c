#include "engine/store/lease.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "processes can share only atomics without locks");

/*
 * A lease is one word: 54 bits of the key, and 10 for the number of the process that has it. It
 * stands in the bucket of its key, anywhere. Two keys whose bits are equal by chance wait for each
 * other, and no harm is done.
 */
enum {
    BUCKET = 16,
    BUCKETS = 4096,
    OWNER_BITS = 10,
    OWNERS = (1 << OWNER_BITS) - 1, /* numbered from 1 */
    ALIVE_MS = 5                    /* so long a process that was seen alive is taken to be */
};

/* Where the locks stand in the file: past all bytes that it has. */
#define OWNER_LOCKS ((off_t)1 << 40)

typedef struct shared {
    _Atomic uint64_t commits; /* of all processes */
    _Atomic uint64_t bucket[BUCKETS][BUCKET];
} shared;

struct store_leases {
    int fd;
    char *path;
    shared *shared;
    uint64_t owner;           /* this process */
    pthread_mutex_t counting; /* for: */
    uint64_t own_commits;
    _Atomic int64_t seen_alive[OWNERS + 1]; /* by owner, when, in milliseconds */
};

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- processes ---- */

/* Locks of open file descriptions: other stores in this process count as others. */
static bool lock_owners(int fd, uint64_t first, off_t count) {
    struct flock lock = {.l_type = F_WRLCK,
                         .l_whence = SEEK_SET,
                         .l_start = OWNER_LOCKS + (off_t)first,
                         .l_len = count};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static bool is_alive(store_leases *l, uint64_t owner) {
    int64_t now = now_ms();
    if (now - atomic_load(&l->seen_alive[owner]) < ALIVE_MS) return true;
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = OWNER_LOCKS + (off_t)owner, .l_len = 1};
    bool alive = fcntl(l->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (alive) atomic_store(&l->seen_alive[owner], now);
    return alive;
}

/* Takes a number that no living process has; 0 when there is none, which is also so while the last
 * process leaves. It begins somewhere, lest a number be taken again at once. */
static uint64_t take_owner(int fd) {
    enum { TRIES = 64 };
    uint64_t start = (uint64_t)getpid();
    for (uint64_t i = 0; i < TRIES; i++) {
        uint64_t owner = 1 + (start + i) % OWNERS;
        if (lock_owners(fd, owner, 1)) return owner;
    }
    return 0;
}

/* ---- words ---- */

static _Atomic uint64_t *bucket_of(const store_leases *l, const unsigned char *key) {
    return l->shared->bucket[(key[0] | (unsigned)key[1] << 8) % BUCKETS];
}

static uint64_t word_of(const unsigned char *key, uint64_t owner) {
    uint64_t bits = 0;
    for (int i = 2; i < 10; i++) bits = bits << 8 | key[i];
    return bits << OWNER_BITS | owner;
}

static uint64_t owner_of(uint64_t word) {
    return word & OWNERS;
}

static bool is_same_call(uint64_t a, uint64_t b) {
    return a >> OWNER_BITS == b >> OWNER_BITS;
}

/* The word of a living process with the same call, but for the one at `mine`; or 0. What the dead
 * have left is cleared away. */
static uint64_t find_holder(store_leases *l, _Atomic uint64_t *bucket, uint64_t word, int mine) {
    for (int i = 0; i < BUCKET; i++) {
        uint64_t other = atomic_load(&bucket[i]);
        if (i == mine || !other || !is_same_call(other, word)) continue;
        if (owner_of(other) == l->owner || is_alive(l, owner_of(other))) return other;
        atomic_compare_exchange_strong(&bucket[i], &other, 0);
    }
    return 0;
}

/* Writes the word in a free place of the bucket, or in one of a dead process: its index, or -1. */
static int write_word(store_leases *l, _Atomic uint64_t *bucket, uint64_t word) {
    for (int i = 0; i < BUCKET; i++) {
        uint64_t none = 0;
        if (atomic_compare_exchange_strong(&bucket[i], &none, word)) return i;
    }
    for (int i = 0; i < BUCKET; i++) {
        uint64_t other = atomic_load(&bucket[i]);
        if (other && (owner_of(other) == l->owner || is_alive(l, owner_of(other)))) continue;
        if (atomic_compare_exchange_strong(&bucket[i], &other, word)) return i;
    }
    return -1;
}

static void clear_own(store_leases *l) {
    for (int b = 0; b < BUCKETS; b++) {
        for (int i = 0; i < BUCKET; i++) {
            uint64_t word = atomic_load_explicit(&l->shared->bucket[b][i], memory_order_relaxed);
            if (word && owner_of(word) == l->owner)
                atomic_compare_exchange_strong(&l->shared->bucket[b][i], &word, 0);
        }
    }
}

bool store_lease_take(store_leases *l, const unsigned char key[32]) {
    if (!l) return true;
    _Atomic uint64_t *bucket = bucket_of(l, key);
    uint64_t word = word_of(key, l->owner);
    if (find_holder(l, bucket, word, -1)) return false;
    int at = write_word(l, bucket, word);
    if (at < 0) return true;
    /* Another may have written the same call elsewhere at this moment. Whoever sees the other gives
     * way: at least one of the two does. */
    if (!find_holder(l, bucket, word, at)) return true;
    atomic_store(&bucket[at], 0);
    return false;
}

void store_lease_end(store_leases *l, const unsigned char key[32]) {
    if (!l) return;
    _Atomic uint64_t *bucket = bucket_of(l, key);
    for (int i = 0; i < BUCKET; i++) {
        uint64_t word = word_of(key, l->owner);
        if (atomic_compare_exchange_strong(&bucket[i], &word, 0)) return;
    }
}

bool store_lease_is_free(store_leases *l, const unsigned char key[32]) {
    return !l || !find_holder(l, bucket_of(l, key), word_of(key, l->owner), -1);
}

void store_leases_note_commit(store_leases *l) {
    if (!l) return;
    pthread_mutex_lock(&l->counting);
    atomic_fetch_add(&l->shared->commits, 1);
    l->own_commits++;
    pthread_mutex_unlock(&l->counting);
}

uint64_t store_leases_foreign_commits(store_leases *l) {
    if (!l) return 0;
    pthread_mutex_lock(&l->counting);
    uint64_t foreign = atomic_load(&l->shared->commits) - l->own_commits;
    pthread_mutex_unlock(&l->counting);
    return foreign;
}

/* ---- the file ---- */

/* It lies beside the file that the path leads to, as SQLite's own do. */
static char *path_beside(const char *store) {
    char real[PATH_MAX], *path = NULL;
    if (!realpath(store, real) || asprintf(&path, "%s-calls", real) < 0) return NULL;
    return path;
}

/* Whether the path still leads to the file: the last process takes it away. */
static bool has_name(int fd, const char *path) {
    struct stat here, there;
    return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_ino == there.st_ino &&
           here.st_dev == there.st_dev;
}

/* Whoever may write the store may share it. */
static int open_shared(const char *path, const char *store) {
    struct stat st, own;
    if (stat(store, &st) < 0) return -1;
    mode_t mode = st.st_mode & 0666;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd >= 0 && fstat(fd, &own) == 0 && (own.st_mode & 0777) != mode && own.st_uid == geteuid())
        fchmod(fd, mode); /* the umask took some */
    return fd;
}

/* Opens the file, and takes a number in it. */
static bool join(store_leases *l, const char *store) {
    enum { TRIES = 100 };
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    for (int i = 0; i < TRIES; i++) {
        l->fd = open_shared(l->path, store);
        if (l->fd < 0) return false;
        l->owner = take_owner(l->fd);
        if (l->owner && has_name(l->fd, l->path)) return true;
        close(l->fd);
        l->fd = -1;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* The room is there before it is written to: a full disk would otherwise end the process. */
static bool map(store_leases *l) {
    if (posix_fallocate(l->fd, 0, sizeof *l->shared) != 0) return false;
    void *memory = mmap(NULL, sizeof *l->shared, PROT_READ | PROT_WRITE, MAP_SHARED, l->fd, 0);
    if (memory == MAP_FAILED) return false;
    l->shared = memory;
    return true;
}

store_leases *store_leases_open(const char *path) {
    store_leases *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->fd = -1;
    pthread_mutex_init(&l->counting, NULL);
    l->path = path_beside(path);
    if (l->path && join(l, path) && map(l)) {
        assert(l->owner >= 1 && l->owner <= OWNERS);
        clear_own(l); /* of a process that had the number before */
        return l;
    }
    store_leases_close(l);
    return NULL;
}

void store_leases_close(store_leases *l) {
    if (!l) return;
    if (l->shared) clear_own(l);
    /* All of the locks: no other process is there, and none comes before the descriptor closes. */
    if (l->fd >= 0 && l->owner && lock_owners(l->fd, 0, OWNERS + 1) && has_name(l->fd, l->path))
        unlink(l->path);
    if (l->shared) munmap(l->shared, sizeof *l->shared);
    if (l->fd >= 0) close(l->fd);
    pthread_mutex_destroy(&l->counting);
    free(l->path);
    free(l);
}
