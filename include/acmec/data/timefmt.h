/* timefmt: times as text, both ways, without locale or time zone. Pure. Times are Unix seconds. */
#ifndef ACMEC_DATA_TIMEFMT_H
#define ACMEC_DATA_TIMEFMT_H

#include <acmec/base/span.h>
#include <stdbool.h>
#include <stdint.h>

#define TIMEFMT_MAX 40

/* RFC 3339 with fractions (cut off), offsets, 'T' or 't' or ' ', 'Z' or 'z'; year 1..9999, in UTC
 * too. A leap second is the second after it. */
bool timefmt_parse_rfc3339(struct span text, int64_t *out);
/* "2026-11-23T22:40:00Z"; a time outside the years 1..9999 is the nearest one inside. */
void timefmt_rfc3339(int64_t when, char out[static TIMEFMT_MAX]);
/* HTTP-date: IMF-fixdate, and the two obsolete forms of RFC 9110 section 5.6.7; two digits of a
 * year are 1969..2068. */
bool timefmt_parse_http_date(struct span text, int64_t *out);
/* Calendar to Unix seconds, as timegm(3), but month 1..12, second 0..60, year 1..9999 in full;
 * false when out of range. */
bool timefmt_from_calendar(int year, int month, int day, int hour, int minute, int second,
                           int64_t *out);
/* "30d", "12h", "90m", "45s", "2w", plain seconds; false on anything else or above 100 years. */
bool timefmt_parse_duration(struct span text, int64_t *seconds);
/* For people: "in 3 days", "12 minutes ago", "now" for the very second; days from two days on. */
void timefmt_relative(int64_t when, int64_t now, char out[static TIMEFMT_MAX]);

#endif
