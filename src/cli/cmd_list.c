#include <acmec/cli/context.h>

bool cmd_list(struct context *context, struct error *err)
{
    const struct args *args = &context->args;
    struct spec_source source = {.load = context_load_spec, .ctx = context};
    context->report.kind = args->operand_count == 0 ? REPORT_LIST : REPORT_DETAIL;
    for (size_t i = 0; i < args->operand_count; i++) {
        if (!cert_name_check(args->operands[i], err))
            return false;
    }
    return engine_list(context->engine, args->operands, args->operand_count, &source,
                       &context->report.certificates, err);
}
