/* log: lines for a person who looks for a cause; never the program's answer (that is cli/report).
 *
 * Rooms below engine log at debug only. Secrets never come here; text from outside has passed
 * data/escape. The level and the sink are the one mutable global of the program. */
#ifndef ACMEC_BASE_LOG_H
#define ACMEC_BASE_LOG_H

#include <acmec/base/error.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Which lines are written: this level and those before it. Default: WARN, to stderr. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* Sends lines to syslog(3) ("syslog", facility daemon) or appends them, with an RFC 3339 time, to
 * the file (created 0600). Errors: ERR_FILES. In a sink other than stderr INFO and above are kept
 * whatever the level. */
bool log_open(const char *target, struct error *err) MUST_USE;
void log_close(void);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
