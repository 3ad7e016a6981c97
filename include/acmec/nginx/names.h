/* names: the server names of one listening address, with nginx's precedence: the exact name, the
 * longest `*.x`, the longest `x.*`, then regular expressions in order. Pure.
 *
 * Names are added in the order in which nginx meets them. Of two that conflict the first one stays:
 * equal ones, `.x` after `x` and the reverse, `.x` and `*.x`. As in nginx's ngx_hash_add_key, a
 * `.x` that conflicts with `*.x` still takes the place of a later `x`. */
#ifndef ACMEC_NGINX_NAMES_H
#define ACMEC_NGINX_NAMES_H

#include <acmec/nginx/regex.h>
#include <stddef.h>
#include <stdint.h>

struct names;

enum names_added {
    NAMES_ADDED,
    NAMES_CONFLICT, /* nginx warns and ignores it */
    NAMES_INVALID   /* nginx refuses the configuration */
};

enum names_kind { NAMES_EXACT, NAMES_WILDCARD, NAMES_REGEX, NAMES_NONE, NAMES_UNDECIDED };

struct names *names_new(void);
void names_free(struct names *names);

/* name is lower-cased and borrowed until names_free; value is what names_find gives back. */
enum names_added names_add(struct names *names, struct span name, uint32_t value);
void names_add_regex(struct names *names, const struct regex *borrowed, uint32_t value);

/* What host (lower-cased) finds; *value is set unless NONE. UNDECIDED: *value is the regular
 * expression that could not be decided. `.x` is an exact name for x itself. */
enum names_kind names_find(const struct names *names, struct span host, uint32_t *value);

#endif
