/* Text as it may be shown on a terminal: no control character is left of any text, and nothing else
 * is lost. */
#include "base/printable.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "tap.h"

/* The text as it is shown, until the next call. */
static const char *shown(const char *text, size_t len) {
    static buf out;
    buf_clear(&out);
    if (!printable_append(&out, text, len) || !buf_append_char(&out, '\0')) return "out of memory";
    return out.data;
}

#define is_shown(text, wanted) is_str(shown(text, sizeof text - 1), wanted, "is shown so")

static void test_texts(void) {
    is_shown("", "");
    is_shown("plain text, caf\u00e9 \u6771\u4eac \U0001F642",
             "plain text, caf\u00e9 \u6771\u4eac \U0001F642");
    is_shown("two\nlines\tand a tab", "two\nlines\tand a tab");
    is_shown("\x1b[2J\x1b]0;title\x07", "?[2J?]0;title?");
    is_shown("a\r\nb\rc\r\r\n", "a\nb?c?\n");
    is_shown("\x7f\xc2\x80\xc2\x9b"
             "31m\xc2\xa0",
             "???31m\xc2\xa0");
    is_shown("\xE2\x80\xAE"
             "evil\xE2\x80\xAC \xE2\x81\xA6x\xE2\x81\xA9",
             "?evil? ?x?");
    is_shown("\xff\xfe \xe2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD");
    is_shown("\x9b"
             "31m",
             "\xEF\xBF\xBD"
             "31m"); /* C1 as a byte is no UTF-8 */
    is_str(shown("a\0b", 3), "a?b", "a NUL byte");
}

/* Each byte at each place of a block, alone among plain ones. */
static void test_plain(void) {
    int wrong = 0;
    for (int code = 0; code < 256; code++) {
        for (size_t len = 1; len < 200; len += 33) {
            for (size_t at = 0; at < len; at++) {
                char text[200];
                memset(text, 'a', sizeof text);
                text[at] = (char)code;
                bool plain = (code >= 32 && code < 127) || code == 9 || code == 10;
                wrong += printable_is_plain(text, len) != plain;
            }
        }
    }
    is_int(wrong, 0, "what is plain is told of each byte, wherever it stands");
    ok(printable_is_plain("", 0), "nothing is plain");
}

/* Every character by itself, and random bytes. */
static void test_all(void) {
    int steering = 0, changed = 0;
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code >= 0xD800 && code < 0xE000) continue;
        char text[5] = "";
        size_t len = utf8_encode(text, code);
        const char *is = shown(text, len);
        bool control = (code < 32 && code != 9 && code != 10) || (code >= 127 && code < 160) ||
                       (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
        steering += control && strcmp(is, "?") != 0;
        changed += !control && (strlen(is) != len || memcmp(is, text, len) != 0);
    }
    is_int(steering, 0, "every control character is shown as ?");
    is_int(changed, 0, "and every other one as it is");
    srand(1);
    int bad = 0;
    for (int i = 0; i < 100000; i++) {
        char text[12];
        size_t len = (size_t)rand() % sizeof text;
        for (size_t j = 0; j < len; j++)
            text[j] = (char)(rand() % 3 ? rand() : "\x1b\xc2\xe2\x80\r\n"[rand() % 6]);
        const char *is = shown(text, len);
        size_t n = strlen(is);
        bad += utf8_valid_prefix(is, n) != n;
        for (const char *p = is; *p; p++)
            bad += ((unsigned char)*p < 32 && *p != '\n' && *p != '\t') || *p == 127 ||
                   (p[0] == '\xc2' && (unsigned char)p[1] < 0xa0);
    }
    is_int(bad, 0, "random bytes become valid text without any");
}

int main(void) {
    test_texts();
    test_plain();
    test_all();
    return done_testing();
}
