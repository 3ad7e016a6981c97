/* responder_link: the keeper's side of acmec-responder: listeners, tokens, visits. A responder that
 * fails is started once more with its listeners and tokens; then EVENT_PROOF_LOST says so. */
#ifndef ACMEC_IO_RESPONDER_LINK_H
#define ACMEC_IO_RESPONDER_LINK_H

#include <acmec/io/events.h>
#include <acmec/io/worker.h>

struct responder_link;

/* clock and events are borrowed; dir is copied. */
struct responder_link *responder_link_new(const char *dir, struct clock *clock,
                                          struct events *events);
void responder_link_free(struct responder_link *link);

/* As the proof port's functions. */
bool responder_link_listen(struct responder_link *link, const char *address, uint16_t number,
                           bool tls, struct error *err) MUST_USE;
bool responder_link_add(struct responder_link *link, const char *token,
                        const char *key_authorization, struct error *err) MUST_USE;
bool responder_link_add_tls(struct responder_link *link, const char *token,
                            const struct tls_answer *answer, struct error *err) MUST_USE;
void responder_link_remove(struct responder_link *link, const char *token);

/* As those of io/net_link. */
int responder_link_fd(const struct responder_link *link);
short responder_link_poll_events(const struct responder_link *link);
int64_t responder_link_deadline_ms(const struct responder_link *link);
void responder_link_step(struct responder_link *link);

#endif
