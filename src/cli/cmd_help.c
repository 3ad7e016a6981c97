#include <acmec/cli/context.h>
#include <acmec/cli/help.h>

bool cmd_help(struct context *context, struct error *err)
{
    const struct args *args = &context->args;
    const struct command *about = NULL;
    if (args->operand_count > 0) {
        about = command_find(args->operands[0]);
        if (about == NULL)
            return command_unknown(args->operands[0], err);
    }
    context->report.kind = REPORT_TEXT;
    context->report.text = BUF(HELP_MAX);
    help_write(about, &context->report.text);
    return true;
}
