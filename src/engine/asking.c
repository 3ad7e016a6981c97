#include <acmec/engine/asking.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/due.h>

static void ask_for_all(struct asking *asking)
{
    identifier_list_release(&asking->asked.names);
    identifier_list_release(&asking->dropped);
    asking->asked = *asking->wanted;
    asking->asked.names = (struct identifier_list){0};
    identifier_list_copy(&asking->wanted->names, &asking->asked.names);
}

void asking_start(struct asking *asking, const struct cert_spec *wanted)
{
    *asking = (struct asking){.wanted = wanted};
    ask_for_all(asking);
}

void asking_release(struct asking *asking)
{
    identifier_list_release(&asking->asked.names);
    identifier_list_release(&asking->dropped);
    *asking = (struct asking){0};
}

/* ---- CAs ---- */

static void put_failure(const struct asking *asking, const struct run *run,
                        const struct error *error, struct outcome *outcome)
{
    outcome_add_ca_failure(outcome, authority_url_for(run, &asking->wanted->cas[asking->ca]),
                           error);
}

/* Whether the nth is to be asked, or says to wait (held). A dry run asks all the same. */
static bool may_ask(const struct asking *asking, const struct run *run,
                    const struct cert_state *state, size_t nth, struct error *held)
{
    return run->settings->dry_run || !due_ca_is_limited(run, asking->wanted, nth, state, held);
}

static bool find_next(const struct asking *asking, const struct run *run,
                      const struct cert_state *state, size_t *next)
{
    for (size_t i = asking->ca + 1; i < asking->wanted->ca_count; i++) {
        struct error held = {0};
        if (may_ask(asking, run, state, i, &held)) {
            *next = i;
            return true;
        }
    }
    return false;
}

void asking_choose_ca(struct asking *asking, const struct run *run, const struct cert_state *state,
                      struct outcome *outcome)
{
    struct error held = {0};
    size_t next;
    if (!asking->is_chosen && !may_ask(asking, run, state, 0, &held) &&
        find_next(asking, run, state, &next)) {
        put_failure(asking, run, &held, outcome);
        asking->ca = next;
    }
    asking->is_chosen = true;
}

/* Whether what happened is the CA's own doing, so that another one may do better. What a person has
 * to mend first is not, but for terms that changed since they were agreed to. */
static bool is_of_ca(const struct error *error)
{
    return error->code == ERR_NETWORK || error->code == ERR_RATE_LIMITED ||
           error->code == ERR_REFUSED ||
           (error->code == ERR_USAGE && strstr(error->acme_type, ":userActionRequired") != NULL);
}

bool asking_next_ca(struct asking *asking, const struct run *run, const struct cert_state *state,
                    const struct error *error, struct outcome *outcome)
{
    const struct ca_choice *cas = asking->wanted->cas;
    size_t next;
    if (asking->wanted->ca_count < 2 || !is_of_ca(error))
        return false;
    put_failure(asking, run, error, outcome);
    if (!find_next(asking, run, state, &next))
        return false;
    log_info("%s: '%s' is asked instead of '%s': %s", asking->wanted->name, cas[next].directory_url,
             cas[asking->ca].directory_url, error->text);
    asking->ca = next;
    ask_for_all(asking);
    return true;
}

/* ---- names ---- */

static void tell(const struct asking *asking, const struct run *run, const struct error *error)
{
    AUTO(buf) text = BUF(512);
    for (size_t i = 0; i < asking->dropped.count; i++)
        buf_addf(&text, "%s%s", i == 0 ? "" : ", ", asking->dropped.items[i].value);
    run_progress(run, PROGRESS_NOTICE, asking->wanted->name, "goes on without %s: %s",
                 buf_ok(&text) ? buf_str(&text) : "many names", error->text);
}

bool asking_leave_out(struct asking *asking, const struct run *run,
                      const struct identifier_list *failed, const struct error *error)
{
    AUTO(identifier_list) left = {0};
    const struct identifier_list *names = &asking->asked.names;
    if (!asking->wanted->allow_subset || asking->wanted->csr != NULL)
        return false;
    for (size_t i = 0; i < names->count; i++)
        if (!identifier_list_has(failed, &names->items[i]))
            (void)identifier_list_add(&left, &names->items[i]);
    if (left.count == 0 || left.count == names->count)
        return false;
    for (size_t i = 0; i < names->count; i++)
        if (!identifier_list_has(&left, &names->items[i]))
            (void)identifier_list_add(&asking->dropped, &names->items[i]);
    identifier_list_release(&asking->asked.names);
    asking->asked.names = left;
    left = (struct identifier_list){0};
    tell(asking, run, error);
    return true;
}
