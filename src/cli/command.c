#include <acmec/cli/command.h>

#include <acmec/cli/nearest.h>
#include <acmec/data/escape.h>
#include <limits.h>
#include <string.h>

/* Accepted by every command, and ignored where they mean nothing. */
#define ANYWHERE (GROUP_BIT(GROUP_CA) | GROUP_BIT(GROUP_NGINX) | GROUP_BIT(GROUP_EVERYWHERE))
#define OF_ISSUE                                                                                   \
    (GROUP_BIT(GROUP_CERTIFICATE) | GROUP_BIT(GROUP_PROOF) | GROUP_BIT(GROUP_HOOKS) |              \
     GROUP_BIT(GROUP_RUN))
#define OF_RENEW (GROUP_BIT(GROUP_RUN) | GROUP_BIT(GROUP_RENEWING))

static const struct command rows[] = {
    {
        .name = "issue",
        .operands = "-d NAME [-d NAME ...] [option ...]",
        .words = "",
        .groups = ANYWHERE | OF_ISSUE,
        .needs_engine = true,
        .handler = cmd_issue,
        .summary = "obtain a certificate; safe to repeat",
        .details = "After success the options given are kept in certs/CERT.conf, so that 'acmec "
                   "renew' does the same again.",
    },
    {
        .name = "renew",
        .operands = "[CERT ...] [option ...]",
        .words = "",
        .operands_max = UINT_MAX,
        .groups = ANYWHERE | OF_RENEW,
        .needs_engine = true,
        .handler = cmd_renew,
        .summary = "renew what is due; the timer's command",
        .details = "Without CERT: all certificates. Nothing due: nothing is done, and without a "
                   "terminal nothing is said.",
    },
    {
        .name = "install",
        .operands = "CERT --nginx [--diff]",
        .words = "",
        .operands_min = 1,
        .operands_max = 1,
        .groups = ANYWHERE,
        .needs_engine = true,
        .handler = cmd_install,
        .summary = "put an issued certificate into nginx",
        .details = "Its renewals are then taken up by nginx, too.",
    },
    {
        .name = "uninstall",
        .operands = "CERT --nginx",
        .words = "",
        .operands_min = 1,
        .operands_max = 1,
        .groups = ANYWHERE,
        .needs_engine = true,
        .handler = cmd_uninstall,
        .summary = "take acmec's edits for a certificate out of nginx again",
        .details = "",
    },
    {
        .name = "list",
        .operands = "[CERT]",
        .words = "",
        .operands_max = 1,
        .groups = ANYWHERE,
        .needs_engine = true,
        .handler = cmd_list,
        .summary = "show the certificates, or all about one",
        .details = "",
    },
    {
        .name = "status",
        .operands = "",
        .words = "",
        .groups = ANYWHERE,
        .needs_engine = true,
        .handler = cmd_status,
        .summary = "say whether all is well; exits 1 if a certificate needs a person",
        .details = "",
    },
    {
        .name = "preflight",
        .operands = "-d NAME [-d NAME ...] [option ...]",
        .words = "",
        .groups = ANYWHERE | GROUP_BIT(GROUP_CERTIFICATE) | GROUP_BIT(GROUP_PROOF),
        .needs_engine = true,
        .handler = cmd_preflight,
        .summary = "would issuance work? DNS, port 80, CAA, web server",
        .details = "Takes the options of issue, orders nothing, and leaves nothing behind.",
    },
    {
        .name = "check",
        .operands = "NAME[:PORT] ... [option ...]",
        .words = "",
        .operands_min = 1,
        .operands_max = UINT_MAX,
        .groups = ANYWHERE | GROUP_BIT(GROUP_CHECKING),
        .needs_engine = true,
        .handler = cmd_check,
        .summary = "connect as a browser would, and report what is really served",
        .details = "Every address of each name is looked at; the port is 443 unless one is given. "
                   "With --explain the handshake is told step by step.",
    },
    {
        .name = "account",
        .operands = "show|register|update|rollover|deactivate|thumbprint",
        .words = "show,register,update,rollover,deactivate,thumbprint",
        .operands_min = 1,
        .operands_max = 1,
        .groups = ANYWHERE,
        .needs_engine = true,
        .handler = cmd_account,
        .summary = "show the accounts at CAs, register one, or change it",
        .details = "All but show work on the account chosen by --server and --account; show asks "
                   "that CA where one of the two is given, and shows what is stored of all "
                   "accounts otherwise.",
    },
    {
        .name = "revoke",
        .operands = "CERT | --cert-file FILE [option ...]",
        .words = "",
        .operands_max = 1,
        .groups = ANYWHERE | GROUP_BIT(GROUP_REVOKING),
        .needs_engine = true,
        .handler = cmd_revoke,
        .summary = "have a certificate revoked by its CA",
        .details = "Signed by the account that it is from, or by its own key. 'acmec renew' then "
                   "replaces it; a key that is revoked as compromised is never used again.",
    },
    {
        .name = "delete",
        .operands = "CERT",
        .words = "",
        .operands_min = 1,
        .operands_max = 1,
        .groups = ANYWHERE,
        .needs_engine = true,
        .handler = cmd_delete,
        .summary = "remove a certificate with its keys and its configuration",
        .details = "Refused while nginx uses it. It is not revoked by that.",
    },
    {
        .name = "profiles",
        .operands = "",
        .words = "",
        .groups = ANYWHERE,
        .needs_engine = true,
        .handler = cmd_profiles,
        .summary = "show the certificate profiles that the CA offers",
        .details = "The CA is that of --server; no account is needed.",
    },
    {
        .name = "dns-persist",
        .operands = "show|check [-d NAME ...]",
        .words = "show,check",
        .operands_min = 1,
        .operands_max = 1,
        .groups = ANYWHERE | OF_ISSUE,
        .needs_engine = true,
        .handler = cmd_dns_persist,
        .summary = "print the TXT records of --dns-persist, or see whether they are there",
        .details = "For the names given with -d at the CA of --server, else for all names of all "
                   "certificates that are proved so.",
    },
    {
        .name = "nginx",
        .operands = "which NAME | parse FILE",
        .words = "which,parse",
        .operands_min = 2,
        .operands_max = 2,
        .groups = ANYWHERE,
        .needs_engine = true,
        .handler = cmd_nginx,
        .summary = "read nginx's configuration as nginx does",
        .details = "which: the server block that answers for NAME, address by address: ADDRESS "
                   "FILE:LINE BY NAME. parse: FILE and what it includes as JSON, in the form that "
                   "crossplane prints.",
    },
    {
        .name = "completion",
        .operands = "bash|zsh|fish",
        .words = "bash,zsh,fish",
        .operands_min = 1,
        .operands_max = 1,
        .groups = ANYWHERE,
        .handler = cmd_completion,
        .summary = "print what a shell needs to complete acmec's command line",
        .details = "",
    },
    {
        .name = "help",
        .operands = "[COMMAND]",
        .words = "",
        .operands_max = 1,
        .groups = ANYWHERE,
        .handler = cmd_help,
        .summary = "show this help, or that of a command",
        .details = "",
    },
    {
        .name = "version",
        .operands = "",
        .words = "",
        .groups = ANYWHERE,
        .handler = cmd_version,
        .summary = "show the version",
        .details = "",
    },
};

const struct command *const command_rows = rows;

size_t command_count(void)
{
    return sizeof rows / sizeof rows[0];
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count(); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

bool command_unknown(const char *name, struct error *err)
{
    struct nearest nearest = nearest_begin(name);
    for (size_t i = 0; i < command_count(); i++)
        nearest_offer(&nearest, rows[i].name);
    fail(err, ERR_USAGE, "unknown command '%s'", escaped_str(name).text);
    if (nearest.best == NULL)
        return with_hint(err, "acmec help lists them");
    return with_hint(err, "the nearest known one is '%s'", nearest.best);
}

bool command_accepts(const struct command *command, enum option_id id)
{
    return (command->groups & GROUP_BIT(option_row(id)->group)) != 0;
}
