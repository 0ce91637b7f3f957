/* Any lines of JSON as a table: each column has a type whose parentheses and quotes close, and is
 * of no one type only where two kinds of values say so. */
#include <stdlib.h>
#include <string.h>

#include "base/columns.h"
#include "base/json.h"

static void check(int truth) {
    if (!truth) abort();
}

static bool is_object(const char *text, size_t len) {
    json_reader r;
    json_reader_init(&r, text, len);
    enum json_token token = json_next(&r);
    bool object = token == JSON_BEGIN_OBJECT;
    while (token != JSON_END && token != JSON_ERROR) token = json_next(&r);
    json_reader_free(&r);
    return object && token == JSON_END;
}

static void check_type(const buf *type) {
    long open = 0;
    bool quoted = false;
    check(type->len > 0);
    for (size_t i = 0; i < type->len; i++) {
        if (type->data[i] == '"') quoted = !quoted;
        if (quoted) continue;
        open += (type->data[i] == '(') - (type->data[i] == ')');
        check(open >= 0);
    }
    check(open == 0 && !quoted);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    columns *c = columns_new();
    const char *text = (const char *)data;
    uint64_t rows = 0;
    check(c != NULL);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t len = (end ? (size_t)(end - text) : size) - at;
        if (is_object(text + at, len)) {
            enum columns_status status = columns_take(c, text + at, len);
            check(status != COLUMNS_NO_MEMORY);
            if (status == COLUMNS_TAKEN) rows++;
        }
        at += len + 1;
    }
    for (size_t i = 0; i < columns_count(c); i++) {
        buf type = {0};
        size_t len;
        columns_clash clash;
        check(columns_name(c, i, &len) != NULL);
        check(columns_type(c, i, &type));
        check_type(&type);
        bool json = type.len == 4 && memcmp(type.data, "JSON", 4) == 0;
        check(columns_clashes(c, i, &clash) == json);
        if (json) check(clash.first && clash.second && clash.first_row <= clash.second_row);
        buf_free(&type);
    }
    check(columns_count(c) == 0 || columns_longest(c) > 0 || rows == 0);
    columns_free(c);
    return 0;
}
