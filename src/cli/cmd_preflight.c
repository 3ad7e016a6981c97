#include "cmd_issue.h"

#include <acmec/base/cleanup.h>

bool cmd_preflight(struct context *context, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    struct option_layers layers = context_layers(context);
    struct preflight_request request = {
        .spec = &spec,
        .nginx_conf = option_layers_text(&layers, OPT_NGINX_CONF),
    };
    context->report.kind = REPORT_PREFLIGHT;
    return cmd_issue_spec(context, &spec, err) &&
           engine_preflight(context->engine, &request, &context->report.checks, err);
}
