/* nginx_judge: `nginx -t` on the configuration as it is, or as it would be with some files
 * replaced.
 *
 * Candidates are judged in a private mount namespace where each is bind-mounted over the file that
 * it would replace: nginx itself reads exactly what it would read, and outside nothing changes. The
 * namespace is made in a re-executed acmec (NGINX_JUDGE_ARG) that then becomes nginx. By absolute
 * path, with a built environment; a time limit of a minute.
 *
 * As another user than nginx's, -t fails for reasons of rights alone: ask nginx_instance_is_ours or
 * take the answer as no more than a hint. */
#ifndef ACMEC_IO_NGINX_JUDGE_H
#define ACMEC_IO_NGINX_JUDGE_H

#include <acmec/data/escape.h>
#include <acmec/io/nginx_control.h>

#define NGINX_JUDGE_ARG "--internal-judge-nginx"
#define NGINX_FILES_MAX 256 /* candidates at once */

struct nginx_candidate {
    const char *path; /* absolute, no symlink in it: the file that would be replaced */
    const char *file; /* absolute: the file with the new bytes */
};

/* What nginx complained about. */
struct nginx_complaint {
    char file[ESCAPE_MAX + 8]; /* escaped; "": it named none */
    unsigned line;             /* 0: none */
    char text[ESCAPE_MAX + 8]; /* escaped, without the place */
};

enum nginx_verdict {
    NGINX_GOOD,
    NGINX_BAD,     /* error: ERR_WEB_SERVER with nginx's own words; complaint has the parts */
    NGINX_UNJUDGED /* no namespace to be had, nginx could not be run, or took too long: error */
};

struct nginx_judge {
    struct nginx_world world;
    uint64_t child; /* 0: none runs */
    int64_t started_ms;
    bool over;
    bool isolated; /* with candidates */
    enum nginx_verdict verdict;
    int64_t took_ms;
    struct nginx_complaint complaint;
    struct error error;
};

/* count 0: the configuration as it stands, without a namespace. Nothing is borrowed beyond the
 * call.
 */
void nginx_judge_start(struct nginx_judge *judge, const struct nginx_world *world,
                       const struct nginx_instance *instance,
                       const struct nginx_candidate *candidates, size_t count);
/* Takes an EVENT_CHILD; false: another's. */
bool nginx_judge_take(struct nginx_judge *judge, const struct event *event);

/* The first [emerg] (else [alert], [crit], [error]) line of nginx's output. False: there is none.
 * Pure. */
bool nginx_complaint_read(struct span output, struct nginx_complaint *out);

/* For the child: argv[1] is NGINX_JUDGE_ARG. Becomes nginx, or returns an exit code. */
int nginx_judge_main(char **argv);

#endif
