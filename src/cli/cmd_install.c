#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>
#include <acmec/cli/remember.h>
#include <acmec/engine/engine.h>

#define DIFF_MAX (64 * 1024 * 1024)

static bool check_server(struct context *context, struct error *err)
{
    const char *name = context->args.operands[0];
    bool nginx = context_flag(context, OPT_NGINX);
    option_set_drop(&context->args.set, OPT_NGINX); /* here it says nothing of the proof */
    if (nginx)
        return cert_name_check(name, err);
    (void)fail(err, ERR_USAGE, "into which web server is not said");
    return with_hint(err, "acmec %s %s --nginx", context->args.command->name, name);
}

/* What was asked for by hand is what `renew` goes on doing. */
static bool remember(struct context *context, const struct cert_spec *spec, enum option_id id,
                     const char *value, struct error *err)
{
    struct option_set *given = &context->args.set;
    option_set_drop(given, OPT_NO_INSTALL);
    return (id == OPT_NO_INSTALL || option_set_add(given, id, value, 0, err)) &&
           option_set_add(given, OPT_NO_INSTALL, id == OPT_NO_INSTALL ? value : "no", 0, err) &&
           remember_options(context->engine, given, spec, err);
}

static bool is_done(const struct context *context)
{
    const struct outcome_list *list = &context->report.certificates;
    return list->count == 1 && list->items[0].error.code == ERR_NONE;
}

bool cmd_install(struct context *context, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    AUTO(buf) diff = BUF(DIFF_MAX);
    bool only_diff = context_flag(context, OPT_DIFF);
    context->report.kind = REPORT_RUN;
    context->report.by_hand = true;
    if (!check_server(context, err) ||
        !context_load_spec(context, context->args.operands[0], &spec, err))
        return false;
    spec.nginx.install = true;
    if (!engine_install(context->engine, &spec, only_diff ? &diff : NULL,
                        &context->report.certificates, err))
        return false;
    if (!only_diff)
        return !is_done(context) || remember(context, &spec, OPT_INSTALL, "nginx", err);
    if (is_done(context))
        context->report.kind = REPORT_DIFF;
    buf_release(&context->report.text);
    context->report.text = diff;
    diff = (struct buf){0};
    return true;
}

/* Also what a first order that failed has left: there is no certificate then, and nothing that
 * would be renewed. */
bool cmd_uninstall(struct context *context, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    context->report.kind = REPORT_RUN;
    context->report.by_hand = true;
    return check_server(context, err) &&
           context_spec(context, context->args.operands[0], &spec, err) &&
           engine_uninstall(context->engine, &spec, &context->report.certificates, err) &&
           (!is_done(context) || spec.names.count == 0 ||
            remember(context, &spec, OPT_NO_INSTALL, "yes", err));
}
