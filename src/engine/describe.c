#include <acmec/engine/describe.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/engine/due.h>
#include <acmec/io/store_installed.h>
#include <stdio.h>
#include <stdlib.h>

/* The window of the pair that is to be renewed first. */
static void put_window(const struct stored_live *live, struct outcome *out)
{
    const struct stored_ari *first = NULL;
    for (size_t i = 0; i < live->pairs; i++)
        if (live->ari[i].end != 0 && (first == NULL || live->ari[i].chosen < first->chosen))
            first = &live->ari[i];
    if (first == NULL)
        return;
    out->window_start = first->start;
    out->window_end = first->end;
    (void)snprintf(out->explanation, sizeof out->explanation, "%s", first->explanation);
}

void outcome_from_state(const struct run *run, const char *name, const struct cert_state *state,
                        const struct cert_spec *spec, struct outcome *out)
{
    const struct stored_live *live = &state->live;
    (void)snprintf(out->name, sizeof out->name, "%s", name);
    identifier_list_release(&out->domains);
    if (live->generation != 0 || spec == NULL)
        identifier_list_copy(&live->names, &out->domains);
    else
        identifier_list_copy(&spec->names, &out->domains);
    out->deploy_pending = state->deploy_pending;
    identifier_list_release(&out->dropped);
    identifier_list_copy(&live->dropped, &out->dropped);
    if (live->generation == 0)
        return;
    free(out->ca);
    out->ca = mem_strdup(live->directory_url);
    out->not_before = live->not_before;
    out->not_after = live->not_after;
    out->next_renewal = spec == NULL ? live->due_at : due_at(spec, state);
    (void)snprintf(out->serial, sizeof out->serial, "%s", live->serial);
    (void)snprintf(out->issuer, sizeof out->issuer, "%s", live->issuer);
    out->revoked = live->revoked;
    (void)snprintf(out->profile, sizeof out->profile, "%.127s",
                   live->profile == NULL ? "" : live->profile);
    put_window(live, out);
    free(out->live);
    out->live = store_live_path(run->store, name);
}

void outcome_read_installed(const struct run *run, struct outcome *out)
{
    AUTO(installed) installed = {0};
    struct error why = {0};
    if (!store_read_installed(run->store, out->name, &installed, &why))
        log_warn("%s", why.text);
    for (size_t i = 0; i < installed.count; i++)
        for (size_t k = 0; k < installed.layers[i].count; k++)
            outcome_add_installed(out, installed.layers[i].files[k].path);
}
