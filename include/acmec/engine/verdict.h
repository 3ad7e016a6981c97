/* verdict: how a hook or script has ended, in words. */
#ifndef ACMEC_ENGINE_VERDICT_H
#define ACMEC_ENGINE_VERDICT_H

#include <acmec/data/ports.h>

/* Logs the last words of a child and says whether it ended well; else ERR_HOOK with them. what:
 * "the deploy hook '/etc/x'", escaped. */
bool verdict(const char *what, const struct spawn_result *result, struct error *err) MUST_USE;

#endif
