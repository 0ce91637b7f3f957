/* Any bytes as the answer of a provider's server, whole and streamed: tests/fuzz/answers.lua says
 * what must hold. Run it where lualib and tests are. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/modules.h"

static lua_State *L;

static void stop(const char *what) {
    fprintf(stderr, "%s\n", what);
    abort();
}

static void begin(void) {
    static runtime rt;
    L = luaL_newstate();
    loop *l = loop_new();
    if (!L || !l) stop("out of memory");
    modules_open(L, &rt, l, ".");
    if (luaL_dofile(L, "tests/fuzz/answers.lua")) stop(lua_tostring(L, -1));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (!L) begin();
    lua_pushvalue(L, -1);
    lua_pushlstring(L, (const char *)data, size);
    if (lua_pcall(L, 1, 0, 0)) stop(lua_tostring(L, -1));
    return 0;
}
