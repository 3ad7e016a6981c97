/* json: typed, strict access to jansson values; errors name the member that is wrong.
 *
 * Documents are refused above max bytes, with duplicate members, and deeper than jansson allows. A
 * member that is absent, null or empty counts as absent for the _opt getters (RFC 8555 servers send
 * all three). This room never prints JSON by hand. All errors take the class the caller gives. */
#ifndef ACMEC_DATA_JSON_H
#define ACMEC_DATA_JSON_H

#include <acmec/base/buf.h>
#include <acmec/base/error.h>
#include <jansson.h>
#include <stdint.h>

/* Parses a document whose top is an object. *out is owned (json_decref). */
bool json_parse_object(struct span text, size_t max, enum err_code code, json_t **out,
                       struct error *err) MUST_USE;

/* Required string, borrowed from object: fails "'finalize' is missing" / "'x' is not a string".
 * Strings with NUL are refused by jansson already. */
bool json_get_str(const json_t *object, const char *member, enum err_code code, const char **out,
                  struct error *err) MUST_USE;
/* NULL when absent, null, or not a string. */
const char *json_opt_str(const json_t *object, const char *member);
/* The array, or NULL when absent, null or not an array. */
json_t *json_opt_array(const json_t *object, const char *member);
json_t *json_opt_object(const json_t *object, const char *member);
bool json_opt_bool(const json_t *object, const char *member, bool fallback);
int64_t json_opt_int(const json_t *object, const char *member, int64_t fallback);

/* A string (owned) of foreign text, NUL included; bytes that are not UTF-8 become U+FFFD. */
json_t *json_text(struct span text);
/* Sets member to a string, or to null for NULL; foreign bytes that are not UTF-8 become U+FFFD. */
void json_put_str(json_t *object, const char *member, const char *text);

/* Appends the compact text; sorted for RFC 7638. */
void json_write(const json_t *value, struct buf *out);
void json_write_sorted(const json_t *value, struct buf *out);
/* Appends indented text with a final newline, for files that people read. */
void json_write_pretty(const json_t *value, struct buf *out);

#endif
