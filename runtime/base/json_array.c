#include "base/json_array.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum state {
    BEFORE,  /* the array's bracket */
    FIRST,   /* behind the bracket: an element or the end */
    VALUE,   /* behind a comma: an element */
    NESTED,  /* in an object or array, outside of strings */
    STRING,  /* in a string, at any depth */
    ESCAPED, /* behind a backslash in a string */
    SCALAR,  /* in a number or a word */
    AFTER,   /* behind an element: a comma or the end */
    BARE,    /* where no array is: before an object or the end */
    DONE     /* behind the array */
};

void json_array_init(json_array *a, bool bare) {
    *a = (json_array){.state = bare ? BARE : BEFORE, .bare = bare};
}

static enum json_array_status fail(json_array *a, const char *error, size_t at) {
    a->error = error;
    a->error_at = at;
    return JSON_ARRAY_ERROR;
}

static inline bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The first quote, backslash or line feed from p on; `end` when there is none. A string of JSON
 * holds no line feed: one that seems to has lost its quote. */
static const char *scan_string(const char *p, const char *end) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i lf = _mm_set1_epi8('\n');
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        int mask = _mm_movemask_epi8(_mm_or_si128(hit, _mm_cmpeq_epi8(bytes, lf)));
        if (mask) return p + __builtin_ctz((unsigned)mask);
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && *p != '\n') p++;
    return p;
}

/* The next byte that matters to nesting; `end` when there is none. */
static const char *scan_nested(const char *p, const char *end) {
    while (p < end && *p != '"' && *p != '{' && *p != '}' && *p != '[' && *p != ']') p++;
    return p;
}

/* The element ends at `end`. */
static enum json_array_status end_element(json_array *a, size_t end) {
    a->len = end - a->at;
    a->used = end;
    a->scanned = 0;
    a->state = a->bare ? BARE : AFTER;
    return JSON_ARRAY_ELEMENT;
}

/* Begins the element whose first byte, c, stands at `at`. */
static void begin_element(json_array *a, char c, size_t at) {
    a->at = at;
    a->depth = c == '{' || c == '[';
    a->state = a->depth ? NESTED : c == '"' ? STRING : SCALAR;
}

/* The text ended where more was needed. */
static enum json_array_status fail_end(json_array *a, size_t len) {
    switch (a->state) {
    case BEFORE: return fail(a, "expected '[', found nothing", len);
    case STRING:
    case ESCAPED: return fail(a, "the text ends inside a string", len);
    case NESTED:
        return fail(a,
                    a->bare ? "the text ends inside an object"
                            : "the text ends inside an element of the array",
                    len);
    default: return fail(a, "the text ends before the array's ']'", len);
    }
}

/* Takes the byte c, no white space, between elements. */
static bool between(json_array *a, char c, size_t at) {
    switch (a->state) {
    case BEFORE:
        if (c != '[') return fail(a, "expected '['", at), false;
        a->state = FIRST;
        return true;
    case FIRST:
    case VALUE:
        if (c == ']' && a->state == FIRST)
            a->state = DONE;
        else if (strchr(",:]}", c))
            return fail(a, "expected an element of the array", at), false;
        else
            begin_element(a, c, at);
        return true;
    case BARE:
        if (c != '{') return fail(a, "expected an object, {...}, behind an object", at), false;
        begin_element(a, c, at);
        return true;
    case AFTER:
        if (c != ',' && c != ']')
            return fail(a, "expected ',' or ']' behind an element of the array", at), false;
        a->state = c == ',' ? VALUE : DONE;
        return true;
    default: return fail(a, "expected nothing behind the array's ']'", at), false;
    }
}

enum json_array_status json_array_next(json_array *a, const char *text, size_t len, bool last) {
    const char *p = text + a->scanned, *end = text + len;
    if (a->error) return JSON_ARRAY_ERROR;
    while (p < end) {
        size_t at = (size_t)(p - text);
        switch (a->state) {
        case STRING:
            p = scan_string(p, end);
            if (p == end) break;
            if (*p == '\n')
                return fail(a, "a line end inside a string: its closing quote is missing",
                            (size_t)(p - text));
            a->state = *p == '\\' ? ESCAPED : NESTED;
            p++;
            if (a->state == NESTED && a->depth == 0) return end_element(a, (size_t)(p - text));
            break;
        case ESCAPED:
            p++;
            a->state = STRING;
            break;
        case NESTED:
            p = scan_nested(p, end);
            if (p == end) break;
            if (*p == '"')
                a->state = STRING;
            else if (*p == '{' || *p == '[')
                a->depth++;
            else
                a->depth--;
            p++;
            if (a->depth == 0) return end_element(a, (size_t)(p - text));
            break;
        case SCALAR:
            if (is_space(*p) || *p == ',' || *p == ']') return end_element(a, at);
            p++;
            break;
        default:
            if (!is_space(*p) && !between(a, *p, at)) return JSON_ARRAY_ERROR;
            p++;
        }
    }
    a->scanned = len;
    if (!last) return JSON_ARRAY_MORE;
    a->used = len;
    return a->state == DONE || a->state == BARE ? JSON_ARRAY_END : fail_end(a, len);
}
