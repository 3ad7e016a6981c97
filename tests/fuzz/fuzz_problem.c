/* Input: a byte (the status, in steps of 2 from 100), header lines, an empty line, the body. */
#include "../fake/acme_fixture.h"

#include <acmec/acme/problem.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const ordered[] = {"www.example.com", "*.b.example"};
    struct identifier_list names = fixture_names(ordered, 2);
    struct http_response response = fixture_reply(size > 0 ? 100 + data[0] * 2 : 400, "", "");
    const char *text = (const char *)data + (size > 0);
    size_t len = size - (size > 0);
    const char *blank = len == 0 ? NULL : memmem(text, len, "\n\n", 2);
    size_t head = blank == NULL ? 0 : (size_t)(blank - text) + 1;
    struct problem problem;
    buf_add(&response.headers, text, head);
    buf_add(&response.body, text + head, len - head);
    problem_read(&response, &names, 1800000000, &problem);
    if (problem.error.text[0] == '\0' || problem.code == ERR_NONE ||
        problem.code != problem.error.code)
        abort();
    for (const char *c = problem.error.text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            abort();
    http_response_release(&response);
    identifier_list_release(&names);
    return 0;
}
