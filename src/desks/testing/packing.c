#include "desks/testing/packing.h"

struct packed {
    struct ledger *l;
    const struct session *s;
    const struct packing *p;
    struct lab_report *r;
    struct record box;
    struct draft **drafts;
    struct lab_line **of; /* of each draft */
    size_t n;
    int64_t later;        /* tubes that lie in it and are not known or not closed yet */
};

/* The box of this bar code; begun where there is none. */
static int box_find(struct packed *x, struct error *err) {
    const struct packing *p = x->p;
    struct arena *a = &x->r->arena;
    const struct register_decl *boxes = lab_register(x->l, "box", err), *sites = boxes ? lab_register(x->l, "site", err) : NULL;
    struct value *cells = sites ? arena_alloc(a, (boxes->n_fields + 1) * sizeof *cells) : NULL;
    struct record site;
    if (!sites) return E_UNKNOWN;
    if (!cells) return error_memory(err);
    cells[register_field(boxes, TEXT("barcode"))] = value_text(p->box);
    int rc = record_by_key(x->l, x->l->db, x->s, boxes, cells, a, &x->box, err);
    if (rc < 0) return rc;
    if (rc && p->site && record_int(&x->box, "site", p->site) != p->site) return error_set(err, E_CONFLICT, "site", "this box is of another site / 该箱属于另一采样点");
    if (rc) return 0;
    if (!p->site) return error_set(err, E_UNKNOWN, "box", "there is no box with this bar code: say its site / 没有该箱码的转运箱,新箱须写明采样点");
    if ((rc = record_get(x->l, x->l->db, x->s, sites, p->site, a, &site, err)) < 0) return rc;
    struct draft *d = draft_new(a, boxes, DRAFT_CREATE);
    if (!d) return error_memory(err);
    d->region = site.region;
    draft_put(d, "barcode", value_text(p->box), NULL);
    draft_put(d, "site", value_int(p->site), NULL);
    if (p->laboratory) draft_put(d, "laboratory", value_int(p->laboratory), NULL);
    rc = lab_apply(x->l, x->s, &d, 1, err);
    return rc < 0 ? rc : record_get(x->l, x->l->db, x->s, boxes, d->ret_id, a, &x->box, err);
}

/* The box that a tube is in already, for who has to look for it. */
static int other_box(struct packed *x, int64_t id, struct lab_line *row, struct error *err) {
    struct record box;
    int rc = record_seek(x->l, x->l->db, x->s, x->box.reg, id, &x->r->arena, &box, err);
    if (rc < 0) return rc;
    row->outcome = LAB_REFUSED;
    struct text code = rc ? record_text(&box, "barcode") : TEXT("?");
    error_set(&row->why, E_CONFLICT, "tube", "it was packed into box %.*s / 该管已装入转运箱 %.*s", (int)code.n, code.s, (int)code.n, code.s);
    return 0;
}

static int tube_goes_in(struct packed *x, struct text barcode, int64_t line, struct error *err) {
    struct lab_report *r = x->r;
    struct record t;
    struct lab_line *row = lab_line(r, barcode, line, err);
    if (!row) return E_MEMORY;
    for (size_t i = 0; i + 1 < r->n; i++)
        if (text_eq(r->lines[i].tube, row->tube)) return row->record = r->lines[i].record, row->outcome = LAB_AGAIN, 0;
    int rc = barcode.n ? lab_tube(x->l, x->s, barcode, &r->arena, &t, err) : 0;
    if (rc < 0) return rc;
    if (!rc) return x->later++, lab_refuse(row, E_UNKNOWN, "tube", "nobody is known in this tube yet: its swabs may wait on another device / 该管尚无采样记录,可能还在别的设备上未上传"), 0;
    row->record = t.id;
    int64_t in = record_int(&t, "box", 0);
    if (in == x->box.id) return row->outcome = LAB_AGAIN, 0;
    if (in) return other_box(x, in, row, err);
    if (text_is(t.state, "spoiled")) return lab_refuse(row, E_REFUSED, "tube", "this tube was spoiled / 该管已作废"), 0;
    if (value_given(record_cell(&t, "received_at"))) return lab_refuse(row, E_REFUSED, "tube", "a laboratory has it already / 该管已由实验室接收"), 0;
    if (text_is(t.state, "open")) return x->later++, lab_refuse(row, E_REFUSED, "tube", "it is still open: close it first / 该管未封,请先封管"), 0;
    struct draft *d = draft_new(&r->arena, t.reg, DRAFT_CHANGE);
    if (!d) return error_memory(err);
    d->id = t.id;
    draft_put(d, "box", value_int(x->box.id), NULL);
    x->of[x->n] = row;
    x->drafts[x->n++] = d;
    return 0;
}

static int box_seal(struct packed *x, struct error *err) {
    struct value id = value_int(x->box.id), n = value_null();
    int rc = db_scalar(x->l->db, &x->r->arena, "SELECT count(*) FROM \"tube\" WHERE \"box\"=?1 AND \"state\"<>'spoiled'", &id, 1, &n, err);
    if (rc < 0) return rc;
    x->r->listed = value_int_or(n, 0);
    x->r->declared = record_int(&x->box, "tubes", 0);
    if (!x->p->seal) return 0;
    if (!x->r->listed && !x->later) return error_set(err, E_REFUSED, "box", "an empty box is not sealed / 空箱不能封箱");
    if (x->r->declared < x->r->listed + x->later) x->r->declared = x->r->listed + x->later;
    struct draft *d = draft_new(&x->r->arena, x->box.reg, DRAFT_CHANGE);
    if (!d) return error_memory(err);
    d->id = x->box.id;
    d->state = TEXT("sealed");
    draft_put(d, "tubes", value_int(x->r->declared), NULL);
    if (!value_given(record_cell(&x->box, "sealed_at"))) draft_put(d, "sealed_at", value_int(x->p->at), NULL);
    return lab_apply(x->l, x->s, &d, 1, err);
}

static int pack(struct packed *x, struct error *err) {
    struct lab_report *r = x->r;
    r->lines = arena_alloc(&r->arena, (x->p->n + 1) * sizeof *r->lines);
    x->drafts = arena_alloc(&r->arena, (x->p->n + 1) * sizeof *x->drafts);
    x->of = arena_alloc(&r->arena, (x->p->n + 1) * sizeof *x->of);
    if (!r->lines || !x->drafts || !x->of) return error_memory(err);
    int rc = box_find(x, err);
    if (rc < 0) return rc;
    r->record = x->box.id;
    if (text_is(x->box.state, "received")) return error_set(err, E_REFUSED, "box", "this box has arrived already: another code / 该箱已由实验室接收,请换箱码");
    if (text_is(x->box.state, "sealed") && !x->p->seal) return error_set(err, E_REFUSED, "box", "this box is sealed / 该箱已封");
    for (size_t i = 0; i < x->p->n; i++)
        if ((rc = tube_goes_in(x, text_trim(x->p->tubes[i]), (int64_t)i + 1, err)) < 0) return rc;
    rc = record_apply(x->l, x->s, x->drafts, x->n, err);
    for (size_t i = 0; !rc && i < x->n; i++)
        if (x->drafts[i]->outcome == OUTCOME_REJECTED) lab_refuse(x->of[i], x->drafts[i]->error.code, x->drafts[i]->error.where, x->drafts[i]->error.message);
    lab_count(r);
    return rc < 0 ? rc : box_seal(x, err);
}

int box_pack(struct ledger *l, const struct session *s, const struct packing *p, struct lab_report *ret, struct error *err) {
    struct packed x = {.l = l, .s = s, .p = p, .r = ret};
    *ret = (struct lab_report){0};
    if (!p->box.n) return error_set(err, E_INVALID, "box", "which box / 须写明箱码");
    if (p->n > PACKING_MAX) return error_set(err, E_TOO_LARGE, "tubes", "at most %d tubes / 至多 %d 管", PACKING_MAX, PACKING_MAX);
    if (p->at > s->now) return error_set(err, E_INVALID, "at", "a box is not packed in the future / 装箱时间不能晚于现在");
    int rc = ledger_begin(l, err);
    return rc < 0 ? rc : ledger_end(l, pack(&x, err), s->now, err);
}
