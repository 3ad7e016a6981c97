/* store: CONFIG_DIR and STATE_DIR, as design section 4 lays them out: its paths, folders, names,
 * configuration files and locks. The rooms store_state, store_limits, store_account and
 * store_generation know the rest; together they are the only ones that know the paths, modes and
 * formats below those folders, and this door opens all of them.
 *
 * It never decides when a certificate is due, and never writes but when asked. Every write is
 * atomic and durable. Modes whatever the umask. A file with a higher "format" is ERR_CONFIG and
 * nothing is written; unknown members of a JSON file are kept when it is rewritten. What is not
 * trusted (file_check_trusted) is not used. A certificate's name is checked wherever it comes in
 * (ERR_USAGE). Errors: ERR_FILES with the path, unless said otherwise. */
#ifndef ACMEC_IO_STORE_H
#define ACMEC_IO_STORE_H

#include <acmec/io/file.h>
#include <acmec/io/lock.h>
#include <acmec/io/store_account.h>
#include <acmec/io/store_banned.h>
#include <acmec/io/store_generation.h>
#include <acmec/io/store_journal.h>
#include <acmec/io/store_limits.h>
#include <acmec/io/store_state.h>

#define STORE_PATH_MAX 4096

struct store;

/* Both absolute. Creates nothing; folders that exist must be trusted, else the folder above. */
bool store_open(const char *config_dir, const char *state_dir, struct store **out,
                struct error *err) MUST_USE;
void store_close(struct store *store);
/* What our locks say about their holder ("acmec renew"); "acmec" until then. Copied. */
void store_set_command(struct store *store, const char *command);

/* Borrowed until store_close. */
const char *store_config_dir(const struct store *store);
const char *store_state_dir(const struct store *store);
/* Owned absolute paths. name NULL: acmec.conf. */
char *store_conf_path(const struct store *store, const char *name);
char *store_live_path(const struct store *store, const char *name); /* CONFIG_DIR/live/NAME */
char *store_hooks_dir(const struct store *store, const char *kind); /* CONFIG_DIR/hooks/KIND */

/* Makes the folders that a first issue needs, with their modes. Again: nothing. */
bool store_prepare(struct store *store, struct error *err) MUST_USE;

/* ---- names ---- */
struct name_list {
    char **items;
    size_t count;
};
void name_list_release(struct name_list *list);
/* Every certificate: certs/NAME.conf or live/NAME, in byte order. Files with other names are
 * skipped. */
bool store_list(const struct store *store, struct name_list *out, struct error *err) MUST_USE;

/* ---- configuration files (INI text, untouched) ---- */
/* A missing file: found false, nothing appended. */
bool store_read_conf(const struct store *store, const char *name, struct buf *out, bool *found,
                     struct error *err) MUST_USE;
bool store_conf_stamp(const struct store *store, const char *name, struct file_stamp *out,
                      struct error *err) MUST_USE;
/* certs/NAME.conf, 0644. */
bool store_write_conf(struct store *store, const char *name, struct span text, struct error *err)
    MUST_USE;

/* ---- locks ---- */
/* One per certificate: tried once. */
bool store_lock_cert(struct store *store, const char *name, struct lock *out, struct error *err)
    MUST_USE;
/* One per nginx, by its main configuration, for the time of a transaction: tried once. */
bool store_lock_nginx(struct store *store, const char *conf, struct lock *out, struct error *err)
    MUST_USE;
/* The short one for accounts and shared state, held for moments only: tried for up to 10 s before
 * it is ERR_LOCKED. Never to be taken twice by one process. */
bool store_lock_accounts(struct store *store, struct lock *out, struct error *err) MUST_USE;

#endif
