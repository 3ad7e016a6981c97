#include <acmec/engine/records.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/engine/dns_look.h>
#include <acmec/engine/dns_trace.h>
#include <acmec/engine/proof_script.h>
#include <acmec/engine/verdict.h>
#include <strings.h>

#define SCRIPTS_MAX 32
#define TRIES_MAX 3
#define OUTPUT_MAX (64 * 1024)
/* After a signal, scripts may take so long before they are left to the next run. */
#define LAST_MOMENT_MS 15000

enum state {
    STATE_NEW, /* its place is still to be found */
    STATE_TRACING,
    STATE_PLACED, /* not in the journal yet */
    STATE_NOTED,  /* in the journal, to be put */
    STATE_PUTTING,
    STATE_LOOKING,
    STATE_READY,
    STATE_DOOMED, /* to be taken out */
    STATE_REMOVING,
    STATE_LEFT, /* could not be taken out: stays in the journal */
    STATE_GONE
};

struct record {
    struct record *next;
    struct records *records;
    char cert[CERT_NAME_MAX + 1];
    struct stored_record stored;
    char *lane;
    int64_t script_timeout_s, dns_timeout_s;
    struct record_listener listener; /* ready NULL: dropped */
    enum state state;
    bool noted; /* the journal has it */
    bool owned; /* somebody has the pointer and will drop it */
    uint64_t child;
    struct dns_look *look;
    struct dns_trace *trace;
};

/* A certificate whose leftovers are taken out: its lock is held meanwhile. */
struct recovery {
    struct recovery *next;
    char cert[CERT_NAME_MAX + 1];
    struct lock lock;
};

struct records {
    struct run *run;
    struct record *first, **end;
    struct recovery *recoveries;
    size_t scripts;
    int64_t last_moment_ms; /* 0: no signal yet */
    bool told;              /* somebody was, in this step */
    bool blind;             /* no name server answers */
};

struct records *records_new(struct run *run)
{
    struct records *records = mem_new(1, sizeof *records);
    records->run = run;
    records->end = &records->first;
    return records;
}

static void record_free(struct record *record)
{
    dns_look_free(record->look);
    dns_trace_free(record->trace);
    stored_record_release(&record->stored);
    free(record->lane);
    free(record);
}

void records_free(struct records *records)
{
    if (records == NULL)
        return;
    while (records->first != NULL) {
        struct record *record = records->first;
        records->first = record->next;
        record_free(record);
    }
    while (records->recoveries != NULL) {
        struct recovery *recovery = records->recoveries;
        records->recoveries = recovery->next;
        lock_release(&recovery->lock);
        free(recovery);
    }
    free(records);
}

static struct record *add(struct records *records, const char *cert,
                          const struct stored_record *stored)
{
    struct record *record = mem_new(1, sizeof *record);
    record->records = records;
    (void)memcpy(record->cert, cert, strnlen(cert, CERT_NAME_MAX));
    stored_record_copy(stored, &record->stored);
    record->lane = proof_script_lane(stored, cert);
    *records->end = record;
    records->end = &record->next;
    return record;
}

struct record *records_put(struct records *records, const struct record_wish *wish)
{
    struct record *record = add(records, wish->cert, &wish->stored);
    record->script_timeout_s = wish->script_timeout_s;
    record->dns_timeout_s = wish->dns_timeout_s;
    record->listener = wish->listener;
    record->owned = true;
    return record;
}

void record_drop(struct record *record)
{
    record->listener = (struct record_listener){0};
    record->owned = false;
    dns_look_free(record->look);
    record->look = NULL;
    dns_trace_free(record->trace);
    record->trace = NULL;
    if (record->state <= STATE_NOTED)
        record->state = STATE_GONE;
    else if (record->state == STATE_LOOKING || record->state == STATE_READY)
        record->state = STATE_DOOMED;
}

static void tell_ready(struct record *record, const char *doubt)
{
    record->state = STATE_READY;
    record->records->told = true;
    if (record->listener.ready != NULL)
        record->listener.ready(record->listener.ctx, doubt);
}

static void tell_failed(struct record *record, const struct error *error)
{
    struct record_listener listener = record->listener;
    record->listener = (struct record_listener){0};
    record->records->told = true;
    if (listener.failed != NULL)
        listener.failed(listener.ctx, error);
}

static void warn(const struct record *record, const char *what, const char *why)
{
    log_warn("%s: the answer at %s %s%s", record->cert, record->stored.name, what, why);
}

/* ---- where CNAMEs lead ---- */

static void traced(void *ctx, const char *end, bool answered)
{
    struct record *record = ctx;
    record->records->blind |= !answered;
    record->records->told = true; /* it can go on */
    record->state = STATE_PLACED;
    if (strcasecmp(record->stored.name, end) == 0)
        return;
    log_info("the record %s is put at %s, where a CNAME leads", record->stored.name,
             escaped_str(end).text);
    free(record->stored.name);
    record->stored.name = mem_strdup(end);
    free(record->lane);
    record->lane = proof_script_lane(&record->stored, record->cert);
}

/* Scripts that are told the domain alone find the record's name by themselves. */
static void trace(struct record *record)
{
    record->state = STATE_TRACING;
    if (record->records->blind || !proof_script_is_told_name(&record->stored)) {
        record->state = STATE_PLACED;
        return;
    }
    record->trace = dns_trace_new(record->records->run, record->stored.name, traced, record);
}

/* ---- the journal ---- */

static bool write_journal(struct records *records, const char *cert, struct error *err)
{
    size_t count = 0;
    for (const struct record *record = records->first; record != NULL; record = record->next)
        count++;
    const struct stored_record **rows = mem_new(count + 1, sizeof *rows);
    count = 0;
    for (const struct record *record = records->first; record != NULL; record = record->next)
        if (strcmp(record->cert, cert) == 0 && record->state >= STATE_PLACED &&
            record->state != STATE_GONE)
            rows[count++] = &record->stored;
    bool good = store_write_records(records->run->store, cert, rows, count, err);
    free(rows);
    return good;
}

/* Certbot's scripts are told the domains that are proved together, and how many of them follow. */
static void note_company(struct record *record)
{
    AUTO(buf) domains = BUF((size_t)IDENTIFIERS_MAX * (IDENTIFIER_MAX + 1));
    bool follows = false;
    record->stored.remaining = 0;
    for (const struct record *other = record->records->first; other != NULL; other = other->next) {
        if (other->state != STATE_PLACED || strcmp(other->cert, record->cert) != 0 ||
            strcmp(other->lane, record->lane) != 0)
            continue;
        buf_addf(&domains, "%s%s", domains.len == 0 ? "" : ",", other->stored.domain);
        record->stored.remaining += follows ? 1 : 0;
        follows = follows || other == record;
    }
    free(record->stored.domains);
    record->stored.domains = buf_take(&domains);
}

/* Notes all new records of a certificate at once; those that cannot be noted are not put. */
static void note(struct records *records, const char *cert)
{
    struct error err = {0};
    for (struct record *record = records->first; record != NULL; record = record->next)
        if (record->state == STATE_PLACED && strcmp(record->cert, cert) == 0)
            note_company(record);
    bool good = write_journal(records, cert, &err);
    for (struct record *record = records->first; record != NULL; record = record->next) {
        if (record->state != STATE_PLACED || strcmp(record->cert, cert) != 0)
            continue;
        record->noted = good;
        record->state = good ? STATE_NOTED : STATE_GONE;
        if (!good)
            tell_failed(record, &err);
    }
}

/* Forgets those that are gone, then writes down once for each certificate what is left of it. */
static void sweep(struct records *records)
{
    struct record **link = &records->first;
    struct record *gone = NULL;
    while (*link != NULL) {
        struct record *record = *link;
        if (record->state != STATE_GONE || record->owned) {
            link = &record->next;
            continue;
        }
        *link = record->next;
        record->next = gone;
        gone = record;
    }
    records->end = link;
    records->told |= gone != NULL; /* a job may wait for that */
    while (gone != NULL) {
        struct record *record = gone;
        bool again = false;
        gone = record->next;
        for (const struct record *other = gone; other != NULL && !again; other = other->next)
            again = other->noted && strcmp(other->cert, record->cert) == 0;
        struct error err = {0};
        if (record->noted && !again && !write_journal(records, record->cert, &err))
            log_warn("%s", err.text);
        record_free(record);
    }
}

/* ---- scripts ---- */

static bool start_script(struct record *record, bool put, bool *needed, struct error *err)
{
    struct run *run = record->records->run;
    AUTO(proof_script) script = {0};
    if (!proof_script_make(&record->stored, put, &script, needed, err))
        return false;
    if (!*needed)
        return true;
    const struct spawn_request request = {
        .path = script.argv[0],
        .argv = (const char *const *)script.argv,
        .envp = (const char *const *)script.environment.entries,
        .timeout_ms = (unsigned)record->script_timeout_s * 1000,
        .output_max = OUTPUT_MAX,
        .errors_apart = script.gives_output,
        .input = buf_span(&script.input),
    };
    record->child = ++run->last_child;
    if (!run->ports->spawn->ops->start(run->ports->spawn, record->child, &request, err))
        return false;
    record->records->scripts++;
    return true;
}

static void fail_put(struct record *record, struct error *err)
{
    (void)while_doing(err, "putting the answer at %s in place", record->stored.name);
    tell_failed(record, err);
}

static void start_put(struct record *record)
{
    struct error err = {0};
    bool needed = false;
    record->state = STATE_PUTTING;
    if (start_script(record, true, &needed, &err))
        return;
    record->state = STATE_GONE; /* nothing was started */
    fail_put(record, &err);
}

static void leave(struct record *record, const char *why)
{
    warn(record, "could not be taken away: ", why);
    record->stored.tries++;
    record->state = record->stored.tries < TRIES_MAX ? STATE_LEFT : STATE_GONE;
    struct error err = {0};
    if (record->state == STATE_LEFT && !write_journal(record->records, record->cert, &err))
        log_warn("%s", err.text);
}

static void start_removal(struct record *record)
{
    struct error err = {0};
    bool needed = false;
    record->state = STATE_REMOVING;
    if (!start_script(record, false, &needed, &err))
        leave(record, err.text);
    else if (!needed)
        record->state = STATE_GONE;
}

static bool is_running(const struct record *record)
{
    return record->state == STATE_PUTTING || record->state == STATE_REMOVING;
}

static bool lane_is_free(const struct records *records, const struct record *wanted)
{
    for (const struct record *record = records->first; record != NULL; record = record->next)
        if (is_running(record) && strcmp(record->lane, wanted->lane) == 0)
            return false;
    return true;
}

/* ---- looking ---- */

static void seen(void *ctx, enum dns_seen result)
{
    static const char *const doubts[] = {
        [DNS_SEEN] = NULL,
        [DNS_NOT_SEEN] = "was not seen by the zone's name servers before the CA looked for it",
        [DNS_BLIND] = "could not be looked for: no name server that answers here knows the domain",
    };
    struct record *record = ctx;
    if (result == DNS_NOT_SEEN)
        warn(record, "is not seen by the zone's name servers yet; trying all the same", "");
    else if (result == DNS_BLIND)
        warn(record,
             "cannot be looked for: no name server that answers here knows the domain; trying all "
             "the same",
             "");
    tell_ready(record, doubts[result]);
}

static bool is_ours(void *ctx, struct span text)
{
    const struct record *record = ctx;
    return span_is(text, record->stored.value);
}

static void look_for(struct record *record)
{
    struct run *run = record->records->run;
    if (record->dns_timeout_s == 0) {
        tell_ready(record, NULL);
        return;
    }
    record->state = STATE_LOOKING;
    const struct dns_look_wish wish = {
        .name = record->stored.name,
        .is_it = is_ours,
        .told = seen,
        .ctx = record,
        .deadline_ms = run_now_ms(run) + record->dns_timeout_s * 1000,
    };
    record->look = dns_look_new(run, &wish);
}

/* ---- what scripts come to ---- */

/* certbot keeps what the first script printed, without the blanks around it. */
static void keep_output(struct record *record, const struct buf *output)
{
    struct span text = buf_span(output);
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) != NULL)
        text.len--;
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL) {
        text.ptr++;
        text.len--;
    }
    if (text.len == 0)
        return;
    free(record->stored.output);
    record->stored.output = mem_strndup(text.ptr, text.len);
    struct error err = {0};
    if (!write_journal(record->records, record->cert, &err))
        log_warn("%s", err.text);
}

static void take_put(struct record *record, const struct spawn_result *result)
{
    struct error err = {0};
    AUTO_FREE what = mem_printf("the script '%s'", record->stored.script);
    bool good = verdict(what, result, &err);
    keep_output(record, &result->output);
    if (good && record->listener.ready != NULL) {
        look_for(record);
        return;
    }
    record->state = STATE_DOOMED; /* it may have done half of its work */
    if (!good)
        fail_put(record, &err);
}

static void take_removal(struct record *record, const struct spawn_result *result)
{
    struct error err = {0};
    AUTO_FREE what = mem_printf("the script '%s'", record->stored.script);
    if (verdict(what, result, &err))
        record->state = STATE_GONE;
    else
        leave(record, err.text);
}

bool records_take(struct records *records, const struct event *event)
{
    for (struct record *record = records->first; record != NULL; record = record->next) {
        if (!is_running(record) || record->child != event->id)
            continue;
        records->scripts--;
        if (record->state == STATE_PUTTING)
            take_put(record, &event->child);
        else
            take_removal(record, &event->child);
        return true;
    }
    return false;
}

/* ---- what was left ---- */

bool records_are_left(const struct run *run)
{
    AUTO(name_list) names = {0};
    struct error ignored;
    return store_list_records(run->store, &names, &ignored) && names.count > 0;
}

static bool recover(struct records *records, const char *cert, struct error *err)
{
    struct run *run = records->run;
    AUTO(record_list) left = {0};
    AUTO(lock) lock = {.fd = -1};
    if (!store_lock_cert(run->store, cert, &lock, err)) /* whoever holds it sees to it */
        return err->code == ERR_LOCKED;
    if (!store_read_records(run->store, cert, &left, err))
        return false;
    if (left.count == 0)
        return store_write_records(run->store, cert, NULL, 0, err);
    for (size_t i = 0; i < left.count; i++) {
        struct record *record = add(records, cert, &left.items[i]);
        record->script_timeout_s = 600;
        record->state = STATE_DOOMED;
        record->noted = true;
    }
    struct recovery *recovery = mem_new(1, sizeof *recovery);
    (void)memcpy(recovery->cert, cert, strnlen(cert, CERT_NAME_MAX));
    recovery->lock = lock;
    lock.fd = -1;
    recovery->next = records->recoveries;
    records->recoveries = recovery;
    log_info("%s: taking away %zu answer(s) of an earlier run", cert, left.count);
    return true;
}

bool records_recover(struct records *records, struct error *err)
{
    AUTO(name_list) names = {0};
    if (!store_list_records(records->run->store, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++)
        if (!recover(records, names.items[i], err))
            return while_doing(err, "taking away answers of an earlier run");
    return true;
}

/* Those that nobody owns any more are on their way out, until the journal has forgotten them. */
static bool has_work(const struct records *records, const char *cert)
{
    for (const struct record *record = records->first; record != NULL; record = record->next)
        if (!record->owned && record->state != STATE_LEFT &&
            (cert == NULL || strcmp(record->cert, cert) == 0))
            return true;
    return false;
}

static void end_recoveries(struct records *records)
{
    for (struct recovery **link = &records->recoveries; *link != NULL;) {
        struct recovery *recovery = *link;
        if (has_work(records, recovery->cert)) {
            link = &recovery->next;
            continue;
        }
        *link = recovery->next;
        lock_release(&recovery->lock);
        free(recovery);
        records->told = true; /* a job may wait for the lock */
    }
}

bool records_busy(const struct records *records, const char *cert)
{
    bool is_late =
        records->last_moment_ms != 0 && run_now_ms(records->run) >= records->last_moment_ms;
    return !is_late && has_work(records, cert);
}

/* ---- all at once ---- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void start_scripts(struct records *records)
{
    for (struct record *record = records->first; record != NULL; record = record->next) {
        bool is_next = record->state == STATE_NOTED || record->state == STATE_DOOMED;
        if (records->scripts >= SCRIPTS_MAX || !is_next || !lane_is_free(records, record))
            continue;
        if (record->state == STATE_NOTED)
            start_put(record);
        else
            start_removal(record);
    }
}

int64_t records_step(struct records *records)
{
    int64_t next_ms = INT64_MAX;
    records->told = false;
    for (struct record *record = records->first; record != NULL; record = record->next)
        if (record->state == STATE_NEW)
            trace(record);
    for (struct record *record = records->first; record != NULL; record = record->next)
        if (record->state == STATE_PLACED)
            note(records, record->cert);
    start_scripts(records);
    for (struct record *record = records->first; record != NULL; record = record->next)
        if (record->state == STATE_LOOKING)
            next_ms = sooner(next_ms, dns_look_step(record->look));
    sweep(records);
    end_recoveries(records);
    if (records->run->stop_signal != 0 && records->last_moment_ms == 0)
        records->last_moment_ms = run_now_ms(records->run) + LAST_MOMENT_MS;
    if (records->last_moment_ms != 0)
        next_ms = sooner(next_ms, records->last_moment_ms);
    return records->told ? run_now_ms(records->run) : next_ms;
}
