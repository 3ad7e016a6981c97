#include <acmec/base/mem.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_CODE 7 /* the class files, design section 4 */

void mem_exhausted(void)
{
    static const char line[] = "acmec: out of memory\n";
    ssize_t written = write(STDERR_FILENO, line, sizeof(line) - 1);
    (void)written; /* nothing is left to do about it */
    _exit(EXIT_CODE);
}

static void *checked(void *ptr)
{
    if (ptr == NULL)
        mem_exhausted();
    return ptr;
}

void *mem_new(size_t count, size_t size)
{
    return checked(count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size));
}

void *mem_resize(void *taken, size_t count, size_t size)
{
    return checked(count == 0 || size == 0 ? realloc(taken, 1) : reallocarray(taken, count, size));
}

char *mem_strdup(const char *text)
{
    return text == NULL ? NULL : checked(strdup(text));
}

char *mem_strndup(const char *text, size_t len)
{
    return checked(strndup(text, len));
}

char *mem_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    return checked(len < 0 ? NULL : text);
}

void mem_wipe(void *ptr, size_t len)
{
    if (len > 0)
        explicit_bzero(ptr, len);
}
