#include "engine/store/members.h"

#include <stdbool.h>
#include <string.h>

/* Reads a value to its end. False when it is no JSON. */
static bool pass_value(json_reader *r) {
    size_t depth = 0;
    do {
        switch (json_next(r)) {
        case JSON_BEGIN_OBJECT:
        case JSON_BEGIN_ARRAY: depth++; break;
        case JSON_END_OBJECT:
        case JSON_END_ARRAY: depth--; break;
        case JSON_ERROR:
        case JSON_END: return false;
        default: break;
        }
    } while (depth > 0);
    return true;
}

int members_read(json_reader *r, const char *text, size_t len, member list[MEMBERS_MOST]) {
    int count = 0;
    json_reader_reset(r, text, len);
    if (json_next(r) != JSON_BEGIN_OBJECT) return -1;
    enum json_token token;
    while ((token = json_next(r)) == JSON_KEY) {
        bool plain = r->text >= text && r->text < text + len;
        member m = {.name = r->text, .name_len = r->text_len};
        size_t start = json_reader_offset(r);
        if (!pass_value(r)) return -1;
        m.value = text + start;
        m.value_len = json_reader_offset(r) - start;
        if (plain && count < MEMBERS_MOST) list[count++] = m;
    }
    return token == JSON_END_OBJECT ? count : -1;
}

const member *members_find(const member *list, int count, const char *name, size_t len) {
    for (int i = 0; i < count; i++)
        if (list[i].name_len == len && memcmp(list[i].name, name, len) == 0) return &list[i];
    return NULL;
}
