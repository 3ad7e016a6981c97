/* Private keys as a person or an import might hand them over; what was read is written and read. */
#include <acmec/base/cleanup.h>
#include <acmec/crypto/key.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    struct key *key = NULL, *again = NULL;
    struct error err;
    if (!crypto_start(&err))
        abort();
    if (!key_read_pem(span_of(data, size), ERR_FILES, &key, &err))
        return 0;
    if (!key_write_pem(key, &pem, &err) || !key_read_pem(buf_span(&pem), ERR_FILES, &again, &err) ||
        !key_same_public(key, again))
        abort();
    key_free(key);
    key_free(again);
    return 0;
}
