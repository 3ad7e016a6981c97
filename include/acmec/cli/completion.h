/* completion: what bash, zsh and fish need to complete acmec's command line, made from the tables
 * of commands, options and CAs. Pure. */
#ifndef ACMEC_CLI_COMPLETION_H
#define ACMEC_CLI_COMPLETION_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>

#define COMPLETION_MAX (256 * 1024)

/* Appends the script. ERR_USAGE for another shell. */
bool completion_write(const char *shell, struct buf *out, struct error *err) MUST_USE;

#endif
