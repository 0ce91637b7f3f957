/* The members of a tar or zip through libarchive, and what it does not ask: whether the archive
 * ends as it should. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "engine/archive/feed.h"
#include "engine/archive/zip.h"

typedef struct members {
    layer base;
    feed feed;
    layer_kind kind;
    bool seeks;     /* a zip whose directory at the end can be read first */
    bool begun;     /* in a member */
    bool encrypted; /* the member */
    uint64_t count; /* of all entries */
    locale_t utf8;
} members;

static ssize_t produce(layer *base, void *buf, size_t n) {
    members *m = (members *)base;
    if (m->encrypted)
        return stream_fail(base->report, "it is encrypted; unpack it with its password first");
    return feed_read(&m->feed, buf, n);
}

/* To the end of the member, so that where the reader is says something. What a streamed zip does
 * not say the length of must be expanded for that, and counts like all that is. */
static int leave(members *m) {
    if (!m->begun) return 0;
    m->begun = false;
    if (m->kind == KIND_ZIP && !m->seeks && !m->encrypted) {
        char scratch[16 * 1024];
        ssize_t n;
        while ((n = layer_read(&m->base, scratch, sizeof scratch)) > 0) continue;
        if (n < 0) return -1;
    }
    if (archive_read_data_skip(m->feed.reader) < ARCHIVE_WARN) return feed_fail(&m->feed);
    return 0;
}

/* A tar ends with two blocks of zeros, of which one will do; libarchive does without. */
static int end_tar(members *m, int64_t before) {
    if (feed_used(&m->feed) == before)
        return stream_fail(m->base.report, "cut short (a tar archive without its end mark)");
    return feed_expect_end(&m->feed, KIND_TAR);
}

static bool is_from_macos(const char *name) {
    if (strncmp(name, "./", 2) == 0) name += 2;
    const char *last = strrchr(name, '/');
    return strncmp(name, "__MACOSX/", 9) == 0 || strncmp(last ? last + 1 : name, "._", 2) == 0;
}

static bool is_wanted(struct archive_entry *e, const char *name) {
    return archive_entry_filetype(e) == AE_IFREG && !archive_entry_hardlink(e) &&
           !archive_entry_symlink(e) && !is_from_macos(name);
}

/* The next entry and its name as stored, "" without one; as feed_next. libarchive converts names
 * that the archive says are UTF-8 to the locale's charset, in which "C" has none for most. */
static int next_entry(members *m, struct archive_entry **e, const char **name) {
    locale_t before = m->utf8 ? uselocale(m->utf8) : (locale_t)0;
    int more = feed_next(&m->feed, e);
    *name = more == 1 ? archive_entry_pathname(*e) : NULL;
    if (!*name) *name = "";
    if (m->utf8) uselocale(before);
    return more;
}

int members_next(layer *base) {
    members *m = (members *)base;
    stream_report *r = base->report;
    struct archive_entry *e;
    for (;;) {
        if (leave(m) < 0) return -1;
        free(r->member);
        r->member = NULL;
        int64_t before = feed_used(&m->feed);
        const char *name;
        int more = next_entry(m, &e, &name);
        if (more < 0) return -1;
        if (more == 0) {
            if (m->kind == KIND_TAR) return end_tar(m, before);
            return m->seeks ? 0 : zip_check_end(&m->feed, m->count);
        }
        if (!*name) return stream_fail(r, "damaged (a member has no name that can be read)");
        m->begun = true;
        m->count++;
        base->at = base->len = 0;
        base->ended = false;
        m->encrypted = archive_entry_is_encrypted(e);
        r->member = strdup(name);
        if (!r->member) return stream_fail(r, "out of memory");
        if (is_wanted(e, r->member)) return 1;
    }
}

static void free_members(layer *base) {
    members *m = (members *)base;
    feed_clear(&m->feed);
    if (m->utf8) freelocale(m->utf8);
    free(m);
}

/* Formats are named one by one and only after layer_look has seen one: libarchive takes some plain
 * texts for mtree, uuencode and others. */
static int begin(members *m) {
    m->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (feed_init(&m->feed, m->base.below) < 0) return -1;
    struct archive *r = m->feed.reader;
    if (m->kind == KIND_TAR) {
        archive_read_support_format_tar(r);
    } else {
        if (m->base.below->seek) {
            int known = zip_find_end(m->base.below);
            if (known < 0) return -1;
            m->seeks = known == 1;
        }
        if (m->seeks)
            archive_read_support_format_zip_seekable(r);
        else
            archive_read_support_format_zip_streamable(r);
    }
    return feed_open(&m->feed, m->seeks);
}

layer *members_open(layer *below, layer_kind kind) {
    members *m = calloc(1, sizeof *m);
    if (!m) {
        stream_fail(below->report, "out of memory");
        return NULL;
    }
    m->kind = kind;
    m->base = layer_over(below, produce, free_members);
    if (begin(m) == 0) return &m->base;
    free_members(&m->base);
    return NULL;
}
