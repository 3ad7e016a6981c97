#include <acmec/cli/completion.h>
#include <acmec/cli/context.h>

bool cmd_completion(struct context *context, struct error *err)
{
    context->report.kind = REPORT_TEXT;
    context->report.text = BUF(COMPLETION_MAX);
    return completion_write(context->args.operands[0], &context->report.text, err);
}
