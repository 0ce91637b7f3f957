/* likeness: near duplicates against comparing every text with every other one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/likeness.h"
#include "base/random.h"
#include "base/shingles.h"
#include "tap.h"

#define MOST 700

static char *texts[MOST];
static buf lists[MOST]; /* their shingles */
static random_state rng;

static size_t upto(size_t n) {
    return (size_t)random_upto(&rng, n - 1);
}

/* How texts are made: words of a vocabulary, small or large, with a head that many share, as copies
 * of earlier ones with a few other words. */
typedef struct kind {
    const char *name;
    size_t vocabulary, least, most, heads, head;
    unsigned copies; /* per cent */
} kind;

static const kind kinds[] = {
    {"few words, a small vocabulary", 4, 1, 6, 0, 0, 0},
    {"short texts", 30, 1, 12, 0, 0, 30},
    {"texts of all lengths", 3000, 1, 200, 0, 0, 60},
    {"long ones", 2000, 150, 300, 0, 0, 70},
    {"templates", 3000, 4, 20, 5, 60, 40},
    {"one template, one word each", 100000, 1, 1, 1, 30, 10},
    {"templates, one after the other", 3000, 4, 20, 1000, 60, 40},
};

static void add_word(buf *out, size_t word) {
    if (out->len) buf_append_char(out, ' ');
    buf_printf(out, "w%zu", word);
}

static char *make(const kind *k, size_t i) {
    buf out = {0};
    if (i > 0 && upto(100) < k->copies) { /* an earlier one, with some words replaced */
        const char *from = texts[upto(i)];
        size_t changes = upto(12), words = 1;
        for (const char *p = from; *p; p++) words += *p == ' ';
        for (size_t w = 0; w < words; w++) {
            size_t len = strcspn(from, " ");
            if (upto(words) < changes)
                add_word(&out, upto(k->vocabulary));
            else {
                if (out.len) buf_append_char(&out, ' ');
                buf_append(&out, from, len);
            }
            from += len + 1;
        }
    } else {
        size_t head = !k->heads ? 0 : k->heads > 100 ? i / 100 : upto(k->heads);
        for (size_t w = 0; k->heads && w < k->head; w++) add_word(&out, 1000000 + head * 1000 + w);
        size_t words = k->least + upto(k->most - k->least + 1);
        for (size_t w = 0; w < words; w++) add_word(&out, upto(k->vocabulary));
    }
    return buf_steal(&out);
}

/* By all that both have, in the terms of the definition. */
static bool are_near(const shingles *a, const shingles *b, double threshold) {
    size_t both = shingles_shared(a, b, 0);
    return (double)both / (double)((size_t)a->count + b->count - both) >= threshold - 1e-12;
}

static void against_all(const kind *k, double threshold) {
    likeness *l = likeness_new(threshold);
    size_t kept[MOST], count = 0, wrong = 0, near = 0, same = 0;
    buf words = {0};
    for (size_t i = 0; i < MOST; i++) {
        texts[i] = make(k, i);
        uint64_t whole;
        shingles_hash(&words, texts[i], strlen(texts[i]), &whole);
        shingles_make(&lists[i], &words);
        enum likeness_found want = LIKENESS_NEW;
        for (size_t j = 0; j < count && want != LIKENESS_SAME; j++) {
            if (strcmp(texts[i], texts[kept[j]]) == 0)
                want = LIKENESS_SAME;
            else if (are_near(shingles_in(&lists[i]), shingles_in(&lists[kept[j]]), threshold))
                want = LIKENESS_NEAR;
        }
        enum likeness_found found = likeness_see(l, texts[i], strlen(texts[i]));
        wrong += found != want;
        near += found == LIKENESS_NEAR;
        same += found == LIKENESS_SAME;
        if (want == LIKENESS_NEW) kept[count++] = i;
    }
    size_t compared = likeness_compared(l);
    ok(wrong == 0, "%s at %.2f: as comparing all of them (%zu kept, %zu the same, %zu near)",
       k->name, threshold, count, same, near);
    ok(compared < MOST * (size_t)MOST / 20, "%s at %.2f: %zu compared of %zu pairs", k->name,
       threshold, compared, count * (count - 1) / 2);
    likeness_free(l);
    buf_free(&words);
    for (size_t i = 0; i < MOST; i++) {
        free(texts[i]);
        buf_free(&lists[i]);
    }
}

static double likeness_of_texts(const char *a, const char *b) {
    return likeness_of(a, strlen(a), b, strlen(b));
}

static void by_hand(void) {
    ok(likeness_of_texts("a b c d", "a b c d") == 1.0, "a text and itself");
    ok(likeness_of_texts("a b c d", "b c d e") == 1.0 / 3, "one of three runs is in both");
    ok(likeness_of_texts("a b c", "a b d") == 0.0, "none is");
    ok(likeness_of_texts("a b", "a b") == 1.0, "fewer words than three");
    ok(likeness_of_texts("", "") == 1.0, "no words");
    ok(likeness_of_texts("a a a a a a", "a a a") == 1.0, "a run counts once");

    likeness *l = likeness_new(0);
    ok(likeness_see(l, "", 0) == LIKENESS_NEW && likeness_see(l, "", 0) == LIKENESS_SAME,
       "the empty text is one");
    size_t wrong = 0;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 20000; i++) {
            char text[32];
            int n = snprintf(text, sizeof text, "text %d", i);
            wrong += likeness_see(l, text, (size_t)n) != (round ? LIKENESS_SAME : LIKENESS_NEW);
        }
    ok(wrong == 0, "20,000 texts are new once, and then the same");
    likeness_free(l);
    likeness_free(NULL);
}

int main(void) {
    random_seed(&rng, 16, 1);
    by_hand();
    static const double thresholds[] = {0.5, 0.8, 0.95, 1.0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (size_t t = 0; t < sizeof thresholds / sizeof *thresholds; t++)
            against_all(&kinds[i], thresholds[t]);
    return done_testing();
}
