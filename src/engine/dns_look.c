#include <acmec/engine/dns_look.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/log.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <strings.h>

#define HOPS_MAX 8
#define SERVERS_MAX 8
#define ADDRESSES_MAX 16
#define QUESTION_MS 3000
#define PAUSE_MS 2000
/* After so many rounds the way there is looked for anew. */
#define ROUNDS_MAX 10

enum stage {
    STAGE_ZONE,      /* whose record is it, and does a CNAME lead elsewhere? */
    STAGE_BASE,      /* does the domain exist at all? */
    STAGE_SERVERS,   /* the zone's NS records */
    STAGE_ADDRESSES, /* and where they are */
    STAGE_TEXT,      /* do all of them have it? */
    STAGE_PAUSE,
    STAGE_OVER
};

struct dns_look {
    struct run *run;
    struct dns_look_wish wish;
    char *name;  /* where CNAMEs have led */
    char *start; /* where they began */
    char *zone;  /* NULL: not known */
    int64_t again_ms;
    enum stage stage;
    unsigned hops, rounds;
    char *addresses[ADDRESSES_MAX]; /* owned; of the zone's servers */
    size_t address_count;           /* 0: the system's resolver is asked */
    bool system_only;               /* none of the zone's servers answers us */
    size_t waiting;                 /* for answers of this stage */
    size_t with, without;           /* the record, of those that answered */
};

static void answered(void *owner, size_t tag, struct dns_answer *answer);
static void failed(void *owner, size_t tag, const struct error *error);
static const struct lookup_listener listener = {answered, failed};

static void set_text(char **member, const char *text)
{
    char *copy = mem_strdup(text);
    free(*member);
    *member = copy;
}

static void forget_addresses(struct dns_look *look)
{
    for (size_t i = 0; i < look->address_count; i++)
        free(look->addresses[i]);
    look->address_count = 0;
}

static void tell(struct dns_look *look, enum dns_seen seen)
{
    look->stage = STAGE_OVER;
    lookups_cancel(look->run->lookups, look);
    look->wish.told(look->wish.ctx, seen);
}

/* ---- asking ---- */

/* server: NULL: the one of the settings, or the system's. */
static void ask(struct dns_look *look, const char *name, enum dns_type type, const char *server,
                size_t tag)
{
    const char *usual = look->run->settings->dns_server;
    const struct dns_query query = {.name = (char *)name,
                                    .type = type,
                                    .server = (char *)(server != NULL ? server : usual),
                                    .timeout_ms = QUESTION_MS};
    look->waiting++;
    lookup_start(look->run->lookups, &query, &listener, look, tag);
}

static void ask_zone(struct dns_look *look)
{
    look->stage = STAGE_ZONE;
    look->waiting = 0;
    ask(look, look->name, DNS_SOA, NULL, STAGE_ZONE);
}

static void ask_text(struct dns_look *look)
{
    look->stage = STAGE_TEXT;
    look->waiting = look->with = look->without = 0;
    if (look->address_count == 0)
        ask(look, look->name, DNS_TXT, NULL, STAGE_TEXT);
    for (size_t i = 0; i < look->address_count; i++)
        ask(look, look->name, DNS_TXT, look->addresses[i], STAGE_TEXT);
}

static void begin(struct dns_look *look)
{
    forget_addresses(look);
    set_text(&look->name, look->start);
    look->hops = look->rounds = 0;
    ask_zone(look);
}

static void pause_a_while(struct dns_look *look)
{
    look->stage = STAGE_PAUSE;
    look->again_ms = run_now_ms(look->run) + PAUSE_MS;
}

/* ---- answers ---- */

static bool is_owner(const struct dns_record *record, const char *name)
{
    return strcasecmp(record->owner, name) == 0;
}

/* Follows the CNAMEs of an answer; whether there was one. False as well when there are too many. */
static bool follow_names(struct dns_look *look, const struct dns_answer *answer)
{
    bool followed = false;
    for (size_t i = 0; i < answer->count && look->hops < HOPS_MAX; i++) {
        const struct dns_record *record = &answer->records[i];
        if (record->type != DNS_CNAME || !is_owner(record, look->name))
            continue;
        set_text(&look->name, buf_str(&record->data));
        look->hops++;
        followed = true;
        i = (size_t)-1; /* the next one may come before it */
    }
    return followed;
}

/* The root's is none that anybody runs for us. */
static const char *zone_in(const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        if (answer->records[i].type == DNS_SOA && answer->records[i].owner[0] != '\0')
            return answer->records[i].owner;
    return NULL;
}

static void ask_servers(struct dns_look *look)
{
    if (look->zone == NULL || look->system_only) {
        ask_text(look);
        return;
    }
    look->stage = STAGE_SERVERS;
    look->waiting = 0;
    ask(look, look->zone, DNS_NS, NULL, STAGE_SERVERS);
}

/* The name without the labels in front of the domain that is proved. */
static const char *domain_of(const char *name)
{
    while (name[0] == '_' && strchr(name, '.') != NULL)
        name = strchr(name, '.') + 1;
    return name;
}

static void take_zone(struct dns_look *look, const struct dns_answer *answer)
{
    bool followed = follow_names(look, answer);
    const char *zone = zone_in(answer);
    set_text(&look->zone, zone);
    if (zone == NULL && followed && !look->system_only) {
        ask_zone(look);
        return;
    }
    /* Only a registry, or nobody, speaks for the name: perhaps our DNS has no such domain. */
    if (answer->rcode == DNS_NXDOMAIN && (zone == NULL || strchr(zone, '.') == NULL)) {
        look->stage = STAGE_BASE;
        look->waiting = 0;
        ask(look, domain_of(look->name), DNS_SOA, NULL, STAGE_BASE);
        return;
    }
    ask_servers(look);
}

/* Waiting for a record of a domain that is not there would be waiting for nothing; the CA may have
 * another DNS than we. */
static void take_base(struct dns_look *look, const struct dns_answer *answer)
{
    if (answer->rcode == DNS_NXDOMAIN)
        tell(look, DNS_BLIND);
    else
        ask_servers(look);
}

static void take_servers(struct dns_look *look, const struct dns_answer *answer)
{
    look->stage = STAGE_ADDRESSES;
    look->waiting = 0;
    for (size_t i = 0; i < answer->count && look->waiting < SERVERS_MAX; i++)
        if (answer->records[i].type == DNS_NS)
            ask(look, buf_str(&answer->records[i].data), DNS_HOST, NULL, STAGE_ADDRESSES);
    if (look->waiting == 0)
        ask_text(look);
}

static void take_addresses(struct dns_look *look, const struct dns_answer *answer)
{
    for (size_t i = 0; answer != NULL && i < answer->count; i++) {
        const struct dns_record *record = &answer->records[i];
        if ((record->type == DNS_A || record->type == DNS_AAAA) &&
            look->address_count < ADDRESSES_MAX)
            look->addresses[look->address_count++] = mem_strdup(buf_str(&record->data));
    }
    if (look->waiting == 0)
        ask_text(look);
}

static bool has_it(const struct dns_look *look, const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *record = &answer->records[i];
        if (record->type == DNS_TXT && !record->authority &&
            look->wish.is_it(look->wish.ctx, buf_span(&record->data)))
            return true;
    }
    return false;
}

/* All have answered, or will not. */
static void judge(struct dns_look *look)
{
    if (look->with > 0 && look->without == 0)
        tell(look, DNS_SEEN);
    else if (look->without > 0 && look->wish.once)
        tell(look, DNS_NOT_SEEN);
    else if (look->without > 0)
        pause_a_while(look);
    else if (look->address_count == 0)
        tell(look, DNS_BLIND);
    else {
        forget_addresses(look);
        look->system_only = true;
        ask_text(look);
    }
}

/* A server that fails or refuses says nothing about the record. */
static bool is_word(const struct dns_answer *answer)
{
    return answer != NULL && (answer->rcode == DNS_NOERROR || answer->rcode == DNS_NXDOMAIN);
}

static void take_text(struct dns_look *look, const struct dns_answer *answer)
{
    if (is_word(answer) && has_it(look, answer))
        look->with++;
    else if (is_word(answer))
        look->without++;
    if (look->waiting == 0)
        judge(look);
}

static void answered(void *owner, size_t tag, struct dns_answer *answer)
{
    struct dns_look *look = owner;
    if (look->stage != (enum stage)tag)
        return;
    look->waiting--;
    if (look->stage == STAGE_ZONE)
        take_zone(look, answer);
    else if (look->stage == STAGE_BASE)
        take_base(look, answer);
    else if (look->stage == STAGE_SERVERS)
        take_servers(look, answer);
    else if (look->stage == STAGE_ADDRESSES)
        take_addresses(look, answer);
    else
        take_text(look, answer);
}

static void failed(void *owner, size_t tag, const struct error *error)
{
    struct dns_look *look = owner;
    if (look->stage != (enum stage)tag)
        return;
    log_debug("%s", error->text);
    look->waiting--;
    if (look->stage == STAGE_ZONE || look->stage == STAGE_BASE)
        tell(look, DNS_BLIND); /* not even the resolver that the system has */
    else if (look->stage == STAGE_SERVERS)
        ask_text(look);
    else if (look->stage == STAGE_ADDRESSES)
        take_addresses(look, NULL);
    else
        take_text(look, NULL);
}

/* ---- the door ---- */

struct dns_look *dns_look_new(struct run *run, const struct dns_look_wish *wish)
{
    struct dns_look *look = mem_new(1, sizeof *look);
    look->run = run;
    look->wish = *wish;
    look->wish.name = NULL;
    look->start = mem_strdup(wish->name);
    begin(look);
    return look;
}

void dns_look_free(struct dns_look *look)
{
    if (look == NULL)
        return;
    if (look->stage != STAGE_OVER)
        lookups_cancel(look->run->lookups, look);
    forget_addresses(look);
    free(look->name);
    free(look->start);
    free(look->zone);
    free(look);
}

int64_t dns_look_step(struct dns_look *look)
{
    int64_t now_ms = run_now_ms(look->run);
    if (look->stage == STAGE_OVER)
        return INT64_MAX;
    if (now_ms >= look->wish.deadline_ms) {
        tell(look, DNS_NOT_SEEN);
        return INT64_MAX;
    }
    if (look->stage != STAGE_PAUSE)
        return look->wish.deadline_ms;
    if (now_ms < look->again_ms)
        return look->again_ms < look->wish.deadline_ms ? look->again_ms : look->wish.deadline_ms;
    if (++look->rounds == ROUNDS_MAX)
        begin(look);
    else
        ask_text(look);
    return look->wish.deadline_ms;
}
