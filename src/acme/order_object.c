#include <acmec/acme/order_object.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/json.h>
#include <stdio.h>

#define ORDER_AS_WORD(id, word, next) word,
static const char *const status_words[] = {ORDER_STATUSES(ORDER_AS_WORD)};
#undef ORDER_AS_WORD

void order_object_release(struct order_object *object)
{
    for (size_t i = 0; i < object->authorization_count; i++)
        free(object->authorizations[i]);
    free(object->authorizations);
    free(object->finalize);
    free(object->certificate);
    free(object->profile);
    *object = (struct order_object){0};
}

static bool read_status(const json_t *object, enum order_status *out, struct error *err)
{
    const char *word = NULL;
    if (!json_get_str(object, "status", ERR_NETWORK, &word, err))
        return false;
    for (size_t i = 0; i < ORDER_COUNT; i++) {
        if (strcmp(status_words[i], word) == 0) {
            *out = (enum order_status)i;
            return true;
        }
    }
    return fail(err, ERR_NETWORK, "the order has the unknown status '%s'", escaped_str(word).text);
}

/* ---- identifiers ---- */

static bool take_identifier(const json_t *item, struct identifier_list *list, struct error *err)
{
    const char *type = NULL;
    const char *value = NULL;
    struct identifier identifier;
    struct error unused = {0};
    if (!json_is_object(item))
        return fail(err, ERR_NETWORK, "an identifier of the order is no object");
    if (!json_get_str(item, "type", ERR_NETWORK, &type, err) ||
        !json_get_str(item, "value", ERR_NETWORK, &value, err))
        return while_doing(err, "an identifier of the order");
    if (!identifier_parse(value, &identifier, &unused) ||
        strcmp(identifier_type_word(identifier.type), type) != 0)
        return fail(err, ERR_REFUSED, "the order is for '%s', which was not asked for",
                    escaped_str(value).text);
    (void)identifier_list_add(list, &identifier);
    return true;
}

static bool check_identifiers(const json_t *array, const struct identifier_list *names,
                              struct error *err)
{
    AUTO(identifier_list) list = {0};
    if (json_array_size(array) > 2 * IDENTIFIERS_MAX)
        return fail(err, ERR_REFUSED, "the order has too many identifiers");
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!take_identifier(json_array_get(array, i), &list, err))
            return false;
    for (size_t i = 0; i < list.count; i++)
        if (!identifier_list_has(names, &list.items[i]))
            return fail(err, ERR_REFUSED, "the order is for '%s', which was not asked for",
                        list.items[i].value);
    if (!identifier_list_same_set(&list, names))
        return fail(err, ERR_REFUSED, "the order is not for all the names that were asked for");
    return true;
}

/* ---- URLs ---- */

static bool take_url(struct session *session, const json_t *object, const char *member,
                     enum url_role role, char **out, struct error *err)
{
    const json_t *value = json_object_get(object, member);
    const char *url = json_opt_str(object, member);
    if (value != NULL && !json_is_null(value) && !json_is_string(value))
        return fail(err, ERR_NETWORK, "'%s' of the order is not a string", member);
    if (url == NULL)
        return true;
    if (!session_bind(session, role, url, err))
        return false;
    *out = mem_strdup(url);
    return true;
}

static bool has_authorization(const struct order_object *object, const char *url)
{
    for (size_t i = 0; i < object->authorization_count; i++)
        if (strcmp(object->authorizations[i], url) == 0)
            return true;
    return false;
}

static bool take_authorizations(struct session *session, const json_t *object,
                                struct order_object *out, struct error *err)
{
    const json_t *value = json_object_get(object, "authorizations");
    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_array(value))
        return fail(err, ERR_NETWORK, "'authorizations' of the order is not a list");
    size_t count = json_array_size(value);
    if (count > AUTHORIZATIONS_MAX)
        return fail(err, ERR_REFUSED, "the order has too many authorizations");
    out->authorizations = mem_new(count + 1, sizeof *out->authorizations);
    for (size_t i = 0; i < count; i++) {
        const char *url = json_string_value(json_array_get(value, i));
        if (url == NULL)
            return fail(err, ERR_NETWORK, "an authorization of the order is not a URL");
        if (!session_bind(session, ROLE_AUTHORIZATION, url, err))
            return false;
        if (!has_authorization(out, url))
            out->authorizations[out->authorization_count++] = mem_strdup(url);
    }
    return true;
}

/* ---- the whole ---- */

static void take_error(const json_t *object, struct order_object *out)
{
    AUTO(buf) text = BUF(64 * 1024);
    char type[128];
    enum err_code code = problem_describe(json_opt_object(object, "error"), &text, type);
    if (code == ERR_NONE)
        return;
    if (code != ERR_RATE_LIMITED)
        code = ERR_REFUSED;
    (void)fail(&out->error, code, "%s", text.len == 0 ? "the CA gives no reason" : buf_str(&text));
    (void)with_hint(&out->error, "%s", problem_hint(type));
    (void)snprintf(out->error.acme_type, sizeof out->error.acme_type, "%s", type);
}

static bool read_object(struct session *session, const json_t *object,
                        const struct identifier_list *names, bool identifiers_needed,
                        struct order_object *out, struct error *err)
{
    const json_t *identifiers = json_opt_array(object, "identifiers");
    if (!read_status(object, &out->status, err))
        return false;
    if (identifiers == NULL && identifiers_needed)
        return fail(err, ERR_NETWORK, "the order has no 'identifiers'");
    if (identifiers != NULL && !check_identifiers(identifiers, names, err))
        return false;
    if (!take_authorizations(session, object, out, err) ||
        !take_url(session, object, "finalize", ROLE_FINALIZE, &out->finalize, err))
        return false;
    if (out->status == ORDER_VALID &&
        !take_url(session, object, "certificate", ROLE_CERTIFICATE, &out->certificate, err))
        return false;
    take_error(object, out);
    const char *profile = json_opt_str(object, "profile");
    out->profile = profile == NULL ? NULL : mem_strdup(escaped_str(profile).text);
    return true;
}

bool order_object_read(struct session *session, const struct http_response *response,
                       const struct identifier_list *names, bool identifiers_needed,
                       struct order_object *out, struct error *err)
{
    json_auto_t *object = NULL;
    struct order_object read = {0};
    if (!json_parse_object(buf_span(&response->body), HTTP_BODY_MAX, ERR_NETWORK, &object, err))
        return while_doing(err, "the order");
    if (!read_object(session, object, names, identifiers_needed, &read, err)) {
        order_object_release(&read);
        return false;
    }
    *out = read;
    return true;
}
