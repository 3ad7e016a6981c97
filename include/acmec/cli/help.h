/* help: the help texts, made from the tables of commands and options. Pure. */
#ifndef ACMEC_CLI_HELP_H
#define ACMEC_CLI_HELP_H

#include <acmec/base/buf.h>
#include <acmec/cli/command.h>

#define HELP_MAX (256 * 1024)

/* Appends the help of one command, or of the program for NULL. */
void help_write(const struct command *command, struct buf *out);

#endif
