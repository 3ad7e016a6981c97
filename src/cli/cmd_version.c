#include <acmec/cli/context.h>

bool cmd_version(struct context *context, struct error *err)
{
    (void)err;
    context->report.kind = REPORT_TEXT;
    context->report.text = BUF(64);
    buf_add_str(&context->report.text, "acmec " ACMEC_VERSION "\n");
    return true;
}
