#include "base/redact.h"

#include <stdlib.h>
#include <string.h>

#include "base/unescape.h"

#define LEAST_SECRET 4
#define LONG_SECRET  16

/* A form of a secret, and for each of its beginnings how long a shorter one ends it (Knuth, Morris,
 * Pratt 1977). */
typedef struct pattern {
    char *text;
    size_t *shorter;
    size_t len;
    bool base64; /* case counts, and both alphabets are one; elsewhere case does not count */
} pattern;

struct redactor {
    pattern *patterns; /* of long secrets, in units (see below) */
    size_t count;
    char **shorts; /* short secrets */
    size_t shorts_count;
    size_t longest;   /* units of a pattern */
    bool starts[256]; /* whether a byte may begin a secret */
};

/* ---- patterns ---- */

static unsigned char folded(int c, bool base64) {
    if (base64) return (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c);
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Adds `text` as a form of a secret; takes it over. */
static bool add_pattern(redactor *r, buf *text, bool base64) {
    pattern *more = realloc(r->patterns, (r->count + 1) * sizeof *more);
    if (more) r->patterns = more;
    size_t len = text->len, *shorter = more && len ? malloc(len * sizeof *shorter) : NULL;
    if (!shorter) {
        buf_free(text);
        return len == 0;
    }
    for (size_t i = 0; i < len; i++)
        text->data[i] = (char)folded((unsigned char)text->data[i], base64);
    shorter[0] = 0;
    for (size_t i = 1, k = 0; i < len; i++) {
        while (k > 0 && text->data[i] != text->data[k]) k = shorter[k - 1];
        if (text->data[i] == text->data[k]) k++;
        shorter[i] = k;
    }
    r->patterns[r->count++] = (pattern){text->data, shorter, len, base64};
    if (len > r->longest) r->longest = len;
    for (int c = 0; c < 256; c++)
        if (folded(c, base64) == (unsigned char)text->data[0]) r->starts[c] = true;
    return true;
}

static bool add_plain(redactor *r, const char *secret, size_t len) {
    buf text = {0};
    const char *end = secret + len;
    for (const char *p = secret; p < end;) {
        unit u = next_unit(p, end, true);
        p += u.len;
        if (u.c >= 0 && !buf_append_char(&text, (char)u.c)) {
            buf_free(&text);
            return false;
        }
    }
    return add_pattern(r, &text, false);
}

static bool add_hex(redactor *r, const char *secret, size_t len) {
    buf text = {0};
    for (size_t i = 0; i < len; i++) {
        if (!buf_append_char(&text, "0123456789abcdef"[(unsigned char)secret[i] >> 4]) ||
            !buf_append_char(&text, "0123456789abcdef"[secret[i] & 15])) {
            buf_free(&text);
            return false;
        }
    }
    return add_pattern(r, &text, false);
}

/* The characters of base64 that hold nothing but bits of the secret where `before` bytes, 0 to 2,
 * stand before it in a group of three. */
static bool add_base64(redactor *r, const char *secret, size_t len, size_t before) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buf text = {0};
    for (size_t bit = (8 * before + 5) / 6 * 6; bit + 6 <= 8 * (before + len); bit += 6) {
        size_t at = bit / 8 - before;
        unsigned pair = (unsigned)(unsigned char)secret[at] << 8;
        if (at + 1 < len) pair |= (unsigned char)secret[at + 1];
        if (!buf_append_char(&text, alphabet[pair >> (10 - bit % 8) & 63])) {
            buf_free(&text);
            return false;
        }
    }
    return add_pattern(r, &text, true);
}

redactor *redactor_new(void) {
    redactor *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->starts['\\'] = r->starts['%'] = r->starts['&'] = true;
    return r;
}

static bool add_short(redactor *r, const char *secret, size_t len) {
    char **more = realloc(r->shorts, (r->shorts_count + 1) * sizeof *more);
    if (!more) return false;
    r->shorts = more;
    char *copy = strndup(secret, len);
    if (copy) r->shorts[r->shorts_count++] = copy;
    return copy != NULL;
}

bool redactor_add(redactor *r, const char *secret, size_t len) {
    if (len < LEAST_SECRET) return true;
    if (len < LONG_SECRET) return add_short(r, secret, len);
    return add_plain(r, secret, len) && add_hex(r, secret, len) && add_base64(r, secret, len, 0) &&
           add_base64(r, secret, len, 1) && add_base64(r, secret, len, 2);
}

static void forget(char *text, size_t len) {
    explicit_bzero(text, len);
    free(text);
}

void redactor_free(redactor *r) {
    if (!r) return;
    for (size_t i = 0; i < r->count; i++) {
        forget(r->patterns[i].text, r->patterns[i].len);
        free(r->patterns[i].shorter);
    }
    for (size_t i = 0; i < r->shorts_count; i++) forget(r->shorts[i], strlen(r->shorts[i]));
    free(r->patterns);
    free(r->shorts);
    free(r);
}

/* ---- finding ---- */

/* How far a text was looked at. Offsets count from its first byte, whatever was given of it. */
typedef struct finder {
    const redactor *owner;
    size_t at;      /* bytes that were looked at */
    size_t slashes; /* where the backslashes right before `at` begin */
    size_t units;   /* met since a secret may have begun, 0 when none may */
    size_t *begun;  /* where they begin, each at its number modulo the longest pattern */
    size_t *depths; /* how many units of each pattern the text ends with */
} finder;

static bool finder_init(finder *f, const redactor *r) {
    *f = (finder){.owner = r};
    f->begun = calloc(r->longest + r->count + 1, sizeof *f->begun);
    f->depths = f->begun + r->longest;
    return f->begun != NULL;
}

static void begin_anew(finder *f) {
    f->units = 0;
    memset(f->depths, 0, f->owner->count * sizeof *f->depths);
}

/* Takes note of a unit. Gives the units of the longest secret that may have begun, or of the one
 * that ends here, which *whole tells. */
static size_t follow(finder *f, int c, bool *whole) {
    const redactor *r = f->owner;
    size_t deepest = 0;
    f->begun[f->units++ % r->longest] = f->slashes;
    for (size_t i = 0; i < r->count; i++) {
        const pattern *p = &r->patterns[i];
        size_t k = f->depths[i];
        unsigned char is = folded(c, p->base64);
        while (k > 0 && is != (unsigned char)p->text[k]) k = p->shorter[k - 1];
        if (is == (unsigned char)p->text[k]) k++;
        f->depths[i] = k;
        *whole = k == p->len;
        if (*whole) return k;
        if (k > deepest) deepest = k;
    }
    return deepest;
}

/* Where the secret begins of which the last `depth` units were met. */
static size_t beginning(const finder *f, size_t depth) {
    return f->begun[(f->units - depth) % f->owner->longest];
}

/* Where the part begins that may yet turn out to be a secret: all before it is clean. */
static size_t clean_until(const finder *f) {
    size_t deepest = 0;
    for (size_t i = 0; i < f->owner->count; i++)
        if (f->depths[i] > deepest) deepest = f->depths[i];
    return deepest ? beginning(f, deepest) : f->slashes;
}

/* Goes on to the next secret of the text [base, base + len); true, its place in *from, and `at`
 * behind it, when there is one. */
static bool find_next(finder *f, const char *text, size_t base, size_t len, bool last,
                      size_t *from) {
    const bool *starts = f->owner->starts;
    const char *end = text + len;
    for (const char *p = text + (f->at - base); p < end;) {
        if (f->units == 0) { /* the usual case: no secret may have begun */
            const char *before = p;
            while (p < end && !starts[(unsigned char)*p]) p++;
            f->at = base + (size_t)(p - text);
            if (p > before) f->slashes = f->at;
            if (p == end) return false;
        }
        unit u = next_unit(p, end, last);
        if (u.len == 0) return false;
        bool whole = false, slash = u.c < 0 && *p == '\\' && u.len == 1;
        size_t depth = u.c < 0 ? 1 : follow(f, u.c, &whole);
        p += u.len;
        f->at += u.len;
        if (!slash) f->slashes = f->at;
        if (whole) *from = beginning(f, depth);
        if (whole || depth == 0) begin_anew(f);
        if (whole) return true;
    }
    return false;
}

/* ---- texts ---- */

/* Appends the text from `given` on to `clean`, up to a secret at `from`, and what stands in its
 * place. */
static bool leave_out(buf *clean, const buf *text, size_t given, size_t from) {
    return buf_append(clean, text->data + given, from - given) && buf_append_str(clean, REDACTED);
}

/* Has `clean` end as the text does and take its place, unless nothing was left out. */
static bool take_place(buf *text, buf *clean, size_t given, bool well) {
    if (well && given == 0) return true;
    well = well && buf_append(clean, text->data + given, text->len - given);
    buf_free(well ? text : clean);
    if (well) *text = *clean;
    return well;
}

static bool redact_short(buf *text, const char *secret) {
    size_t len = strlen(secret), given = 0;
    buf clean = {0};
    bool well = true;
    for (const char *at;
         well && (at = memmem(text->data + given, text->len - given, secret, len));) {
        size_t from = (size_t)(at - text->data);
        well = leave_out(&clean, text, given, from);
        given = from + len;
    }
    return take_place(text, &clean, given, well);
}

static bool redact_long(const redactor *r, buf *text) {
    finder f;
    if (!finder_init(&f, r)) return false;
    size_t given = 0, from;
    buf clean = {0};
    bool well = true;
    while (well && find_next(&f, text->data, 0, text->len, true, &from)) {
        well = leave_out(&clean, text, given, from);
        given = f.at;
    }
    free(f.begun);
    return take_place(text, &clean, given, well);
}

bool redact(const redactor *r, bool failed, buf *text) {
    if (!r || text->len == 0) return true;
    bool well = r->count == 0 || redact_long(r, text);
    for (size_t i = 0; failed && well && i < r->shorts_count; i++)
        well = redact_short(text, r->shorts[i]);
    if (!well) buf_clear(text);
    return well;
}

bool redact_is_clean(const redactor *r, const char *text, size_t len) {
    finder f;
    if (!r || r->count == 0) return true;
    if (!finder_init(&f, r)) return false;
    size_t from;
    bool found = find_next(&f, text, 0, len, true, &from);
    free(f.begun);
    return !found;
}

/* ---- texts in pieces ---- */

struct redaction {
    finder finder;
    buf held;    /* what came and was not given, */
    size_t base; /* from this byte of the text on */
};

redaction *redaction_new(const redactor *r) {
    redaction *s = calloc(1, sizeof *s);
    if (!s || finder_init(&s->finder, r)) return s;
    free(s);
    return NULL;
}

void redaction_free(redaction *s) {
    if (!s) return;
    buf_free(&s->held);
    free(s->finder.begun);
    free(s);
}

bool redaction_add(redaction *s, const char *piece, size_t len, bool last, buf *out) {
    if (s->finder.owner->count == 0) return buf_append(out, piece, len);
    buf *held = &s->held;
    if (!buf_append(held, piece, len)) return false;
    if (held->len == 0) return true;
    size_t given = 0, from;
    while (find_next(&s->finder, held->data, s->base, held->len, last, &from)) {
        if (!leave_out(out, held, given, from - s->base)) return false;
        given = s->finder.at - s->base;
    }
    size_t until = last ? held->len : clean_until(&s->finder) - s->base;
    if (!buf_append(out, held->data + given, until - given)) return false;
    if (until == 0) return true; /* and is not moved: a beginning may go on for megabytes */
    held->len -= until;
    memmove(held->data, held->data + until, held->len);
    s->base += until;
    return true;
}
