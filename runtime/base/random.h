/* random: xoshiro256** generators, one for each task, so that a row's random numbers do not
 * depend on what runs beside it. A generator is a value; nothing is owned. */
#ifndef FELLOWSHIP_BASE_RANDOM_H
#define FELLOWSHIP_BASE_RANDOM_H

#include <stdint.h>

typedef struct random_state {
    uint64_t s[4];
} random_state;

/* Seeds from two numbers through splitmix64 (Steele, Lea and Flood 2014), as xoshiro's authors
 * advise; equal pairs give equal sequences. */
void random_seed(random_state *r, uint64_t a, uint64_t b);

/* The next 64 bits (xoshiro256**, Blackman and Vigna 2018). */
uint64_t random_next(random_state *r);

/* A double in [0, 1) with 53 random bits. */
double random_double(random_state *r);

/* An integer in [0, limit], each equally likely. */
uint64_t random_upto(random_state *r, uint64_t limit);

#endif
