/* config_private.h: what the sources of cli/config share. */
#ifndef ACMEC_CLI_CONFIG_PRIVATE_H
#define ACMEC_CLI_CONFIG_PRIVATE_H

#include <acmec/cli/config.h>

/* Fails at the value of id that counts. */
#define FAIL_VALUE(set, id, err, ...)                                                              \
    option_fail((set), (id), config_counting((set), (id)), (err), __VA_ARGS__)

size_t config_counting(const struct option_set *set, enum option_id id);
bool config_is_yes(const struct option_set *set, enum option_id id);

/* Each reads its part of the spec; the names are there already. */
bool config_read_proofs(const struct option_layers *layers, struct cert_spec *spec,
                        struct error *err) MUST_USE;
bool config_read_dns(const struct option_layers *layers, struct cert_spec *spec, struct error *err)
    MUST_USE;
bool config_read_address(const struct option_layers *layers, struct cert_spec *spec,
                         struct error *err) MUST_USE;
/* What the certificate shall be: keys, request, profile, chain, dates, time of renewal. */
bool config_read_certificate(const struct option_layers *layers, struct cert_spec *spec,
                             struct error *err) MUST_USE;
bool config_read_nginx(const struct option_layers *layers, struct cert_spec *spec,
                       struct error *err) MUST_USE;

#endif
