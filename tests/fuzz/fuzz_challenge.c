/* Input: the body of an authorization, and of the reply to an answer. */
#include "../fake/acme_fixture.h"

#include <acmec/acme/challenge.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct key *key;
    if (key == NULL)
        key = fixture_key();
    struct session *session = fixture_session(key);
    struct http_response response = fixture_reply(200, "", "");
    struct authorization read = {0};
    struct error err = {0};
    enum challenge_status status;
    buf_add(&response.body, data, size);
    struct challenge_plan plan = fixture_plan();
    if (authorization_read(session, &response, &plan, &read, &err)) {
        if (read.status == AUTHORIZATION_PENDING &&
            (read.challenge_url == NULL || !challenge_token_ok(read.token)))
            abort();
        if (!challenge_read(&response, &read.identifier, &status, &read.error, &err) &&
            err.code == ERR_NONE)
            abort();
        authorization_release(&read);
    } else if (err.code == ERR_NONE) {
        abort();
    }
    http_response_release(&response);
    session_free(session);
    return 0;
}
