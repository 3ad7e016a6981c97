/* own_address: which IP addresses are this machine's own. */
#ifndef ACMEC_IO_OWN_ADDRESS_H
#define ACMEC_IO_OWN_ADDRESS_H

#include <stdbool.h>

/* address: numeric, without brackets. Loopback addresses are ours, all of them. */
bool own_address_has(const char *address);

#endif
