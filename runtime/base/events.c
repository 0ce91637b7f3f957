#include "base/events.h"

#include <string.h>

static const char byte_order_mark[] = "\xef\xbb\xbf";
enum { MARK = sizeof byte_order_mark - 1 };

void events_give(events *e, const char *bytes, size_t len, bool ended) {
    e->bytes = bytes;
    e->len = len;
    e->at = e->after_cr && len > 0 && bytes[0] == '\n';
    if (len > 0) e->after_cr = false;
    e->lf = e->cr = 0;
    e->ended = ended;
}

void events_free(events *e) {
    buf_free(&e->line);
    buf_free(&e->name);
    buf_free(&e->text);
    *e = (events){0};
}

/* Where the next of a character is, as it was found before or is found now. */
static size_t look(const events *e, size_t known, char c) {
    if (known >= e->at && known > 0) return known;
    const char *found = memchr(e->bytes + e->at, c, e->len - e->at);
    return found ? (size_t)(found - e->bytes) : e->len;
}

typedef struct span {
    const char *text;
    size_t len;
    bool lasts; /* as long as the bytes do */
} span;

enum line { LINE, NO_LINE, LINE_NO_MEMORY };

/* The next line that is whole. */
static enum line take_line(events *e, span *line) {
    size_t from = e->at, end = e->len;
    if (from < e->len) {
        e->lf = look(e, e->lf, '\n');
        e->cr = look(e, e->cr, '\r');
        end = e->lf < e->cr ? e->lf : e->cr;
    }
    bool whole = end < e->len;
    if (!whole && !(e->ended && (e->line.len > 0 || from < e->len))) {
        bool well = buf_append(&e->line, from < e->len ? e->bytes + from : NULL, e->len - from);
        e->at = e->len;
        return well ? NO_LINE : LINE_NO_MEMORY;
    }
    *line = (span){e->bytes + from, end - from, true};
    if (e->line.len > 0) {
        if (!buf_append(&e->line, line->text, line->len)) return LINE_NO_MEMORY;
        *line = (span){e->line.data, e->line.len, false};
    }
    e->at = whole ? end + 1 : e->len;
    if (whole && e->bytes[end] == '\r') {
        if (e->at == e->len)
            e->after_cr = true;
        else if (e->bytes[e->at] == '\n')
            e->at++;
    }
    if (!e->begun && line->len >= MARK && memcmp(line->text, byte_order_mark, MARK) == 0) {
        line->text += MARK;
        line->len -= MARK;
    }
    e->begun = true;
    return LINE;
}

/* Copies the data where its bytes will not last, or other data follows. */
static bool copy_data(events *e) {
    if (!e->has_data || e->copied) return true;
    buf_clear(&e->text);
    e->copied = buf_append(&e->text, e->data, e->data_len);
    return e->copied;
}

static bool add_data(events *e, span value) {
    if (e->has_data)
        return copy_data(e) && buf_append_char(&e->text, '\n') &&
               buf_append(&e->text, value.text, value.len);
    e->has_data = true;
    e->data = value.text;
    e->data_len = value.len;
    return value.lasts || copy_data(e);
}

/* Takes a line that is not empty. */
static bool take_field(events *e, span line) {
    const char *colon = memchr(line.text, ':', line.len);
    size_t name = colon ? (size_t)(colon - line.text) : line.len;
    size_t skip = name + (colon != NULL);
    if (skip < line.len && line.text[skip] == ' ') skip++;
    span value = {line.text + skip, line.len - skip, line.lasts};
    if (name == 4 && memcmp(line.text, "data", 4) == 0) return add_data(e, value);
    if (name != 5 || memcmp(line.text, "event", 5) != 0) return true;
    buf_clear(&e->name);
    e->has_name = true;
    return buf_append(&e->name, value.text, value.len);
}

/* Ends the event; whether it was one. */
static bool close_event(events *e, event *found) {
    bool is_one = e->has_data;
    if (is_one) {
        *found = (event){.data = e->copied ? e->text.data : e->data,
                         .data_len = e->copied ? e->text.len : e->data_len};
        if (e->has_name)
            found->name = e->name.data ? e->name.data : "", found->name_len = e->name.len;
        if (!found->data) found->data = "";
    }
    e->has_name = e->has_data = e->copied = false;
    return is_one;
}

enum events_status events_next(events *e, event *found) {
    span line;
    enum line status;
    while ((status = take_line(e, &line)) == LINE) {
        bool well = line.len == 0 || take_field(e, line);
        buf_clear(&e->line);
        if (!well) return EVENTS_NO_MEMORY;
        if (line.len == 0 && close_event(e, found)) return EVENTS_EVENT;
    }
    if (status == LINE_NO_MEMORY) return EVENTS_NO_MEMORY;
    if (e->ended && close_event(e, found)) return EVENTS_EVENT;
    return copy_data(e) ? EVENTS_MORE : EVENTS_NO_MEMORY;
}
