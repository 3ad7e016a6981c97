#include <acmec/engine/profiles.h>

#include <acmec/acme/session.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/engine/authority.h>
#include <acmec/engine/world.h>
#include <stdlib.h>

void profile_views_release(struct profile_views *views)
{
    for (size_t i = 0; i < views->count; i++) {
        free(views->items[i].name);
        free(views->items[i].description);
    }
    free(views->items);
    free(views->ca);
    *views = (struct profile_views){0};
}

static void collect(const struct session *session, struct profile_views *out)
{
    const struct session_profile *profile;
    out->ca = mem_strdup(session_directory_url(session));
    out->items = mem_new(SESSION_PROFILES_MAX, sizeof *out->items);
    while ((profile = session_profile(session, out->count)) != NULL)
        out->items[out->count++] =
            (struct profile_view){mem_strdup(escaped_str(profile->name).text),
                                  mem_strdup(escaped_str(profile->description).text)};
}

static bool wait_for_directory(struct run *run, struct authority *authority, struct error *err)
{
    while (!authority_has_directory(authority) && authority_error(authority) == NULL)
        if (!world_pass(run, INT64_MAX, err))
            return false;
    const struct error *error = authority_error(authority);
    if (error != NULL)
        *err = *error;
    return error == NULL;
}

bool profiles_read(struct run *run, const struct cert_spec *spec, struct profile_views *out,
                   struct error *err)
{
    if (!world_open(run, spec->ca_bundle, spec->proxy, err))
        return false;
    struct authority *authority = authority_get(run, spec, 0, AUTHORITY_FOR_DIRECTORY);
    bool good = wait_for_directory(run, authority, err);
    if (good)
        collect(authority_session(authority), out);
    world_close(run);
    return good;
}
