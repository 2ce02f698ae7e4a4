/* The own result by ticket, for anybody: no account, no cookie, the ticket in the body because a path ends up in logs. Above capacity it is shed before
 * anything is looked up, and what was accepted is answered; a small cache keeps the same question from reaching the store again for KEPT_S. Whoever has to be
 * looked up waits in a line, without a thread, and one thread asks the store for many at once. A made-up ticket goes the same way as a real one: same bucket,
 * same cache, same line, same statements, same words. */
#include <string.h>

#include "desks/testing/ticket.h"
#include "doors/http/inside.h"
#include "doors/http/line.h"
#include "doors/http/stripes.h"
#include "doors/http/write.h"

enum { SLOTS = 1 << 14, WAYS = 4, KEPT_S = 10, RESULTS_PER_S = 15000 };

struct kept_answer {
    int64_t ticket;   /* keyed hash; 0 empty */
    int64_t at_ns;
    uint32_t n;
    char body[TICKET_ANSWER_MAX];
};

struct tickets {
    struct stripes stripes;
    struct kept_answer slots[SLOTS];
    struct line *line;
};

/* Whoever waits in the line, together. */
static void ask_all(struct ledger *l, struct request **list, size_t n) {
    struct ticket_ask asks[TICKET_TOGETHER];
    struct error why = {0};
    for (size_t i = 0; i < n; i++) asks[i] = (struct ticket_ask){ticket_person(l->vault, *(struct text *)list[i]->state), &list[i]->answer.body};
    int rc = ticket_results(l, l->db, asks, n, &why);
    line_wake(list, n, rc, &why);
}

int tickets_open(struct accounts *a, const struct ledger_options *o, struct tickets **ret, struct error *err) {
    struct tickets *t = mem_alloc(sizeof *t);
    if (!t) return error_memory(err);
    int rc = line_open(&(struct line_options){.accounts = a, .ledger = o, .together = TICKET_TOGETHER, .ask = ask_all}, &t->line, err);
    if (rc < 0) {
        mem_free(t);
        return rc;
    }
    stripes_init(&t->stripes);
    *ret = t;
    return 0;
}

void tickets_stop(struct tickets *t) {
    if (t) line_stop(t->line);
}

void tickets_close(struct tickets *t) {
    if (!t) return;
    line_close(t->line);
    stripes_clear(&t->stripes);
    mem_free(t);
}

/* Where an answer may stand; the lock is held. */
static struct kept_answer *ways_of(struct tickets *t, int64_t hash, pthread_mutex_t **ret_lock) {
    size_t set;
    *ret_lock = stripes_lock(&t->stripes, hash, SLOTS / WAYS, &set);
    return &t->slots[set * WAYS];
}

static bool kept(struct tickets *t, int64_t hash, int64_t now_ns, struct buf *out) {
    pthread_mutex_t *lock;
    struct kept_answer *ways = ways_of(t, hash, &lock);
    bool found = false;
    for (size_t i = 0; i < WAYS && !found; i++)
        if (ways[i].ticket == hash && now_ns - ways[i].at_ns < KEPT_S * INT64_C(1000000000)) {
            buf_add(out, ways[i].body, ways[i].n);
            found = true;
        }
    pthread_mutex_unlock(lock);
    return found;
}

static void keep(struct tickets *t, int64_t hash, int64_t now_ns, struct text body) {
    pthread_mutex_t *lock;
    if (body.n > TICKET_ANSWER_MAX) return;
    struct kept_answer *ways = ways_of(t, hash, &lock), *to = ways;
    for (size_t i = 1; i < WAYS; i++)
        if (ways[i].ticket == hash || (to->ticket != hash && ways[i].at_ns < to->at_ns)) to = &ways[i];
    to->ticket = hash;
    to->at_ns = now_ns;
    to->n = (uint32_t)body.n;
    memcpy(to->body, body.s, body.n);
    pthread_mutex_unlock(lock);
}

/* ---- who was looked up */

static int told(struct request *r, struct error *err) {
    struct tickets *t = r->server->tickets;
    (void)err;
    if (r->rc < 0) return r->rc;
    keep(t, stripes_hash(&t->stripes, *(struct text *)r->state), r->started_ns, buf_view(&r->answer.body));
    return r->answer.body.failed;
}

static int too_many(struct request *r, struct error *err) {
    answer_header(r, "Retry-After", arena_printf(&r->arena, "%d", 1 + (int)(r->started_ns / 1000 % 5))); /* not everybody at once */
    return error_set(err, E_BUSY, NULL, "too many ask just now; try again / 查询人数过多,请稍后再试");
}

static int results(struct request *r, struct error *err) {
    struct http_server *s = r->server;
    struct tickets *t = s->tickets;
    struct text *ticket = r->state = arena_alloc(&r->arena, sizeof *ticket);
    int wait_s = 1, most = s->options.results_per_s ? s->options.results_per_s : RESULTS_PER_S;
    if (!ticket) return error_memory(err);
    if (most > 0 && !rate_take(s->rate, TEXT("!results"), (unsigned)most, r->started_ns, &wait_s)) return too_many(r, err);
    int rc = request_member(r, "ticket", true, ticket, err);
    if (rc < 0) return rc;
    if (kept(t, stripes_hash(&t->stripes, *ticket), r->started_ns, answer_open(r, 200))) return r->answer.body.failed;
    return line_up(t->line, r, told, NULL) < 0 ? too_many(r, err) : 0;
}

/* ---- giving it out */

struct issued {
    int64_t person;
    char ticket[TICKET_CHARS + 1];
};

static int issue_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct issued *t = r->state;
    return ticket_issue(l, &r->session, t->person, t->ticket, err);
}

static int issue_done(struct request *r, struct error *err) {
    const struct issued *t = r->state;
    (void)err;
    if (r->rc < 0) return r->rc;
    return buf_printf(answer_open(r, 200), "{\"ticket\":\"%s\"}", t->ticket);
}

static int issue(struct request *r, struct error *err) {
    struct issued *t = r->state = arena_alloc(&r->arena, sizeof *t);
    if (!t) return error_memory(err);
    int rc = request_id(r, "id", &t->person, err);
    return rc < 0 ? rc : request_call(r, issue_run, issue_done, err);
}

#define MAYBE "{\"type\":[\"string\",\"null\"]}"
const struct schema tickets_schemas[] = {
    {"Ticket", "{\"type\":\"object\",\"required\":[\"ticket\"],\"properties\":{\"ticket\":{\"type\":\"string\",\"maxLength\":64}}}"},
    {"OwnResults", "{\"type\":\"object\",\"required\":[\"results\"],\"properties\":{\"results\":{\"type\":\"array\",\"maxItems\":5,\"items\":{\"type\":\"object\",\"required\":[\"result\",\"zh\",\"en\",\"sampled_at\","
                   "\"told_at\"],\"properties\":{\"result\":" STRING ",\"zh\":" STRING ",\"en\":" STRING ",\"sampled_at\":" MAYBE ",\"told_at\":" MAYBE "}}}}}"},
    {0},
};

const struct route tickets_routes[] = {
    {.method = "POST", .path = "/public/v1/results", .who = WHO_PUBLIC, .body = BODY_JSON, .body_max = 256, .run = results, .request = "Ticket", .response = "OwnResults",
     .zh = "凭查询凭证查本人最近结果,无须账户;凭证无效与尚无结果答复相同;超过处理能力时返回 503 与 Retry-After",
     .en = "One's own last results by ticket, without an account. A made-up ticket and one without results get the same answer. Above capacity 503 with Retry-After."},
    {.method = "POST", .path = "/api/v1/persons/{id}/ticket", .who = WHO_ACCOUNT, .body = BODY_NONE, .run = issue, .response = "Ticket", .headers = HEADER_PURPOSE,
     .zh = "发放本人结果查询凭证,须说明目的,记入流水", .en = "The ticket by which this person learns the own results; needs a purpose, and is journalled."},
    {0},
};
