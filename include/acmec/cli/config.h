/* config: from options given in up to three places to what a certificate should be. The text of
 * acmec.conf and certs/NAME.conf comes in as bytes; nothing here reads a file, asks the engine or
 * prints. Pure. */
#ifndef ACMEC_CLI_CONFIG_H
#define ACMEC_CLI_CONFIG_H

#include <acmec/base/buf.h>
#include <acmec/cli/option.h>
#include <acmec/data/spec.h>

#define CONFIG_SERVER_DEFAULT "letsencrypt"
#define CONFIG_JOBS_DEFAULT 16
#define CONFIG_TIMEOUT_DEFAULT 300

/* Reads a configuration file's text. which: FILES_MAIN for acmec.conf, FILES_CERT for
 * certs/NAME.conf. ERR_CONFIG with file:line: a line that is none, an unknown key (the nearest
 * known one in the hint), a key that belongs on the command line or into the other file, a value of
 * the wrong kind. *out is released by the caller also on failure. */
bool config_parse(struct span text, const char *file, enum option_files which,
                  struct option_set *out, struct error *err) MUST_USE;

/* The names alone, in the order given, each once; none is no error. *out is owned. */
bool config_names(const struct option_layers *layers, struct identifier_list *out,
                  struct error *err) MUST_USE;

/* The whole request, checked. layers: strongest first. name may be "": then it is left so. Names
 * may be none: the caller decides whether that is right. How a name is proved is decided by the
 * strongest layer that says so for this name or for all (PROOF_AUTO: none does). A bad value is
 * ERR_USAGE from the command line, ERR_CONFIG with file:line from a file. *out is owned
 * (cert_spec_release). */
bool config_spec(const struct option_layers *layers, const char *name, struct cert_spec *out,
                 struct error *err) MUST_USE;

/* Whether the option says how to prove all names: a set has at most one of these. */
bool config_is_proof(enum option_id id);

/* Whether a certificate request of one's own (--csr) takes the place of this option. */
bool config_is_against_csr(enum option_id id);

#endif
