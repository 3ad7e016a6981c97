/* prove_webroot: HTTP-01 by a file below a web server's folder (--webroot), tried at home first:
 * the local server is asked for the token before the CA is. */
#include <acmec/engine/proof.h>

#include <acmec/io/webroot.h>

static bool check(struct run *run, const struct cert_spec *spec, const struct proving *choice,
                  struct error *err)
{
    (void)run;
    (void)spec;
    return webroot_check(choice->argument, err);
}

static bool present(struct run *run, struct proof_answer *answer, bool *ready, struct error *err)
{
    struct webroot_answer *file = NULL;
    if (!webroot_put(answer->choice->argument, answer->token, span_str(answer->key_authorization),
                     &file, err))
        return false;
    answer->own = file;
    *ready = false;
    proof_try_home(run, answer,
                   "check that --webroot is the folder from which this name is served");
    return true;
}

static void take_down(struct run *run, struct proof_answer *answer)
{
    (void)run;
    webroot_remove(answer->own);
}

const struct proof_way prove_webroot = {
    .challenge_type = "http-01",
    .check = check,
    .present = present,
    .remove = take_down,
};
