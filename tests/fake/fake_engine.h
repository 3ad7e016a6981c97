/* fake_engine: the engine's door with nothing behind it, for tests of the command line.
 * Configuration text lives in real files below config_dir; what became of certificates is what the
 * test says. Include it in one source of a test program: its definitions come before the library's.
 */
#ifndef ACMEC_TESTS_FAKE_ENGINE_H
#define ACMEC_TESTS_FAKE_ENGINE_H

#include <acmec/base/mem.h>
#include <acmec/engine/engine.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAKE_CERTS_MAX 8

static struct {
    struct outcome certificates[FAKE_CERTS_MAX]; /* domains owned by the test */
    size_t count;
    size_t accounts;
    struct error error; /* of issue, renew and register; ERR_NONE: they succeed */
    /* what was seen */
    struct engine_settings settings;
    struct cert_spec spec; /* of the last issue, register or load; owned */
    size_t opened, closed, written, issued;
    enum account_act act; /* the last one */
} fake_engine;

struct engine {
    struct engine_settings settings;
};

bool engine_open(const struct engine_settings *settings, struct engine **out, struct error *err)
{
    (void)err;
    *out = mem_new(1, sizeof **out);
    (*out)->settings = *settings;
    fake_engine.settings = *settings;
    fake_engine.opened++;
    return true;
}

void engine_close(struct engine *engine)
{
    fake_engine.closed += engine != NULL ? 1 : 0;
    free(engine);
}

static char *fake_conf_path(const struct engine *engine, const char *name)
{
    if (name == NULL)
        return mem_printf("%s/acmec.conf", engine->settings.config_dir);
    return mem_printf("%s/certs/%s.conf", engine->settings.config_dir, name);
}

bool engine_read_conf(struct engine *engine, const char *name, struct buf *text, char **path,
                      bool *found, struct error *err)
{
    (void)err;
    char *at = fake_conf_path(engine, name);
    FILE *file = fopen(at, "r");
    *found = file != NULL;
    for (int byte; file != NULL && (byte = getc(file)) != EOF;)
        buf_add_byte(text, (char)byte);
    if (file != NULL)
        (void)fclose(file);
    *path = at;
    return true;
}

bool engine_write_conf(struct engine *engine, const char *name, struct span text, struct error *err)
{
    char *at = fake_conf_path(engine, name);
    FILE *file = fopen(at, "w");
    bool good = file != NULL && fwrite(text.ptr, 1, text.len, file) == text.len;
    if (file != NULL)
        good = fclose(file) == 0 && good;
    fake_engine.written++;
    if (!good)
        (fail)(err, ERR_FILES, "cannot write '%s'", at);
    free(at);
    return good;
}

bool engine_list_names(struct engine *engine, char ***names, size_t *count, struct error *err)
{
    (void)engine;
    (void)err;
    *names = mem_new(FAKE_CERTS_MAX, sizeof **names);
    *count = fake_engine.count;
    for (size_t i = 0; i < fake_engine.count; i++)
        (*names)[i] = mem_strdup(fake_engine.certificates[i].name);
    return true;
}

bool engine_find_by_names(struct engine *engine, const struct identifier_list *names,
                          char out[static CERT_NAME_MAX + 1], bool *found, struct error *err)
{
    (void)engine;
    (void)err;
    *found = false;
    for (size_t i = 0; i < fake_engine.count && !*found; i++) {
        *found = identifier_list_same_set(&fake_engine.certificates[i].domains, names);
        if (*found)
            (void)snprintf(out, CERT_NAME_MAX + 1, "%s", fake_engine.certificates[i].name);
    }
    return true;
}

bool engine_read_csr(struct engine *engine, struct cert_spec *spec, struct error *err)
{
    struct identifier name;
    (void)engine;
    if (!identifier_parse("csr.example", &name, err))
        return false;
    identifier_list_release(&spec->names);
    (void)identifier_list_add(&spec->names, &name);
    return true;
}

static void fake_add(const struct outcome *from, struct outcome_list *out)
{
    struct outcome *to = outcome_list_add(out, from->name);
    *to = *from;
    to->domains = (struct identifier_list){0};
    identifier_list_copy(&from->domains, &to->domains);
    to->live = mem_strdup(from->live);
}

static void fake_see(const struct cert_spec *spec)
{
    cert_spec_release(&fake_engine.spec);
    fake_engine.spec = *spec;
    fake_engine.spec.names = (struct identifier_list){0};
    identifier_list_copy(&spec->names, &fake_engine.spec.names);
    proving_copy(&spec->proof, &fake_engine.spec.proof);
    fake_engine.spec.name_proofs = NULL;
    fake_engine.spec.name_proof_count = 0;
    for (size_t i = 0; i < spec->name_proof_count; i++) {
        struct proving copy = {0};
        proving_copy(&spec->name_proofs[i].proof, &copy);
        cert_spec_prove(&fake_engine.spec, &spec->name_proofs[i].name, &copy);
    }
    fake_engine.spec.cas = NULL;
    fake_engine.spec.ca_count = 0;
    for (size_t i = 0; i < spec->ca_count; i++)
        cert_spec_add_ca(&fake_engine.spec, spec->cas[i].server, spec->cas[i].directory_url,
                         spec->cas[i].staging_url);
    char **strings[] = {&fake_engine.spec.http_address,
                        &fake_engine.spec.proxy,
                        &fake_engine.spec.ca_bundle,
                        &fake_engine.spec.account,
                        &fake_engine.spec.email,
                        &fake_engine.spec.key_group,
                        &fake_engine.spec.pre_hook,
                        &fake_engine.spec.post_hook,
                        &fake_engine.spec.deploy_hook,
                        &fake_engine.spec.eab_kid,
                        &fake_engine.spec.eab_hmac_key_file};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        *strings[i] = mem_strdup(*strings[i]);
}

static bool fake_answer(struct outcome_list *out, struct error *err)
{
    for (size_t i = 0; i < fake_engine.count; i++)
        fake_add(&fake_engine.certificates[i], out);
    if (fake_engine.error.code == ERR_NONE)
        return true;
    *err = fake_engine.error;
    return false;
}

bool engine_issue(struct engine *engine, const struct cert_spec *spec, struct outcome_list *out,
                  struct error *err)
{
    (void)engine;
    fake_see(spec);
    fake_engine.issued++;
    return fake_answer(out, err);
}

bool engine_list(struct engine *engine, const char *const *names, size_t count,
                 const struct spec_source *source, struct outcome_list *out, struct error *err)
{
    (void)engine;
    (void)source;
    for (size_t i = 0; i < fake_engine.count; i++) {
        const struct outcome *outcome = &fake_engine.certificates[i];
        bool wanted = count == 0;
        for (size_t j = 0; j < count; j++)
            wanted |= strcmp(names[j], outcome->name) == 0;
        if (wanted)
            fake_add(outcome, out);
    }
    return out->count > 0 || count == 0 || (fail)(err, ERR_USAGE, "there is no such certificate");
}

bool engine_renew(struct engine *engine, const char *const *names, size_t count,
                  const struct spec_source *source, struct outcome_list *out, struct error *err)
{
    (void)names;
    (void)engine;
    for (size_t i = 0; i < fake_engine.count; i++) {
        struct cert_spec spec = {0};
        if (!source->load(source->ctx, fake_engine.certificates[i].name, &spec, err))
            return false;
        fake_see(&spec);
        cert_spec_release(&spec);
    }
    return (count > 0 && fake_engine.count == 0) ? (fail)(err, ERR_USAGE, "there is no such one")
                                                 : fake_answer(out, err);
}

void account_views_add(struct account_views *views, const struct account_view *view)
{
    views->items = mem_resize(views->items, views->count + 1, sizeof *views->items);
    views->items[views->count++] = *view;
}

void account_views_release(struct account_views *views)
{
    for (size_t i = 0; i < views->count; i++) {
        free(views->items[i].ca);
        free(views->items[i].account);
        free(views->items[i].url);
        free(views->items[i].status);
        free(views->items[i].contact);
        free(views->items[i].thumbprint);
    }
    free(views->items);
    *views = (struct account_views){0};
}

bool engine_account_show(struct engine *engine, struct account_views *out, struct error *err)
{
    (void)engine;
    (void)err;
    for (size_t i = 0; i < fake_engine.accounts; i++) {
        const struct account_view view = {
            .ca = mem_printf("https://ca%zu.example/dir", i),
            .account = mem_strdup("default"),
            .thumbprint = mem_printf("thumbprint-%zu", i),
        };
        account_views_add(out, &view);
    }
    return true;
}

bool engine_nginx_conf(struct engine *engine, char **path, struct error *err)
{
    (void)engine;
    (void)path;
    return (fail)(err, ERR_WEB_SERVER, "there is no nginx here");
}

bool engine_account_act(struct engine *engine, enum account_act act, const struct cert_spec *spec,
                        struct account_views *out, struct error *err)
{
    fake_see(spec);
    fake_engine.act = act;
    if (fake_engine.error.code == ERR_NONE)
        return engine_account_show(engine, out, err);
    *err = fake_engine.error;
    return false;
}

bool engine_revoke(struct engine *engine, const struct revocation *revocation,
                   const struct cert_spec *spec, struct outcome_list *out, struct error *err)
{
    (void)revocation;
    return engine_issue(engine, spec, out, err);
}

bool engine_delete(struct engine *engine, const char *name, const char *nginx_conf,
                   struct outcome_list *out, struct error *err)
{
    (void)engine;
    (void)nginx_conf;
    (void)err;
    (void)outcome_list_add(out, name);
    return true;
}

void profile_views_release(struct profile_views *views)
{
    for (size_t i = 0; i < views->count; i++) {
        free(views->items[i].name);
        free(views->items[i].description);
    }
    free(views->items);
    free(views->ca);
    *views = (struct profile_views){0};
}

void standing_records_release(struct standing_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        free(records->items[i].name);
        free(records->items[i].value);
        free(records->items[i].line);
    }
    free(records->items);
    *records = (struct standing_records){0};
}

/* The first name's record is there, no other one is. */
bool engine_standing_records(struct engine *engine, const struct cert_spec *spec,
                             const struct identifier_list *names, bool look,
                             struct standing_records *out, struct error *err)
{
    (void)engine;
    (void)err;
    fake_see(spec);
    out->items = mem_new(names->count + 1, sizeof *out->items);
    for (size_t i = 0; i < names->count; i++)
        out->items[out->count++] = (struct standing_record){
            .name = mem_strdup(names->items[i].value),
            .value = mem_strdup("ca.example; accounturi=urn:a"),
            .line = mem_printf("%s. IN TXT \"ca.example; accounturi=urn:a\"", names->items[i].value),
            .seen = !look ? STANDING_UNASKED : i == 0 ? STANDING_THERE : STANDING_MISSING,
        };
    return true;
}

bool engine_profiles(struct engine *engine, const struct cert_spec *spec, struct profile_views *out,
                     struct error *err)
{
    (void)engine;
    fake_see(spec);
    if (fake_engine.error.code != ERR_NONE) {
        *err = fake_engine.error;
        return false;
    }
    out->ca = mem_strdup(spec->cas[0].directory_url);
    out->items = mem_new(1, sizeof *out->items);
    out->items[out->count++] =
        (struct profile_view){mem_strdup("shortlived"), mem_strdup("160 hours")};
    return true;
}

bool engine_be_child(int argc, char **argv, int *exit_code)
{
    (void)argc;
    (void)argv;
    (void)exit_code;
    return false;
}

bool engine_preflight(struct engine *engine, const struct preflight_request *request,
                      struct preflight_rows *out, struct error *err)
{
    (void)engine;
    (void)err;
    fake_see(request->spec);
    (void)preflight_add(out, request->spec->names.items[0].value, PREFLIGHT_ADDRESS, true, "fine");
    return true;
}

bool engine_check(struct engine *engine, const struct check_request *request,
                  struct check_targets *out, struct error *err)
{
    (void)engine;
    (void)err;
    for (size_t i = 0; i < request->count; i++)
        check_targets_add(out)->place = request->places[i];
    return true;
}

#endif
