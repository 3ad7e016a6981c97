/* CAA records with any value: the first byte is flags and tag. */
#include "must.h"
#include <acmec/acme/caa.h>
#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tags[] = {"issue", "issuewild", "iodef", "?"};
    AUTO(dns_answer) answer = {0};
    char reason[CAA_REASON_MAX];
    struct caa_wish wish = {.identities = "ca.example",
                            .account_url = "https://ca.example/1",
                            .method = "http-01",
                            .wildcard = size > 0 && (data[0] & 4) != 0};
    if (size < 1)
        return 0;
    struct dns_record *record = dns_answer_add(&answer);
    record->type = DNS_CAA;
    record->owner = mem_strdup("a.example");
    record->flags = data[0] & 0x80;
    memcpy(record->tag, tags[data[0] & 3], strlen(tags[data[0] & 3]) + 1);
    buf_add(&record->data, data + 1, size - 1);
    must(caa_judge(&answer, &wish, reason) != CAA_UNKNOWN);
    must(strlen(reason) < CAA_REASON_MAX && strchr(reason, '\033') == NULL);
    return 0;
}
