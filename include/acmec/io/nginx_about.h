/* nginx_about: what `nginx -V` says about a binary. Pure.
 *
 * Openresty, Tengine, Angie, freenginx and renamed builds are nginx too: what counts is the version
 * of nginx that they are made from, since the configuration's syntax goes by it. */
#ifndef ACMEC_IO_NGINX_ABOUT_H
#define ACMEC_IO_NGINX_ABOUT_H

#include <acmec/base/error.h>
#include <acmec/base/span.h>

#define NGINX_VERSION(major, minor, patch) ((unsigned)((major)*1000000 + (minor)*1000 + (patch)))
/* Assumed where a flavour does not tell which nginx it is made from: what is written for it is
 * understood by all later ones. */
#define NGINX_VERSION_UNKNOWN NGINX_VERSION(1, 22, 0)

struct nginx_about {
    char product[64];       /* as it calls itself, escaped: "nginx/1.22.1", "Tengine/3.1.0" */
    unsigned version;       /* of nginx, as NGINX_VERSION gives it: compare with that */
    unsigned openssl_built; /* the same form, 3.0.19: NGINX_VERSION(3, 0, 19); 0: not OpenSSL */
    unsigned openssl;       /* the one that it runs with; 0: not OpenSSL, or without TLS */
    /* Owned. Relative ones are below prefix, as nginx reads them. */
    char *prefix;    /* absolute */
    char *conf_path; /* --conf-path */
    char *pid_path;  /* --pid-path; a `pid` directive wins */
    char *error_log; /* --error-log-path; NULL: stderr */
};

/* ERR_WEB_SERVER: this is no output of `nginx -V`. */
bool nginx_about_read(struct span output, struct nginx_about *out, struct error *err) MUST_USE;
void nginx_about_release(struct nginx_about *about);

#endif
