/* dns_trace: where the CNAMEs of a name lead, as the system's resolver sees it: the name at which a
 * TXT record must be put where _acme-challenge is delegated to another zone. */
#ifndef ACMEC_ENGINE_DNS_TRACE_H
#define ACMEC_ENGINE_DNS_TRACE_H

#include <acmec/engine/run.h>

struct dns_trace;

/* told is called once, from lookups_take or lookups_step: end is borrowed, the name itself where no
 * CNAME is found. answered false: no server answers at all. name is copied. */
struct dns_trace *dns_trace_new(struct run *run, const char *name,
                                void (*told)(void *ctx, const char *end, bool answered), void *ctx);
/* NULL is fine; told comes no more. */
void dns_trace_free(struct dns_trace *trace);

#endif
