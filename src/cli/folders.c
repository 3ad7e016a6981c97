#include <acmec/cli/folders.h>

#include <acmec/base/mem.h>
#include <stdlib.h>

/* The base folder that XDG names, or its default below the home; owned, NULL: neither is known. A
 * relative one counts as none. */
static char *user_folder(const char *xdg, const char *home, const char *below_home)
{
    if (xdg != NULL && xdg[0] == '/')
        return mem_printf("%s/acmec", xdg);
    if (home != NULL && home[0] == '/')
        return mem_printf("%s/%s/acmec", home, below_home);
    return NULL;
}

static char *find_config_dir(const struct folders_world *world)
{
    if (world->config_dir != NULL)
        return mem_strdup(world->config_dir);
    if (world->root)
        return mem_strdup("/etc/acmec");
    return user_folder(world->xdg_config_home, world->home, ".config");
}

static char *find_state_dir(const struct folders_world *world)
{
    if (world->state_dir != NULL)
        return mem_strdup(world->state_dir);
    if (world->config_dir != NULL)
        return mem_printf("%s/state", world->config_dir);
    if (world->root)
        return mem_strdup("/var/lib/acmec");
    return user_folder(world->xdg_state_home, world->home, ".local/state");
}

bool folders_find(const struct folders_world *world, char **config_dir, char **state_dir,
                  struct error *err)
{
    char *config = find_config_dir(world);
    char *state = find_state_dir(world);
    if (config == NULL || state == NULL) {
        free(config);
        free(state);
        fail(err, ERR_USAGE, "HOME is not set, so the configuration's folder is unknown");
        return with_hint(err, "give --config-dir");
    }
    *config_dir = config;
    *state_dir = state;
    return true;
}
