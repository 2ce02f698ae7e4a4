/* Who is accountable: the first step of the rule's chain that resolves, never chance. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/book.h"
#include "ledger/record_peek.h"
#include "ledger/table.h"

void owner_forget(struct ledger *l) {
    arena_reset(&l->book->owners);
    l->book->organisations = NULL;
    l->book->n_organisations = 0;
    l->book->organisations_known = false;
    memset(l->book->memos, 0, sizeof l->book->memos);
}

void book_memos_check(struct ledger *l) {
    struct obligation_book *b = l->book;
    if (b->adoptions_read == l->adoptions_read) return;
    memset(b->memos, 0, sizeof b->memos);
    if (b->ties) memset(b->ties, 0, l->catalog->n_registers * sizeof *b->ties);
    b->adoptions_read = l->adoptions_read;
}

static int organisation_cmp(const void *a, const void *b) {
    const struct organisation_entry *x = a, *y = b;
    int c = text_cmp(x->department, y->department);
    return c ? c : text_cmp(x->region, y->region);
}

static int know_organisations(struct ledger *l, struct error *err) {
    struct obligation_book *b = l->book;
    const struct register_decl *reg = register_find(l->catalog, TEXT("organisation"));
    if (!reg || register_field(reg, TEXT("department")) < 0) {
        b->organisations_known = true;
        return 0;
    }
    struct value count = value_null();
    int rc = db_scalar(l->db, &b->owners, "SELECT COUNT(*) FROM \"organisation\" WHERE \"department\" IS NOT NULL", NULL, 0, &count, err);
    if (rc < 0) return rc;
    size_t max = (size_t)value_int_or(count, 0), n = 0;
    struct organisation_entry *list = arena_alloc(&b->owners, (max + 1) * sizeof *list);
    if (!list) return error_memory(err);
    struct db_cursor *c = NULL;
    const struct value *row;
    rc = db_query(l->db, "SELECT \"region\",\"department\",\"id\" FROM \"organisation\" WHERE \"department\" IS NOT NULL ORDER BY \"id\"",
                  NULL, 0, &c, err);
    while (!rc && n < max && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        list[n] = (struct organisation_entry){arena_text(&b->owners, value_view(row[0])), arena_text(&b->owners, value_view(row[1])), row[2].i};
        if (!list[n].region.s || !list[n].department.s) rc = error_memory(err);
        n++;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    qsort(list, n, sizeof *list, organisation_cmp);
    b->organisations = list;
    b->n_organisations = n;
    b->organisations_known = true; /* only when all were read: a failed query must not leave everything without an owner */
    return 0;
}

/* The department's body in the region or the nearest one up the tree; NULL when none is registered. */
static const struct organisation_entry *department_of(const struct obligation_book *b, struct text department, struct text region) {
    for (;;) {
        struct organisation_entry wanted = {region, department, 0};
        const struct organisation_entry *found =
            b->n_organisations ? bsearch(&wanted, b->organisations, b->n_organisations, sizeof wanted, organisation_cmp) : NULL;
        if (found) return found;
        if (!region.n) return NULL;
        region = region_parent(region);
    }
}

/* Where a step of the chain begins: the record's region, a region it names, or the region of a record it refers to. Empty: not known. */
static int begins_at(struct ledger *l, const struct owner_rule *step, const struct record *r, struct text *ret, struct error *err) {
    *ret = r->region;
    if (step->field < 0) return 0;
    const struct field *f = &r->reg->fields[step->field];
    struct value cell = r->values[step->field];
    *ret = f->type == FIELD_REGION ? value_view(cell) : (struct text){"", 0};
    if (f->type != FIELD_REFERENCE || cell.kind != VALUE_INT) return 0;
    const struct register_decl *target = l->tables[r->reg->order]->targets[step->field];
    const struct record *other = NULL;
    int rc = record_peek(l, target, cell.i, &other, err);
    if (!rc && other) *ret = other->region;
    if (rc || other || l->apply || !target) return rc;
    /* another plan is adopted: nothing is being recorded */
    char sql[120];
    struct value region = value_null();
    snprintf(sql, sizeof sql, "SELECT \"region\" FROM \"%s\" WHERE \"id\" = ?1", target->name.s);
    rc = db_scalar(l->db, &l->book->arena, sql, &cell, 1, &region, err);
    if (!rc) *ret = value_view(region);
    return rc;
}

/* The region at a level above: what the city owes is not the county's. */
static struct text at_level(struct text region, int level) {
    while (level && region_level(region) > level) region = region_parent(region);
    return region;
}

static struct owner_memo *memo_of(struct ledger *l, const struct owner_rule *chain, struct text region) {
    book_memos_check(l);
    uintptr_t h = (uintptr_t)chain / sizeof *chain;
    for (size_t i = 0; i < region.n; i++) h = h * 31 + (unsigned char)region.s[i];
    return &l->book->memos[h % OWNER_MEMOS];
}

static bool memo_fits(const struct owner_memo *m, const struct owner_rule *chain, struct text region) {
    return m->chain == chain && m->n_region == region.n && memcmp(m->region, region.s, region.n) == 0;
}

static void memo_keep(struct owner_memo *m, const struct owner_rule *chain, struct text region, const struct owner *o) {
    if (region.n > REGION_MAX) return;
    *m = (struct owner_memo){.chain = chain, .n_region = region.n, .kind = o->kind, .step = o->step, .id = o->id};
    if (region.n) memcpy(m->region, region.s, region.n);
    if (o->kind == OWNER_DEPARTMENT)
        m->body = o->region;
    else
        m->n_owner = o->region.n; /* a region above is a prefix */
}

int owner_resolve(struct ledger *l, const struct owner_rule *chain, size_t n, const struct record *r, struct owner *ret, struct error *err) {
    struct owner_memo *memo = memo_of(l, chain, r->region);
    bool general = true; /* nothing but the region was asked so far */
    if (memo_fits(memo, chain, r->region)) {
        *ret = (struct owner){.kind = memo->kind, .step = memo->step, .id = memo->id,
                              .region = memo->kind == OWNER_DEPARTMENT ? memo->body : (struct text){r->region.s, memo->n_owner}};
        return 0;
    }
    struct owner none = {.kind = OWNER_NONE};
    for (size_t i = 0; i < n; i++) {
        const struct owner_rule *step = &chain[i];
        struct value cell = step->field >= 0 && (size_t)step->field < r->reg->n_fields ? r->values[step->field] : value_null();
        struct owner o = {.kind = (int)step->kind, .step = (int)i, .region = r->region};
        general = general && (step->kind == OWNER_REGION || step->kind == OWNER_DEPARTMENT) && step->field < 0;
        if (step->kind == OWNER_REGION || step->kind == OWNER_DEPARTMENT) {
            int rc = begins_at(l, step, r, &o.region, err);
            if (rc < 0) return rc;
        }
        switch (step->kind) {
        case OWNER_REGION:
            o.region = at_level(o.region, step->level);
            if (!o.region.n) continue;
            break;
        case OWNER_DEPARTMENT:
            if (!l->book->organisations_known) {
                int rc = know_organisations(l, err);
                if (rc < 0) return rc;
            }
            const struct organisation_entry *body = o.region.n ? department_of(l->book, step->department, at_level(o.region, step->level)) : NULL;
            if (!body) continue;
            o.id = body->id;
            o.region = body->region;
            break;
        case OWNER_UNIT:
        case OWNER_PERSON:
            /* without a field the record is its own party: an organisation that owes its daily report */
            o.id = step->field >= 0 ? value_int_or(cell, 0) : r->id;
            if (!o.id) continue;
            break;
        default:
            continue;
        }
        if (general) memo_keep(memo, chain, r->region, &o);
        *ret = o;
        return 0;
    }
    *ret = none;
    return 0;
}

const struct owner_rule *owner_found_by(const struct obligation *o, const struct duty_rule *rule) {
    bool found = rule && o->owner_kind != OWNER_NONE && o->owner_step >= 0 && (size_t)o->owner_step < rule->n_owners;
    return found ? rule->owners + o->owner_step : NULL;
}
