#include "lua/sheet_private.h"

#include <math.h>
#include <stdlib.h>

#include "base/adjusted.h"
#include "base/controlled.h"
#include "base/resample.h"
#include "lua/job.h"

#define MOST_TIMES        100000
#define MOST_WIDTH        10000
#define MOST_NUMBERS      50000000 /* of all resamples: 400 MB */
#define MOST_COEFFICIENTS 1000

/* One computation with a sheet. */
typedef struct computing {
    job_head job;
    sheet_shared *shared;
    bool starved; /* out of memory */
    size_t width, times, units;
    uint64_t seed;
    double *values;  /* `width` of each pattern of the sheet */
    double *results; /* sums and cross products, or the sums of each resample */
    double *design;  /* of an adjusted outcome */
    controlled control;
    adjusted adjust;
} computing;

static void release(void *arg) {
    computing *c = arg;
    sheet_shared_drop(c->shared);
    free(c->values);
    free(c->design);
    free(c->results);
}

static void on_done(void *arg) {
    ((computing *)arg)->shared->busy = false;
}

static void refuse_starved(lua_State *L, const computing *c) {
    if (c->starved) luaL_error(L, "out of memory");
}

/* [-0, +1] */
static void push_list(lua_State *L, const double *numbers, size_t count) {
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushnumber(L, numbers[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* ---- what is asked ---- */

/* [-0, +1] A job for the sheet at 1; nothing else begins before it ends. */
static computing *begin(lua_State *L, const job_class *class) {
    sheet_view *v = sheet_view_check(L, 1);
    computing *c = job_new(L, class, sizeof *c);
    c->shared = v->shared;
    v->shared->holders++;
    return c;
}

static int start(lua_State *L, computing *c) {
    c->shared->busy = true;
    return job_run(L, c);
}

static double *numbers(lua_State *L, size_t count) {
    double *list = calloc(count + 1, sizeof *list);
    if (!list) luaL_error(L, "out of memory");
    return list;
}

/* The values of a view's pattern from the list at 2: `width` numbers of each pattern, or one whole
 * number of each, which of `width` is 1 (0: none). */
static void read_vector(lua_State *L, const computing *c, size_t pattern, bool cells, double *to) {
    if (cells) {
        lua_rawgeti(L, 2, (lua_Integer)pattern + 1);
        lua_Integer cell = luaL_checkinteger(L, -1);
        luaL_argcheck(L, cell >= 0 && cell <= (lua_Integer)c->width, 2, "has a cell out of range");
        if (cell > 0) to[cell - 1] = 1;
        lua_pop(L, 1);
        return;
    }
    for (size_t i = 0; i < c->width; i++) {
        lua_rawgeti(L, 2, (lua_Integer)(pattern * c->width + i) + 1);
        to[i] = luaL_checknumber(L, -1);
        lua_pop(L, 1);
    }
}

/* The arguments (sheet, values, width). */
static void read_values(lua_State *L, computing *c) {
    const sheet_view *v = lua_touserdata(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_Integer width = luaL_checkinteger(L, 3);
    luaL_argcheck(L, width >= 1 && width <= MOST_WIDTH, 3, "is out of range");
    c->width = (size_t)width;
    size_t patterns = sheet_view_patterns(v), given = (size_t)lua_rawlen(L, 2),
           all = c->shared->sheet->patterns.count;
    bool cells = given == patterns && c->width > 1;
    luaL_argcheck(L, cells || given == patterns * c->width, 2, "must be of each pattern");
    c->values = numbers(L, all * c->width);
    if (!v->map) {
        for (size_t p = 0; p < all; p++) read_vector(L, c, p, cells, c->values + p * c->width);
        return;
    }
    double *seen = lua_newuserdatauv(L, (patterns * c->width + 1) * sizeof *seen, 0);
    for (size_t i = 0; i < patterns * c->width; i++) seen[i] = 0;
    for (size_t p = 0; p < patterns; p++) read_vector(L, c, p, cells, seen + p * c->width);
    for (size_t p = 0; p < all; p++)
        for (size_t i = 0; i < c->width; i++)
            c->values[p * c->width + i] = seen[v->map[p] * c->width + i];
    lua_pop(L, 1);
}

static size_t check_times(lua_State *L, int arg) {
    lua_Integer times = luaL_checkinteger(L, arg);
    luaL_argcheck(L, times >= 1 && times <= MOST_TIMES, arg, "is out of range");
    return (size_t)times;
}

/* ---- units ---- */

static void work_units(void *arg) {
    computing *c = arg;
    c->starved = !sheet_settle(c->shared->sheet);
}

static int push_units(lua_State *L, void *arg) {
    computing *c = arg;
    refuse_starved(L, c);
    lua_pushinteger(L, (lua_Integer)c->shared->sheet->units);
    return 1;
}

static int l_units(lua_State *L) {
    static const job_class class = {work_units, on_done, push_units, release};
    return start(L, begin(L, &class));
}

/* ---- sums ---- */

static void work_sums(void *arg) {
    computing *c = arg;
    resample r = {0};
    c->starved = !sheet_settle(c->shared->sheet) ||
                 !resample_make(&r, c->shared->sheet, c->width, c->values);
    if (!c->starved) {
        c->units = r.units;
        resample_moments(&r, c->results, c->results + c->width);
    }
    resample_free(&r);
}

static int push_sums(lua_State *L, void *arg) {
    computing *c = arg;
    refuse_starved(L, c);
    lua_pushinteger(L, (lua_Integer)c->units);
    push_list(L, c->results, c->width);
    push_list(L, c->results + c->width, c->width * c->width);
    return 3;
}

/* sums(sheet, values, width) -> units, sums, cross */
static int l_sums(lua_State *L) {
    static const job_class class = {work_sums, on_done, push_sums, release};
    computing *c = begin(L, &class);
    read_values(L, c);
    luaL_argcheck(L, c->width * c->width <= MOST_NUMBERS, 3, "is out of range");
    c->results = numbers(L, c->width + c->width * c->width);
    return start(L, c);
}

/* ---- resamples ---- */

static void work_resample(void *arg) {
    computing *c = arg;
    resample r = {0};
    c->starved = !sheet_settle(c->shared->sheet) ||
                 !resample_make(&r, c->shared->sheet, c->width, c->values) ||
                 !resample_draw(&r, c->times, c->seed, c->results);
    c->units = r.units;
    resample_free(&r);
}

static int push_resample(lua_State *L, void *arg) {
    computing *c = arg;
    refuse_starved(L, c);
    lua_pushinteger(L, (lua_Integer)c->units);
    push_list(L, c->results, c->times * c->width);
    return 2;
}

/* resample(sheet, values, width, times, seed) -> units, sums of each resample */
static int l_resample(lua_State *L) {
    static const job_class class = {work_resample, on_done, push_resample, release};
    computing *c = begin(L, &class);
    read_values(L, c);
    c->times = check_times(L, 4);
    c->seed = (uint64_t)luaL_checkinteger(L, 5);
    luaL_argcheck(L, c->times * c->width <= MOST_NUMBERS, 4, "is out of range");
    c->results = numbers(L, c->times * c->width);
    return start(L, c);
}

/* ---- controlled outcomes ---- */

static void work_control(void *arg) {
    computing *c = arg;
    c->starved = !sheet_settle(c->shared->sheet) || !controlled_fit(c->shared->sheet, &c->control);
}

static void set_number(lua_State *L, const char *name, double value) {
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static int push_control(lua_State *L, void *arg) {
    computing *c = arg;
    refuse_starved(L, c);
    const controlled *found = &c->control;
    lua_newtable(L);
    lua_pushinteger(L, (lua_Integer)found->n);
    lua_setfield(L, -2, "n");
    set_number(L, "sd", found->sd);
    if (found->fitted) {
        push_list(L, found->b, 2);
        lua_setfield(L, -2, "coefficients");
    }
    if (found->strength > 0) {
        push_list(L, found->lasso, 2);
        lua_setfield(L, -2, "lasso");
        set_number(L, "strength", found->strength);
    }
    push_list(L, found->draws, found->drawn);
    lua_setfield(L, -2, "draws");
    return 1;
}

/* control(sheet, y, measure, times, seed) -> what was found; y of each pattern: 0, 0.5, 1, or -1
 * for what is left out */
static int l_control(lua_State *L) {
    static const job_class class = {work_control, on_done, push_control, release};
    computing *c = begin(L, &class);
    lua_Integer measure = luaL_checkinteger(L, 3);
    luaL_argcheck(L, measure >= 1 && measure <= (lua_Integer)c->shared->sheet->measures, 3,
                  "is no measure");
    c->times = check_times(L, 4);
    c->control = (controlled){.measure = (size_t)measure - 1,
                              .times = c->times,
                              .seed = (uint64_t)luaL_checkinteger(L, 5)};
    lua_pushinteger(L, 1);
    lua_replace(L, 3);
    read_values(L, c);
    for (size_t p = 0; p < c->shared->sheet->patterns.count; p++) {
        double y = c->values[p];
        luaL_argcheck(L, y == -1 || y == 0 || y == 0.5 || y == 1, 2, "has no outcome");
        if (y == -1) c->values[p] = NAN;
    }
    c->control.y = c->values;
    c->control.draws = c->results = numbers(L, c->times);
    return start(L, c);
}

/* ---- adjusted outcomes ---- */

static void work_adjust(void *arg) {
    computing *c = arg;
    c->starved = !sheet_settle(c->shared->sheet) || !adjusted_fit(c->shared->sheet, &c->adjust);
}

static int push_adjust(lua_State *L, void *arg) {
    computing *c = arg;
    refuse_starved(L, c);
    const adjusted *found = &c->adjust;
    size_t all = found->width + found->count;
    lua_newtable(L);
    lua_pushinteger(L, (lua_Integer)found->n);
    lua_setfield(L, -2, "n");
    lua_pushinteger(L, (lua_Integer)found->units);
    lua_setfield(L, -2, "units");
    push_list(L, found->sd, found->count);
    lua_setfield(L, -2, "sd");
    if (found->fitted) {
        push_list(L, found->b, all);
        lua_setfield(L, -2, "coefficients");
        push_list(L, found->covariance, all * all);
        lua_setfield(L, -2, "covariance");
    }
    return 1;
}

/* Reads a list of the view's patterns at `index` as read_values does that at 2. */
static void read_list(lua_State *L, computing *c, int index, lua_Integer width) {
    lua_pushvalue(L, index);
    lua_replace(L, 2);
    lua_pushinteger(L, width);
    lua_replace(L, 3);
    read_values(L, c);
}

/* adjust(sheet, y, design, width, first, count) -> what was found; y of each pattern: 0 to 1, or -1
 * for what is left out */
static int l_adjust(lua_State *L) {
    static const job_class class = {work_adjust, on_done, push_adjust, release};
    lua_settop(L, 6);
    lua_pushvalue(L, 2); /* y, at 7: read_list takes its place */
    computing *c = begin(L, &class);
    adjusted *a = &c->adjust;
    lua_Integer width = luaL_checkinteger(L, 4), first = luaL_checkinteger(L, 5),
                count = luaL_checkinteger(L, 6), measures = (lua_Integer)c->shared->sheet->measures;
    luaL_argcheck(L, width >= 1 && width <= MOST_COEFFICIENTS, 4, "is out of range");
    luaL_argcheck(L, count >= 0 && count <= measures, 6, "is out of range");
    luaL_argcheck(L, first >= 1 && first - 1 <= measures - count, 5, "is out of range");
    read_list(L, c, 3, width);
    c->design = c->values, c->values = NULL;
    read_list(L, c, 7, 1);
    for (size_t p = 0; p < c->shared->sheet->patterns.count; p++) {
        double y = c->values[p];
        luaL_argcheck(L, y == -1 || (y >= 0 && y <= 1), 2, "has no outcome");
        if (y == -1) c->values[p] = NAN;
    }
    size_t all = (size_t)(width + count);
    c->results = numbers(L, (size_t)count + all + all * all);
    *a = (adjusted){.y = c->values,
                    .design = c->design,
                    .width = (size_t)width,
                    .first = (size_t)first - 1,
                    .count = (size_t)count,
                    .sd = c->results,
                    .b = c->results + count,
                    .covariance = c->results + count + all};
    return start(L, c);
}

const luaL_Reg sheet_computing[] = {{"units", l_units},       {"sums", l_sums},
                                    {"resample", l_resample}, {"control", l_control},
                                    {"adjust", l_adjust},     {NULL, NULL}};
