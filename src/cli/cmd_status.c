#include <acmec/cli/context.h>

bool cmd_status(struct context *context, struct error *err)
{
    struct spec_source source = {.load = context_load_spec, .ctx = context};
    context->report.kind = REPORT_STATUS;
    return engine_list(context->engine, NULL, 0, &source, &context->report.certificates, err);
}
