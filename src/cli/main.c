/* acmec: the command line. main reads it, finds the command, lets it work, and says what came of
 * it; all of that lives in the rooms beside it. */
#include <acmec/base/confine.h>
#include <acmec/base/log.h>
#include <acmec/cli/context.h>
#include <acmec/cli/output.h>
#include <acmec/engine/engine.h>
#include <string.h>

/* --help and --version work with any command, or none. */
static bool choose_command(struct args *args, struct error *err)
{
    if (option_set_text(&args->set, OPT_HELP) != NULL) {
        if (args->command == NULL || args->command->handler != cmd_help) {
            const char *about = args->command == NULL ? NULL : args->command->name;
            args_become(args, command_find("help"), about);
        }
        return true;
    }
    if (option_set_text(&args->set, OPT_VERSION) != NULL)
        args_become(args, command_find("version"), NULL);
    if (args->command != NULL)
        return true;
    fail(err, ERR_USAGE, "no command is given");
    return with_hint(err, "acmec help lists them");
}

static bool work(struct context *context, int argc, char **argv, struct error *err)
{
    if (!context_parse(context, argc, argv, err) || !choose_command(&context->args, err))
        return false;
    const struct command *command = context->args.command;
    context->report.command = command->name;
    if (command->needs_engine && !context_open(context, err))
        return false;
    return command->handler(context, err);
}

int main(int argc, char **argv)
{
    confine_keeper();
    int code;
    if (engine_be_child(argc, argv, &code))
        return code;
    output_prepare();
    struct context context;
    struct error err = {0};
    if (!work(&context, argc, argv, &err))
        context.report.error = err;
    bool json = args_mention(argc, argv, "--json");
    code = output_report(&context, json);
    context_release(&context);
    log_close();
    return code;
}
