#include "cmd_issue.h"

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/cli/remember.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static bool exists(struct context *context, const char *name, bool *out, struct error *err)
{
    char **names;
    size_t count;
    if (!engine_list_names(context->engine, &names, &count, err))
        return false;
    *out = false;
    for (size_t i = 0; i < count; i++)
        *out |= strcmp(names[i], name) == 0;
    free_names(names, count);
    return true;
}

static bool share_a_name(const struct identifier_list *a, const struct identifier_list *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (identifier_list_has(b, &a->items[i]))
            return true;
    }
    return false;
}

/* A certificate that is called like the first name but is for others is not to be taken over by
 * chance. */
static bool check_not_taken(struct context *context, const char *name,
                            const struct identifier_list *wanted, struct error *err)
{
    AUTO(outcome_list) found = {0};
    struct spec_source source = {.load = context_load_spec, .ctx = context};
    bool taken;
    if (!exists(context, name, &taken, err))
        return false;
    if (!taken)
        return true;
    if (!engine_list(context->engine, &name, 1, &source, &found, err))
        return false;
    const struct identifier_list *have = &found.items[0].domains;
    if (have->count == 0 || share_a_name(have, wanted))
        return true;
    fail(err, ERR_USAGE, "there is a certificate '%s' already, for %s", name, have->items[0].value);
    return with_hint(err, "--name %s-2 gives the new one a name of its own, --name %s replaces it",
                     name, name);
}

/* Those of the command line: of -d, or in the request of --csr. */
static bool given_names(struct context *context, struct identifier_list *out, struct error *err)
{
    const struct option_set *given = &context->args.set;
    struct option_layers layers = {.sets = {given}, .count = 1};
    const char *csr = option_set_text(given, OPT_CSR);
    if (csr == NULL)
        return config_names(&layers, out, err);
    AUTO(cert_spec) spec = {.csr = mem_strdup(csr)};
    if (!engine_read_csr(context->engine, &spec, err))
        return false;
    *out = spec.names;
    spec.names = (struct identifier_list){0};
    return true;
}

/* The certificate's name (design section 4): --name, that of the same set of names, or the first
 * -d. */
static bool choose_name(struct context *context, char out[static CERT_NAME_MAX + 1],
                        struct error *err)
{
    const struct option_set *given = &context->args.set;
    const char *chosen = option_set_text(given, OPT_NAME);
    if (chosen != NULL) {
        if (!cert_name_check(chosen, err))
            return while_doing(err, "--name");
        (void)snprintf(out, CERT_NAME_MAX + 1, "%s", chosen);
        return true;
    }
    AUTO(identifier_list) names = {0};
    if (!given_names(context, &names, err))
        return false;
    if (names.count == 0) {
        fail(err, ERR_USAGE, "no name is given");
        return with_hint(err, "acmec issue -d example.com");
    }
    bool found;
    if (!engine_find_by_names(context->engine, &names, out, &found, err) || found)
        return found;
    return identifier_cert_name(&names.items[0], out, err) &&
           check_not_taken(context, out, &names, err);
}

bool cmd_issue_spec(struct context *context, struct cert_spec *out, struct error *err)
{
    char name[CERT_NAME_MAX + 1];
    if (!choose_name(context, name, err) || !context_spec(context, name, out, err))
        return false;
    out->name_given = option_set_text(&context->args.set, OPT_NAME) != NULL;
    if (out->names.count > 0)
        return true;
    fail(err, ERR_USAGE, "no name is given for the certificate '%s'", name);
    return with_hint(err, "acmec issue --name %s -d example.com", name);
}

/* The certificate is there: what was asked for is what `renew` shall do, also where a hook failed
 * afterwards. */
static bool is_success(const struct outcome_list *list)
{
    if (list->count != 1)
        return false;
    enum outcome_action action = list->items[0].action;
    return action == ACTION_ISSUED || action == ACTION_RENEWED || action == ACTION_NOT_DUE;
}

bool cmd_issue(struct context *context, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    context->report.kind = REPORT_RUN;
    context->report.by_hand = true;
    if (!cmd_issue_spec(context, &spec, err))
        return false;
    bool issued = engine_issue(context->engine, &spec, &context->report.certificates, err);
    if (context_flag(context, OPT_DRY_RUN) || !is_success(&context->report.certificates))
        return issued;
    struct error store_error;
    if (remember_options(context->engine, &context->args.set, &spec, &store_error))
        return issued;
    if (store_error.hint[0] == 0)
        with_hint(&store_error, "the certificate is in place, but 'acmec renew' would not know its "
                                "options: repeat this command");
    if (issued)
        *err = store_error;
    else
        log_error("%s", store_error.text);
    return false;
}
