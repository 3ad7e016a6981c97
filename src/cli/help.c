#include <acmec/cli/help.h>

#include <acmec/base/cleanup.h>
#include <string.h>

#define WIDTH 79
#define COLUMN 30

/* text from column on, broken at blanks; the cursor stands at `at`. */
static void add_wrapped(struct buf *out, size_t at, size_t column, const char *text)
{
    if (at > 0 && at + 1 > column) {
        buf_add_byte(out, '\n');
        at = 0;
    }
    buf_addf(out, "%*s", (int)(column - at), "");
    at = column;
    while (*text != 0) {
        size_t word = strcspn(text, " ");
        if (at > column && at + 1 + word > WIDTH) {
            buf_addf(out, "\n%*s", (int)column, "");
            at = column;
        } else if (at > column) {
            buf_add_byte(out, ' ');
            at++;
        }
        buf_add(out, text, word);
        at += word;
        text += word + strspn(text + word, " ");
    }
    buf_add_byte(out, '\n');
}

/* ": one, two, three" of "one,two,three". */
static void add_words(struct buf *out, const char *words)
{
    buf_add_str(out, ": ");
    for (const char *at = words; *at != 0; at++) {
        buf_add_byte(out, *at);
        if (*at == ',')
            buf_add_byte(out, ' ');
    }
}

static void add_option(struct buf *out, const struct option_row *row)
{
    size_t before = out->len;
    if (row->letter != 0)
        buf_addf(out, "  -%c, --%s", row->letter, row->name);
    else
        buf_addf(out, "      --%s", row->name);
    if (row->argument != NULL)
        buf_addf(out, " %s", row->argument);
    size_t at = out->len - before;
    AUTO(buf) text = BUF(HELP_MAX);
    buf_add_str(&text, row->help);
    if ((row->kind == OPTION_STRING || row->kind == OPTION_LIST) && row->words[0] != 0)
        add_words(&text, row->words);
    if (row->fallback[0] != 0)
        buf_addf(&text, " (default: %s)", row->fallback);
    add_wrapped(out, at, COLUMN, buf_str(&text));
}

static void add_group(struct buf *out, enum option_group group)
{
    buf_addf(out, "\n%s:\n", option_group_heading(group));
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = option_row((enum option_id)i);
        if (row->group == group)
            add_option(out, row);
    }
}

static void add_command_help(struct buf *out, const struct command *command)
{
    buf_addf(out, "usage: acmec %s %s\n\n", command->name,
             command->operands[0] == 0 ? "[option ...]" : command->operands);
    add_wrapped(out, 0, 0, command->summary);
    if (command->details[0] != 0)
        add_wrapped(out, 0, 0, command->details);
    for (size_t group = 0; group < GROUP_COUNT; group++) {
        if ((command->groups & GROUP_BIT(group)) != 0)
            add_group(out, (enum option_group)group);
    }
}

static void add_program_help(struct buf *out)
{
    buf_add_str(out, "usage: acmec COMMAND [option ...]\n\n"
                     "Obtains TLS certificates from an ACME CA, and renews them.\n\nCommands:\n");
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = &command_rows[i];
        size_t before = out->len;
        buf_addf(out, "  %s", command->name);
        add_wrapped(out, out->len - before, 16, command->summary);
    }
    add_group(out, GROUP_CA);
    add_group(out, GROUP_EVERYWHERE);
    buf_add_str(out, "\n'acmec help COMMAND' shows the options of a command; so does acmec(1).\n");
}

void help_write(const struct command *command, struct buf *out)
{
    if (command == NULL)
        add_program_help(out);
    else
        add_command_help(out, command);
}
