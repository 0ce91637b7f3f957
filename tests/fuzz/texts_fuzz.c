/* Any bytes as a text of any encoding: pieces are transcoded as the whole is, into UTF-8 where
 * there was a mark; and the words of any text are words, whose words are the same. The first byte
 * says how long the pieces are. */
#include <stdlib.h>
#include <string.h>

#include "base/transcode.h"
#include "base/utf8.h"
#include "engine/fold.h"

static void check(int truth) {
    if (!truth) abort();
}

static void in_pieces(const char *text, size_t len, size_t step, buf *out, unsigned *kind) {
    transcoder t = {0};
    for (size_t at = 0;;) {
        size_t n = len - at < step ? len - at : step;
        bool last = at + n == len;
        buf piece = {0};
        check(buf_append(&piece, text + at, n) && buf_reserve(&piece, 1));
        check(transcode(&t, &piece, last));
        check(buf_append(out, piece.data, piece.len));
        buf_free(&piece);
        at += n;
        if (last) break;
    }
    *kind = t.kind;
    transcode_free(&t);
}

static int same(const buf *a, const buf *b) {
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void fold(const char *text, size_t len) {
    buf words = {0}, again = {0};
    check(fold_words(&words, text, len));
    /* A text without words stands for itself, spaces and all. */
    bool itself = words.len > 0 && memmem(text, len, words.data, words.len) != NULL;
    for (size_t i = 1; i < words.len && !itself; i++)
        check(words.data[i] != ' ' || words.data[i - 1] != ' ');
    if (words.len > 0 && utf8_valid_prefix(text, len) == len) {
        check(utf8_valid_prefix(words.data, words.len) == words.len);
        check(fold_words(&again, words.data, words.len));
        check(same(&words, &again));
    }
    buf_free(&words);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (size == 0) return 0;
    const char *text = (const char *)data + 1;
    size--;
    buf whole = {0}, pieces = {0};
    unsigned kind, other;
    in_pieces(text, size, size + 1, &whole, &kind);
    in_pieces(text, size, (size_t)data[0] % 13 + 1, &pieces, &other);
    check(kind == other && same(&whole, &pieces));
    if (kind == TRANSCODE_16 || kind == TRANSCODE_32)
        check(utf8_valid_prefix(whole.data ? whole.data : "", whole.len) == whole.len);
    else
        check(whole.len == size && memcmp(whole.data ? whole.data : "", text, size) == 0);
    fold(whole.data ? whole.data : "", whole.len);
    buf_free(&whole);
    buf_free(&pieces);
    return 0;
}
