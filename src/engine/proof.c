#include <acmec/engine/proof.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>

/* How one name is proved. */
struct use {
    const struct proving *choice; /* of spec */
    const struct proof_way *way;
};

struct proof {
    struct run *run;
    const struct cert_spec *spec;
    struct session *session;
    struct proof_listener listener;
    struct use *uses;   /* one for each name of spec; ways are set by proof_check */
    const char **types; /* the same */
    struct proof_answer **answers;
    size_t count;
};

static const struct proof_way *const ways[PROOF_KIND_COUNT] = {
    [PROOF_STANDALONE] = &prove_responder, [PROOF_WEBROOT] = &prove_webroot,
    [PROOF_TLS_ALPN] = &prove_alpn,        [PROOF_DNS] = &prove_dns,
    [PROOF_STATELESS] = &prove_stateless,  [PROOF_HTTP_HOOK] = &prove_http_hook,
    [PROOF_NGINX] = &prove_nginx,          [PROOF_DNS_PERSIST] = &prove_persist,
};

/* What PROOF_AUTO tries, in this order. */
static const struct proof_way *const auto_ways[] = {&prove_responder};

struct proof *proof_new(struct run *run, const struct cert_spec *spec, struct session *session,
                        const struct proof_listener *listener)
{
    struct proof *proof = mem_new(1, sizeof *proof);
    proof->run = run;
    proof->spec = spec;
    proof->session = session;
    proof->listener = *listener;
    proof->uses = mem_new(spec->names.count + 1, sizeof *proof->uses);
    proof->types = mem_new(spec->names.count + 1, sizeof *proof->types);
    for (size_t i = 0; i < spec->names.count; i++)
        proof->uses[i].choice = cert_spec_proof(spec, &spec->names.items[i]);
    return proof;
}

static void drop(struct proof *proof, struct proof_answer *answer)
{
    if (answer->up)
        answer->way->remove(proof->run, answer);
    exchanges_cancel(proof->run->exchanges, answer);
    free(answer->token);
    free(answer->key_authorization);
    persist_offer_release(&answer->persist);
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
    free(proof->uses);
    free(proof->types);
    free(proof);
}

/* ---- choosing and checking ---- */

static const struct proof_way *way_of(const struct cert_spec *spec, enum proof_kind kind)
{
    bool is_account = kind == PROOF_DNS && spec->dns_proof == PROOF_BY_DNS_ACCOUNT_01;
    return is_account ? &prove_dns_account : ways[kind];
}

static const struct proof_way *choose(const struct proof *proof, const struct identifier *name)
{
    size_t i = 0;
    while (auto_ways[i]->suits != NULL && !auto_ways[i]->suits(proof->run, proof->spec, name))
        i++;
    return auto_ways[i];
}

/* Says once what was chosen where nothing was said. */
static void tell_choice(const struct proof *proof, size_t index)
{
    const struct use *use = &proof->uses[index];
    for (size_t i = 0; i < index; i++)
        if (proof->uses[i].way == use->way && proof->uses[i].choice->kind == PROOF_AUTO)
            return;
    AUTO(buf) text = BUF(ERROR_TEXT_MAX);
    use->way->describe(proof->spec, &text);
    run_progress(proof->run, proof->run->by_hand ? PROGRESS_NOTICE : PROGRESS_STEP,
                 proof->spec->name, "%s", buf_str(&text));
}

static bool check_name(const struct identifier *name, const struct use *use, struct error *err)
{
    const char *type = use->way->challenge_type;
    if (identifier_is_wildcard(name) && !use->way->wildcards) {
        (void)fail(err, ERR_USAGE, "the wildcard '%s' cannot be proved by %s", name->value, type);
        return with_hint(err,
                         "a CA proves wildcards by DNS only: --dns PROVIDER, or for this name "
                         "alone -d '%s=dns:PROVIDER'",
                         name->value);
    }
    if (name->type == IDENTIFIER_IP && use->way->no_addresses) {
        (void)fail(err, ERR_USAGE, "the address '%s' cannot be proved by %s", name->value, type);
        return with_hint(err, "a CA proves addresses by connecting to them only");
    }
    return true;
}

/* Whether an earlier name has the same choice, checked already. */
static bool is_checked(const struct proof *proof, size_t index)
{
    const struct use *use = &proof->uses[index];
    for (size_t i = 0; i < index; i++)
        if (proof->uses[i].way == use->way && proving_equals(proof->uses[i].choice, use->choice))
            return true;
    return false;
}

bool proof_check(struct proof *proof, struct error *err)
{
    const struct identifier_list *names = &proof->spec->names;
    for (size_t i = 0; i < names->count; i++) {
        struct use *use = &proof->uses[i];
        bool is_auto = use->choice->kind == PROOF_AUTO;
        use->way =
            is_auto ? choose(proof, &names->items[i]) : way_of(proof->spec, use->choice->kind);
        proof->types[i] = use->way->challenge_type;
        if (!check_name(&names->items[i], use, err))
            return false;
        if (is_checked(proof, i))
            continue;
        if (is_auto)
            tell_choice(proof, i);
        if (!use->way->check(proof->run, proof->spec, use->choice, err))
            return false;
    }
    return true;
}

const char *const *proof_challenge_types(const struct proof *proof)
{
    return proof->types;
}

static size_t count_watched(const struct proof *proof)
{
    size_t watched = 0;
    for (size_t i = 0; i < proof->spec->names.count; i++)
        watched += proof->uses[i].way != NULL && proof->uses[i].way->watched ? 1 : 0;
    return watched;
}

bool proof_is_watched(const struct proof *proof)
{
    return count_watched(proof) == proof->spec->names.count;
}

bool proof_has_responder(const struct proof *proof)
{
    return count_watched(proof) > 0;
}

/* ---- answers ---- */

void proof_answer_ready(struct proof_answer *answer)
{
    answer->proof->listener.ready(answer->proof->listener.ctx, answer->index);
}

void proof_answer_failed(struct proof_answer *answer, const struct error *error)
{
    answer->proof->listener.failed(answer->proof->listener.ctx, answer->index, error);
}

static const struct use *use_of(const struct proof *proof, const struct identifier *identifier)
{
    const struct identifier_list *names = &proof->spec->names;
    size_t i = 0;
    while (i + 1 < names->count && !identifier_equals(&names->items[i], identifier))
        i++;
    return &proof->uses[i];
}

void proof_present(struct proof *proof, const struct order_action *action)
{
    const struct use *use = use_of(proof, action->identifier);
    struct proof_answer *answer = mem_new(1, sizeof *answer);
    answer->proof = proof;
    answer->way = use->way;
    answer->choice = use->choice;
    answer->spec = proof->spec;
    answer->session = proof->session;
    answer->index = action->index;
    answer->identifier = *action->identifier;
    answer->token = mem_strdup(action->token);
    answer->key_authorization = mem_strdup(action->key_authorization);
    if (action->persist != NULL)
        persist_offer_copy(action->persist, &answer->persist);
    proof->answers = mem_resize(proof->answers, proof->count + 1, sizeof *proof->answers);
    proof->answers[proof->count++] = answer;

    struct error err = {0};
    bool ready = false;
    answer->up = true;
    if (!answer->way->present(proof->run, answer, &ready, &err)) {
        answer->up = false;
        (void)while_doing(&err, "proving '%s'", answer->identifier.value);
        proof_answer_failed(answer, &err);
    } else if (ready) {
        proof_answer_ready(answer);
    }
}

const struct proof_answer *const *proof_answers(const struct proof *proof, size_t *count)
{
    *count = proof->count;
    return (const struct proof_answer *const *)proof->answers;
}

void proof_take_ready(struct proof *proof, const char *token)
{
    for (size_t i = 0; i < proof->count; i++)
        if (strcmp(proof->answers[i]->token, token) == 0)
            proof_answer_ready(proof->answers[i]);
}
