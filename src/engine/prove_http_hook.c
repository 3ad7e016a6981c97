/* prove_http_hook: HTTP-01 by a program that publishes the answer somehow (--http-hook). It may do
 * so on another machine: what the local server says proves nothing. */
#include <acmec/engine/proof.h>

#include <acmec/base/cleanup.h>
#include <acmec/engine/proof_script.h>
#include <acmec/engine/records.h>

static bool check(struct run *run, const struct cert_spec *spec, const struct proving *choice,
                  struct error *err)
{
    (void)run;
    (void)spec;
    return proof_script_check(choice, false, err);
}

static void ready(void *ctx, const char *doubt)
{
    (void)doubt;
    proof_answer_ready(ctx);
}

static void failed(void *ctx, const struct error *error)
{
    proof_answer_failed(ctx, error);
}

static bool present(struct run *run, struct proof_answer *answer, bool *is_ready, struct error *err)
{
    AUTO_FREE script = proving_text(answer->choice);
    const struct record_wish wish = {
        .cert = answer->spec->name,
        .stored = {.script = script,
                   .name = answer->identifier.value,
                   .value = answer->key_authorization,
                   .domain = answer->identifier.value,
                   .token = answer->token},
        .script_timeout_s = answer->spec->hook_timeout,
        .listener = {ready, failed, answer},
    };
    (void)err;
    *is_ready = false;
    answer->own = records_put(run->records, &wish);
    return true;
}

static void take_down(struct run *run, struct proof_answer *answer)
{
    (void)run;
    record_drop(answer->own);
}

const struct proof_way prove_http_hook = {
    .challenge_type = "http-01",
    .check = check,
    .present = present,
    .remove = take_down,
};
