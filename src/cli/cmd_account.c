#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/data/escape.h>
#include <stdlib.h>
#include <string.h>

/* Whether the command line chooses an account; acmec.conf says what certificates are ordered with,
 * not what a person wants to look at. */
static bool is_chosen(const struct context *context)
{
    return option_set_text(&context->args.set, OPT_SERVER) != NULL ||
           option_set_text(&context->args.set, OPT_STAGING) != NULL ||
           option_set_text(&context->args.set, OPT_ACCOUNT) != NULL;
}

static bool make_spec(struct context *context, struct cert_spec *out, struct error *err)
{
    struct option_layers layers = context_layers(context);
    return config_spec(&layers, "", out, err);
}

static bool act(struct context *context, enum account_act which, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    if (!make_spec(context, &spec, err))
        return false;
    if (which == ACCOUNT_ACT_UPDATE && spec.email == NULL) {
        fail(err, ERR_USAGE, "no contact is given");
        return with_hint(err, "say --email ADDRESS");
    }
    return engine_account_act(context->engine, which, &spec, &context->report.accounts, err);
}

static bool show(struct context *context, struct error *err)
{
    if (is_chosen(context))
        return act(context, ACCOUNT_ACT_ASK, err);
    return engine_account_show(context->engine, &context->report.accounts, err);
}

static bool register_one(struct context *context, struct error *err)
{
    return act(context, ACCOUNT_ACT_REGISTER, err);
}

static bool update(struct context *context, struct error *err)
{
    return act(context, ACCOUNT_ACT_UPDATE, err);
}

/* ---- rollover ---- */

static bool is_stateless_with(struct context *context, const char *name,
                              const struct account_view *account)
{
    AUTO(cert_spec) spec = {0};
    struct error ignored = {0};
    return context_load_spec(context, name, &spec, &ignored) &&
           cert_spec_uses(&spec, PROOF_STATELESS) && strcmp(spec.account, account->account) == 0 &&
           cert_spec_has_ca(&spec, account->ca);
}

/* Web servers that answer by themselves know the thumbprint of the old key. */
static void warn_stateless(struct context *context, const struct account_view *account)
{
    char **names = NULL;
    size_t count = 0;
    struct error ignored = {0};
    if (!engine_list_names(context->engine, &names, &count, &ignored))
        return;
    for (size_t i = 0; i < count; i++) {
        if (is_stateless_with(context, names[i], account))
            log_warn("%s: --stateless: its web server must answer with the new thumbprint %s",
                     names[i], account->thumbprint);
        free(names[i]);
    }
    free(names);
}

static bool roll_over(struct context *context, struct error *err)
{
    const struct account_views *views = &context->report.accounts;
    if (!act(context, ACCOUNT_ACT_ROLLOVER, err))
        return false;
    if (views->count > 0)
        warn_stateless(context, &views->items[0]);
    return true;
}

static bool deactivate(struct context *context, struct error *err)
{
    return act(context, ACCOUNT_ACT_DEACTIVATE, err);
}

/* ---- thumbprint ---- */

static void keep_only(struct account_views *views, size_t index)
{
    struct account_view kept = views->items[index];
    views->items[index] = views->items[views->count - 1];
    views->count--;
    account_views_release(views);
    account_views_add(views, &kept);
}

/* The account that is chosen, or the only one that there is. */
static bool thumbprint(struct context *context, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    struct account_views *views = &context->report.accounts;
    bool chosen = is_chosen(context);
    context->report.kind = REPORT_THUMBPRINT;
    if (!make_spec(context, &spec, err) || !engine_account_show(context->engine, views, err))
        return false;
    size_t found = 0, index = 0;
    for (size_t i = 0; i < views->count; i++) {
        const struct account_view *view = &views->items[i];
        if (!chosen || (strcmp(view->ca, spec.cas[0].directory_url) == 0 &&
                        strcmp(view->account, spec.account) == 0)) {
            found++;
            index = i;
        }
    }
    if (found == 1) {
        keep_only(views, index);
        return true;
    }
    account_views_release(views);
    if (found > 1) {
        fail(err, ERR_USAGE, "there are %zu accounts", found);
        return with_hint(err, "--server and --account say which");
    }
    fail(err, ERR_USAGE, "there is no account '%s' at %s", spec.account,
         escaped_str(spec.cas[0].directory_url).text);
    return with_hint(err, "'acmec account register' makes one");
}

static const struct {
    const char *word;
    const char *command; /* in JSON */
    command_handler handler;
} words[] = {
    {"show", "account show", show},
    {"register", "account register", register_one},
    {"update", "account update", update},
    {"rollover", "account rollover", roll_over},
    {"deactivate", "account deactivate", deactivate},
    {"thumbprint", "account thumbprint", thumbprint},
};

bool cmd_account(struct context *context, struct error *err)
{
    context->report.kind = REPORT_ACCOUNTS;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(context->args.operands[0], words[i].word) == 0) {
            context->report.command = words[i].command;
            return words[i].handler(context, err);
        }
    }
    return fail(err, ERR_USAGE, "unknown word '%s'", escaped_str(context->args.operands[0]).text);
}
