#include <acmec/cli/nearest.h>

#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to add, drop, change or swap with their neighbour (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NEAREST_WORD_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t changed = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = least(changed, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

struct nearest nearest_begin(const char *typed)
{
    return (struct nearest){.typed = typed};
}

void nearest_offer(struct nearest *nearest, const char *word)
{
    size_t typed_len = strlen(nearest->typed);
    size_t word_len = strlen(word);
    if (typed_len == 0 || typed_len > NEAREST_WORD_MAX || word_len > NEAREST_WORD_MAX)
        return;
    size_t longer = typed_len > word_len ? typed_len : word_len;
    size_t found = distance(nearest->typed, word);
    if (found > 1 && typed_len >= 3 && strncmp(nearest->typed, word, typed_len) == 0)
        found = 1;
    if (found * 3 > longer)
        return;
    if (nearest->best == NULL || found < nearest->distance) {
        nearest->best = word;
        nearest->distance = found;
    }
}
