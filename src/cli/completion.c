#include <acmec/cli/completion.h>

#include <acmec/base/cleanup.h>
#include <acmec/cli/command.h>
#include <acmec/data/ca.h>
#include <acmec/data/escape.h>
#include <string.h>

/* Words that an option's or command's argument may be, separated by blanks; "" for none. */
static void add_words(struct buf *out, const char *words)
{
    for (const char *at = words; *at != 0; at++)
        buf_add_byte(out, *at == ',' ? ' ' : *at);
}

static void add_argument_words(struct buf *out, enum option_id id)
{
    add_words(out, option_row(id)->words);
    for (size_t i = 0; id == OPT_SERVER && i < ca_count(); i++)
        buf_addf(out, "%s%s", i == 0 ? "" : " ", ca_at(i)->name);
}

static void add_operand_words(struct buf *out, const struct command *command)
{
    add_words(out, command->words);
    for (size_t i = 0; strcmp(command->name, "help") == 0 && i < command_count(); i++)
        buf_addf(out, "%s%s", i == 0 ? "" : " ", command_rows[i].name);
}

/* The first operand is a certificate. */
static bool takes_cert(const struct command *command)
{
    return strncmp(command->operands, "[CERT", 5) == 0;
}

/* text inside '...' of a shell; quote is how that shell writes a quote there. */
static void add_quoted(struct buf *out, const char *text, const char *quote)
{
    for (; *text != 0; text++) {
        if (*text == '\'')
            buf_add_str(out, quote);
        else
            buf_add_byte(out, *text);
    }
}

/* ---- bash ---- */

static void bash_options(struct buf *out, const struct command *command)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        enum option_id id = (enum option_id)i;
        if (command == NULL ? option_row(id)->group == GROUP_EVERYWHERE
                            : command_accepts(command, id))
            buf_addf(out, " --%s", option_row(id)->name);
    }
}

/* After an option with an argument: its words, files, or nothing. */
static void bash_argument(struct buf *out, enum option_id id)
{
    const struct option_row *row = option_row(id);
    if (row->argument == NULL)
        return;
    AUTO(buf) words = BUF(COMPLETION_MAX);
    add_argument_words(&words, id);
    buf_addf(out, "    --%s", row->name);
    if (row->letter != 0)
        buf_addf(out, "|-%c", row->letter);
    buf_add_str(out, ")\n");
    if (words.len > 0)
        buf_addf(out, "        COMPREPLY=($(compgen -W '%s' -- \"$current\"))\n", buf_str(&words));
    if (row->kind == OPTION_PATH)
        buf_add_str(out, "        compopt -o filenames 2>/dev/null\n"
                         "        COMPREPLY+=($(compgen -f -- \"$current\"))\n");
    buf_add_str(out, "        return ;;\n");
}

static void bash_command(struct buf *out, const struct command *command)
{
    buf_addf(out, "    %s)\n        words='", command->name);
    add_operand_words(out, command);
    bash_options(out, command);
    buf_add_str(out, "'\n");
    if (takes_cert(command))
        buf_add_str(out, "        words=\"$words $(acmec list 2>/dev/null | "
                         "sed -n '2,$s/ .*//p')\"\n");
    buf_add_str(out, "        ;;\n");
}

static void bash_write(struct buf *out)
{
    buf_add_str(out, "# bash completion for acmec\n_acmec() {\n"
                     "    local current=${COMP_WORDS[COMP_CWORD]}\n"
                     "    local before=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "    local command= word words\n    COMPREPLY=()\n    case $before in\n");
    for (size_t i = 0; i < OPTION_COUNT; i++)
        bash_argument(out, (enum option_id)i);
    buf_add_str(out, "    esac\n    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                     "        case $word in\n        ");
    for (size_t i = 0; i < command_count(); i++)
        buf_addf(out, "%s%s", i == 0 ? "" : "|", command_rows[i].name);
    buf_add_str(out, ") command=$word; break ;;\n        esac\n    done\n    case $command in\n");
    for (size_t i = 0; i < command_count(); i++)
        bash_command(out, &command_rows[i]);
    buf_add_str(out, "    *)\n        words='");
    for (size_t i = 0; i < command_count(); i++)
        buf_addf(out, "%s%s", i == 0 ? "" : " ", command_rows[i].name);
    bash_options(out, NULL);
    buf_add_str(out, "'\n        ;;\n    esac\n"
                     "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n"
                     "complete -F _acmec acmec\n");
}

/* ---- zsh ---- */

static void zsh_option(struct buf *out, enum option_id id)
{
    const struct option_row *row = option_row(id);
    bool repeats = row->kind == OPTION_LIST;
    buf_add_str(out, repeats ? "            '*'" : "            ");
    if (row->letter != 0)
        buf_addf(out, "{-%c,--%s}'", row->letter, row->name);
    else
        buf_addf(out, "'--%s", row->name);
    buf_add_byte(out, '[');
    add_quoted(out, row->help, "'\\''");
    buf_add_byte(out, ']');
    if (row->argument != NULL) {
        AUTO(buf) words = BUF(COMPLETION_MAX);
        add_argument_words(&words, id);
        buf_addf(out, ":%s:", row->argument);
        if (row->kind == OPTION_PATH)
            buf_add_str(out, "_files");
        else if (words.len > 0)
            buf_addf(out, "(%s)", buf_str(&words));
    }
    buf_add_str(out, "' \\\n");
}

static void zsh_command(struct buf *out, const struct command *command)
{
    AUTO(buf) words = BUF(COMPLETION_MAX);
    add_operand_words(&words, command);
    buf_addf(out, "    %s)\n        _arguments -s \\\n", command->name);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (command_accepts(command, (enum option_id)i))
            zsh_option(out, (enum option_id)i);
    }
    buf_addf(out, "            '1:command:(%s)'", command->name);
    if (takes_cert(command))
        buf_add_str(out, " \\\n            \"*:certificate:($(acmec list 2>/dev/null | "
                         "sed -n '2,$s/ .*//p'))\"");
    else if (words.len > 0)
        buf_addf(out, " \\\n            '2:word:(%s)'", buf_str(&words));
    buf_add_str(out, "\n        ;;\n");
}

static void zsh_write(struct buf *out)
{
    buf_add_str(out, "#compdef acmec\n_acmec() {\n    local -a commands\n    commands=(\n");
    for (size_t i = 0; i < command_count(); i++) {
        buf_addf(out, "        '%s:", command_rows[i].name);
        add_quoted(out, command_rows[i].summary, "'\\''");
        buf_add_str(out, "'\n");
    }
    buf_add_str(out, "    )\n    local word command=\n"
                     "    for word in ${words[2,CURRENT-1]}; do\n"
                     "        if (( ${commands[(I)$word:*]} )); then command=$word; break; fi\n"
                     "    done\n    case $command in\n");
    for (size_t i = 0; i < command_count(); i++)
        zsh_command(out, &command_rows[i]);
    buf_add_str(out, "    *)\n        _describe command commands\n        ;;\n    esac\n}\n"
                     "if [[ ${funcstack[1]} == _acmec ]]; then\n    _acmec \"$@\"\n"
                     "else\n    compdef _acmec acmec\nfi\n");
}

/* ---- fish ---- */

static void fish_option(struct buf *out, const struct command *command, enum option_id id)
{
    const struct option_row *row = option_row(id);
    AUTO(buf) words = BUF(COMPLETION_MAX);
    add_argument_words(&words, id);
    buf_addf(out, "complete -c acmec -n '__fish_seen_subcommand_from %s' -l %s", command->name,
             row->name);
    if (row->letter != 0)
        buf_addf(out, " -s %c", row->letter);
    if (row->argument != NULL)
        buf_add_str(out, row->kind == OPTION_PATH ? " -r -F" : " -x");
    if (words.len > 0)
        buf_addf(out, " -a '%s'", buf_str(&words));
    buf_add_str(out, " -d '");
    add_quoted(out, row->help, "\\'");
    buf_add_str(out, "'\n");
}

static void fish_command(struct buf *out, const struct command *command)
{
    AUTO(buf) words = BUF(COMPLETION_MAX);
    add_operand_words(&words, command);
    buf_addf(out, "complete -c acmec -n __fish_use_subcommand -a %s -d '", command->name);
    add_quoted(out, command->summary, "\\'");
    buf_add_str(out, "'\n");
    if (takes_cert(command))
        buf_addf(&words, "(acmec list 2>/dev/null | sed -n \"2,\\$s/ .*//p\")");
    if (words.len > 0)
        buf_addf(out, "complete -c acmec -n '__fish_seen_subcommand_from %s' -a '%s'\n",
                 command->name, buf_str(&words));
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (command_accepts(command, (enum option_id)i))
            fish_option(out, command, (enum option_id)i);
    }
}

static void fish_write(struct buf *out)
{
    buf_add_str(out, "# fish completion for acmec\ncomplete -c acmec -f\n");
    for (size_t i = 0; i < command_count(); i++)
        fish_command(out, &command_rows[i]);
}

bool completion_write(const char *shell, struct buf *out, struct error *err)
{
    static const struct {
        const char *shell;
        void (*write)(struct buf *out);
    } shells[] = {{"bash", bash_write}, {"zsh", zsh_write}, {"fish", fish_write}};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(shells[i].shell, shell) != 0)
            continue;
        shells[i].write(out);
        return true;
    }
    return fail(err, ERR_USAGE, "there is no completion for '%s'", escaped_str(shell).text);
}
