/* nginx_install: certificates into nginx's configuration and into what it serves: plans made, one
 * change for all, one reload, every address looked at, and all of it taken back where that fails
 * (design section 5, "nginx: applying", "nginx: renewing"). Also out of it again. */
#ifndef ACMEC_ENGINE_NGINX_INSTALL_H
#define ACMEC_ENGINE_NGINX_INSTALL_H

#include <acmec/engine/nginx_site.h>

/* A certificate that is to be served. */
struct nginx_install_item {
    const struct cert_spec *spec; /* borrowed */
    unsigned generation;          /* live/NAME is to lead there first; 0: it does already */
    bool plan_anew;               /* also where the configuration names it already */
    bool reload; /* nginx has not taken up yet what is live; generation implies it */
    /* Set by nginx_install: */
    struct error error; /* ERR_NONE: it is served, or will be from the next reload on */
    bool changed;       /* nginx's files were edited for it */
    bool loops;         /* the application leads back to http: it goes without the redirect */
};

/* All items have the same nginx (spec->nginx). What fails is its item's error, and stops no other:
 * where a test or reload fails with several, they are halved until the culprit is alone; its
 * live/NAME goes back to where it led. */
void nginx_install(struct run *run, struct nginx_install_item *items, size_t count);

/* What would be done for one certificate, as a unified diff, appended; nginx judges it, nothing is
 * changed. */
bool nginx_install_diff(struct run *run, const struct cert_spec *spec, struct buf *out,
                        struct error *err) MUST_USE;
/* Whether the configuration serves the certificate for at least one name already: then a renewal
 * edits nothing. */
bool nginx_install_is_served(const struct run *run, const struct nginx_view *view,
                             const struct cert_spec *spec);
/* Whether it can be planned, before the first order. judged: nginx looks at the result, too, where
 * there is a certificate already; the site is locked then. */
bool nginx_install_check(struct run *run, struct nginx_site *site, const struct cert_spec *spec,
                         bool judged, struct error *err) MUST_USE;

/* Takes everything that was edited for the certificate out again. ERR_USAGE: there is nothing;
 * ERR_WEB_SERVER with file:line of what a person has changed. */
bool nginx_uninstall(struct run *run, const struct cert_spec *spec, struct error *err) MUST_USE;

#endif
