/* store_prune: completions taken out of a store for good. Synchronous, for tools. */
#ifndef FELLOWSHIP_ENGINE_STORE_PRUNE_H
#define FELLOWSHIP_ENGINE_STORE_PRUNE_H

#include <stddef.h>
#include <stdint.h>

/* Takes n completions (keys of STORE_KEY bytes each) out, and makes the file smaller. Returns how
 * many there were, or -1 and a message: nothing is taken out then; while another process has the
 * store open it fails. err is not empty when they are gone and the file could not be made smaller.
 */
int64_t store_prune(const char *path, const unsigned char *keys, size_t n, char *err,
                    size_t errlen);

#endif
