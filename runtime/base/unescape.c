#include "base/unescape.h"

#include <stdbool.h>
#include <string.h>

static int hex_of(unsigned char c) {
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* The number of `digits` hexadecimal digits at p, -1 when there are others, -2 when it ends
 * before them. */
static int hex_number(const char *p, const char *end, int digits) {
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (p + i == end) return -2;
        int digit = hex_of((unsigned char)p[i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* A character by its number behind `prefix` bytes; the first byte stands for itself when it is
 * none. */
static unit numbered(const char *p, const char *end, size_t prefix, int digits, bool last,
                     int otherwise) {
    int value = hex_number(p + prefix, end, digits);
    if (value == -2 && !last) return (unit){0, -1};
    if (value < 0) return (unit){1, otherwise};
    return (unit){prefix + (size_t)digits, value < 256 ? value : '\0'};
}

/* \/ \\ \" \u002b \x2b \n; however often the text was put into a string. */
static unit escaped(const char *p, const char *end, bool last) {
    if (p + 1 == end) return (unit){last, -1};
    switch (p[1]) {
    case 'u': return numbered(p, end, 2, 4, last, -1);
    case 'x': return numbered(p, end, 2, 2, last, -1);
    case 'n':
    case 'r':
    case 't': return (unit){2, -1};
    default: return (unit){1, -1};
    }
}

/* %2B, and %252B of what was escaped twice. */
static unit in_url(const char *p, const char *end, bool last) {
    size_t prefix = 1;
    while (prefix < 7 && end - p >= (ptrdiff_t)prefix + 2 && memcmp(p + prefix, "25", 2) == 0)
        prefix += 2;
    return numbered(p, end, prefix, 2, last, '%');
}

/* &#43; &#x2b; &plus; */
static unit in_html(const char *p, const char *end, bool last) {
    static const struct {
        const char *name;
        int c;
    } names[] = {{"amp;", '&'},    {"plus;", '+'}, {"equals;", '='}, {"sol;", '/'},
                 {"lowbar;", '_'}, {"lt;", '<'},   {"gt;", '>'},     {"quot;", '"'}};
    enum { MOST = 9 };
    size_t left = (size_t)(end - p), len = 1;
    while (len < left && len < MOST && p[len] != ';') len++;
    if (len == left && len < MOST && !last) return (unit){0, -1};
    if (len == left || p[len] != ';') return (unit){1, '&'};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(p + 1, names[i].name, len) == 0) return (unit){len + 1, names[i].c};
    if (p[1] != '#' || len < 3) return (unit){1, '&'};
    bool hex = (p[2] | 32) == 'x';
    int value = 0;
    for (size_t i = hex ? 3 : 2; i < len; i++) {
        int digit = hex_of((unsigned char)p[i]);
        if (digit < 0 || (!hex && digit > 9)) return (unit){1, '&'};
        value = value * (hex ? 16 : 10) + digit; /* of six digits at most */
    }
    return (unit){len + 1, value < 256 ? value : '\0'};
}

unit next_unit(const char *p, const char *end, bool last) {
    switch (*p) {
    case '\\': return escaped(p, end, last);
    case '%': return in_url(p, end, last);
    case '&': return in_html(p, end, last);
    case ' ':
    case '\t':
    case '\r':
    case '\n': return (unit){1, -1};
    default: return (unit){1, (unsigned char)*p};
    }
}
