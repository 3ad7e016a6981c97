/* account_act: what a person does with an account at a CA: ask about it, register it, change its
 * contacts or its key, deactivate it (RFC 8555 section 7.3). One account at a time, no orders.
 *
 * A key change survives a lost reply, and a kill at any moment: the next key is on disk before the
 * CA hears of it, and where it is not certain which key the CA knows, the CA is asked with the next
 * one, now or by the next run (engine/enrol). */
#ifndef ACMEC_ENGINE_ACCOUNT_ACT_H
#define ACMEC_ENGINE_ACCOUNT_ACT_H

#include <acmec/engine/run.h>

/* spec: its server, account, email, agreed terms and binding. view: owned, filled as far as the
 * account is known, also on failure. */
bool account_act(struct run *run, enum account_act act, const struct cert_spec *spec,
                 struct account_view *view, struct error *err) MUST_USE;

/* Adds the CAA records for view's url; identities: the CA's names, comma-separated; NULL: none. */
void account_view_add_caa(struct account_view *view, const char *identities);
void account_view_release(struct account_view *view);

#endif
