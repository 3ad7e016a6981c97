#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>

bool cmd_delete(struct context *context, struct error *err)
{
    const char *name = context->args.operands[0];
    AUTO(option_set) conf = {0};
    bool found;
    context->report.kind = REPORT_RUN;
    if (!cert_name_check(name, err) || !context_read_conf(context, name, &conf, &found, err))
        return false;
    struct option_layers layers = {
        .sets = {&context->args.set, &conf, &context->weak, &context->defaults}, .count = 4};
    return engine_delete(context->engine, name, option_layers_text(&layers, OPT_NGINX_CONF),
                         &context->report.certificates, err);
}
