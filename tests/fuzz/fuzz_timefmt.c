/* Any text as a time: what is taken is written and read again to the same moment. */
#include "must.h"

#include <acmec/data/timefmt.h>

static void check_round_trip(int64_t when)
{
    char text[TIMEFMT_MAX];
    int64_t again = 0;
    timefmt_rfc3339(when, text);
    must(strlen(text) == strlen("2026-11-23T22:40:00Z"));
    must(timefmt_parse_rfc3339(span_str(text), &again));
    must(again == when);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    char relative[TIMEFMT_MAX];
    int64_t when = 0;
    if (timefmt_parse_rfc3339(text, &when))
        check_round_trip(when);
    /* a leap second at the very end of 9999 is the one moment outside what can be written */
    if (timefmt_parse_http_date(text, &when) && when <= INT64_C(253402300799))
        check_round_trip(when);
    if (timefmt_parse_duration(text, &when))
        must(when >= 0 && when <= INT64_C(36525) * 86400);
    int64_t numbers[2] = {0};
    memcpy(numbers, data, size < sizeof(numbers) ? size : sizeof(numbers));
    timefmt_relative(numbers[0], numbers[1], relative);
    must(strlen(relative) >= 3 && strlen(relative) < TIMEFMT_MAX);
    timefmt_rfc3339(numbers[0], relative);
    must(timefmt_parse_rfc3339(span_str(relative), &when));
    return 0;
}
