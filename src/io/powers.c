#include <acmec/io/powers.h>

#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

#define NOGROUP 65534

static gid_t main_group_of(uid_t uid)
{
    char text[16384];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, text, sizeof text, &found) != 0 || found == NULL)
        return NOGROUP;
    return entry.pw_gid;
}

/* setfsuid(2) and setfsgid(2) report no failure: they are asked what holds. */
static bool file_ids_are(uid_t uid, gid_t gid)
{
    return setfsuid((uid_t)-1) == (int)uid && setfsgid((gid_t)-1) == (int)gid;
}

void powers_release(struct powers *powers)
{
    if (!powers->switched)
        return;
    (void)setfsuid(geteuid());
    (void)setfsgid(getegid());
    if (setgroups((size_t)powers->count, powers->groups) != 0 ||
        !file_ids_are(geteuid(), getegid()))
        log_error("cannot take our own powers back: %s", strerror(errno));
    free(powers->groups);
    *powers = (struct powers){0};
}

bool powers_take(uid_t user, struct powers *powers, struct error *err)
{
    if (geteuid() != 0 || user == 0)
        return true;
    gid_t gid = main_group_of(user);
    int count = getgroups(0, NULL);
    powers->groups = mem_new((size_t)(count < 0 ? 0 : count) + 1, sizeof *powers->groups);
    powers->count = count < 0 ? -1 : getgroups(count, powers->groups);
    powers->switched = powers->count >= 0 && setgroups(0, NULL) == 0;
    if (powers->switched) {
        (void)setfsgid(gid);
        (void)setfsuid(user);
    }
    if (powers->switched && file_ids_are(user, gid))
        return true;
    (void)fail(err, ERR_FILES, "cannot act as user %u", (unsigned)user);
    if (!powers->switched)
        free(powers->groups);
    powers_release(powers);
    return false;
}

uid_t powers_uid(void)
{
    return (uid_t)setfsuid((uid_t)-1);
}
