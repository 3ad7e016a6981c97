#include <acmec/io/nginx_about.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <stdio.h>

/* ---- pieces of text ---- */

static bool starts_with(struct span text, const char *start)
{
    size_t len = strlen(start);
    return text.len >= len && memcmp(text.ptr, start, len) == 0;
}

static struct span after(struct span text, size_t len)
{
    return span_of(text.ptr + len, text.len - len);
}

/* What follows the first `mark`; empty: there is none. */
static struct span past(struct span text, const char *mark)
{
    const char *found = memmem(text.ptr, text.len, mark, strlen(mark));
    if (found == NULL)
        return span_of("", 0);
    return after(text, (size_t)(found - text.ptr) + strlen(mark));
}

static struct span line_of(struct span text)
{
    const char *end = memchr(text.ptr, '\n', text.len);
    return span_of(text.ptr, end == NULL ? text.len : (size_t)(end - text.ptr));
}

/* "1.22.1..." as NGINX_VERSION; 0: it is none. */
static unsigned version_of(struct span text)
{
    unsigned parts[3] = {0};
    size_t at = 0;
    for (size_t part = 0; part < 3; part++) {
        size_t digits = 0;
        for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++, digits++)
            parts[part] = (parts[part] * 10 + (unsigned)(text.ptr[at] - '0')) % 1000;
        if (digits == 0)
            return 0;
        if (at >= text.len || text.ptr[at] != '.')
            break;
        at++;
    }
    return NGINX_VERSION(parts[0], parts[1], parts[2]);
}

/* ---- the lines ---- */

/* "nginx version: openresty/1.25.3.1". Tengine and Angie say what they are in a line of their own
 * before it. */
static void read_version(struct span line, struct nginx_about *out)
{
    struct span product = past(line, " version: ");
    if (product.len == 0)
        return;
    if (out->product[0] == '\0')
        (void)snprintf(out->product, sizeof out->product, "%.*s",
                       (int)strcspn(escaped(product).text, " "), escaped(product).text);
    if (starts_with(line, "nginx version: ") || starts_with(line, "freenginx version: "))
        out->version = version_of(past(product, "/"));
}

/* "built with OpenSSL 3.0.22 25 Aug 2026 (running with OpenSSL 3.0.19 27 Jan 2026)" */
static void read_openssl(struct span line, struct nginx_about *out)
{
    if (!starts_with(line, "built with "))
        return;
    struct span running = past(line, "(running with ");
    out->openssl_built = version_of(past(after(line, strlen("built with ")), "OpenSSL "));
    out->openssl = running.len == 0 ? out->openssl_built : version_of(past(running, "OpenSSL "));
}

/* The next word of the shell's language, without its quotes; false: there is none. */
static bool next_word(struct span *text, struct buf *word)
{
    size_t at = 0;
    char quote = 0;
    buf_clear(word);
    while (at < text->len && text->ptr[at] == ' ')
        at++;
    if (at == text->len)
        return false;
    for (; at < text->len && (quote != 0 || text->ptr[at] != ' '); at++) {
        char byte = text->ptr[at];
        if (quote == 0 && (byte == '\'' || byte == '"'))
            quote = byte;
        else if (byte == quote)
            quote = 0;
        else
            buf_add_byte(word, byte);
    }
    *text = after(*text, at);
    return true;
}

static void read_arguments(struct span line, struct nginx_about *out)
{
    if (!starts_with(line, "configure arguments:"))
        return;
    const struct {
        const char *name;
        char **value;
    } wanted[] = {
        {"--prefix=", &out->prefix},
        {"--conf-path=", &out->conf_path},
        {"--pid-path=", &out->pid_path},
        {"--error-log-path=", &out->error_log},
    };
    struct span rest = after(line, strlen("configure arguments:"));
    AUTO(buf) word = BUF(64 * 1024);
    while (next_word(&rest, &word)) {
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
            struct span value = after(buf_span(&word), 0);
            if (!starts_with(value, wanted[i].name) || value.len == strlen(wanted[i].name))
                continue;
            free(*wanted[i].value);
            *wanted[i].value = mem_strdup(value.ptr + strlen(wanted[i].name));
        }
    }
}

/* What nginx's own configure takes where nobody says otherwise. */
static void fill_in(struct nginx_about *about)
{
    if (about->version == 0)
        about->version = NGINX_VERSION_UNKNOWN;
    if (about->prefix == NULL)
        about->prefix = mem_strdup("/usr/local/nginx");
    if (about->conf_path == NULL)
        about->conf_path = mem_strdup("conf/nginx.conf");
    if (about->pid_path == NULL)
        about->pid_path = mem_strdup("logs/nginx.pid");
    if (about->error_log == NULL)
        about->error_log = mem_strdup("logs/error.log");
    if (strcmp(about->error_log, "stderr") != 0)
        return;
    free(about->error_log);
    about->error_log = NULL;
}

bool nginx_about_read(struct span output, struct nginx_about *out, struct error *err)
{
    struct nginx_about about = {0};
    struct span rest = output;
    while (rest.len > 0) {
        struct span line = line_of(rest);
        read_version(line, &about);
        read_openssl(line, &about);
        read_arguments(line, &about);
        rest = after(rest, line.len < rest.len ? line.len + 1 : line.len);
    }
    fill_in(&about);
    if (about.product[0] != '\0' && about.prefix[0] == '/') {
        *out = about;
        return true;
    }
    nginx_about_release(&about);
    return fail(err, ERR_WEB_SERVER, "it does not answer -V as nginx does: %s",
                escaped(line_of(output)).text);
}

void nginx_about_release(struct nginx_about *about)
{
    free(about->prefix);
    free(about->conf_path);
    free(about->pid_path);
    free(about->error_log);
    *about = (struct nginx_about){0};
}
