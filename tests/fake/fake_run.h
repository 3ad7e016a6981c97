/* fake_run: a run of the engine on a real store in a folder of its own, with a world that only the
 * test moves: the ports of fake_world, and such for proofs, children and events. Waiting answers
 * what was asked for (a CA of http_ca that the test gives), or makes the time pass; it never
 * sleeps. Include it in one source of a test program: its reactor comes before the library's. */
#ifndef ACMEC_TESTS_FAKE_RUN_H
#define ACMEC_TESTS_FAKE_RUN_H

#include "fake/fake_world.h"
#include "fake/http_ca.h"
#include "fake/test_store.h"

#include <acmec/engine/hooks.h>
#include <acmec/engine/records.h>
#include <acmec/engine/run.h>
#include <acmec/io/reactor.h>
#include <signal.h>

#define FAKE_CHILDREN_MAX 256
#define FAKE_PROOFS_MAX 256
#define FAKE_TOLD_MAX (256 * 1024)

struct fake_child {
    uint64_t id;
    char *words, *environment; /* argv joined by "|"; lines */
    unsigned timeout_ms;
    size_t output_max;
    bool secret, over;
};

struct fake_proof {
    char *token, *text; /* text: key authorization, or the name that TLS serves */
    bool tls, up, ready;
};

struct fake_run {
    struct fake_world world;
    struct test_store home;
    struct engine_settings settings;
    struct run run;
    struct proof_port proof;
    struct spawn_port spawn;
    struct event_port events;

    /* ---- what the world is like ---- */
    struct http_ca *ca;     /* NULL: nobody can be reached */
    bool no_children;       /* none can be started */
    bool no_proofs;         /* the port is taken */
    bool slow_children;     /* none ends by itself */
    int exit_code;          /* of all children */
    const char *child_says; /* their output; NULL: nothing */
    int64_t signal_at_ms;   /* SIGTERM comes then; 0: never */

    /* ---- what was seen ---- */
    struct fake_child children[FAKE_CHILDREN_MAX];
    size_t child_count;
    struct fake_proof proofs[FAKE_PROOFS_MAX];
    size_t proof_count;
    char listening[64]; /* what was listened on last */
    size_t answered;    /* of the submits */
    size_t waits;
    struct buf told; /* progress: "NAME: DETAIL\n" */
};

/* ---- children ---- */

static inline char *fake_join(const char *const *words, const char *between)
{
    AUTO(buf) text = BUF(FAKE_TOLD_MAX);
    for (size_t i = 0; words[i] != NULL; i++)
        buf_addf(&text, "%s%s", i == 0 ? "" : between, words[i]);
    return buf_take(&text);
}

static inline bool fake_start(struct spawn_port *port, uint64_t id,
                              const struct spawn_request *request, struct error *err)
{
    struct fake_run *fake = (struct fake_run *)((char *)port - offsetof(struct fake_run, spawn));
    if (fake->no_children)
        return fail(err, ERR_FILES, "no child can be started");
    if (fake->child_count == FAKE_CHILDREN_MAX)
        abort();
    fake->children[fake->child_count++] = (struct fake_child){
        .id = id,
        .words = fake_join(request->argv, "|"),
        .environment = fake_join(request->envp, "\n"),
        .timeout_ms = request->timeout_ms,
        .output_max = request->output_max,
        .secret = request->secret_output,
    };
    return true;
}

/* The end of the nth child; release it. */
static inline struct event fake_child_ends(struct fake_run *fake, size_t nth, int exit_code,
                                           const char *output)
{
    if (nth >= fake->child_count || fake->children[nth].over)
        abort();
    struct event event = {.kind = EVENT_CHILD, .id = fake->children[nth].id};
    fake->children[nth].over = true;
    event.child.exit_code = exit_code;
    event.child.output = BUF(65536);
    buf_add_str(&event.child.output, output == NULL ? "" : output);
    return event;
}

/* Whether the environment of the nth child has this line. */
static inline bool fake_child_knows(const struct fake_run *fake, size_t nth, const char *line)
{
    AUTO_FREE all = mem_printf("\n%s\n", fake->children[nth].environment);
    AUTO_FREE one = mem_printf("\n%s\n", line);
    return strstr(all, one) != NULL;
}

/* A file in hooks/KIND. */
static inline void fake_put_hook(struct fake_run *fake, const char *kind, const char *name,
                                 mode_t mode)
{
    const struct place *place = &fake->home.place;
    AUTO_FREE folder = mem_printf("etc/hooks/%s", kind);
    AUTO_FREE at = mem_printf("%s/%s", folder, name);
    AUTO_FREE path = place_path(place, at);
    if (!place_has(place, "etc/hooks"))
        place_mkdir(place, "etc/hooks", 0755);
    if (!place_has(place, folder))
        place_mkdir(place, folder, 0755);
    place_write(place, at, "#!/bin/sh\n");
    if (chmod(path, mode) != 0)
        abort();
}

/* ---- proofs ---- */

static inline struct fake_run *fake_of_proof(struct proof_port *port)
{
    return (struct fake_run *)((char *)port - offsetof(struct fake_run, proof));
}

static inline bool fake_listen(struct proof_port *port, const char *address, uint16_t number,
                               bool tls, struct error *err)
{
    struct fake_run *fake = fake_of_proof(port);
    if (fake->no_proofs)
        return fail(err, ERR_WEB_SERVER, "port %u is taken", (unsigned)number);
    (void)snprintf(fake->listening, sizeof fake->listening, "%s %u%s",
                   address == NULL ? "*" : address, (unsigned)number, tls ? " tls" : "");
    return true;
}

static inline bool fake_serve(struct fake_run *fake, const char *token, const char *text, bool tls)
{
    if (fake->proof_count == FAKE_PROOFS_MAX)
        abort();
    fake->proofs[fake->proof_count++] = (struct fake_proof){
        .token = mem_strdup(token), .text = mem_strdup(text), .tls = tls, .up = true};
    return true;
}

static inline bool fake_add_proof(struct proof_port *port, const char *token,
                                  const char *key_authorization, struct error *err)
{
    (void)err;
    return fake_serve(fake_of_proof(port), token, key_authorization, false);
}

static inline bool fake_add_tls(struct proof_port *port, const char *token,
                                const struct tls_answer *answer, struct error *err)
{
    (void)err;
    return fake_serve(fake_of_proof(port), token, answer->server_name, true);
}

static inline void fake_remove_proof(struct proof_port *port, const char *token)
{
    struct fake_run *fake = fake_of_proof(port);
    for (size_t i = 0; i < fake->proof_count; i++)
        if (strcmp(fake->proofs[i].token, token) == 0)
            fake->proofs[i].up = false;
}

static inline size_t fake_proofs_up(const struct fake_run *fake)
{
    size_t up = 0;
    for (size_t i = 0; i < fake->proof_count; i++)
        up += fake->proofs[i].up ? 1 : 0;
    return up;
}

/* For http_ca: whether the responder serves the token. */
static inline bool fake_sees_proof(void *ctx, const char *name, const char *token)
{
    const struct fake_run *fake = ctx;
    (void)name;
    for (size_t i = 0; i < fake->proof_count; i++)
        if (fake->proofs[i].up && strcmp(fake->proofs[i].token, token) == 0)
            return true;
    return false;
}

/* ---- waiting ---- */

static inline bool fake_answer_http(struct fake_run *fake, struct event *out)
{
    struct fake_world *world = &fake->world;
    while (fake->answered < world->submitted && world->submits[fake->answered].cancelled)
        fake->answered++;
    if (fake->answered == world->submitted)
        return false;
    size_t nth = fake->answered++;
    *out = fake_failure(world, nth, HTTP_FAIL_CONNECT);
    if (fake->ca == NULL || strncmp(world->submits[nth].url, FIXTURE_HOST, strlen(FIXTURE_HOST)))
        return true;
    AUTO(http_request)
    request = {.url = mem_strdup(world->submits[nth].url), .body = BUF(HTTP_BODY_MAX)};
    buf_add_str(&request.body, world->submits[nth].body);
    out->failure = HTTP_FAIL_NONE;
    ca_serve(fake->ca, &request, world->wall, &out->response);
    return true;
}

static inline bool fake_answer_proof(struct fake_run *fake, struct event *out)
{
    for (size_t i = 0; i < fake->proof_count; i++) {
        if (fake->proofs[i].ready)
            continue;
        fake->proofs[i].ready = true;
        *out = (struct event){.kind = EVENT_PROOF_READY};
        (void)snprintf(out->token, sizeof out->token, "%s", fake->proofs[i].token);
        return true;
    }
    return false;
}

static inline bool fake_answer_child(struct fake_run *fake, struct event *out)
{
    for (size_t i = 0; i < fake->child_count && !fake->slow_children; i++) {
        if (fake->children[i].over)
            continue;
        *out = fake_child_ends(fake, i, fake->exit_code, fake->child_says);
        return true;
    }
    return false;
}

static inline void fake_pass(struct fake_run *fake, int64_t until_ms)
{
    struct fake_world *world = &fake->world;
    if (until_ms > world->ms) {
        world->wall += (until_ms - world->ms) / 1000;
        world->ms = until_ms;
    }
}

static inline void fake_wait(struct event_port *port, int64_t deadline_ms, struct event *out)
{
    struct fake_run *fake = (struct fake_run *)((char *)port - offsetof(struct fake_run, events));
    int64_t signal_ms = fake->signal_at_ms;
    if (fake->waits++ > 100000) {
        (void)fprintf(stderr, "fake run: it goes round and round\n");
        abort();
    }
    if (signal_ms != 0 && signal_ms <= fake->world.ms) {
        fake->signal_at_ms = 0;
        *out = (struct event){.kind = EVENT_SIGNAL, .signal = SIGTERM};
        return;
    }
    if (fake_answer_http(fake, out) || fake_answer_proof(fake, out) || fake_answer_child(fake, out))
        return;
    if (signal_ms != 0 && signal_ms < deadline_ms)
        deadline_ms = signal_ms;
    if (deadline_ms == INT64_MAX) {
        (void)fprintf(stderr, "fake run: it waits for ever\n");
        abort();
    }
    fake_pass(fake, deadline_ms);
    *out = (struct event){.kind = EVENT_TIMEOUT};
}

/* ---- the reactor ---- */

struct reactor {
    const struct ports *ports;
};

static struct {
    struct fake_run *fake; /* whose ports a new reactor has */
    char *proxy, *agent;
    size_t bundle_len; /* what it was made with */
    bool refused;      /* none can be made */
} fake_reactor;

bool reactor_new(const struct http_settings *settings, const char *workers_dir,
                 struct reactor **out, struct error *err)
{
    (void)workers_dir;
    if (fake_reactor.refused)
        return (fail)(err, ERR_FILES, "no worker can be started");
    free(fake_reactor.proxy);
    free(fake_reactor.agent);
    fake_reactor.proxy = mem_strdup(settings->proxy);
    fake_reactor.agent = mem_strdup(settings->user_agent);
    fake_reactor.bundle_len = settings->ca_bundle.len;
    *out = mem_new(1, sizeof **out);
    (*out)->ports = &fake_reactor.fake->world.ports;
    return true;
}

void reactor_free(struct reactor *reactor)
{
    free(reactor);
}

const struct ports *reactor_ports(struct reactor *reactor)
{
    return reactor->ports;
}

/* ---- a run ---- */

static const struct proof_ops fake_proof_ops = {fake_listen, fake_add_proof, fake_add_tls,
                                                fake_remove_proof};
static const struct spawn_ops fake_spawn_ops = {fake_start};
static const struct event_ops fake_event_ops = {fake_wait};

static inline void fake_note(void *ctx, const struct progress_event *event)
{
    struct fake_run *fake = ctx;
    if (event->detail != NULL)
        buf_addf(&fake->told, "%s: %s\n", event->name, event->detail);
}

static inline bool fake_was_told(const struct fake_run *fake, const char *words)
{
    return strstr(buf_str(&fake->told), words) != NULL;
}

/* The folders, the settings and the ports alone, for what opens a world itself. */
static inline void fake_run_prepare(struct fake_run *fake)
{
    *fake = (struct fake_run){.told = BUF(FAKE_TOLD_MAX),
                              .proof = {&fake_proof_ops},
                              .spawn = {&fake_spawn_ops},
                              .events = {&fake_event_ops}};
    fake_world_start(&fake->world);
    test_store_make(&fake->home);
    fake->world.ports.proof = &fake->proof;
    fake->world.ports.spawn = &fake->spawn;
    fake->world.ports.events = &fake->events;
    fake->settings = (struct engine_settings){
        .config_dir = store_config_dir(fake->home.store),
        .state_dir = store_state_dir(fake->home.store),
        .command = "acmec test",
        .jobs = 16,
        .timeout_ms = 300000,
        .progress = {fake_note, fake},
    };
    fake->run = (struct run){
        .settings = &fake->settings,
        .store = fake->home.store,
        .ports = &fake->world.ports,
        .slots = 16,
    };
    fake_reactor.fake = fake;
    fake->run.hooks = hooks_new(&fake->run);
}

static inline void fake_run_start(struct fake_run *fake)
{
    fake_run_prepare(fake);
    fake->run.exchanges = exchanges_new(fake->run.ports);
    fake->run.home = lane_new(fake->run.exchanges, NULL);
    fake->run.probes = probes_new(fake->run.ports);
    fake->run.lookups = lookups_new(fake->run.ports);
    fake->run.records = records_new(&fake->run);
}

static inline void fake_run_end(struct fake_run *fake)
{
    records_free(fake->run.records);
    exchanges_free(fake->run.exchanges);
    probes_free(fake->run.probes);
    lookups_free(fake->run.lookups);
    hooks_free(fake->run.hooks);
    for (size_t i = 0; i < fake->child_count; i++) {
        free(fake->children[i].words);
        free(fake->children[i].environment);
    }
    for (size_t i = 0; i < fake->proof_count; i++) {
        free(fake->proofs[i].token);
        free(fake->proofs[i].text);
    }
    buf_release(&fake->told);
    fake_world_release(&fake->world);
    test_store_remove(&fake->home);
    free(fake_reactor.proxy);
    free(fake_reactor.agent);
    fake_reactor.proxy = fake_reactor.agent = NULL;
}

#endif
