/* prove_stateless: HTTP-01 by a web server that answers every token with the account's thumbprint
 * (--stateless): there is nothing to put in place, and nothing to take away. */
#include <acmec/engine/proof.h>

static bool check(struct run *run, const struct cert_spec *spec, const struct proving *choice,
                  struct error *err)
{
    (void)run;
    (void)spec;
    (void)choice;
    (void)err;
    return true;
}

static bool present(struct run *run, struct proof_answer *answer, bool *ready, struct error *err)
{
    (void)err;
    *ready = false;
    proof_try_home(run, answer,
                   "the web server must answer TOKEN.THUMBPRINT to every token; 'acmec account "
                   "thumbprint' prints the thumbprint");
    return true;
}

static void take_down(struct run *run, struct proof_answer *answer)
{
    (void)run;
    (void)answer;
}

const struct proof_way prove_stateless = {
    .challenge_type = "http-01",
    .check = check,
    .present = present,
    .remove = take_down,
};
