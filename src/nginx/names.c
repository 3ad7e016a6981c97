#include <acmec/nginx/names.h>

#include <acmec/base/mem.h>
#include <stdlib.h>
#include <uthash.h>

struct entry {
    uint32_t value;
    bool holds_place; /* of an exact name, but nothing is found by it */
    bool with_self;   /* of `.x`: x as well */
    UT_hash_handle hh;
};

struct expression {
    const struct regex *regex;
    uint32_t value;
};

struct names {
    struct entry *exact; /* "www.example.com" */
    struct entry *heads; /* "example.com" of "*.example.com" and ".example.com" */
    struct entry *tails; /* "www.example." of "www.example.*" */
    struct expression *expressions;
    size_t expression_count;
};

struct names *names_new(void)
{
    return mem_new(1, sizeof(struct names));
}

static void free_table(struct entry *table)
{
    struct entry *entry, *next;
    HASH_ITER(hh, table, entry, next)
    {
        HASH_DEL(table, entry);
        free(entry);
    }
}

void names_free(struct names *names)
{
    if (names == NULL)
        return;
    free_table(names->exact);
    free_table(names->heads);
    free_table(names->tails);
    free(names->expressions);
    free(names);
}

static struct entry *look_up(struct entry *table, struct span key)
{
    struct entry *entry;
    HASH_FIND(hh, table, key.ptr, key.len, entry);
    return entry;
}

/* false: the key is there already. */
static bool put(struct entry **table, struct span key, struct entry value)
{
    if (look_up(*table, key) != NULL)
        return false;
    struct entry *entry = mem_new(1, sizeof *entry);
    *entry = value;
    HASH_ADD_KEYPTR(hh, *table, key.ptr, key.len, entry);
    return true;
}

static struct span from(struct span text, size_t at)
{
    return span_of(text.ptr + at, text.len - at);
}

/* nginx refuses a second '*', two dots in a row and NUL in any name. */
static bool is_sane(struct span name, size_t *stars)
{
    *stars = 0;
    for (size_t i = 0; i < name.len; i++) {
        *stars += name.ptr[i] == '*' ? 1 : 0;
        if (name.ptr[i] == 0 || (i > 0 && name.ptr[i] == '.' && name.ptr[i - 1] == '.'))
            return false;
    }
    return *stars < 2;
}

enum names_added names_add(struct names *names, struct span name, uint32_t value)
{
    size_t stars;
    struct entry entry = {.value = value};
    bool added;
    if (!is_sane(name, &stars))
        return NAMES_INVALID;
    if (name.len > 1 && name.ptr[0] == '.') {
        struct entry place = {.value = value, .holds_place = true};
        entry.with_self = true;
        added =
            put(&names->exact, from(name, 1), place) && put(&names->heads, from(name, 1), entry);
    } else if (name.len > 2 && memcmp(name.ptr, "*.", 2) == 0) {
        added = put(&names->heads, from(name, 2), entry);
    } else if (name.len > 2 && memcmp(name.ptr + name.len - 2, ".*", 2) == 0) {
        added = put(&names->tails, span_of(name.ptr, name.len - 1), entry);
    } else if (stars > 0) {
        return NAMES_INVALID;
    } else {
        added = put(&names->exact, name, entry);
    }
    return added ? NAMES_ADDED : NAMES_CONFLICT;
}

void names_add_regex(struct names *names, const struct regex *borrowed, uint32_t value)
{
    names->expressions =
        mem_resize(names->expressions, names->expression_count + 1, sizeof *names->expressions);
    names->expressions[names->expression_count++] = (struct expression){borrowed, value};
}

static enum names_kind take(const struct entry *entry, enum names_kind kind, uint32_t *value)
{
    *value = entry->value;
    return kind;
}

/* `*.x` and `.x`, the longest first. */
static const struct entry *find_head(const struct names *names, struct span host)
{
    for (size_t i = 0; i < host.len; i++) {
        const struct entry *entry =
            host.ptr[i] == '.' ? look_up(names->heads, from(host, i + 1)) : NULL;
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

/* `x.*`, the longest first. */
static const struct entry *find_tail(const struct names *names, struct span host)
{
    for (size_t i = host.len; i > 0; i--) {
        const struct entry *entry =
            host.ptr[i - 1] == '.' ? look_up(names->tails, span_of(host.ptr, i)) : NULL;
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

static enum names_kind find_regex(const struct names *names, struct span host, uint32_t *value)
{
    for (size_t i = 0; i < names->expression_count; i++) {
        enum regex_result result = regex_match(names->expressions[i].regex, host);
        if (result == REGEX_NO)
            continue;
        *value = names->expressions[i].value;
        return result == REGEX_YES ? NAMES_REGEX : NAMES_UNDECIDED;
    }
    return NAMES_NONE;
}

enum names_kind names_find(const struct names *names, struct span host, uint32_t *value)
{
    const struct entry *entry = look_up(names->exact, host);
    if (entry != NULL && !entry->holds_place)
        return take(entry, NAMES_EXACT, value);
    if (host.len == 0)
        return NAMES_NONE;
    entry = look_up(names->heads, host);
    if (entry != NULL && entry->with_self)
        return take(entry, NAMES_EXACT, value);
    entry = find_head(names, host);
    if (entry == NULL)
        entry = find_tail(names, host);
    if (entry != NULL)
        return take(entry, NAMES_WILDCARD, value);
    return find_regex(names, host, value);
}
