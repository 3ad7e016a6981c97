#include <acmec/data/ca.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 31
#define NEAR 2

static const struct ca table[] = {
    {"letsencrypt", "https://acme-v02.api.letsencrypt.org/directory", "letsencrypt-staging"},
    {"letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory", NULL},
    {"google", "https://dv.acme-v02.api.pki.goog/directory", "google-test"},
    {"google-test", "https://dv.acme-v02.test-api.pki.goog/directory", NULL},
    {"zerossl", "https://acme.zerossl.com/v2/DV90", NULL},
    {"sslcom", "https://acme.ssl.com/sslcom-dv-rsa", NULL},
    {"sslcom-ecc", "https://acme.ssl.com/sslcom-dv-ecc", NULL},
    {"actalis", "https://acme-api.actalis.com/acme/directory", NULL},
    {"sectigo", "https://acme.sectigo.com/v2/DV", NULL},
    {"sectigo-ov", "https://acme.sectigo.com/v2/OV", NULL},
    {"sectigo-ev", "https://acme.sectigo.com/v2/EV", NULL},
    {"digicert", "https://acme.digicert.com/v2/acme/directory/", NULL},
};

size_t ca_count(void)
{
    return sizeof table / sizeof table[0];
}

const struct ca *ca_at(size_t index)
{
    return index < ca_count() ? &table[index] : NULL;
}

const struct ca *ca_by_name(const char *name)
{
    for (size_t i = 0; i < ca_count(); i++)
        if (strcasecmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

const struct ca *ca_by_url(const char *directory_url)
{
    for (size_t i = 0; i < ca_count(); i++)
        if (strcmp(table[i].directory_url, directory_url) == 0)
            return &table[i];
    return NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, taken out or changed; both at most NAME_MAX_LEN long. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LEN + 1];
    size_t width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            int same = tolower((unsigned char)a[i]) == tolower((unsigned char)b[j]);
            size_t changed = diagonal + (same ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = least(changed, least(row[j], diagonal) + 1);
        }
    }
    return row[width];
}

const struct ca *ca_nearest(const char *name)
{
    const struct ca *nearest = NULL;
    size_t best = NEAR + 1;
    size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < ca_count(); i++) {
        size_t off = distance(name, table[i].name);
        /* A short word is two letters off from anything. */
        if (off < best && off < len) {
            best = off;
            nearest = &table[i];
        }
    }
    for (size_t i = 0; nearest == NULL && len >= 3 && i < ca_count(); i++)
        if (strncasecmp(table[i].name, name, len) == 0)
            nearest = &table[i];
    return nearest;
}
