/* fake_dns: answers to the questions that fake_world keeps, from rows of a table: what each server
 * knows. */
#ifndef ACMEC_TESTS_FAKE_DNS_H
#define ACMEC_TESTS_FAKE_DNS_H

#include "fake/fake_world.h"

#include <acmec/engine/lookup.h>
#include <stdio.h>
#include <string.h>

/* One record, or with type DNS_TYPE_COUNT an rcode alone. A question that no row answers gets an
 * empty answer; rows count for the type asked for, but CNAMEs come first for every type. */
struct dns_row {
    const char *server; /* NULL: the system's resolver */
    const char *name;
    enum dns_type type;
    const char *data;  /* NULL: the server does not answer at all */
    unsigned rcode;    /* where data is "" */
    const char *owner; /* of the record; NULL: the name */
    bool authority;
};

static inline bool dns_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static inline void dns_apply(const struct dns_row *row, struct event *event)
{
    if (row->data == NULL) {
        event->failure = HTTP_FAIL_TIMEOUT;
        (void)snprintf(event->failure_text, sizeof event->failure_text, "no answer");
        return;
    }
    event->dns.rcode = row->rcode;
    if (row->data[0] == '\0')
        return;
    struct dns_record *record = dns_answer_add(&event->dns);
    record->type = row->type == DNS_HOST ? DNS_A : row->type;
    record->owner = mem_strdup(row->owner == NULL ? row->name : row->owner);
    record->authority = row->authority;
    record->data = BUF(DNS_DATA_MAX);
    buf_add_str(&record->data, row->data);
}

/* Answers the nth question. */
static inline void dns_answer_nth(struct fake_world *world, size_t nth, struct lookups *lookups,
                                  const struct dns_row *rows, size_t count)
{
    struct event event = {.kind = EVENT_DNS, .id = world->queries[nth].id};
    world->queries[nth].answered = true;
    for (size_t i = 0; i < count; i++)
        if (dns_same(rows[i].server, world->queries[nth].server) &&
            dns_same(rows[i].name, world->queries[nth].name) &&
            (rows[i].type == world->queries[nth].type || rows[i].type == DNS_CNAME))
            dns_apply(&rows[i], &event);
    lookups_take(lookups, &event);
    event_release(&event);
}

/* Answers all questions, also those that come of the answers. */
static inline void dns_answer_all(struct fake_world *world, struct lookups *lookups,
                                  const struct dns_row *rows, size_t count)
{
    (void)lookups_step(lookups);
    for (size_t i = 0; i < world->queried; i++) {
        if (world->queries[i].answered || world->queries[i].cancelled)
            continue;
        dns_answer_nth(world, i, lookups, rows, count);
        (void)lookups_step(lookups);
    }
}

#endif
