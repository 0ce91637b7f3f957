/* Bytes that grow, and what happens to them where they cannot. */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static void test_buf(void) {
    buf b = {0};
    ok(buf_append(&b, NULL, 0) && b.len == 0, "appending nothing");
    bool appended = true;
    for (int i = 0; i < 1000; i++) appended = appended && buf_printf(&b, "%d,", i);
    ok(appended && b.len == 3890, "printf grows the buf");
    ok(!buf_reserve(&b, SIZE_MAX), "a length that overflows is refused");
    volatile size_t most = SIZE_MAX - 100; /* which the compiler must not see */
    ok(!buf_append(&b, "", most), "and changes nothing");
    is_int((int64_t)b.len, 3890, "the length is as it was");
    char *text = buf_steal(&b);
    ok(text && strlen(text) == 3890 && !b.data && b.len == 0 && b.cap == 0, "stolen");
    free(text);
    text = buf_steal(&b);
    is_str(text, "", "an empty buf gives an empty string");
    free(text);
    buf_free(&b);
}

int main(void) {
    test_buf();
    return done_testing();
}
