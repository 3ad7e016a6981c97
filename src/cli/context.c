#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/cli/folders.h>
#include <acmec/data/escape.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DNS_PORT 53

bool context_parse(struct context *context, int argc, char **argv, struct error *err)
{
    *context = (struct context){.ask = {.in = STDIN_FILENO, .out = STDERR_FILENO}};
    return args_parse(argc, argv, &context->args, err);
}

void context_release(struct context *context)
{
    progress_free(context->progress);
    engine_close(context->engine);
    report_release(&context->report);
    args_release(&context->args);
    option_set_release(&context->weak);
    option_set_release(&context->defaults);
    free(context->config_dir);
    free(context->state_dir);
    free(context->words);
    free(context->dns_server);
    *context = (struct context){0};
}

/* ---- values ---- */

struct option_layers context_layers(const struct context *context)
{
    return (struct option_layers){
        .sets = {&context->args.set, &context->weak, &context->defaults},
        .count = 3,
    };
}

bool context_flag(const struct context *context, enum option_id id)
{
    struct option_layers layers = context_layers(context);
    return option_layers_flag(&layers, id);
}

bool context_has_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) == 1 && term != NULL && strcmp(term, "dumb") != 0;
}

bool context_has_color(const struct context *context, int fd)
{
    struct option_layers layers = context_layers(context);
    const char *when = option_layers_text(&layers, OPT_COLOR);
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (when != NULL && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return isatty(fd) == 1 && (no_color == NULL || no_color[0] == 0) && term != NULL &&
           strcmp(term, "dumb") != 0;
}

/* ---- opening ---- */

static bool find_folders(struct context *context, struct error *err)
{
    struct folders_world world = {
        .root = geteuid() == 0,
        .config_dir = option_set_text(&context->args.set, OPT_CONFIG_DIR),
        .state_dir = option_set_text(&context->args.set, OPT_STATE_DIR),
        .home = getenv("HOME"),
        .xdg_config_home = getenv("XDG_CONFIG_HOME"),
        .xdg_state_home = getenv("XDG_STATE_HOME"),
    };
    return folders_find(&world, &context->config_dir, &context->state_dir, err);
}

/* A configuration file through the engine; name NULL: acmec.conf. */
static bool read_file(struct engine *engine, const char *name, struct option_set *out, bool *found,
                      struct error *err)
{
    AUTO(buf) text = BUF(ENGINE_CONF_MAX);
    AUTO_FREE path = NULL;
    bool exists = false;
    if (!engine_read_conf(engine, name, &text, &path, &exists, err))
        return false;
    *found = exists;
    if (!exists)
        return true;
    return config_parse(buf_span(&text), path, name == NULL ? FILES_MAIN : FILES_CERT, out, err);
}

/* acmec.conf decides how the engine is opened, and only an open engine reads it: so it is opened
 * twice, which costs nothing. */
static bool read_defaults(struct context *context, struct error *err)
{
    struct engine_settings settings = {
        .config_dir = context->config_dir,
        .state_dir = context->state_dir,
        .command = context->words,
    };
    struct engine *engine;
    bool found;
    if (!engine_open(&settings, &engine, err))
        return false;
    bool read = read_file(engine, NULL, &context->defaults, &found, err);
    engine_close(engine);
    return read;
}

static bool open_log(struct context *context, struct error *err)
{
    struct option_layers layers = context_layers(context);
    const char *target = option_layers_text(&layers, OPT_LOG);
    if (context_flag(context, OPT_VERBOSE))
        log_set_level(LOG_LEVEL_DEBUG);
    else if (context_flag(context, OPT_QUIET))
        log_set_level(LOG_LEVEL_ERROR);
    context->logging = target != NULL;
    return target == NULL || log_open(target, err);
}

static enum progress_mode mode_of(const struct context *context)
{
    if (context_flag(context, OPT_QUIET))
        return PROGRESS_MODE_QUIET;
    if (context_flag(context, OPT_VERBOSE))
        return PROGRESS_MODE_LINES;
    if (context_has_terminal())
        return PROGRESS_MODE_LIVE;
    /* From cron, `renew` says only what came of it. */
    return context->args.command->handler == cmd_renew ? PROGRESS_MODE_NOTICES
                                                       : PROGRESS_MODE_LINES;
}

static void meet_person(struct context *context)
{
    context->progress = progress_new(mode_of(context), STDERR_FILENO);
    context->ask.progress = context->progress;
    context->ask.yes = context_flag(context, OPT_YES);
}

/* As acmec-net takes it: "192.0.2.53:53", "[2001:db8::53]:53". */
static bool find_dns_server(struct context *context, struct error *err)
{
    struct option_layers layers = context_layers(context);
    const struct option_set *set = option_layers_find(&layers, OPT_DNS_SERVER);
    struct check_place place;
    if (set == NULL)
        return true;
    const char *text = option_set_text(set, OPT_DNS_SERVER);
    if (!check_place_parse(text, DNS_PORT, &place, err) || !place.is_address)
        return option_fail(set, OPT_DNS_SERVER, 0, err, "'%s' is no address of a DNS server",
                           escaped_str(text).text);
    bool is_v6 = strchr(place.host, ':') != NULL;
    context->dns_server = mem_printf("%s%s%s:%u", is_v6 ? "[" : "", place.host, is_v6 ? "]" : "",
                                     (unsigned)place.port);
    return true;
}

static bool open_engine(struct context *context, struct error *err)
{
    struct option_layers layers = context_layers(context);
    struct engine_settings settings = {
        .config_dir = context->config_dir,
        .state_dir = context->state_dir,
        .command = context->words,
        .wait_seconds = option_layers_number(&layers, OPT_WAIT, 0),
        .jobs = (unsigned)option_layers_number(&layers, OPT_JOBS, CONFIG_JOBS_DEFAULT),
        .timeout_ms = 1000 * option_layers_number(&layers, OPT_TIMEOUT, CONFIG_TIMEOUT_DEFAULT),
        .max_orders = (unsigned)option_layers_number(&layers, OPT_MAX_ORDERS, 0),
        .yes = context_flag(context, OPT_YES),
        .dry_run = context_flag(context, OPT_DRY_RUN),
        .force = context_flag(context, OPT_FORCE),
        .force_rate_limit = context_flag(context, OPT_FORCE_RATE_LIMIT),
        .all = context_flag(context, OPT_ALL),
        .proxy = option_layers_text(&layers, OPT_PROXY),
        .dns_server = context->dns_server,
        .progress = progress_sink(context->progress),
    };
    /* With --json a program listens, which answers no questions. */
    if (!context_flag(context, OPT_JSON))
        settings.questions = ask_questions(&context->ask);
    return engine_open(&settings, &context->engine, err);
}

bool context_open(struct context *context, struct error *err)
{
    context->words = mem_printf("acmec %s", context->args.command->name);
    if (!find_folders(context, err) || !read_defaults(context, err) || !open_log(context, err) ||
        !find_dns_server(context, err))
        return false;
    meet_person(context);
    return open_engine(context, err);
}

/* ---- certificates ---- */

bool context_read_conf(const struct context *context, const char *name, struct option_set *out,
                       bool *found, struct error *err)
{
    return read_file(context->engine, name, out, found, err);
}

bool context_spec(const struct context *context, const char *name, struct cert_spec *out,
                  struct error *err)
{
    AUTO(option_set) conf = {0};
    bool found;
    if (!context_read_conf(context, name, &conf, &found, err))
        return false;
    struct option_layers layers = {
        .sets = {&context->args.set, &conf, &context->weak, &context->defaults},
        .count = 4,
    };
    AUTO(cert_spec) spec = {0};
    if (!config_spec(&layers, name, &spec, err) ||
        (spec.csr != NULL && !engine_read_csr(context->engine, &spec, err)))
        return false;
    *out = spec;
    spec = (struct cert_spec){0};
    return true;
}

bool context_load_spec(void *ctx, const char *name, struct cert_spec *out, struct error *err)
{
    const struct context *context = ctx;
    AUTO(cert_spec) spec = {0};
    if (!context_spec(context, name, &spec, err))
        return false;
    if (spec.names.count == 0) {
        fail(err, ERR_CONFIG, "%s/certs/%s.conf does not say which names the certificate is for",
             escaped_str(context->config_dir).text, name);
        return with_hint(err,
                         "write 'domain = NAME' there, or repeat 'acmec issue --name %s -d "
                         "NAME' with its options",
                         name);
    }
    *out = spec;
    spec = (struct cert_spec){0};
    return true;
}
