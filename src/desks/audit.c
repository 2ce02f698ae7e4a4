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
    int64_t seen, skip;     /* entries that fit; how many of them are older than wanted */
    struct arena arena;
    int (*visit)(const struct journal_entry *e, void *arg);
    void *arg;
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
    for (size_t i = 0; i < w->s->n_grants; i++) {
        const struct grant *g = &w->s->grants[i];
        if (!text_is(g->role, "root") && !text_is(g->role, "auditor")) continue;
        any = true;
        w->everywhere = w->everywhere || region_within(w->l->region, g->region);
    }
    return any ? 0 : error_set(err, E_DENIED, "journal", "reading the journal needs the role auditor / 查看流水须有审计角色");
}

static bool fits(const struct walk *w, const struct journal_entry *e) {
    const struct audit_filter *f = w->f;
    return (!f->verb || e->verb == f->verb) && (!f->reg.n || text_eq(e->reg, f->reg)) && (!f->record || e->record == f->record) &&
           (!f->who.n || text_eq(e->actor, f->who)) && (f->since == INSTANT_NONE || e->at >= f->since);
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

struct step {
    struct walk *w;
    bool tell;
    struct error *err;
};

static int entry_visit(const struct journal_entry *e, void *arg) {
    struct step *step = arg;
    struct walk *w = step->w;
    if (!fits(w, e)) return 0;
    int rc = may_see(w, e, step->err);
    if (rc <= 0) return rc;
    if (!step->tell) return w->seen++, 0;
    return w->skip-- > 0 ? 0 : w->visit(e, w->arg);
}

int audit_list(struct ledger *l, struct db *db, const struct session *s, const struct audit_filter *f,
               int (*visit)(const struct journal_entry *e, void *arg), void *arg, struct error *err) {
    struct walk w = {.l = l, .db = db ? db : l->db, .s = s, .f = f, .visit = visit, .arg = arg};
    struct step step = {.w = &w, .err = err};
    int rc = rights(&w, err);
    if (rc == 0 && f->limit) rc = journal_scan(w.db, 1, INT64_MAX, entry_visit, &step, err);
    if (f->limit && w.seen > (int64_t)f->limit) w.skip = w.seen - (int64_t)f->limit;
    step.tell = true;
    if (rc == 0) rc = journal_scan(w.db, 1, INT64_MAX, entry_visit, &step, err);
    arena_clear(&w.arena);
    return rc;
}
