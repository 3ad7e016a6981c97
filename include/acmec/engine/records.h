/* records: the answers of a run that scripts put in place (engine/proof_script), of all its
 * certificates at once: TXT records above all, which are looked for (engine/dns_look), and answers
 * over HTTP. They are taken away again, whatever happens to the order meanwhile.
 *
 * A journal on disk knows what was put before the script is started, so that the next run takes out
 * what a killed one has left. Scripts run in parallel, but for those whose records share a lane. A
 * script that cannot take a record out is tried again by later runs, three times in all; that is a
 * warning, never a certificate's failure. */
#ifndef ACMEC_ENGINE_RECORDS_H
#define ACMEC_ENGINE_RECORDS_H

#include <acmec/engine/run.h>
#include <acmec/io/store_records.h>

struct records;
struct record;

struct record_listener {
    /* doubt: why nobody may see the record yet; static; NULL: none. */
    void (*ready)(void *ctx, const char *doubt);
    void (*failed)(void *ctx, const struct error *error);
    void *ctx;
};

struct record_wish {
    const char *cert;            /* the certificate's name; its lock is held until it is not busy */
    struct stored_record stored; /* copied; domains and remaining are filled in here */
    int64_t script_timeout_s, dns_timeout_s;
    struct record_listener listener;
};

struct records *records_new(struct run *run);
/* What is still there stays in the journal. */
void records_free(struct records *records);

/* listener's ready or failed comes later, once, unless the record is dropped before. */
struct record *records_put(struct records *records, const struct record_wish *wish);
/* Takes it out as soon as that can be; listener is told nothing more. */
void record_drop(struct record *record);

/* Takes out what killed runs have left, of all certificates that nobody else holds. */
bool records_recover(struct records *records, struct error *err) MUST_USE;
/* Whether killed runs have left anything at all: one look into a folder. */
bool records_are_left(const struct run *run);

/* Whether scripts of this certificate (NULL: of any) still have to run. After a signal that ends
 * the run only for a moment more. */
bool records_busy(const struct records *records, const char *cert);

/* Starts what can be started; returns when to be called again (INT64_MAX: after an event). */
int64_t records_step(struct records *records);
/* Takes an EVENT_CHILD; false: it is another's. */
bool records_take(struct records *records, const struct event *event);

#endif
