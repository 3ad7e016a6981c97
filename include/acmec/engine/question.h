/* question: what a command asks of the network all at once (DNS, TLS, HTTP), each with its answer
 * in its place. For commands that do nothing else meanwhile. */
#ifndef ACMEC_ENGINE_QUESTION_H
#define ACMEC_ENGINE_QUESTION_H

#include <acmec/engine/run.h>

enum question_kind { QUESTION_DNS, QUESTION_TLS, QUESTION_HTTP };

struct question {
    enum question_kind kind;
    struct dns_query dns; /* of these three the one of its kind; owned */
    struct tls_request tls;
    struct http_request http;
    bool asked;
    /* the answer */
    bool answered;
    struct error error;        /* why not; ERR_NETWORK */
    enum http_failure failure; /* the same; CONNECT: nobody answers there at all */
    struct dns_answer records;
    struct tls_report report;
    struct http_response response;
};

struct questions {
    struct question **items;
    size_t count;
};

/* A new one, zeroed, borrowed until questions_release. */
struct question *questions_add(struct questions *questions, enum question_kind kind);
void questions_release(struct questions *questions);

/* Within world_open and world_close. Asks all that were not asked yet, and goes on at once; the
 * answers come while the world is waited for. */
void questions_send(struct run *run, struct questions *questions);
bool questions_are_open(const struct questions *questions);
/* Forgets those that have no answer yet: before questions_release, if there may be such. */
void questions_forget(struct run *run, const struct questions *questions);

/* The same in one: asks all that were not asked yet, and waits for their ends.
 * False: a signal came (run->stop_signal). */
bool questions_ask(struct run *run, struct questions *questions, struct error *err) MUST_USE;

#endif
