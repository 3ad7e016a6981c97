/* output: the ends of the program: standard streams made safe at the start, and the report written
 * at the end, all at once, so that a reader who goes away or a full disk never stops the work. */
#ifndef ACMEC_CLI_OUTPUT_H
#define ACMEC_CLI_OUTPUT_H

#include <acmec/base/buf.h>
#include <acmec/cli/context.h>

/* Fills closed standard descriptors, so that no file of ours ever becomes one; ignores SIGPIPE.
 * INT, TERM and HUP end the program with their exit codes while the engine does not listen for
 * them: nothing is under way then. One that is ignored (nohup) stays so. */
void output_prepare(void);

/* Writes the report as text or as one JSON document, and gives the exit code: that of the report,
 * or 7 where standard output could not be written and nothing else failed. */
int output_report(struct context *context, bool json);

/* Writes all of it. ERR_FILES. */
bool output_write(int fd, struct span text, struct error *err) MUST_USE;

#endif
