/* nginx_site: the nginx that certificates are installed into, while it is worked on: found, locked,
 * what a killed run left behind settled, its configuration read. Everything here waits until it is
 * done; other certificates' events are handed on meanwhile. It edits nothing. */
#ifndef ACMEC_ENGINE_NGINX_SITE_H
#define ACMEC_ENGINE_NGINX_SITE_H

#include <acmec/engine/run.h>
#include <acmec/io/nginx_control.h>
#include <acmec/io/nginx_judge.h>
#include <acmec/nginx/choose.h>

struct nginx_site {
    struct nginx_instance instance;
    struct lock lock;
    int64_t test_ms;                  /* what the last nginx -t took */
    const struct spec_nginx *options; /* borrowed */
};
void nginx_site_release(struct nginx_site *site);

/* Finds the nginx that the options mean. ERR_WEB_SERVER: there is none. options are borrowed. */
bool nginx_site_find(struct run *run, const struct spec_nginx *options, struct nginx_site *out,
                     struct error *err) MUST_USE;
/* Takes its lock (--wait) and settles what a killed run left, until nginx_site_release. */
bool nginx_site_lock(struct run *run, struct nginx_site *site, struct error *err) MUST_USE;

/* Has nginx judge the configuration with the candidates in it (io/nginx_judge), and waits. */
void nginx_site_judge(struct run *run, const struct nginx_site *site,
                      const struct nginx_candidate *candidates, size_t count,
                      struct nginx_judge *out);
/* nginx -t on the configuration as it stands. ERR_WEB_SERVER in nginx's words with file:line. */
bool nginx_site_test(struct run *run, struct nginx_site *site, struct error *err) MUST_USE;
/* Makes it take up its files: by signal, or --reload-command. ERR_WEB_SERVER: it did not; ERR_HOOK:
 * the command failed. Not running, or --no-reload: nothing, true. */
bool nginx_site_reload(struct run *run, const struct nginx_site *site, struct error *err) MUST_USE;
/* Whether a reload takes place: what is installed is served at once, and can be looked at. */
bool nginx_site_reloads(const struct nginx_site *site);

/* ---- its configuration ---- */

/* Bytes to be read in the place of a file's. */
struct nginx_overlay {
    const char *path; /* as nginx opens it; borrowed */
    struct span bytes;
};

struct nginx_view {
    struct conf conf;
    struct choose choose; /* borrows conf: a view stays where it is */
};
void nginx_view_release(struct nginx_view *view);
/* out is zeroed. */
bool nginx_site_read(const struct nginx_site *site, const struct nginx_overlay *overlays,
                     size_t count, struct nginx_view *out, struct error *err) MUST_USE;

/* The absolute path of a file that the configuration names; owned. */
char *nginx_site_path(const struct nginx_site *site, struct span name);

#endif
