#include <acmec/data/dns_provider.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/path.h>

#define ACME_SH_PREFIX "dns_"

static const struct {
    const char *word, *argument;
} kinds[] = {
#define DNS_PROVIDER_AS_ROW(id, word, argument) {word, argument},
    DNS_PROVIDERS(DNS_PROVIDER_AS_ROW)
#undef DNS_PROVIDER_AS_ROW
};

void dns_provider_release(struct dns_provider *provider)
{
    free(provider->argument);
    free(provider->cleanup);
    *provider = (struct dns_provider){0};
}

static bool read_path(const char *text, const char *folder, char **out, struct error *err)
{
    if (text[0] == '\0')
        return fail(err, ERR_USAGE, "a path is missing");
    *out = path_absolute(text, folder);
    return *out != NULL ||
           fail(err, ERR_USAGE, "the path '%s' must begin with '/'", escaped_str(text).text);
}

/* A path, perhaps with arguments after it. */
static bool read_command(struct span text, const char *folder, char **out, struct error *err)
{
    AUTO_FREE whole = mem_strndup(text.ptr, text.len);
    size_t len = strcspn(whole, " ");
    AUTO_FREE program = mem_strndup(whole, len);
    AUTO_FREE path = NULL;
    if (!read_path(program, folder, &path, err))
        return false;
    *out = mem_printf("%s%s", path, whole + len);
    return true;
}

static bool read_commands(const char *text, const char *folder, struct dns_provider *out,
                          struct error *err)
{
    size_t len = strcspn(text, ",");
    if (strchr(text + len + (text[len] == ',' ? 1 : 0), ',') != NULL)
        return fail(err, ERR_USAGE, "more than two commands");
    return read_command(span_of(text, len), folder, &out->argument, err) &&
           (text[len] == '\0' ||
            read_command(span_str(text + len + 1), folder, &out->cleanup, err));
}

/* The name of a script of acme.sh's dnsapi, with or without its prefix. */
static bool read_name(const char *text, char **out, struct error *err)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (len == 0 || len > 64 || text[len] != '\0')
        return fail(err, ERR_USAGE, "'%s' is no name of a script of acme.sh, such as dns_cf",
                    escaped_str(text).text);
    bool whole = strncmp(text, ACME_SH_PREFIX, sizeof ACME_SH_PREFIX - 1) == 0;
    *out = mem_printf("%s%s", whole ? "" : ACME_SH_PREFIX, text);
    return true;
}

static bool read_argument(const char *text, const char *folder, struct dns_provider *out,
                          struct error *err)
{
    switch (out->kind) {
    case DNS_PROVIDER_EXEC:
    case DNS_PROVIDER_RFC2136:
    case DNS_PROVIDER_DEHYDRATED:
        return read_path(text, folder, &out->argument, err);
    case DNS_PROVIDER_CERTBOT:
        return read_commands(text, folder, out, err);
    case DNS_PROVIDER_ACME_SH:
        return read_name(text, &out->argument, err);
    case DNS_PROVIDER_COUNT:
        break;
    }
    return false;
}

static bool find_kind(struct span word, enum dns_provider_kind *out)
{
    for (size_t i = 0; i < DNS_PROVIDER_COUNT; i++) {
        if (!span_is(word, kinds[i].word))
            continue;
        *out = (enum dns_provider_kind)i;
        return true;
    }
    return false;
}

bool dns_provider_parse(const char *text, const char *folder, struct dns_provider *out,
                        struct error *err)
{
    AUTO(dns_provider) read = {0};
    size_t len = strcspn(text, ":");
    if (!find_kind(span_of(text, len), &read.kind)) {
        AUTO(buf) known = BUF(ERROR_HINT_MAX);
        for (size_t i = 0; i < DNS_PROVIDER_COUNT; i++)
            buf_addf(&known, "%s%s:%s", i == 0 ? "" : ", ", kinds[i].word, kinds[i].argument);
        (void)fail(err, ERR_USAGE, "'%s' is no DNS provider", escaped_str(text).text);
        return with_hint(err, "the providers are %s", buf_str(&known));
    }
    if (!read_argument(text[len] == ':' ? text + len + 1 : "", folder, &read, err)) {
        (void)while_doing(err, "the DNS provider '%s'", kinds[read.kind].word);
        return with_hint(err, "it is written %s:%s", kinds[read.kind].word,
                         kinds[read.kind].argument);
    }
    *out = read;
    read = (struct dns_provider){0};
    return true;
}

void dns_provider_write(const struct dns_provider *provider, struct buf *out)
{
    buf_addf(out, "%s:%s", kinds[provider->kind].word, provider->argument);
    if (provider->cleanup != NULL)
        buf_addf(out, ",%s", provider->cleanup);
}
