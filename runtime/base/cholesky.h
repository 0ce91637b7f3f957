/* cholesky: symmetric positive definite systems, of which the lower triangle is read. */
#ifndef FELLOWSHIP_BASE_CHOLESKY_H
#define FELLOWSHIP_BASE_CHOLESKY_H

#include <stdbool.h>
#include <stddef.h>

/* The matrix as L L', with L left in its lower triangle; false when it is not positive definite. */
bool cholesky_decompose(double *matrix, size_t n);

/* Solves L L' x = g for the decomposed matrix; x is left in g. */
void cholesky_solve(const double *decomposed, size_t n, double *g);

/* The inverse, whole and in place; false when the matrix is not positive definite. `scratch` has
 * room for n * n. */
bool cholesky_invert(double *matrix, size_t n, double *scratch);

#endif
