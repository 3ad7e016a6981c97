#include <acmec/engine/certkey.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/data/escape.h>
#include <stdio.h>

void certkey_release(struct certkey *certkey)
{
    keygen_release(&certkey->keygen);
    csr_info_release(&certkey->csr);
    *certkey = (struct certkey){0};
}

bool certkey_is_over(const struct certkey *certkey)
{
    return certkey->has_csr || certkey->keygen.over;
}

bool certkey_take(struct certkey *certkey, const struct event *event)
{
    return keygen_take(&certkey->keygen, event);
}

/* ---- a person's request ---- */

static bool read_csr(const char *path, struct csr_info *out, struct error *err)
{
    AUTO(buf) text = BUF(CSR_TEXT_MAX);
    if (!crypto_start(err) || !file_read(path, &text, NULL, err))
        return while_doing(err, "--csr");
    return csr_read(buf_span(&text), out, err) ||
           while_doing(err, "the certificate request '%s'", escaped_str(path).text);
}

bool certkey_read_csr(struct cert_spec *spec, struct error *err)
{
    AUTO(csr_info) csr = {0};
    if (!read_csr(spec->csr, &csr, err))
        return false;
    identifier_list_release(&spec->names);
    identifier_list_copy(&csr.names, &spec->names);
    (void)snprintf(spec->csr_sha256, sizeof spec->csr_sha256, "%s", csr.sha256);
    return true;
}

static bool start_csr(struct certkey *certkey, const struct key *account, struct error *err)
{
    const char *path = certkey->spec->csr;
    bool banned;
    if (!read_csr(path, &certkey->csr, err) ||
        !store_key_is_banned(certkey->run->store, certkey->csr.key_fingerprint, &banned, err))
        return false;
    certkey->has_csr = true;
    if (banned) {
        (void)fail(err, ERR_REFUSED,
                   "the key of '%s' was revoked as compromised, and is never used again",
                   escaped_str(path).text);
        return with_hint(err, "make a new key, and a new request with it");
    }
    if (csr_is_for(&certkey->csr, account))
        return fail(err, ERR_USAGE, "the key of '%s' is that of the account",
                    escaped_str(path).text);
    if (!identifier_list_same_set(&certkey->csr.names, &certkey->spec->names))
        return fail(err, ERR_USAGE, "'%s' was changed meanwhile", escaped_str(path).text);
    return true;
}

/* ---- a key of ours ---- */

/* The live key, where it may be used again; *key NULL: it may not, or there is none. */
static bool find_live(const struct certkey *certkey, struct key **key, struct error *err)
{
    const struct cert_spec *spec = certkey->spec;
    struct key *live = NULL;
    char fingerprint[SHA256_HEX];
    bool found = false, banned = false;
    const char *suffix = cert_spec_suffix(spec, certkey->pair);
    if (!store_read_live_key(certkey->run->store, spec->name, suffix, &live, &found, err))
        return false;
    bool good = !found || (key_fingerprint(live, fingerprint, err) &&
                           store_key_is_banned(certkey->run->store, fingerprint, &banned, err));
    bool fits = good && found && !banned && key_get_type(live) == spec->key_types[certkey->pair];
    if (banned)
        log_info("%s: the key was revoked as compromised; making a new one", spec->name);
    if (fits)
        *key = live;
    else
        key_free(live);
    return good;
}

static void init(struct certkey *certkey, struct run *run, const struct cert_spec *spec,
                 size_t pair)
{
    *certkey = (struct certkey){.run = run, .spec = spec, .pair = pair};
}

static void take_key(struct certkey *certkey, struct key *key)
{
    certkey->keygen = (struct keygen){.run = certkey->run, .over = true, .key = key};
}

bool certkey_start(struct certkey *certkey, struct run *run, const struct cert_spec *spec,
                   size_t pair, const struct key *account, struct error *err)
{
    struct key *live = NULL;
    init(certkey, run, spec, pair);
    if (spec->csr != NULL)
        return start_csr(certkey, account, err);
    if (spec->reuse_key && !find_live(certkey, &live, err))
        return false;
    if (live != NULL)
        take_key(certkey, live);
    else
        keygen_start(&certkey->keygen, run, spec->key_types[pair]);
    return true;
}

bool certkey_resume(struct certkey *certkey, struct run *run, const struct cert_spec *spec,
                    size_t pair, const struct key *account, unsigned generation, bool *found,
                    struct error *err)
{
    struct key *key = NULL;
    init(certkey, run, spec, pair);
    if (spec->csr != NULL) {
        *found = true;
        return start_csr(certkey, account, err);
    }
    if (!store_read_pending_key(run->store, spec->name, generation, cert_spec_suffix(spec, pair),
                                &key, found, err))
        return false;
    if (*found)
        take_key(certkey, key);
    certkey->is_saved = *found;
    return true;
}

/* ---- what it is for ---- */

bool certkey_save(struct certkey *certkey, unsigned generation, struct error *err)
{
    const struct cert_spec *spec = certkey->spec;
    if (certkey->has_csr || certkey->is_saved || certkey->keygen.key == NULL)
        return true;
    certkey->is_saved =
        store_write_pending_key(certkey->run->store, spec->name, generation,
                                cert_spec_suffix(spec, certkey->pair), certkey->keygen.key, err);
    return certkey->is_saved;
}

bool certkey_request(const struct certkey *certkey, struct buf *out, struct error *err)
{
    const struct cert_spec *spec = certkey->spec;
    const struct csr_wish wish = {.names = &spec->names, .must_staple = spec->must_staple};
    if (certkey->has_csr) {
        buf_add_span(out, buf_span(&certkey->csr.der));
        return true;
    }
    if (certkey->keygen.key != NULL)
        return csr_make(certkey->keygen.key, &wish, out, err);
    *err = certkey->keygen.error;
    return false;
}

bool certkey_check_chain(const struct certkey *certkey, struct span chain, struct cert_info *out,
                         struct error *err)
{
    const struct identifier_list *names = &certkey->spec->names;
    int64_t now = run_now(certkey->run);
    if (certkey->has_csr)
        return cert_check_chain_of(chain, buf_span(&certkey->csr.spki), names, now, out, err);
    return cert_check_chain(chain, certkey->keygen.key, names, now, out, err);
}
