/* progress: what is happening now, on standard error, while the engine works. On a terminal a line
 * per certificate that changes in place and leaves nothing behind; else a line per event. What came
 * of it is told by cli/summary at the end. A write that fails is of no consequence. */
#ifndef ACMEC_CLI_PROGRESS_H
#define ACMEC_CLI_PROGRESS_H

#include <acmec/data/outcome.h>

enum progress_mode {
    PROGRESS_MODE_QUIET,   /* nothing */
    PROGRESS_MODE_NOTICES, /* only what a person should know */
    PROGRESS_MODE_LINES,   /* a line per event */
    PROGRESS_MODE_LIVE     /* a terminal */
};

struct progress;

/* Writes to the descriptor (borrowed), which LIVE takes for a terminal. */
struct progress *progress_new(enum progress_mode mode, int fd);
void progress_free(struct progress *progress); /* NULL is fine; takes the lines down */

struct progress_sink progress_sink(struct progress *progress);

/* Takes the lines down, until the next event. */
void progress_pause(struct progress *progress);

#endif
