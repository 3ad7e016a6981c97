/* enrol: how an authority comes to its account (RFC 8555 section 7.3): as stored, by asking the CA
 * for the account of its key, or by registering one. The key is on disk before the CA hears of it.
 *
 * A key change that was cut short is brought to its end first: the CA is asked for the account of
 * the next key. If it has one, that key is the account's; if not, the old one still is. While
 * neither is known, nothing else is done with the account. */
#ifndef ACMEC_ENGINE_ENROL_H
#define ACMEC_ENGINE_ENROL_H

#include <acmec/acme/account.h>
#include <acmec/engine/run.h>

/* All borrowed for the call. */
struct enrol_wish {
    const char *directory_url;  /* the CA that is asked */
    const char *production_url; /* the CA itself, whose account a dry run may use and whose agreed
                                   terms cover its staging service */
    const char *account;
    const char *email; /* NULL: a person is asked, where there is one */
    const char *eab_kid, *eab_hmac_key_file;
    bool eab_unasked; /* bound also where the CA does not say that it wants it */
    bool agree_tos;
    bool check; /* the CA is asked also where an account is stored */
    bool may_register;
};

struct enrol;

/* Reads what is stored; asks nobody yet. */
bool enrol_new(struct run *run, const struct enrol_wish *wish, struct enrol **out,
               struct error *err) MUST_USE;
void enrol_free(struct enrol *enrol);

struct enrol_listener {
    /* error NULL: the session has its account. Called once, perhaps before enrol_start returns. */
    void (*done)(void *ctx, const struct error *error);
    void *ctx;
};
/* session has read the directory; it and its lane are borrowed. */
void enrol_start(struct enrol *enrol, struct session *session, struct lane *lane,
                 const struct enrol_listener *listener);

/* Borrowed. */
const struct key *enrol_key(const struct enrol *enrol); /* NULL: none yet */
const struct stored_account *enrol_stored(const struct enrol *enrol);
const char *enrol_account(const struct enrol *enrol);
const char *enrol_directory_url(const struct enrol *enrol);

/* What the CA said last about the account, where it was asked; else nothing in it is set. */
const struct account_reply *enrol_reply(const struct enrol *enrol);

/* ---- for engine/account_act ---- */
/* Notes what became of the account, and writes it. NULL: as it was. */
bool enrol_note(struct enrol *enrol, const char *contact, enum account_status status,
                struct error *err) MUST_USE;
/* A key change: the next key is stored; then it is the account's, or it is set aside. The caller
 * holds store_lock_account_change. next: taken. */
bool enrol_offer_key(struct enrol *enrol, struct key *next, struct error *err) MUST_USE;
const struct key *enrol_next_key(const struct enrol *enrol);
bool enrol_take_next_key(struct enrol *enrol, struct error *err) MUST_USE;
bool enrol_set_next_key_aside(struct enrol *enrol, struct error *err) MUST_USE;

#endif
