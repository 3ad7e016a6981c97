/* The handshake as it really went, for someone who learns TLS. Every line comes from the messages
 * of this very handshake. */
#include "check_private.h"

#include <acmec/base/cleanup.h>
#include <acmec/data/escape.h>
#include <acmec/data/timefmt.h>
#include <acmec/data/tls_hello.h>
#include <string.h>

#define TEXT_MAX 4096
#define SHOWN_MAX 6

enum message {
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    SESSION_TICKET = 4,
    ENCRYPTED_EXTENSIONS = 8,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    CERTIFICATE_REQUEST = 13,
    SERVER_HELLO_DONE = 14,
    CERTIFICATE_VERIFY = 15,
    CLIENT_KEY_EXCHANGE = 16,
    FINISHED = 20,
    CERTIFICATE_STATUS = 22
};

struct story {
    const struct tls_report *report;
    struct check_target *target;
    struct text_list *out;
    struct tls_client_hello client;
    struct tls_server_hello server;
    bool has_client, has_server, is_13;
    unsigned hellos;        /* of ours so far */
    unsigned server_hellos; /* and of the server's */
};

/* ---- offers ---- */

static void tell_numbers(struct story *story, const char *what, enum tls_number_kind kind,
                         const struct tls_numbers *numbers)
{
    AUTO(buf) text = BUF(TEXT_MAX);
    if (numbers->count == 0)
        return;
    tls_numbers_write(kind, numbers, SHOWN_MAX, &text);
    text_list_add(story->out, "    %-13s %s", what, buf_str(&text));
}

static void tell_client_hello(struct story *story)
{
    const struct tls_client_hello *hello = &story->client;
    if (++story->hellos > 1) {
        text_list_add(story->out, "    the same again, with a public key for the group asked for");
        return;
    }
    text_list_add(story->out, "    opens the conversation, unencrypted, with random bytes and with "
                              "all that acmec can do:");
    if (!story->has_client)
        return;
    tell_numbers(story, "versions", TLS_NUMBER_VERSION, &hello->versions);
    tell_numbers(story, "cipher suites", TLS_NUMBER_SUITE, &hello->suites);
    tell_numbers(story, "groups", TLS_NUMBER_GROUP, &hello->groups);
    tell_numbers(story, "signatures", TLS_NUMBER_SIGNATURE, &hello->signatures);
    tell_numbers(story, "public key of", TLS_NUMBER_GROUP, &hello->key_shares);
    if (hello->server_name[0] != '\0')
        text_list_add(story->out, "    %-13s %s: whose certificate is wanted (SNI)", "server name",
                      hello->server_name);
    if (hello->protocols[0] != '\0')
        text_list_add(story->out, "    %-13s %s: what may be spoken afterwards (ALPN)", "protocols",
                      hello->protocols);
    if (hello->asks_for_staple)
        text_list_add(story->out, "    and asks for proof that the certificate is not revoked "
                                  "(a stapled OCSP response)");
}

/* ---- choices ---- */

static const char *suite_word(const struct story *story)
{
    const char *word = tls_number_word(TLS_NUMBER_SUITE, story->server.suite);
    return word == NULL ? story->target->cipher : word;
}

static unsigned count_server_hellos(const struct story *story)
{
    unsigned count = 0;
    for (size_t i = 0; i < story->report->step_count; i++) {
        const struct tls_step *step = &story->report->steps[i];
        count += !step->sent && !step->is_alert && step->type == SERVER_HELLO ? 1 : 0;
    }
    return count;
}

static void tell_server_hello(struct story *story)
{
    const struct check_target *target = story->target;
    if (++story->server_hellos < count_server_hellos(story)) {
        text_list_add(story->out, "    the server has no use for that public key, and asks to "
                                  "begin again with another group (HelloRetryRequest)");
        return;
    }
    text_list_add(story->out, "    the server chooses %s and %s", tls_version_word(target->version),
                  suite_word(story));
    if (!story->is_13 && target->alpn[0] != '\0')
        text_list_add(story->out, "    and to speak %s", target->alpn);
    if (!story->is_13)
        return;
    if (target->group[0] != '\0')
        text_list_add(story->out,
                      "    and answers with its own public key of %s, made for this connection "
                      "alone. Each side joins its private key with the other's public key "
                      "(Diffie-Hellman) and gets the same secret, which never crosses the network",
                      target->group);
    text_list_add(story->out, "    from that secret and both hellos come the keys (HKDF) with "
                              "which everything from here on is encrypted");
}

static void tell_extensions(struct story *story)
{
    const char *alpn = story->target->alpn;
    if (alpn[0] != '\0')
        text_list_add(story->out, "    the server chooses to speak %s", alpn);
    else
        text_list_add(story->out, "    nothing was chosen from the protocols offered: HTTP/1.1");
}

static void tell_certificates(struct story *story)
{
    const struct check_target *target = story->target;
    text_list_add(story->out, "    who the server says it is: %zu %s%s", target->chain_count,
                  target->chain_count == 1 ? "certificate" : "certificates",
                  story->is_13 ? "" : ", for everybody on the way to read");
    for (size_t i = 0; i < target->chain_count; i++) {
        const struct check_cert *cert = &target->chain[i];
        const char *who = cert->subject[0] != '\0' ? cert->subject
                          : cert->names.count > 0  ? cert->names.items[0].value
                                                   : "nobody";
        char until[TIMEFMT_MAX];
        timefmt_rfc3339(cert->not_after, until);
        text_list_add(story->out, "    %zu. %s (%s), valid until %s, signed by '%s'", i + 1, who,
                      cert->key, until, cert->issuer);
    }
}

static void tell_signature(struct story *story)
{
    text_list_add(story->out,
                  "    a signature (%s) over the whole conversation so far, made with the "
                  "certificate's private key: who copied the certificate could not make it",
                  escaped_str(story->report->signature).text);
}

static void tell_server_key(struct story *story)
{
    text_list_add(story->out,
                  "    a public key of %s, made for this connection alone, and signed (%s) with "
                  "the certificate's private key: who copied the certificate could not sign it",
                  story->target->group, escaped_str(story->report->signature).text);
}

static void tell_client_key(struct story *story)
{
    if (story->target->group[0] == '\0') {
        text_list_add(story->out,
                      "    a secret, encrypted to the certificate's RSA key: who gets hold of that "
                      "key one day can read this conversation then");
        return;
    }
    text_list_add(story->out, "    our public key. Each side joins its private key with the "
                              "other's public key (Diffie-Hellman) and gets the same secret, from "
                              "which the keys of this connection are made");
}

static void tell_finished(struct story *story, bool sent)
{
    if (sent)
        text_list_add(story->out,
                      "    our checksum (MAC) over the whole conversation, with the new "
                      "keys");
    else
        text_list_add(story->out,
                      "    the server's checksum (MAC) over the whole conversation, with "
                      "the new keys: nobody has changed a byte on the way");
}

static void tell_message(struct story *story, const struct tls_step *step)
{
    switch (step->type) {
    case CLIENT_HELLO:
        tell_client_hello(story);
        break;
    case SERVER_HELLO:
        tell_server_hello(story);
        break;
    case ENCRYPTED_EXTENSIONS:
        tell_extensions(story);
        break;
    case CERTIFICATE:
        tell_certificates(story);
        break;
    case CERTIFICATE_VERIFY:
        tell_signature(story);
        break;
    case SERVER_KEY_EXCHANGE:
        tell_server_key(story);
        break;
    case CLIENT_KEY_EXCHANGE:
        tell_client_key(story);
        break;
    case CERTIFICATE_STATUS:
        text_list_add(story->out, "    the stapled OCSP response");
        break;
    case CERTIFICATE_REQUEST:
        text_list_add(story->out, "    the server would like a certificate from us, too");
        break;
    case SERVER_HELLO_DONE:
        text_list_add(story->out, "    that was all");
        break;
    case SESSION_TICKET:
        text_list_add(story->out, "    a ticket with which a later connection could be shorter");
        break;
    case FINISHED:
        tell_finished(story, step->sent);
        break;
    default:
        break;
    }
}

static void tell_step(struct story *story, const struct tls_step *step)
{
    const char *word = step->is_alert ? tls_alert_word(step->type) : tls_message_word(step->type);
    text_list_add(story->out, "%s %s%s (%u bytes)", step->sent ? "->" : "<-",
                  step->is_alert ? "alert " : "", word == NULL ? "a message" : word,
                  (unsigned)step->length);
    if (!step->is_alert)
        tell_message(story, step);
}

/* ---- how acmec judged it ---- */

static void tell_verification(struct story *story)
{
    const struct check_target *target = story->target;
    text_list_add(story->out, "The certificate, judged as a browser would:");
    if (target->trusted)
        text_list_add(
            story->out,
            "    each signature was verified with the key of the certificate above it, up "
            "to '%s', a CA whose own certificate is trusted on this machine",
            target->anchor);
    for (size_t i = 0; i < target->problems.count; i++)
        text_list_add(story->out, "    %s", target->problems.items[i]);
    if (target->problems.count == 0)
        text_list_add(story->out, "    it names %s, and it is valid now", target->place.host);
}

void check_explain(const struct tls_report *report, struct check_target *target)
{
    struct story story = {
        .report = report,
        .target = target,
        .out = &target->story,
        .is_13 = report->version == TLS_1_3,
    };
    story.has_client = tls_client_hello_read(buf_span(&report->client_hello), &story.client);
    story.has_server = tls_server_hello_read(buf_span(&report->server_hello), &story.server);
    text_list_add(story.out, "Connected to %s after %u ms. -> is sent by acmec, <- by the server.",
                  target->address, (unsigned)report->connect_ms);
    for (size_t i = 0; i < report->step_count; i++)
        tell_step(&story, &report->steps[i]);
    text_list_add(story.out, "The handshake took %u ms.", (unsigned)report->handshake_ms);
    tell_verification(&story);
}
