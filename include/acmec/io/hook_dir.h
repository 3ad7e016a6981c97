/* hook_dir: the executables of CONFIG_DIR/hooks/KIND. It runs nothing. */
#ifndef ACMEC_IO_HOOK_DIR_H
#define ACMEC_IO_HOOK_DIR_H

#include <acmec/io/store.h>

#define HOOKS_MAX 256

/* Absolute paths of the executable plain files, in byte order; hidden files and backups ("~") are
 * skipped. A missing folder gives none. As root each must be trusted (file_check_trusted).
 * ERR_FILES. */
bool hook_dir_list(const char *dir, struct name_list *out, struct error *err) MUST_USE;

#endif
