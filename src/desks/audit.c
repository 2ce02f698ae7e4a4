#include "desks/audit.h"

#include <string.h>
#include <strings.h>

#include "ledger/record.h"

struct walk {
    struct ledger *l;
    struct db *db;
    const struct session *s;
    const struct audit_filter *f;
    bool everywhere;        /* the asker's grant covers the node */
    struct arena arena;
};

int audit_verb(struct text name) {
    for (int v = 1; v < 256; v++) {
        const char *one = journal_verb_name(v);
        if (one && strlen(one) == name.n && strncasecmp(one, name.s, name.n) == 0) return v;
    }
    return 0;
}

static int rights(struct walk *w, struct error *err) {
    bool any = false;
    for (size_t i = 0; i < w->s->n_grants && access_within_limit(w->s, ACCESS_WATCH, NULL); i++) {
        const struct grant *g = &w->s->grants[i];
        if (!text_is(g->role, "root") && !text_is(g->role, "auditor")) continue;
        any = true;
        w->everywhere = w->everywhere || region_within(w->l->region, g->region);
    }
    return any ? 0 : error_set(err, E_DENIED, "journal", "reading the journal needs the role auditor / 查看流水须有审计角色");
}

static bool has_end(const struct audit_filter *f) {
    return f->until && f->until != INSTANT_NONE;
}

static bool fits(const struct walk *w, const struct journal_entry *e) {
    const struct audit_filter *f = w->f;
    return (!f->verb || e->verb == f->verb) && (!f->reg.n || text_eq(e->reg, f->reg)) && (!f->record || e->record == f->record) &&
           (!f->who.n || text_eq(e->actor, f->who)) && (f->since == INSTANT_NONE || e->at >= f->since) &&
           (!has_end(f) || e->at < f->until);
}

/* Of a part of the node its auditor sees the records of that part. */
static int may_see(struct walk *w, const struct journal_entry *e, struct error *err) {
    const struct register_decl *reg = register_find(w->l->catalog, e->reg);
    struct record r;
    struct error unseen = {0};
    if (w->everywhere) return 1;
    if (!reg || !e->record) return 0;
    arena_reset(&w->arena);
    int rc = record_get(w->l, w->db, w->s, reg, e->record, &w->arena, &r, &unseen);
    if (rc == 0) return 1;
    if (rc == E_UNKNOWN || rc == E_DENIED) return 0;
    return error_set(err, rc, unseen.where, "%s", unseen.message);
}

/* ---- page by page, newest first */

enum { WINDOW = 4096, SEARCH_MAX = 200000 };

struct page {
    struct walk *w;
    struct arena *a;
    struct journal_entry *kept; /* ring of the newest `limit` of the window */
    size_t n, limit;
    struct error *err;
};

static int page_visit(const struct journal_entry *e, void *arg) {
    struct page *p = arg;
    if (!fits(p->w, e)) return 0;
    int rc = may_see(p->w, e, p->err);
    if (rc <= 0) return rc;
    struct journal_entry *to = &p->kept[p->n++ % p->limit];
    *to = *e;
    to->reg = arena_text(p->a, e->reg);
    to->actor = arena_text(p->a, e->actor);
    to->reason = arena_text(p->a, e->reason);
    to->purpose = arena_text(p->a, e->purpose);
    to->region = arena_text(p->a, e->region);
    to->before = to->after = (struct text){"", 0};
    return to->reg.s && to->actor.s && to->reason.s && to->purpose.s && to->region.s ? 0 : error_memory(p->err);
}

int audit_page(struct ledger *l, struct db *db, const struct session *s, const struct audit_filter *f, int64_t before, struct arena *a, struct journal_entry **ret,
               size_t *ret_n, int64_t *ret_next, struct error *err) {
    struct walk w = {.l = l, .db = db ? db : l->db, .s = s, .f = f};
    size_t limit = f->limit ? f->limit : 100, n = 0;
    struct journal_entry *out = arena_alloc(a, limit * sizeof *out), *ring = arena_alloc(a, limit * sizeof *ring);
    int rc = out && ring ? rights(&w, err) : error_memory(err);
    int64_t oldest = 1, tip = 1;
    if (rc == 0) rc = journal_window(w.db, f->since, has_end(f) ? f->until : INSTANT_NONE, &oldest, &tip, err);
    int64_t to = before > 0 && before < tip ? before : tip, until = to - oldest > SEARCH_MAX ? to - SEARCH_MAX : oldest;
    while (rc == 0 && n < limit && to > until) {
        struct page p = {.w = &w, .a = a, .kept = ring, .limit = limit - n, .err = err};
        int64_t from = to - WINDOW > until ? to - WINDOW : until;
        rc = journal_scan(w.db, from, to, page_visit, &p, err);
        if (rc < 0) break;
        size_t have = p.n < p.limit ? p.n : p.limit;
        for (size_t i = 0; i < have; i++) out[n++] = ring[(p.n - 1 - i) % p.limit];
        to = n == limit ? out[n - 1].seq : from;
    }
    arena_clear(&w.arena);
    if (rc < 0) return rc;
    *ret = out;
    *ret_n = n;
    *ret_next = to > oldest ? to : 0;
    return 0;
}

int audit_list(struct ledger *l, struct db *db, const struct session *s, const struct audit_filter *f,
               int (*visit)(const struct journal_entry *e, void *arg), void *arg, struct error *err) {
    enum { PAGE = 1000 };
    struct arena a = {0}, found = {0};
    struct journal_entry *page = NULL, *list = NULL;
    size_t n = 0, cap = 0, got = 0;
    int64_t before = 0;
    int rc = 0;
    do {
        struct audit_filter one = *f;
        one.limit = !f->limit || f->limit - n > PAGE ? PAGE : f->limit - n;
        rc = audit_page(l, db, s, &one, before, &found, &page, &got, &before, err);
        if (rc == 0 && n + got > cap) {
            cap = (n + got) * 2;
            struct journal_entry *grown = arena_alloc(&a, cap * sizeof *grown);
            if (!grown) rc = error_memory(err);
            if (grown && n) memcpy(grown, list, n * sizeof *grown);
            if (grown) list = grown;
        }
        if (rc == 0 && got) memcpy(list + n, page, got * sizeof *list);
        if (rc == 0) n += got;
    } while (rc == 0 && before && (!f->limit || n < f->limit));
    while (rc == 0 && n) rc = visit(&list[--n], arg);
    arena_clear(&found);
    arena_clear(&a);
    return rc;
}
