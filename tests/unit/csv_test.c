/* Records of CSV in every framing, whole and in pieces of each size; faults and where they lie;
 * elements of a JSON array the same way; positions; replaced UTF-8. */
#include "base/csv.h"

#include <stdlib.h>

#include "base/json_array.h"
#include "base/position.h"
#include "base/utf8.h"
#include "tap.h"

/* Reads the text in pieces of `step` bytes and writes what was read: each record's fields in angle
 * brackets, a bar behind each record, "!" and the place of an error. Each piece is at an address of
 * its own, so that reading outside of it is found. */
static void show_csv(const char *text, size_t len, char delimiter, size_t step, buf *out) {
    csv_reader r;
    csv_init(&r, delimiter);
    size_t from = 0, known = 0;
    for (;;) {
        char *piece = malloc(known - from + 1);
        memcpy(piece, text + from, known - from);
        enum csv_status status = csv_next(&r, piece, known - from, known == len);
        for (size_t i = 0; status == CSV_RECORD && i < r.count; i++) {
            const csv_field *f = &csv_fields(&r)[i];
            buf_append_char(out, '<');
            if (f->doubled)
                csv_unquote(out, piece + f->at, f->len);
            else
                buf_append(out, piece + f->at, f->len);
            buf_append_char(out, '>');
        }
        free(piece);
        if (status == CSV_RECORD) buf_append_char(out, '|');
        if (status == CSV_RECORD || status == CSV_BLANK) from += r.used;
        if (status == CSV_ERROR) buf_printf(out, "!%zu", from + r.error_at);
        if (status == CSV_ERROR || status == CSV_END) break;
        if (status == CSV_MORE) known = known + step < len ? known + step : len;
    }
    buf_append_char(out, '\0');
    csv_free(&r);
}

static void csv_is(const char *text, char delimiter, const char *wanted, const char *name) {
    size_t len = strlen(text), wrong = 0;
    for (size_t step = 1; step <= len + 1; step++) {
        buf out = {0};
        show_csv(text, len, delimiter, step, &out);
        if (strcmp(out.data, wanted) != 0 && !wrong++)
            is_str(out.data, wanted, "what was read differs");
        buf_free(&out);
    }
    ok(wrong == 0, "%s, in pieces of every size", name);
}

static void tables(void) {
    csv_is("a,b\n1,2\n", ',', "<a><b>|<1><2>|", "LF");
    csv_is("a,b\r\n1,2\r\n", ',', "<a><b>|<1><2>|", "CRLF");
    csv_is("a,b\r1,2\r", ',', "<a><b>|<1><2>|", "CR");
    csv_is("a,b\n1,2", ',', "<a><b>|<1><2>|", "no line end at the end");
    csv_is("a\tb,c\n", '\t', "<a><b,c>|", "tabs");
    csv_is("", ',', "", "nothing");
    csv_is("\n\r\n\r\n\na\n\n", ',', "<a>|", "empty lines");
    csv_is(",\n,,\n", ',', "<><>|<><><>|", "empty fields");
    csv_is("\"\"\n\"\",\"\"", ',', "<>|<><>|", "empty quoted fields");
    csv_is("\"a,b\",\"c\nd\",\"e\r\nf\"\r\n", ',', "<a,b><c\nd><e\r\nf>|", "delimiters in quotes");
    csv_is("\"a \"\"b\"\" c\",\"\"\"\",\"\"\"\"\"\"\n", ',', "<a \"b\" c><\"><\"\">|",
           "doubled quotes");
    csv_is("a\"b,c\"\"d, \"e\"\n", ',', "<a\"b><c\"\"d>< \"e\">|", "quotes in plain fields");
    csv_is("a, b ,c\n", ',', "<a>< b ><c>|", "spaces stay");
    csv_is("\xEF\xBB\xBFx,\xC3\xA9\n", ',', "<\xEF\xBB\xBFx><\xC3\xA9>|", "bytes stay");
    csv_is("a\n1,\"2\n3,4\n", ',', "<a>|!4", "a quote that is never closed");
    csv_is("a\n\"1\"2,3\n", ',', "<a>|!5", "text behind a closing quote");
    csv_is("\"", ',', "!0", "a quote alone");
    csv_is("a,\"b\" ,c\n", ',', "!5", "a space behind a closing quote");
}

/* The same for the elements of an array. */
static void show_array(const char *text, size_t len, size_t step, buf *out) {
    json_array a;
    json_array_init(&a, false);
    size_t from = 0, known = 0;
    for (;;) {
        char *piece = malloc(known - from + 1);
        memcpy(piece, text + from, known - from);
        enum json_array_status status = json_array_next(&a, piece, known - from, known == len);
        if (status == JSON_ARRAY_ELEMENT) {
            buf_append(out, piece + a.at, a.len);
            buf_append_char(out, '|');
            from += a.used;
        }
        free(piece);
        if (status == JSON_ARRAY_ERROR) buf_printf(out, "!%zu", from + a.error_at);
        if (status == JSON_ARRAY_ERROR || status == JSON_ARRAY_END) break;
        if (status == JSON_ARRAY_MORE) known = known + step < len ? known + step : len;
    }
    buf_append_char(out, '\0');
}

static void array_is(const char *text, const char *wanted, const char *name) {
    size_t len = strlen(text), wrong = 0;
    for (size_t step = 1; step <= len + 1; step++) {
        buf out = {0};
        show_array(text, len, step, &out);
        if (strcmp(out.data, wanted) != 0 && !wrong++)
            is_str(out.data, wanted, "what was cut differs");
        buf_free(&out);
    }
    ok(wrong == 0, "%s, in pieces of every size", name);
}

static void arrays(void) {
    array_is("[]", "", "an empty array");
    array_is(" [\n] \n", "", "an empty array with space");
    array_is("[{},{\"a\":[1,{}]}]", "{}|{\"a\":[1,{}]}|", "objects");
    array_is(" [ {\"a\": 1}\n ,\n {\"b\": 2} ] ", "{\"a\": 1}|{\"b\": 2}|", "objects with space");
    array_is("[1,\"a\",null ,[],true]", "1|\"a\"|null|[]|true|", "all sorts of elements");
    array_is("[{\"}]\\\"\\\\\":\"[{\"},\"]\"]", "{\"}]\\\"\\\\\":\"[{\"}|\"]\"|",
             "brackets in strings");
    array_is("{}", "!0", "no array");
    array_is("", "!0", "nothing");
    array_is("[{}", "{}|!3", "not closed");
    array_is("[{},", "{}|!4", "nothing behind a comma");
    array_is("[{},]", "{}|!4", "a comma too many");
    array_is("[,{}]", "!1", "a comma at the beginning");
    array_is("[{} {}]", "{}|!4", "no comma");
    array_is("[{}] x", "{}|!5", "text behind the array");
    array_is("[{\"a\n\":1}]", "!4", "a line end in a string");
    array_is("[{\"a", "!4", "the end in a string");
}

static void places(void) {
    position p = {1, 1};
    position_move(&p, "abc", 3);
    ok(p.line == 1 && p.byte == 4, "along a line");
    position_move(&p, "d\nef\r\ng\rhi", 10);
    ok(p.line == 4 && p.byte == 3, "LF, CRLF and CR");
    position_move(&p, "\r\n\r\n", 4);
    ok(p.line == 6 && p.byte == 1, "two CRLF");
}

static void replaced_is(const char *text, const char *wanted, const char *name) {
    buf out = {0};
    ok(utf8_replace(&out, text, strlen(text)) && out.len == strlen(wanted) &&
           memcmp(out.data, wanted, out.len) == 0,
       "%s", name);
    buf_free(&out);
}

#define FFFD "\xEF\xBF\xBD"

static void replacing(void) {
    replaced_is("abcdefgh\xC3\xA9xyz", "abcdefgh\xC3\xA9xyz", "valid text stays");
    replaced_is("a\xFF"
                "b\xC0\xAF",
                "a" FFFD "b" FFFD FFFD, "bytes that begin nothing");
    replaced_is("\xE2\x82x", FFFD "x", "three bytes cut short");
    replaced_is("\xF0\x9F\x98", FFFD, "four bytes cut short");
    replaced_is("\xED\xA0\x80", FFFD FFFD FFFD, "a surrogate");
    replaced_is("\xF0\x80\x80\x80", FFFD FFFD FFFD FFFD, "an overlong form");
    /* The Unicode standard, table 3-11. */
    replaced_is("a\xF1\x80\x80\xE1\x80\xC2"
                "b\x80"
                "c\x80\xBF"
                "d",
                "a" FFFD FFFD FFFD "b" FFFD "c" FFFD FFFD "d", "the standard's example");
}

int main(void) {
    tables();
    arrays();
    places();
    replacing();
    return done_testing();
}
