/* responder_roles.h: what a program in acmec-responder's place may do: a good one, poor ones, and
 * liars. Each writes what it is told into dir/said: "hello VERSION HTTP TLS", "add TOKEN AUTH",
 * "add-tls TOKEN NAME", "remove TOKEN", a line each. */
#ifndef ACMEC_TESTS_RESPONDER_ROLES_H
#define ACMEC_TESTS_RESPONDER_ROLES_H

#include "fake/fake_worker.h"

#include <acmec/data/wire_responder.h>

static inline void responder_greet(struct fake_worker *worker, const char *version)
{
    wire_responder_put_hello(&worker->out, version, 0, 0);
    fake_worker_flush(worker);
}

static inline void responder_note(const struct fake_worker *worker, const char *line)
{
    const char *slash = strrchr(worker->argv[0], '/');
    AUTO_FREE path = mem_printf("%.*s/said", (int)(slash - worker->argv[0]), worker->argv[0]);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    (void)!write(fd, line, strlen(line));
    (void)close(fd);
}

/* The next ADD's token, other frames noted and passed over. */
static inline void responder_next(struct fake_worker *worker, char token[static WIRE_TOKEN_MAX + 1])
{
    struct wire_hello hello;
    struct wire_answer answer;
    struct wire_tls_answer tls;
    struct span payload;
    char gone[WIRE_TOKEN_MAX + 1];
    for (;;) {
        uint8_t type = fake_worker_read(worker, &payload);
        AUTO_FREE line = NULL;
        token[0] = '\0';
        if (type == WIRE_RESPONDER_HELLO && wire_responder_get_hello(payload, &hello))
            line =
                mem_printf("hello %s %u %u\n", hello.version, hello.listeners, hello.tls_listeners);
        else if (type == WIRE_RESPONDER_REMOVE && wire_responder_get_token(payload, gone))
            line = mem_printf("remove %s\n", gone);
        else if (type == WIRE_RESPONDER_ADD && wire_responder_get_add(payload, &answer))
            line = mem_printf("add %s %s\n", answer.token, answer.key_authorization);
        else if (type == WIRE_RESPONDER_ADD_TLS && wire_responder_get_add_tls(payload, &tls))
            line = mem_printf("add-tls %s %s\n", tls.token, tls.server_name);
        else
            _exit(1);
        responder_note(worker, line);
        if (strncmp(line, "add", 3) == 0) {
            const char *name = type == WIRE_RESPONDER_ADD ? answer.token : tls.token;
            memcpy(token, name, strlen(name) + 1);
            return;
        }
    }
}

static inline void responder_ack(struct fake_worker *worker, const char *token)
{
    wire_responder_put_token(&worker->out, WIRE_RESPONDER_ACK, token);
}

/* ---- roles ---- */

/* Acknowledges each token, and tells of one visit. */
static inline void responder_good(struct fake_worker *worker)
{
    char token[WIRE_TOKEN_MAX + 1];
    responder_greet(worker, ACMEC_VERSION);
    for (;;) {
        responder_next(worker, token);
        responder_ack(worker, token);
        wire_responder_put_hit(&worker->out, token, "192.0.2.1\033");
    }
}

/* A thousand visits, some lines, and words about a token that nobody knows (any more). */
static inline void responder_busy(struct fake_worker *worker)
{
    char token[WIRE_TOKEN_MAX + 1];
    responder_greet(worker, ACMEC_VERSION);
    responder_next(worker, token);
    responder_ack(worker, "unknown");
    wire_responder_put_hit(&worker->out, "unknown", "192.0.2.1");
    wire_responder_put_log(&worker->out, "a \033[2J line");
    for (int i = 0; i < 1000; i++)
        wire_responder_put_hit(&worker->out, token, "192.0.2.1");
    responder_ack(worker, token);
    fake_worker_idle(worker);
}

static inline void responder_ends(struct fake_worker *worker)
{
    char token[WIRE_TOKEN_MAX + 1];
    responder_greet(worker, ACMEC_VERSION);
    responder_next(worker, token);
}

/* The next one that is started is a good one. */
static inline void responder_ends_once(struct fake_worker *worker)
{
    struct place place;
    const char *slash = strrchr(worker->argv[0], '/');
    (void)snprintf(place.dir, sizeof place.dir, "%.*s", (int)(slash - worker->argv[0]),
                   worker->argv[0]);
    responder_ends(worker);
    fake_worker_install(&place, slash + 1, "good");
}

static inline void responder_silent(struct fake_worker *worker)
{
    (void)worker;
    fake_worker_hang();
}

static inline void responder_other_version(struct fake_worker *worker)
{
    responder_greet(worker, "0.0.1");
    fake_worker_idle(worker);
}

static inline void responder_no_hello(struct fake_worker *worker)
{
    wire_responder_put_log(&worker->out, "before all else");
    fake_worker_idle(worker);
}

/* ---- what no responder may say after a good greeting and one ADD ---- */

static inline void responder_lie_ack_twice(struct fake_worker *worker, const char *token)
{
    responder_ack(worker, token);
    responder_ack(worker, token);
}

static inline void responder_lie_hello_twice(struct fake_worker *worker, const char *token)
{
    (void)token;
    wire_responder_put_hello(&worker->out, ACMEC_VERSION, 0, 0);
}

static inline void responder_lie_keepers_word(struct fake_worker *worker, const char *token)
{
    wire_responder_put_token(&worker->out, WIRE_RESPONDER_REMOVE, token);
}

static inline void responder_lie_type(struct fake_worker *worker, const char *token)
{
    (void)token;
    frame_end(&worker->out, frame_begin(&worker->out, 255));
}

static inline void responder_lie_token(struct fake_worker *worker, const char *token)
{
    (void)token;
    responder_ack(worker, "../../etc");
}

static inline void responder_lie_hit(struct fake_worker *worker, const char *token)
{
    AUTO_FREE visitor = mem_new(1, WIRE_VISITOR_MAX + 2);
    memset(visitor, 'x', WIRE_VISITOR_MAX + 1);
    wire_responder_put_hit(&worker->out, token, visitor);
}

static inline void responder_lie_log(struct fake_worker *worker, const char *token)
{
    size_t begin = frame_begin(&worker->out, WIRE_RESPONDER_LOG);
    (void)token;
    frame_put_u32(&worker->out, 1);
    frame_end(&worker->out, begin);
}

static inline void responder_lie_length(struct fake_worker *worker, const char *token)
{
    (void)token;
    frame_put_u32(&worker->out, 0);
}

static const struct {
    const char *role;
    void (*say)(struct fake_worker *worker, const char *token);
} responder_lies[] = {
    {"ack-twice", responder_lie_ack_twice},
    {"hello-twice", responder_lie_hello_twice},
    {"keepers-word", responder_lie_keepers_word},
    {"type", responder_lie_type},
    {"token", responder_lie_token},
    {"hit", responder_lie_hit},
    {"log", responder_lie_log},
    {"length", responder_lie_length},
};
#define RESPONDER_LIES (sizeof responder_lies / sizeof responder_lies[0])

static inline void responder_lie(struct fake_worker *worker)
{
    char token[WIRE_TOKEN_MAX + 1];
    responder_greet(worker, ACMEC_VERSION);
    responder_next(worker, token);
    for (size_t i = 0; i < RESPONDER_LIES; i++)
        if (strcmp(worker->role, responder_lies[i].role) == 0)
            responder_lies[i].say(worker, token);
    fake_worker_idle(worker);
}

static const struct fake_role responder_roles[] = {
    {"good", responder_good},         {"busy", responder_busy},
    {"ends", responder_ends},         {"ends-once", responder_ends_once},
    {"silent", responder_silent},     {"other-version", responder_other_version},
    {"no-hello", responder_no_hello},
};

/* As fake_worker_main. */
static inline void responder_roles_main(int argc, char **argv)
{
    struct fake_role roles[sizeof responder_roles / sizeof responder_roles[0] + RESPONDER_LIES];
    size_t count = sizeof responder_roles / sizeof responder_roles[0];
    memcpy(roles, responder_roles, sizeof responder_roles);
    for (size_t i = 0; i < RESPONDER_LIES; i++)
        roles[count++] = (struct fake_role){responder_lies[i].role, responder_lie};
    fake_worker_main(argc, argv, roles, count);
}

#endif
