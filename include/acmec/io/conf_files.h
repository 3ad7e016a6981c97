/* conf_files: the real files behind the source port: the web server's configuration, read only.
 *
 * Opened with O_NONBLOCK and O_NOCTTY; what is no regular file (a FIFO would hang) is refused. Each
 * comes with what tells later whether it changed, and whether others than root may change it or the
 * way to it (file_check_trusted, io/file). */
#ifndef ACMEC_IO_CONF_FILES_H
#define ACMEC_IO_CONF_FILES_H

#include <acmec/data/ports.h>

/* Holds no state: copies are the same files. */
struct source_port conf_files(void);

#endif
