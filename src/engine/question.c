#include <acmec/engine/question.h>

#include <acmec/base/mem.h>
#include <acmec/engine/world.h>
#include <stdlib.h>

struct question *questions_add(struct questions *questions, enum question_kind kind)
{
    questions->items =
        mem_resize(questions->items, questions->count + 1, sizeof(struct question *));
    struct question *question = mem_new(1, sizeof *question);
    question->kind = kind;
    questions->items[questions->count++] = question;
    return question;
}

void questions_release(struct questions *questions)
{
    for (size_t i = 0; i < questions->count; i++) {
        struct question *question = questions->items[i];
        dns_query_release(&question->dns);
        tls_request_release(&question->tls);
        http_request_release(&question->http);
        dns_answer_release(&question->records);
        tls_report_release(&question->report);
        http_response_release(&question->response);
        free(question);
    }
    free(questions->items);
    *questions = (struct questions){0};
}

/* ---- answers; the owner is the question ---- */

static void end(struct question *question, const struct error *error)
{
    question->answered = error == NULL;
    if (error != NULL)
        question->error = *error;
}

static void on_records(void *owner, size_t tag, struct dns_answer *answer)
{
    struct question *question = owner;
    (void)tag;
    question->records = *answer;
    *answer = (struct dns_answer){0};
    end(question, NULL);
}

static void on_no_records(void *owner, size_t tag, const struct error *error)
{
    (void)tag;
    end(owner, error);
}

static void on_report(void *owner, size_t tag, struct tls_report *report)
{
    struct question *question = owner;
    (void)tag;
    question->report = *report;
    *report = (struct tls_report){0};
    end(question, NULL);
}

static void on_no_report(void *owner, size_t tag, enum http_failure failure,
                         const struct error *error)
{
    struct question *question = owner;
    (void)tag;
    question->failure = failure;
    end(question, error);
}

static bool build(void *owner, size_t tag, struct http_request *out, struct error *err)
{
    struct question *question = owner;
    (void)tag;
    (void)err;
    *out = question->http;
    question->http = (struct http_request){0};
    return true;
}

static void on_reply(void *owner, size_t tag, const struct http_response *response)
{
    struct question *question = owner;
    (void)tag;
    question->response.status = response->status;
    question->response.headers = BUF(HTTP_HEADERS_MAX);
    question->response.body = BUF(HTTP_BODY_MAX);
    buf_add_span(&question->response.headers, buf_span(&response->headers));
    buf_add_span(&question->response.body, buf_span(&response->body));
    end(question, NULL);
}

static void on_lost(void *owner, size_t tag, const struct error *error, bool unreachable)
{
    struct question *question = owner;
    (void)tag;
    question->failure = unreachable ? HTTP_FAIL_CONNECT : HTTP_FAIL_LOST;
    end(question, error);
}

static const struct lookup_listener dns_listener = {on_records, on_no_records};
static const struct probe_listener tls_listener = {on_report, on_no_report};
static const struct exchange_ops http_listener = {build, on_reply, on_lost};

/* ---- asking ---- */

static void ask(struct run *run, struct question *question)
{
    struct probe_request probe = {.tls = question->tls, .any_leaf = true};
    struct exchange_request exchange = {
        .ops = &http_listener, .owner = question, .what = "asking the server", .once = true};
    switch (question->kind) {
    case QUESTION_DNS:
        lookup_start(run->lookups, &question->dns, &dns_listener, question, 0);
        break;
    case QUESTION_TLS:
        probe_start(run->probes, &probe, &tls_listener, question, 0);
        break;
    case QUESTION_HTTP:
        exchange_start(run->home, &exchange);
        break;
    }
}

static bool is_open(const struct question *question)
{
    return !question->answered && question->error.code == ERR_NONE;
}

bool questions_are_open(const struct questions *questions)
{
    for (size_t i = 0; i < questions->count; i++)
        if (is_open(questions->items[i]))
            return true;
    return false;
}

void questions_send(struct run *run, struct questions *questions)
{
    for (size_t i = 0; i < questions->count; i++) {
        struct question *question = questions->items[i];
        if (question->asked)
            continue;
        question->asked = true;
        ask(run, question);
    }
}

void questions_forget(struct run *run, const struct questions *questions)
{
    for (size_t i = 0; i < questions->count; i++) {
        lookups_cancel(run->lookups, questions->items[i]);
        probes_cancel(run->probes, questions->items[i]);
        exchanges_cancel(run->exchanges, questions->items[i]);
    }
}

bool questions_ask(struct run *run, struct questions *questions, struct error *err)
{
    questions_send(run, questions);
    while (questions_are_open(questions))
        if (!world_pass(run, INT64_MAX, err)) {
            questions_forget(run, questions);
            return false;
        }
    return world_goes_on(run, err);
}
