/* What concerns nginx. */
#include "config_private.h"

#include <acmec/base/mem.h>

/* "yes" to one of two opposite flags, as the strongest layer has it. */
static bool read_opposites(const struct option_layers *layers, enum option_id yes,
                           enum option_id no, bool *out, struct error *err)
{
    *out = true;
    for (size_t i = 0; i < layers->count; i++) {
        const struct option_set *set = layers->sets[i];
        if (config_is_yes(set, yes) && config_is_yes(set, no))
            return FAIL_VALUE(set, no, err, "does not go together with '%s'",
                              option_row(yes)->name);
        if (option_set_text(set, yes) == NULL && option_set_text(set, no) == NULL)
            continue;
        *out =
            option_set_text(set, yes) != NULL ? config_is_yes(set, yes) : !config_is_yes(set, no);
        return true;
    }
    return true;
}

bool config_read_nginx(const struct option_layers *layers, struct cert_spec *spec,
                       struct error *err)
{
    struct spec_nginx *out = &spec->nginx;
    const struct {
        enum option_id id;
        char **to;
    } strings[] = {
        {OPT_SERVER_BLOCK, &out->server_block},
        {OPT_NGINX_BIN, &out->binary},
        {OPT_NGINX_CONF, &out->conf},
        {OPT_RELOAD_COMMAND, &out->reload_command},
    };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        *strings[i].to = mem_strdup(option_layers_text(layers, strings[i].id));
    out->no_install = option_layers_flag(layers, OPT_NO_INSTALL);
    out->install = !out->no_install && (option_layers_text(layers, OPT_INSTALL) != NULL ||
                                        cert_spec_uses(spec, PROOF_NGINX));
    out->reload = !option_layers_flag(layers, OPT_NO_RELOAD);
    out->hsts = option_layers_flag(layers, OPT_HSTS);
    out->in_place = option_layers_flag(layers, OPT_IN_PLACE);
    out->edit_managed = option_layers_flag(layers, OPT_EDIT_MANAGED);
    out->reload_interval = option_layers_number(layers, OPT_RELOAD_INTERVAL, 60);
    out->max_draining = (unsigned)option_layers_number(layers, OPT_RELOAD_MAX_DRAINING, 0);
    return read_opposites(layers, OPT_REDIRECT, OPT_NO_REDIRECT, &out->redirect, err);
}
