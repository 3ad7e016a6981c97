/* check and preflight as JSON. */
#include "report_private.h"

static json_t *names_json(const struct identifier_list *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++)
        (void)json_array_append_new(list, json_string(names->items[i].value));
    return list;
}

static json_t *texts_json(const struct text_list *texts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < texts->count; i++)
        (void)json_array_append_new(list, json_string(texts->items[i]));
    return list;
}

static json_t *cert_json(const struct check_cert *cert)
{
    json_t *object = json_object();
    put_text(object, "subject", cert->subject);
    put_text(object, "issuer", cert->issuer);
    put(object, "names", names_json(&cert->names));
    put_text(object, "serial", cert->serial);
    put_time(object, "not_before", cert->not_before);
    put_time(object, "not_after", cert->not_after);
    put_text(object, "sha256", cert->sha256);
    put_text(object, "key", cert->key);
    return object;
}

static json_t *versions_json(const struct check_target *target)
{
    json_t *list = json_array();
    for (enum tls_version version = TLS_1_0; version < TLS_VERSION_COUNT; version++)
        if (target->offers[version])
            (void)json_array_append_new(list, json_string(tls_version_word(version)));
    return list;
}

static json_t *target_json(const struct check_target *target)
{
    json_t *object = json_object();
    bool shook = target->version != TLS_VERSION_ANY;
    put_text(object, "name", target->place.host);
    put_text(object, "address", target->address);
    put_text(object, "protocol", shook ? tls_version_word(target->version) : NULL);
    put_text(object, "cipher", target->cipher);
    put_text(object, "group", target->group);
    json_t *chain = json_array();
    for (size_t i = 0; i < target->chain_count; i++)
        (void)json_array_append_new(chain, cert_json(&target->chain[i]));
    put(object, "chain", chain);
    put(object, "trusted", shook ? json_boolean(target->trusted) : json_null());
    put_text(object, "live", target->live);
    put(object, "problems", texts_json(&target->problems));
    put(object, "port", json_integer(target->place.port));
    put(object, "versions", versions_json(target));
    put_text(object, "alpn", target->alpn);
    put(object, "second", target->second == NULL ? json_null() : cert_json(target->second));
    put_text(object, "trusted_by", target->anchor);
    put(object, "stapled", shook ? json_boolean(target->stapled) : json_null());
    put(object, "http_status",
        target->http_status == 0 ? json_null() : json_integer(target->http_status));
    put_text(object, "redirect", target->redirect);
    put_text(object, "hsts", target->hsts);
    put(object, "explanation", texts_json(&target->story));
    put(object, "error", error_json(&target->error));
    return object;
}

void report_put_targets(const struct check_targets *targets, json_t *document)
{
    json_t *list = json_array();
    for (size_t i = 0; i < targets->count; i++)
        (void)json_array_append_new(list, target_json(&targets->items[i]));
    put(document, "targets", list);
}

void report_put_checks(const struct preflight_rows *checks, json_t *document)
{
    json_t *list = json_array();
    for (size_t i = 0; i < checks->count; i++) {
        const struct preflight_row *row = &checks->items[i];
        json_t *object = json_object();
        put_text(object, "name", row->name);
        put_text(object, "check", preflight_word(row->kind));
        put(object, "ok", json_boolean(row->ok));
        put_text(object, "detail", row->detail);
        put_text(object, "hint", row->hint);
        (void)json_array_append_new(list, object);
    }
    put(document, "checks", list);
}
