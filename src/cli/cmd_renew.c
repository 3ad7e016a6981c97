#include <acmec/cli/context.h>

#include <acmec/data/timefmt.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>

/* What would change the certificate or its CA is the certificate's own: there, the command line
 * only fills gaps. */
static void weaken(struct context *context)
{
    static const enum option_id own[] = {OPT_SERVER, OPT_STAGING, OPT_ACCOUNT};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        option_set_move(&context->args.set, &context->weak, own[i]);
}

/* A machine that renews at the full hour waits with many others: --jitter spreads them. Nothing has
 * begun yet, so a signal simply ends the program. */
static void wait_jitter(struct context *context)
{
    struct option_layers layers = context_layers(context);
    int64_t limit_ms = 1000 * option_layers_number(&layers, OPT_JITTER, 0);
    uint32_t random;
    if (limit_ms == 0 || context_flag(context, OPT_DRY_RUN) ||
        getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return;
    int wait_ms = (int)(random % (uint64_t)limit_ms);
    char detail[64];
    (void)snprintf(detail, sizeof detail, "waiting %d s (--jitter)", wait_ms / 1000);
    struct progress_event event = {.kind = PROGRESS_STEP, .name = "renew", .detail = detail};
    struct progress_sink sink = progress_sink(context->progress);
    sink.event(sink.ctx, &event);
    (void)poll(NULL, 0, wait_ms);
    struct outcome outcome = {0};
    sink.event(sink.ctx, &(struct progress_event){
                             .kind = PROGRESS_FINISHED, .name = "renew", .outcome = &outcome});
}

bool cmd_renew(struct context *context, struct error *err)
{
    const struct args *args = &context->args;
    struct spec_source source = {.load = context_load_spec, .ctx = context};
    context->report.kind = REPORT_RUN;
    for (size_t i = 0; i < args->operand_count; i++) {
        if (!cert_name_check(args->operands[i], err))
            return false;
    }
    weaken(context);
    wait_jitter(context);
    return engine_renew(context->engine, args->operands, args->operand_count, &source,
                        &context->report.certificates, err);
}
