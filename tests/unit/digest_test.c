/* SHA-256 against the examples of FIPS 180-4 and NIST's long message, and the hexadecimal form. */
#include "engine/digest.h"

#include "tap.h"

#include <stdlib.h>

static void sha_is(const void *data, size_t len, const char *wanted, const char *name) {
    unsigned char out[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    digest_sha256(data, len, out);
    digest_hex(out, hex);
    is_str(hex, wanted, name);
}

static void test_whole(void) {
    sha_is(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "empty");
    sha_is("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc");
    sha_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "two blocks");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    sha_is(million, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
           "a million a");
    free(million);
}

static void test_pieces(void) {
    unsigned char data[300], whole[DIGEST_SIZE], pieces[DIGEST_SIZE];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 7);
    digest_sha256(data, sizeof data, whole);
    bool same = true;
    for (size_t step = 1; step <= sizeof data; step++) {
        digest d;
        digest_init(&d);
        for (size_t at = 0; at < sizeof data; at += step) {
            size_t left = sizeof data - at;
            digest_update(&d, data + at, left < step ? left : step);
        }
        digest_update(&d, NULL, 0);
        digest_final(&d, pieces);
        same = same && memcmp(whole, pieces, sizeof whole) == 0;
    }
    ok(same, "pieces of every size give the digest of the whole");

    digest d;
    digest_init(&d);
    digest_update(&d, data, 10);
    digest copy = d;
    digest_final(&d, pieces);
    digest_update(&copy, data + 10, sizeof data - 10);
    digest_final(&copy, pieces);
    ok(memcmp(whole, pieces, sizeof whole) == 0, "a copied state goes on by itself");
    digest_update(&d, data, sizeof data);
    digest_final(&d, pieces);
    ok(memcmp(whole, pieces, sizeof whole) == 0, "after final a state is fresh");
}

static void test_hex(void) {
    const char *hex = "00ff10a9e4649b934ca495991b7852b8e3b0c44298fc1c149afbf4c8996fb924";
    unsigned char bytes[DIGEST_SIZE];
    char back[DIGEST_HEX_SIZE];
    ok(digest_from_hex(hex, bytes), "64 digits are read");
    is_int(bytes[1], 0xff, "in their order");
    digest_hex(bytes, back);
    is_str(back, hex, "and written back");
    ok(digest_from_hex("00FF10A9E4649B934CA495991B7852B8E3B0C44298FC1C149AFBF4C8996FB924", bytes),
       "capitals are read");

    char wrong[80];
    unsigned char untouched = bytes[0] = 42;
    ok(!digest_from_hex("", bytes), "no digits are refused");
    snprintf(wrong, sizeof wrong, "%.63s", hex);
    ok(!digest_from_hex(wrong, bytes), "63 are refused");
    snprintf(wrong, sizeof wrong, "%s0", hex);
    ok(!digest_from_hex(wrong, bytes), "65 are refused");
    snprintf(wrong, sizeof wrong, "%.63sg", hex);
    ok(!digest_from_hex(wrong, bytes), "another letter is refused");
    is_int(bytes[0], untouched, "a refusal leaves the bytes alone");
}

int main(void) {
    test_whole();
    test_pieces();
    test_hex();
    return done_testing();
}
