/* What happened, as server-sent events. A listener is a suspended connection: it holds no thread, is resumed when the feed has something for it,
 * reads what there is and sleeps again. Silence is broken every 15 s by a line that says how far the listener is, so that a client which comes back
 * after hours of nothing need not have the journal searched. Ends after an hour, or when the asker's rights have changed: the client comes again by
 * itself, with Last-Event-ID, and has missed nothing. */
#include <string.h>
#include <strings.h>

#include "doors/http/inside.h"
#include "ledger/feed.h"

enum { READ_EVENTS = 32, POLL_EVENTS = 500, REGISTERS_MAX = 32, BLOCK = 2048, RECHECK_S = 60, LIFE_S = 3600, RETRY_MS = 3000 };

struct stream {
    struct feed_listener w; /* first: wake casts back */
    struct request *r;
    struct feed *feed;
    struct buf out;
    size_t sent;
    int64_t rights;         /* hash of the grants it was opened with */
    instant ends, checked;
    bool slept;
};

/* ---- an event as JSON */

static void put_lower(struct buf *b, const char *name) {
    for (; *name; name++) buf_char(b, (char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name));
}

static void put_note(struct buf *b, const struct feed_note *n, int32_t zone_s) {
    static const char *const what[] = {[FEED_RAISED] = "raised", [FEED_PAID] = "paid", [FEED_CANCELLED] = "cancelled", [FEED_LAPSED] = "lapsed", [FEED_ESCALATED] = "escalated"};
    buf_printf(b, "{\"what\":\"%s\",\"rule\":", what[n->what]);
    json_put_string(b, text_of(n->rule));
    buf_printf(b, ",\"record\":%lld", (long long)n->record);
    if (n->level) buf_printf(b, ",\"level\":%d", n->level);
    if (n->late) buf_str(b, ",\"late\":true");
    if (n->due_at != INSTANT_NONE) {
        buf_str(b, ",\"due_at\":");
        json_put_instant(b, n->due_at, zone_s);
    }
    buf_char(b, '}');
}

static void put_event(struct buf *b, const struct catalog *c, int32_t zone_s, const struct feed_listener *w, const struct feed_event *e) {
    static const char *const moves[] = {[FEED_ENTERED] = "entered", [FEED_LEFT] = "left"};
    const struct feed_note *n;
    size_t pos = 0;
    bool any = false;
    buf_printf(b, "{\"seq\":%lld,\"at\":", (long long)e->seq);
    json_put_instant(b, e->at, zone_s);
    buf_str(b, ",\"verb\":\"");
    put_lower(b, journal_verb_name(e->verb));
    buf_char(b, '"');
    if (e->reg >= 0) {
        buf_str(b, ",\"register\":");
        json_put_string(b, c->registers[e->reg].name);
    }
    if (e->record) buf_printf(b, ",\"id\":%lld", (long long)e->record);
    if (e->version) buf_printf(b, ",\"version\":%d", (int)e->version);
    buf_str(b, ",\"region\":");
    json_put_string(b, text_of(e->region));
    if (e->move) buf_printf(b, ",\"move\":\"%s\"", moves[e->move]);
    if (e->import) buf_printf(b, ",\"import\":%lld", (long long)e->import);
    while ((n = feed_note_next(w, e, &pos))) {
        buf_str(b, any ? "," : ",\"duties\":[");
        put_note(b, n, zone_s);
        any = true;
    }
    buf_str(b, any ? "]}" : "}");
}

/* ---- the stream */

static int64_t rights_of(const struct session *s) {
    struct buf b = {0};
    for (size_t i = 0; i < s->n_grants; i++) buf_printf(&b, "%.*s@%.*s;", (int)s->grants[i].role.n, s->grants[i].role.s, (int)s->grants[i].region.n, s->grants[i].region.s);
    int64_t hash = digest_64(buf_view(&b));
    buf_clear(&b);
    return hash;
}

/* A session that ended, or whose rights changed, ends the stream. */
static bool still_allowed(struct stream *x) {
    struct request *r = x->r;
    instant now = http_now(r->server);
    if (now >= x->ends || http_stopping(r->server)) return false;
    if (now < x->checked + RECHECK_S) return true;
    x->checked = now;
    return http_still_allowed(r) && rights_of(&r->session) == x->rights;
}

static int fill(struct stream *x, struct ledger *l, struct error *err) {
    struct feed_event events[READ_EVENTS];
    size_t n = 0;
    int rc = feed_read(x->feed, l->db, &x->w, events, READ_EVENTS, &n, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < n; i++) {
        buf_printf(&x->out, "id: %lld\ndata: ", (long long)events[i].seq);
        put_event(&x->out, http_catalog(x->r->server), http_zone(x->r->server), &x->w, &events[i]);
        buf_str(&x->out, "\n\n");
    }
    feed_release(events, n);
    if (!n && (rc > 0 || x->slept)) buf_printf(&x->out, ":\nid: %lld\n\n", (long long)x->w.after);
    x->slept = false;
    return x->out.failed ? x->out.failed : rc;
}

/* Reads on until there is something to send, or sleeps. */
static int64_t stream_more(struct stream *x, struct ledger *l) {
    struct error err = {0};
    for (;;) {
        int rc = fill(x, l, &err);
        if (rc == E_BUSY) return -1;
        if (rc < 0) return -2;
        if (x->out.n) return 1;
        /* suspended before the feed may wake it */
        MHD_suspend_connection(x->r->connection);
        x->slept = true;
        if (feed_wait(x->feed, &x->w)) return 0;
        MHD_resume_connection(x->r->connection);
        return 0;
    }
}

static int64_t stream_read(void *arg, char *out, size_t n) {
    struct stream *x = arg;
    struct error err = {0};
    if (x->sent == x->out.n) {
        struct ledger *l = NULL;
        if (x->out.cap > BLOCK) buf_clear(&x->out);
        buf_reset(&x->out);
        x->sent = 0;
        if (!still_allowed(x)) return -1;
        if (readers_take(x->r->server->readers, &l, &err) < 0) return -2;
        int64_t rc = stream_more(x, l);
        readers_give(x->r->server->readers, l);
        if (rc <= 0) return rc;
    }
    size_t some = x->out.n - x->sent < n ? x->out.n - x->sent : n;
    memcpy(out, x->out.s + x->sent, some);
    x->sent += some;
    return (int64_t)some;
}

static void stream_wake(struct feed_listener *w) {
    MHD_resume_connection(((struct stream *)w)->r->connection);
}

static void stream_end(void *arg) {
    struct stream *x = arg;
    feed_leave(x->feed, &x->w);
    buf_clear(&x->out);
    mem_free(x);
}

/* ---- asking */

static int selection_of(struct request *r, struct access_selection *want, struct text *names, struct error *err) {
    struct text list = request_query(r, "register");
    *want = (struct access_selection){.registers = names, .desk = request_query(r, "desk"), .region = request_query(r, "region")};
    for (size_t from = 0, i = 0; list.n && i <= list.n; i++) {
        if (i < list.n && list.s[i] != ',') continue;
        if (want->n_registers == REGISTERS_MAX) return error_set(err, E_TOO_LARGE, "register", "at most %d registers / 至多 %d 个登记册", REGISTERS_MAX, REGISTERS_MAX);
        names[want->n_registers++] = (struct text){list.s + from, i - from};
        from = i + 1;
    }
    return 0;
}

static int after_of(struct request *r, int64_t *ret, struct error *err) {
    const char *last = request_header(r, "Last-Event-ID");
    if (!last || !*last) return request_query_int(r, "after", 0, INT64_MAX, -1, ret, err);
    if (text_int(text_of(last), ret) && *ret >= 0) return 0;
    return error_set(err, E_SYNTAX, "Last-Event-ID", "the number of an event / 应为事件编号");
}

/* One look without waiting, for scripts. */
static int poll_events(struct request *r, struct stream *x, struct ledger *l, struct error *err) {
    struct feed_event events[READ_EVENTS];
    struct buf *b = answer_open(r, 200);
    size_t told = 0;
    int rc = 1;
    buf_str(b, "{\"events\":[");
    while (rc > 0 && told + READ_EVENTS <= POLL_EVENTS) {
        size_t n = 0;
        rc = feed_read(x->feed, l->db, &x->w, events, READ_EVENTS, &n, err);
        for (size_t i = 0; rc >= 0 && i < n; i++) {
            if (told++) buf_char(b, ',');
            put_event(b, http_catalog(r->server), http_zone(r->server), &x->w, &events[i]);
        }
        if (rc >= 0) feed_release(events, n);
        if (rc > 0 && !n) break; /* it searched for a while; the asker goes on from here */
    }
    if (rc < 0) return rc;
    return buf_printf(b, "],\"last\":%lld,\"more\":%s}", (long long)x->w.after, rc > 0 ? "true" : "false");
}

static int listen_to(struct request *r, struct error *err) {
    struct access_selection want;
    struct text names[REGISTERS_MAX];
    struct ledger *l = NULL;
    const char *accept = request_header(r, "Accept");
    int64_t after = -1;
    int rc = selection_of(r, &want, names, err);
    if (!rc) rc = after_of(r, &after, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (rc < 0) return rc;
    struct stream *x = mem_alloc(sizeof *x);
    if (!x) return error_memory(err);
    *x = (struct stream){.w = {.duties = request_query_flag(r, "duties"), .wake = stream_wake}, .r = r, .feed = http_feed(r->server), .rights = rights_of(&r->session),
                         .ends = r->now + LIFE_S, .checked = r->now};
    rc = feed_join(x->feed, l->db, &r->session, &want, after, &x->w, err);
    if (rc == 0 && accept && strstr(accept, "json") && !strstr(accept, "event-stream")) {
        rc = poll_events(r, x, l, err);
        stream_end(x);
        return rc;
    }
    if (rc < 0) {
        stream_end(x);
        return rc;
    }
    buf_printf(&x->out, "retry: %d\n:\nid: %lld\n\n", RETRY_MS, (long long)x->w.after);
    answer_events(r, stream_read, stream_end, x, BLOCK);
    return 0;
}

const struct schema events_schemas[] = {{0}};
const struct route events_routes[] = {
    {.method = "GET",
     .path = "/api/v1/events",
     .who = WHO_ACCOUNT,
     .run = listen_to,
     .response = "text/event-stream;application/json",
     .zh = "已提交的变更（不含字段内容）；断线后以 Last-Event-ID 续接，不会遗漏",
     .en = "What was committed, without what stands in it; resumed by Last-Event-ID nothing is missed",
     .query = {{"register", "{\"type\":\"string\"}", "登记册，逗号分隔", "registers, comma separated"},
               {"region", "{\"type\":\"string\"}", "区划及其下级", "a region and what is below it"},
               {"desk", "{\"type\":\"string\"}", "席位", "registers of one desk"},
               {"duties", "{\"type\":\"boolean\"}", "附带产生和了结的待办", "with the duties it raised and closed"},
               {"after", "{\"type\":\"integer\",\"minimum\":0}", "此编号之后；0 为全部；缺省为从现在起", "after this number; 0: everything; left out: from now on"}}},
    {0}};
