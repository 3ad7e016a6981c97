#include <acmec/nginx/tls_policy.h>

#include <acmec/base/cleanup.h>
#include <acmec/crypto/digest.h>

#define MARK "# acmec TLS policy "
#define POLICY "6.0"
#define HASHED ", sha256 "

#define V TLS_POLICY_VERSION

/* Lines for nginx before `until` (0: all), with OpenSSL from `openssl` on. Of
 * several lines of one directive the first that fits is taken. The curve needs the library that
 * runs: nginx does not start with a group that it does not know. */
static const struct row {
    const char *directive, *value;
    unsigned until, openssl;
} rows[] = {
    {"ssl_protocols", "TLSv1.2 TLSv1.3", 0, 0},
    {"ssl_ciphers",
     "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
     "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
     0, 0},
    {"ssl_prefer_server_ciphers", "off", 0, 0},
    {"ssl_ecdh_curve", "X25519MLKEM768:X25519:prime256v1:secp384r1", 0, V(3, 5, 0)},
    {"ssl_ecdh_curve", "X25519:prime256v1:secp384r1", 0, 0},
    {"ssl_session_timeout", "1d", 0, 0},
    {"ssl_session_cache", "shared:acmec_SSL:10m", 0, 0},
    {"ssl_session_tickets", "off", V(1, 23, 2), 0},
};
#define ROWS (sizeof rows / sizeof rows[0])

static void write_rows(unsigned nginx, unsigned openssl, struct buf *out)
{
    const char *done = "";
    for (size_t i = 0; i < ROWS; i++) {
        bool fits = openssl >= rows[i].openssl && (rows[i].until == 0 || nginx < rows[i].until);
        if (!fits || strcmp(rows[i].directive, done) == 0)
            continue;
        done = rows[i].directive;
        buf_addf(out, "%s %s;\n", rows[i].directive, rows[i].value);
    }
}

static bool add_hash(struct span text, struct buf *out, struct error *err)
{
    unsigned char hash[SHA256_SIZE];
    if (!digest_sha256(text, hash, err))
        return false;
    for (size_t i = 0; i < sizeof hash; i++)
        buf_addf(out, "%02x", hash[i]);
    return true;
}

bool tls_policy_write(unsigned nginx, unsigned openssl, struct buf *out, struct error *err)
{
    AUTO(buf) body = BUF(TLS_POLICY_MAX);
    AUTO(buf) head = BUF(256);
    buf_add_str(
        &body,
        "# Mozilla's intermediate policy. acmec's servers in nginx include this file. It is\n"
        "# kept up to date only as long as nobody edits it: what you change stays.\n");
    write_rows(nginx, openssl, &body);
    buf_add_str(&head, MARK POLICY HASHED);
    if (!add_hash(buf_span(&body), &head, err))
        return false;
    buf_addf(out, "%s\n%s", buf_str(&head), buf_str(&body));
    return true;
}

bool tls_policy_is_untouched(struct span text)
{
    const char *end = memchr(text.ptr, '\n', text.len);
    if (end == NULL || text.len < strlen(MARK) || memcmp(text.ptr, MARK, strlen(MARK)) != 0)
        return false;
    struct span head = {text.ptr, (size_t)(end - text.ptr)};
    struct span body = {end + 1, text.len - head.len - 1};
    AUTO(buf) hash = BUF(256);
    struct error err = {0};
    if (!add_hash(body, &hash, &err) || head.len < hash.len + strlen(HASHED))
        return false;
    return memcmp(end - hash.len, hash.data, hash.len) == 0 &&
           memcmp(end - hash.len - strlen(HASHED), HASHED, strlen(HASHED)) == 0;
}

bool tls_policy_sets(struct span directive)
{
    for (size_t i = 0; i < ROWS; i++)
        if (span_is(directive, rows[i].directive))
            return true;
    return false;
}
