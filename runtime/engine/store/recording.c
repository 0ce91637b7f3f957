#include "engine/store/recording.h"

#include <string.h>

#include "base/json_scan.h"
#include "engine/digest.h"

/* ---- compact JSON ---- */

/* Whether nothing but a comma stands between the token that was read before and this one, and
 * nothing else around a key's colon: no white space. */
static bool is_close(const json_reader *r, const char *text, size_t before, bool key) {
    size_t gap = r->token_at - before, after = json_reader_offset(r);
    if (gap > 1 || (gap == 1 && text[before] != ',')) return false;
    return !key || (text[after - 1] == ':' && text[after - 2] == '"');
}

/* Reads a value, whose first token is read next, to its end. False when it is no JSON. `*compact`
 * becomes false when there is white space in it. */
static bool read_value(json_reader *r, const char *text, bool *compact) {
    size_t depth = 0, before = json_reader_offset(r);
    do {
        enum json_token token = json_next(r);
        if (token == JSON_ERROR || token == JSON_END) return false;
        if (!is_close(r, text, before, token == JSON_KEY)) *compact = false;
        before = json_reader_offset(r);
        if (token == JSON_BEGIN_OBJECT || token == JSON_BEGIN_ARRAY) depth++;
        if (token == JSON_END_OBJECT || token == JSON_END_ARRAY) depth--;
    } while (depth > 0);
    return true;
}

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Behind the string of valid JSON that begins at p. */
static const char *skip_string(const char *p, const char *end) {
    for (p++; p < end; p++) {
        p = json_scan_plain(p, end);
        if (p < end && *p == '"') return p + 1;
        if (p < end && *p == '\\') p++;
    }
    return end;
}

/* Appends valid JSON without the white space between its tokens. */
static bool append_without_space(buf *out, const char *text, size_t len) {
    const char *end = text + len;
    for (const char *p = text; p < end;) {
        const char *from = p;
        while (p < end && !is_space(*p)) p = *p == '"' ? skip_string(p, end) : p + 1;
        if (!buf_append(out, from, (size_t)(p - from))) return false;
        while (p < end && is_space(*p)) p++;
    }
    return true;
}

/* Appends a text, compact. */
static enum recording_end append(buf *out, json_reader *r, const char *text, size_t len) {
    bool compact = true;
    json_reader_reset(r, text, len);
    if (!read_value(r, text, &compact) || json_next(r) != JSON_END) return RECORDING_NO_JSON;
    compact = compact && json_reader_offset(r) == len;
    bool well = compact ? buf_append(out, text, len) : append_without_space(out, text, len);
    return well ? RECORDING_DONE : RECORDING_NO_MEMORY;
}

/* ---- writing ---- */

enum recording_end store_recording_write(buf *out, json_reader *r, const store_record *record) {
    const struct {
        const char *lead, *text;
        size_t len;
    } parts[] = {{"\",\"request\":", record->request, record->request_len},
                 {",\"wire\":", record->wire, record->wire_len},
                 {",\"completion\":", record->completion, record->completion_len}};
    char hex[DIGEST_HEX_SIZE];
    size_t before = out->len;
    digest_hex(record->key, hex);
    bool room = buf_append_str(out, "{\"key\":\"") && buf_append_str(out, hex);
    enum recording_end end = RECORDING_DONE;
    for (size_t i = 0; i < 3 && room && end == RECORDING_DONE; i++) {
        room = buf_append_str(out, parts[i].lead);
        if (room) end = append(out, r, parts[i].text, parts[i].len);
    }
    room = room && buf_printf(out, ",\"created\":%lld}\n", (long long)record->created_ms);
    if (room && end == RECORDING_DONE) return end;
    out->len = before;
    return end == RECORDING_NO_JSON ? end : RECORDING_NO_MEMORY;
}

/* ---- reading ---- */

typedef struct slice {
    const char *data; /* NULL: not there */
    size_t len;
} slice;

/* Reads an object without white space; nothing in *out when it is none. */
static bool read_object(json_reader *r, const char *line, size_t len, slice *out) {
    size_t start = json_reader_offset(r);
    bool compact = true;
    if (start == len || line[start] != '{' || !read_value(r, line, &compact) || !compact)
        return false;
    *out = (slice){line + start, json_reader_offset(r) - start};
    return true;
}

static bool read_key(json_reader *r, unsigned char key[STORE_KEY]) {
    char hex[DIGEST_HEX_SIZE];
    if (json_next(r) != JSON_STRING || r->text_len != sizeof hex - 1) return false;
    memcpy(hex, r->text, sizeof hex - 1);
    hex[sizeof hex - 1] = '\0';
    return digest_from_hex(hex, key);
}

static bool is_key(const json_reader *r, const char *name) {
    return r->text_len == strlen(name) && memcmp(r->text, name, r->text_len) == 0;
}

bool store_recording_read(json_reader *r, const char *line, size_t len,
                          unsigned char key[STORE_KEY], store_record *record) {
    slice request = {0}, wire = {0}, completion = {0};
    bool keyed = false, dated = false;
    if (len == 0) return false;
    json_reader_reset(r, line, len);
    if (json_next(r) != JSON_BEGIN_OBJECT) return false;
    enum json_token token;
    while ((token = json_next(r)) == JSON_KEY) {
        bool well = false;
        if (is_key(r, "key")) {
            well = !keyed && read_key(r, key);
            keyed = true;
        } else if (is_key(r, "created")) {
            well = !dated && json_next(r) == JSON_INTEGER;
            record->created_ms = r->integer;
            dated = true;
        } else if (is_key(r, "request")) {
            well = !request.data && read_object(r, line, len, &request);
        } else if (is_key(r, "wire")) {
            well = !wire.data && read_object(r, line, len, &wire);
        } else if (is_key(r, "completion")) {
            well = !completion.data && read_object(r, line, len, &completion);
        }
        if (!well) return false;
    }
    if (token != JSON_END_OBJECT || json_next(r) != JSON_END) return false;
    if (!keyed || !dated || !request.data || !wire.data || !completion.data) return false;
    unsigned char actual[DIGEST_SIZE];
    digest_sha256(request.data, request.len, actual);
    if (memcmp(actual, key, sizeof actual) != 0) return false;
    record->key = key;
    record->request = request.data, record->request_len = request.len;
    record->wire = wire.data, record->wire_len = wire.len;
    record->completion = completion.data, record->completion_len = completion.len;
    return true;
}
