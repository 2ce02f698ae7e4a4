/* What the laboratory's transactions share, and the receipt of boxes. */
#include "desks/testing/laboratory.h"

#include <string.h>

#include "base/idmap.h"

const char *const lab_outcomes[LAB_OUTCOMES] = {"taken", "again", "extra", "missing", "refused"};

void lab_report_clear(struct lab_report *r) {
    if (r) arena_clear(&r->arena);
}

int64_t lab_parameter(const struct ledger *l, instant now, const char *name, int64_t otherwise) {
    day on = day_of_instant(now, l->zone_s);
    for (size_t i = 0; i < l->n_adoptions; i++) {
        const struct adoption *a = &l->adoptions[i];
        const struct parameter *p = a->from <= on && ledger_policy(l, a->disease, l->region, on) == a ? policy_parameter(a->policy, text_of(name)) : NULL;
        if (p) return p->value;
    }
    return otherwise;
}

const struct register_decl *lab_register(const struct ledger *l, const char *name, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, text_of(name));
    if (!reg) error_set(err, E_UNKNOWN, name, "there is no such register / 没有该登记册");
    return reg;
}

struct draft *lab_change(struct arena *a, const struct record *r) {
    struct draft *d = draft_new(a, r->reg, DRAFT_CHANGE);
    if (!d) return NULL;
    d->id = r->id;
    d->by_desk = true;
    return d;
}

int lab_apply(struct ledger *l, const struct session *s, struct draft **drafts, size_t n, struct error *err) {
    int rc = record_apply(l, s, drafts, n, err);
    for (size_t i = 0; !rc && i < n; i++)
        if (drafts[i]->outcome == OUTCOME_REJECTED) rc = error_set(err, drafts[i]->error.code, drafts[i]->error.where, "%s", drafts[i]->error.message);
    return rc;
}

int lab_tube(struct ledger *l, const struct session *s, struct text barcode, struct arena *a, struct record *ret, struct error *err) {
    const struct register_decl *reg = lab_register(l, "tube", err);
    int f = reg ? register_field(reg, TEXT("barcode")) : -1;
    if (f < 0) return E_UNKNOWN;
    struct value *cells = arena_alloc(a, (reg->n_fields + 1) * sizeof *cells);
    if (!cells) return error_memory(err);
    cells[f] = value_text(barcode);
    return record_by_key(l, l->db, s, reg, cells, a, ret, err);
}

struct lab_line *lab_line(struct lab_report *r, struct text tube, int64_t line, struct error *err) {
    struct lab_line *x = &r->lines[r->n];
    *x = (struct lab_line){.tube = arena_text(&r->arena, tube), .line = line};
    if (!x->tube.s) {
        error_memory(err);
        return NULL;
    }
    r->n++;
    return x;
}

void lab_refuse(struct lab_line *x, int code, const char *where, const char *message) {
    x->outcome = LAB_REFUSED;
    error_set(&x->why, code, where, "%s", message);
}

void lab_count(struct lab_report *r) {
    memset(r->counts, 0, sizeof r->counts);
    for (size_t i = 0; i < r->n; i++) r->counts[r->lines[i].outcome]++;
}

/* ---- a box arrives */

struct receipt {
    struct ledger *l;
    const struct session *s;
    struct lab_report *r;
    struct record box;
    instant at;
    struct draft **drafts;
    struct lab_line **of; /* of each draft */
    size_t n;
    struct idmap seen;    /* tubes of this call */
};

/* A tube that nobody closed takes no swab any more. */
static int closed_by_arrival(struct receipt *x, const struct record *t, struct draft *d, struct error *err) {
    struct value id = value_int(t->id), n = value_null();
    int rc = db_scalar(x->l->db, &x->r->arena, "SELECT count(*) FROM \"swab\" WHERE \"tube\"=?1", &id, 1, &n, err);
    draft_put(d, "swabs", n, NULL);
    draft_put(d, "closed_at", value_int(x->at), NULL);
    return rc;
}

/* The box whose manifest has a tube that came in another. */
static int packed_in(struct receipt *x, const struct record *t, struct lab_line *row, struct error *err) {
    const struct register_decl *boxes = lab_register(x->l, "box", err);
    struct record box;
    int64_t id = record_int(t, "box", 0);
    if (!boxes) return E_UNKNOWN;
    if (!id) return 0;
    int rc = record_get(x->l, x->l->db, x->s, boxes, id, &x->r->arena, &box, NULL);
    if (!rc) row->packed_in = record_text(&box, "barcode");
    return rc == E_UNKNOWN || rc == E_DENIED ? 0 : rc;
}

static int tube_arrives(struct receipt *x, struct text barcode, int64_t line, struct error *err) {
    struct lab_report *r = x->r;
    struct record t;
    struct lab_line *row = lab_line(r, barcode, line, err);
    if (!row) return E_MEMORY;
    int rc = barcode.n ? lab_tube(x->l, x->s, barcode, &r->arena, &t, err) : 0;
    if (rc < 0) return rc;
    if (!rc) return lab_refuse(row, E_UNKNOWN, "tube", "there is no tube with this bar code / 没有该管码的采样管"), 0;
    row->record = t.id;
    struct idmap_slot *slot = idmap_put(&x->seen, &r->arena, t.id, NULL);
    if (!slot) return error_memory(err);
    bool twice = slot->value.i != 0;
    slot->value.i = 1;
    if (twice || value_given(record_cell(&t, "received_at"))) return row->outcome = LAB_AGAIN, 0;
    if (text_is(t.state, "spoiled")) return lab_refuse(row, E_REFUSED, "tube", "this tube was spoiled / 该管已作废"), 0;
    if (record_int(&t, "opened_at", 0) > x->at) return lab_refuse(row, E_INVALID, "at", "it was opened after this time / 接收时间早于开管时间"), 0;
    row->outcome = record_int(&t, "box", 0) == x->box.id ? LAB_TAKEN : LAB_EXTRA;
    struct draft *d = lab_change(&r->arena, &t);
    if (!d) return error_memory(err);
    if (text_is(t.state, "open") && (rc = closed_by_arrival(x, &t, d, err)) < 0) return rc;
    if (row->outcome == LAB_EXTRA) {
        draft_put(d, "came_in", value_int(x->box.id), NULL);
        if ((rc = packed_in(x, &t, row, err)) < 0) return rc;
    }
    d->state = TEXT("received");
    draft_put(d, "received_at", value_int(x->at), NULL);
    draft_put(d, "laboratory", record_cell(&x->box, "laboratory"), NULL);
    x->of[x->n] = row;
    x->drafts[x->n++] = d;
    return 0;
}

/* Tubes of the manifest that have not come, this time or before. */
static int missing(struct receipt *x, struct error *err) {
    struct lab_report *r = x->r;
    struct value p = value_int(x->box.id);
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t cap = r->n;
    int rc = db_query(x->l->db, "SELECT \"id\",\"barcode\",\"received_at\" FROM \"tube\" WHERE \"box\" = ?1 AND \"state\" <> 'spoiled' ORDER BY \"id\"", &p, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        r->listed++;
        if (row[2].kind == VALUE_INT || idmap_find(&x->seen, row[0].i)) continue;
        if (!arena_room(&r->arena, &r->lines, &cap, r->n + 1, sizeof *r->lines)) {
            rc = error_memory(err);
            break;
        }
        struct lab_line *gone = lab_line(r, value_view(row[1]), 0, err);
        if (!gone) rc = E_MEMORY;
        else gone->record = row[0].i, gone->outcome = LAB_MISSING;
    }
    db_cursor_close(c);
    return rc < 0 ? rc : 0;
}

/* Boxes that arrived without tubes which came in this one: they lack those no more. Whoever may write here, those are counted anew. */
static int missing_elsewhere(struct receipt *x, struct error *err) {
    static const char sql[] = "SELECT b.\"id\",(SELECT count(*) FROM \"tube\" t WHERE t.\"box\"=b.\"id\" AND t.\"state\"<>'spoiled' AND t.\"received_at\" IS NULL) FROM \"box\" b "
                              "WHERE b.\"received_at\" IS NOT NULL AND b.\"id\" IN (SELECT t.\"box\" FROM \"tube\" t WHERE t.\"came_in\"=?1 AND t.\"box\"<>?1) ORDER BY b.\"id\"";
    static const struct grant everything = {.role = {"root", 4}, .region = {"", 0}};
    struct session own = *x->s;
    struct value p = value_int(x->box.id);
    struct db_cursor *c = NULL;
    const struct value *row;
    struct draft **drafts = NULL;
    size_t n = 0, cap = 0;
    if (!x->r->counts[LAB_EXTRA]) return 0;
    own.n_grants = 1;
    own.grants = &everything;
    int rc = db_query(x->l->db, sql, &p, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct draft *d = lab_change(&x->r->arena, &(struct record){.reg = x->box.reg, .id = row[0].i});
        bool room = d && arena_room(&x->r->arena, &drafts, &cap, n + 1, sizeof *drafts);
        rc = room ? draft_put(d, "missing", row[1], err) : error_memory(err);
        if (room) drafts[n++] = d;
    }
    db_cursor_close(c);
    return rc < 0 || !n ? rc : lab_apply(x->l, &own, drafts, n, err);
}

static int box_note(struct receipt *x, struct error *err) {
    struct lab_report *r = x->r;
    struct draft *d = lab_change(&r->arena, &x->box);
    if (!d) return error_memory(err);
    int64_t before = record_int(&x->box, "extra", 0);
    if (!value_given(record_cell(&x->box, "received_at"))) draft_put(d, "received_at", value_int(x->at), NULL);
    draft_put(d, "missing", value_int((int64_t)r->counts[LAB_MISSING]), NULL);
    draft_put(d, "extra", value_int(before + (int64_t)r->counts[LAB_EXTRA]), NULL);
    d->state = TEXT("received");
    return lab_apply(x->l, x->s, &d, 1, err);
}

static int receive(struct receipt *x, struct text box, const struct text *tubes, size_t n, struct error *err) {
    struct lab_report *r = x->r;
    const struct register_decl *boxes = lab_register(x->l, "box", err);
    struct value *cells = boxes ? arena_alloc(&r->arena, (boxes->n_fields + 1) * sizeof *cells) : NULL;
    r->lines = arena_alloc(&r->arena, (n + 1) * sizeof *r->lines);
    x->drafts = arena_alloc(&r->arena, (n + 1) * sizeof *x->drafts);
    x->of = arena_alloc(&r->arena, (n + 1) * sizeof *x->of);
    if (!boxes) return E_UNKNOWN;
    if (!cells || !r->lines || !x->drafts || !x->of) return error_memory(err);
    cells[register_field(boxes, TEXT("barcode"))] = value_text(box);
    int rc = record_by_key(x->l, x->l->db, x->s, boxes, cells, &r->arena, &x->box, err);
    if (rc < 0) return rc;
    if (!rc) return error_set(err, E_UNKNOWN, "box", "there is no box with this bar code / 没有该箱码的转运箱");
    r->record = x->box.id;
    r->declared = record_int(&x->box, "tubes", 0);
    if (record_int(&x->box, "sealed_at", 0) > x->at) return error_set(err, E_INVALID, "at", "the box was sealed after this time / 接收时间早于封箱时间");
    for (size_t i = 0; i < n; i++)
        if ((rc = tube_arrives(x, text_trim(tubes[i]), (int64_t)i + 1, err)) < 0) return rc;
    rc = record_apply(x->l, x->s, x->drafts, x->n, err);
    for (size_t i = 0; !rc && i < x->n; i++)
        if (x->drafts[i]->outcome == OUTCOME_REJECTED) lab_refuse(x->of[i], x->drafts[i]->error.code, x->drafts[i]->error.where, x->drafts[i]->error.message);
    if (!rc) rc = missing(x, err);
    lab_count(r);
    if (!rc) rc = missing_elsewhere(x, err);
    return rc < 0 ? rc : box_note(x, err);
}

int lab_receive(struct ledger *l, const struct session *s, struct text box, const struct text *tubes, size_t n, instant at, struct lab_report *ret, struct error *err) {
    struct receipt x = {.l = l, .s = s, .r = ret, .at = at};
    *ret = (struct lab_report){0};
    if (n > LAB_TUBES_MAX) return error_set(err, E_TOO_LARGE, "tubes", "at most %d tubes / 至多 %d 管", LAB_TUBES_MAX, LAB_TUBES_MAX);
    if (at > s->now) return error_set(err, E_INVALID, "at", "a box does not arrive in the future / 接收时间不能晚于现在");
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    return ledger_end(l, receive(&x, box, tubes, n, err), s->now, err);
}
