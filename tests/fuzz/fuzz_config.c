/* Configuration files as anybody might write them: what is accepted is typed, absolute, encrypted
 * and free of control characters, and can be stored again. */
#include <acmec/base/cleanup.h>
#include <acmec/cli/config.h>
#include <acmec/data/ini.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_values(const struct option_set *set)
{
    for (size_t id = 0; id < OPTION_COUNT; id++) {
        for (size_t i = 0; i < set->values[id].count; i++) {
            for (const char *at = set->values[id].items[i].text; *at != 0; at++) {
                if ((unsigned char)*at < ' ' || *at == 0x7f)
                    abort();
            }
            if (set->values[id].items[i].line == 0)
                abort();
        }
    }
}

static void check_spec(const struct cert_spec *spec)
{
    if (strncmp(spec->cas[0].directory_url, "https://", 8) != 0 ||
        spec->names.count > IDENTIFIERS_MAX)
        abort();
    for (size_t i = 0; i < spec->names.count; i++) {
        const struct proving *proof = cert_spec_proof(spec, &spec->names.items[i]);
        if (proof_kind_argument(proof->kind) == PROOF_ARGUMENT_PATH && proof->argument[0] != '/')
            abort();
    }
    if (spec->http_port == 0 || spec->hook_timeout <= 0 || spec->key_types[0] >= KEY_TYPE_COUNT)
        abort();
}

static void check_edit(struct span text, const struct cert_spec *spec)
{
    AUTO(buf) out = BUF(2 * INI_FILE_MAX);
    const char *values[] = {spec->cas[0].server};
    struct ini_change change = {.key = "server", .values = values, .count = 1};
    struct error err;
    if (!ini_edit(text, &change, 1, &out, &err))
        return;
    AUTO(option_set) again = {0};
    if (!config_parse(buf_span(&out), "again", FILES_CERT, &again, &err) ||
        strcmp(option_set_text(&again, OPT_SERVER), spec->cas[0].server) != 0)
        abort();
}

static void read_as(struct span text, enum option_files which)
{
    AUTO(option_set) set = {0};
    AUTO(cert_spec) spec = {0};
    struct error err = {0};
    if (!config_parse(text, "fuzz.conf", which, &set, &err)) {
        if (err.code != ERR_CONFIG || strncmp(err.text, "fuzz.conf", 9) != 0)
            abort();
        return;
    }
    check_values(&set);
    struct option_layers layers = {.sets = {&set}, .count = 1};
    if (!config_spec(&layers, "fuzz", &spec, &err)) {
        if (err.code != ERR_CONFIG)
            abort();
        return;
    }
    check_spec(&spec);
    if (which == FILES_CERT)
        check_edit(text, &spec);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    read_as(span_of(data, size), FILES_CERT);
    read_as(span_of(data, size), FILES_MAIN);
    return 0;
}
