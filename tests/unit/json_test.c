/* The JSON codec below Lua: grammar, UTF-8, strings, order of keys. */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "tap.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* Reads a whole text; returns JSON_END or JSON_ERROR, with the error in *r. */
static enum json_token read_all(json_reader *r, const char *text, size_t len) {
    enum json_token token;
    json_reader_reset(r, text, len);
    do token = json_next(r);
    while (token != JSON_END && token != JSON_ERROR);
    return token;
}

/* --- grammar --- */

static const char *const accepted[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "10",
    "1.5",
    "1e5",
    "1E+5",
    "1e-5",
    "0e1",
    "1.0e10",
    "123456789012345678901234567890",
    "\"\"",
    "\"a\"",
    "[]",
    "{}",
    " \t\r\n[ ]\n",
    "[1,2]",
    "[[],[[]]]",
    "{\"\":0}",
    "{\"a\":{\"b\":[]}}",
    "{\"a\" : 1 , \"a\" : 2}", /* duplicates are the reader's caller's business */
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\uD83D\\uDE00\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\u0000\"",
    "\"\x7F\"",
    "\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\"",
    "\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"",
};

static const struct {
    const char *text;
    size_t at;
    const char *message;
} rejected[] = {
    {"", 0, "the end of the text"},
    {"  ", 2, "the end of the text"},
    {"nul", 0, "found nul"},
    {"nulll", 4, "nothing after the value"},
    {"True", 0, "found True"},
    {"NaN", 0, "found NaN"},
    {"Infinity", 0, "found Infinity"},
    {"-Infinity", 0, "found -Infinity"},
    {"-", 1, "a digit after '-'"},
    {"+1", 0, "found '+'"},
    {".5", 0, "found '.'"},
    {"1.", 2, "a digit after the decimal point"},
    {"1.e5", 2, "a digit after the decimal point"},
    {"1e", 2, "a digit in the exponent"},
    {"1e+", 3, "a digit in the exponent"},
    {"01", 0, "leading zero"},
    {"-01", 1, "leading zero"},
    {"0x10", 1, "found x10"},
    {"1 2", 2, "nothing after the value"},
    {"[", 1, "the end of the text"},
    {"[1", 2, "',' or ']'"},
    {"[1,", 3, "a value"},
    {"[1,]", 3, "found ']'"},
    {"[,1]", 1, "found ','"},
    {"[1 2]", 3, "',' or ']'"},
    {"[1}", 2, "',' or ']'"},
    {"]", 0, "found ']'"},
    {"{", 1, "a key in quotes"},
    {"{1:2}", 1, "a key in quotes"},
    {"{'a':1}", 1, "a single quote"},
    {"{a:1}", 1, "a key in quotes"},
    {"{\"a\"}", 4, "':' after a key"},
    {"{\"a\":}", 5, "a value"},
    {"{\"a\":1,}", 7, "a key in quotes"},
    {"{\"a\":1]", 6, "',' or '}'"},
    {"{\"a\":1 \"b\":2}", 7, "',' or '}'"},
    {"[1]x", 3, "nothing after the value"},
    {"[1] // no", 4, "nothing after the value"},
    {"/* no */ 1", 0, "found '/'"},
    {"\"a", 0, "closing quote"},
    {"\"a\\", 0, "closing quote"},
    {"\"a\\\"", 0, "closing quote"},
    {"\"\\x\"", 2, "after a backslash"},
    {"\"\\u12\"", 1, "four hexadecimal digits"},
    {"\"\\u12g4\"", 1, "four hexadecimal digits"},
    {"\"a\nb\"", 2, "control character (0x0A)"},
    {"\"0123456789abcdefg\x1f\"", 18, "control character (0x1F)"},
    {"\xEF\xBB\xBF{}", 0, "byte order mark"},
    {"\"\x80\"", 1, "invalid UTF-8: the byte 0x80"},
    {"\"\xC0\x80\"", 1, "invalid UTF-8"},
    {"\"\xC1\xBF\"", 1, "invalid UTF-8"},
    {"\"\xE0\x9F\xBF\"", 1, "invalid UTF-8"},
    {"\"\xED\xA0\x80\"", 1, "an encoded surrogate"},
    {"\"\xED\xBF\xBF\"", 1, "an encoded surrogate"},
    {"\"\xF0\x8F\xBF\xBF\"", 1, "invalid UTF-8"},
    {"\"\xF4\x90\x80\x80\"", 1, "invalid UTF-8"},
    {"\"\xF5\x80\x80\x80\"", 1, "invalid UTF-8"},
    {"\"ab\xC3\"", 3, "invalid UTF-8"},
    {"\"\xE2\x82\"", 1, "invalid UTF-8"},
    {"[\xE2\x82\xAC]", 1, "found '\xE2\x82\xAC'"},
    {"[\xFF]", 1, "the byte 0xFF"},
};

static void test_grammar(void) {
    json_reader r;
    json_reader_init(&r, "", 0);
    for (size_t i = 0; i < LENGTH(accepted); i++)
        ok(read_all(&r, accepted[i], strlen(accepted[i])) == JSON_END, "accepts %zu: %s", i,
           r.error[0] ? r.error : "no error");
    for (size_t i = 0; i < LENGTH(rejected); i++) {
        enum json_token token = read_all(&r, rejected[i].text, strlen(rejected[i].text));
        ok(token == JSON_ERROR && r.error_at == rejected[i].at &&
               strstr(r.error, rejected[i].message),
           "rejects %zu at byte %zu: %s", i, r.error_at, r.error);
        ok(json_next(&r) == JSON_ERROR, "and again");
    }
    ok(read_all(&r, "\"a\0b\"", 5) == JSON_ERROR, "rejects a NUL in a string");
    ok(read_all(&r, "1\0", 2) == JSON_ERROR, "rejects a NUL behind the value");
    json_reader_free(&r);
}

/* Every place where a text may be cut off gives an error, never a read beyond its end. */
static void test_truncation(void) {
    static const char text[] = "{\"key\":[1.5e+7,\"\\ud83d\\ude00 \xE2\x82\xAC 0123456789\",true]}";
    json_reader r;
    json_reader_init(&r, "", 0);
    size_t errors = 0, len = sizeof text - 1;
    for (size_t cut = 0; cut < len; cut++) {
        char *copy = malloc(cut + 1); /* exactly so long that sanitizers see a byte too many */
        memcpy(copy, text, cut);
        errors += read_all(&r, copy, cut) == JSON_ERROR;
        free(copy);
    }
    ok(errors == len, "every truncated text is an error (%zu of %zu)", errors, len);
    json_reader_free(&r);
}

static void test_depth(void) {
    char text[2 * (JSON_DEPTH + 1)];
    json_reader r;
    json_reader_init(&r, "", 0);
    memset(text, '[', sizeof text / 2);
    memset(text + sizeof text / 2, ']', sizeof text / 2);
    ok(read_all(&r, text + 1, sizeof text - 2) == JSON_END, "512 levels");
    ok(read_all(&r, text, sizeof text) == JSON_ERROR, "513 levels");
    is_str(r.error, "nested deeper than 512", "says the depth");
    r.max_depth = JSON_DEPTH + 1;
    ok(read_all(&r, text, sizeof text) == JSON_END, "max_depth is kept from text to text");
    json_reader_free(&r);
}

/* --- tokens --- */

static void test_tokens(void) {
    static const char text[] = "{\"a\\n\": [1, -2.50, \"x\"], \"\xC3\xA9\": {}, \"t\": true}";
    static const enum json_token tokens[] = {
        JSON_BEGIN_OBJECT, JSON_KEY,       JSON_BEGIN_ARRAY, JSON_INTEGER,      JSON_NUMBER,
        JSON_STRING,       JSON_END_ARRAY, JSON_KEY,         JSON_BEGIN_OBJECT, JSON_END_OBJECT,
        JSON_KEY,          JSON_TRUE,      JSON_END_OBJECT,  JSON_END,
    };
    static const char *const texts[] = {NULL,       "a\n", NULL, "1", "-2.50", "x",  NULL,
                                        "\xC3\xA9", NULL,  NULL, "t", NULL,    NULL, NULL};
    static const size_t places[] = {0, 1, 8, 9, 12, 19, 22, 25, 31, 32, 35, 40, 44, 45};
    json_reader r;
    json_reader_init(&r, text, sizeof text - 1);
    bool same = true;
    for (size_t i = 0; i < LENGTH(tokens); i++) {
        same = same && json_next(&r) == tokens[i] && r.token_at == places[i];
        if (texts[i])
            same =
                same && r.text_len == strlen(texts[i]) && memcmp(r.text, texts[i], r.text_len) == 0;
        ok(same, "token %zu", i);
    }
    json_reader_free(&r);
}

static void test_integers(void) {
    static const struct {
        const char *text;
        enum json_token token;
        int64_t value;
    } cases[] = {
        {"0", JSON_INTEGER, 0},
        {"-1", JSON_INTEGER, -1},
        {"9007199254740993", JSON_INTEGER, INT64_C(9007199254740993)},
        {"9223372036854775807", JSON_INTEGER, INT64_MAX},
        {"-9223372036854775808", JSON_INTEGER, INT64_MIN},
        {"9223372036854775808", JSON_NUMBER, 0},
        {"-9223372036854775809", JSON_NUMBER, 0},
        {"18446744073709551616", JSON_NUMBER, 0},
        {"10000000000000000000", JSON_NUMBER, 0},
        {"-0", JSON_NUMBER, 0},
        {"1.0", JSON_NUMBER, 0},
    };
    json_reader r;
    json_reader_init(&r, "", 0);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        json_reader_reset(&r, cases[i].text, strlen(cases[i].text));
        bool token = json_next(&r) == cases[i].token;
        ok(token && (cases[i].token != JSON_INTEGER || r.integer == cases[i].value), "integer %s",
           cases[i].text);
    }
    json_reader_free(&r);
}

/* --- strings --- */

static void test_strings(void) {
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"a/b", "\"a/b\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01\x0B\x1F\x7F", "\"\\u0001\\u000b\\u001f\x7F\""},
        {"0123456789abcdef\"", "\"0123456789abcdef\\\"\""},
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {"a\xED\xA0\x80z", "\"a\\ud800z\""},
        {"\xED\xBF\xBF", "\"\\udfff\""},
    };
    buf out = {0};
    json_error error;
    json_reader r;
    json_reader_init(&r, "", 0);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        buf_clear(&out);
        bool wrote = json_write_string(&out, cases[i][0], strlen(cases[i][0]), &error);
        size_t len = out.len;
        ok(wrote && len == strlen(cases[i][1]) && memcmp(out.data, cases[i][1], len) == 0,
           "string %zu", i);
        json_reader_reset(&r, out.data, out.len);
        ok(json_next(&r) == JSON_STRING && r.text_len == strlen(cases[i][0]) &&
               memcmp(r.text, cases[i][0], r.text_len) == 0,
           "and back");
    }
    buf_clear(&out);
    ok(buf_append_str(&out, "kept") &&
           !json_write_string(&out, "0123456789abcdefg\xC3", 18, &error),
       "invalid UTF-8 is not written");
    ok(error.at == 17 && out.len == 4, "its place is known, the output as before");
    is_str(error.message, "invalid UTF-8", "and the reason");
    ok(json_write_string(&out, "\0", 1, &error) && memcmp(out.data + 4, "\"\\u0000\"", 8) == 0,
       "a NUL is escaped");
    json_reader_free(&r);
    buf_free(&out);
}

static void test_utf8(void) {
    size_t valid = 0, codes = 0;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        char bytes[4];
        size_t n = utf8_encode(bytes, code);
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        size_t expected = surrogate ? 0 : n;
        valid += utf8_sequence(bytes, bytes + n) == expected && utf8_decode(bytes, n) == code &&
                 utf8_surrogate(bytes, bytes + n) == surrogate;
        codes++;
    }
    ok(valid == codes, "every code point there and back (%zu of %zu)", valid, codes);
    size_t sequences = 0; /* of all one to three bytes, just the shortest forms are valid */
    for (uint32_t i = 0; i < 0x1000000; i++) {
        char bytes[3] = {(char)(i >> 16), (char)(i >> 8), (char)i};
        sequences += utf8_sequence(bytes, bytes + 3) == 3;
    }
    is_int((int64_t)sequences, 0x10000 - 0x800 - 0x800, "so many sequences of three bytes");
    is_int((int64_t)utf8_valid_prefix("ab\xC3\xA9\xFFz", 6), 4, "valid prefix");
    is_int((int64_t)utf8_valid_prefix("ab", 2), 2, "all valid");
}

static void test_order(void) {
    /* RFC 8785, section 3.2.3: sorted by UTF-16 code units. */
    static const char *const keys[] = {
        "",
        "\r",
        "1",
        "10",
        "2",
        "a",
        "a\xED\xA0\xBD",
        "aa",
        "\xC2\x80",
        "\xC3\xB6",
        "\xE2\x82\xAC",
        "\xF0\x9F\x98\x80",
        "\xF0\x9F\x98\x82",
        "\xEF\xAC\xB3",
    };
    bool sorted = true;
    for (size_t i = 0; i < LENGTH(keys); i++) {
        for (size_t j = 0; j < LENGTH(keys); j++) {
            int order = json_compare_utf16(keys[i], strlen(keys[i]), keys[j], strlen(keys[j]));
            int wanted = (i > j) - (i < j);
            if (i == 6 || j == 6) wanted = order; /* a lone surrogate: checked below */
            sorted = sorted && (order > 0) - (order < 0) == wanted;
        }
    }
    ok(sorted, "keys sort by UTF-16 code units");
    ok(json_compare_utf16("\xED\xA0\xBD", 3, "\xF0\x9F\x98\x80", 4) < 0,
       "half a pair sorts before the pair");
    ok(json_compare_utf16("\xED\xA0\xBE", 3, "\xF0\x9F\x98\x80", 4) > 0, "a later half behind it");
}

int main(void) {
    test_grammar();
    test_truncation();
    test_depth();
    test_tokens();
    test_integers();
    test_strings();
    test_utf8();
    test_order();
    return done_testing();
}
