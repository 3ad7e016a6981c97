#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <signal.h>
#include <sys/random.h>
#include <time.h>

/* What would change the certificate or its CA is the certificate's own: there, the command line
 * only fills gaps. */
static void weaken(struct context *context)
{
    static const enum option_id own[] = {OPT_SERVER, OPT_STAGING, OPT_ACCOUNT};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        option_set_move(&context->args.set, &context->weak, own[i]);
}

/* Waits, unless a signal comes first. */
static bool wait_for(int64_t wait_ms, struct error *err)
{
    const struct timespec limit = {wait_ms / 1000, (wait_ms % 1000) * 1000000};
    sigset_t signals;
    sigset_t before;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, &before);
    int number = sigtimedwait(&signals, NULL, &limit);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (number < 0)
        return true;
    return fail(err, number == SIGTERM ? ERR_TERMINATED : ERR_INTERRUPTED,
                "ended by a signal; nothing had begun");
}

/* Machines that all renew at the full hour are a burden to the CA: --jitter spreads them. */
static bool wait_jitter(struct context *context, struct error *err)
{
    struct option_layers layers = context_layers(context);
    int64_t limit_ms = 1000 * option_layers_number(&layers, OPT_JITTER, 0);
    uint32_t random;
    if (limit_ms == 0 || context_flag(context, OPT_DRY_RUN) ||
        getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return true;
    int64_t wait_ms = random % limit_ms;
    AUTO_FREE detail = mem_printf("waiting %lld s (--jitter)", (long long)wait_ms / 1000);
    struct progress_event event = {.kind = PROGRESS_STEP, .name = "renew", .detail = detail};
    struct progress_sink sink = progress_sink(context->progress);
    sink.event(sink.ctx, &event);
    if (!wait_for(wait_ms, err))
        return false;
    event.kind = PROGRESS_FINISHED;
    sink.event(sink.ctx, &event);
    return true;
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
    if (!wait_jitter(context, err))
        return false;
    return engine_renew(context->engine, args->operands, args->operand_count, &source,
                        &context->report.certificates, err);
}
