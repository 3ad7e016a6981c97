#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>
#include <string.h>

static bool show(struct context *context, struct error *err)
{
    context->report.command = "account show";
    return engine_account_show(context->engine, &context->report.accounts, err);
}

static bool register_one(struct context *context, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    struct option_layers layers = context_layers(context);
    context->report.command = "account register";
    return config_spec(&layers, "", &spec, err) &&
           engine_account_register(context->engine, &spec, &context->report.accounts, err);
}

bool cmd_account(struct context *context, struct error *err)
{
    context->report.kind = REPORT_ACCOUNTS;
    if (strcmp(context->args.operands[0], "show") == 0)
        return show(context, err);
    return register_one(context, err);
}
