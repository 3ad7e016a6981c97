/* regex: regular expressions as nginx compiles and matches those of server_name: by PCRE2, without
 * UTF, anchored nowhere; one with an upper-case letter in it ignores case. The only room with
 * PCRE2. Pure. */
#ifndef ACMEC_NGINX_REGEX_H
#define ACMEC_NGINX_REGEX_H

#include <acmec/base/error.h>
#include <acmec/base/span.h>

/* What one match may cost; nginx allows itself more, so that one which hits a limit is undecided
 * here, not refused. */
#define REGEX_MATCH_LIMIT 1000000
#define REGEX_DEPTH_LIMIT 10000
#define REGEX_HEAP_LIMIT_KIB 16384

struct regex;

enum regex_result { REGEX_NO, REGEX_YES, REGEX_UNDECIDED };

/* pattern without the '~'. ERR_WEB_SERVER in nginx's words, without the place. */
bool regex_compile(struct span pattern, struct regex **out, struct error *err) MUST_USE;
void regex_free(struct regex *regex);
enum regex_result regex_match(const struct regex *regex, struct span text);

#endif
