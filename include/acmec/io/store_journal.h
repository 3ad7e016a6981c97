/* store_journal: STATE_DIR/journal, the changes of nginx's files that are not finished, so that the
 * next run can finish them or take them back, whatever ended the last one.
 *
 * One change per nginx (its main configuration): ID.json with paths, hashes and phase, ID.N.old and
 * ID.N.new with the bytes of each file. All of it is on disk before the first file changes. The
 * files stand in the order in which they are written: any number of them from the first on,
 * written, is a valid configuration. Taking back goes the other way round.
 *
 * What is taken back is what still has exactly the bytes that acmec left (or, written in place, is
 * half old and half new). Out of a file that a person has changed since, acmec's part is taken if
 * it stands as it was written. Else the file is left alone and named; so are those before it, since
 * only together with it they are known to be valid.
 *
 * Whoever stages, begins, undoes or ends one holds store_lock_nginx. Part of the store: see
 * io/store. Errors: ERR_FILES with the path, unless said otherwise. */
#ifndef ACMEC_IO_STORE_JOURNAL_H
#define ACMEC_IO_STORE_JOURNAL_H

#include <acmec/base/error.h>
#include <acmec/base/span.h>
#include <acmec/crypto/digest.h>
#include <stddef.h>

struct store;

#define JOURNAL_FILES_MAX 256
#define JOURNAL_NOTE_MAX 1000
/* 16 hex digits of the SHA-256 of the main configuration's real path, NUL. */
#define JOURNAL_ID_SIZE 17

/* X(id, word in the file) */
#define JOURNAL_PHASES(X)                                                                          \
    X(WRITING, "writing") /* may be half done, or done and not verified: is taken back */          \
    X(KEPT, "kept")       /* verified: stays; only the journal is still there */

#define JOURNAL_AS_ENUM(id, word) JOURNAL_##id,
enum journal_phase { JOURNAL_PHASES(JOURNAL_AS_ENUM) JOURNAL_PHASE_COUNT };
#undef JOURNAL_AS_ENUM

struct journal_file {
    char *path; /* owned: the real one */
    bool in_place;
    unsigned char old_sha256[SHA256_SIZE], new_sha256[SHA256_SIZE];
};

struct journal {
    char id[JOURNAL_ID_SIZE];
    char *conf; /* owned: nginx's main configuration */
    char *note; /* owned: what the caller of recovery wants to know; NULL: nothing */
    enum journal_phase phase;
    struct journal_file *files;
    size_t count;
    size_t written; /* so many of them, from the first on, may have their new bytes */
};
void journal_release(struct journal *journal);

bool journal_id(const char *conf, char out[static JOURNAL_ID_SIZE], struct error *err) MUST_USE;

/* ---- a new one ---- */

/* An empty one for this nginx; note (or NULL) is copied. A change of the same nginx that is not
 * finished yet is an error: recover it first. */
bool journal_new(const struct store *store, const char *conf, const char *note, struct journal *out,
                 struct error *err) MUST_USE;
/* Adds a file (its real path) and writes its bytes beside the journal, synced. Without
 * journal_begin they are forgotten. */
bool journal_stage(struct store *store, struct journal *journal, const char *path, bool in_place,
                   struct span old_bytes, struct span new_bytes, struct error *err) MUST_USE;
/* The file that holds the new bytes of file n. Owned. */
char *journal_new_path(const struct store *store, const struct journal *journal, size_t n);
/* From now on it is a change that the next run would find. */
bool journal_begin(struct store *store, struct journal *journal, struct error *err) MUST_USE;
/* Before file n is written. */
bool journal_will_write(struct store *store, struct journal *journal, size_t n, struct error *err)
    MUST_USE;
/* It is verified and stays. */
bool journal_keep(struct store *store, struct journal *journal, struct error *err) MUST_USE;
/* Removes the journal and its bytes; the files stay as they are. Nothing there: nothing to do. */
bool journal_end(struct store *store, const struct journal *journal, struct error *err) MUST_USE;

/* ---- taking back ---- */

/* X(id, what became of a file) */
enum journal_fate {
    JOURNAL_OLD,      /* it has the old bytes, or was not written yet */
    JOURNAL_RESTORED, /* it has the old bytes again, and what somebody has changed beside them */
    JOURNAL_CHANGED,  /* somebody changed what acmec put there, or removed the file: left alone */
    JOURNAL_STAYS,    /* left as acmec wrote it, since one after it was changed */
    JOURNAL_FAILED    /* it could not be restored */
};
struct journal_undo {
    enum journal_fate fates[JOURNAL_FILES_MAX];
    size_t restored;    /* if not 0, nginx is to be told */
    size_t left;        /* CHANGED and STAYS */
    bool failed;        /* some FAILED: the journal should stay */
    struct error error; /* code ERR_NONE unless some are left or failed: names the first */
};
/* Takes back all that was written. */
void journal_undo(const struct store *store, const struct journal *journal,
                  struct journal_undo *out);

/* ---- recovery ---- */

/* The main configurations of all unfinished changes, owned array of owned strings. Needs no lock;
 * looks at one folder where there are none. */
bool journal_list(const struct store *store, char ***confs, size_t *count, struct error *err)
    MUST_USE;
/* What is unfinished for this nginx; found false: nothing. Damaged: ERR_CONFIG, and it stays. */
bool journal_load(const struct store *store, const char *conf, struct journal *out, bool *found,
                  struct error *err) MUST_USE;

struct journal_recovery {
    bool found; /* else nothing was to do */
    bool kept;  /* it had been verified: the change stays; else undo tells */
    char *note; /* owned */
    struct journal_undo undo;
};
void journal_recovery_release(struct journal_recovery *recovery);
/* Finishes or takes back what a killed run left for this nginx, and ends the journal. False: a file
 * could not be restored, the journal stays; out is set then too. */
bool journal_recover(struct store *store, const char *conf, struct journal_recovery *out,
                     struct error *err) MUST_USE;

#endif
