#include <acmec/io/store_journal.h>

#include "store_private.h"
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/io/file.h>
#include <acmec/io/foreign.h>
#include <acmec/io/store_json.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#define ID_DIGITS "0123456789abcdef"
#define JSON_SUFFIX ".json"

#define PHASE_AS_WORD(id, word) word,
static const char *const phase_words[] = {JOURNAL_PHASES(PHASE_AS_WORD)};
#undef PHASE_AS_WORD

void journal_release(struct journal *journal)
{
    for (size_t i = 0; i < journal->count; i++)
        free(journal->files[i].path);
    free(journal->files);
    free(journal->conf);
    free(journal->note);
    *journal = (struct journal){0};
}

/* ---- names ---- */

static void hex(const unsigned char *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = ID_DIGITS[bytes[i] >> 4];
        out[2 * i + 1] = ID_DIGITS[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

bool journal_id(const char *conf, char out[static JOURNAL_ID_SIZE], struct error *err)
{
    unsigned char sha256[SHA256_SIZE];
    char *real = realpath(conf, NULL);
    bool good = digest_sha256(span_str(real == NULL ? conf : real), sha256, err);
    free(real);
    if (good)
        hex(sha256, (JOURNAL_ID_SIZE - 1) / 2, out);
    return good;
}

static char *folder_of(const struct store *store)
{
    return mem_printf("%s/journal", store->state_dir);
}

static char *json_path(const struct store *store, const char *id)
{
    return mem_printf("%s/journal/%s" JSON_SUFFIX, store->state_dir, id);
}

char *journal_bytes_path(const struct store *store, const char *id, size_t n, const char *which)
{
    return mem_printf("%s/journal/%s.%zu.%s", store->state_dir, id, n, which);
}

char *journal_new_path(const struct store *store, const struct journal *journal, size_t n)
{
    return journal_bytes_path(store, journal->id, n, "new");
}

/* ---- a new one ---- */

/* All files of this change, the document first: without it they mean nothing. */
static bool remove_all(const struct store *store, const char *id, struct error *err)
{
    AUTO_FREE document = json_path(store, id);
    AUTO_FREE folder = folder_of(store);
    if (unlink(document) != 0 && errno != ENOENT)
        return fail_errno(err, ERR_FILES, errno, "cannot remove '%s'", document);
    for (size_t n = 0, gone = 0; n < JOURNAL_FILES_MAX && gone < 2; n++) {
        AUTO_FREE old_path = journal_bytes_path(store, id, n, "old");
        AUTO_FREE new_path = journal_bytes_path(store, id, n, "new");
        gone = (size_t)(unlink(old_path) != 0) + (size_t)(unlink(new_path) != 0);
    }
    return file_sync_dir(folder, err);
}

bool journal_new(const struct store *store, const char *conf, const char *note, struct journal *out,
                 struct error *err)
{
    struct journal journal = {.phase = JOURNAL_WRITING};
    AUTO_FREE folder = folder_of(store);
    if (!journal_id(conf, journal.id, err) || !file_make_dir(folder, 0700, err))
        return false;
    AUTO_FREE document = json_path(store, journal.id);
    if (access(document, F_OK) == 0)
        return fail(err, ERR_FILES, "an earlier change of '%s' is not finished: '%s'", conf,
                    document);
    if (!remove_all(store, journal.id, err))
        return false;
    journal.conf = mem_strdup(conf);
    journal.note = note == NULL ? NULL : mem_strndup(note, JOURNAL_NOTE_MAX);
    *out = journal;
    return true;
}

bool journal_stage(struct store *store, struct journal *journal, const char *path, bool in_place,
                   struct span old_bytes, struct span new_bytes, struct error *err)
{
    struct journal_file file = {.in_place = in_place};
    AUTO_FREE old_path = journal_bytes_path(store, journal->id, journal->count, "old");
    AUTO_FREE new_path = journal_bytes_path(store, journal->id, journal->count, "new");
    if (journal->count == JOURNAL_FILES_MAX)
        return fail(err, ERR_FILES, "more than %d files at once", JOURNAL_FILES_MAX);
    if (!digest_sha256(old_bytes, file.old_sha256, err) ||
        !digest_sha256(new_bytes, file.new_sha256, err) ||
        !file_put(old_path, 0600, old_bytes, err) || !file_put(new_path, 0600, new_bytes, err))
        return false;
    file.path = mem_strdup(path);
    journal->files = mem_resize(journal->files, journal->count + 1, sizeof *journal->files);
    journal->files[journal->count++] = file;
    return true;
}

static json_t *file_row(const struct journal_file *file)
{
    char old_hash[2 * SHA256_SIZE + 1], new_hash[2 * SHA256_SIZE + 1];
    json_t *row = json_object();
    hex(file->old_sha256, SHA256_SIZE, old_hash);
    hex(file->new_sha256, SHA256_SIZE, new_hash);
    json_put_str(row, "path", file->path);
    store_json_put(row, "in_place", json_boolean(file->in_place));
    json_put_str(row, "old_sha256", old_hash);
    json_put_str(row, "new_sha256", new_hash);
    return row;
}

static bool save(const struct store *store, const struct journal *journal, struct error *err)
{
    AUTO_FREE path = json_path(store, journal->id);
    json_t *document = store_json_new(), *files = json_array();
    for (size_t i = 0; i < journal->count; i++)
        if (json_array_append_new(files, file_row(&journal->files[i])) != 0)
            mem_exhausted();
    json_put_str(document, "nginx_conf", journal->conf);
    json_put_str(document, "note", journal->note);
    json_put_str(document, "phase", phase_words[journal->phase]);
    store_json_put_number(document, "written", (int64_t)journal->written);
    store_json_put(document, "files", files);
    return store_json_write(path, document, err);
}

bool journal_begin(struct store *store, struct journal *journal, struct error *err)
{
    return save(store, journal, err);
}

bool journal_will_write(struct store *store, struct journal *journal, size_t n, struct error *err)
{
    size_t before = journal->written;
    journal->written = n + 1;
    if (save(store, journal, err))
        return true;
    journal->written = before;
    return false;
}

bool journal_keep(struct store *store, struct journal *journal, struct error *err)
{
    journal->phase = JOURNAL_KEPT;
    if (save(store, journal, err))
        return true;
    journal->phase = JOURNAL_WRITING;
    return false;
}

bool journal_end(struct store *store, const struct journal *journal, struct error *err)
{
    return remove_all(store, journal->id, err);
}

/* ---- reading ---- */

static bool unhex(const char *text, unsigned char out[static SHA256_SIZE])
{
    if (text == NULL || strlen(text) != (size_t)2 * SHA256_SIZE ||
        strspn(text, ID_DIGITS) != (size_t)2 * SHA256_SIZE)
        return false;
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        long high = strchr(ID_DIGITS, text[2 * i]) - ID_DIGITS;
        long low = strchr(ID_DIGITS, text[2 * i + 1]) - ID_DIGITS;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool read_row(const json_t *row, struct journal *out)
{
    bool bad = false;
    struct journal_file file = {.in_place = store_json_flag(row, "in_place", &bad)};
    const char *path = store_json_text(row, "path", &bad);
    if (!unhex(store_json_text(row, "old_sha256", &bad), file.old_sha256) ||
        !unhex(store_json_text(row, "new_sha256", &bad), file.new_sha256) || bad || path == NULL ||
        path[0] != '/' || out->count == JOURNAL_FILES_MAX)
        return false;
    file.path = mem_strdup(path);
    out->files = mem_resize(out->files, out->count + 1, sizeof *out->files);
    out->files[out->count++] = file;
    return true;
}

static bool read_phase(const char *word, enum journal_phase *out)
{
    for (size_t i = 0; word != NULL && i < JOURNAL_PHASE_COUNT; i++) {
        if (strcmp(word, phase_words[i]) != 0)
            continue;
        *out = (enum journal_phase)i;
        return true;
    }
    return false;
}

static bool read_document(const json_t *document, struct journal *out)
{
    bool bad = false;
    const char *conf = store_json_text(document, "nginx_conf", &bad);
    const json_t *files = json_opt_array(document, "files");
    out->conf = mem_strdup(conf);
    out->note = mem_strdup(store_json_text(document, "note", &bad));
    out->written = (size_t)store_json_number(document, "written", JOURNAL_FILES_MAX, &bad);
    if (!read_phase(store_json_text(document, "phase", &bad), &out->phase) || conf == NULL || bad)
        return false;
    for (size_t i = 0; i < json_array_size(files); i++)
        if (!read_row(json_array_get(files, i), out))
            return false;
    return out->written <= out->count;
}

/* A missing file and a damaged one are the same to store_json_read; not to us. */
static bool load(const char *path, const char *id, struct journal *out, struct error *err)
{
    struct journal journal = {0};
    json_t *document = NULL;
    if (!store_json_read(path, &document, err))
        return false;
    (void)snprintf(journal.id, sizeof journal.id, "%s", id);
    bool good = document != NULL && read_document(document, &journal);
    json_decref(document);
    if (good) {
        *out = journal;
        return true;
    }
    journal_release(&journal);
    (void)fail(err, ERR_CONFIG, "'%s' is damaged", path);
    return with_hint(err,
                     "files beside it end in .old: compare nginx's files with them, then "
                     "remove what begins with %s",
                     id);
}

bool journal_load(const struct store *store, const char *conf, struct journal *out, bool *found,
                  struct error *err)
{
    char id[JOURNAL_ID_SIZE];
    if (!journal_id(conf, id, err))
        return false;
    AUTO_FREE path = json_path(store, id);
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        *found = false;
        return true;
    }
    *found = true;
    return load(path, id, out, err);
}

static bool list_one(const struct store *store, const char *name, char ***confs, size_t *count,
                     struct error *err)
{
    char id[JOURNAL_ID_SIZE];
    AUTO(journal) journal = {0};
    size_t len = strspn(name, ID_DIGITS);
    if (len != JOURNAL_ID_SIZE - 1 || strcmp(name + len, JSON_SUFFIX) != 0)
        return true;
    (void)snprintf(id, sizeof id, "%.16s", name);
    AUTO_FREE path = json_path(store, id);
    if (!load(path, id, &journal, err))
        return false;
    *confs = mem_resize(*confs, *count + 1, sizeof **confs);
    (*confs)[(*count)++] = journal.conf;
    journal.conf = NULL;
    return true;
}

bool journal_list(const struct store *store, char ***confs, size_t *count, struct error *err)
{
    AUTO_FREE folder = folder_of(store);
    const struct dirent *entry;
    char **found = NULL;
    size_t found_count = 0;
    bool good = true;
    DIR *dir = opendir(folder);
    if (dir == NULL && errno != ENOENT)
        return fail_errno(err, ERR_FILES, errno, "cannot read the folder '%s'", folder);
    while (dir != NULL && good && (entry = readdir(dir)) != NULL)
        good = list_one(store, entry->d_name, &found, &found_count, err);
    if (dir != NULL)
        (void)closedir(dir);
    if (good) {
        *confs = found;
        *count = found_count;
        return true;
    }
    while (found_count > 0)
        free(found[--found_count]);
    free(found);
    return false;
}
