#include <acmec/engine/nginx_wish.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/crypto/cert_view.h>
#include <acmec/data/pem.h>
#include <acmec/nginx/tls_policy.h>

void nginx_paths_release(struct nginx_paths *paths)
{
    for (size_t i = 0; i < KEY_TYPES_MAX; i++) {
        free(paths->chains[i]);
        free(paths->keys[i]);
    }
    free(paths->policy);
    free(paths->webroot);
    *paths = (struct nginx_paths){0};
}

void nginx_paths_make(const struct run *run, const struct cert_spec *spec, struct nginx_paths *out)
{
    AUTO_FREE live = store_live_path(run->store, spec->name);
    for (size_t i = 0; i < cert_spec_pairs(spec); i++) {
        out->chains[i] = mem_printf("%s/fullchain%s.pem", live, cert_spec_suffix(spec, i));
        out->keys[i] = mem_printf("%s/privkey%s.pem", live, cert_spec_suffix(spec, i));
    }
    out->policy = mem_printf("%s/nginx/options-ssl.conf", store_config_dir(run->store));
    if (cert_spec_uses(spec, PROOF_NGINX))
        out->webroot = mem_printf("%s/webroot", store_state_dir(run->store));
}

/* Whether the certificate in a file that the configuration names has an RSA key. */
static bool is_rsa(void *ctx, struct span name, bool *rsa)
{
    AUTO_FREE path = nginx_site_path(ctx, name);
    AUTO(buf) text = BUF(PEM_CHAIN_MAX);
    AUTO(pem_list) blocks = {0};
    AUTO(cert_view) view = {0};
    struct error why = {0};
    if (!file_read(path, &text, NULL, &why) ||
        !pem_parse(buf_span(&text), ERR_FILES, &blocks, &why) || blocks.count == 0 ||
        !cert_view_read(buf_span(&blocks.blocks[0].der), &view, &why)) {
        log_info("%s", why.text);
        return false;
    }
    *rsa = strncmp(view.key, "RSA", 3) == 0;
    return true;
}

struct plan_wish nginx_plan_wish(const struct nginx_site *site, const struct cert_spec *spec,
                                 const struct nginx_paths *paths)
{
    struct plan_wish wish = {
        .cert = spec->name,
        .target = {&spec->names, spec->nginx.server_block, spec->http_port, spec->tls_port},
        .pair_count = cert_spec_pairs(spec),
        .policy = paths->policy,
        .webroot = paths->webroot,
        .version = site->instance.about.version,
        .running = site->instance.master.pid != 0,
        .redirect = spec->nginx.redirect,
        .hsts = spec->nginx.hsts,
        .edit_managed = spec->nginx.edit_managed,
        .is_rsa = is_rsa,
        .ctx = (void *)(uintptr_t)site,
    };
    for (size_t i = 0; i < wish.pair_count; i++)
        wish.pairs[i] = (struct plan_pair){key_type_is_rsa(spec->key_types[i]), paths->chains[i],
                                           paths->keys[i]};
    return wish;
}

/* ---- the policy file ---- */

/* Never overwritten if a person has edited it: the new one then lies beside it. */
bool nginx_write_policy(struct run *run, const struct nginx_site *site, const char *path,
                        struct error *err)
{
    AUTO(buf) want = BUF(TLS_POLICY_MAX);
    AUTO(buf) have = BUF(TLS_POLICY_MAX);
    AUTO_FREE dir = mem_printf("%s/nginx", store_config_dir(run->store));
    bool found = false;
    struct error ignored = {0};
    const struct nginx_about *about = &site->instance.about;
    if (!tls_policy_write(about->version, about->openssl, &want, err) ||
        !file_make_dir(dir, 0755, err))
        return false;
    bool readable = file_read_trusted(path, &have, &found, &ignored);
    if (readable && found && span_equals(buf_span(&have), buf_span(&want)))
        return true;
    if (!found || (readable && tls_policy_is_untouched(buf_span(&have))))
        return file_replace(path, 0644, buf_span(&want), err);
    AUTO_FREE beside = mem_printf("%s.new", path);
    struct file_stamp stamp = {0};
    if (!file_stamp_read(beside, &stamp, err))
        return false;
    if (stamp.inode == 0)
        run_progress(run, PROGRESS_NOTICE, "",
                     "'%s' has been edited and stays; the current policy is in '%s'", path, beside);
    return file_replace(beside, 0644, buf_span(&want), err);
}

bool nginx_policy_lend(struct run *run, const struct nginx_site *site, const char *path,
                       struct nginx_policy_loan *out, struct error *err)
{
    AUTO_FREE dir = mem_strndup(path, (size_t)(strrchr(path, '/') - path));
    *out = (struct nginx_policy_loan){access(path, F_OK) != 0, access(dir, F_OK) != 0};
    return !out->file || nginx_write_policy(run, site, path, err);
}

void nginx_policy_return(const char *path, const struct nginx_policy_loan *loan)
{
    AUTO_FREE dir = mem_strndup(path, (size_t)(strrchr(path, '/') - path));
    if ((loan->file && unlink(path) != 0) || (loan->folder && rmdir(dir) != 0))
        log_warn("cannot remove '%s' again", path);
}
