/* prove_responder: HTTP-01 by acmec-responder (--standalone). */
#include <acmec/engine/proof.h>

static void describe(const struct cert_spec *spec, struct buf *out)
{
    buf_addf(out, "proving with acmec's own responder on port %u (--standalone)",
             (unsigned)spec->http_port);
}

static bool check(struct run *run, const struct cert_spec *spec, const struct proving *choice,
                  struct error *err)
{
    (void)choice;
    struct proof_port *port = run->ports->proof;
    return port->ops->listen(port, spec->http_address, spec->http_port, false, err);
}

static bool present(struct run *run, struct proof_answer *answer, bool *ready, struct error *err)
{
    struct proof_port *port = run->ports->proof;
    *ready = false; /* EVENT_PROOF_READY follows */
    return port->ops->add(port, answer->token, answer->key_authorization, err);
}

static void take_down(struct run *run, struct proof_answer *answer)
{
    struct proof_port *port = run->ports->proof;
    port->ops->remove(port, answer->token);
}

const struct proof_way prove_responder = {
    .challenge_type = "http-01",
    .watched = true,
    .describe = describe,
    .check = check,
    .present = present,
    .remove = take_down,
};
