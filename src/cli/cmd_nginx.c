#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/cli/crossplane.h>
#include <string.h>

static bool which(struct context *context, struct error *err)
{
    struct option_layers layers = context_layers(context);
    const char *wish = option_layers_text(&layers, OPT_NGINX_CONF);
    AUTO_FREE path = mem_strdup(wish);
    context->report.kind = REPORT_WHICH;
    context->report.command = "nginx which";
    if (path == NULL && !engine_nginx_conf(context->engine, &path, err))
        return false;
    return nginx_which(NULL, path, context->args.operands[1], &context->report.answers, err);
}

static bool parse(struct context *context, struct error *err)
{
    context->report.kind = REPORT_PARSE;
    context->report.command = "nginx parse";
    context->report.crossplane = crossplane_new();
    struct nginx_visitor visitor = crossplane_visitor(context->report.crossplane);
    return nginx_parse(NULL, context->args.operands[1], &visitor, err);
}

bool cmd_nginx(struct context *context, struct error *err)
{
    if (strcmp(context->args.operands[0], "which") == 0)
        return which(context, err);
    return parse(context, err);
}
