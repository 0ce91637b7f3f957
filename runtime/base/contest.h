/* contest: strengths of players by the games between them: the model of Bradley and Terry (1952),
 * P(i beats j) = 1 / (1 + exp(s[j] - s[i])), fitted by maximum likelihood, with bootstrap intervals
 * over the prompts that games were played on. Plain numbers, no allocation but in contest_new and
 * contest_add; a contest is used by one thread at a time. */
#ifndef FELLOWSHIP_BASE_CONTEST_H
#define FELLOWSHIP_BASE_CONTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Wins, each[i * players + j] of i over j; ties stand as a half in both places. */
typedef struct contest_fit {
    size_t players;
    double *strength; /* logarithms, with mean 0 */
    unsigned steps;   /* Newton's, until the last one moved nothing any more */
    double *scratch;  /* contest_scratch(players) numbers */
} contest_fit;

size_t contest_scratch(size_t players);

/* Fits f->strength; false when no finite strengths exist, as where not everyone can be reached from
 * everyone by "has won against" (Ford 1957). */
bool contest_solve(contest_fit *f, const double *wins);

typedef struct contest contest;

/* NULL when out of memory. */
contest *contest_new(void);
void contest_free(contest *c);

enum contest_winner { CONTEST_A, CONTEST_B, CONTEST_TIE };

/* A game that was played on a prompt; games of one prompt are drawn together. Players and prompts
 * are numbered from 0. false when out of memory. */
bool contest_add(contest *c, uint32_t prompt, uint16_t a, uint16_t b, enum contest_winner winner);

size_t contest_games(const contest *c);

/* The wins of all games; `wins` has room for players * players. */
void contest_wins(const contest *c, size_t players, double *wins);

/* A bootstrap: `resamples` times as many prompts as there are, drawn with replacement. Fills
 * low[player] and high[player] with the middle 95% of each strength (quantiles interpolated:
 * Hyndman and Fan 1996, type 7), and returns how many resamples had a fit; SIZE_MAX when out of
 * memory. With none that has a fit, low and high are left alone. */
size_t contest_bootstrap(const contest *c, size_t players, size_t resamples, uint64_t seed,
                         double *low, double *high);

#endif
