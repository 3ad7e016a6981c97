/* dns_wire: reads a DNS message as it came from the network (RFC 1035 section 4). Pure, and written
 * for hostile bytes: names that point at themselves, lengths beyond the end, any count. */
#ifndef ACMEC_DATA_DNS_WIRE_H
#define ACMEC_DATA_DNS_WIRE_H

#include <acmec/data/dns_msg.h>

/* The answer and authority records of the types that dns_msg knows; others are passed over. False:
 * it is no whole response message, or has more than DNS_RECORDS_MAX records. */
bool dns_wire_read(struct span message, struct dns_answer *out) MUST_USE;

#endif
