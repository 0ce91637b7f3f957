#include "engine/store/likeness.h"

#include <stdbool.h>
#include <string.h>

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

double store_likeness(const member *a, int a_count, const member *b, int b_count,
                      const char *content, double weight) {
    size_t content_len = strlen(content);
    if (!members_find(a, a_count, content, content_len)) return -1;
    if (!members_find(b, b_count, content, content_len)) return -1;
    double likeness = 0;
    for (int i = 0; i < a_count; i++) {
        const member *m = &a[i], *other = members_find(b, b_count, m->name, m->name_len);
        bool is_content = m->name_len == content_len && memcmp(m->name, content, m->name_len) == 0;
        if (other && is_content)
            likeness += weight * common_part(m, other);
        else if (other && is_equal(m, other))
            likeness += 1;
    }
    return likeness;
}
