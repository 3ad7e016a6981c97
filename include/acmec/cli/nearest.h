/* nearest: the known word that a mistyped one was meant to be. Pure. */
#ifndef ACMEC_CLI_NEAREST_H
#define ACMEC_CLI_NEAREST_H

#include <stddef.h>

/* Longer words are not compared. */
#define NEAREST_WORD_MAX 64

struct nearest {
    const char *typed; /* borrowed */
    const char *best;  /* borrowed; NULL: nothing is near enough */
    size_t distance;
};

struct nearest nearest_begin(const char *typed);
/* Offers a known word (borrowed). Near enough is: at most a third of the longer word's letters
 * added, dropped, changed or swapped, or typed being the beginning of word (three letters at
 * least). Of two that are as near, the first stays. */
void nearest_offer(struct nearest *nearest, const char *word);

#endif
