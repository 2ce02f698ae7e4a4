/* Who is in a tube that was recalled, with name, phone and address: for those who go and hold them. */
#include "desks/testing/laboratory.h"

#include <stdio.h>
#include <string.h>

void lab_recall_clear(struct lab_recall *r) {
    if (r) arena_clear(&r->arena);
}

struct recall {
    struct ledger *l;
    const struct session *s;
    struct lab_recall *r;
    const struct register_decl *persons, *tubes;
    size_t cap;
    struct record *list;      /* the tubes */
    size_t n;
};

/* ---- which tubes */

static int tubes_named(struct recall *x, const struct text *names, size_t n, struct error *err) {
    for (size_t i = 0; i < n; i++) {
        int rc = lab_tube(x->l, x->s, text_trim(names[i]), &x->r->arena, &x->list[x->n], err), n_name = (int)(names[i].n < 60 ? names[i].n : 60);
        if (rc < 0) return rc;
        if (!rc) return error_set(err, E_UNKNOWN, "tube", "there is no tube with bar code %.*s / 没有管码为 %.*s 的采样管", n_name, names[i].s, n_name, names[i].s);
        if (!text_is(record_text(&x->list[x->n], "verdict"), "recall")) return error_set(err, E_REFUSED, "tube", "%.*s is not recalled / %.*s 无须召回", n_name, names[i].s, n_name, names[i].s);
        x->n++;
    }
    return 0;
}

/* What the tracing desk still owes: found by its open duties, not by looking at every tube. */
static int tubes_open(struct recall *x, struct error *err) {
    int64_t ids[LAB_RECALL_TUBES];
    size_t n = 0;
    struct db_cursor *c = NULL;
    const struct value *row;
    struct buf sql = {0};
    buf_str(&sql, "SELECT o.\"record\" FROM \"obligation_open\" o JOIN \"tube\" t ON t.\"id\" = o.\"record\" WHERE o.\"rule\" = 'trace-tube' AND o.\"state\" = 'open' AND ");
    access_sql(x->s, ACCESS_READ, x->tubes, "t.\"region\"", &sql);
    buf_printf(&sql, " ORDER BY o.\"due_at\",o.\"id\" LIMIT %d", LAB_RECALL_TUBES);
    int rc = sql.failed ? error_memory(err) : db_query(x->l->db, buf_cstr(&sql), NULL, 0, &c, err);
    while (!rc && n < LAB_RECALL_TUBES && (rc = db_next(c, &row, err)) > 0) ids[n++] = row[0].i, rc = 0;
    db_cursor_close(c);
    buf_clear(&sql);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        struct error none = {0};
        rc = record_get(x->l, x->l->db, x->s, x->tubes, ids[i], &x->r->arena, &x->list[x->n], &none);
        if (!rc) x->n++;
        else if (rc == E_UNKNOWN) rc = 0;
        else return error_set(err, rc, none.where, "%s", none.message);
    }
    return rc < 0 ? rc : 0;
}

/* ---- who */

static struct text opened(const struct record *r, const char *field) {
    struct value v = record_cell(r, field);
    return v.kind == VALUE_TEXT ? value_view(v) : (struct text){"", 0};
}

static int duties(struct recall *x, struct lab_member *m, struct error *err) {
    struct value p = value_int(m->person);
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = db_query(x->l->db, "SELECT \"rule\",\"state\" FROM \"obligation\" WHERE \"rule\" IN ('hold-member','resample-member') AND " OBLIGATION_OF_HOLDER " ORDER BY \"id\"", &p, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct text state = arena_text(&x->r->arena, value_view(row[1]));
        rc = state.s ? 0 : error_memory(err);
        if (text_is(value_view(row[0]), "hold-member")) m->hold = state;
        else m->resample = state;
    }
    db_cursor_close(c);
    return rc < 0 ? rc : 0;
}

static int member(struct recall *x, const struct record *tube, const struct value *row, struct error *err) {
    struct lab_recall *r = x->r;
    struct record person;
    if (!arena_room(&r->arena, &r->members, &x->cap, r->n + 1, sizeof *r->members)) return error_memory(err);
    struct lab_member *m = &r->members[r->n];
    *m = (struct lab_member){.tube = tube->id, .swab = row[0].i, .person = row[1].i, .barcode = opened(tube, "barcode"), .swabbed_at = row[2].i};
    bool some = access_anywhere(x->s, ACCESS_OPEN, x->persons);
    int rc = some ? record_seek(x->l, x->l->db, x->s, x->persons, m->person, &r->arena, &person, err) : record_get(x->l, x->l->db, x->s, x->persons, m->person, &r->arena, &person, err);
    if (rc < 0) return rc;
    bool elsewhere = some && (!rc || access_check(x->s, ACCESS_OPEN, x->persons, person.region, NULL) < 0); /* others open that name, and hold and sample from there */
    r->n++;
    rc = duties(x, m, err);
    if (rc < 0 || elsewhere) return rc;
    rc = record_open(x->l, x->l->db, x->s, &person, &r->arena, err);
    if (!rc) rc = ledger_opened(x->l, x->s, x->persons, m->person, err);
    if (rc < 0) return rc;
    m->name = opened(&person, "name");
    m->phone = opened(&person, "phone");
    m->address = opened(&person, "address");
    m->community = opened(&person, "community");
    m->region = person.region;
    return 0;
}

static int members(struct recall *x, const struct record *tube, struct error *err) {
    struct value p = value_int(tube->id), rows[20][3]; /* of swabs: id, person, time; a tube takes at most 20 */
    size_t n = 0;
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = db_query(x->l->db, "SELECT \"id\",\"person\",\"swabbed_at\" FROM \"swab\" WHERE \"tube\" = ?1 ORDER BY \"id\" LIMIT 20", &p, 1, &c, err);
    while (!rc && n < 20 && (rc = db_next(c, &row, err)) > 0) memcpy(rows[n++], row, sizeof rows[0]), rc = 0;
    db_cursor_close(c);
    for (size_t i = 0; rc >= 0 && i < n; i++) rc = member(x, tube, rows[i], err);
    return rc < 0 ? rc : 0;
}

static bool traces(const struct session *s, struct text region) {
    for (size_t i = 0; i < s->n_grants; i++)
        if ((text_is(s->grants[i].role, "tracer") || text_is(s->grants[i].role, "root")) && region_within(region, s->grants[i].region)) return true;
    return false;
}

/* The tracing desk has it: its duty is paid by that. Written by this desk, whoever may write tubes. */
static int take_up(struct recall *x, const struct record *tube, struct error *err) {
    static const struct grant everything = {.role = {"root", 4}, .region = {"", 0}};
    if (!traces(x->s, tube->region) || value_given(record_cell(tube, "traced_at"))) return 0;
    struct session own = *x->s;
    struct draft *d = lab_change(&x->r->arena, tube);
    if (!d) return error_memory(err);
    own.n_grants = 1;
    own.grants = &everything;
    draft_put(d, "traced_at", value_int(own.now), NULL);
    int rc = record_apply(x->l, &own, &d, 1, err);
    return rc < 0 || d->outcome != OUTCOME_REJECTED ? rc : error_set(err, d->error.code, d->error.where, "%s", d->error.message);
}

static int recall(struct recall *x, const struct text *names, size_t n, struct error *err) {
    x->list = arena_alloc(&x->r->arena, (LAB_RECALL_TUBES + 1) * sizeof *x->list);
    if (!x->list) return error_memory(err);
    int rc = access_check(x->s, ACCESS_READ, x->tubes, x->l->region, NULL) < 0 && !access_anywhere(x->s, ACCESS_READ, x->tubes) ? access_check(x->s, ACCESS_READ, x->tubes, x->l->region, err) : 0;
    if (!rc) rc = n ? tubes_named(x, names, n, err) : tubes_open(x, err);
    for (size_t i = 0; !rc && i < x->n; i++) {
        rc = members(x, &x->list[i], err);
        if (!rc) rc = take_up(x, &x->list[i], err);
    }
    x->r->n_tubes = x->n;
    return rc;
}

int lab_recall(struct ledger *l, const struct session *s, const struct text *tubes, size_t n, struct lab_recall *ret, struct error *err) {
    struct recall x = {.l = l, .s = s, .r = ret};
    *ret = (struct lab_recall){0};
    if (n > LAB_RECALL_TUBES) return error_set(err, E_TOO_LARGE, "tubes", "at most %d tubes / 至多 %d 管", LAB_RECALL_TUBES, LAB_RECALL_TUBES);
    if (!text_trim(s->purpose).n) return error_set(err, E_DENIED, "purpose", "names and addresses are opened for a purpose / 查看姓名住址须说明目的");
    x.persons = lab_register(l, "person", err);
    x.tubes = x.persons ? lab_register(l, "tube", err) : NULL;
    if (!x.tubes) return E_UNKNOWN;
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    return ledger_end(l, recall(&x, tubes, n, err), s->now, err);
}
