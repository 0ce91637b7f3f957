/* likeness: which of many texts repeat an earlier one, the same or nearly so.
 *
 * shingle     three words in a row, as a hash; of a text with fewer words all of them
 * likeness    of two texts: the shingles that both have over those that either has (Jaccard)
 *
 * Near ones are found exactly, every text that is as like as the threshold, by a prefix filter
 * (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007): in whatever order shingles are put,
 * two such texts share one of the first of each. Here the rare ones come first, so that what many
 * texts have in common (a template) brings no candidates. How rare they are is counted anew when
 * the texts have doubled, or when looking took long: the work for a text stays about the same. */
#ifndef FELLOWSHIP_BASE_LIKENESS_H
#define FELLOWSHIP_BASE_LIKENESS_H

#include <stddef.h>
#include <stdint.h>

typedef struct likeness likeness;

enum likeness_found {
    LIKENESS_NEW,  /* unlike all before; it is remembered */
    LIKENESS_SAME, /* the words of an earlier one */
    LIKENESS_NEAR, /* as like an earlier one as the threshold, or more */
    LIKENESS_NO_MEMORY
};

/* Threshold: above 0 to 1 for near ones; 0 for the same ones alone. NULL when out of memory. */
likeness *likeness_new(double threshold);

void likeness_free(likeness *l);

/* Looks a text up, given as words with a space between each two, and remembers it unless it repeats
 * an earlier one. Takes about 10 bytes for each text, and 7 more for each word with a threshold. */
enum likeness_found likeness_see(likeness *l, const char *words, size_t len);

/* Pairs of texts that were compared in full so far. */
size_t likeness_compared(const likeness *l);

/* The likeness of two such texts, 0 to 1; less than 0 when memory ran out. */
double likeness_of(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
