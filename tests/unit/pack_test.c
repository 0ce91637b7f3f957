/* Records: what goes in comes out, what is damaged does not, and what cannot be packed says why. */
#include "engine/store/pack.h"

#include "tap.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static bool is_text(const pack_text *text, const char *wanted, size_t len) {
    return text->len == len && (len == 0 || memcmp(text->data, wanted, len) == 0);
}

static void test_round_trip(pack *p) {
    static char big[300000];
    for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i * i >> 5);
    const pack_text texts[PACK_TEXTS] = {{"a\0b", 3}, {NULL, 0}, {big, sizeof big}};
    const void *record;
    size_t len;
    is_int(pack_texts(p, texts, &record, &len), PACK_DONE, "three texts are packed");
    pack_text back[PACK_TEXTS];
    ok(pack_open(p, record, len, back), "and opened");
    ok(is_text(&back[0], "a\0b", 3) && is_text(&back[1], "", 0) &&
           is_text(&back[2], big, sizeof big),
       "as they were");
}

/* Each bit of a record is flipped in turn, and each length tried. */
static void test_damage(pack *p) {
    const char text[] =
        "{\"text\":\"Fine. Fine. Fine. And a few words more, so that there is something to "
        "compress, and to compress again.\"}";
    const pack_text texts[PACK_TEXTS] = {{text, sizeof text}, {text, 40}, {"{}", 2}};
    const void *record;
    size_t len;
    pack_texts(p, texts, &record, &len);
    unsigned char *copy = malloc(len);
    memcpy(copy, record, len);
    int passed = 0;
    pack_text back[PACK_TEXTS];
    for (size_t bit = 0; bit < 8 * len; bit++) {
        copy[bit / 8] ^= (unsigned char)(1 << bit % 8);
        /* Some bits mean nothing: what opens all the same is what was packed. */
        if (pack_open(p, copy, len, back))
            passed += !is_text(&back[0], text, sizeof text) || !is_text(&back[1], text, 40) ||
                      !is_text(&back[2], "{}", 2);
        copy[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    is_int(passed, 0, "no flipped bit passes");
    for (size_t n = 0; n < len; n++) passed += pack_open(p, copy, n, back);
    is_int(passed, 0, "nor does a record that is cut short");
    free(copy);
}

static void test_size(pack *p) {
    const void *record;
    size_t len;
    const pack_text large[PACK_TEXTS] = {{"", 0}, {"", (size_t)5 << 30}, {"", 0}};
    is_int(pack_texts(p, large, &record, &len), PACK_TOO_BIG, "5 GB are too big");
    if (SANITIZED) {
        skip("a sanitizer needs more room than a limit leaves");
        return;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)1 << 30, (rlim_t)1 << 30});
        const pack_text most[PACK_TEXTS] = {{"", 0}, {"", (size_t)3 << 30}, {"", 0}};
        _exit(pack_texts(p, most, &record, &len));
    }
    int status;
    waitpid(child, &status, 0);
    is_int(status, PACK_NO_MEMORY << 8, "3 GB are not, where memory is out");
}

int main(void) {
    pack *p = pack_new();
    test_round_trip(p);
    test_damage(p);
    test_size(p);
    pack_free(p);
    return done_testing();
}
