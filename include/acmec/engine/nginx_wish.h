/* nginx_wish: what is to be planned for a certificate in nginx: its options and paths as nginx/plan
 * takes them, and the policy file that its servers include. */
#ifndef ACMEC_ENGINE_NGINX_WISH_H
#define ACMEC_ENGINE_NGINX_WISH_H

#include <acmec/engine/nginx_site.h>
#include <acmec/nginx/plan.h>

/* Owned; they must outlive the wish. */
struct nginx_paths {
    char *chains[KEY_TYPES_MAX], *keys[KEY_TYPES_MAX];
    char *policy, *webroot;
};
void nginx_paths_release(struct nginx_paths *paths);
void nginx_paths_make(const struct run *run, const struct cert_spec *spec, struct nginx_paths *out);
struct plan_wish nginx_plan_wish(const struct nginx_site *site, const struct cert_spec *spec,
                                 const struct nginx_paths *paths);

/* CONFIG_DIR/nginx/options-ssl.conf, brought up to date; never overwritten if a person has edited
 * it: the new one then lies beside it. */
bool nginx_write_policy(struct run *run, const struct nginx_site *site, const char *path,
                        struct error *err) MUST_USE;

/* For a rehearsal: there is a policy file until it is returned, and all is as it was then. */
struct nginx_policy_loan {
    bool file, folder; /* made for it */
};
bool nginx_policy_lend(struct run *run, const struct nginx_site *site, const char *path,
                       struct nginx_policy_loan *out, struct error *err) MUST_USE;
void nginx_policy_return(const char *path, const struct nginx_policy_loan *loan);

#endif
