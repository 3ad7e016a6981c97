/* tls_policy: the text of CONFIG_DIR/nginx/options-ssl.conf: Mozilla's current intermediate policy,
 * as the nginx that runs understands it. Pure.
 *
 * The first line carries the policy's version and the SHA-256 of all below it, so that a file that
 * a person has edited is known by itself. */
#ifndef ACMEC_NGINX_TLS_POLICY_H
#define ACMEC_NGINX_TLS_POLICY_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>

#define TLS_POLICY_MAX 8192

/* Versions as numbers: 1.25.1 is 1025001. 0: unknown, taken for an old one. */
#define TLS_POLICY_VERSION(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))

/* Appends the file. openssl: of the library that nginx runs with. */
bool tls_policy_write(unsigned nginx, unsigned openssl, struct buf *out, struct error *err)
    MUST_USE;

/* Whether text is a policy as some version of tls_policy_write wrote it, with no byte changed. */
bool tls_policy_is_untouched(struct span text);

/* Whether the policy sets this directive. */
bool tls_policy_sets(struct span directive);

#endif
