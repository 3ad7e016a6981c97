#include <acmec/engine/keygen.h>

#include <acmec/base/cleanup.h>
#include <acmec/base/mem.h>
#include <errno.h>
#include <stdio.h>

#define KEYGEN_TIMEOUT_MS (5 * 60 * 1000)

static bool start_child(struct keygen *keygen, enum key_type type, struct error *err)
{
    char self[STORE_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0)
        return fail_errno(err, ERR_FILES, errno, "cannot read '/proc/self/exe'");
    self[len] = '\0';
    const char *const argv[] = {self, KEYGEN_ARG, key_type_word(type), NULL};
    const char *const envp[] = {NULL};
    struct spawn_request request = {
        .path = self,
        .argv = argv,
        .envp = envp,
        .timeout_ms = KEYGEN_TIMEOUT_MS,
        .output_max = KEY_PEM_MAX,
        .secret_output = true,
    };
    struct spawn_port *port = keygen->run->ports->spawn;
    keygen->child = ++keygen->run->last_child;
    return port->ops->start(port, keygen->child, &request, err);
}

/* What failed is in keygen->error, for whoever looks at a key that is not there. */
static void settle(bool good)
{
    (void)good;
}

void keygen_start(struct keygen *keygen, struct run *run, enum key_type type)
{
    *keygen = (struct keygen){.run = run};
    if (type == KEY_ECDSA_P256 || type == KEY_ECDSA_P384) {
        keygen->over = true;
        settle(key_generate(type, &keygen->key, &keygen->error));
    } else {
        keygen->over = !start_child(keygen, type, &keygen->error);
    }
}

bool keygen_take(struct keygen *keygen, const struct event *event)
{
    if (keygen->child == 0 || keygen->child != event->id)
        return false;
    keygen->child = 0;
    keygen->over = true;
    if (event->child.exit_code != 0)
        (void)fail(&keygen->error, ERR_FILES, "the process that makes the key failed");
    else
        settle(
            key_read_pem(buf_span(&event->child.output), ERR_FILES, &keygen->key, &keygen->error));
    return true;
}

void keygen_release(struct keygen *keygen)
{
    key_free(keygen->key);
    keygen->key = NULL;
    keygen->child = 0;
}

int keygen_main(const char *key_type_word)
{
    enum key_type type;
    struct key *key = NULL;
    struct error err = {0};
    AUTO(buf) pem = SECRET_BUF(KEY_PEM_MAX);
    if (key_type_word == NULL || !key_type_from_word(key_type_word, &type))
        return err_exit_code(ERR_USAGE);
    bool good = crypto_start(&err) && key_generate(type, &key, &err) &&
                key_write_pem(key, &pem, &err) &&
                write(STDOUT_FILENO, pem.data, pem.len) == (ssize_t)pem.len;
    key_free(key);
    return good ? 0 : err_exit_code(ERR_FILES);
}
