/* proofs: the authorizations of one order, each from being read to being valid (RFC 8555 section
 * 7.5). Part of the order's machine: order.c alone uses it, and knows the order as a whole.
 *
 * Each authorization runs errands (read, deactivate, present, respond, examine), given out once by
 * proofs_next as an order_action, and reported back by the functions below; a report for an errand
 * that is not under way is ignored. None is presented before all have been read, so that whoever
 * presents knows how many there are. After one has failed no other errand but examining begins. */
#ifndef ACMEC_ACME_PROOFS_H
#define ACMEC_ACME_PROOFS_H

#include <acmec/acme/challenge.h>
#include <acmec/acme/order.h>

struct proofs;

/* session and what plan (copied) points to are borrowed for the proofs' life. */
struct proofs *proofs_new(struct session *session, const struct challenge_plan *plan);
void proofs_free(struct proofs *proofs);

/* Begins with these URLs (copied), all to be read. fresh: valid ones are deactivated, and none is
 * presented before proofs_release_held. */
void proofs_begin(struct proofs *proofs, char *const *urls, size_t count, bool fresh);
size_t proofs_count(const struct proofs *proofs);
bool proofs_has(const struct proofs *proofs, const char *url);

enum proofs_state {
    PROOFS_ERRAND, /* out is to be done */
    PROOFS_BUSY,   /* errands are under way */
    PROOFS_SETTLED /* nothing to do or under way */
};
enum proofs_state proofs_next(struct proofs *proofs, struct order_action *out);

/* What the errands are about; NULL for a number out of range. Borrowed. */
const char *proofs_url(const struct proofs *proofs, size_t index);
const char *proofs_challenge_url(const struct proofs *proofs, size_t index);
/* Whether this errand of this authorization is under way. */
bool proofs_awaits(const struct proofs *proofs, enum order_step step, size_t index);

/* ---- reports; the errand is under way ---- */
bool proofs_read(struct proofs *proofs, size_t index, const struct http_response *response,
                 struct error *err) MUST_USE;
void proofs_deactivated(struct proofs *proofs, size_t index);
/* The CA took the answer; what its reply says beside that may be unreadable. */
void proofs_responded(struct proofs *proofs, size_t index, const struct http_response *response);
/* The CA did not take the answer. It may have taken it when it was sent before and the connection
 * was lost: the authorization is read again, and fails with error if the answer is not there. */
void proofs_response_refused(struct proofs *proofs, size_t index, const struct error *error);
/* response NULL: it could not be had. */
void proofs_examined(struct proofs *proofs, size_t index, const struct http_response *response);
/* These two may come for anything at any time. */
void proofs_presented(struct proofs *proofs, size_t index);
void proofs_visited(struct proofs *proofs, const char *token, int64_t now_ms);

/* ---- once they are settled ---- */
bool proofs_any_failed(const struct proofs *proofs);
bool proofs_any_deactivated(const struct proofs *proofs);
/* Those that waited may be presented now. Returns whether there were any. */
bool proofs_release_held(struct proofs *proofs);
/* Those that are not valid yet are to be read again. */
void proofs_look(struct proofs *proofs);
/* Those that are not known to be valid are to be asked what failed. */
void proofs_examine(struct proofs *proofs);
/* The order says that all are valid. */
void proofs_set_valid(struct proofs *proofs);

/* ---- what is known ---- */
bool proofs_all_valid(const struct proofs *proofs);
/* Whether all that are not valid yet were visited; *latest_ms: the last visit of any. */
bool proofs_all_visited(const struct proofs *proofs, int64_t *latest_ms);
/* Whether one was valid without an answer of ours. */
bool proofs_any_reused(const struct proofs *proofs);
/* Adds the names whose authorization failed. */
void proofs_failed_names(const struct proofs *proofs, struct identifier_list *out);
/* The failures in one text, with the class, hint and type of the first; false when there are none.
 */
bool proofs_failure(const struct proofs *proofs, struct error *out);

#endif
