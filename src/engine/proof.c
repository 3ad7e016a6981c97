#include <acmec/engine/proof.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>

struct proof {
    struct run *run;
    const struct cert_spec *spec;
    const struct proof_way *way;
    struct proof_listener listener;
    struct proof_answer **answers;
    size_t count;
};

static const struct proof_way *const ways[PROOF_KIND_COUNT] = {
    [PROOF_AUTO] = &prove_responder,
    [PROOF_STANDALONE] = &prove_responder,
    [PROOF_WEBROOT] = &prove_webroot,
};

struct proof *proof_new(struct run *run, const struct cert_spec *spec,
                        const struct proof_listener *listener)
{
    struct proof *proof = mem_new(1, sizeof *proof);
    proof->run = run;
    proof->spec = spec;
    proof->way = ways[spec->proof];
    proof->listener = *listener;
    return proof;
}

static void drop(struct proof *proof, struct proof_answer *answer)
{
    if (answer->up)
        proof->way->remove(proof->run, answer);
    exchanges_cancel(proof->run->exchanges, answer);
    free(answer->token);
    free(answer->key_authorization);
    free(answer);
}

void proof_clear(struct proof *proof)
{
    for (size_t i = 0; i < proof->count; i++)
        drop(proof, proof->answers[i]);
    free(proof->answers);
    proof->answers = NULL;
    proof->count = 0;
}

void proof_free(struct proof *proof)
{
    if (proof == NULL)
        return;
    proof_clear(proof);
    free(proof);
}

bool proof_is_watched(const struct proof *proof)
{
    return proof->way->watched;
}

bool proof_check(struct proof *proof, struct error *err)
{
    const struct identifier_list *names = &proof->spec->names;
    for (size_t i = 0; i < names->count; i++) {
        if (!identifier_is_wildcard(&names->items[i]))
            continue;
        (void)fail(err, ERR_USAGE, "the wildcard '%s' cannot be proved over HTTP",
                   names->items[i].value);
        return with_hint(err, "a CA proves wildcards by DNS only: ask for the single names, or use "
                              "a client that can change your DNS zone");
    }
    return proof->way->check(proof->run, proof->spec, err);
}

void proof_answer_ready(struct proof_answer *answer)
{
    answer->proof->listener.ready(answer->proof->listener.ctx, answer->index);
}

void proof_answer_failed(struct proof_answer *answer, const struct error *error)
{
    answer->proof->listener.failed(answer->proof->listener.ctx, answer->index, error);
}

void proof_present(struct proof *proof, size_t index, const struct identifier *identifier,
                   const char *token, const char *key_authorization)
{
    struct proof_answer *answer = mem_new(1, sizeof *answer);
    answer->proof = proof;
    answer->spec = proof->spec;
    answer->index = index;
    answer->identifier = *identifier;
    answer->token = mem_strdup(token);
    answer->key_authorization = mem_strdup(key_authorization);
    proof->answers = mem_resize(proof->answers, proof->count + 1, sizeof *proof->answers);
    proof->answers[proof->count++] = answer;

    struct error err = {0};
    bool ready = false;
    answer->up = true;
    if (!proof->way->present(proof->run, proof->spec, answer, &ready, &err)) {
        answer->up = false;
        (void)while_doing(&err, "proving '%s'", identifier->value);
        proof_answer_failed(answer, &err);
    } else if (ready) {
        proof_answer_ready(answer);
    }
}

void proof_take_ready(struct proof *proof, const char *token)
{
    for (size_t i = 0; i < proof->count; i++)
        if (strcmp(proof->answers[i]->token, token) == 0)
            proof_answer_ready(proof->answers[i]);
}
