/* prove_alpn: TLS-ALPN-01 by acmec-responder (--tls-alpn). */
#include <acmec/engine/proof.h>

#include <acmec/base/cleanup.h>
#include <acmec/crypto/alpn_cert.h>

static bool check(struct run *run, const struct cert_spec *spec, const struct proving *choice,
                  struct error *err)
{
    struct proof_port *port = run->ports->proof;
    (void)choice;
    if (port->ops->listen(port, spec->http_address, spec->tls_port, true, err))
        return true;
    return err->code != ERR_WEB_SERVER
               ? false
               : with_hint(err, "--tls-alpn needs the port for itself: where a web server has it, "
                                "use --webroot DIR or --dns PROVIDER, or stop it for the moment of "
                                "the proof (--pre-hook, --post-hook)");
}

static bool present(struct run *run, struct proof_answer *answer, bool *ready, struct error *err)
{
    struct proof_port *port = run->ports->proof;
    char server_name[IDENTIFIER_MAX + 1];
    AUTO(buf) cert = BUF(ALPN_CERT_MAX);
    AUTO(buf) key = SECRET_BUF(ALPN_KEY_MAX);
    identifier_server_name(&answer->identifier, server_name);
    if (!alpn_cert_make(&answer->identifier, answer->key_authorization, run_now(run), &cert, &key,
                        err))
        return false;
    const struct tls_answer tls = {server_name, buf_span(&cert), buf_span(&key)};
    *ready = false; /* EVENT_PROOF_READY follows */
    return port->ops->add_tls(port, answer->token, &tls, err);
}

static void take_down(struct run *run, struct proof_answer *answer)
{
    struct proof_port *port = run->ports->proof;
    port->ops->remove(port, answer->token);
}

const struct proof_way prove_alpn = {
    .challenge_type = "tls-alpn-01",
    .watched = true,
    .check = check,
    .present = present,
    .remove = take_down,
};
