/* The pull reader: one state says what may come next, one bit for each level tells objects from
 * arrays. */
#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/utf8.h"

enum expect {
    EXPECT_TEXT,           /* the value of the whole text */
    EXPECT_VALUE,          /* behind a colon or a comma */
    EXPECT_VALUE_OR_CLOSE, /* behind [ */
    EXPECT_KEY_OR_CLOSE,   /* behind { */
    EXPECT_COMMA,          /* behind a member or an element */
    EXPECT_END,
    EXPECT_NOTHING /* after an error */
};

void json_reader_init(json_reader *r, const char *text, size_t len) {
    r->scratch = (buf){0};
    r->max_depth = JSON_DEPTH;
    r->nan = JSON_NAN_ERROR;
    json_reader_reset(r, text, len);
}

void json_reader_reset(json_reader *r, const char *text, size_t len) {
    r->source = r->at = text;
    r->end = text + len;
    r->depth = 0;
    r->expect = EXPECT_TEXT;
    r->error[0] = '\0';
    r->error_at = 0;
}

void json_reader_free(json_reader *r) {
    buf_free(&r->scratch);
}

__attribute__((format(printf, 3, 4))) static enum json_token fail(json_reader *r, const char *at,
                                                                  const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(r->error, sizeof r->error, format, args);
    va_end(args);
    r->error_at = (size_t)(at - r->source);
    r->expect = EXPECT_NOTHING;
    return JSON_ERROR;
}

static bool word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Fails at `at`, saying what is there in place of what was expected. */
static enum json_token unexpected(json_reader *r, const char *at, const char *expected) {
    if (at == r->end) return fail(r, at, "expected %s, found the end of the text", expected);
    int word = 0;
    while (word < 24 && at + word < r->end && word_char(at[word])) word++;
    if (word > 1) return fail(r, at, "expected %s, found %.*s", expected, word, at);
    size_t n = utf8_sequence(at, r->end);
    if (n == 0 || (unsigned char)*at < 0x20 || *at == 0x7F)
        return fail(r, at, "expected %s, found the byte 0x%02X", expected, (unsigned char)*at);
    if (*at == '\'') return fail(r, at, "expected %s, found a single quote", expected);
    return fail(r, at, "expected %s, found '%.*s'", expected, (int)n, at);
}

static inline void skip_space(json_reader *r) {
    const char *p = r->at;
    while (p < r->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
    r->at = p;
}

static inline bool in_object(const json_reader *r) {
    size_t level = r->depth - 1;
    return r->in_object[level / 8] >> level % 8 & 1;
}

static enum json_token open_level(json_reader *r, bool object) {
    size_t most = r->max_depth < JSON_DEPTH_LIMIT ? r->max_depth : JSON_DEPTH_LIMIT;
    if (r->depth >= most) return fail(r, r->at, "nested deeper than %zu", most);
    unsigned char bit = (unsigned char)(1U << r->depth % 8);
    if (object)
        r->in_object[r->depth / 8] |= bit;
    else
        r->in_object[r->depth / 8] &= (unsigned char)~bit;
    r->depth++;
    r->at++;
    r->expect = object ? EXPECT_KEY_OR_CLOSE : EXPECT_VALUE_OR_CLOSE;
    return object ? JSON_BEGIN_OBJECT : JSON_BEGIN_ARRAY;
}

static inline void value_done(json_reader *r) {
    r->expect = r->depth > 0 ? EXPECT_COMMA : EXPECT_END;
}

static enum json_token close_level(json_reader *r) {
    enum json_token token = in_object(r) ? JSON_END_OBJECT : JSON_END_ARRAY;
    r->depth--;
    r->at++;
    value_done(r);
    return token;
}

/* Reads four hexadecimal digits at p; -1 where they are not. */
static int32_t read_hex(const char *p, const char *end) {
    if (end - p < 4) return -1;
    int32_t code = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        code = code << 4 | digit;
    }
    return code;
}

/* Decodes the \u escape at p into scratch, a surrogate pair as one character. Returns what follows,
 * or NULL after a failure. */
static const char *read_unicode(json_reader *r, const char *p) {
    int32_t code = read_hex(p + 2, r->end);
    if (code < 0) {
        fail(r, p, "expected four hexadecimal digits after \\u");
        return NULL;
    }
    const char *next = p + 6;
    if (code >= 0xD800 && code <= 0xDBFF && r->end - next >= 2 && next[0] == '\\' &&
        next[1] == 'u') {
        int32_t low = read_hex(next + 2, r->end);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            next += 6;
        }
    }
    char bytes[4];
    if (!buf_append(&r->scratch, bytes, utf8_encode(bytes, (uint32_t)code))) {
        fail(r, p, "out of memory");
        return NULL;
    }
    return next;
}

/* Decodes the escape at p (a backslash) into scratch. Returns what follows, or NULL on failure. */
static const char *read_escape(json_reader *r, const char *p) {
    if (r->end - p < 2) {
        fail(r, r->at, "a string without a closing quote");
        return NULL;
    }
    char c;
    switch (p[1]) {
    case '"':
    case '\\':
    case '/': c = p[1]; break;
    case 'b': c = '\b'; break;
    case 'f': c = '\f'; break;
    case 'n': c = '\n'; break;
    case 'r': c = '\r'; break;
    case 't': c = '\t'; break;
    case 'u': return read_unicode(r, p);
    default: unexpected(r, p + 1, "one of \"\\/bfnrtu after a backslash"); return NULL;
    }
    if (!buf_append_char(&r->scratch, c)) {
        fail(r, p, "out of memory");
        return NULL;
    }
    return p + 2;
}

/* Says why the string that starts at r->at cannot go on at p. */
static enum json_token bad_string(json_reader *r, const char *p) {
    if (p == r->end) return fail(r, r->at, "a string without a closing quote");
    unsigned char c = (unsigned char)*p;
    if (c < 0x20)
        return fail(r, p, "a control character (0x%02X) in a string: write it as \\u%04X", c, c);
    if (utf8_surrogate(p, r->end)) return fail(r, p, "invalid UTF-8: an encoded surrogate");
    return fail(r, p, "invalid UTF-8: the byte 0x%02X", c);
}

/* Reads the string whose opening quote is at r->at into text. */
static enum json_token read_string(json_reader *r, enum json_token token) {
    const char *p = r->at + 1, *end = r->end;
    const char *run = p; /* what is not yet copied, once there was an escape */
    bool escaped = false;
    for (;;) {
        p = json_scan_plain(p, end);
        if (p == end) return bad_string(r, p);
        if (*p == '"') break;
        if (*p == '\\') {
            if (!escaped) buf_clear(&r->scratch);
            escaped = true;
            if (!buf_append(&r->scratch, run, (size_t)(p - run)))
                return fail(r, p, "out of memory");
            p = read_escape(r, p);
            if (!p) return JSON_ERROR;
            run = p;
            continue;
        }
        if ((unsigned char)*p < 0x20) return bad_string(r, p);
        /* Characters that are not ASCII come in runs, where the scan would stop at each. */
        while (p < end && (unsigned char)*p >= 0x80) {
            size_t n = utf8_sequence(p, end);
            if (n == 0) return bad_string(r, p);
            p += n;
        }
    }
    if (escaped && !buf_append(&r->scratch, run, (size_t)(p - run)))
        return fail(r, p, "out of memory");
    r->text = escaped ? r->scratch.data : run;
    r->text_len = escaped ? r->scratch.len : (size_t)(p - run);
    r->at = p + 1;
    return token;
}

static enum json_token read_key(json_reader *r) {
    if (r->at == r->end || *r->at != '"') return unexpected(r, r->at, "a key in quotes");
    if (read_string(r, JSON_KEY) == JSON_ERROR) return JSON_ERROR;
    skip_space(r);
    if (r->at == r->end || *r->at != ':') return unexpected(r, r->at, "':' after a key");
    r->at++;
    r->expect = EXPECT_VALUE;
    return JSON_KEY;
}

static inline bool digit_at(const json_reader *r, const char *p) {
    return p < r->end && *p >= '0' && *p <= '9';
}

static const char *skip_digits(const json_reader *r, const char *p) {
    while (digit_at(r, p)) p++;
    return p;
}

/* Reads the whole number between p and end, of at most 19 digits, into r->integer if it fits. */
static bool read_integer(json_reader *r, const char *p, const char *end, bool negative) {
    if (end - p > 19) return false;
    uint64_t value = 0; /* 19 digits always fit */
    for (; p < end; p++) value = value * 10 + (uint64_t)(*p - '0');
    if (value > (uint64_t)INT64_MAX + negative) return false;
    if (negative && value == 0) return false; /* -0 is a double */
    r->integer = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static enum json_token read_number(json_reader *r) {
    const char *p = r->at;
    bool negative = *p == '-';
    if (negative) p++;
    const char *digits = p;
    if (!digit_at(r, p)) return unexpected(r, p, "a digit after '-'");
    p = skip_digits(r, p);
    if (*digits == '0' && p - digits > 1) return fail(r, digits, "a number with a leading zero");
    const char *whole = p;
    if (p < r->end && *p == '.') {
        if (!digit_at(r, ++p)) return unexpected(r, p, "a digit after the decimal point");
        p = skip_digits(r, p);
    }
    if (p < r->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < r->end && (*p == '+' || *p == '-')) p++;
        if (!digit_at(r, p)) return unexpected(r, p, "a digit in the exponent");
        p = skip_digits(r, p);
    }
    r->text = r->at;
    r->text_len = (size_t)(p - r->at);
    r->at = p;
    value_done(r);
    return p == whole && read_integer(r, digits, whole, negative) ? JSON_INTEGER : JSON_NUMBER;
}

static enum json_token read_word(json_reader *r, const char *word, enum json_token token) {
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return unexpected(r, r->at, "a value");
    r->at += len;
    value_done(r);
    return token;
}

/* NaN or an infinity at r->at; JSON_END when there is none. */
static enum json_token read_nan(json_reader *r) {
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    for (int i = 0; i < 3; i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(r->end - r->at) < len || memcmp(r->at, words[i], len) != 0) continue;
        if (r->nan == JSON_NAN_ERROR)
            return fail(r, r->at, "expected a value, found %s, which JSON has no form for", words[i]);
        r->text = r->at;
        r->text_len = len;
        r->at += len;
        value_done(r);
        return r->nan == JSON_NAN_NULL ? JSON_NULL : JSON_STRING;
    }
    return JSON_END;
}

static enum json_token read_value(json_reader *r) {
    if (r->at == r->end) return unexpected(r, r->at, "a value");
    switch (*r->at) {
    case '"': value_done(r); return read_string(r, JSON_STRING);
    case '{': return open_level(r, true);
    case '[': return open_level(r, false);
    case 't': return read_word(r, "true", JSON_TRUE);
    case 'f': return read_word(r, "false", JSON_FALSE);
    case 'n': return read_word(r, "null", JSON_NULL);
    case 'N':
    case 'I': {
        enum json_token token = read_nan(r);
        return token != JSON_END ? token : unexpected(r, r->at, "a value");
    }
    case '-':
        if (r->end - r->at > 1 && r->at[1] == 'I') {
            enum json_token token = read_nan(r);
            if (token != JSON_END) return token;
        }
        return read_number(r);
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': return read_number(r);
    default: return unexpected(r, r->at, "a value");
    }
}

/* Reads what follows a member or an element: a comma and the next one, or the end of the level. */
static enum json_token read_next(json_reader *r) {
    bool object = in_object(r);
    if (r->at < r->end && *r->at == (object ? '}' : ']')) return close_level(r);
    if (r->at == r->end || *r->at != ',')
        return unexpected(r, r->at, object ? "',' or '}'" : "',' or ']'");
    r->at++;
    skip_space(r);
    r->token_at = (size_t)(r->at - r->source);
    return object ? read_key(r) : read_value(r);
}

enum json_token json_next(json_reader *r) {
    skip_space(r);
    r->token_at = (size_t)(r->at - r->source);
    switch (r->expect) {
    case EXPECT_TEXT:
        if (r->end - r->at >= 3 && memcmp(r->at, "\xEF\xBB\xBF", 3) == 0)
            return fail(r, r->at, "a byte order mark: JSON text starts without one");
        return read_value(r);
    case EXPECT_VALUE: return read_value(r);
    case EXPECT_VALUE_OR_CLOSE:
        return r->at < r->end && *r->at == ']' ? close_level(r) : read_value(r);
    case EXPECT_KEY_OR_CLOSE: return r->at < r->end && *r->at == '}' ? close_level(r) : read_key(r);
    case EXPECT_COMMA: return read_next(r);
    case EXPECT_END:
        return r->at == r->end ? JSON_END : unexpected(r, r->at, "nothing after the value");
    default: return JSON_ERROR;
    }
}
