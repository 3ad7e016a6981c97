/* option: the one table of options. The command line, the configuration files, help, completion
 * and the check against the man pages all read it; a new option is a row here and nowhere else.
 *
 * Also the values that were given for them, from the command line or from one file, each with the
 * place it came from. A value is checked by its kind when it enters; what it means is for
 * cli/config. Pure but for getcwd, which makes paths of the command line absolute. */
#ifndef ACMEC_CLI_OPTION_H
#define ACMEC_CLI_OPTION_H

#include <acmec/base/error.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG,     /* no argument; "yes" or "no" in a file */
    OPTION_STRING,   /* the last one counts */
    OPTION_PATH,     /* made absolute; must be absolute in a file */
    OPTION_NUMBER,   /* minimum..maximum */
    OPTION_DURATION, /* seconds, or 90m, 12h, 30d; minimum..maximum seconds */
    OPTION_LIST      /* repeated or comma-separated, all count */
};

/* Groups are headings of the help, and what a command accepts. X(id, heading) */
#define OPTION_GROUPS(X)                                                                           \
    X(CERTIFICATE, "The certificate")                                                              \
    X(PROOF, "How to prove")                                                                       \
    X(HOOKS, "Hooks")                                                                              \
    X(RUN, "This run")                                                                             \
    X(RENEWING, "Renewing")                                                                        \
    X(CHECKING, "Checking")                                                                        \
    X(REVOKING, "Revoking")                                                                        \
    X(NGINX, "nginx")                                                                              \
    X(CA, "The CA")                                                                                \
    X(EVERYWHERE, "Everywhere")

#define OPTION_GROUP_AS_ENUM(id, heading) GROUP_##id,
enum option_group { OPTION_GROUPS(OPTION_GROUP_AS_ENUM) GROUP_COUNT };
#undef OPTION_GROUP_AS_ENUM

#define GROUP_BIT(group) (1u << (group))

/* Which files may hold the option as a key. */
enum option_files {
    FILES_NONE, /* it makes sense on the command line only */
    FILES_CERT, /* certs/NAME.conf */
    FILES_MAIN, /* acmec.conf: how acmec itself runs */
    FILES_BOTH
};

/* X(id, long name, letter or 0, kind, argument, group, files, minimum, maximum, words, default,
 * help). words: a comma-separated list of the words that the argument may be, for completion; a
 * path may be one of them instead. default: for the help and man pages, "" where there is none. */
#define OPTIONS(X)                                                                                 \
    X(DOMAIN, "domain", 'd', LIST, "NAME", CERTIFICATE, CERT, 0, 0, "", "",                        \
      "a DNS name or IP address, or NAME=PROOF; repeat it, or separate with commas")               \
    X(NAME, "name", 0, STRING, "CERT", CERTIFICATE, CERT, 0, 0, "", "the first NAME",              \
      "the certificate's own name, under which it is kept")                                        \
    X(KEY_TYPE, "key-type", 0, LIST, "TYPE", CERTIFICATE, BOTH, 0, 0,                              \
      "ecdsa-p256,ecdsa-p384,rsa-2048,rsa-3072,rsa-4096", "ecdsa-p256",                            \
      "type of the key; after a comma a second one, for a second pair")                            \
    X(REUSE_KEY, "reuse-key", 0, FLAG, NULL, CERTIFICATE, BOTH, 0, 0, "", "",                      \
      "keep the key at renewals instead of making a new one")                                      \
    X(CSR, "csr", 0, PATH, "FILE", CERTIFICATE, CERT, 0, 0, "", "",                                \
      "certificate request to use, whose key acmec never sees; it says the names")                 \
    X(PROFILE, "profile", 0, STRING, "PROFILE", CERTIFICATE, BOTH, 0, 0, "", "the CA's own",       \
      "the CA's profile to order; fails where the CA does not offer it")                           \
    X(PREFERRED_PROFILE, "preferred-profile", 0, STRING, "PROFILE", CERTIFICATE, BOTH, 0, 0, "",   \
      "", "the same, but goes on without where the CA does not offer it")                          \
    X(PREFERRED_CHAIN, "preferred-chain", 0, STRING, "ISSUER", CERTIFICATE, BOTH, 0, 0, "",        \
      "the CA's own", "take the chain that ends at this issuer's name, where the CA has it")       \
    X(MUST_STAPLE, "must-staple", 0, FLAG, NULL, CERTIFICATE, BOTH, 0, 0, "", "",                  \
      "ask for a certificate that needs OCSP stapling; few CAs still give it")                     \
    X(NOT_BEFORE, "not-before", 0, STRING, "TIME|DATE", CERTIFICATE, BOTH, 0, 0, "",               \
      "the CA's own", "ask for a certificate valid from then on")                                  \
    X(NOT_AFTER, "not-after", 0, STRING, "TIME|DATE", CERTIFICATE, BOTH, 0, 0, "", "the CA's own", \
      "ask for a certificate valid until then")                                                    \
    X(ALLOW_SUBSET, "allow-subset", 0, FLAG, NULL, CERTIFICATE, BOTH, 0, 0, "", "",                \
      "go on without the names that the CA refuses or cannot prove")                               \
    X(RENEW_BEFORE, "renew-before", 0, STRING, "TIME|PERCENT", CERTIFICATE, BOTH, 0, 0, "",        \
      "a third", "renew when so much time (30d) or so much of the lifetime (33%) is left")         \
    X(KEY_GROUP, "key-group", 0, STRING, "GROUP", CERTIFICATE, BOTH, 0, 0, "", "",                 \
      "group that may read the private key")                                                       \
    X(STANDALONE, "standalone", 0, FLAG, NULL, PROOF, BOTH, 0, 0, "", "",                          \
      "answer the CA from acmec's own responder")                                                  \
    X(WEBROOT, "webroot", 0, PATH, "DIR", PROOF, BOTH, 0, 0, "", "",                               \
      "put the answers below DIR, which a web server serves on port 80")                           \
    X(STATELESS, "stateless", 0, FLAG, NULL, PROOF, BOTH, 0, 0, "", "",                            \
      "the web server answers every token with the account's thumbprint")                          \
    X(HTTP_HOOK, "http-hook", 0, PATH, "PATH", PROOF, BOTH, 0, 0, "", "",                          \
      "a program publishes the answers over HTTP")                                                 \
    X(TLS_ALPN, "tls-alpn", 0, FLAG, NULL, PROOF, BOTH, 0, 0, "", "",                              \
      "answer the CA by TLS on port 443, from acmec's own responder")                              \
    X(DNS, "dns", 0, STRING, "PROVIDER", PROOF, BOTH, 0, 0, "", "",                                \
      "answer the CA by TXT records; the man page lists the providers")                            \
    X(DNS_TYPE, "dns-type", 0, STRING, "TYPE", PROOF, BOTH, 0, 0, "dns-01,dns-account-01",         \
      "dns-01", "which proof by DNS to use")                                                       \
    X(DNS_TIMEOUT, "dns-timeout", 0, DURATION, "TIME", PROOF, BOTH, 0, 86400, "", "120s",          \
      "how long a TXT record may take to be seen, before it is tried all the same")                \
    X(DNS_PERSIST, "dns-persist", 0, FLAG, NULL, PROOF, BOTH, 0, 0, "", "",                        \
      "a TXT record for the account stands in the zone already")                                   \
    X(HTTP_PORT, "http-port", 0, NUMBER, "PORT", PROOF, BOTH, 1, 65535, "", "80",                  \
      "port of the responder; the CA always connects to port 80")                                  \
    X(TLS_PORT, "tls-port", 0, NUMBER, "PORT", PROOF, BOTH, 1, 65535, "", "443",                   \
      "port of --tls-alpn; the CA always connects to port 443")                                    \
    X(HTTP_ADDRESS, "http-address", 0, STRING, "ADDRESS", PROOF, BOTH, 0, 0, "", "all",            \
      "the one address that the responder listens on")                                             \
    X(PRE_HOOK, "pre-hook", 0, STRING, "COMMAND", HOOKS, BOTH, 0, 0, "", "",                       \
      "run before the first order of a run")                                                       \
    X(DEPLOY_HOOK, "deploy-hook", 0, STRING, "COMMAND", HOOKS, BOTH, 0, 0, "", "",                 \
      "run for each certificate that changed")                                                     \
    X(POST_HOOK, "post-hook", 0, STRING, "COMMAND", HOOKS, BOTH, 0, 0, "", "",                     \
      "run after the last order of a run")                                                         \
    X(HOOK_TIMEOUT, "hook-timeout", 0, DURATION, "TIME", HOOKS, BOTH, 1, 86400, "", "10m",         \
      "how long a hook may take")                                                                  \
    X(DRY_RUN, "dry-run", 0, FLAG, NULL, RUN, NONE, 0, 0, "", "",                                  \
      "go all the way at the CA's staging service, and keep nothing")                              \
    X(FORCE, "force", 0, FLAG, NULL, RUN, NONE, 0, 0, "", "", "also what is not due")              \
    X(FORCE_RATE_LIMIT, "force-rate-limit", 0, FLAG, NULL, RUN, NONE, 0, 0, "", "",                \
      "ask the CA although it said to wait")                                                       \
    X(ALL, "all", 0, FLAG, NULL, RENEWING, NONE, 0, 0, "", "",                                     \
      "with --dry-run: every certificate, not only 20 that are not due")                           \
    X(MAX_ORDERS, "max-orders", 0, NUMBER, "N", RENEWING, MAIN, 0, 1000000, "", "0, no limit",     \
      "start at most N orders in one run")                                                         \
    X(EXPLAIN, "explain", 0, FLAG, NULL, CHECKING, NONE, 0, 0, "", "",                             \
      "tell the TLS handshake step by step")                                                       \
    X(CERT_FILE, "cert-file", 0, PATH, "FILE", REVOKING, NONE, 0, 0, "", "",                       \
      "revoke the certificate in this file, whoever keeps it")                                     \
    X(KEY_FILE, "key-file", 0, PATH, "FILE", REVOKING, NONE, 0, 0, "", "",                         \
      "sign with the certificate's own key instead of the account's")                              \
    X(REASON, "reason", 0, STRING, "REASON", REVOKING, NONE, 0, 0,                                 \
      "unspecified,key-compromise,ca-compromise,affiliation-changed,superseded,"                   \
      "cessation-of-operation,certificate-hold,remove-from-crl,privilege-withdrawn,"               \
      "aa-compromise,keyCompromise,cACompromise,affiliationChanged,cessationOfOperation,"          \
      "certificateHold,removeFromCRL,privilegeWithdrawn,aACompromise",                             \
      "", "why, in RFC 5280's words")                                                              \
    X(NGINX_CONF, "nginx-conf", 0, PATH, "FILE", NGINX, BOTH, 0, 0, "",                            \
      "that of the nginx that runs", "nginx's main configuration file")                            \
    X(SERVER, "server", 0, LIST, "URL|CA", CA, BOTH, 0, 0, "", "letsencrypt",                      \
      "the CA: its directory's URL or a known name; repeat it for stand-ins")                      \
    X(STAGING, "staging", 0, FLAG, NULL, CA, BOTH, 0, 0, "", "",                                   \
      "use the CA's staging service; its certificates are trusted by nobody")                      \
    X(CA_BUNDLE, "ca-bundle", 0, PATH, "FILE", CA, BOTH, 0, 0, "", "the system's",                 \
      "PEM file of the roots that the CA's own web server is trusted by")                          \
    X(EMAIL, "email", 0, STRING, "ADDRESS", CA, BOTH, 0, 0, "", "",                                \
      "where the CA may write to; several with commas")                                            \
    X(AGREE_TOS, "agree-tos", 0, FLAG, NULL, CA, BOTH, 0, 0, "", "",                               \
      "agree to the CA's terms of service")                                                        \
    X(ACCOUNT, "account", 0, STRING, "NAME", CA, BOTH, 0, 0, "", "default",                        \
      "which of several accounts at one CA")                                                       \
    X(EAB_KID, "eab-kid", 0, STRING, "KID", CA, BOTH, 0, 0, "", "",                                \
      "key id of the external account that the CA wants the account bound to")                     \
    X(EAB_HMAC_KEY_FILE, "eab-hmac-key-file", 0, PATH, "FILE", CA, BOTH, 0, 0, "", "",             \
      "file with the HMAC key that belongs to it")                                                 \
    X(PROXY, "proxy", 0, STRING, "URL", CA, BOTH, 0, 0, "", "from the environment",                \
      "proxy to reach the CA through")                                                             \
    X(DNS_SERVER, "dns-server", 0, STRING, "ADDRESS[:PORT]", EVERYWHERE, MAIN, 0, 0, "",           \
      "the system's", "the DNS server that acmec asks about names, instead of the system's")       \
    X(NGINX, "nginx", 0, FLAG, NULL, NGINX, BOTH, 0, 0, "", "",                                    \
      "prove through nginx, and install into it")                                                  \
    X(DIFF, "diff", 0, FLAG, NULL, NGINX, NONE, 0, 0, "", "",                                      \
      "install: show what would change, and change nothing")                                       \
    X(INSTALL, "install", 0, STRING, "SERVER", NGINX, BOTH, 0, 0, "nginx", "",                     \
      "put the certificate into the web server, whatever the way of proof")                        \
    X(NO_INSTALL, "no-install", 0, FLAG, NULL, NGINX, BOTH, 0, 0, "", "",                          \
      "prove through nginx alone, install nothing")                                                \
    X(NO_RELOAD, "no-reload", 0, FLAG, NULL, NGINX, BOTH, 0, 0, "", "",                            \
      "edit, but leave the reload to somebody else")                                               \
    X(REDIRECT, "redirect", 0, FLAG, NULL, NGINX, BOTH, 0, 0, "", "yes",                           \
      "lead plain HTTP to https")                                                                  \
    X(NO_REDIRECT, "no-redirect", 0, FLAG, NULL, NGINX, BOTH, 0, 0, "", "",                        \
      "leave plain HTTP as it is")                                                                 \
    X(HSTS, "hsts", 0, FLAG, NULL, NGINX, BOTH, 0, 0, "", "",                                      \
      "tell browsers to use https alone, for two years")                                           \
    X(SERVER_BLOCK, "server-block", 0, STRING, "NAME|all", NGINX, BOTH, 0, 0, "", "",              \
      "install a wildcard into the server of this name, or into all that it covers")               \
    X(IN_PLACE, "in-place", 0, FLAG, NULL, NGINX, BOTH, 0, 0, "", "",                              \
      "also edit files that can only be written in place")                                         \
    X(EDIT_MANAGED, "edit-managed", 0, FLAG, NULL, NGINX, BOTH, 0, 0, "", "",                      \
      "also edit files that another tool says it writes")                                          \
    X(NGINX_BIN, "nginx-bin", 0, PATH, "FILE", NGINX, BOTH, 0, 0, "", "the one that runs",         \
      "the program")                                                                               \
    X(RELOAD_COMMAND, "reload-command", 0, STRING, "COMMAND", NGINX, BOTH, 0, 0, "", "a signal",   \
      "run instead of a signal to nginx, when it runs in a container")                             \
    X(RELOAD_INTERVAL, "reload-interval", 0, DURATION, "TIME", NGINX, MAIN, 0, 86400, "", "60",    \
      "reload at most so often while a long run lasts")                                            \
    X(RELOAD_MAX_DRAINING, "reload-max-draining", 0, NUMBER, "N", NGINX, MAIN, 0, 100000, "",      \
      "0, any number", "reload not while so many old workers are still shutting down")             \
    X(CONFIG_DIR, "config-dir", 0, PATH, "DIR", EVERYWHERE, NONE, 0, 0, "", "/etc/acmec",          \
      "configuration, accounts and certificates")                                                  \
    X(STATE_DIR, "state-dir", 0, PATH, "DIR", EVERYWHERE, NONE, 0, 0, "", "/var/lib/acmec",        \
      "what acmec remembers between runs")                                                         \
    X(JSON, "json", 0, FLAG, NULL, EVERYWHERE, NONE, 0, 0, "", "",                                 \
      "one JSON document on standard output")                                                      \
    X(QUIET, "quiet", 'q', FLAG, NULL, EVERYWHERE, NONE, 0, 0, "", "", "say errors only")          \
    X(VERBOSE, "verbose", 'v', FLAG, NULL, EVERYWHERE, NONE, 0, 0, "", "",                         \
      "say on standard error what is done")                                                        \
    X(YES, "yes", 'y', FLAG, NULL, EVERYWHERE, NONE, 0, 0, "", "", "answer yes to every question") \
    X(WAIT, "wait", 0, DURATION, "SECONDS", EVERYWHERE, MAIN, 0, 604800, "", "0",                  \
      "how long to wait for another acmec")                                                        \
    X(JOBS, "jobs", 0, NUMBER, "N", EVERYWHERE, MAIN, 1, 256, "", "16", "orders at the same time") \
    X(JITTER, "jitter", 0, DURATION, "TIME", EVERYWHERE, MAIN, 0, 86400, "", "0",                  \
      "renew waits a random time, up to this long, before it begins")                              \
    X(TIMEOUT, "timeout", 0, DURATION, "TIME", EVERYWHERE, MAIN, 1, 86400, "", "5m",               \
      "how long one certificate may take")                                                         \
    X(COLOR, "color", 0, STRING, "WHEN", EVERYWHERE, MAIN, 0, 0, "auto,always,never", "auto",      \
      "colours on the terminal")                                                                   \
    X(DETAILED_EXIT_CODE, "detailed-exit-code", 0, FLAG, NULL, EVERYWHERE, NONE, 0, 0, "", "",     \
      "exit with 10, not 0, when something changed")                                               \
    X(LOG, "log", 0, PATH, "FILE|syslog", EVERYWHERE, MAIN, 0, 0, "syslog", "",                    \
      "keep a log there as well")                                                                  \
    X(HELP, "help", 'h', FLAG, NULL, EVERYWHERE, NONE, 0, 0, "", "", "show help")                  \
    X(VERSION, "version", 'V', FLAG, NULL, EVERYWHERE, NONE, 0, 0, "", "", "show the version")

#define OPTION_AS_ENUM(id, ...) OPT_##id,
enum option_id { OPTIONS(OPTION_AS_ENUM) OPTION_COUNT };
#undef OPTION_AS_ENUM

struct option_row {
    const char *name;
    char letter;
    enum option_kind kind;
    const char *argument; /* NULL for a flag */
    enum option_group group;
    enum option_files files;
    int64_t minimum, maximum;
    const char *words;
    const char *fallback;
    const char *help;
};

const struct option_row *option_row(enum option_id id);
const char *option_group_heading(enum option_group group);
bool option_by_name(const char *name, enum option_id *out);
bool option_by_letter(char letter, enum option_id *out);

/* Whether word is one of a comma-separated list of words. */
bool option_word_in(const char *words, const char *word);

/* ---- values given ---- */
#define OPTION_VALUE_MAX 2048
#define OPTION_VALUES_MAX 512

struct option_value {
    char *text;    /* owned; "yes" or "no" for a flag */
    unsigned line; /* in the file; 0 on the command line */
};

struct option_values {
    struct option_value *items;
    size_t count;
};

struct option_set {
    char *file; /* owned path, or NULL: the command line */
    struct option_values values[OPTION_COUNT];
};

void option_set_release(struct option_set *set);

/* Adds a value (NULL for a flag on the command line) after the checks of its kind; a LIST is split
 * at commas. ERR_USAGE on the command line, ERR_CONFIG with file:line in a file, where what is not
 * a list may be given once only. */
bool option_set_add(struct option_set *set, enum option_id id, const char *text, unsigned line,
                    struct error *err) MUST_USE;

/* Moves what was given for id to another set, which has nothing for it yet. */
void option_set_move(struct option_set *from, struct option_set *to, enum option_id id);

/* Forgets what was given for id. */
void option_set_drop(struct option_set *set, enum option_id id);

/* The value that counts, borrowed; NULL: not given. */
const char *option_set_text(const struct option_set *set, enum option_id id);

/* Fails with the place of the set's nth value of id: "--key-type: ..." or "FILE:LINE: key-type:
 * ...". */
bool option_fail(const struct option_set *set, enum option_id id, size_t nth, struct error *err,
                 const char *fmt, ...) PRINTF_LIKE(5, 6);

/* ---- values that count, over several sets, the strongest first ---- */
#define OPTION_LAYERS_MAX 4

struct option_layers {
    const struct option_set *sets[OPTION_LAYERS_MAX];
    size_t count;
};

/* The strongest set in which id is given, or NULL. */
const struct option_set *option_layers_find(const struct option_layers *layers, enum option_id id);
const char *option_layers_text(const struct option_layers *layers, enum option_id id);
bool option_layers_flag(const struct option_layers *layers, enum option_id id);
/* A NUMBER as it is, a DURATION in seconds. */
int64_t option_layers_number(const struct option_layers *layers, enum option_id id,
                             int64_t fallback);

#endif
