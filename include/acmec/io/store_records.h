/* store_records: STATE_DIR/journal/NAME.proofs.json, the answers of a certificate that scripts have
 * put in place, or are about to, TXT records above all: what a killed run leaves is taken out by
 * the next one. Held under the lock of the certificate. */
#ifndef ACMEC_IO_STORE_RECORDS_H
#define ACMEC_IO_STORE_RECORDS_H

#include <acmec/base/error.h>
#include <stddef.h>

struct store;
struct name_list;

struct stored_record {
    char *script;  /* owned, as all: of data/proving, "dns:exec:/etc/hook" */
    char *name;    /* "_acme-challenge.example.com"; over HTTP as domain */
    char *value;   /* of the TXT record; over HTTP the key authorization */
    char *domain;  /* "example.com": what some scripts want beside */
    char *domains; /* of all records that its script puts for the certificate, comma-separated */
    char *token;
    char *output;       /* what certbot's first script printed; NULL: nothing yet */
    unsigned remaining; /* how many of those records come after it */
    unsigned tries;     /* to take it out */
};
struct record_list {
    struct stored_record *items;
    size_t count;
};

void stored_record_release(struct stored_record *record);
void stored_record_copy(const struct stored_record *from, struct stored_record *out);
void record_list_release(struct record_list *list);

/* Missing or damaged: an empty list. */
bool store_read_records(const struct store *store, const char *cert, struct record_list *out,
                        struct error *err) MUST_USE;
/* count 0: the file is removed. records: pointers to what is written, borrowed. */
bool store_write_records(struct store *store, const char *cert,
                         const struct stored_record *const *records, size_t count,
                         struct error *err) MUST_USE;
/* The certificates that have such a file. */
bool store_list_records(const struct store *store, struct name_list *out, struct error *err)
    MUST_USE;

#endif
