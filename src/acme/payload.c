#include <acmec/acme/payload.h>

#include <acmec/base/cleanup.h>
#include <acmec/crypto/csr.h>
#include <acmec/data/b64url.h>
#include <acmec/data/json.h>
#include <acmec/data/timefmt.h>

static void put_time(json_t *object, const char *member, int64_t when)
{
    char text[TIMEFMT_MAX];
    if (when == 0)
        return;
    timefmt_rfc3339(when, text);
    json_put_str(object, member, text);
}

static void put_demand(json_t *object, const struct demand *demand)
{
    put_time(object, "notBefore", demand->not_before);
    put_time(object, "notAfter", demand->not_after);
    if (demand->profile != NULL)
        json_put_str(object, "profile", demand->profile);
    if (demand->replaces != NULL)
        json_put_str(object, "replaces", demand->replaces);
}

void payload_new_order(const struct identifier_list *names, const struct demand *demand,
                       struct buf *out)
{
    json_auto_t *object = json_object();
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++) {
        json_t *item = json_object();
        json_put_str(item, "type", identifier_type_word(names->items[i].type));
        json_put_str(item, "value", names->items[i].value);
        (void)json_array_append_new(list, item);
    }
    (void)json_object_set_new(object, "identifiers", list);
    put_demand(object, demand);
    json_write(object, out);
}

void payload_finalize(struct span csr_der, struct buf *out)
{
    AUTO(buf) text = BUF(2 * CSR_DER_MAX);
    json_auto_t *object = json_object();
    b64url_encode(csr_der, &text);
    json_put_str(object, "csr", buf_str(&text));
    json_write(object, out);
}

void payload_deactivate(struct buf *out)
{
    json_auto_t *object = json_object();
    json_put_str(object, "status", "deactivated");
    json_write(object, out);
}

void payload_respond(struct buf *out)
{
    json_auto_t *object = json_object();
    json_write(object, out);
}
