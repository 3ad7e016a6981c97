/* nginx_reload: makes a running nginx take up its files, and knows whether it did.
 *
 * SIGHUP to the master, by pidfd. Success: new workers are there and those of before have been told
 * to quit, so that every new connection meets the new configuration. Failure: a fresh [emerg] line
 * of the master in its error log, the master's end, or no new worker in time; nginx then goes on
 * with the configuration that it had. A port that is taken is known after 2.5 s, when nginx has
 * tried five times.
 *
 * It tests nothing first: run nginx_judge before. It never waits: step it when it says.
 *
 *     nginx_reload_start(&reload, &world, &instance, &how);
 *     while (!reload.over) { until = nginx_reload_step(&reload); wait until then }
 */
#ifndef ACMEC_IO_NGINX_RELOAD_H
#define ACMEC_IO_NGINX_RELOAD_H

#include <acmec/io/nginx_control.h>

#define NGINX_RELOAD_MIN_MS 10000 /* for an answer: at least so long */

struct nginx_reload_how {
    int64_t test_ms;       /* what nginx -t took: for an answer 20 times that, if it is more */
    unsigned max_draining; /* --reload-max-draining: workers still shutting down; 0: any number */
    /* Error logs of the main context, as the running configuration has them, beside the file that
     * is the master's own stderr; NULL-terminated, or NULL. */
    const char *const *logs;
};

enum nginx_reload_result {
    NGINX_RELOADED,
    NGINX_RELOAD_DEFERRED, /* nothing was sent: too many workers are still shutting down */
    NGINX_RELOAD_REFUSED,  /* nginx said why, and runs on with what it had */
    NGINX_RELOAD_UNKNOWN   /* not sent, no answer in time, or the master is gone */
};

#define NGINX_LOGS_MAX 8

struct nginx_reload {
    struct nginx_world world;
    const struct nginx_instance *instance; /* borrowed until over */
    struct nginx_workers before;
    struct {
        int fd;
        int64_t offset;
    } logs[NGINX_LOGS_MAX];
    size_t log_count;
    int64_t sent_ms, deadline_ms;
    int64_t took_up_ms; /* the first new worker; 0: none yet */
    char failed_bind[512];
    bool over;
    enum nginx_reload_result result;
    size_t lingering;   /* workers of before that had not begun to quit when it was over */
    struct error error; /* unless NGINX_RELOADED: ERR_WEB_SERVER */
};

void nginx_reload_start(struct nginx_reload *reload, const struct nginx_world *world,
                        const struct nginx_instance *instance, const struct nginx_reload_how *how);
/* The next moment (monotonic) at which to call it again; INT64_MAX once it is over. */
int64_t nginx_reload_step(struct nginx_reload *reload);
void nginx_reload_release(struct nginx_reload *reload);

#endif
