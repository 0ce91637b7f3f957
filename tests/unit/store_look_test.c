/* Looking at completions side by side: the same ones in the same order as showing them one by one,
 * of a store that is sound and of one that is damaged, and nothing else when memory runs out. */
#include "store_scene.h"

#include "engine/digest.h"

#include <fcntl.h>

enum { COMPLETIONS = 700, PAGES_SPOILT = 12 };

static const enum store_order orders[] = {STORE_BY_TIME, STORE_AS_WRITTEN, STORE_LAST_FIRST};

/* What was shown, one behind the other, and when to stop. */
typedef struct shown {
    buf all;
    int count, most;
    bool fail;
} shown;

static int note_all(shown *s, const store_record *r, const char *text, size_t len) {
    bool well = buf_append(&s->all, r->key, STORE_KEY) &&
                buf_printf(&s->all, " %lld %zu ", (long long)r->created_ms, len) &&
                buf_append(&s->all, text, len);
    if (!well) abort();
    return ++s->count == s->most ? 42 : 0;
}

static int visit_texts(void *arg, const store_record *r) {
    buf text = {0};
    if (!buf_append(&text, r->request, r->request_len) ||
        !buf_append(&text, r->completion, r->completion_len))
        abort();
    int stop = note_all(arg, r, text.data, text.len);
    buf_free(&text);
    return stop;
}

static int visit_note(void *arg, const store_record *r) {
    return note_all(arg, r, r->note, r->note_len);
}

static bool look(const void *arg, json_reader *reader, const store_record *r, buf *note) {
    const shown *s = arg;
    (void)reader;
    return !s->fail && buf_append(note, r->request, r->request_len) &&
           buf_append(note, r->completion, r->completion_len);
}

static bool is_same(const char *at, enum store_order order, bool salvaging, int most) {
    shown one = {.most = most}, beside = {.most = most};
    store_damage lost[2] = {{0}, {0}};
    store_how how = {.order = order, .damage = salvaging ? &lost[0] : NULL};
    int status = store_each(at, &how, visit_texts, &one, err, sizeof err);
    how.look = look;
    if (salvaging) how.damage = &lost[1];
    int looked = store_each(at, &how, visit_note, &beside, err, sizeof err);
    bool same = status == looked && one.count == beside.count && one.all.len == beside.all.len &&
                (!one.all.len || memcmp(one.all.data, beside.all.data, one.all.len) == 0) &&
                lost[0].any == lost[1].any && lost[0].lost == lost[1].lost;
    if (!same)
        printf("# order %d most %d: %d and %d, %d and %d shown, %zu and %zu lost\n", (int)order,
               most, status, looked, one.count, beside.count, lost[0].lost, lost[1].lost);
    buf_free(&one.all);
    buf_free(&beside.all);
    return same;
}

static int differing(const char *at) {
    int wrong = 0;
    for (int i = 0; i < 3; i++)
        for (int salvaging = 0; salvaging < 2; salvaging++)
            for (int most = 0; most < 300; most = 2 * most + 1)
                wrong += !is_same(at, orders[i], salvaging, most);
    return wrong;
}

static void fill(const char *at) {
    scene s;
    if (!scene_open(&s, at, false)) abort();
    for (int n = 0; n < COMPLETIONS; n++) {
        static char long_text[30000];
        for (size_t i = 0; i < sizeof long_text; i++)
            long_text[i] = (char)('a' + i * i % 23 * (size_t)n % 26);
        store_job *job = make_put(n, text(long_text, n % 9 == 0 ? (size_t)n * 40 : 20));
        digest_sha256(job->request.data, job->request.len, job->key); /* as it is with all */
        job->created_ms += n * 7919 % 100;
        store_job_free(run(&s, job));
    }
    scene_close(&s);
}

/* Writes over some bytes of a page. */
static void spoil(const char *at, long page, unsigned seed) {
    int fd = open(at, O_RDWR);
    char bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(seed = seed * 1103515245 + 12345);
    if (pwrite(fd, bytes, sizeof bytes, page * 8192 + (long)(seed >> 16 & 8000)) < 0) abort();
    close(fd);
}

static void test_no_memory(const char *at) {
    shown s = {.fail = true};
    store_damage damage;
    store_how how = {.look = look, .damage = &damage};
    is_int(store_each(at, &how, visit_note, &s, err, sizeof err), -1,
           "a look without memory fails");
    ok(strstr(err, "memory"), "and says so: %s", err);
    is_int(s.count, 0, "nothing is shown");
}

int main(void) {
    if (!scene_begin()) return 1;
    const char *at = fresh();
    fill(at);
    is_int(count(at), COMPLETIONS, "the store has all");
    is_int(differing(at), 0, "of a sound store, all that is shown one by one is looked at");
    test_no_memory(at);
    int fd = open(at, O_RDONLY);
    long pages = lseek(fd, 0, SEEK_END) / 8192;
    close(fd);
    for (int i = 0; i < PAGES_SPOILT; i++) {
        spoil(at, 2 + (pages - 3) * i / PAGES_SPOILT, (unsigned)i);
        ok(differing(at) == 0, "with %d pages spoilt, the same", i + 1);
    }
    return scene_end();
}
