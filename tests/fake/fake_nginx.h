/* fake_nginx.h: something that looks like nginx to whoever looks at processes: this test program,
 * started again under nginx's titles. main() calls fake_nginx_main first.
 *
 *   -V               says what a Debian nginx says, with the conf in FAKE_CONF_FILE beside the
 * binary -t -c CONF       refuses a file that holds the word "broken", in nginx's form as a master
 * one worker; what SIGHUP does is its mode
 */
#ifndef ACMEC_TESTS_FAKE_NGINX_H
#define ACMEC_TESTS_FAKE_NGINX_H

#include "fake/test_place.h"

#include <acmec/io/nginx_judge.h>
#include <acmec/io/reactor.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define FAKE_MODE "FAKE_NGINX"
#define FAKE_MODES(X)                                                                              \
    X(GOOD, "good")     /* a new worker, then the old one is told to quit */                       \
    X(REFUSE, "refuse") /* an [emerg] line, nothing else */                                        \
    X(BUSY, "busy")     /* bind() fails, is tried again, fails */                                  \
    X(LATER, "later")   /* bind() fails, is tried again, succeeds */                               \
    X(SILENT, "silent") /* nothing */                                                              \
    X(HATCH, "hatch")   /* beside its worker one that still goes by the master's title */          \
    X(STUCK, "stuck")   /* a new worker; the old one does not hear that it is to quit */           \
    X(DIE, "die")
#define FAKE_AS_ENUM(id, word) FAKE_##id,
#define FAKE_AS_WORD(id, word) word,
enum fake_mode { FAKE_MODES(FAKE_AS_ENUM) FAKE_MODE_COUNT };
static const char *const fake_words[] = {FAKE_MODES(FAKE_AS_WORD)};

/* ---- the program ---- */

static inline void fake_nap(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* Room behind a title for a longer one. */
#define FAKE_ROOM "                                "

static inline void fake_become(const char *title)
{
    (void)execl("/proc/self/exe", title, FAKE_ROOM, (char *)NULL);
    _exit(1);
}

static char *fake_title;

/* As nginx changes its title: there is no moment without one, as there would be in an exec. */
static void fake_quit_slowly(int number)
{
    static const char title[] = "nginx: worker process is shutting down";
    (void)number;
    memcpy(fake_title, title, sizeof title);
}

static inline _Noreturn void fake_worker(char *title)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == 1)
        _exit(0); /* the master has gone before it could take us along */
    fake_title = title;
    (void)signal(SIGUSR1, fake_quit_slowly);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (;;)
        (void)pause();
}

static inline pid_t fake_spawn_worker(void)
{
    pid_t child = fork();
    if (child == 0)
        fake_become("nginx: worker process");
    return child;
}

static inline void fake_say(const char *text)
{
    (void)dprintf(2, "2026/11/25 04:00:00 [emerg] %d#%d: %s\n", (int)getpid(), (int)getpid(), text);
}

static inline void fake_replace_worker(pid_t *worker, bool hears)
{
    pid_t old = *worker;
    *worker = fake_spawn_worker();
    fake_nap(50);
    if (hears)
        (void)kill(old, SIGUSR1);
}

static inline void fake_reload(const char *mode, pid_t *worker)
{
    static const char *const taken = "bind() to 0.0.0.0:80 failed (98: Address already in use)";
    bool busy = strcmp(mode, "busy") == 0, later = strcmp(mode, "later") == 0;
    if (strcmp(mode, "die") == 0)
        _exit(0);
    if (strcmp(mode, "refuse") == 0)
        fake_say("unknown directive \"x\" in /etc/nginx/x.conf:3");
    if (busy || later)
        fake_say(taken);
    fake_nap(busy || later ? 60 : 0);
    if (busy)
        fake_say("still could not bind()");
    if (later || strcmp(mode, "good") == 0 || strcmp(mode, "stuck") == 0)
        fake_replace_worker(worker, strcmp(mode, "stuck") != 0);
}

static inline int fake_master(const char *mode, char *title)
{
    sigset_t hup, held;
    int number;
    (void)sigemptyset(&hup);
    (void)sigaddset(&hup, SIGHUP);
    held = hup;
    (void)sigaddset(&held, SIGUSR1); /* a worker hears it once it is one */
    (void)sigprocmask(SIG_BLOCK, &held, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    pid_t worker = fake_spawn_worker();
    if (strcmp(mode, "hatch") == 0 && fork() == 0)
        fake_worker(title);
    while (sigwait(&hup, &number) == 0)
        fake_reload(mode, &worker);
    return 1;
}

static inline int fake_process(const char *mode, char *title)
{
    if (strstr(title, ": worker process") != NULL)
        fake_worker(title);
    return fake_master(mode, title);
}

static inline int fake_about(void)
{
    (void)printf("nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0.19 27 Jan 2026\n"
                 "configure arguments: --prefix=/nowhere --conf-path=/nowhere/nginx.conf\n");
    return 0;
}

static inline int fake_test(const char *conf)
{
    char text[4096] = "";
    FILE *file = fopen(conf, "r");
    size_t len = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    if (file != NULL)
        (void)fclose(file);
    (void)fprintf(stderr, "nginx: [warn] something is old in %s:1\n", conf);
    if (file == NULL)
        (void)fprintf(stderr, "nginx: [emerg] open() \"%s\" failed (2: No such file)\n", conf);
    else if (strstr(text, "broken") != NULL)
        (void)fprintf(stderr, "nginx: [emerg] unknown directive \"broken\" in %s:7\n", conf);
    bool good = file != NULL && strstr(text, "broken") == NULL;
    (void)fprintf(stderr, "nginx: configuration file %s test %s\n", conf,
                  good ? "is successful" : "failed");
    return good ? 0 : 1;
}

/* True: this run was one of a fake nginx, and *code is its end. */
static inline bool fake_nginx_main(int argc, char **argv, int *code)
{
    const char *mode = getenv(FAKE_MODE);
    if (mode != NULL)
        *code = fake_process(mode, argv[0]);
    else if (argc > 1 && strcmp(argv[1], "-V") == 0)
        *code = fake_about();
    else if (argc > 3 && strcmp(argv[1], "-t") == 0)
        *code = fake_test(argv[3]);
    else if (argc > 1 && strcmp(argv[1], NGINX_JUDGE_ARG) == 0)
        *code = nginx_judge_main(argv);
    else
        return false;
    return true;
}

/* ---- starting one ---- */

static inline const char *fake_self(void)
{
    static char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len < 0 ? 0 : len] = '\0';
    return self;
}

static inline bool fake_title_starts(pid_t pid, const char *start)
{
    char title[256] = "";
    AUTO_FREE path = mem_printf("/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "r");
    bool has = file != NULL && fread(title, 1, sizeof title - 1, file) > 0;
    if (file != NULL)
        (void)fclose(file);
    return has && strncmp(title, start, strlen(start)) == 0;
}

static inline bool fake_has_worker(pid_t master)
{
    AUTO_FREE path = mem_printf("/proc/%d/task/%d/children", (int)master, (int)master);
    int pid = 0;
    FILE *file = fopen(path, "r");
    bool found = false;
    while (!found && file != NULL && fscanf(file, "%d", &pid) == 1)
        found = fake_title_starts(pid, "nginx: worker process");
    if (file != NULL)
        (void)fclose(file);
    return found;
}

/* A master with this title, its stderr in PLACE/error.log, as another user if uid is not 0. */
static inline pid_t fake_start(const struct place *place, enum fake_mode mode, const char *title,
                               uid_t uid)
{
    AUTO_FREE log = place_path(place, "error.log");
    pid_t child = fork();
    if (child == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        (void)dup2(fd, 2);
        (void)setenv(FAKE_MODE, fake_words[mode], 1);
        if (uid != 0 && (setgroups(0, NULL) != 0 || setgid(uid) != 0 || setuid(uid) != 0))
            _exit(9);
        fake_become(title);
    }
    for (int i = 0; i < 2000 && !fake_has_worker(child); i++)
        fake_nap(2);
    return child;
}

static inline void fake_stop(pid_t master)
{
    (void)kill(master, SIGKILL);
    (void)waitpid(master, NULL, 0);
}

/* ---- waiting for what goes through ports ---- */

struct fake_bed {
    struct place place;
    struct reactor *reactor;
    uint64_t last_child;
    struct nginx_world world;
};

static inline void fake_bed_make(struct fake_bed *bed)
{
    struct error err = {0};
    struct http_settings settings = {.user_agent = "test"};
    place_make(&bed->place);
    if (!reactor_new(&settings, TEST_BIN, &bed->reactor, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    bed->last_child = 0;
    bed->world =
        (struct nginx_world){.ports = reactor_ports(bed->reactor), .last_child = &bed->last_child};
}

static inline void fake_bed_remove(struct fake_bed *bed)
{
    reactor_free(bed->reactor);
    place_remove(&bed->place);
}

static inline void fake_wait(struct fake_bed *bed, int64_t deadline_ms, struct event *out)
{
    const struct ports *ports = bed->world.ports;
    ports->events->ops->wait(ports->events, deadline_ms, out);
}

#endif
