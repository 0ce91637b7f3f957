/* Random numbers: the published sequences, bounds and evenness, and that seeds decide all. */
#include "base/random.h"

#include "tap.h"

/* xoshiro256** from the state 1, 2, 3, 4: the vector that other implementations test
 * (rand_xoshiro). */
static void reference(void) {
    static const uint64_t wanted[] = {11520u,
                                      0u,
                                      1509978240u,
                                      1215971899390074240u,
                                      1216172134540287360u,
                                      607988272756665600u,
                                      16172922978634559625u,
                                      8476171486693032832u,
                                      10595114339597558777u,
                                      2904607092377533576u};
    random_state r = {{1, 2, 3, 4}};
    int right = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        right += random_next(&r) == wanted[i];
    is_int(right, 10, "xoshiro256**: the first ten numbers of the state 1, 2, 3, 4");
}

/* splitmix64 from 1234567 gives a known sequence (Rosetta Code); both halves of the seed are run
 * through it here, and the second one is rotated before the two are joined. */
static void seeding(void) {
    static const uint64_t known[] = {6457827717110365317u, 3203168211198807973u,
                                     9817491932198370423u, 4593380528125082431u};
    random_state r;
    random_seed(&r, 1234567, 0xd1b54a32d192ed03u ^ 1234567);
    int right = 0;
    for (int i = 0; i < 4; i++) {
        int k = 17 * i + 1;
        right += r.s[i] == (known[i] ^ (known[i] << k | known[i] >> (64 - k)));
    }
    is_int(right, 4, "splitmix64 fills the state");
    random_state pinned;
    random_seed(&pinned, 1, 2);
    is_int((int64_t)random_next(&pinned), (int64_t)0xc92bd329c1664b2du,
           "seed 1, row 2: a number that must never change, since runs are repeated by it");
}

static void determinism(void) {
    random_state a, b, c, d, e;
    random_seed(&a, 7, 9);
    random_seed(&b, 7, 9);
    random_seed(&c, 9, 7);
    random_seed(&d, 7, 10);
    random_seed(&e, 8, 9);
    int same = 0, others = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = random_next(&a);
        same += x == random_next(&b);
        others += x == random_next(&c);
        others += x == random_next(&d);
        others += x == random_next(&e);
    }
    is_int(same, 1000, "equal seeds give equal numbers");
    is_int(others, 0, "other seeds give others, and their order counts");
}

/* The first number of neighbouring rows: were they alike, so would the rows' draws be. */
static void rows(void) {
    int ones[64] = {0};
    for (uint64_t row = 0; row < 4096; row++) {
        random_state r;
        random_seed(&r, 0, row);
        uint64_t x = random_next(&r);
        for (int bit = 0; bit < 64; bit++) ones[bit] += (int)(x >> bit & 1);
    }
    bool even = true; /* 4096 fair coins: 2048 heads, standard deviation 32; 6 of these is 192 */
    for (int bit = 0; bit < 64; bit++)
        even = even && ones[bit] > 2048 - 192 && ones[bit] < 2048 + 192;
    ok(even, "each bit of the first number is even over rows");
}

static void doubles(void) {
    random_state r;
    random_seed(&r, 3, 0);
    double sum = 0, least = 1, most = 0;
    for (int i = 0; i < 100000; i++) {
        double x = random_double(&r);
        sum += x;
        if (x < least) least = x;
        if (x > most) most = x;
    }
    ok(least >= 0 && most < 1, "doubles lie in [0, 1)");
    ok(least < 0.001 && most > 0.999, "and reach both ends");
    ok(sum / 100000 > 0.49 && sum / 100000 < 0.51, "with mean a half");
}

/* Each of `count` results about equally often: chi-squared, whose mean is count - 1. */
static void evenness(uint64_t count) {
    enum { DRAWS = 60000 };
    int seen[64] = {0};
    random_state r;
    random_seed(&r, 5, count);
    bool within = true;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = random_upto(&r, count - 1);
        within = within && x < count;
        if (x < count) seen[x]++;
    }
    double wanted = (double)DRAWS / (double)count, chi = 0;
    for (uint64_t i = 0; i < count; i++) chi += (seen[i] - wanted) * (seen[i] - wanted) / wanted;
    ok(within && chi < (double)count + 60, "0 to %d: within, and even (chi-squared %.1f)",
       (int)count - 1, chi);
}

static void upto(void) {
    evenness(1);
    evenness(2);
    evenness(3);
    evenness(10);
    evenness(64);
    random_state r, same;
    random_seed(&r, 1, 1);
    same = r;
    ok(random_upto(&r, UINT64_MAX) == random_next(&same), "all 64 bits when nothing bounds them");
    /* 2^63 + 1 results: half of the numbers must be thrown away, or the small ones come twice. */
    uint64_t limit = (uint64_t)1 << 63;
    int low = 0;
    bool within = true;
    for (int i = 0; i < 10000; i++) {
        uint64_t x = random_upto(&r, limit);
        within = within && x <= limit;
        low += x < limit / 2;
    }
    ok(within, "a limit past 2^63 holds");
    ok(low > 4700 && low < 5300, "and small results are not favoured (%d of 10000 low)", low);
    same = (random_state){{0, 0, 0, 1}};
    is_int((int64_t)random_upto(&same, 0), 0, "one result alone");
}

int main(void) {
    reference();
    seeding();
    determinism();
    rows();
    doubles();
    upto();
    return done_testing();
}
