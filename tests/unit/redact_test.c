/* Secrets in texts of servers: in every form that servers give them, whole and in pieces. */
#include "base/redact.h"

#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "tap.h"

#define KEY "sk-planted/0123456789+abcdef=SECRET"

/* The forms were made by Python's json, base64, urllib.parse and html. */
static const char *const forms[] = {
    KEY,
    "SK-PLANTED/0123456789+ABCDEF=SECRET",
    "sk-planted\\/0123456789+abcdef=SECRET",
    "sk-planted\\\\/0123456789\\\\u002babcdef\\\\u003DSECRET",
    "\\u0073k-planted/0123456789\\u002babcdef\\u003dSECRET",
    "\\x73k-planted/0123456789\\x2Babcdef\\x3dSECRET",
    "sk-planted%2F0123456789%2Babcdef%3DSECRET",
    "sk-planted%252f0123456789%252Babcdef%253DSECRET",
    "sk-planted&#47;0123456789&#x2b;abcdef&equals;SECRET",
    "sk-planted&#x2F;0123456789&plus;abcdef&#61;SECRET",
    "sk-planted/01234567\\n89+abcdef=SECRET",
    "sk-planted/ 0123456789 +abcdef=SECRET",
    "736b2d706c616e7465642f303132333435363738392b6162636465663d534543524554",
    "736B2D706C616E7465642F303132333435363738392B6162636465663D534543524554",
    "c2stcGxhbnRlZC8wMTIzNDU2Nzg5K2FiY2RlZj1TRUNSRVQ=",
    "dTpzay1wbGFudGVkLzAxMjM0NTY3ODkrYWJjZGVmPVNFQ1JFVA==",
    "dXNlcjpzay1wbGFudGVkLzAxMjM0NTY3ODkrYWJjZGVmPVNFQ1JFVA==",
    "YTpzay1wbGFudGVkLzAxMjM0NTY3ODkr\\r\\nYWJjZGVmPVNFQ1JFVA",
};
#define FORMS (sizeof forms / sizeof *forms)

/* Whether any twelve bytes of a form are left in one piece. */
static bool leaks(const buf *text, const char *form) {
    for (size_t i = 0, len = strlen(form); i + 12 <= len; i++)
        if (text->len >= 12 && memmem(text->data, text->len, form + i, 12)) return true;
    return false;
}

static buf text_of(const char *text) {
    buf b = {0};
    if (!buf_append_str(&b, text)) abort();
    return b;
}

static bool is_json(const buf *text) {
    json_reader reader;
    json_reader_init(&reader, text->data, text->len);
    enum json_token token;
    do token = json_next(&reader);
    while (token != JSON_END && token != JSON_ERROR);
    json_reader_free(&reader);
    return token == JSON_END;
}

static void test_forms(redactor *r) {
    for (size_t i = 0; i < FORMS; i++) {
        buf text = {0};
        buf_printf(&text, "{\"error\": {\"message\": \"C:\\\\n\\\\%s \\\"and\\/%s\", \"n\": [1]}}",
                   forms[i], forms[i]);
        ok(!redact_is_clean(r, text.data, text.len), "%s: is seen", forms[i]);
        ok(redact(r, false, &text) && !leaks(&text, forms[i]), "and is left out");
        ok(is_json(&text), "and the rest is as valid as before");
        ok(text.len && memmem(text.data, text.len, REDACTED, strlen(REDACTED)), "and told");
        buf_free(&text);
    }
}

static void test_others(redactor *r) {
    static const char *const innocent[] = {"",
                                           "s",
                                           "sk-planted/0123456789+abcdef=SECRE",
                                           "\\",
                                           "\\u00",
                                           "%",
                                           "%2",
                                           "&",
                                           "&#",
                                           "&#x2b",
                                           "&unknown;",
                                           "&;",
                                           "sk-planted/0123456789+abcdef=SECREx",
                                           "c2stcGxhbnRlZC8wMTIzNDU2",
                                           "test of a test",
                                           "&#99999999999999;"};
    for (size_t i = 0; i < sizeof innocent / sizeof *innocent; i++) {
        buf text = text_of(innocent[i]);
        ok(redact_is_clean(r, innocent[i], strlen(innocent[i])), "\"%s\" is clean", innocent[i]);
        ok(redact(r, false, &text) && text.len == strlen(innocent[i]) &&
               (text.len == 0 || memcmp(text.data, innocent[i], text.len) == 0),
           "and stays");
        buf_free(&text);
    }
    buf text = text_of("a test, and again test");
    redact(r, true, &text);
    ok(text.len == 34 && memcmp(text.data, "a [redacted], and again [redacted]", 34) == 0,
       "a short secret is left out of a failure");
    buf_free(&text);
}

static buf in_pieces(const redactor *r, const buf *text) {
    redaction *s = redaction_new(r);
    buf out = {0};
    size_t at = 0;
    do {
        size_t len = rand() % 3 ? (size_t)rand() % 4 : (size_t)rand() % 60;
        if (len > text->len - at) len = text->len - at;
        at += len;
        if (!redaction_add(s, text->data + at - len, len, at == text->len, &out)) abort();
    } while (at < text->len);
    redaction_free(s);
    return out;
}

/* Whatever stands around the secret, and wherever the network cuts. */
static void test_pieces(redactor *r) {
    static const char *const words[] = {
        "sk-",   "sk-planted", "\\",   "\\\\",
        "\\u00", "73",         "c2st", "%",
        "%25",   "&#",         "\n",   " ",
        "\"",    "test",       "Zm9v", "sk-planted/0123456789+abcdef=SECRE"};
    srand(1);
    int leaking = 0, different = 0, unseen = 0;
    for (int round = 0; round < 20000; round++) {
        buf text = {0};
        size_t form = (size_t)rand() % FORMS;
        for (int n = rand() % 6; n > 0; n--)
            buf_append_str(&text, words[(size_t)rand() % (sizeof words / sizeof *words)]);
        buf_append_str(&text, "\""); /* no escape runs into it */
        buf_append_str(&text, forms[form]);
        for (int n = rand() % 6; n > 0; n--)
            buf_append_str(&text, words[(size_t)rand() % (sizeof words / sizeof *words)]);
        buf pieces = in_pieces(r, &text);
        unseen += redact_is_clean(r, text.data, text.len);
        redact(r, false, &text);
        leaking += text.len && memmem(text.data, text.len, forms[form], strlen(forms[form]));
        different += pieces.len != text.len || memcmp(pieces.data, text.data, text.len) != 0;
        buf_free(&text);
        buf_free(&pieces);
    }
    is_int(unseen, 0, "20,000 texts with a form of the key: none is taken for clean");
    is_int(leaking, 0, "and none holds it then");
    is_int(different, 0, "and in pieces they are the same as whole");
}

/* Seconds on the processor to look through a text, in pieces and as a whole. */
static double takes(redactor *r, const buf *text) {
    buf copy = {0}, out = {0};
    buf_append(&copy, text->data, text->len);
    redaction *s = redaction_new(r);
    clock_t begun = clock();
    for (size_t at = 0; at < text->len; at += 4096)
        redaction_add(s, text->data + at, text->len - at < 4096 ? text->len - at : 4096, false,
                      &out);
    redact(r, true, &copy);
    clock_t ended = clock();
    redaction_free(s);
    buf_free(&out);
    buf_free(&copy);
    return (double)(ended - begun) / CLOCKS_PER_SEC;
}

/* A hostile server sends nothing but the key, or its beginnings, up to the bound of an answer. What
 * grows with the square takes 16 times as long; one pair of six that grows gently is enough, since
 * something else may have been in the way. */
static void test_time(redactor *r) {
    static const char *const floods[] = {
        KEY,      "sk-planted/0123456789+abcdef=SECRE", "s ", "\\", "%25", "&#", "7", "sk-sk-",
        "\\u0073"};
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        buf small = {0}, large = {0};
        while (small.len < 1u << 20) buf_append_str(&small, floods[i]);
        while (large.len < 4u << 20) buf_append_str(&large, floods[i]);
        double first = 0, second = 1;
        for (int tries = 0; tries < 6 && second > 8 * first; tries++) {
            first = takes(r, &small);
            second = takes(r, &large);
        }
        ok(second <= 8 * first, "\"%s\" again and again: 1 MB %.3f s, 4 MB %.3f s", floods[i],
           first, second);
        buf_free(&small);
        buf_free(&large);
    }
}

int main(void) {
    redactor *r = redactor_new();
    ok(r && redactor_add(r, KEY, strlen(KEY)) && redactor_add(r, "test", 4) &&
           redactor_add(r, "x", 1),
       "secrets");
    test_forms(r);
    test_others(r);
    test_pieces(r);
    test_time(r);
    redactor_free(r);
    redactor_free(NULL);
    return done_testing();
}
