#include "engine/store/likeness.h"

#include <stdbool.h>
#include <string.h>

/* A request has eight members at most. */
enum { MEMBERS_MOST = 16 };

typedef struct member {
    const char *name, *value;
    size_t name_len, value_len;
} member;

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

/* The members of an object; -1 when it is none. Names with escapes, which no request has, are left
 * out, and so is what is too much. */
static int read_members(json_reader *r, const char *text, size_t len, member list[MEMBERS_MOST]) {
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

static const member *find(const member *list, int count, const char *name, size_t len) {
    for (int i = 0; i < count; i++)
        if (list[i].name_len == len && memcmp(list[i].name, name, len) == 0) return &list[i];
    return NULL;
}

/* The part of the longer one's bytes that both have in common at their begins, and then ends. */
static double common_part(const member *a, const member *b) {
    size_t least = a->value_len < b->value_len ? a->value_len : b->value_len;
    size_t most = a->value_len < b->value_len ? b->value_len : a->value_len;
    const char *a_end = a->value + a->value_len, *b_end = b->value + b->value_len;
    size_t begin = 0, end = 0;
    while (begin < least && a->value[begin] == b->value[begin]) begin++;
    while (end < least - begin && a_end[-1 - (ptrdiff_t)end] == b_end[-1 - (ptrdiff_t)end]) end++;
    return most ? (double)(begin + end) / (double)most : 1;
}

static bool is_equal(const member *a, const member *b) {
    return a->value_len == b->value_len && memcmp(a->value, b->value, a->value_len) == 0;
}

double store_likeness(json_reader *reader, const char *a, size_t a_len, const char *b, size_t b_len,
                      const char *content, double weight) {
    member of_a[MEMBERS_MOST], of_b[MEMBERS_MOST];
    int a_count = read_members(reader, a, a_len, of_a);
    int b_count = read_members(reader, b, b_len, of_b);
    if (a_count < 0 || b_count < 0) return -1;
    if (!find(of_a, a_count, content, strlen(content))) return -1;
    if (!find(of_b, b_count, content, strlen(content))) return -1;
    double likeness = 0;
    for (int i = 0; i < a_count; i++) {
        const member *m = &of_a[i], *other = find(of_b, b_count, m->name, m->name_len);
        bool is_content =
            m->name_len == strlen(content) && memcmp(m->name, content, m->name_len) == 0;
        if (other && is_content)
            likeness += weight * common_part(m, other);
        else if (other && is_equal(m, other))
            likeness += 1;
    }
    return likeness;
}
