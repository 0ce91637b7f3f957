/* Numbers of JSON: which doubles keep a text, how doubles are written, canonical texts. */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static void test_fidelity(void) {
    static const struct {
        const char *text;
        enum json_fidelity fidelity;
        double value;
    } cases[] = {
        {"0", JSON_PLAIN, 0},
        {"17", JSON_PLAIN, 17},
        {"0.0", JSON_PLAIN, 0},
        {"-0.0", JSON_PLAIN, -0.0},
        {"1.0", JSON_PLAIN, 1},
        {"0.1", JSON_PLAIN, 0.1},
        {"-1.5", JSON_PLAIN, -1.5},
        {"0.30000000000000004", JSON_PLAIN, 0.1 + 0.2},
        {"1e+16", JSON_PLAIN, 1e16},
        {"1e-05", JSON_PLAIN, 1e-5},
        {"5e-324", JSON_PLAIN, 5e-324},
        {"1.7976931348623157e+308", JSON_PLAIN, 1.7976931348623157e308},
        {"9007199254740993", JSON_PLAIN, 9007199254740992.0},
        {"-0", JSON_RESPELT, -0.0},
        {"0e7", JSON_RESPELT, 0},
        {"1.10", JSON_RESPELT, 1.1},
        {"0.50", JSON_RESPELT, 0.5},
        {"1E5", JSON_RESPELT, 1e5},
        {"1e2", JSON_RESPELT, 100},
        {"1e-7", JSON_RESPELT, 1e-7},
        {"100000000000000000000", JSON_RESPELT, 1e20},
        {"0.10000000000000001", JSON_RESPELT, 0.1}, /* as printf("%.17g") prints it */
        {"4.94065645841247e-324", JSON_RESPELT, 5e-324},
        {"12345678901234567890", JSON_LOSSY, 12345678901234567890.0},
        {"18446744073709551616", JSON_LOSSY, 18446744073709551616.0},
        {"0.12345678901234567890123", JSON_LOSSY, 0.12345678901234567890123},
        {"0.1000000000000000055", JSON_LOSSY, 0.1},
        {"1e400", JSON_LOSSY, INFINITY},
        {"-1e400", JSON_LOSSY, -INFINITY},
        {"1e-400", JSON_LOSSY, 0},
        {"1e99999999999999999999999", JSON_LOSSY, INFINITY},
        {"1e-99999999999999999999999", JSON_LOSSY, 0},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        double value;
        enum json_fidelity fidelity =
            json_number_read(cases[i].text, strlen(cases[i].text), &value);
        ok(fidelity == cases[i].fidelity && value == cases[i].value &&
               !signbit(value) == !signbit(cases[i].value),
           "fidelity of %s", cases[i].text);
    }
}

/* A decimal just above the middle between two doubles, at any distance, belongs to the upper. */
static void test_long_numbers(void) {
    char text[2000];
    double value;
    int len = snprintf(text, sizeof text, "9007199254740993.%01000d1", 0);
    ok(json_number_read(text, (size_t)len, &value) == JSON_LOSSY, "1000 digits are lossy");
    ok(value == 9007199254740994.0, "and round by the last of them");
    ok(json_number_read("0.5000000000000000000000", 24, &value) == JSON_RESPELT && value == 0.5,
       "zeros at the end do not count");
}

static double from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The samples of RFC 8785, appendix B, and the same values in Python's layout. */
static void test_doubles(void) {
    static const struct {
        uint64_t bits;
        const char *canonical, *plain;
    } cases[] = {
        {0x0000000000000000, "0", "0.0"},
        {0x8000000000000000, "0", "-0.0"},
        {0x0000000000000001, "5e-324", "5e-324"},
        {0x8000000000000001, "-5e-324", "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308", "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308", "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992", "9007199254740992.0"},
        {0xc340000000000000, "-9007199254740992", "-9007199254740992.0"},
        {0x4430000000000000, "295147905179352830000", "2.9514790517935283e+20"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22", "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23", "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23", "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000", "9.999999999999997e+20"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000", "9.999999999999999e+20"},
        {0x444b1ae4d6e2ef50, "1e+21", "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7", "9.999999999999997e-07"},
        {0x3eb0c6f7a0b5ed8d, "0.000001", "1e-06"},
        {0x41b3de4355555553, "333333333.3333332", "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325", "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333", "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334", "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343", "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333", "-3.3333333333333333e-06"},
        {0x43143ff3c1cb0959, "1424953923781206.2", "1424953923781206.2"},
        {0x4580000000000000, "6.189700196426902e+26", "6.189700196426902e+26"}, /* 2^89 */
    };
    buf out = {0};
    json_error error;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        double value = from_bits(cases[i].bits);
        buf_clear(&out);
        bool wrote = json_write_canonical_double(&out, value, &error);
        ok(wrote && buf_append_char(&out, '\0') && strcmp(out.data, cases[i].canonical) == 0,
           "canonical %s", cases[i].canonical);
        buf_clear(&out);
        wrote = json_write_double(&out, value, &error);
        ok(wrote && buf_append_char(&out, '\0') && strcmp(out.data, cases[i].plain) == 0,
           "plain %s", cases[i].plain);
    }
    ok(!json_write_double(&out, INFINITY, &error), "no infinity");
    ok(!json_write_canonical_double(&out, NAN, &error), "no NaN");
    is_str(error.message, "NaN is not a JSON number", "and says so");
    buf_free(&out);
}

/* Whatever is written reads back as the same double, and as plain. */
static void test_round_trip(void) {
    uint64_t bits = 88172645463325252;
    size_t same = 0, count = 20000;
    buf out = {0};
    json_error error;
    for (size_t i = 0; i < count; i++) {
        do {
            bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17; /* xorshift64 */
        } while (!isfinite(from_bits(bits)));
        double value = i % 2 ? from_bits(bits) : (double)(bits >> 20) / 1e9, again;
        buf_clear(&out);
        same += json_write_double(&out, value, &error) &&
                json_number_read(out.data, out.len, &again) == JSON_PLAIN && again == value;
    }
    ok(same == count, "doubles written and read back (%zu of %zu)", same, count);
    buf_free(&out);
}

static void test_canonical_texts(void) {
    static const char *const cases[][2] = {
        {"0", "0"},
        {"-0.00e5", "0"},
        {"15", "15"},
        {"1.50e1", "15"},
        {"150E-1", "15"},
        {"-0.50", "-0.5"},
        {"12345678901234567890", "12345678901234567890"},
        {"1234567890123456789012", "1.234567890123456789012e+21"},
        {"0.00000012345678901234567890", "1.234567890123456789e-7"},
        {"1e400", "1e+400"},
        {"10e399", "1e+400"},
        {"1e999999999999999999999", "1e999999999999999999999"},
    };
    buf out = {0};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        buf_clear(&out);
        bool wrote = json_write_canonical_number(&out, cases[i][0], strlen(cases[i][0])) &&
                     buf_append_char(&out, '\0');
        is_str(wrote ? out.data : NULL, cases[i][1], cases[i][0]);
    }
    buf_free(&out);
}

static void test_written_integers(void) {
    buf out = {0};
    bool wrote = json_write_integer(&out, INT64_MIN) && buf_append_char(&out, ' ') &&
                 json_write_integer(&out, 0) && buf_append_char(&out, ' ') &&
                 json_write_integer(&out, INT64_MAX) && buf_append_char(&out, '\0');
    is_str(wrote ? out.data : NULL, "-9223372036854775808 0 9223372036854775807", "integers");
    buf_free(&out);
}

int main(void) {
    test_fidelity();
    test_long_numbers();
    test_doubles();
    test_round_trip();
    test_canonical_texts();
    test_written_integers();
    return done_testing();
}
