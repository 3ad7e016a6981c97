#include <acmec/engine/trust.h>

#include <acmec/io/file.h>

#define STORE_FILE "/etc/ssl/certs/ca-certificates.crt"
#define STORE_MAX (4 * 1024 * 1024)

bool trust_read(const char *ca_bundle, struct buf *out, struct error *err)
{
    struct error ignored = {0};
    *out = BUF(STORE_MAX);
    if (!file_read(STORE_FILE, out, NULL, &ignored))
        buf_clear(out);
    if (ca_bundle == NULL)
        return true;
    buf_add_byte(out, '\n');
    return file_read(ca_bundle, out, NULL, err) || while_doing(err, "--ca-bundle");
}
