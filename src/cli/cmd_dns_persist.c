#include <acmec/cli/context.h>

#include <acmec/base/cleanup.h>
#include <string.h>

/* The names of a certificate that are proved by standing records. */
static void pick_names(const struct cert_spec *spec, struct identifier_list *out)
{
    for (size_t i = 0; i < spec->names.count; i++)
        if (cert_spec_proof(spec, &spec->names.items[i])->kind == PROOF_DNS_PERSIST)
            (void)identifier_list_add(out, &spec->names.items[i]);
}

static bool add_certificate(struct context *context, const char *cert, bool look, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    AUTO(identifier_list) names = {0};
    if (!context_load_spec(context, cert, &spec, err))
        return false;
    pick_names(&spec, &names);
    return names.count == 0 || engine_standing_records(context->engine, &spec, &names, look,
                                                       &context->report.standing, err);
}

static bool add_all(struct context *context, bool look, struct error *err)
{
    char **names = NULL;
    size_t count = 0;
    if (!engine_list_names(context->engine, &names, &count, err))
        return false;
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        good = good && add_certificate(context, names[i], look, err);
        free(names[i]);
    }
    free(names);
    return good;
}

static bool check_names(const struct identifier_list *names, struct error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        if (names->items[i].type == IDENTIFIER_DNS)
            continue;
        (void)fail(err, ERR_USAGE, "the address '%s' cannot be proved by a record",
                   names->items[i].value);
        return with_hint(err, "a CA proves addresses by connecting to them only");
    }
    return true;
}

static bool add_given(struct context *context, bool look, struct error *err)
{
    AUTO(cert_spec) spec = {0};
    struct option_layers layers = context_layers(context);
    return config_spec(&layers, "", &spec, err) && check_names(&spec.names, err) &&
           engine_standing_records(context->engine, &spec, &spec.names, look,
                                   &context->report.standing, err);
}

static bool judge(const struct standing_records *records, struct error *err)
{
    size_t missing = 0;
    for (size_t i = 0; i < records->count; i++)
        missing += records->items[i].seen != STANDING_THERE ? 1 : 0;
    if (missing == 0)
        return true;
    (void)fail(err, ERR_REFUSED, "%zu of %zu records cannot be seen in the DNS", missing,
               records->count);
    return with_hint(err, "'acmec dns-persist show' prints what is to be put there");
}

bool cmd_dns_persist(struct context *context, struct error *err)
{
    bool look = strcmp(context->args.operands[0], "check") == 0;
    bool given = option_set_text(&context->args.set, OPT_DOMAIN) != NULL;
    context->report.kind = REPORT_STANDING;
    context->report.command = look ? "dns-persist check" : "dns-persist show";
    if (!(given ? add_given(context, look, err) : add_all(context, look, err)))
        return false;
    return !look || judge(&context->report.standing, err);
}
