/* authority: one account at one CA during a run: directory, nonces, account, in this order, once
 * for all certificates that want it. What fails here fails for all of them, and is no certificate's
 * fault. */
#ifndef ACMEC_ENGINE_AUTHORITY_H
#define ACMEC_ENGINE_AUTHORITY_H

#include <acmec/engine/run.h>

/* A clock that is further off than this from the CA's is ERR_CONFIG; an hour is a warning. */
#define CLOCK_OFF_MAX_S (365 * 86400)
#define CLOCK_OFF_WARN_S 3600

struct authority;
struct enrol;

/* What it is for. */
enum authority_use {
    AUTHORITY_FOR_DIRECTORY, /* the directory alone, until another use asks for the account */
    AUTHORITY_FOR_ORDERS,    /* as stored, found by its key, or registered */
    AUTHORITY_FOR_ACCOUNT,   /* the same, and the CA is asked about a stored one */
    AUTHORITY_FOR_CHANGE     /* the CA is asked; none is registered */
};

/* The authority for the nth of spec's CAs (its staging service in a dry run, where it has one) and
 * account: found, or made and started. Borrowed until authorities_free. */
struct authority *authority_get(struct run *run, const struct cert_spec *spec, size_t nth,
                                enum authority_use use);
void authorities_free(struct run *run);

/* Whether the directory is known; session and lane can be used, unsigned. */
bool authority_has_directory(const struct authority *authority);
bool authority_is_ready(const struct authority *authority);
/* Why it cannot be used, or NULL. */
const struct error *authority_error(const struct authority *authority);
/* Ends it for all: the CA cannot be reached any more. */
void authority_fail(struct authority *authority, const struct error *error);
/* The CA says to wait: kept until then for the next runs, where it said how long. names NULL: for
 * the account as a whole, and then it ends for all, though the certificate that met the limit has
 * said so already. */
void authority_limit(struct authority *authority, const struct identifier_list *names,
                     int64_t until, const struct error *error);
/* A certificate had no other CA to go to, after those of spec up to the nth. */
void authorities_blame(struct run *run, const struct cert_spec *spec, size_t nth);
/* The nth (from 0) authority's error that nobody has said yet, or NULL. One
 * that only its directory was wanted of has none. *blamed: whether a
 * certificate is left behind because of it; else another CA stood in. */
const struct error *authorities_error(const struct run *run, size_t nth, bool *blamed);

/* With the directory known: whether the CA says when to renew (RFC 9773). */
bool authority_has_ari(const struct authority *authority);
/* Borrowed. */
struct session *authority_session(struct authority *authority);
struct lane *authority_lane(struct authority *authority);
const char *authority_directory_url(const struct authority *authority);
const char *authority_account_url(const struct authority *authority);
struct enrol *authority_enrol(struct authority *authority);
const char *authority_account_name(const struct authority *authority);
/* Whether it is the staging partner of what the spec names. */
bool authority_is_staging(const struct authority *authority);

/* The directory that stands for a CA in this run: of its staging service in a dry run. */
const char *authority_url_for(const struct run *run, const struct ca_choice *ca);

#endif
