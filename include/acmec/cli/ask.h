/* ask: questions to a person at a terminal. Without one there are none: the engine then gets no
 * functions to ask with. */
#ifndef ACMEC_CLI_ASK_H
#define ACMEC_CLI_ASK_H

#include <acmec/cli/progress.h>
#include <acmec/engine/engine.h>

#define ASK_ANSWER_MAX 512

struct ask {
    int in, out;               /* borrowed: standard input and standard error */
    struct progress *progress; /* borrowed, or NULL; paused while a question is open */
    bool yes;                  /* --yes: every question is answered without asking */
};

/* Functions that answer through ask (borrowed); NULL functions where in or out is no terminal. */
struct engine_questions ask_questions(struct ask *ask);

/* What they are, on any two descriptors. A signal that waits (INT, TERM, HUP), the end of input and
 * anything but y or yes count as no. */
bool ask_confirm(void *ctx, const char *question);
/* Owned, trimmed, at most ASK_ANSWER_MAX bytes; NULL: no answer. */
char *ask_line(void *ctx, const char *question);

#endif
