/* Each question is asked in a process of its own, which confines itself and then tries. */
#include "fake/test_fault.h"

#include <acmec/base/confine.h>
#include <arpa/inet.h>
#include <grp.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#define NOBODY "65534"

struct bed {
    struct place place;
    char *open_path, *closed_path; /* folders: readable, and not */
};

static int start(void **state)
{
    static struct bed bed;
    place_make(&bed.place);
    place_mkdir(&bed.place, "open", 0755);
    place_mkdir(&bed.place, "closed", 0755);
    place_write(&bed.place, "open/f", "x");
    place_write(&bed.place, "closed/f", "x");
    bed.open_path = place_path(&bed.place, "open");
    bed.closed_path = place_path(&bed.place, "closed");
    *state = &bed;
    return 0;
}

static int end(void **state)
{
    struct bed *bed = *state;
    place_remove(&bed->place);
    free(bed->open_path);
    free(bed->closed_path);
    return 0;
}

/* The pid of the process that asks, for the plan. */
static const char *parent(void)
{
    static char text[16];
    (void)snprintf(text, sizeof text, "%d", (int)getppid());
    return text;
}

static long landlock_abi(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* Runs ask(bed) in a child: 0 good, else the line that failed. */
static void in_child(const struct bed *bed, int (*ask)(const struct bed *bed))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(ask(bed));
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0)
        fail_msg("line %d", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

/* In a child: the exit code is one byte, so that it is this file's line modulo 256, never 0. */
#define NEED(truth)                                                                                \
    do {                                                                                           \
        if (!(truth))                                                                              \
            return __LINE__ % 256 == 0 ? 1 : __LINE__ % 256;                                       \
    } while (0)

static struct confine_plan plan_of(const struct bed *bed, const char *const *readable)
{
    (void)bed;
    return (struct confine_plan){.uid = "-",
                                 .gid = "-",
                                 .parent = parent(),
                                 .files_max = 100,
                                 .readable = readable,
                                 .may_connect = true};
}

/* ---- questions ---- */

static int ask_limits(const struct bed *bed)
{
    struct error err = {0};
    struct rlimit files, core;
    struct confine_plan plan = plan_of(bed, NULL);
    NEED(confine_worker(&plan, &err));
    NEED(getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == 100);
    NEED(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
    NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
#ifndef ACMEC_SANITIZED
    NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
#endif
    int number = 0;
    NEED(prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0) == 0 && number == SIGKILL);
    return 0;
}

/* What an administrator has set lower stays lower. */
static int ask_lower_limit(const struct bed *bed)
{
    const struct rlimit low = {40, 50};
    struct error err = {0};
    struct rlimit files;
    struct confine_plan plan = plan_of(bed, NULL);
    NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
    NEED(confine_worker(&plan, &err));
    NEED(getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == 40 && files.rlim_max == 50);
    return 0;
}

static int ask_user(const struct bed *bed)
{
    const gid_t groups[] = {0, 5};
    uid_t real, effective, saved;
    gid_t group_real, group_effective, group_saved;
    struct error err = {0};
    struct confine_plan plan = plan_of(bed, NULL);
    plan.uid = NOBODY;
    plan.gid = "60003";
    NEED(setgroups(2, groups) == 0);
    NEED(confine_worker(&plan, &err));
    NEED(getresuid(&real, &effective, &saved) == 0);
    NEED(real == 65534 && effective == 65534 && saved == 65534);
    NEED(getresgid(&group_real, &group_effective, &group_saved) == 0);
    NEED(group_real == 60003 && group_effective == 60003 && group_saved == 60003);
    NEED(getgroups(0, NULL) == 0);
    int number = 0; /* changing the user clears it: it is set afterwards */
    NEED(prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0) == 0 && number == SIGKILL);
    return 0;
}

static int ask_bad_numbers(const struct bed *bed)
{
    static const char *const bad[] = {"",   "x", "12x",         " -1",
                                      "-1", "-", "99999999999", "4294967295"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = {0};
        struct confine_plan plan = plan_of(bed, NULL);
        plan.parent = bad[i];
        NEED(!confine_worker(&plan, &err));
        NEED(err.code == ERR_FILES && strstr(err.text, "started by acmec, not by hand") != NULL);
        if (strcmp(bad[i], "-") == 0)
            continue;
        plan = plan_of(bed, NULL);
        plan.uid = bad[i];
        plan.gid = "1";
        NEED(!confine_worker(&plan, &err));
        plan.uid = "1";
        plan.gid = bad[i];
        NEED(!confine_worker(&plan, &err));
    }
    NEED(getuid() == geteuid());
    return 0;
}

static int ask_other_parent(const struct bed *bed)
{
    struct error err = {0};
    struct confine_plan plan = plan_of(bed, NULL);
    plan.parent = "1";
    NEED(getppid() != 1);
    NEED(!confine_worker(&plan, &err));
    NEED(strstr(err.text, "the keeper has gone") != NULL);
    return 0;
}

static bool can_read(const char *dir)
{
    AUTO_FREE path = mem_printf("%s/f", dir);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static int ask_files(const struct bed *bed)
{
    AUTO_FREE file = mem_printf("%s/f", bed->closed_path);
    AUTO_FREE fresh = mem_printf("%s/fresh", bed->open_path);
    const char *const readable[] = {bed->open_path, "/nowhere", NULL};
    struct error err = {0};
    struct confine_plan plan = plan_of(bed, readable);
    NEED(can_read(bed->open_path) && can_read(bed->closed_path));
    NEED(confine_worker(&plan, &err));
    NEED(can_read(bed->open_path));
    NEED(!can_read(bed->closed_path) && errno == EACCES);
    NEED(open(fresh, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) == -1 && errno == EACCES);
    NEED(unlink(file) == -1 && errno == EACCES);
    NEED(mkdir(fresh, 0700) == -1 && errno == EACCES);
    NEED(open(bed->open_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
    static char *const argv[] = {NULL};
    NEED(execve("/bin/true", argv, argv) == -1 && errno == EACCES);
    return 0;
}

/* One file may be named as well. */
static int ask_one_file(const struct bed *bed)
{
    AUTO_FREE file = mem_printf("%s/f", bed->open_path);
    const char *const readable[] = {file, NULL};
    struct error err = {0};
    struct confine_plan plan = plan_of(bed, readable);
    NEED(confine_worker(&plan, &err));
    NEED(can_read(bed->open_path) && !can_read(bed->closed_path));
    NEED(open(bed->open_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) == -1 && errno == EACCES);
    return 0;
}

static int connect_errno(uint16_t port)
{
    AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ? 0 : errno;
}

static int bind_errno(void)
{
    AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(fd, (struct sockaddr *)&at, sizeof at) == 0 ? 0 : errno;
}

static int ask_net(const struct bed *bed, bool may_connect)
{
    struct error err = {0};
    struct confine_plan plan = plan_of(bed, NULL);
    plan.may_connect = may_connect;
    NEED(connect_errno(1) == ECONNREFUSED && bind_errno() == 0);
    NEED(confine_worker(&plan, &err));
    NEED(connect_errno(1) == (may_connect ? ECONNREFUSED : EACCES));
    NEED(bind_errno() == EACCES);
    return 0;
}

static int ask_connecting(const struct bed *bed)
{
    return ask_net(bed, true);
}

static int ask_answering(const struct bed *bed)
{
    return ask_net(bed, false);
}

static int ask_signals(const struct bed *bed)
{
    struct error err = {0};
    struct confine_plan plan = plan_of(bed, NULL);
    NEED(kill(getppid(), 0) == 0);
    NEED(confine_worker(&plan, &err));
    NEED(kill(getppid(), 0) == -1 && errno == EPERM);
    return 0;
}

static int ask_keeper(const struct bed *bed)
{
    struct rlimit core;
    (void)bed;
    confine_keeper();
    NEED(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
#ifndef ACMEC_SANITIZED
    NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
#endif
    NEED(can_read(bed->closed_path)); /* and nothing else */
    NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    return 0;
}

/* ---- tests ---- */

static void test_limits(void **state)
{
    in_child(*state, ask_limits);
    in_child(*state, ask_lower_limit);
}

static void test_user(void **state)
{
    if (geteuid() != 0)
        skip();
    in_child(*state, ask_user);
}

static void test_refusals(void **state)
{
    in_child(*state, ask_bad_numbers);
    in_child(*state, ask_other_parent);
}

static void test_landlock(void **state)
{
    long abi = landlock_abi();
    if (abi < 1)
        skip();
    in_child(*state, ask_files);
    in_child(*state, ask_one_file);
    if (abi >= 4) {
        in_child(*state, ask_connecting);
        in_child(*state, ask_answering);
    }
    if (abi >= 6)
        in_child(*state, ask_signals);
}

static void test_keeper(void **state)
{
    in_child(*state, ask_keeper);
}

/* Its parent dies, and so does it. */
static void test_parent_dies(void **state)
{
    const struct bed *bed = *state;
    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t middle = fork();
    if (middle == 0) {
        pid_t child = fork();
        if (child == 0) {
            struct error err = {0};
            struct confine_plan plan = plan_of(bed, NULL);
            bool good = confine_worker(&plan, &err);
            (void)!write(ends[1], good ? "y" : "n", 1);
            (void)pause();
            _exit(0);
        }
        (void)pause();
        _exit(0);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(kill(middle, SIGKILL), 0);
    assert_int_equal(waitpid(middle, NULL, 0), middle);
    assert_int_equal(read(ends[0], &byte, 1), 0); /* the last writer has gone */
    (void)close(ends[0]);
}

/* A step that the kernel has and that fails is an error; one that it lacks is none. */
static int run_job(const char *dir)
{
    struct error err = {0};
    const char *const readable[] = {dir, NULL};
    struct confine_plan plan = plan_of(NULL, readable);
    return confine_worker(&plan, &err) ? 0 : err.code == ERR_FILES ? 1 : 2;
}

static void test_failing_steps(void **state)
{
    static const struct {
        const char *fault;
        int code;
        bool landlock;
    } rows[] = {
        {"setrlimit:error=EPERM:when=99", 0, false},
        {"prlimit64:error=EPERM:when=1+", 1, false},
        {"prctl:error=EINVAL:when=1", 1, false},
        {"prctl:error=EINVAL:when=2", 1, false},
        {"prctl:error=EINVAL:when=3", 1, false},
        {"landlock_create_ruleset:error=ENOSYS:when=1+", 0, false},
        {"landlock_create_ruleset:error=EOPNOTSUPP:when=1+", 0, false},
        {"landlock_create_ruleset:error=ENOMEM:when=2", 1, true},
        {"landlock_add_rule:error=ENOMEM:when=1", 1, true},
        {"landlock_restrict_self:error=E2BIG:when=1", 1, true},
    };
    const struct bed *bed = *state;
    if (!fault_possible())
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].landlock && landlock_abi() < 1)
            continue;
        int code = fault_run_with("confine", bed->place.dir, rows[i].fault);
        if (code != rows[i].code)
            fail_msg("%s: %d", rows[i].fault, code);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return run_job(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_limits, start, end),
        cmocka_unit_test_setup_teardown(test_user, start, end),
        cmocka_unit_test_setup_teardown(test_refusals, start, end),
        cmocka_unit_test_setup_teardown(test_landlock, start, end),
        cmocka_unit_test_setup_teardown(test_keeper, start, end),
        cmocka_unit_test_setup_teardown(test_parent_dies, start, end),
        cmocka_unit_test_setup_teardown(test_failing_steps, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
