/* lua: where the Lua source of a `*_by_lua_block {` ends, as the scanner of lua-nginx-module finds
 * it: braces count outside of "...", '...' (without raw newlines), long brackets and comments, and
 * a quote without a partner on its line is skipped. Pure. */
#ifndef ACMEC_NGINX_LUA_H
#define ACMEC_NGINX_LUA_H

#include <acmec/base/error.h>
#include <acmec/base/span.h>

/* Whether a directive of this name has Lua source for its block. */
bool lua_is_block(struct span directive);

/* text[from] is the byte after the '{'; *close is where the matching '}' stands. ERR_WEB_SERVER in
 * the module's words without the place; *bad_at is then the offset whose line to name. */
bool lua_find_end(struct span text, size_t from, size_t *close, size_t *bad_at, struct error *err)
    MUST_USE;

#endif
