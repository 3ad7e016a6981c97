#include <acmec/engine/nginx_read.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/data/escape.h>
#include <acmec/data/identifier.h>
#include <acmec/io/conf_files.h>
#include <acmec/nginx/choose.h>
#include <limits.h>
#include <uthash.h>

void nginx_answers_release(struct nginx_answers *answers)
{
    for (size_t i = 0; i < answers->count; i++) {
        free(answers->items[i].address);
        free(answers->items[i].file);
        free(answers->items[i].server_name);
    }
    free(answers->items);
    free(answers->name);
    *answers = (struct nginx_answers){0};
}

/* ---- the name ---- */

/* Server names need not be names of the public DNS: one label or a '_' will do. */
static bool is_plain_host(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_";
    size_t len = strlen(name);
    return len > 0 && len <= IDENTIFIER_MAX && name[0] != '.' && strstr(name, "..") == NULL &&
           strspn(name, allowed) == len;
}

/* The text of a `Host` without its port, as nginx compares it; owned. */
static bool read_host(const char *name, char **out, struct error *err)
{
    struct identifier identifier;
    if (strchr(name, '*') != NULL) {
        (void)fail(err, ERR_USAGE, "no client asks for '%s'", escaped_str(name).text);
        return with_hint(err, "ask for one of the names that it stands for");
    }
    if (is_plain_host(name)) {
        *out = mem_strdup(name);
    } else {
        if (!identifier_parse(name, &identifier, err))
            return false;
        bool is_ipv6 = strchr(identifier.value, ':') != NULL;
        *out = mem_printf(is_ipv6 ? "[%s]" : "%s", identifier.value);
    }
    size_t len = strlen(*out);
    if ((*out)[len - 1] == '.')
        (*out)[len - 1] = 0;
    for (char *at = *out; *at != 0; at++)
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
    return true;
}

/* ---- which ---- */

static struct nginx_answer answer_on(const struct choose *choose, uint32_t address,
                                     struct span host)
{
    const struct conf *conf = choose->conf;
    struct choose_answer found = choose_find(choose, address, host);
    uint32_t block = choose->servers[found.server].item;
    char text[LISTENING_TEXT_MAX];
    listening_address_text(&choose->addresses[address].address, text);
    struct nginx_answer answer = {
        .address = mem_strdup(text),
        .tls = choose->addresses[address].tls,
        .quic = choose->addresses[address].address.udp,
        .file = mem_strdup(conf_path(conf, block)),
        .line = conf_line(conf, block),
        .by = choose_by_word(found.by),
    };
    const struct choose_name *name = &choose->names[found.name];
    if (found.by != CHOOSE_DEFAULT) {
        struct span written = conf_arg(conf, name->item, name->arg);
        answer.server_name = mem_strndup(written.ptr, written.len);
    }
    return answer;
}

static void list_answers(const struct choose *choose, struct nginx_answers *out)
{
    out->items = mem_new(choose->address_count, sizeof *out->items);
    for (uint32_t i = 0; i < choose->address_count; i++)
        out->items[out->count++] = answer_on(choose, i, span_str(out->name));
}

bool nginx_which(struct source_port *source, const char *conf_path, const char *name,
                 struct nginx_answers *out, struct error *err)
{
    struct source_port real = conf_files();
    char hostname[HOST_NAME_MAX + 1] = "";
    (void)gethostname(hostname, sizeof hostname - 1);
    struct choose_host host = {.hostname = hostname, .as_root = geteuid() == 0};
    AUTO(conf) conf = {0};
    AUTO(choose) choose = {0};
    if (!read_host(name, &out->name, err) ||
        !conf_read(source != NULL ? source : &real, conf_path, &conf, err) ||
        !choose_build(&conf, &host, &choose, err))
        return false;
    if (choose.address_count == 0)
        return fail(err, ERR_WEB_SERVER, "'%s' has no server for http",
                    escaped_str(conf_path).text);
    list_answers(&choose, out);
    return true;
}

/* ---- parse ---- */

/* Which things belong to which owner, in their order. */
struct lists {
    uint32_t *first; /* by owner; CONF_NONE: nothing */
    uint32_t *next;  /* by thing */
};

static void lists_release(struct lists *lists)
{
    free(lists->first);
    free(lists->next);
}

static struct lists lists_make(uint32_t owners, uint32_t things)
{
    struct lists lists = {mem_new(owners, sizeof *lists.first),
                          mem_new(things, sizeof *lists.next)};
    for (uint32_t i = 0; i < owners; i++)
        lists.first[i] = CONF_NONE;
    return lists;
}

/* Things are put from the last to the first. */
static void lists_put(struct lists *lists, uint32_t owner, uint32_t thing)
{
    lists->next[thing] = lists->first[owner];
    lists->first[owner] = thing;
}

struct numbered { /* a path that has a number */
    const char *path;
    size_t number;
    UT_hash_handle hh;
};

/* The files as crossplane numbers them. */
struct survey {
    const struct conf *conf;
    const struct nginx_visitor *visitor;
    struct lists children; /* instances that an instance includes */
    struct lists faults;   /* of a file */
    struct numbered *numbers;
    uint32_t *order; /* number -> the instance that is shown */
    size_t count;
    size_t *includes;  /* of one statement; room for all instances */
    struct span *args; /* of one statement */
    size_t args_room;
};

static void survey_release(struct survey *survey)
{
    struct numbered *numbered, *next;
    HASH_ITER(hh, survey->numbers, numbered, next)
    {
        HASH_DEL(survey->numbers, numbered);
        free(numbered);
    }
    lists_release(&survey->children);
    lists_release(&survey->faults);
    free(survey->order);
    free(survey->includes);
    free(survey->args);
}

/* The number of an instance's path, given when it is met first. */
static size_t number_of(struct survey *survey, uint32_t instance)
{
    const char *path = survey->conf->instances[instance].path;
    struct numbered *numbered;
    HASH_FIND_STR(survey->numbers, path, numbered);
    if (numbered == NULL) {
        numbered = mem_new(1, sizeof *numbered);
        numbered->path = path;
        numbered->number = survey->count;
        HASH_ADD_KEYPTR(hh, survey->numbers, path, strlen(path), numbered);
        survey->order[survey->count++] = instance;
    }
    return numbered->number;
}

static struct survey survey_make(const struct conf *conf, const struct nginx_visitor *visitor)
{
    struct survey survey = {
        .conf = conf,
        .visitor = visitor,
        .children = lists_make(conf->instance_count, conf->instance_count),
        .faults = lists_make(conf->file_count, conf->fault_count),
        .order = mem_new(conf->instance_count, sizeof *survey.order),
        .includes = mem_new(conf->instance_count, sizeof *survey.includes),
    };
    for (uint32_t i = conf->instance_count - 1; i > 0; i--)
        lists_put(&survey.children, conf->items[conf->instances[i].included_by].instance, i);
    for (uint32_t i = conf->fault_count; i > 0; i--)
        lists_put(&survey.faults, conf->instances[conf->faults[i - 1].instance].file, i - 1);
    return survey;
}

/* Lists the files that a statement includes; child is the first of its instance that is left. */
static void list_includes(struct survey *survey, uint32_t statement, uint32_t *child,
                          struct nginx_statement *out)
{
    const struct conf *conf = survey->conf;
    while (*child != CONF_NONE &&
           conf->items[conf->instances[*child].included_by].statement == statement) {
        survey->includes[out->include_count++] = number_of(survey, *child);
        *child = survey->children.next[*child];
    }
    out->includes = survey->includes;
}

static void list_args(struct survey *survey, const struct tree *tree, uint32_t index,
                      struct nginx_statement *out)
{
    const struct tree_statement *statement = &tree->statements[index];
    if (statement->word_count > survey->args_room) {
        survey->args_room = statement->word_count;
        survey->args = mem_resize(survey->args, survey->args_room, sizeof *survey->args);
    }
    for (uint32_t n = 1; n < statement->word_count; n++)
        survey->args[out->arg_count++] = tree_value(tree, index, n);
    if (statement->kind == TREE_LUA)
        survey->args[out->arg_count++] = tree_lua(tree, index);
    out->args = survey->args;
}

static void show_statements(struct survey *survey, uint32_t instance)
{
    const struct nginx_visitor *visitor = survey->visitor;
    const struct conf *conf = survey->conf;
    const struct tree *tree = &conf->files[conf->instances[instance].file].tree;
    uint32_t child = survey->children.first[instance];
    uint32_t open = 0;
    for (uint32_t i = 1; i < tree->statement_count; i++) {
        for (; i >= tree->statements[open].after; open = tree->statements[open].parent)
            visitor->end(visitor->ctx);
        struct nginx_statement statement = {
            .directive = tree_value(tree, i, 0),
            .line = tree->statements[i].line,
            .is_block = tree->statements[i].kind == TREE_BLOCK,
            .is_include = tree_is(tree, i, "include"),
        };
        list_args(survey, tree, i, &statement);
        list_includes(survey, i, &child, &statement);
        visitor->begin(visitor->ctx, &statement);
        if (statement.is_block)
            open = i;
        else
            visitor->end(visitor->ctx);
    }
    for (; open != 0; open = tree->statements[open].parent)
        visitor->end(visitor->ctx);
}

/* Each further reading of a file meets the same faults again. */
static void show_faults(struct survey *survey, uint32_t file)
{
    const struct conf_fault *faults = survey->conf->faults;
    uint32_t first = survey->faults.first[file];
    for (uint32_t i = first; i != CONF_NONE; i = survey->faults.next[i]) {
        if (faults[i].instance == faults[first].instance)
            survey->visitor->fault(survey->visitor->ctx, faults[i].text, faults[i].line);
    }
}

/* Shows a file; those that it includes are numbered meanwhile. */
static void show_file(struct survey *survey, uint32_t instance)
{
    const struct conf *conf = survey->conf;
    uint32_t file = conf->instances[instance].file;
    survey->visitor->file(survey->visitor->ctx, conf->instances[instance].path);
    show_faults(survey, file);
    if (!conf->files[file].broken)
        show_statements(survey, instance);
}

bool nginx_parse(struct source_port *source, const char *path, const struct nginx_visitor *visitor,
                 struct error *err)
{
    struct source_port real = conf_files();
    AUTO(conf) conf;
    conf_survey(source != NULL ? source : &real, path, &conf);
    if (conf.instance_count > 0) {
        AUTO(survey) survey = survey_make(&conf, visitor);
        (void)number_of(&survey, 0);
        for (size_t i = 0; i < survey.count; i++)
            show_file(&survey, survey.order[i]);
    }
    return conf.fault_count == 0 || fail(err, conf.faults[0].code, "%s", conf.faults[0].text);
}
