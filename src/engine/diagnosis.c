#include <acmec/engine/diagnosis.h>

#include "preflight_private.h"
#include <acmec/base/mem.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 4 /* one is enough to see what is wrong */
#define PROBLEM_PREFIX "urn:ietf:params:acme:error:"

struct diagnosis {
    struct run *run;
    struct diagnosis_case of;
    struct error error;
    struct questions questions;
    struct preflight_name names[NAMES_MAX];
    const char *doubts[NAMES_MAX]; /* of their answers */
    size_t count;
    bool has_addresses; /* the DNS has answered: visits follow */
    int64_t until_ms;
};

/* The CA's words for a proof that it did not find. */
static bool is_of_a_proof(const struct error *error)
{
    static const char *const types[] = {"connection", "unauthorized", "incorrectResponse",
                                        "dns",        "caa",          "tls"};
    const char *type = error->acme_type;
    size_t len = strlen(PROBLEM_PREFIX);
    if (error->code != ERR_REFUSED || strncmp(type, PROBLEM_PREFIX, len) != 0)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type + len, types[i]) == 0)
            return true;
    return false;
}

static void add_name(struct diagnosis *diagnosis, const struct proof_answer *answer)
{
    diagnosis->doubts[diagnosis->count] = answer->doubt;
    struct preflight_name *name = &diagnosis->names[diagnosis->count++];
    *name = (struct preflight_name){
        .name = &answer->identifier,
        .base = answer->identifier.value + (identifier_is_wildcard(&answer->identifier) ? 2 : 0),
        .method = answer->way->challenge_type,
        .token = answer->token, /* borrowed, as the proof is */
        .key_authorization = answer->key_authorization,
        .is_ready = true,
        .by_hook = answer->choice->kind == PROOF_HTTP_HOOK,
    };
    preflight_ask_name(name, diagnosis->run->settings->dns_server, &diagnosis->questions);
}

/* The names that the error speaks of, else the first ones. */
static void choose_names(struct diagnosis *diagnosis)
{
    const struct diagnosis_case *of = &diagnosis->of;
    for (int any = 0; any < 2 && diagnosis->count == 0; any++)
        for (size_t i = 0; i < of->answer_count && diagnosis->count < NAMES_MAX; i++)
            if (any == 1 || strstr(diagnosis->error.text, of->answers[i]->identifier.value) != NULL)
                add_name(diagnosis, of->answers[i]);
}

struct diagnosis *diagnosis_new(struct run *run, const struct diagnosis_case *of,
                                const struct error *error)
{
    if (of->answer_count == 0 || !is_of_a_proof(error))
        return NULL;
    struct diagnosis *diagnosis = mem_new(1, sizeof *diagnosis);
    diagnosis->run = run;
    diagnosis->of = *of;
    diagnosis->error = *error;
    diagnosis->until_ms = run_now_ms(run) + DIAGNOSIS_WITHIN_MS;
    choose_names(diagnosis);
    questions_send(run, &diagnosis->questions);
    return diagnosis;
}

void diagnosis_free(struct diagnosis *diagnosis)
{
    if (diagnosis == NULL)
        return;
    questions_forget(diagnosis->run, &diagnosis->questions);
    questions_release(&diagnosis->questions);
    free(diagnosis);
}

/* ---- what is wrong ---- */

static void judge_name(const struct diagnosis *diagnosis, const struct preflight_name *name,
                       struct preflight_rows *rows)
{
    if (name->a != NULL)
        preflight_judge_address(name, rows);
    if (name->levels > 0)
        preflight_judge_caa(name, diagnosis->of.identities, diagnosis->of.account_url, rows);
    for (size_t i = 0; i < name->visit_count; i++)
        preflight_judge_visit(name, &name->visits[i], rows);
}

/* What was not sure of the record when the CA was asked; NULL: nothing, or CAA is the matter. */
static const char *doubt_of(const struct diagnosis *diagnosis, const struct identifier **name)
{
    for (size_t i = 0; i < diagnosis->count; i++) {
        *name = diagnosis->names[i].name;
        if (diagnosis->doubts[i] != NULL &&
            strcmp(diagnosis->error.acme_type, PROBLEM_PREFIX "caa") != 0)
            return diagnosis->doubts[i];
    }
    return NULL;
}

static const struct preflight_row *find_red(const struct preflight_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!rows->items[i].ok)
            return &rows->items[i];
    return NULL;
}

static void conclude(struct diagnosis *diagnosis)
{
    struct preflight_rows rows = {0};
    const struct identifier *name = NULL;
    const char *doubt = doubt_of(diagnosis, &name);
    for (size_t i = 0; i < diagnosis->count; i++)
        judge_name(diagnosis, &diagnosis->names[i], &rows);
    const struct preflight_row *red = find_red(&rows);
    if (doubt != NULL)
        (void)with_hint(&diagnosis->error, "the record that proves '%s' %s", name->value, doubt);
    else if (red != NULL)
        (void)with_hint(&diagnosis->error, "%s", red->detail);
    preflight_rows_release(&rows);
}

/* ---- one round after the other ---- */

static bool ask_more(struct diagnosis *diagnosis)
{
    bool more = false;
    for (size_t i = 0; i < diagnosis->count; i++) {
        struct preflight_name *name = &diagnosis->names[i];
        if (!diagnosis->has_addresses && preflight_is_visited(name))
            preflight_find_visits(name);
        for (size_t j = 0; j < name->visit_count; j++)
            more |= preflight_visit_on(diagnosis->of.spec, name, &name->visits[j],
                                       &diagnosis->questions);
    }
    diagnosis->has_addresses = true;
    questions_send(diagnosis->run, &diagnosis->questions);
    return more;
}

int64_t diagnosis_step(struct diagnosis *diagnosis)
{
    if (run_now_ms(diagnosis->run) >= diagnosis->until_ms)
        return 0; /* too late: what was said is all that is known */
    if (questions_are_open(&diagnosis->questions) || ask_more(diagnosis))
        return diagnosis->until_ms;
    conclude(diagnosis);
    return 0;
}

const struct error *diagnosis_error(const struct diagnosis *diagnosis)
{
    return &diagnosis->error;
}
