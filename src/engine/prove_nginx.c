/* prove_nginx: HTTP-01 by a file that nginx serves (--nginx). The way to it was put into nginx's
 * configuration before the first order (engine/nginx_run); here only files come and go. Tried at
 * home first. */
#include <acmec/engine/proof.h>

#include <acmec/base/mem.h>
#include <acmec/engine/nginx_run.h>
#include <acmec/io/webroot.h>
#include <stdlib.h>

/* The answer in each folder from which some address of the name is served. */
struct answers {
    struct webroot_answer **items;
    size_t count;
};

static bool check(struct run *run, const struct cert_spec *spec, const struct proving *choice,
                  struct error *err)
{
    size_t count = 0;
    char *const *roots = nginx_run_roots(run->nginx, spec, &count);
    (void)choice;
    if (nginx_run_lacks_way(run->nginx, spec))
        return true;
    for (size_t i = 0; i < count; i++)
        if (!webroot_check(roots[i], err))
            return false;
    return count > 0 ||
           fail(err, ERR_WEB_SERVER, "nginx has no way to an answer for '%s'", spec->name);
}

static void take_down(struct run *run, struct proof_answer *answer)
{
    struct answers *answers = answer->own;
    (void)run;
    for (size_t i = 0; answers != NULL && i < answers->count; i++)
        webroot_remove(answers->items[i]);
    if (answers != NULL)
        free(answers->items);
    free(answers);
    answer->own = NULL;
}

static bool present(struct run *run, struct proof_answer *answer, bool *ready, struct error *err)
{
    size_t count = 0;
    char *const *roots = nginx_run_roots(run->nginx, answer->spec, &count);
    struct answers *answers = mem_new(1, sizeof *answers);
    answers->items = mem_new(count + 1, sizeof *answers->items);
    answer->own = answers;
    for (size_t i = 0; i < count; i++) {
        if (!webroot_put(roots[i], answer->token, span_str(answer->key_authorization),
                         &answers->items[answers->count], err)) {
            take_down(run, answer);
            return false;
        }
        answers->count++;
    }
    *ready = false;
    proof_try_home(run, answer, "look at 'acmec nginx which' for the name: another server answers");
    return true;
}

const struct proof_way prove_nginx = {
    .challenge_type = "http-01",
    .check = check,
    .present = present,
    .remove = take_down,
};
