/* The words of texts whose letters bear more marks than any language has: they are words, whose
 * words are the same. */
#include "engine/fold.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "tap.h"

static void add_random(buf *text) {
    static const char *const codes[] = {"a",
                                        "i",
                                        "\xC4\xB1",
                                        "\xCD\xB0", /* a, i, dotless i, Heta */
                                        "\xCC\x83",
                                        "\xCC\xA3",
                                        "\xCC\x87",
                                        "\xCD\x84", /* over, below, a dot, two in one */
                                        "\xCC\x83",
                                        "\xCC\x8B",
                                        "\xCC\x83",
                                        "\xE3\x82\x99", /* marks of several classes */
                                        "\xE0\xAC\x83",
                                        "\xE4\x85\x81",
                                        "\xEF\xBC\x81",
                                        " "}; /* a vowel sign, a character, a stop */
    size_t count = sizeof codes / sizeof *codes, marks = (size_t)rand() % 200;
    buf_append_str(text, codes[(size_t)rand() % count]);
    for (size_t i = 0; i < marks; i++) {
        buf_append_str(text, codes[4 + (size_t)rand() % 8]);
        if (rand() % 60 == 0) buf_append_str(text, codes[(size_t)rand() % count]);
        /* Left out of words: a variation selector, an ornament. */
        if (rand() % 40 == 0) buf_append_str(text, rand() % 2 ? "\xEF\xB8\x83" : "\xD5\x9B");
        /* What turns into marks alone: a form of two of Arabic's over a line. */
        if (rand() % 40 == 0) buf_append_str(text, "\xEF\xB3\xB3");
    }
}

static bool is_settled(const buf *text) {
    buf words = {0}, again = {0};
    bool well = fold_words(&words, text->data, text->len) &&
                utf8_valid_prefix(words.data, words.len) == words.len &&
                fold_words(&again, words.data, words.len);
    bool same = again.len == words.len && memcmp(again.data, words.data, words.len) == 0;
    buf_free(&words);
    buf_free(&again);
    return well && same;
}

static void test_marks(void) {
    int wrong = 0;
    srand(3);
    for (int round = 0; round < 3000; round++) {
        buf text = {0};
        for (int n = 1 + rand() % 4; n > 0; n--) add_random(&text);
        wrong += !is_settled(&text);
        buf_free(&text);
    }
    is_int(wrong, 0, "3,000 texts with many marks: the words of their words are the same");
}

static void test_ends(void) {
    buf few = {0}, many = {0}, one = {0}, other = {0};
    buf_append_str(&few, "x");
    for (int i = 0; i < 64; i++) buf_append_str(&few, "\xCC\x83");
    buf_append(&many, few.data, few.len);
    for (int i = 0; i < 1000; i++) buf_append_str(&many, "\xCC\x83");
    buf_append_str(&few, "y");
    buf_append_str(&many, "y");
    ok(fold_words(&one, few.data, few.len) && fold_words(&other, many.data, many.len), "folded");
    ok(one.len == 130 && other.len == one.len && memcmp(one.data, other.data, one.len) == 0,
       "marks that no language has are left out, and what follows stays");
    buf_append_str(&many, "\xFF end");
    buf_clear(&other);
    ok(fold_words(&other, many.data, many.len) && memmem(other.data, other.len, "end", 3),
       "what is no UTF-8 behind them too");
    buf_free(&few);
    buf_free(&many);
    buf_free(&one);
    buf_free(&other);
}

int main(void) {
    test_marks();
    test_ends();
    return done_testing();
}
