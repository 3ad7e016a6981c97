/* worker: one of acmec's two other programs as a process: started by exec with an empty
 * environment, spoken to in frames over a socketpair, never trusted, never waited for.
 *
 * It knows frames, not what they mean. Whatever is wrong with a worker ends it: worker_step says
 * so, and the caller (io/net_link, io/responder_link) decides whether to start another. */
#ifndef ACMEC_IO_WORKER_H
#define ACMEC_IO_WORKER_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <sys/types.h>

#define WORKER_HELLO_MS 20000

struct worker {
    pid_t pid; /* 0: does not run */
    int fd;
    struct buf in, out;
    bool greeted; /* its HELLO has come */
    int64_t hello_deadline_ms;
    char end_text[256]; /* why it was ended, escaped */
};

struct worker_program {
    const char *name; /* "acmec-net": file, and system user */
    unsigned number;  /* tells the workers' users apart where the system has none for them */
};

/* Starts dir/NAME, or with dir NULL the one beside this binary or in LIBEXECDIR/acmec; passed
 * descriptors become 4 and up. ERR_FILES. */
bool worker_start(struct worker *worker, const struct worker_program *program, const char *dir,
                  const int *passed, size_t passed_count, int64_t now_ms, struct error *err)
    MUST_USE;
/* Ends it at once and waits for its end. Again: nothing. */
void worker_end(struct worker *worker);
/* Lets it end by itself: closes the socket, then ends it if it has not gone within a moment. */
void worker_close(struct worker *worker);

static inline bool worker_runs(const struct worker *worker)
{
    return worker->pid != 0;
}

/* The bits for poll(2). */
short worker_poll_events(const struct worker *worker);

/* The frames of a worker; false: it broke the protocol. */
struct worker_sink {
    /* HELLO comes first: version is what it says. */
    bool (*frame)(void *ctx, uint8_t type, struct span payload);
    void *ctx;
};
/* Writes what waits, reads what came. False: it is over (and has been ended); end_text says why. */
bool worker_step(struct worker *worker, const struct worker_sink *sink, int64_t now_ms);
/* Ends it as broken, with why (static or escaped). */
void worker_fail(struct worker *worker, const char *why);

#endif
