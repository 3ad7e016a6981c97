#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>

bool cmd_profiles(struct context *context, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    struct option_layers layers = context_layers(context);
    context->report.kind = REPORT_PROFILES;
    return config_spec(&layers, "", &spec, err) &&
           engine_profiles(context->engine, &spec, &context->report.profiles, err);
}
