/* args: the command line as values of the options table, a command and its operands. It judges
 * spelling, arguments and whether the command takes the option; what values mean is for cli/config.
 */
#ifndef ACMEC_CLI_ARGS_H
#define ACMEC_CLI_ARGS_H

#include <acmec/cli/command.h>
#include <acmec/cli/option.h>

struct args {
    const struct command *command; /* NULL: none was named */
    struct option_set set;
    const char **operands; /* owned array of borrowed strings, without the command */
    size_t operand_count;
};

void args_release(struct args *args);

/* Options may stand before the command, and between operands; "--" ends them. Long options are
 * spelled out. ERR_USAGE with the nearest known option or command in the hint. On failure out->set
 * and out->command hold what was understood (release it all the same): --json among it decides how
 * the error is shown. */
bool args_parse(int argc, char **argv, struct args *out, struct error *err) MUST_USE;

/* Makes it another command with one operand (borrowed), or none for NULL: `issue --help` is `help
 * issue`. */
void args_become(struct args *args, const struct command *command, const char *operand);

/* Whether the word stands among the arguments before "--". */
bool args_mention(int argc, char **argv, const char *word);

#endif
