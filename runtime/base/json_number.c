/* What a number's text says and what a double keeps of it; and doubles as text.
 *
 * All of it stands on two facts about IEEE 754 doubles: a decimal of up to 15 significant digits
 * survives the way through a double and back, and 17 digits always tell a double from the others.
 * printf and strtod see only texts without a decimal point, so that no locale matters. */
#include "base/json.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEPT_DIGITS = 15,      /* significant digits that a double always keeps (DBL_DIG) */
    DOUBLE_DIGITS = 17,    /* significant digits that name every double */
    EXACT_POWER = 22,      /* 10^22 is the largest power of ten that is a double */
    DECIDING_DIGITS = 770, /* no more digits than this decide between two doubles */
    EXPONENT_ROOM = 8,     /* bytes that nearest needs */
    LAYOUT_ROOM = 48       /* bytes that a layout may add to the digits */
};

/* An exponent that no sane text has; beyond it exponents are not counted. */
#define FAR_EXPONENT INT64_C(1000000000000000)

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

#ifndef __SIZEOF_INT128__
#error                                                                                             \
    "doubles are written with integers of 128 bits, which compilers have for 64-bit machines alone"
#endif
__extension__ typedef unsigned __int128 uint128;

/* digits × 10^exponent, without trailing zeros in digits. */
typedef struct decimal {
    uint64_t digits;
    int exponent;
} decimal;

/* A number's text, taken apart: significant digits, without zeros at either end, stand between
 * first and last (with perhaps a point among them); the last has the weight 10^exponent. */
typedef struct spelling {
    const char *first, *last;
    size_t count; /* of significant digits; 0 for zero */
    int64_t exponent;
    bool negative;
    bool whole; /* neither point nor exponent */
} spelling;

/* Where the two layouts differ. `point` is the place of the decimal point: 0.ddd × 10^point. */
typedef struct layout {
    int low, high;      /* plain notation for low < point <= high */
    bool always_point;  /* 1.0 rather than 1 */
    int exponent_width; /* the exponent's fewest digits */
} layout;

static const layout python_layout = {-4, 16, true, 2};
static const layout canonical_layout = {-6, 21, false, 1};

/* --- text to decimal --- */

static int64_t read_exponent(const char *p, const char *end) {
    bool negative = *p == '-';
    if (*p == '-' || *p == '+') p++;
    int64_t value = 0;
    for (; p < end && value < FAR_EXPONENT; p++) value = value * 10 + (*p - '0');
    return negative ? -value : value;
}

static spelling take_apart(const char *text, size_t len) {
    const char *p = text, *end = text + len;
    spelling s = {.whole = true};
    s.negative = *p == '-';
    if (s.negative) p++;
    int64_t place = 0; /* digits behind the point so far */
    size_t since_first = 0;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            s.whole = false;
            continue;
        }
        if (!s.whole) place++;
        if (s.first) since_first++;
        if (*p == '0') {
            if (s.whole) s.exponent++;
            continue;
        }
        if (!s.first) {
            s.first = p;
            since_first = 1;
        }
        s.last = p;
        s.count = since_first;
        s.exponent = s.whole ? 0 : -place;
    }
    if (s.count == 0) s.exponent = 0;
    if (p < end) {
        s.whole = false;
        s.exponent += read_exponent(p + 1, end);
    }
    return s;
}

/* Copies up to `most` significant digits to out and returns how many. */
static size_t copy_digits(const spelling *s, char *out, size_t most) {
    size_t n = 0;
    for (const char *p = s->first; n < s->count && n < most; p++)
        if (*p != '.') out[n++] = *p;
    return n;
}

/* The digits of a spelling that has at most 19. */
static uint64_t read_digits(const spelling *s) {
    uint64_t digits = 0;
    for (const char *p = s->first; p <= s->last; p++)
        if (*p != '.') digits = digits * 10 + (uint64_t)(*p - '0');
    return digits;
}

/* Writes digits so that they end before `end`; returns where they start. */
static char *put_digits(char *end, uint64_t digits) {
    do *--end = (char)('0' + digits % 10);
    while (digits /= 10);
    return end;
}

/* --- decimal to double --- */

/* The double nearest to digits × 10^exponent. EXPONENT_ROOM bytes behind the digits are written. */
static double nearest(char *digits, char *end, int64_t exponent) {
    int64_t far = 9999; /* what a double does not reach, even with all the digits there are */
    int64_t size = exponent < 0 ? -exponent : exponent;
    char room[EXPONENT_ROOM];
    char *text = put_digits(room + sizeof room, (uint64_t)(size < far ? size : far));
    *end++ = 'e';
    *end++ = exponent < 0 ? '-' : '+';
    memcpy(end, text, (size_t)(room + sizeof room - text));
    end[room + sizeof room - text] = '\0';
    return strtod(digits, NULL);
}

static double decimal_value(decimal d) {
    if (d.digits <= UINT64_C(1) << DBL_MANT_DIG && abs(d.exponent) <= EXACT_POWER) {
        /* Both operands are exact, so the one operation rounds correctly. */
        double digits = (double)d.digits;
        return d.exponent < 0 ? digits / powers_of_ten[-d.exponent]
                              : digits * powers_of_ten[d.exponent];
    }
    char text[24 + EXPONENT_ROOM];
    return nearest(put_digits(text + 24, d.digits), text + 24, d.exponent);
}

/* The value of a text with more digits than a decimal has room for. */
static double long_value(const spelling *s) {
    char digits[DECIDING_DIGITS + 1 + EXPONENT_ROOM];
    size_t n = copy_digits(s, digits, DECIDING_DIGITS);
    int64_t exponent = s->exponent + (int64_t)(s->count - n);
    if (n < s->count) { /* the rest is more than nothing, and that is all it can tell */
        digits[n++] = '1';
        exponent--;
    }
    return nearest(digits, digits + n, exponent);
}

/* --- double to decimal --- */

static decimal trim(decimal d) {
    while (d.digits > 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    return d;
}

static bool everyday(double value) {
    return value >= 1e-5 && value < 1e15;
}

/* An everyday value, correctly rounded to 16 or 17 significant digits. The value is a whole number
 * of 53 bits over a power of two, and times 10^22, the most that is needed, stays below 2^128. */
static decimal rounded_exactly(double value, int count) {
    int exponent;
    uint128 scaled = (uint64_t)ldexp(frexp(value, &exponent), DBL_MANT_DIG);
    int shift = DBL_MANT_DIG - exponent;
    decimal d = {0, 0};
    uint64_t least = (uint64_t)powers_of_ten[count - 1];
    for (; (uint64_t)(scaled >> shift) < least; d.exponent--) scaled *= 10;
    d.digits = (uint64_t)(scaled >> shift);
    uint128 one = (uint128)1 << shift, rest = scaled & (one - 1);
    if (rest > one / 2 || (rest == one / 2 && d.digits % 2 == 1)) d.digits++;
    return trim(d);
}

/* A positive finite value, correctly rounded to so many significant digits. */
static decimal rounded(double value, int count) {
    if (count > KEPT_DIGITS && everyday(value)) return rounded_exactly(value, count);
    char text[40];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    decimal d = {0, 0};
    const char *p = text;
    for (; *p != 'e'; p++) /* the radix character is whatever the locale has: skip it */
        if (*p >= '0' && *p <= '9') d.digits = d.digits * 10 + (uint64_t)(*p - '0');
    d.exponent = (int)strtol(p + 1, NULL, 10) - (count - 1);
    return trim(d);
}

static bool is_power_of_two(double value) {
    int exponent;
    return frexp(value, &exponent) == 0.5;
}

/* Fast way for values of everyday size: if any decimal of up to 15 digits is the value, this finds
 * it, since scaling by an exact power of ten errs by far less than one half. */
static bool short_decimal(double value, decimal *found) {
    int places = 0;
    while (value * powers_of_ten[places] < 1e14) places++; /* at most 20, for 1e-5 */
    uint64_t digits = (uint64_t)(value * powers_of_ten[places] + 0.5);
    if ((double)digits / powers_of_ten[places] != value) return false;
    *found = trim((decimal){digits, -places});
    return true;
}

/* The shortest decimal that reads back as value, which is positive and finite; of several, the
 * nearest. */
static decimal shortest(double value) {
    decimal d;
    if (everyday(value) && short_decimal(value, &d)) return d;
    /* Subnormal numbers hold fewer than 15 digits, so the shortest may be shorter than those. */
    int count = value < DBL_MIN ? 1 : everyday(value) ? KEPT_DIGITS + 1 : KEPT_DIGITS;
    for (; count < DOUBLE_DIGITS; count++) {
        d = rounded(value, count);
        if (decimal_value(d) == value) return d;
        /* Below a power of two doubles lie twice as dense as above, so that the decimal nearest to
         * it may belong to its lower neighbour while the next one up is still its own. */
        if (count < DOUBLE_DIGITS - 1 || !is_power_of_two(value)) continue;
        while (d.digits < UINT64_C(1000000000000000)) {
            d.digits *= 10;
            d.exponent--;
        }
        d = trim((decimal){d.digits + 1, d.exponent});
        if (decimal_value(d) == value) return d;
    }
    return rounded(value, DOUBLE_DIGITS);
}

/* --- decimal to text --- */

static char *put(char *out, const char *bytes, size_t len) {
    memcpy(out, bytes, len);
    return out + len;
}

static char *put_zeros(char *out, int64_t count) {
    if (count <= 0) return out;
    memset(out, '0', (size_t)count);
    return out + count;
}

/* Writes 0.digits × 10^point and returns where it ends. */
static char *lay_out(char *out, const layout *style, bool negative, const char *digits,
                     size_t count, int64_t point) {
    int64_t n = (int64_t)count;
    if (negative) *out++ = '-';
    if (point <= style->low || point > style->high) {
        *out++ = digits[0];
        if (n > 1) *out++ = '.';
        out = put(out, digits + 1, count - 1);
        int64_t exponent = point - 1;
        return out + sprintf(out, "e%c%0*" PRId64, exponent < 0 ? '-' : '+', style->exponent_width,
                             exponent < 0 ? -exponent : exponent);
    }
    if (point <= 0) {
        out = put(out, "0.", 2);
        out = put_zeros(out, -point);
        return put(out, digits, count);
    }
    if (point < n) {
        out = put(out, digits, (size_t)point);
        *out++ = '.';
        return put(out, digits + point, count - (size_t)point);
    }
    out = put(out, digits, count);
    out = put_zeros(out, point - n);
    return style->always_point ? put(out, ".0", 2) : out;
}

/* Writes the decimal, which must not be 0, and returns the length. */
static size_t lay_out_decimal(char *out, const layout *style, bool negative, decimal d) {
    char digits[24];
    const char *first = put_digits(digits + sizeof digits, d.digits);
    size_t count = (size_t)(digits + sizeof digits - first);
    char *end = lay_out(out, style, negative, first, count, (int64_t)count + d.exponent);
    return (size_t)(end - out);
}

/* --- public --- */

static bool same(decimal a, decimal b) {
    return a.digits == b.digits && a.exponent == b.exponent;
}

static enum json_fidelity spelt(bool plain) {
    return plain ? JSON_PLAIN : JSON_RESPELT;
}

enum json_fidelity json_number_read(const char *text, size_t len, double *value) {
    spelling s = take_apart(text, len);
    double sign = s.negative ? -1 : 1;
    if (s.count == 0) {
        *value = copysign(0.0, sign);
        const char *digits = text + s.negative;
        size_t rest = len - s.negative;
        return spelt((s.whole && !s.negative) || (rest == 3 && memcmp(digits, "0.0", 3) == 0));
    }
    if (s.count > 19 || s.exponent > 9999 || s.exponent < -9999) {
        *value = sign * long_value(&s);
        return JSON_LOSSY;
    }
    decimal d = {read_digits(&s), (int)s.exponent};
    double magnitude = decimal_value(d);
    *value = sign * magnitude;
    if (s.whole && s.count + (size_t)s.exponent <= 19) {
        uint64_t integer = d.digits;
        for (int i = 0; i < d.exponent; i++) integer *= 10;
        if (integer <= (uint64_t)INT64_MAX + s.negative) return JSON_PLAIN;
    }
    if (s.count > DOUBLE_DIGITS || isinf(magnitude) || magnitude == 0) return JSON_LOSSY;
    if ((s.count > KEPT_DIGITS || magnitude < DBL_MIN) && !same(d, shortest(magnitude)))
        return same(d, rounded(magnitude, (int)s.count)) ? JSON_RESPELT : JSON_LOSSY;
    char plain[DOUBLE_DIGITS + LAYOUT_ROOM];
    size_t plain_len = lay_out_decimal(plain, &python_layout, s.negative, d);
    return spelt(plain_len == len && memcmp(plain, text, len) == 0);
}

bool json_write_integer(buf *out, int64_t value) {
    char text[24];
    char *first = put_digits(text + sizeof text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    if (value < 0) *--first = '-';
    return buf_append(out, first, (size_t)(text + sizeof text - first));
}

static bool write_double(buf *out, double value, const layout *style, json_error *error) {
    error->at = 0;
    if (!isfinite(value)) {
        snprintf(error->message, sizeof error->message, "%s is not a JSON number",
                 isnan(value) ? "NaN" : "infinity");
        return false;
    }
    if (!buf_reserve(out, DOUBLE_DIGITS + LAYOUT_ROOM)) {
        snprintf(error->message, sizeof error->message, "out of memory");
        return false;
    }
    if (value == 0) {
        const char *zero = !style->always_point ? "0" : signbit(value) ? "-0.0" : "0.0";
        return buf_append_str(out, zero);
    }
    out->len += lay_out_decimal(out->data + out->len, style, value < 0, shortest(fabs(value)));
    return true;
}

bool json_write_double(buf *out, double value, json_error *error) {
    return write_double(out, value, &python_layout, error);
}

bool json_write_canonical_double(buf *out, double value, json_error *error) {
    return write_double(out, value, &canonical_layout, error);
}

bool json_write_canonical_number(buf *out, const char *text, size_t len) {
    spelling s = take_apart(text, len);
    if (s.count == 0) return buf_append_char(out, '0');
    /* Exponents that are not counted stay as they were written. */
    if (s.exponent >= FAR_EXPONENT / 2 || s.exponent <= -FAR_EXPONENT / 2)
        return buf_append(out, text, len);
    /* The digits go behind the room for their layout, and from there into it. */
    if (s.count > SIZE_MAX / 4 || !buf_reserve(out, 2 * s.count + LAYOUT_ROOM)) return false;
    char *start = out->data + out->len, *digits = start + s.count + LAYOUT_ROOM;
    copy_digits(&s, digits, s.count);
    char *end = lay_out(start, &canonical_layout, s.negative, digits, s.count,
                        s.exponent + (int64_t)s.count);
    out->len += (size_t)(end - start);
    return true;
}
