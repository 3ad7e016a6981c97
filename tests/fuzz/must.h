/* must: an invariant of a fuzz test; it says which one before it ends the program. */
#ifndef TESTS_FUZZ_MUST_H
#define TESTS_FUZZ_MUST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(truth)                                                                                \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #truth);           \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
