#include "base/random.h"

static uint64_t splitmix(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

void random_seed(random_state *r, uint64_t a, uint64_t b) {
    uint64_t first = a, second = b ^ 0xd1b54a32d192ed03u;
    for (int i = 0; i < 4; i++) r->s[i] = splitmix(&first) ^ rotate(splitmix(&second), 17 * i + 1);
    if ((r->s[0] | r->s[1] | r->s[2] | r->s[3]) == 0) r->s[0] = 1;
}

uint64_t random_next(random_state *r) {
    uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double random_double(random_state *r) {
    return (double)(random_next(r) >> 11) * 0x1p-53;
}

uint64_t random_upto(random_state *r, uint64_t limit) {
    if (limit == UINT64_MAX) return random_next(r);
    uint64_t range = limit + 1, unfair = (0 - range) % range, x;
    do {
        x = random_next(r);
    } while (x < unfair); /* numbers below 2^64 mod range would favour the small results */
    return x % range;
}
