/* A request that waits holds no thread: suspended before it is handed over, resumed by whoever is done with it. */
#include "doors/http/write.h"

#include <string.h>

#include "doors/http/inside.h"
#include "ledger/repeat.h"

int request_sleep(struct request *r, int (*then)(struct request *r, struct error *err)) {
    server_give_reader(r); /* few there are: held by sleepers, they would keep every thread waiting, also the one that is to answer them */
    r->resume = then;
    r->stage = STAGE_WAITING;
    server_count_sleeping(r->server, 1);
    MHD_suspend_connection(r->connection);
    return 0;
}

void request_wake(struct request *r, int rc, const struct error *err) {
    struct http_server *s = r->server;
    r->rc = rc;
    if (rc < 0 && err) r->error = *err;
    MHD_resume_connection(r->connection); /* from here on r belongs to another thread */
    server_count_sleeping(s, -1);
}

static void done(void *arg, int rc, const struct error *err) {
    request_wake(arg, rc, err);
}

static int handed(struct request *r, int rc, const struct error *err) {
    if (rc < 0) done(r, rc, err);
    return 0;
}

int request_submit(struct request *r, struct draft **drafts, size_t n, bool each, int (*then)(struct request *r, struct error *err), struct error *err) {
    struct submission *s = &r->submission;
    const char *key = each ? NULL : request_header(r, "Idempotency-Key");
    struct error why = {0};
    *s = (struct submission){.session = &r->session, .drafts = drafts, .n = n, .arena = &r->arena, .each = each, .done = done, .arg = r};
    if (key) {
        size_t length = strlen(key);
        if (!length || length > REPEAT_KEY_MAX || !text_utf8_valid(text_of(key)))
            return error_set(err, E_USAGE, "Idempotency-Key", "1 to %d characters of UTF-8 / 应为 1 至 %d 个字符", REPEAT_KEY_MAX, REPEAT_KEY_MAX);
        s->key = text_of(key);
    }
    request_sleep(r, then);
    return handed(r, ledger_submit(http_queue(r->server), s, &why), &why);
}

void request_hand_on(struct request *r, struct draft **drafts, size_t n) {
    struct error why = {0};
    r->submission = (struct submission){.session = &r->session, .drafts = drafts, .n = n, .arena = &r->arena, .each = true, .done = done, .arg = r};
    handed(r, ledger_submit(http_queue(r->server), &r->submission, &why), &why);
}

int request_try(struct request *r, struct draft **drafts, size_t n, int (*then)(struct request *r, struct error *err), struct error *err) {
    struct submission *s = &r->submission;
    struct error why = {0};
    (void)err;
    *s = (struct submission){.session = &r->session, .drafts = drafts, .n = n, .arena = &r->arena, .each = true, .dry = true, .done = done, .arg = r};
    request_sleep(r, then);
    return handed(r, ledger_submit(http_queue(r->server), s, &why), &why);
}

static int call_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    return r->call(l, r, err);
}

int request_call(struct request *r, int (*run)(struct ledger *l, void *request, struct error *err), int (*then)(struct request *r, struct error *err),
                 struct error *err) {
    struct error why = {0};
    (void)err;
    r->call = run;
    r->submission = (struct submission){.session = &r->session, .run = call_run, .done = done, .arg = r};
    request_sleep(r, then);
    return handed(r, ledger_queue_post(http_queue(r->server), &r->submission, &why), &why);
}

/* ---- looks */

struct looking {
    size_t n;
    const struct look *looks;
};

static int looks_journal(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    const struct looking *x = r->state;
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    for (size_t i = 0; rc == 0 && i < x->n; i++) rc = ledger_opened(l, &r->session, register_find(l->catalog, x->looks[i].reg->name), x->looks[i].id, err);
    return ledger_end(l, rc, r->session.now, err);
}

static int looked(struct request *r, struct error *err) {
    (void)err;
    return r->rc;
}

int request_looked(struct request *r, const struct look *looks, size_t n, struct error *err) {
    struct looking *x = arena_alloc(&r->arena, sizeof *x);
    if (!x) return error_memory(err);
    *x = (struct looking){n, looks};
    r->state = x;
    return n ? request_call(r, looks_journal, looked, err) : 0;
}

/* ---- what takes long to read */

static int aside_run(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    int rc = ledger_refresh(seat->ledger, err);
    if (rc < 0) return rc;
    r->reader = seat->ledger;
    rc = r->route->run(r, err);
    r->reader = NULL; /* it stays with its thread */
    return rc;
}

static int aside_done(struct request *r, struct error *err) {
    return r->rc < 0 || !r->after ? r->rc : r->after(r, err);
}

int request_aside(struct request *r, struct error *err) {
    struct error why = {0};
    (void)err;
    request_sleep(r, aside_done);
    int rc = account_run(r->server->aside, aside_run, done, r, &why);
    if (rc < 0) {
        why = (struct error){0};
        error_set(&why, rc, "retry 5", "too many ask for long work at this moment; try again / 同时进行的统计过多,请稍后再试");
        request_wake(r, rc, &why);
    }
    return 0;
}
