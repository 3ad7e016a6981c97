#include <acmec/engine/proof_script.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/dns_provider.h>
#include <acmec/data/escape.h>
#include <acmec/data/ini.h>
#include <acmec/io/file.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define CONF_MAX (64 * 1024)
#define INPUT_MAX (16 * 1024)
#define TTL_DEFAULT "60"
#define NSUPDATE_SECONDS "60"

struct call {
    const struct dns_provider *provider;
    const struct stored_record *record;
    bool put;
    struct proof_script *out;
};

void proof_script_release(struct proof_script *script)
{
    for (size_t i = 0; script->argv[i] != NULL; i++)
        free(script->argv[i]);
    environment_release(&script->environment);
    buf_release(&script->input);
    *script = (struct proof_script){0};
}

/* Copies arguments up to a NULL. */
static void set_argv(struct proof_script *script, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL && i < PROOF_SCRIPT_ARGS_MAX; i++)
        script->argv[i] = mem_strdup(words[i]);
}

static bool check_program(const char *path, struct error *err)
{
    if (access(path, X_OK) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot execute '%s'", escaped_str(path).text);
    return file_check_trusted(path, err);
}

/* ---- exec, dehydrated ---- */

static bool check_path(const struct dns_provider *provider, struct error *err)
{
    return check_program(provider->argument, err);
}

static bool make_exec(const struct call *call, struct error *err)
{
    AUTO_FREE name = mem_printf("%s.", call->record->name);
    const char *const words[] = {call->provider->argument, call->put ? "present" : "cleanup", name,
                                 call->record->value, NULL};
    (void)err;
    set_argv(call->out, words);
    return true;
}

static bool make_dehydrated(const struct call *call, struct error *err)
{
    const char *const words[] = {
        call->provider->argument, call->put ? "deploy_challenge" : "clean_challenge",
        call->record->domain,     call->record->token,
        call->record->value,      NULL};
    (void)err;
    set_argv(call->out, words);
    return true;
}

/* ---- certbot ---- */

static bool check_command(const char *command, struct error *err)
{
    AUTO_FREE path = mem_strndup(command, strcspn(command, " "));
    return check_program(path, err);
}

static bool check_certbot(const struct dns_provider *provider, struct error *err)
{
    return check_command(provider->argument, err) &&
           (provider->cleanup == NULL || check_command(provider->cleanup, err));
}

static bool make_certbot(const struct call *call, struct error *err)
{
    const struct stored_record *record = call->record;
    struct environment *environment = &call->out->environment;
    const char *command = call->put ? call->provider->argument : call->provider->cleanup;
    const char *const words[] = {"/bin/sh", "-c", command, NULL};
    char remaining[24];
    (void)err;
    (void)snprintf(remaining, sizeof remaining, "%u", record->remaining);
    environment_set(environment, "CERTBOT_DOMAIN", record->domain);
    environment_set(environment, "CERTBOT_IDENTIFIER", record->domain);
    environment_set(environment, "CERTBOT_VALIDATION", record->value);
    environment_set(environment, "CERTBOT_ALL_DOMAINS", record->domains);
    environment_set(environment, "CERTBOT_ALL_IDENTIFIERS", record->domains);
    environment_set(environment, "CERTBOT_REMAINING_CHALLENGES", remaining);
    if (!call->put)
        environment_set(environment, "CERTBOT_AUTH_OUTPUT",
                        record->output == NULL ? "" : record->output);
    call->out->gives_output = call->put;
    set_argv(call->out, words);
    return true;
}

/* ---- rfc2136 ---- */

/* FILE's keys, acmec.conf(5). */
struct nsupdate {
    char *server, *port, *zone, *ttl, *key_file; /* owned; NULL: not given */
};

static void nsupdate_release(struct nsupdate *conf)
{
    char *const owned[] = {conf->server, conf->port, conf->zone, conf->ttl, conf->key_file};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    *conf = (struct nsupdate){0};
}

static bool read_nsupdate(const char *path, struct nsupdate *conf, struct error *err)
{
    const struct {
        const char *key, *alphabet;
        char **to;
    } keys[] = {
        {"server", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:-",
         &conf->server},
        {"port", "0123456789", &conf->port},
        {"zone", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_/", &conf->zone},
        {"ttl", "0123456789", &conf->ttl},
        {"key-file", NULL, &conf->key_file},
    };
    AUTO(buf) text = BUF(CONF_MAX);
    AUTO(ini) ini = {0};
    if (!file_check_trusted(path, err) || !file_read(path, &text, NULL, err) ||
        !ini_parse(buf_span(&text), path, &ini, err))
        return false;
    for (size_t i = 0; i < ini.count; i++) {
        const struct ini_line *line = &ini.lines[i];
        size_t at = 0;
        while (at < sizeof keys / sizeof *keys && strcmp(keys[at].key, line->key) != 0)
            at++;
        if (at == sizeof keys / sizeof *keys) {
            (void)fail(err, ERR_CONFIG, "%s:%u: unknown key '%s'", path, line->line,
                       escaped_str(line->key).text);
            return with_hint(err, "the keys are server, port, zone, ttl and key-file");
        }
        const char *alphabet = keys[at].alphabet;
        bool fits = alphabet == NULL ? line->value[0] == '/'
                                     : line->value[0] != '\0' &&
                                           line->value[strspn(line->value, alphabet)] == '\0';
        if (!fits)
            return fail(err, ERR_CONFIG, "%s:%u: %s: '%s' cannot be one", path, line->line,
                        line->key, escaped_str(line->value).text);
        free(*keys[at].to);
        *keys[at].to = mem_strdup(line->value);
    }
    return true;
}

static const char *find_nsupdate(void)
{
    static const char *const paths[] = {"/usr/bin/nsupdate", "/usr/local/bin/nsupdate",
                                        "/usr/sbin/nsupdate", "/usr/local/sbin/nsupdate"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

static bool check_rfc2136(const struct dns_provider *provider, struct error *err)
{
    AUTO(nsupdate) conf = {0};
    const char *program = find_nsupdate();
    if (program == NULL) {
        (void)fail(err, ERR_FILES, "there is no nsupdate on this machine");
        return with_hint(err, "install it (Debian: bind9-dnsutils)");
    }
    return check_program(program, err) && read_nsupdate(provider->argument, &conf, err) &&
           (conf.key_file == NULL || file_check_trusted(conf.key_file, err));
}

static bool make_rfc2136(const struct call *call, struct error *err)
{
    AUTO(nsupdate) conf = {0};
    struct buf *input = &call->out->input;
    const char *program = find_nsupdate();
    if (!check_rfc2136(call->provider, err) || !read_nsupdate(call->provider->argument, &conf, err))
        return false;
    const char *const words[] = {
        program, "-t", NSUPDATE_SECONDS, conf.key_file == NULL ? NULL : "-k", conf.key_file, NULL};
    set_argv(call->out, words);
    *input = BUF(INPUT_MAX);
    if (conf.server != NULL)
        buf_addf(input, "server %s %s\n", conf.server, conf.port == NULL ? "53" : conf.port);
    if (conf.zone != NULL)
        buf_addf(input, "zone %s\n", conf.zone);
    if (call->put)
        buf_addf(input, "update add %s. %s IN TXT \"%s\"\n", call->record->name,
                 conf.ttl == NULL ? TTL_DEFAULT : conf.ttl, call->record->value);
    else
        buf_addf(input, "update delete %s. IN TXT \"%s\"\n", call->record->name,
                 call->record->value);
    buf_add_str(input, "send\n");
    return true;
}

/* ---- acme.sh ---- */

/* Arguments: acme.sh's folder, the script's name, add or rm, record, value. acme.sh itself is read
 * for its functions only: told to run `true`, it does nothing. */
static const char acme_sh_wrapper[] = "LE_WORKING_DIR=$1 hook=$2 verb=$3 name=$4 value=$5\n"
                                      "HTTP_HEADER=$(mktemp) || exit 1\n"
                                      "trap 'rm -f \"$HTTP_HEADER\"' EXIT\n"
                                      "export LE_WORKING_DIR HTTP_HEADER\n"
                                      "set -- true\n"
                                      ". \"$LE_WORKING_DIR/acme.sh\" || exit 1\n"
                                      "_initpath\n"
                                      ". \"$LE_WORKING_DIR/dnsapi/$hook.sh\" || exit 1\n"
                                      "\"${hook}_$verb\" \"$name\" \"$value\"\n";

/* The folder where acme.sh is installed; owned, or NULL. */
static char *find_acme_sh(void)
{
    const char *home = getenv("HOME");
    AUTO_FREE own = home == NULL || home[0] != '/' ? NULL : mem_printf("%s/.acme.sh", home);
    const char *const folders[] = {getenv("LE_WORKING_DIR"), own, "/root/.acme.sh",
                                   "/usr/share/acme.sh", "/opt/acme.sh"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (folders[i] == NULL || folders[i][0] != '/')
            continue;
        AUTO_FREE script = mem_printf("%s/acme.sh", folders[i]);
        if (access(script, R_OK) == 0)
            return mem_strdup(folders[i]);
    }
    return NULL;
}

static bool check_acme_sh_in(const char *folder, const struct dns_provider *provider,
                             struct error *err)
{
    if (folder == NULL) {
        (void)fail(err, ERR_FILES, "acme.sh is not installed here");
        return with_hint(err, "it is looked for in ~/.acme.sh and in $LE_WORKING_DIR");
    }
    AUTO_FREE main_script = mem_printf("%s/acme.sh", folder);
    AUTO_FREE script = mem_printf("%s/dnsapi/%s.sh", folder, provider->argument);
    if (access(script, R_OK) != 0)
        return fail_errno(err, ERR_FILES, errno, "cannot read '%s'", script);
    return file_check_trusted(main_script, err) && file_check_trusted(script, err);
}

static bool check_acme_sh(const struct dns_provider *provider, struct error *err)
{
    AUTO_FREE folder = find_acme_sh();
    return check_acme_sh_in(folder, provider, err);
}

static bool make_acme_sh(const struct call *call, struct error *err)
{
    AUTO_FREE folder = find_acme_sh();
    if (!check_acme_sh_in(folder, call->provider, err))
        return false;
    AUTO_FREE main_script = mem_printf("%s/acme.sh", folder); /* it finds its own folder by $0 */
    const char *const words[] = {access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh",
                                 "-c",
                                 acme_sh_wrapper,
                                 main_script,
                                 folder,
                                 call->provider->argument,
                                 call->put ? "add" : "rm",
                                 call->record->name,
                                 call->record->value,
                                 NULL};
    set_argv(call->out, words);
    return true;
}

/* ---- --http-hook ---- */

static bool make_http_hook(const struct call *call, struct error *err)
{
    const struct stored_record *record = call->record;
    struct environment *environment = &call->out->environment;
    const char *const words[] = {call->provider->argument,
                                 call->put ? "present" : "cleanup",
                                 record->domain,
                                 record->token,
                                 record->value,
                                 NULL};
    (void)err;
    environment_set(environment, "ACMEC_DOMAIN", record->domain);
    environment_set(environment, "ACMEC_TOKEN", record->token);
    environment_set(environment, "ACMEC_KEY_AUTHORIZATION", record->value);
    set_argv(call->out, words);
    return true;
}

/* ---- the table ---- */

struct row {
    bool (*check)(const struct dns_provider *provider, struct error *err);
    bool (*make)(const struct call *call, struct error *err);
    bool told_name;
    bool one_by_one; /* a certificate's records, as in the program that the scripts are made for */
};

static const struct row rows[DNS_PROVIDER_COUNT] = {
    [DNS_PROVIDER_EXEC] = {check_path, make_exec, true, false},
    [DNS_PROVIDER_RFC2136] = {check_rfc2136, make_rfc2136, true, false},
    [DNS_PROVIDER_CERTBOT] = {check_certbot, make_certbot, false, true},
    [DNS_PROVIDER_DEHYDRATED] = {check_path, make_dehydrated, false, true},
    [DNS_PROVIDER_ACME_SH] = {check_acme_sh, make_acme_sh, true, true},
};
static const struct row http_row = {check_path, make_http_hook, false, false};

/* The row and what it works with; --http-hook's path is in the provider's argument. */
static bool find(const struct proving *proof, struct dns_provider *provider, const struct row **row,
                 struct error *err)
{
    if (proof->kind == PROOF_HTTP_HOOK) {
        provider->argument = mem_strdup(proof->argument);
        *row = &http_row;
        return true;
    }
    if (proof->kind != PROOF_DNS || !dns_provider_parse(proof->argument, NULL, provider, err))
        return fail(err, ERR_CONFIG, "'%s' is proved by no script", proof_kind_word(proof->kind));
    *row = &rows[provider->kind];
    return true;
}

static bool find_of(const struct stored_record *record, struct dns_provider *provider,
                    const struct row **row, struct error *err)
{
    AUTO(proving) proof = {0};
    return proving_parse(record->script, NULL, &proof, err) && find(&proof, provider, row, err);
}

static bool check_name(const struct row *row, struct error *err)
{
    if (row->told_name)
        return true;
    (void)fail(err, ERR_USAGE, "scripts of this form put records for dns-01 only");
    return with_hint(err, "leave --dns-type out, or take exec:PATH or rfc2136:FILE");
}

bool proof_script_check(const struct proving *proof, bool other_name, struct error *err)
{
    AUTO(dns_provider) provider = {0};
    const struct row *row = NULL;
    return (find(proof, &provider, &row, err) && (!other_name || check_name(row, err)) &&
            row->check(&provider, err)) ||
           while_doing(err, "--%s", proof_kind_word(proof->kind));
}

bool proof_script_make(const struct stored_record *record, bool put, struct proof_script *out,
                       bool *needed, struct error *err)
{
    AUTO(dns_provider) provider = {0};
    AUTO(proof_script) script = {0};
    const struct row *row;
    if (!find_of(record, &provider, &row, err) || !row->check(&provider, err))
        return false;
    *needed = put || row != &rows[DNS_PROVIDER_CERTBOT] || provider.cleanup != NULL;
    if (!*needed)
        return true;
    script.environment = environment_new();
    struct call call = {&provider, record, put, &script};
    if (!row->make(&call, err))
        return false;
    *out = script;
    script = (struct proof_script){0};
    return true;
}

bool proof_script_is_told_name(const struct stored_record *record)
{
    AUTO(dns_provider) provider = {0};
    const struct row *row;
    struct error ignored;
    return find_of(record, &provider, &row, &ignored) && row->told_name;
}

char *proof_script_lane(const struct stored_record *record, const char *cert)
{
    AUTO(dns_provider) provider = {0};
    const struct row *row;
    struct error ignored;
    if (!find_of(record, &provider, &row, &ignored))
        return mem_strdup("");
    /* All of acme.sh's scripts write one file of settings. */
    if (row == &rows[DNS_PROVIDER_ACME_SH])
        return mem_strdup("acme.sh");
    return mem_printf("%s %s", record->script, row->one_by_one ? cert : record->name);
}
