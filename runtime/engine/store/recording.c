#include "engine/store/recording.h"

#include <string.h>

#include "base/json_scan.h"
#include "engine/digest.h"

/* ---- compact JSON ---- */

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

/* Where the first white space between the tokens of valid JSON is; its end when there is none. */
static const char *find_space(const char *p, const char *end) {
    while (p < end && !is_space(*p)) p = *p == '"' ? skip_string(p, end) : p + 1;
    return p;
}

static bool append_compact(buf *out, const char *text, size_t len) {
    const char *end = text + len;
    for (const char *p = text; p < end;) {
        const char *space = find_space(p, end);
        if (!buf_append(out, p, (size_t)(space - p))) return false;
        for (p = space; p < end && is_space(*p);) p++;
    }
    return true;
}

static bool is_json(json_reader *reader, const char *text, size_t len) {
    json_reader_reset(reader, text, len);
    enum json_token token;
    while ((token = json_next(reader)) != JSON_END)
        if (token == JSON_ERROR) return false;
    return true;
}

/* ---- writing ---- */

enum recording_end store_recording_write(buf *out, json_reader *reader,
                                         const store_record *record) {
    char hex[DIGEST_HEX_SIZE];
    size_t before = out->len;
    if (!is_json(reader, record->request, record->request_len) ||
        !is_json(reader, record->wire, record->wire_len) ||
        !is_json(reader, record->completion, record->completion_len))
        return RECORDING_NO_JSON;
    digest_hex(record->key, hex);
    bool well = buf_printf(out, "{\"key\":\"%s\",\"request\":", hex) &&
                append_compact(out, record->request, record->request_len) &&
                buf_append_str(out, ",\"wire\":") &&
                append_compact(out, record->wire, record->wire_len) &&
                buf_append_str(out, ",\"completion\":") &&
                append_compact(out, record->completion, record->completion_len) &&
                buf_printf(out, ",\"created\":%lld}\n", (long long)record->created_ms);
    if (well) return RECORDING_DONE;
    out->len = before;
    return RECORDING_NO_MEMORY;
}

/* ---- reading ---- */

typedef struct slice {
    const char *data; /* NULL: not there */
    size_t len;
} slice;

/* Reads a value to its end, which is an object without white space; nothing in *out when not. */
static bool read_object(json_reader *r, const char *line, slice *out) {
    if (json_next(r) != JSON_BEGIN_OBJECT) return false;
    size_t start = r->token_at;
    for (size_t depth = 1; depth > 0;) {
        switch (json_next(r)) {
        case JSON_BEGIN_OBJECT:
        case JSON_BEGIN_ARRAY: depth++; break;
        case JSON_END_OBJECT:
        case JSON_END_ARRAY: depth--; break;
        case JSON_ERROR:
        case JSON_END: return false;
        default: break;
        }
    }
    *out = (slice){line + start, json_reader_offset(r) - start};
    return find_space(out->data, out->data + out->len) == out->data + out->len;
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
            well = !request.data && read_object(r, line, &request);
        } else if (is_key(r, "wire")) {
            well = !wire.data && read_object(r, line, &wire);
        } else if (is_key(r, "completion")) {
            well = !completion.data && read_object(r, line, &completion);
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
