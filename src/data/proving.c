#include <acmec/data/proving.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/dns_provider.h>
#include <acmec/data/escape.h>
#include <acmec/data/path.h>

#define PROVIDER_MAX 4096

static const struct {
    const char *word;
    enum proof_argument argument;
} kinds[] = {
#define PROOF_AS_ROW(id, word, argument) {word, PROOF_ARGUMENT_##argument},
    PROOF_KINDS(PROOF_AS_ROW)
#undef PROOF_AS_ROW
};

void proving_release(struct proving *proving)
{
    free(proving->argument);
    *proving = (struct proving){0};
}

void proving_copy(const struct proving *from, struct proving *out)
{
    *out = (struct proving){from->kind, mem_strdup(from->argument)};
}

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool proving_equals(const struct proving *a, const struct proving *b)
{
    return a->kind == b->kind && is_same(a->argument, b->argument);
}

const char *proof_kind_word(enum proof_kind kind)
{
    return kinds[kind].word;
}

enum proof_argument proof_kind_argument(enum proof_kind kind)
{
    return kinds[kind].argument;
}

/* ---- reading ---- */

static bool read_path(const char *word, const char *text, const char *folder, char **out,
                      struct error *err)
{
    *out = path_absolute(text, folder);
    return *out != NULL || fail(err, ERR_USAGE, "the path '%s' of '%s' must begin with '/'",
                                escaped_str(text).text, word);
}

static bool read_provider(const char *text, const char *folder, char **out, struct error *err)
{
    AUTO(dns_provider) provider = {0};
    AUTO(buf) written = BUF(PROVIDER_MAX);
    if (!dns_provider_parse(text, folder, &provider, err))
        return false;
    dns_provider_write(&provider, &written);
    if (!buf_ok(&written))
        return fail(err, ERR_USAGE, "the DNS provider is longer than %d bytes", PROVIDER_MAX);
    *out = buf_take(&written);
    return true;
}

static bool read_argument(enum proof_kind kind, const char *text, const char *folder, char **out,
                          struct error *err)
{
    return kinds[kind].argument == PROOF_ARGUMENT_PATH
               ? read_path(kinds[kind].word, text, folder, out, err)
               : read_provider(text, folder, out, err);
}

bool proving_make(enum proof_kind kind, const char *argument, const char *folder,
                  struct proving *out, struct error *err)
{
    const char *word = kinds[kind].word;
    struct proving made = {.kind = kind};
    if (kinds[kind].argument == PROOF_ARGUMENT_NONE) {
        if (argument != NULL)
            return fail(err, ERR_USAGE, "the proof '%s' takes no argument", word);
        *out = made;
        return true;
    }
    if (argument == NULL || argument[0] == '\0')
        return fail(err, ERR_USAGE, "the proof '%s' needs an argument: %s:%s", word, word,
                    kinds[kind].argument == PROOF_ARGUMENT_PATH ? "/PATH" : "PROVIDER");
    if (!read_argument(kind, argument, folder, &made.argument, err))
        return false;
    *out = made;
    return true;
}

bool proving_parse(const char *text, const char *folder, struct proving *out, struct error *err)
{
    size_t len = strcspn(text, ":");
    AUTO_FREE word = mem_strndup(text, len);
    for (size_t i = 0; i < PROOF_KIND_COUNT; i++)
        if (strcmp(word, kinds[i].word) == 0)
            return proving_make((enum proof_kind)i, text[len] == ':' ? text + len + 1 : NULL,
                                folder, out, err);
    AUTO(buf) known = BUF(ERROR_HINT_MAX);
    for (size_t i = 0; i < PROOF_KIND_COUNT; i++)
        buf_addf(&known, "%s%s", i == 0 ? "" : ", ", kinds[i].word);
    (void)fail(err, ERR_USAGE, "'%s' is no way of proof", escaped_str(word).text);
    return with_hint(err, "the ways are %s", buf_str(&known));
}

char *proving_text(const struct proving *proving)
{
    const char *argument = proving->argument;
    return mem_printf("%s%s%s", kinds[proving->kind].word, argument == NULL ? "" : ":",
                      argument == NULL ? "" : argument);
}

void proving_write(const struct proving *proving, struct buf *out)
{
    AUTO_FREE text = proving_text(proving);
    buf_add_str(out, text);
}
