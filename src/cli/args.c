#include <acmec/cli/args.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <acmec/cli/nearest.h>
#include <acmec/data/escape.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* getopt's value of a long option: above every letter. */
#define LONG_BASE 256
/* The letters with their ':', after "-:", which asks for operands in their place and for ':' on a
 * missing argument. */
#define LETTERS_MAX (2 + 2 * OPTION_COUNT + 1)

void args_release(struct args *args)
{
    option_set_release(&args->set);
    free(args->operands);
    *args = (struct args){0};
}

bool args_mention(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], word) == 0)
            return true;
    }
    return false;
}

void args_become(struct args *args, const struct command *command, const char *operand)
{
    args->command = command;
    args->operand_count = 0;
    if (operand == NULL)
        return;
    args->operands = mem_resize(args->operands, 1, sizeof *args->operands);
    args->operands[args->operand_count++] = operand;
}

static void make_getopt_tables(struct option longs[static OPTION_COUNT + 1],
                               char letters[static LETTERS_MAX])
{
    size_t len = 0;
    letters[len++] = '-';
    letters[len++] = ':';
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = option_row((enum option_id)i);
        bool takes = row->kind != OPTION_FLAG;
        longs[i] = (struct option){.name = row->name,
                                   .has_arg = takes ? required_argument : no_argument,
                                   .val = LONG_BASE + (int)i};
        if (row->letter != 0)
            letters[len++] = row->letter;
        if (row->letter != 0 && takes)
            letters[len++] = ':';
    }
    longs[OPTION_COUNT] = (struct option){0};
    letters[len] = 0;
}

/* "--name" of "--name=value", owned. */
static char *long_name(const char *word)
{
    return mem_strndup(word + 2, strcspn(word + 2, "="));
}

/* getopt takes shortened options, too; one would change its meaning when a new option arrives. */
static bool is_spelled_out(const char *word, enum option_id id)
{
    AUTO_FREE name = long_name(word);
    return strcmp(name, option_row(id)->name) == 0;
}

static bool fail_unknown(const struct args *args, const char *word, struct error *err)
{
    fail(err, ERR_USAGE, "unknown option '%s'", escaped_str(word).text);
    if (strncmp(word, "--", 2) != 0)
        return with_hint(err, "acmec help lists them");
    AUTO_FREE name = long_name(word);
    struct nearest nearest = nearest_begin(name);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (args->command == NULL || command_accepts(args->command, (enum option_id)i))
            nearest_offer(&nearest, option_row((enum option_id)i)->name);
    }
    if (nearest.best != NULL)
        with_hint(err, "the nearest known one is --%s", nearest.best);
    else
        with_hint(err, "acmec help%s%s lists them", args->command == NULL ? "" : " ",
                  args->command == NULL ? "" : args->command->name);
    return false;
}

/* What getopt says of a word that it cannot use. */
static bool fail_word(const struct args *args, int code, int value, const char *word,
                      struct error *err)
{
    bool is_long = value == 0 || value >= LONG_BASE;
    if (value >= LONG_BASE && !is_spelled_out(word, (enum option_id)(value - LONG_BASE)))
        return fail_unknown(args, word, err);
    if (code == ':') {
        char letter[] = {'-', (char)value, 0};
        return fail(err, ERR_USAGE, "'%s' needs an argument",
                    is_long ? escaped_str(word).text : letter);
    }
    if (value >= LONG_BASE)
        return fail(err, ERR_USAGE, "'--%s' takes no argument",
                    option_row((enum option_id)(value - LONG_BASE))->name);
    if (!is_long) {
        char letter[] = {'-', (char)value, 0};
        return fail_unknown(args, letter, err);
    }
    return fail_unknown(args, word, err);
}

static bool take_operand(struct args *args, const char *text, struct error *err)
{
    if (args->command == NULL) {
        args->command = command_find(text);
        return args->command != NULL || command_unknown(text, err);
    }
    args->operands = mem_resize(args->operands, args->operand_count + 1, sizeof *args->operands);
    args->operands[args->operand_count++] = text;
    return true;
}

static bool take_option(struct args *args, int code, const char *word, const char *argument,
                        struct error *err)
{
    enum option_id id;
    if (code >= LONG_BASE) {
        id = (enum option_id)(code - LONG_BASE);
        if (!is_spelled_out(word, id))
            return fail_unknown(args, word, err);
    } else if (!option_by_letter((char)code, &id)) {
        return fail_unknown(args, word, err);
    }
    return option_set_add(&args->set, id, argument, 0, err);
}

static bool check_accepted(const struct args *args, struct error *err)
{
    for (size_t i = 0; args->command != NULL && i < OPTION_COUNT; i++) {
        enum option_id id = (enum option_id)i;
        if (args->set.values[id].count == 0 || command_accepts(args->command, id))
            continue;
        fail(err, ERR_USAGE, "'--%s' is no option of '%s'", option_row(id)->name,
             args->command->name);
        return with_hint(err, "acmec help %s lists them", args->command->name);
    }
    return true;
}

static bool check_operands(const struct args *args, struct error *err)
{
    const struct command *command = args->command;
    if (command == NULL || option_set_text(&args->set, OPT_HELP) != NULL)
        return true;
    if (args->operand_count > command->operands_max) {
        const char *word = args->operands[command->operands_max];
        fail(err, ERR_USAGE, "'%s' has no place here", escaped_str(word).text);
        return with_hint(err, "acmec %s %s", command->name, command->operands);
    }
    if (args->operand_count < command->operands_min) {
        fail(err, ERR_USAGE, "'%s' needs to be told what", command->name);
        return with_hint(err, "acmec %s %s", command->name, command->operands);
    }
    if (args->operand_count == 0 || command->words[0] == 0 ||
        option_word_in(command->words, args->operands[0]))
        return true;
    return fail(err, ERR_USAGE, "'%s' is none of %s", escaped_str(args->operands[0]).text,
                command->words);
}

static bool parse_words(int argc, char **argv, struct args *args, struct error *err)
{
    struct option longs[OPTION_COUNT + 1];
    char letters[LETTERS_MAX];
    make_getopt_tables(longs, letters);
    opterr = 0;
    optind = 0; /* glibc: begin anew */
    for (int at = 1;;) {
        optopt = 0;
        int code = getopt_long(argc, argv, letters, longs, NULL);
        const char *word = at < argc ? argv[at] : "";
        if (code == -1)
            break;
        bool taken;
        if (code == '?' || code == ':')
            taken = fail_word(args, code, optopt, word, err);
        else if (code == 1)
            taken = take_operand(args, optarg, err);
        else
            taken = take_option(args, code, word, optarg, err);
        if (!taken)
            return false;
        at = optind;
    }
    for (int i = optind; i < argc; i++) {
        if (!take_operand(args, argv[i], err))
            return false;
    }
    return true;
}

bool args_parse(int argc, char **argv, struct args *out, struct error *err)
{
    *out = (struct args){0};
    return parse_words(argc, argv, out, err) && check_accepted(out, err) &&
           check_operands(out, err);
}
