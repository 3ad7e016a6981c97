/* Chains as a CA might send them: read, judged for one key and one set of names, split. */
#include <acmec/base/cleanup.h>
#include <acmec/crypto/cert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* tests/data/keys/ec256.pem and the names in tests/data/certs/make */
static const char KEY[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg777pRBcTB0nlsHi8\n"
                          "cBg2m1jhWrri0HYNn620DcMnb1ahRANCAATtZs/XyRQAO4EkD77kp90hS1E+2YZc\n"
                          "KYM415WxlIKjWzKE7spv+2luZwZURv/V0S9HpmTOPTQSSIptRWs5P+Nz\n"
                          "-----END PRIVATE KEY-----\n";
static const char *const NAMES[] = {"a.example", "*.b.example", "192.0.2.1", "2001:db8::1"};
#define NOW INT64_C(1800000000)

static void judge(struct span chain, const struct key *key)
{
    AUTO(cert_info) info = {0};
    AUTO(identifier_list) names = {0};
    struct error err;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct identifier name;
        if (!identifier_parse(NAMES[i], &name, &err) || !identifier_list_add(&names, &name))
            abort();
    }
    if (cert_check_chain(chain, key, &names, NOW, &info, &err) && !cert_fits_key(chain, key))
        abort();
    (void)cert_is_trusted(chain, chain, NOW);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    AUTO(cert_info) info = {0};
    AUTO(buf) leaf = BUF(PEM_CHAIN_MAX);
    AUTO(buf) rest = BUF(PEM_CHAIN_MAX);
    AUTO(buf) whole = BUF(PEM_CHAIN_MAX);
    struct span chain = span_of(data, size);
    static struct key *key; /* once: it takes longer than all the rest */
    struct error err;
    if (key == NULL && (!crypto_start(&err) || !key_read_pem(SPAN_LIT(KEY), ERR_FILES, &key, &err)))
        abort();
    judge(chain, key);
    bool is_read = cert_read(chain, ERR_REFUSED, &info, &err);
    bool is_split = cert_split_chain(chain, &leaf, &rest, &whole, &err);
    if (is_read && !is_split && buf_ok(&whole))
        abort();
    return 0;
}
