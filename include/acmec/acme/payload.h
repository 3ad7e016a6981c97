/* payload: the JSON that an order's requests carry (RFC 8555 section 7.4, 7.5). Pure. All append.
 */
#ifndef ACMEC_ACME_PAYLOAD_H
#define ACMEC_ACME_PAYLOAD_H

#include <acmec/acme/demand.h>
#include <acmec/base/buf.h>
#include <acmec/data/identifier.h>

/* {"identifiers":[{"type":..,"value":..},..]}, and of "notBefore", "notAfter", "profile",
 * "replaces" what is demanded. */
void payload_new_order(const struct identifier_list *names, const struct demand *demand,
                       struct buf *out);
/* {"csr":base64url} */
void payload_finalize(struct span csr_der, struct buf *out);
/* {"status":"deactivated"} */
void payload_deactivate(struct buf *out);
/* {} */
void payload_respond(struct buf *out);

#endif
