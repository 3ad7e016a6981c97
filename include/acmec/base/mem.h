/* mem: allocation that cannot fail (it ends the program with exit code 7 and one line on stderr:
 * every write of acmec is atomic, so that is safe), and wiping that the compiler cannot remove. */
#ifndef ACMEC_BASE_MEM_H
#define ACMEC_BASE_MEM_H

#include <stddef.h>

/* All return owned memory, never NULL; zeroed for mem_new. */
void *mem_new(size_t count, size_t size);
void *mem_resize(void *taken, size_t count, size_t size);
char *mem_strdup(const char *text); /* NULL gives NULL */
char *mem_strndup(const char *text, size_t len);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void mem_wipe(void *ptr, size_t len);

/* How that end is made: for the one adapter of a library that says NULL for no memory. */
_Noreturn void mem_exhausted(void);

#endif
