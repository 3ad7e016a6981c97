/* cmd_issue.h: what preflight shares with issue. */
#ifndef ACMEC_CLI_CMD_ISSUE_H
#define ACMEC_CLI_CMD_ISSUE_H

#include <acmec/cli/context.h>

/* What the command line asks for, with what certs/NAME.conf and acmec.conf say: named, and with
 * names. *out is owned. */
bool cmd_issue_spec(struct context *context, struct cert_spec *out, struct error *err) MUST_USE;

#endif
