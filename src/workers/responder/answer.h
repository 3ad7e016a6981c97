/* answer: what the responder says to a stranger: the tokens it was handed, and nothing else. Pure.
 */
#ifndef ACMEC_RESPONDER_ANSWER_H
#define ACMEC_RESPONDER_ANSWER_H

#include <acmec/data/wire_responder.h>

#define ANSWERS_MAX 65536

struct answers {
    struct wire_answer **items; /* owned */
    size_t count;
};

void answers_release(struct answers *answers);
/* Adds or replaces; false: there are ANSWERS_MAX already. */
bool answers_add(struct answers *answers, const struct wire_answer *answer) MUST_USE;
void answers_remove(struct answers *answers, const char *token);

/* The answer for a request's target as it came ("/.well-known/acme-challenge/TOKEN", a query is
 * ignored), or NULL: 404. */
const struct wire_answer *answers_find(const struct answers *answers, const char *target);

#endif
