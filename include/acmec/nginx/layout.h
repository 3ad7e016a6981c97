/* layout: puts statements into a configuration file in that file's own style, as edits of a plan:
 * its indentation, tabs, line ends, one-line blocks. Pure; it knows no directive but where a server
 * takes new ones.
 *
 * Every line that is added or changed ends in a mark, "# managed by acmec: CERT", unless it is a
 * lone brace. Nothing is ever deleted. Where a mark cannot stand (the line ends within quotes or
 * Lua), the edit is refused. */
#ifndef ACMEC_NGINX_LAYOUT_H
#define ACMEC_NGINX_LAYOUT_H

#include <acmec/data/edit.h>
#include <acmec/data/escape.h>
#include <acmec/nginx/conf.h>
#include <acmec/nginx/lexer.h>

#define LAYOUT_TEXT_MAX (64 * 1024)

struct layout {
    const struct conf *conf; /* borrowed */
    const char *cert;        /* borrowed; the certificate's name, for the mark */
    struct edit_plan *plan;  /* borrowed */
};

/* Statements to add, one a line, "    " standing for one level of indentation. */
struct layout_lines {
    struct buf text;
};
#define LAYOUT_LINES ((struct layout_lines){BUF(LAYOUT_TEXT_MAX)})
void layout_lines_release(struct layout_lines *lines);
void layout_line(struct layout_lines *lines, unsigned depth, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Into a server (an item): after its last own `listen` or `server_name`, but before the first
 * statement that could end a request before a location is chosen. All lines of one plan at once. */
bool layout_into(struct layout *layout, uint32_t server, const struct layout_lines *lines,
                 struct error *err) MUST_USE;
/* Behind a statement or block, as its next sibling. */
bool layout_behind(struct layout *layout, uint32_t item, const struct layout_lines *lines,
                   struct error *err) MUST_USE;
/* Puts text in the place of the arguments first..last (from 1) of a statement. */
bool layout_replace(struct layout *layout, uint32_t item, uint32_t first, uint32_t last,
                    struct span text, struct error *err) MUST_USE;

/* Whether a member of a server could end a request before a location is chosen: the rewrite
 * module's statements, and Lua's in that phase. */
bool layout_can_end_early(const struct conf *conf, uint32_t item);

/* Whether the line on which the item ends carries the mark of a certificate; NULL: of any. */
bool layout_is_marked(const struct conf *conf, uint32_t item, const char *cert);

/* The item's place for a message: "PATH:LINE", escaped. */
struct escaped layout_place(const struct conf *conf, uint32_t item);

/* Appends value as one argument, quoted where it must be. False: nginx could not be told it (a `$`,
 * a control character, or over its limit). */
bool layout_quote(const char *value, struct buf *out);

#endif
