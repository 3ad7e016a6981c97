/* store_remove: takes a certificate out of the store: certs/NAME.conf, live/NAME, archive/NAME with
 * its keys, and its state. Its lock file stays, as all do. */
#ifndef ACMEC_IO_STORE_REMOVE_H
#define ACMEC_IO_STORE_REMOVE_H

#include <acmec/base/error.h>

struct store;

/* Whether there is anything of it, also what a removal that was killed has left. */
bool store_remains(const struct store *store, const char *name);

/* Again, after a kill in the middle: the rest goes. Its configuration goes first, so that nothing
 * orders it anew, and its archive last. The caller holds the certificate's lock, and has seen that
 * nobody uses its files. */
bool store_remove(struct store *store, const char *name, struct error *err) MUST_USE;

#endif
