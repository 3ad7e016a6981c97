/* What the sources of engine share. */
#ifndef ACMEC_ENGINE_ENGINE_PRIVATE_H
#define ACMEC_ENGINE_ENGINE_PRIVATE_H

#include <acmec/engine/run.h>

struct engine {
    struct engine_settings settings;
    struct store *store;
    struct clock clock;
    struct ports clock_only; /* until a batch brings the others */
    struct run run;
    bool limits_read;
};

#endif
