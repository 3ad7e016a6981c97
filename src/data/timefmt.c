#include <acmec/data/timefmt.h>

#include <stdio.h>

#define DAY 86400
#define YEAR_MIN 1
#define YEAR_MAX 9999
#define DURATION_MAX ((int64_t)36525 * DAY) /* a hundred years */
#define FIRST_SECOND (-62135596800)         /* 0001-01-01T00:00:00Z */
#define LAST_SECOND 253402300799            /* 9999-12-31T23:59:59Z */

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};

/* ---- the calendar ---- */

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to the first of January; year 1..9999. */
static int64_t days_before_year(int year)
{
    int64_t past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400 - 719162;
}

bool timefmt_from_calendar(int year, int month, int day, int hour, int minute, int second,
                           int64_t *out)
{
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 ||
        day > days_in(year, month))
        return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    int64_t days = days_before_year(year) + day - 1;
    for (int before = 1; before < month; before++)
        days += days_in(year, before);
    *out = days * DAY + hour * 3600 + minute * 60 + second;
    return true;
}

/* ---- reading ---- */

/* Exactly count digits at the start of *text, which moves behind them. */
static bool take_digits(struct span *text, size_t count, int *out)
{
    if (text->len < count)
        return false;
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = text->ptr[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *text = span_of(text->ptr + count, text->len - count);
    *out = value;
    return true;
}

/* One byte of set. */
static bool take_any(struct span *text, const char *set, char *out)
{
    if (text->len == 0 || text->ptr[0] == '\0' || strchr(set, text->ptr[0]) == NULL)
        return false;
    *out = text->ptr[0];
    *text = span_of(text->ptr + 1, text->len - 1);
    return true;
}

static bool take_str(struct span *text, const char *wanted)
{
    size_t len = strlen(wanted);
    if (text->len < len || memcmp(text->ptr, wanted, len) != 0)
        return false;
    *text = span_of(text->ptr + len, text->len - len);
    return true;
}

struct calendar {
    int year, month, day, hour, minute, second;
};

static bool to_seconds(const struct calendar *when, int64_t *out)
{
    return timefmt_from_calendar(when->year, when->month, when->day, when->hour, when->minute,
                                 when->second, out);
}

/* "HH:MM:SS" */
static bool take_clock(struct span *text, struct calendar *when)
{
    return take_digits(text, 2, &when->hour) && take_str(text, ":") &&
           take_digits(text, 2, &when->minute) && take_str(text, ":") &&
           take_digits(text, 2, &when->second);
}

static bool skip_fraction(struct span *text)
{
    int digit = 0;
    if (!take_str(text, "."))
        return true;
    if (!take_digits(text, 1, &digit))
        return false;
    while (take_digits(text, 1, &digit))
        ;
    return true;
}

/* "Z" or "+HH:MM", as seconds east of Greenwich. */
static bool take_offset(struct span *text, int *seconds)
{
    char sign = 'Z';
    int hours = 0;
    int minutes = 0;
    if (!take_any(text, "Zz+-", &sign))
        return false;
    if (sign == '+' || sign == '-') {
        if (!take_digits(text, 2, &hours) || !take_str(text, ":") ||
            !take_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
            return false;
    }
    *seconds = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    return true;
}

bool timefmt_parse_rfc3339(struct span text, int64_t *out)
{
    struct calendar when;
    char between = 'T';
    int offset = 0;
    int64_t local = 0;
    if (!take_digits(&text, 4, &when.year) || !take_str(&text, "-") ||
        !take_digits(&text, 2, &when.month) || !take_str(&text, "-") ||
        !take_digits(&text, 2, &when.day) || !take_any(&text, "Tt ", &between))
        return false;
    if (!take_clock(&text, &when) || !skip_fraction(&text) || !take_offset(&text, &offset) ||
        text.len > 0 || !to_seconds(&when, &local))
        return false;
    if (local - offset < FIRST_SECOND || local - offset > LAST_SECOND)
        return false;
    *out = local - offset;
    return true;
}

static bool take_month(struct span *text, int *month)
{
    for (int i = 0; i < 12; i++) {
        if (take_str(text, months[i])) {
            *month = i + 1;
            return true;
        }
    }
    return false;
}

/* A weekday, whole or its first three letters; it is not compared with the date. */
static bool take_weekday(struct span *text, bool whole)
{
    for (size_t i = 0; i < sizeof(weekdays) / sizeof(weekdays[0]); i++) {
        char brief[4] = {weekdays[i][0], weekdays[i][1], weekdays[i][2], '\0'};
        if (take_str(text, whole ? weekdays[i] : brief))
            return true;
    }
    return false;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool read_imf(struct span text, struct calendar *when)
{
    return take_weekday(&text, false) && take_str(&text, ", ") &&
           take_digits(&text, 2, &when->day) && take_str(&text, " ") &&
           take_month(&text, &when->month) && take_str(&text, " ") &&
           take_digits(&text, 4, &when->year) && take_str(&text, " ") && take_clock(&text, when) &&
           take_str(&text, " GMT") && text.len == 0;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool read_rfc850(struct span text, struct calendar *when)
{
    bool ok = take_weekday(&text, true) && take_str(&text, ", ") &&
              take_digits(&text, 2, &when->day) && take_str(&text, "-") &&
              take_month(&text, &when->month) && take_str(&text, "-") &&
              take_digits(&text, 2, &when->year) && take_str(&text, " ") &&
              take_clock(&text, when) && take_str(&text, " GMT") && text.len == 0;
    if (ok)
        when->year +=
            when->year < 69 ? 2000 : 1900; /* the pivot of POSIX: no clock is asked here */
    return ok;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool read_asctime(struct span text, struct calendar *when)
{
    if (!take_weekday(&text, false) || !take_str(&text, " ") || !take_month(&text, &when->month) ||
        !take_str(&text, " "))
        return false;
    return take_digits(&text, take_str(&text, " ") ? 1 : 2, &when->day) && take_str(&text, " ") &&
           take_clock(&text, when) && take_str(&text, " ") && take_digits(&text, 4, &when->year) &&
           text.len == 0;
}

bool timefmt_parse_http_date(struct span text, int64_t *out)
{
    struct calendar when = {0};
    return (read_imf(text, &when) || read_rfc850(text, &when) || read_asctime(text, &when)) &&
           to_seconds(&when, out);
}

bool timefmt_parse_duration(struct span text, int64_t *seconds)
{
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", DAY}, {"w", (int64_t)7 * DAY}};
    int digit = 0;
    int64_t value = 0;
    if (!take_digits(&text, 1, &digit))
        return false;
    do {
        value = value * 10 + digit;
        if (value > DURATION_MAX)
            return false;
    } while (take_digits(&text, 1, &digit));
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!span_is(text, units[i].unit))
            continue;
        if (value > DURATION_MAX / units[i].seconds)
            return false;
        *seconds = value * units[i].seconds;
        return true;
    }
    return false;
}

/* ---- writing ---- */

void timefmt_rfc3339(int64_t when, char out[static TIMEFMT_MAX])
{
    if (when < FIRST_SECOND)
        when = FIRST_SECOND;
    if (when > LAST_SECOND)
        when = LAST_SECOND;
    int64_t days = (when - FIRST_SECOND) / DAY;
    int rest = (int)((when - FIRST_SECOND) % DAY);
    int year = (int)(days / 366) + 1; /* too early by some twenty at most */
    days += days_before_year(YEAR_MIN);
    while (year < YEAR_MAX && days_before_year(year + 1) <= days)
        year++;
    days -= days_before_year(year);
    int month = 1;
    while (days >= days_in(year, month))
        days -= days_in(year, month++);
    (void)snprintf(out, TIMEFMT_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, (int)days + 1,
                   rest / 3600, rest / 60 % 60, rest % 60);
}

void timefmt_relative(int64_t when, int64_t now, char out[static TIMEFMT_MAX])
{
    static const struct {
        uint64_t below, seconds;
        const char *unit;
    } units[] = {{60, 1, "second"},
                 {3600, 60, "minute"},
                 {(uint64_t)2 * DAY, 3600, "hour"},
                 {UINT64_MAX, DAY, "day"}};
    uint64_t apart = when > now ? (uint64_t)when - (uint64_t)now : (uint64_t)now - (uint64_t)when;
    if (apart == 0) {
        (void)snprintf(out, TIMEFMT_MAX, "now");
        return;
    }
    size_t i = 0;
    while (apart >= units[i].below && units[i].below != UINT64_MAX)
        i++;
    unsigned long long count = apart / units[i].seconds;
    (void)snprintf(out, TIMEFMT_MAX, "%s%llu %s%s%s", when > now ? "in " : "", count, units[i].unit,
                   count == 1 ? "" : "s", when > now ? "" : " ago");
}
