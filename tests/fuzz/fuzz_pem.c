/* Any bytes as PEM: what parses is written and parsed again to the same blocks; and any bytes are
 * written as a block and come back. */
#include "must.h"

#include <acmec/base/cleanup.h>
#include <acmec/data/pem.h>

static void compare(const struct pem_list *list, const struct pem_list *again)
{
    must(list->count == again->count);
    for (size_t i = 0; i < list->count; i++) {
        must(strcmp(list->blocks[i].label, again->blocks[i].label) == 0);
        must(span_equals(buf_span(&list->blocks[i].der), buf_span(&again->blocks[i].der)));
        must(list->blocks[i].der.len > 0);
    }
}

static void write_again(const struct pem_list *list)
{
    AUTO(buf) text = BUF(4 * PEM_TEXT_MAX);
    AUTO(pem_list) again = {0};
    struct error err = {0};
    for (size_t i = 0; i < list->count; i++)
        pem_write(list->blocks[i].label, buf_span(&list->blocks[i].der), &text);
    must(buf_ok(&text));
    if (text.len > PEM_TEXT_MAX)
        return;
    must(pem_parse(buf_span(&text), ERR_FILES, &again, &err));
    compare(list, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    struct error err = {0};
    AUTO(pem_list) list = {0};
    AUTO(pem_list) chain = {0};
    bool parsed = pem_parse(text, ERR_FILES, &list, &err);
    must(parsed || (list.count == 0 && err.code == ERR_FILES));
    if (parsed)
        write_again(&list);
    if (pem_parse_chain(text, ERR_REFUSED, &chain, &err)) {
        must(parsed && chain.count > 0 && chain.count <= PEM_CHAIN_CERTS_MAX);
        compare(&chain, &list);
    }
    if (size == 0 || size > 10000)
        return 0;
    AUTO(buf) written = BUF(20000);
    AUTO(pem_list) back = {0};
    pem_write("PRIVATE KEY", text, &written);
    must(pem_parse(buf_span(&written), ERR_FILES, &back, &err));
    must(back.count == 1 && span_equals(buf_span(&back.blocks[0].der), text));
    return 0;
}
