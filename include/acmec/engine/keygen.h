/* keygen: a new certificate key without holding up the loop. ECDSA keys are made at once; RSA keys,
 * which take seconds, by a re-executed acmec that gives the PEM back by pipe (never a bare fork:
 * mbedTLS 2.28 repeats its random numbers there). */
#ifndef ACMEC_ENGINE_KEYGEN_H
#define ACMEC_ENGINE_KEYGEN_H

#include <acmec/engine/run.h>

struct keygen {
    struct run *run;
    uint64_t child; /* 0: none runs */
    bool over;
    struct key *key; /* owned until taken */
    struct error error;
};

/* Starts; look at `over`, then at key (NULL: error says why). */
void keygen_start(struct keygen *keygen, struct run *run, enum key_type type);
/* Takes an EVENT_CHILD; false: another's. */
bool keygen_take(struct keygen *keygen, const struct event *event);
void keygen_release(struct keygen *keygen);

/* argv[1] of the child that makes an RSA key, and its main: writes the PEM to stdout. Exit code. */
#define KEYGEN_ARG "--internal-generate-key"
int keygen_main(const char *key_type_word);

#endif
