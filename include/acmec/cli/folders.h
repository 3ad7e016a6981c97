/* folders: where CONFIG_DIR and STATE_DIR are, when nobody says so. Pure. */
#ifndef ACMEC_CLI_FOLDERS_H
#define ACMEC_CLI_FOLDERS_H

#include <acmec/base/error.h>

/* All borrowed, NULL where there is none. */
struct folders_world {
    bool root;
    const char *config_dir, *state_dir; /* --config-dir, --state-dir; absolute */
    const char *home, *xdg_config_home, *xdg_state_home;
};

/* Both owned and absolute. Root: /etc/acmec and /var/lib/acmec; else acmec below $XDG_CONFIG_HOME
 * (~/.config) and $XDG_STATE_HOME (~/.local/state). With --config-dir alone, CONFIG_DIR/state.
 * ERR_USAGE where even the home folder is unknown. */
bool folders_find(const struct folders_world *world, char **config_dir, char **state_dir,
                  struct error *err) MUST_USE;

#endif
