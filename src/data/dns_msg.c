#include <acmec/data/dns_msg.h>

#include <acmec/base/mem.h>
#include <stdlib.h>
#include <string.h>

struct type_row {
    const char *word;
    uint16_t number;
};

#define DNS_TYPE_AS_ROW(id, word, number) [DNS_##id] = {(word), (number)},

static const struct type_row type_rows[DNS_TYPE_COUNT] = {[DNS_HOST] = {"address", 0},
                                                          DNS_TYPES(DNS_TYPE_AS_ROW)};

const char *dns_type_word(enum dns_type type)
{
    return type_rows[type].word;
}

uint16_t dns_type_number(enum dns_type type)
{
    return type_rows[type].number;
}

bool dns_type_from_number(uint16_t number, enum dns_type *out)
{
    for (enum dns_type type = DNS_HOST + 1; type < DNS_TYPE_COUNT; type++) {
        if (type_rows[type].number != number)
            continue;
        *out = type;
        return true;
    }
    return false;
}

const char *dns_rcode_word(unsigned rcode)
{
    static const char *const words[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};
    return rcode < sizeof words / sizeof *words ? words[rcode] : "an error";
}

void dns_query_release(struct dns_query *query)
{
    free(query->name);
    free(query->server);
    *query = (struct dns_query){0};
}

void dns_answer_release(struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        free(answer->records[i].owner);
        buf_release(&answer->records[i].data);
    }
    free(answer->records);
    *answer = (struct dns_answer){0};
}

struct dns_record *dns_answer_add(struct dns_answer *answer)
{
    answer->records = mem_resize(answer->records, answer->count + 1, sizeof *answer->records);
    struct dns_record *record = &answer->records[answer->count++];
    *record = (struct dns_record){.data = BUF(DNS_DATA_MAX)};
    return record;
}

bool dns_name_is_printable(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    return strlen(text) <= DNS_NAME_MAX;
}
