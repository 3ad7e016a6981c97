/* Command lines, one word a line: every refusal is a usage error of one line, whatever the words.
 */
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/cli/args.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define WORDS_MAX 32

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    AUTO_FREE text = mem_strndup((const char *)data, strnlen((const char *)data, size));
    AUTO(args) args;
    struct error err = {0};
    char program[] = "acmec";
    char *argv[WORDS_MAX + 2] = {program};
    int argc = 1;
    char *rest = text;
    for (char *word; argc <= WORDS_MAX && (word = strsep(&rest, "\n")) != NULL;)
        argv[argc++] = word;
    if (args_parse(argc, argv, &args, &err)) {
        for (size_t i = 0; i < OPTION_COUNT; i++) {
            enum option_id id = (enum option_id)i;
            if (args.set.values[i].count > 0 && args.command != NULL &&
                !command_accepts(args.command, id))
                abort();
        }
    } else if (err.code != ERR_USAGE || err.text[0] == 0 || strpbrk(err.text, "\n\033") != NULL) {
        abort();
    }
    return 0;
}
