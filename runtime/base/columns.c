#include "base/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"

/* An object with more keys than this is a map, not a structure. */
#define MOST_FIELDS 200

/* What values a node had. */
enum {
    HAS_BOOLEAN,
    HAS_INTEGER,  /* whole, up to 2^53 on either side: in a double too */
    HAS_LONG,     /* whole, up to 2^63 */
    HAS_NEGATIVE, /* beside the other kinds of numbers */
    HAS_UNSIGNED, /* whole, up to 2^64 */
    HAS_DOUBLE,
    HAS_ROUNDED, /* a fraction of more digits than a double holds */
    HAS_EXACT,   /* whole, of more digits than any of these hold; or beyond a double */
    HAS_TEXT,
    HAS_LIST,
    HAS_OBJECT,
    HAS_MANY, /* objects of too many keys */
    KINDS
};

static const char *const names[KINDS] = {
    "true or false",  "a number",   "a whole number", "a number",
    "a whole number", "a fraction", "a fraction",     "a number of more digits than 64 bits hold",
    "a text",         "a list",     "an object",      "objects of over 200 keys"};

typedef struct node node;

typedef struct field {
    char *name;
    size_t len;
    node *node;
} field;

/* What is known of the values at one place. */
struct node {
    unsigned seen; /* a bit for each kind */
    field *fields; /* of objects */
    size_t count, size;
    size_t expected; /* the field that comes next, when the keys keep their order */
    node *elements;  /* of lists */
};

struct columns {
    node root;
    uint64_t rows;
    uint64_t *firsts; /* for each column and kind the first row + 1 */
    size_t firsts_size;
    size_t longest;
    json_reader reader;
    bool surrogate;
};

static void free_inside(node *n) {
    for (size_t i = 0; i < n->count; i++) {
        free_inside(n->fields[i].node);
        free(n->fields[i].node);
        free(n->fields[i].name);
    }
    free(n->fields);
    if (n->elements) free_inside(n->elements);
    free(n->elements);
}

columns *columns_new(void) {
    columns *c = calloc(1, sizeof *c);
    if (c) json_reader_init(&c->reader, "", 0);
    return c;
}

void columns_free(columns *c) {
    if (!c) return;
    free_inside(&c->root);
    free(c->firsts);
    json_reader_free(&c->reader);
    free(c);
}

/* --- taking rows --- */

static bool is_field(const field *f, const char *name, size_t len) {
    return f->len == len && memcmp(f->name, name, len) == 0;
}

/* The node of a field, made when it is new; NULL when out of memory. */
static node *field_of(node *n, const char *name, size_t len) {
    if (n->expected < n->count && is_field(&n->fields[n->expected], name, len))
        return n->fields[n->expected++].node;
    for (size_t i = 0; i < n->count; i++)
        if (is_field(&n->fields[i], name, len)) {
            n->expected = i + 1;
            return n->fields[i].node;
        }
    if (n->count == n->size) {
        size_t size = n->size ? n->size * 2 : 8;
        field *larger = realloc(n->fields, size * sizeof *larger);
        if (!larger) return NULL;
        n->fields = larger;
        n->size = size;
    }
    field f = {malloc(len + 1), len, calloc(1, sizeof *f.node)};
    if (!f.name || !f.node) {
        free(f.name);
        free(f.node);
        return NULL;
    }
    memcpy(f.name, name, len);
    f.name[len] = '\0';
    n->fields[n->count++] = f;
    n->expected = n->count;
    return f.node;
}

/* Whether a text holds half of a surrogate pair, which the reader gives as three bytes. */
static bool has_surrogate(const char *text, size_t len) {
    for (const char *p = text; (p = memchr(p, 0xED, len - (size_t)(p - text))); p++)
        if ((size_t)(p - text) + 1 < len && (unsigned char)p[1] >= 0xA0) return true;
    return false;
}

static unsigned whole_number(int64_t value) {
    const int64_t most = INT64_C(1) << 53;
    unsigned sign = value < 0 ? 1u << HAS_NEGATIVE : 0;
    return sign | (value >= -most && value <= most ? 1u << HAS_INTEGER : 1u << HAS_LONG);
}

/* A number that is no 64-bit integer with a sign. */
static unsigned other_number(const char *text, size_t len) {
    bool whole = true;
    for (size_t i = text[0] == '-'; i < len; i++) whole = whole && text[i] >= '0' && text[i] <= '9';
    const char largest[] = "18446744073709551615";
    if (whole && text[0] != '-' && len == sizeof largest - 1 && memcmp(text, largest, len) <= 0)
        return 1u << HAS_UNSIGNED;
    if (whole && text[0] != '-' && len == sizeof largest - 2) return 1u << HAS_UNSIGNED;
    double value;
    if (json_number_read(text, len, &value) != JSON_LOSSY) return 1u << HAS_DOUBLE;
    return whole || isinf(value) ? 1u << HAS_EXACT : 1u << HAS_DOUBLE | 1u << HAS_ROUNDED;
}

static bool take_value(columns *c, node *n, enum json_token token);

static bool take_object(columns *c, node *n) {
    json_reader *r = &c->reader;
    n->expected = 0;
    for (enum json_token token; (token = json_next(r)) == JSON_KEY;) {
        c->surrogate = c->surrogate || has_surrogate(r->text, r->text_len);
        if (n != &c->root && n->count >= MOST_FIELDS) { /* what it holds is passed over */
            node scrap = {0};
            n->seen |= 1u << HAS_MANY;
            bool well = take_value(c, &scrap, json_next(r));
            free_inside(&scrap);
            if (!well) return false;
            continue;
        }
        node *inside = field_of(n, r->text, r->text_len);
        if (!inside || !take_value(c, inside, json_next(r))) return false;
    }
    return true;
}

static bool take_list(columns *c, node *n) {
    for (;;) {
        enum json_token token = json_next(&c->reader);
        if (token == JSON_END_ARRAY || token == JSON_ERROR) return true;
        if (!n->elements && !(n->elements = calloc(1, sizeof *n->elements))) return false;
        if (!take_value(c, n->elements, token)) return false;
    }
}

static bool take_value(columns *c, node *n, enum json_token token) {
    const json_reader *r = &c->reader;
    switch (token) {
    case JSON_TRUE:
    case JSON_FALSE: n->seen |= 1u << HAS_BOOLEAN; return true;
    case JSON_INTEGER: n->seen |= whole_number(r->integer); return true;
    case JSON_NUMBER: n->seen |= other_number(r->text, r->text_len); return true;
    case JSON_STRING:
        n->seen |= 1u << HAS_TEXT;
        c->surrogate = c->surrogate || has_surrogate(r->text, r->text_len);
        return true;
    case JSON_BEGIN_ARRAY: n->seen |= 1u << HAS_LIST; return take_list(c, n);
    case JSON_BEGIN_OBJECT: n->seen |= 1u << HAS_OBJECT; return take_object(c, n);
    default: return true; /* null says nothing */
    }
}

/* Notes which row was the first to have each kind of values in each column. */
static bool note_firsts(columns *c) {
    size_t wanted = c->root.count * KINDS;
    if (wanted > c->firsts_size) {
        uint64_t *larger = realloc(c->firsts, 2 * wanted * sizeof *larger);
        if (!larger) return false;
        memset(larger + c->firsts_size, 0, (2 * wanted - c->firsts_size) * sizeof *larger);
        c->firsts = larger;
        c->firsts_size = 2 * wanted;
    }
    for (size_t i = 0; i < c->root.count; i++)
        for (unsigned seen = c->root.fields[i].node->seen; seen; seen &= seen - 1) {
            uint64_t *first = &c->firsts[i * KINDS + (unsigned)__builtin_ctz(seen)];
            if (!*first) *first = c->rows;
        }
    return true;
}

enum columns_status columns_take(columns *c, const char *row, size_t len) {
    json_reader_reset(&c->reader, row, len);
    c->surrogate = false;
    if (!take_value(c, &c->root, json_next(&c->reader))) return COLUMNS_NO_MEMORY;
    if (c->surrogate) return COLUMNS_SURROGATE;
    c->rows++;
    if (len > c->longest) c->longest = len;
    return note_firsts(c) ? COLUMNS_TAKEN : COLUMNS_NO_MEMORY;
}

/* --- types --- */

static bool has(const node *n, unsigned kinds) {
    return (n->seen & kinds) != 0;
}

#define WHOLE (1u << HAS_INTEGER | 1u << HAS_LONG | 1u << HAS_UNSIGNED)
#define NUMBERS                                                                                    \
    (WHOLE | 1u << HAS_NEGATIVE | 1u << HAS_DOUBLE | 1u << HAS_ROUNDED | 1u << HAS_EXACT)

/* The type of numbers alone; NULL when none holds all of them. */
static const char *type_of_numbers(const node *n) {
    if (has(n, 1u << HAS_EXACT)) return NULL;
    if (has(n, 1u << HAS_DOUBLE))
        return has(n, 1u << HAS_LONG | 1u << HAS_UNSIGNED) ? NULL : "DOUBLE";
    if (!has(n, 1u << HAS_UNSIGNED)) return "BIGINT";
    return has(n, 1u << HAS_NEGATIVE) ? NULL : "UBIGINT";
}

/* The type of what is no list and no object; NULL when there is none. */
static const char *simple_type(const node *n) {
    switch (n->seen & ~NUMBERS) {
    case 0: return n->seen ? type_of_numbers(n) : "VARCHAR";
    case 1u << HAS_BOOLEAN: return has(n, NUMBERS) ? NULL : "BOOLEAN";
    case 1u << HAS_TEXT: return has(n, NUMBERS) ? NULL : "VARCHAR";
    default: return NULL;
    }
}

/* Whether a structure can have fields of these names: tables tell them apart by more than case. */
static bool are_names(const node *n) {
    for (size_t i = 0; i < n->count; i++) {
        if (n->fields[i].len == 0 || strlen(n->fields[i].name) != n->fields[i].len) return false;
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(n->fields[i].name, n->fields[k].name) == 0) return false;
    }
    return n->count > 0; /* and it has one */
}

/* Whether all values at a place, and inside of them, have a type. */
static bool is_typed(const node *n) {
    if (n->seen == 1u << HAS_LIST) return !n->elements || is_typed(n->elements);
    if (n->seen != 1u << HAS_OBJECT) return simple_type(n) != NULL;
    for (size_t i = 0; i < n->count; i++)
        if (!is_typed(n->fields[i].node)) return false;
    return are_names(n);
}

static bool append_name(buf *out, const field *f) {
    bool well = buf_append_char(out, '"');
    for (size_t i = 0; well && i < f->len; i++)
        well = (f->name[i] != '"' || buf_append_char(out, '"')) && buf_append_char(out, f->name[i]);
    return well && buf_append_str(out, "\" ");
}

static bool append_type(buf *out, const node *n) {
    if (n->seen == 1u << HAS_LIST)
        return (n->elements ? append_type(out, n->elements) : buf_append_str(out, "VARCHAR")) &&
               buf_append_str(out, "[]");
    if (n->seen != 1u << HAS_OBJECT) return buf_append_str(out, simple_type(n));
    if (!buf_append_str(out, "STRUCT(")) return false;
    for (size_t i = 0; i < n->count; i++) {
        if (i > 0 && !buf_append_str(out, ", ")) return false;
        if (!append_name(out, &n->fields[i]) || !append_type(out, n->fields[i].node)) return false;
    }
    return buf_append_char(out, ')');
}

static bool rounds(const node *n) {
    if (has(n, 1u << HAS_ROUNDED) || (n->elements && rounds(n->elements))) return true;
    for (size_t i = 0; i < n->count; i++)
        if (rounds(n->fields[i].node)) return true;
    return false;
}

bool columns_rounds(const columns *c, size_t i) {
    return rounds(c->root.fields[i].node);
}

size_t columns_count(const columns *c) {
    return c->root.count;
}

size_t columns_longest(const columns *c) {
    return c->longest;
}

const char *columns_name(const columns *c, size_t i, size_t *len) {
    *len = c->root.fields[i].len;
    return c->root.fields[i].name;
}

bool columns_are_named(const columns *c) {
    return c->root.count == 0 || are_names(&c->root);
}

bool columns_type(const columns *c, size_t i, buf *out) {
    const node *n = c->root.fields[i].node;
    return is_typed(n) ? append_type(out, n) : buf_append_str(out, "JSON");
}

bool columns_clashes(const columns *c, size_t i, columns_clash *clash) {
    const node *n = c->root.fields[i].node;
    if (is_typed(n)) return false;
    const uint64_t *firsts = &c->firsts[i * KINDS];
    size_t kinds[2] = {KINDS, KINDS}; /* the two that came first */
    for (size_t k = 0; k < KINDS; k++) {
        if (!(n->seen >> k & 1) || k == HAS_NEGATIVE || k == HAS_ROUNDED) continue;
        if (kinds[0] == KINDS || firsts[k] < firsts[kinds[0]]) {
            kinds[1] = kinds[0];
            kinds[0] = k;
        } else if (kinds[1] == KINDS || firsts[k] < firsts[kinds[1]]) {
            kinds[1] = k;
        }
    }
    if (kinds[1] == KINDS) kinds[1] = kinds[0]; /* inside of it */
    *clash = (columns_clash){names[kinds[0]], names[kinds[1]], firsts[kinds[0]] - 1,
                             firsts[kinds[1]] - 1};
    return true;
}
