/* fake_worker.h: this very test program in a worker's place. A role is a function that speaks with
 * the keeper over the socket as acmec-net or acmec-responder would, or as neither ever should.
 *
 * fake_worker_install writes dir/PROGRAM: a script whose interpreter is the test itself. main()
 * begins with fake_worker_main, which does not come back where it runs as that script. */
#ifndef ACMEC_TESTS_FAKE_WORKER_H
#define ACMEC_TESTS_FAKE_WORKER_H

#include "fake/test_place.h"

#include <acmec/base/buf.h>
#include <acmec/data/frame.h>
#include <poll.h>

#define FAKE_WORKER_FD 3

struct fake_worker {
    const char *role;
    char **argv; /* as the keeper gave them: script, uid, gid, parent */
    struct buf in, out;
    size_t used; /* of in, by the frame that was read last */
};

struct fake_role {
    const char *name; /* one word */
    void (*play)(struct fake_worker *worker);
};

/* `place` has PROGRAM play the role from now on. */
static inline void fake_worker_install(const struct place *place, const char *program,
                                       const char *role)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len < 0 ? 0 : len] = '\0';
    AUTO_FREE script = mem_printf("#!%s %s\n", self, role);
    AUTO_FREE path = place_path(place, program);
    AUTO_FREE fresh = mem_printf("%s.new", program);
    AUTO_FREE fresh_path = place_path(place, fresh);
    place_write(place, fresh, script);
    if (chmod(fresh_path, 0755) != 0 || rename(fresh_path, path) != 0) {
        perror(path);
        abort();
    }
}

/* argv of a script: interpreter, role, script, what the keeper gave. */
static inline void fake_worker_main(int argc, char **argv, const struct fake_role *roles,
                                    size_t count)
{
    struct fake_worker worker = {.in = BUF(FRAME_MAX + FRAME_HEAD), .out = BUF(64 * 1024 * 1024)};
    for (size_t i = 0; argc >= 3 && i < count; i++) {
        if (strcmp(argv[1], roles[i].name) != 0)
            continue;
        worker.role = argv[1];
        worker.argv = argv + 2;
        roles[i].play(&worker);
        _exit(0);
    }
    if (argc >= 3)
        _exit(125);
}

/* ---- what a role does ---- */

/* Sends all that waits in worker->out. */
static inline void fake_worker_flush(struct fake_worker *worker)
{
    while (worker->out.len > 0) {
        ssize_t len = write(FAKE_WORKER_FD, worker->out.data, worker->out.len);
        if (len <= 0)
            _exit(0);
        buf_consume(&worker->out, (size_t)len);
    }
}

/* The next frame from the keeper; the program ends where the keeper has gone. */
static inline uint8_t fake_worker_read(struct fake_worker *worker, struct span *payload)
{
    uint8_t type = 0;
    char bytes[65536];
    fake_worker_flush(worker);
    buf_consume(&worker->in, worker->used);
    while (frame_next(buf_span(&worker->in), &type, payload, &worker->used) != FRAME_READY) {
        ssize_t len = read(FAKE_WORKER_FD, bytes, sizeof bytes);
        if (len <= 0)
            _exit(0);
        buf_add(&worker->in, bytes, (size_t)len);
    }
    return type;
}

/* Reads on until a frame of this type has come. */
static inline struct span fake_worker_await(struct fake_worker *worker, uint8_t wanted)
{
    struct span payload;
    while (fake_worker_read(worker, &payload) != wanted)
        ;
    return payload;
}

static inline void fake_worker_send_raw(struct fake_worker *worker, const char *bytes, size_t len)
{
    buf_add(&worker->out, bytes, len);
    fake_worker_flush(worker);
}

/* Until the keeper goes. */
_Noreturn static inline void fake_worker_idle(struct fake_worker *worker)
{
    struct span payload;
    for (;;)
        (void)fake_worker_read(worker, &payload);
}

/* Whatever happens, until it is killed. */
_Noreturn static inline void fake_worker_hang(void)
{
    for (;;)
        (void)poll(NULL, 0, 1000);
}

#endif
