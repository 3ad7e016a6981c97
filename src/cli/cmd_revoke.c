#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>

/* One of both says what is to be revoked. */
static bool read_request(const struct context *context, struct revocation *out, struct error *err)
{
    const struct args *args = &context->args;
    out->name = args->operand_count > 0 ? args->operands[0] : NULL;
    out->cert_file = option_set_text(&args->set, OPT_CERT_FILE);
    out->key_file = option_set_text(&args->set, OPT_KEY_FILE);
    out->reason = option_set_text(&args->set, OPT_REASON);
    if ((out->name == NULL) != (out->cert_file == NULL))
        return out->name == NULL || cert_name_check(out->name, err);
    if (out->name == NULL)
        fail(err, ERR_USAGE, "no certificate is given");
    else
        fail(err, ERR_USAGE, "a certificate's name does not go together with --cert-file");
    return with_hint(err, "acmec revoke CERT, or acmec revoke --cert-file FILE");
}

/* Where its CA is, and how it is reached. What the certificate should be is of no concern, and may
 * not even be readable any more. */
static bool read_spec(const struct context *context, const char *name, struct cert_spec *out,
                      struct error *err)
{
    AUTO(option_set) conf = {0};
    struct option_layers layers = context_layers(context);
    bool found;
    if (name != NULL && !context_read_conf(context, name, &conf, &found, err))
        return false;
    if (name != NULL)
        layers = (struct option_layers){
            .sets = {&context->args.set, &conf, &context->weak, &context->defaults}, .count = 4};
    return config_spec(&layers, name == NULL ? "" : name, out, err);
}

bool cmd_revoke(struct context *context, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    struct revocation revocation = {0};
    context->report.kind = REPORT_RUN;
    return read_request(context, &revocation, err) &&
           read_spec(context, revocation.name, &spec, err) &&
           engine_revoke(context->engine, &revocation, &spec, &context->report.certificates, err);
}
