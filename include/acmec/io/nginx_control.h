/* nginx_control: which nginx it is that acmec works with: its binary, its main configuration, its
 * version, and its master if it runs. It never starts nginx, and knows nothing of its grammar.
 *
 * The running master decides, where there is one of ours (io/nginx_master says which are); else the
 * binary and the paths built into it. `nginx -V` is run, for a trusted binary only, as a child
 * through the spawn port, so finding takes a few events:
 *
 *     nginx_find_start(&find, &world, &wish);
 *     while (!find.over) { wait for an event; nginx_find_take(&find, &event); }
 *     find.found, or find.error
 */
#ifndef ACMEC_IO_NGINX_CONTROL_H
#define ACMEC_IO_NGINX_CONTROL_H

#include <acmec/data/ports.h>
#include <acmec/io/nginx_about.h>
#include <acmec/io/nginx_master.h>

/* What all operations on nginx need of the engine; borrowed. */
struct nginx_world {
    const struct ports *ports;
    uint64_t *last_child; /* ids for the spawn port: the next is one more */
};

/* From options; NULL: not given. Borrowed until the search is over. */
struct nginx_wish {
    const char *binary; /* --nginx-bin */
    const char *conf;   /* --nginx-conf */
};

struct nginx_instance {
    char *binary; /* owned, absolute, trusted */
    char *conf;   /* owned, absolute, trusted: the main configuration */
    char *prefix; /* owned, absolute */
    struct nginx_about about;
    struct nginx_master master; /* pid 0: not running */
};
void nginx_instance_release(struct nginx_instance *instance);
/* It runs, and we may reload it. */
bool nginx_instance_is_ours(const struct nginx_instance *instance);

#define NGINX_CANDIDATES_MAX 16

struct nginx_find {
    struct nginx_world world;
    struct nginx_wish wish;
    struct nginx_masters masters; /* refused: for messages, once it is over */
    struct nginx_instance candidates[NGINX_CANDIDATES_MAX];
    size_t candidate_count, asked; /* so many have answered -V */
    uint64_t child;                /* 0: none runs */
    bool over;
    bool good;                   /* `found` is set; else error is */
    struct nginx_instance found; /* owned; may be moved out (zero it then) */
    struct error error;
};

/* ERR_WEB_SERVER: there is no nginx here, several run and the wish names none of them, or -V
 * fails. ERR_FILES: binary or configuration is missing or not trusted. The wish must outlive it. */
void nginx_find_start(struct nginx_find *find, const struct nginx_world *world,
                      const struct nginx_wish *wish);
/* Takes an EVENT_CHILD; false: another's. */
bool nginx_find_take(struct nginx_find *find, const struct event *event);
void nginx_find_release(struct nginx_find *find);

#endif
