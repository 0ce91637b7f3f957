#include "engine/fold.h"

#include <stdint.h>
#include <utf8proc.h>

/* Case folding and NFKC, without characters that are not seen (Unicode's NFKC_Casefold). */
#define FORM                                                                                       \
    ((utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |                    \
                         UTF8PROC_CASEFOLD | UTF8PROC_IGNORE))

/* Code points of a piece before it is put on the heap; marks on one letter, as many as no language
 * has: putting them in order takes the square of their number, and what comes behind is left out.
 */
#define FEW   256
#define MARKS 64

/* --- ASCII, where most text is --- */

/* Of each byte: what it is in a word, in lower case; ' ' for what parts words; 0 beyond ASCII. */
static const unsigned char plain[256] = "                                "
                                        "   #$%&   *+ - /0123456789  <=> "
                                        "@abcdefghijklmnopqrstuvwxyz \\ ^_"
                                        "`abcdefghijklmnopqrstuvwxyz | ~ ";

/* --- code points --- */

/* Scripts whose words stand without spaces: first and last. */
static const struct {
    int32_t first, last;
} unspaced[] = {
    {0x0E01, 0x0EFF},   /* Thai, Lao */
    {0x0F40, 0x0FBC},   /* Tibetan */
    {0x1000, 0x109F},   /* Myanmar */
    {0x1780, 0x17DD},   /* Khmer */
    {0x1950, 0x19DF},   /* Tai Le, New Tai Lue */
    {0x1A20, 0x1AAD},   /* Tai Tham */
    {0x2E80, 0x2FD5},   /* radicals of Han */
    {0x3005, 0x3007},   /* iteration mark, closing mark, zero of Han */
    {0x3021, 0x3029},   /* Hangzhou numerals */
    {0x3041, 0x312F},   /* Hiragana, Katakana, Bopomofo */
    {0x31A0, 0x31FF},   /* more of Bopomofo and Katakana */
    {0x3400, 0x4DBF},   /* Han */
    {0x4E00, 0x9FFF},   /* Han */
    {0xA9E0, 0xA9FF},   /* Myanmar */
    {0xAA60, 0xAADF},   /* Myanmar, Tai Viet */
    {0xF900, 0xFAFF},   /* Han */
    {0x1B000, 0x1B16F}, /* Kana */
    {0x20000, 0x323AF}  /* Han */
};

static bool is_unspaced(int32_t c) {
    if (c < unspaced[0].first) return false;
    size_t low = 0, high = sizeof unspaced / sizeof *unspaced;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > unspaced[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof unspaced / sizeof *unspaced && c >= unspaced[low].first;
}

/* Punctuation by its category that is a sign: percent and its like, paragraphs, primes of units. */
static bool is_sign(int32_t c) {
    return c == 0x066A || c == 0x00A7 || c == 0x00B6 || (c >= 0x2030 && c <= 0x2037);
}

enum kind {
    LETTER, /* part of a word */
    ALONE,  /* a word by itself */
    PARTING,
    DASH
};

static enum kind kind_of(int32_t c) {
    if (c < 128) return plain[c] == ' ' ? PARTING : LETTER;
    if (c == 0x2212) return DASH;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF: return PARTING;
    case UTF8PROC_CATEGORY_PO: return is_sign(c) ? LETTER : PARTING;
    case UTF8PROC_CATEGORY_PD: return DASH;
    default: return is_unspaced(c) ? ALONE : LETTER;
    }
}

/* --- the writer of words --- */

typedef struct writer {
    buf *out;
    size_t begin; /* of what this text appends */
    bool parted;  /* a space goes before the next word */
} writer;

static bool put(writer *w, const void *bytes, size_t len) {
    if (w->parted && w->out->len > w->begin && !buf_append_char(w->out, ' ')) return false;
    w->parted = false;
    return buf_append(w->out, bytes, len);
}

static bool put_code(writer *w, int32_t c) {
    unsigned char bytes[4];
    utf8proc_ssize_t len;
    switch (kind_of(c)) {
    case PARTING: w->parted = true; return true;
    case DASH: return put(w, "-", 1);
    case ALONE:
        w->parted = true;
        len = utf8proc_encode_char(c, bytes);
        if (!put(w, bytes, (size_t)len)) return false;
        w->parted = true;
        return true;
    default: len = utf8proc_encode_char(c, bytes); return put(w, bytes, (size_t)len);
    }
}

static int class_of(utf8proc_int32_t c) {
    return c < 0x0300 ? 0 : utf8proc_get_property(c)->combining_class;
}

/* What stands over a letter (Armenian's marks) or makes a word longer. */
static bool is_ornament(utf8proc_int32_t c) {
    return (c >= 0x055A && c <= 0x055F) || c == 0x0640 || c == 0x07FA;
}

/* Takes out of decomposed text ornaments, and marks that capitals lose or get: the dot of i in
 * Turkish, where I is that of the i without one, and the accent in Greek. Marks stay in order.
 * `marks`: how many the letter before bears already. */
static utf8proc_ssize_t simplify(utf8proc_int32_t *codes, utf8proc_ssize_t n, int marks) {
    utf8proc_int32_t letter = 0;
    utf8proc_ssize_t kept = 0;
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        utf8proc_int32_t c = codes[i] == 0x0131 ? 'i' : codes[i];
        if (is_ornament(c) || (c == 0x0307 && letter == 'i') ||
            (c == 0x0301 && letter >= 0x0370 && letter <= 0x03FF))
            continue;
        int class = class_of(c);
        if (class == 0) letter = c;
        if (class == 0) marks = 0;
        if (class > 0 && ++marks > MARKS) continue;
        utf8proc_ssize_t at = kept++;
        for (int moves = 0; class > 0 && at > 0 && moves < MARKS; moves++, at--) {
            if (class_of(codes[at - 1]) <= class) break;
            codes[at] = codes[at - 1];
        }
        codes[at] = c;
    }
    return kept;
}

/* A piece beyond ASCII, which begins and ends where nothing composes. */
static bool put_piece(writer *w, const char *text, size_t len, int marks) {
    utf8proc_int32_t few[FEW];
    buf many = {0};
    utf8proc_int32_t *codes = few;
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    utf8proc_ssize_t n = utf8proc_decompose(bytes, (utf8proc_ssize_t)len, few, FEW, FORM);
    if (n > FEW) {
        /* Composing wants room for one more. */
        if (!buf_reserve(&many, ((size_t)n + 1) * sizeof *codes)) return false;
        codes = (utf8proc_int32_t *)(void *)many.data;
        n = utf8proc_decompose(bytes, (utf8proc_ssize_t)len, codes, n, FORM);
    }
    if (n >= 0) n = utf8proc_normalize_utf32(codes, simplify(codes, n, marks), FORM);
    bool well = n >= 0 || n == UTF8PROC_ERROR_INVALIDUTF8;
    if (n == UTF8PROC_ERROR_INVALIDUTF8) well = put(w, text, len);
    for (utf8proc_ssize_t i = 0; well && i < n; i++) well = put_code(w, codes[i]);
    buf_free(&many);
    return well;
}

/* The length of what can be put of a text beyond ASCII in one piece; *next is where the next one
 * begins, behind the marks that are too many. */
static size_t piece_length(const char *text, size_t len, size_t *next) {
    size_t marks = 0, at = 0, most = len;
    *next = len;
    if (len < 2 * MARKS) return len; /* a mark has two bytes at least */
    while (at < len) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(len - at), &c);
        if (n <= 0) return len; /* no UTF-8, and put as it stands */
        /* What is left out of words does not part the marks before and behind it. */
        bool is_left_out = is_ornament(c) || utf8proc_get_property(c)->ignorable;
        if (!is_left_out) marks = class_of(c) > 0 ? marks + 1 : 0;
        if (marks == 0 && most < len) {
            *next = at;
            break;
        }
        at += (size_t)n;
        if (marks == MARKS) most = at;
    }
    return most;
}

static bool put_pieces(writer *w, const char *text, size_t len) {
    int marks =
        0; /* behind the first piece no more are wanted, should the next one begin with some */
    for (size_t next; len > 0; text += next, len -= next, marks = MARKS)
        if (!put_piece(w, text, piece_length(text, len, &next), marks)) return false;
    return true;
}

/* --- texts --- */

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool put_itself(writer *w, const char *text, size_t len) {
    while (len > 0 && is_space(text[len - 1])) len--;
    size_t at = 0;
    while (at < len && is_space(text[at])) at++;
    return put(w, text + at, len - at);
}

bool fold_words(buf *out, const char *text, size_t len) {
    writer w = {.out = out, .begin = out->len};
    /* ASCII alone gives at most its own length. */
    if (!buf_reserve(out, len + 1)) return false;
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    while (p < end) {
        const unsigned char *word = p;
        while (p < end && plain[*p] && plain[*p] != ' ') p++;
        if (p < end && !plain[*p]) { /* beyond ASCII: up to what parts words */
            while (p < end && plain[*p] != ' ') p++;
            if (!put_pieces(&w, (const char *)word, (size_t)(p - word))) return false;
        } else if (p > word) {
            if (!buf_reserve(out, (size_t)(p - word) + 1) || !put(&w, word, (size_t)(p - word)))
                return false;
            unsigned char *made = (unsigned char *)out->data + out->len;
            for (made -= p - word; word < p; word++) *made++ = plain[*word];
        }
        while (p < end && plain[*p] == ' ') p++, w.parted = true;
    }
    return out->len > w.begin || put_itself(&w, text, len);
}
