/* store_json: what the store's JSON files have in common: the format number, and times, names,
 * stamps and errors as members that a person can read. For the rooms of the store only.
 *
 * A getter of a member with a wrong type or value sets *bad and gives an empty value; an absent or
 * null member is an empty value. A rewritten document keeps the members that it does not know. */
#ifndef ACMEC_IO_STORE_JSON_H
#define ACMEC_IO_STORE_JSON_H

#include <acmec/data/identifier.h>
#include <acmec/data/json.h>
#include <acmec/io/file.h>

#define STORE_FORMAT 1
#define STORE_JSON_MAX (8 * 1024 * 1024)

/* Reads a document below a trusted folder. *out: owned; NULL where it is missing or damaged (the
 * log says so). A higher format is ERR_CONFIG. */
bool store_json_read(const char *path, json_t **out, struct error *err) MUST_USE;
/* An empty document: its first member is the format. */
json_t *store_json_new(void);
/* As store_json_read, but *out is an empty document instead of NULL. */
bool store_json_read_or_new(const char *path, json_t **out, struct error *err) MUST_USE;
/* Replaces path, 0600, with document (taken, also on failure). */
bool store_json_write(const char *path, json_t *document, struct error *err) MUST_USE;

/* Borrowed; NULL: absent. */
const char *store_json_text(const json_t *object, const char *member, bool *bad);
const json_t *store_json_object(const json_t *object, const char *member, bool *bad);
bool store_json_flag(const json_t *object, const char *member, bool *bad);
/* 0..max */
int64_t store_json_number(const json_t *object, const char *member, int64_t max, bool *bad);
/* RFC 3339 <-> Unix seconds; null <-> 0. */
int64_t store_json_time(const json_t *object, const char *member, bool *bad);
/* An array of plain strings. Appends to out. */
void store_json_names(const json_t *object, const char *member, struct identifier_list *out,
                      bool *bad);
struct file_stamp store_json_stamp(const json_t *object, const char *member, bool *bad);
/* code ERR_NONE: absent. */
void store_json_error(const json_t *object, const char *member, struct error *out, bool *bad);

/* value is taken; NULL (jansson has no memory) ends the program. */
void store_json_put(json_t *object, const char *member, json_t *value);
void store_json_put_number(json_t *object, const char *member, int64_t value);
void store_json_put_time(json_t *object, const char *member, int64_t when);
void store_json_put_names(json_t *object, const char *member, const struct identifier_list *names);
void store_json_put_stamp(json_t *object, const char *member, const struct file_stamp *stamp);
void store_json_put_error(json_t *object, const char *member, const struct error *error);
/* The object at member, borrowed; made where there is none. */
json_t *store_json_section(json_t *object, const char *member);

#endif
