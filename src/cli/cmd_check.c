#include <acmec/cli/context.h>

#include <acmec/base/mem.h>
#include <stdlib.h>

static bool read_places(const struct context *context, struct check_place *out, struct error *err)
{
    for (size_t i = 0; i < context->args.operand_count; i++)
        if (!check_place_parse(context->args.operands[i], CHECK_PORT_DEFAULT, &out[i], err))
            return false;
    return true;
}

bool cmd_check(struct context *context, struct error *err)
{
    struct option_layers layers = context_layers(context);
    struct check_place *places = mem_new(context->args.operand_count, sizeof *places);
    struct check_request request = {
        .places = places,
        .count = context->args.operand_count,
        .ca_bundle = option_layers_text(&layers, OPT_CA_BUNDLE),
        .explain = context_flag(context, OPT_EXPLAIN),
    };
    context->report.kind = REPORT_CHECK;
    bool good = read_places(context, places, err) &&
                engine_check(context->engine, &request, &context->report.targets, err);
    free(places);
    return good;
}
