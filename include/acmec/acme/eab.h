/* eab: external account binding (RFC 8555 section 7.3.4): the secret that a CA hands out with a key
 * id, and the MAC under it over the account's public key. Pure. The secret is in no message. */
#ifndef ACMEC_ACME_EAB_H
#define ACMEC_ACME_EAB_H

#include <acmec/acme/jws.h>

/* Of the key file's text, and of the secret in it. */
#define EAB_TEXT_MAX 4096

struct eab {
    char *kid; /* owned */
    enum hmac_kind kind;
    struct buf secret;
};

void eab_release(struct eab *eab);

/* text: what the key file holds: the secret in base64url or base64, padded or not, with white space
 * anywhere; before it, if the CA wants another MAC than HS256, the word HS384 or HS512. ERR_CONFIG.
 */
bool eab_read(const char *kid, struct span text, struct eab *out, struct error *err) MUST_USE;

/* Appends the value of externalAccountBinding: url is the CA's newAccount. */
bool eab_bind(const struct eab *eab, const struct key *account_key, const char *url,
              struct buf *out, struct error *err) MUST_USE;

#endif
