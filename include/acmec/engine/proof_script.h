/* proof_script: how a program of somebody else's is called to put an answer to the CA in place and
 * to take it away again. A DNS provider's, each in the form that its scripts know:
 *
 *   exec        PATH present|cleanup _acme-challenge.NAME. VALUE
 *   rfc2136     nsupdate [-k KEY], told what to do on its standard input
 *   certbot     AUTH, then CLEANUP, by /bin/sh -c, with CERTBOT_* in the environment
 *   dehydrated  PATH deploy_challenge|clean_challenge NAME TOKEN VALUE
 *   acme.sh     dns_NAME_add|dns_NAME_rm _acme-challenge.NAME VALUE, a function of acme.sh's
 *
 * and --http-hook: PATH present|cleanup NAME TOKEN KEY_AUTHORIZATION. It starts nothing. */
#ifndef ACMEC_ENGINE_PROOF_SCRIPT_H
#define ACMEC_ENGINE_PROOF_SCRIPT_H

#include <acmec/base/buf.h>
#include <acmec/data/proving.h>
#include <acmec/engine/environment.h>
#include <acmec/io/store_records.h>

#define PROOF_SCRIPT_ARGS_MAX 10

struct proof_script {
    char *argv[PROOF_SCRIPT_ARGS_MAX + 1]; /* owned; argv[0] is the absolute path of the program */
    struct environment environment;
    struct buf input;  /* its standard input */
    bool gives_output; /* what it prints goes into the record, for the call that takes it out */
};

void proof_script_release(struct proof_script *script);

/* What would fail later: the script's files are missing, not executable, or could be changed by
 * somebody else: ERR_FILES, ERR_CONFIG. other_name: the records are not those of dns-01, whose name
 * some scripts make by themselves: ERR_USAGE. */
bool proof_script_check(const struct proving *proof, bool other_name, struct error *err) MUST_USE;

/* The call that puts the answer in place, or takes it away. *needed false: there is nothing to
 * call. */
bool proof_script_make(const struct stored_record *record, bool put, struct proof_script *out,
                       bool *needed, struct error *err) MUST_USE;

/* Whether the call has the record's name in it; else its script makes it from the domain. */
bool proof_script_is_told_name(const struct stored_record *record);

/* Records with the same lane are put one after the other, since their scripts may read, change and
 * write one thing; NULL-free text, owned. cert: the certificate's name. */
char *proof_script_lane(const struct stored_record *record, const char *cert);

#endif
