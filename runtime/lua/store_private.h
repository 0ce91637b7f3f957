/* store_private: what store.c (the store and its completions), store_batch.c (calls that are
 * under way in batches), store_import.c, store_tools.c and store_ask.c share; for no one else. */
#ifndef FELLOWSHIP_LUA_STORE_PRIVATE_H
#define FELLOWSHIP_LUA_STORE_PRIVATE_H

#include <lauxlib.h>

#include "engine/store/store.h"

/* Raises when the store at index 1 is none, or closed: first in every method. */
void store_check_open(lua_State *L);

/* [-0, +1] A box for a job of the store at index 1; what is put there is the box's to free. Raises
 * when no task runs. */
store_job **store_new_job(lua_State *L);

/* The job of the box on top of the stack uses another box, which a user value of that box keeps. */
void store_job_uses(lua_State *L, void *box);

/* Submits the job of the box on top of the stack, and waits for it: then after(L, LUA_YIELD, ctx)
 * goes on. The box's first user value keeps the texts that the job uses. */
int store_submit_job(lua_State *L, lua_KFunction after);

/* In `after`: the job that has come back, and its end. */
store_job *store_job_back(lua_State *L, lua_KContext ctx);
void store_job_done(lua_State *L, lua_KContext ctx);

/* The key at arg. Raises when it is none. */
void store_check_key(lua_State *L, int arg, unsigned char out[STORE_KEY]);

/* Methods of the store. */
int store_batch_claim(lua_State *L);
int store_batch_complete(lua_State *L);
int store_batch_set(lua_State *L);
int store_batch_list(lua_State *L);
int store_batch_holder(lua_State *L);
int store_import_lines(lua_State *L);
int store_import_source(lua_State *L);

/* Makes the class of sources known. */
void store_import_register(lua_State *L);

/* Functions of the module. */
int store_import_open(lua_State *L);
int store_tools_each(lua_State *L);
int store_tools_find(lua_State *L);
int store_tools_sample(lua_State *L);
int store_tools_lines(lua_State *L);
int store_tools_prune(lua_State *L);
int store_ask_nearest(lua_State *L);
int store_ask_select(lua_State *L);

#endif
