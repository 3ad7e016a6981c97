#include <acmec/data/http_msg.h>

#include <stdlib.h>

void http_request_release(struct http_request *request)
{
    free(request->url);
    free(request->connect_to);
    buf_release(&request->body);
    *request = (struct http_request){0};
}

void http_response_release(struct http_response *response)
{
    buf_release(&response->headers);
    buf_release(&response->body);
    *response = (struct http_response){0};
}

#define HTTP_AS_WORD(id, word) [HTTP_FAIL_##id] = (word),

const char *http_failure_word(enum http_failure failure)
{
    static const char *const words[HTTP_FAIL_COUNT] = {HTTP_FAILURES(HTTP_AS_WORD)};
    return words[failure];
}
