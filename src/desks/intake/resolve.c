/* From prepared drafts to drafts that can be written: references by key, title or number become ids or links inside the batch, persons become the ones
 * they are, rows whose target is not there yet step aside. Runs on the thread that owns the ledger, inside the batch's transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desks/intake/batch.h"
#include "ledger/region.h"
#include "ledger/table.h"

struct resolving {
    struct intake *in;
    struct batch *b;
    struct idmap made;    /* key or title of a draft of this batch -> index + 1 */
    struct idmap people;  /* document, or name and birth of a draft of this batch -> index + 1 */
    struct idmap called;  /* phone and name of drafts of this batch -> struct called */
    struct idmap learned; /* who was known -> struct match: what this batch has said of him */
    struct idmap absent;  /* asked of the store in this batch and not there */
    struct draft **drafts;
    size_t n, cap;
};

/* Persons of this batch with one phone and one name, by what is said of them; the first first. */
struct called {
    struct called *next;
    struct match is;
    size_t index;
};

static int64_t mix(int64_t a, int64_t b, int64_t salt) {
    uint64_t h = (uint64_t)a * 0x9E3779B97F4A7C15u ^ ((uint64_t)b + (uint64_t)salt * 0xC2B2AE3D27D4EB4Fu);
    h ^= h >> 29;
    h *= 0xBF58476D1CE4E5B9u;
    return (int64_t)(h ^ h >> 32);
}

int cache_put(struct intake *in, int64_t key, int64_t id) {
    if (in->cache.n >= CACHE_MAX) {
        arena_reset(&in->cache_arena);
        in->cache = (struct idmap){0};
        in->regions = (struct idmap){0};
    }
    struct idmap_slot *s = idmap_put(&in->cache, &in->cache_arena, key, NULL);
    if (!s) return E_MEMORY;
    s->value.i = id;
    return 0;
}

static int put(struct resolving *x, struct idmap *m, int64_t key, size_t draft, bool keep) {
    bool fresh = false;
    struct idmap_slot *s = idmap_put(m, &x->b->arena, key, &fresh);
    if (!s) return E_MEMORY;
    if (fresh || !keep) s->value.i = (int64_t)draft + 1;
    return 0;
}

/* Known in this batch or to the cache. */
static bool known(struct resolving *x, int64_t key, struct place *ret) {
    struct idmap_slot *s = idmap_find(&x->made, key);
    if (s) {
        *ret = (struct place){.draft = (uint32_t)s->value.i};
        return true;
    }
    s = idmap_find(&x->in->cache, key);
    if (s) *ret = (struct place){.id = s->value.i};
    return s != NULL;
}

/* One id by a condition on one column; more than one record is no answer. */
static int ask(struct resolving *x, const struct register_decl *reg, const char *column, struct value v, int64_t *ret, struct error *err) {
    char sql[200];
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    int found = 0;
    *ret = 0;
    snprintf(sql, sizeof sql, "SELECT \"id\" FROM \"%s\" WHERE \"%s\"=?1 LIMIT 2", reg->name.s, column);
    int rc = db_query(x->in->ledger->db, sql, &v, 1, &c, err);
    while (rc == 0 && (rc = db_next(c, &row, err)) > 0) {
        *ret = found++ ? 0 : value_int_or(row[0], 0);
        rc = 0;
    }
    db_cursor_close(c);
    return rc;
}

/* One id through the lookup; more than one record is no answer. */
static int ask_lookup(struct resolving *x, struct lookup_kind kind, int64_t value, int64_t *ret, struct error *err) {
    int64_t *ids = NULL;
    size_t n = 0;
    int rc = lookup_find(x->in->ledger->db, kind, value, 2, &x->b->arena, &ids, &n, err);
    *ret = n == 1 ? ids[0] : 0;
    return rc;
}

static int ask_number(struct resolving *x, const struct register_decl *reg, struct text number, int64_t *ret, struct error *err) {
    struct ledger *l = x->in->ledger;
    char sql[160];
    struct value v = value_null();
    int rc = ask_lookup(x, l->tables[reg->order]->by_number, lookup_word(number), ret, err);
    if (rc < 0 || !*ret) return rc;
    struct value id = value_int(*ret);
    snprintf(sql, sizeof sql, "SELECT \"number\" FROM \"%s\" WHERE \"id\" = ?1", reg->name.s);
    rc = db_scalar(l->db, &x->b->arena, sql, &id, 1, &v, err);
    if (!text_eq(value_view(v), number)) *ret = 0;
    return rc;
}

static int title_field(const struct register_decl *reg) {
    int f = register_field(reg, TEXT("title"));
    return f >= 0 && !reg->fields[f].sealed && reg->fields[f].type == FIELD_TEXT ? f : -1;
}

/* Asks the store for what a reference names; ret->id 0 when it is not there. */
static int ask_reference(struct resolving *x, const struct map_ref *ref, int64_t key, struct place *ret, struct error *err) {
    int64_t id = 0;
    int rc = 0;
    if (idmap_find(&x->absent, key)) return 0;
    if (ref->by == BY_FIELD) rc = ask(x, ref->target, ref->target->fields[ref->by_field].name.s, value_text(ref->text), &id, err);
    if (ref->by == BY_ANY) {
        int title = title_field(ref->target);
        const struct reg_table *t = x->in->ledger->tables[ref->target->order];
        if (ref->target->number_mask.n) rc = ask_number(x, ref->target, ref->text, &id, err);
        if (rc == 0 && !id) rc = ask_lookup(x, t->by_key, record_outside_key(ref->target, ref->text, &x->b->arena), &id, err);
        if (rc == 0 && !id && title >= 0) rc = ask(x, ref->target, ref->target->fields[title].name.s, value_text(ref->text), &id, err);
    }
    if (rc < 0) return rc;
    *ret = (struct place){.id = id};
    if (id) return cache_put(x->in, key, id) < 0 ? error_memory(err) : 0;
    return idmap_put(&x->absent, &x->b->arena, key, NULL) ? 0 : error_memory(err);
}

/* A record that the same row made just before. */
static bool in_row(const struct row *r, size_t before, const struct place *places, const struct map_ref *ref, struct place *ret) {
    for (size_t j = 0; j < before; j++) {
        const struct map_item *it = &r->result.items[j];
        if (it->reg != ref->target || !it->outside_key.n || !text_eq(it->outside_key, ref->text)) continue;
        *ret = places[j];
        if (ret->id || ret->draft) return true;
    }
    return false;
}

static int find(struct resolving *x, const struct map_ref *ref, struct place *ret, struct error *err) {
    int64_t key = ref->key;
    *ret = (struct place){0};
    if (known(x, key, ret)) return 0;
    if (ref->by == BY_KEY) return 0; /* the batch's keys were all asked for at once */
    if (ref->by == BY_ANY && known(x, record_outside_key(ref->target, ref->text, &x->b->arena), ret)) return 0;
    return ask_reference(x, ref, key, ret, err);
}

/* ---- regions by title: the node's own subtree first, then anywhere, when there is one answer */

static int region_query(struct resolving *x, const char *column, struct text title, struct text within, struct text *ret, struct error *err) {
    char sql[200], end[REGION_MAX + 2];
    bool bounded = within.n && region_end(within, end);
    struct value params[] = {value_text(title), value_text(within), value_str(bounded ? end : "")};
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    int found = 0;
    snprintf(sql, sizeof sql, "SELECT \"code\" FROM \"region\" WHERE \"%s\"=?1%s LIMIT 2", column, bounded ? " AND \"code\">=?2 AND \"code\"<?3" : "");
    int rc = db_query(x->in->ledger->db, sql, params, bounded ? 3 : 1, &c, err);
    *ret = (struct text){"", 0};
    while (rc == 0 && (rc = db_next(c, &row, err)) > 0) {
        *ret = found++ ? (struct text){"", 0} : arena_text(&x->in->cache_arena, value_view(row[0]));
        rc = ret->s ? 0 : error_memory(err);
    }
    db_cursor_close(c);
    return rc;
}

static int region_of(struct resolving *x, struct text title, struct text *ret, struct error *err) {
    struct register_decl named = {.name = TEXT("region\ttitle")};
    int64_t key = record_outside_key(&named, title, &x->b->arena);
    struct idmap_slot *s = idmap_find(&x->in->regions, key);
    *ret = (struct text){"", 0};
    if (s && s->value.p) *ret = *(struct text *)s->value.p;
    if (s) return 0;
    struct text own = x->in->ledger->region, none = {"", 0};
    int rc = region_query(x, "title", title, own, ret, err);
    if (rc == 0 && !ret->n && own.n) rc = region_query(x, "title", title, none, ret, err);
    if (rc == 0 && !ret->n) rc = region_query(x, "title_en", title, none, ret, err);
    if (rc < 0) return rc;
    struct text *kept = arena_alloc(&x->in->cache_arena, sizeof *kept);
    s = kept ? idmap_put(&x->in->regions, &x->in->cache_arena, key, NULL) : NULL;
    if (!s) return error_memory(err);
    *kept = *ret;
    s->value.p = kept;
    return 0;
}

/* ---- keys of the batch, asked for at once */

struct asked_keys {
    struct resolving *x;
    const int64_t *keys;
};

static int key_there(void *arg, size_t asked, int64_t id, struct error *err) {
    struct asked_keys *k = arg;
    return cache_put(k->x->in, k->keys[asked], id) < 0 ? error_memory(err) : 0;
}

static int prefetch_register(struct resolving *x, const struct register_decl *reg, const int64_t *keys, size_t n, struct error *err) {
    struct lookup_entry *asked = arena_alloc(&x->b->arena, n * sizeof *asked);
    struct asked_keys k = {x, keys};
    struct ledger *l = x->in->ledger;
    if (!asked) return error_memory(err);
    for (size_t i = 0; i < n; i++) asked[i] = lookup_entry_of(l->tables[reg->order]->by_key, keys[i], 0);
    return lookup_find_many(l->db, asked, n, 0, key_there, &k, err);
}

static bool wanted(struct resolving *x, int64_t key) {
    return !idmap_find(&x->in->cache, key);
}

struct wanted_keys {
    int64_t *keys;
    size_t n, cap;
};

static int want(struct resolving *x, struct wanted_keys *list, int64_t key, struct error *err) {
    if (!wanted(x, key)) return 0;
    if (!arena_room(&x->b->arena, &list->keys, &list->cap, list->n + 1, sizeof *list->keys)) return error_memory(err);
    list->keys[list->n++] = key;
    return 0;
}

static int want_item(struct resolving *x, const struct row *r, size_t k, struct wanted_keys *lists, struct error *err) {
    const struct map_item *it = &r->result.items[k];
    bool asks = it->only_new || it->match || r->partial[k] || r->defaulted[k];
    int rc = it->outside_key.n && asks ? want(x, &lists[it->reg->order], it->key, err) : 0;
    for (size_t f = 0; !rc && f < it->n_refs; f++)
        if (it->refs[f].by == BY_KEY) rc = want(x, &lists[it->refs[f].target->order], it->refs[f].key, err);
    return rc;
}

static int prefetch(struct resolving *x, struct error *err) {
    const struct catalog *c = x->in->ledger->catalog;
    struct wanted_keys *lists = arena_alloc(&x->b->arena, (c->n_registers + 1) * sizeof *lists);
    int rc = lists ? 0 : error_memory(err);
    for (size_t i = 0; !rc && i < x->b->n; i++) {
        const struct row *r = &x->b->rows[i];
        for (size_t k = 0; !rc && r->state == ROW_OPEN && k < r->result.n; k++) rc = want_item(x, r, k, lists, err);
    }
    for (size_t g = 0; !rc && g < c->n_registers; g++)
        if (lists[g].n) rc = prefetch_register(x, &c->registers[g], lists[g].keys, lists[g].n, err);
    return rc;
}

static int match_all(struct resolving *x, struct error *err) {
    size_t n = 0, total = 0;
    for (size_t i = 0; i < x->b->n; i++) total += x->b->rows[i].state == ROW_OPEN ? x->b->rows[i].result.n : 0;
    struct match *m = arena_alloc(&x->b->arena, (total + 1) * sizeof *m);
    struct match **home = arena_alloc(&x->b->arena, (total + 1) * sizeof *home);
    if (!m || !home) return error_memory(err);
    for (size_t i = 0; i < x->b->n; i++) {
        struct row *r = &x->b->rows[i];
        for (size_t k = 0; r->state == ROW_OPEN && k < r->result.n; k++) {
            const struct map_item *it = &r->result.items[k];
            struct match *own = &r->matches[k];
            own->id = own->candidate = 0;
            own->kind = MATCH_NONE;
            own->family = false;
            if (!own->has_document && !own->has_name) continue;
            if (it->outside_key.n && !wanted(x, it->key)) continue;
            home[n] = own;
            m[n++] = *own;
        }
    }
    int rc = match_persons(x->in->ledger, m, n, &x->b->arena, err);
    for (size_t i = 0; rc == 0 && i < n; i++) *home[i] = m[i];
    return rc;
}

/* ---- persons */

static struct called *called_of(const struct resolving *x, const struct match *m) {
    const struct idmap_slot *slot = m->has_phone && m->has_name ? idmap_find(&x->called, mix(m->phone, m->name, 2)) : NULL;
    return slot ? slot->value.p : NULL;
}

/* Does what this batch has said of who is known by phone and name stand against the row? */
static int check_learned(struct resolving *x, struct match *m) {
    struct idmap_slot *slot = m->id ? idmap_put(&x->learned, &x->b->arena, m->id, NULL) : NULL;
    struct match *said = slot ? slot->value.p : NULL;
    if (!slot) return m->id ? E_MEMORY : 0;
    if (said && m->kind == MATCH_PHONE_NAME && match_against(said, m)) {
        m->candidate = m->id;
        m->family = true;
        m->id = 0;
        return 0;
    }
    if (!said && !(slot->value.p = said = arena_alloc(&x->b->arena, sizeof *said))) return E_MEMORY;
    match_learn(said, m);
    return 0;
}

static int person(struct resolving *x, struct row *r, size_t i, size_t index) {
    struct match *m = &r->matches[i];
    struct draft *d = r->drafts[i];
    const struct idmap_slot *document = NULL, *twin = NULL;
    struct called *family = m->has_document ? NULL : called_of(x, m), *same = family;
    int64_t by_document = mix(m->document, 1, 1);
    int64_t by_birth = mix(m->name, m->birth, 3 + (m->sex.n ? (unsigned char)m->sex.s[0] : 0));
    bool birth = m->has_name && m->has_birth && m->sex.n;
    if (check_learned(x, m) < 0) return E_MEMORY;
    if (m->id) {
        d->verb = DRAFT_CHANGE;
        d->id = m->id;
        match_as_known(d, m->kind);
        r->n_matched++;
        return 0;
    }
    if (m->has_document) document = idmap_find(&x->people, by_document);
    while (same && match_against(&same->is, m)) same = same->next;
    if (same) match_learn(&same->is, m);
    if (same || document) {
        const struct draft *first = x->drafts[same ? same->index : (size_t)document->value.i - 1];
        d->outside_key = first->outside_key;
        d->key = first->key;
        d->has_key = first->has_key;
        match_as_known(d, m->has_document ? MATCH_DOCUMENT : MATCH_PHONE_NAME);
        r->n_matched++;
        return 0;
    }
    if (birth && !m->has_document) twin = idmap_find(&x->people, by_birth);
    r->twin_of = (uint32_t)index + 1;
    r->twin = m->candidate;
    r->family = m->family || (family && !m->candidate);
    r->twin_draft = m->candidate ? 0 : family ? (uint32_t)family->index + 1 : twin ? (uint32_t)twin->value.i : 0;
    return 0;
}

static int remember_called(struct resolving *x, const struct match *m, size_t index) {
    struct idmap_slot *slot = idmap_put(&x->called, &x->b->arena, mix(m->phone, m->name, 2), NULL);
    struct called *c = slot ? arena_alloc(&x->b->arena, sizeof *c) : NULL, *last = slot ? slot->value.p : NULL;
    if (!c) return E_MEMORY;
    *c = (struct called){.is = *m, .index = index};
    for (struct called *k = last; k; last = k, k = k->next)
        if (!match_against(&k->is, m)) return 0; /* it is that one */
    if (last) last->next = c;
    else slot->value.p = c;
    return 0;
}

/* A new person of an accepted row is who later rows of the batch may mean. */
static int remember(struct resolving *x, const struct match *m, size_t index) {
    int rc = 0;
    if (m->id) return 0;
    if (m->has_document) rc = put(x, &x->people, mix(m->document, 1, 1), index, true);
    if (rc == 0 && m->has_phone && m->has_name) rc = remember_called(x, m, index);
    if (rc == 0 && m->has_name && m->has_birth && m->sex.n)
        rc = put(x, &x->people, mix(m->name, m->birth, 3 + (unsigned char)m->sex.s[0]), index, true);
    return rc;
}

/* ---- rows */

static void restore(struct row *r, size_t i) {
    struct draft *d = r->drafts[i];
    const struct map_item *it = &r->result.items[i];
    for (size_t k = 0; k < it->n_refs; k++) d->links[it->refs[k].field] = 0;
    d->verb = DRAFT_UPSERT;
    if (it->outside_key.n) d->has_key = true;
    d->aside = it->keeps ? ~((uint64_t)1 << it->keep_to) : 0;
    d->aside_to = it->keep_to;
    if (!r->resolved) return; /* as it was prepared */
    memset(d->values, 0, d->reg->n_fields * sizeof *d->values); /* ABSENT */
    for (size_t k = 0; k < r->kept[i].n; k++) d->values[r->kept[i].cells[k].field] = r->kept[i].cells[k].v;
    d->id = 0;
    d->has_key = it->outside_key.n || r->kept[i].has_key;
    d->outside_key = it->outside_key;
    d->outcome = OUTCOME_NONE;
    d->ret_id = 0;
    d->ret_version = 0;
    d->ret_similar = 0;
    d->aside_old = 0;
    d->ret_aside = false;
    d->error = (struct error){0};
}

/* Without a key of its own or of its register, a record is known by what its row says. */
static int own_key(struct resolving *x, struct row *r, size_t i, struct error *err) {
    struct draft *d = r->drafts[i];
    struct arena *a = &x->b->arena;
    if (r->result.items[i].own_id) { /* written by this node: that record takes the cells */
        d->verb = DRAFT_CHANGE;
        d->id = r->result.items[i].own_id;
        return 0;
    }
    if (!d->outside_key.n && !d->reg->n_key) {
        /* nearly always the first of its content, and that one's name and key were made beforehand */
        if (r->occurrence == 1 && r->own[i].name.n) {
            d->outside_key = r->own[i].name;
            d->key = r->own[i].key;
            d->has_key = true;
            return 0;
        }
        d->outside_key = row_name(a, r->content, r->occurrence, i);
        if (!d->outside_key.s) return error_memory(err);
    }
    if (!d->outside_key.n) return 0;
    d->key = d->outside_key.s == r->result.items[i].outside_key.s ? r->result.items[i].key : record_outside_key(d->reg, d->outside_key, a);
    d->has_key = true;
    return 0;
}

/* A record that is there takes the row's cells and no defaults. 1: it is not there, and the row says too little to make it. */
static int add_to_known(struct resolving *x, struct row *r, size_t i, struct map_reason *why) {
    struct draft *d = r->drafts[i];
    const struct map_item *it = &r->result.items[i];
    struct place at = {0};
    if (!it->outside_key.n || (!r->partial[i] && !r->defaulted[i])) return 0;
    if (!known(x, d->key, &at)) {
        if (!r->partial[i]) return 0;
        const struct field *f = NULL;
        for (size_t k = 0; k < d->reg->n_fields && !f; k++)
            if (d->reg->fields[k].required && d->values[k].kind == VALUE_ABSENT && !(d->links && d->links[k]) && d->reg->fields[k].copy_reference < 0) f = &d->reg->fields[k];
        const char *zh = it->reg->zh.n ? it->reg->zh.s : it->reg->name.s;
        *why = (struct map_reason){.code = E_INVALID, .field = f ? f->name : (struct text){"", 0}};
        snprintf(why->zh, sizeof why->zh, "%s：尚无此记录，且缺必填项%s", zh, f && f->zh.n ? f->zh.s : "");
        snprintf(why->en, sizeof why->en, "%s: there is no such record yet, and the row lacks %s, which a new one must have", it->reg->name.s,
                 f ? f->name.s : "a field");
        r->lacks = true;
        return 1;
    }
    for (size_t f = 0; r->defaulted[i] && f < d->reg->n_fields; f++)
        if (r->defaulted[i][f]) d->values[f] = (struct value){.kind = VALUE_ABSENT};
    if (!at.id) return 0; /* made in this batch: the same key is the same record */
    d->verb = DRAFT_CHANGE;
    d->id = at.id;
    return 0;
}

/* A word that names a person may be a number of a document. */
static bool tells_somebody(const struct map_ref *ref) {
    for (size_t i = 0; ref->target && i < ref->target->n_fields; i++)
        if (ref->target->fields[i].blind != BLIND_NONE) return true;
    return false;
}

static void missing(const struct map_item *it, const struct map_ref *ref, struct map_reason *why) {
    char value[90] = "";
    size_t n = ref->text.n < 60 ? ref->text.n : 60;
    while (n < ref->text.n && n > 0 && ((unsigned char)ref->text.s[n] & 0xC0) == 0x80) n--;
    if (ref->text.n && (!tells_somebody(ref) || origin_named(ref->text))) snprintf(value, sizeof value, " \"%.*s\"%s", (int)n, ref->text.s, n < ref->text.n ? "..." : "");
    const struct field *f = &it->reg->fields[ref->field];
    const char *zh = ref->by == BY_REGION ? "地区" : ref->target->zh.n ? ref->target->zh.s : ref->target->name.s;
    why->code = E_UNKNOWN;
    why->field = f->name;
    snprintf(why->zh, sizeof why->zh, "%s %s：所指%s%s不存在或不唯一", it->reg->zh.n ? it->reg->zh.s : it->reg->name.s, f->zh.n ? f->zh.s : f->name.s, zh, value);
    snprintf(why->en, sizeof why->en, "%s.%s: the %s%s it refers to is not there, or not the only one", it->reg->name.s, f->name.s,
             ref->by == BY_REGION ? "region" : ref->target->name.s, value);
}

/* 1: the record cannot be written now (why says it). */
static int references(struct resolving *x, struct row *r, size_t i, const struct place *places, struct map_reason *why, struct error *err) {
    const struct map_item *it = &r->result.items[i];
    struct draft *d = r->drafts[i];
    if (it->region_title.n) {
        int rc = region_of(x, it->region_title, &d->region, err);
        if (rc < 0) return rc;
    }
    for (size_t k = 0; k < it->n_refs; k++) {
        const struct map_ref *ref = &it->refs[k];
        struct place at = {0};
        int rc = 0;
        if (ref->by == BY_REGION) {
            struct text code = {"", 0};
            if ((rc = region_of(x, ref->text, &code, err)) < 0) return rc;
            d->values[ref->field] = code.n ? value_text(code) : (struct value){.kind = VALUE_ABSENT};
            if (code.n || ref->missing == MISSING_EMPTY) {
                if (!code.n) missing(it, ref, why);
                if (!code.n && batch_note(x->b, NOTE_REFERENCE, r->line, why) < 0) return error_memory(err);
                continue;
            }
        } else if (ref->by == BY_ID) {
            at.id = ref->id;
        } else if (ref->row >= 0) {
            at = places[ref->row];
        } else if ((ref->by == BY_KEY && in_row(r, i, places, ref, &at)) || (rc = find(x, ref, &at, err)) == 0) {
        } else {
            return rc;
        }
        if (at.id) d->values[ref->field] = value_int(at.id);
        if (at.draft) d->links[ref->field] = at.draft;
        if (at.id || at.draft) continue;
        if (ref->by == BY_ROW && it->optional == false && !it->reg->fields[ref->field].required) continue;
        missing(it, ref, why);
        if (ref->by != BY_REGION) r->lacks = true;
        if (ref->missing != MISSING_EMPTY) return 1;
        if (x->in->final && batch_note(x->b, NOTE_REFERENCE, r->line, why) < 0) return error_memory(err);
    }
    return 0;
}

/* What need not be made because it is there. */
static int drop_known(struct resolving *x, struct row *r, struct place *places, bool *dropped, struct error *err) {
    for (size_t i = 0; i < r->result.n; i++) {
        const struct map_item *it = &r->result.items[i];
        if (it->only_new && it->outside_key.n) dropped[i] = known(x, it->key, &places[i]);
        for (size_t k = 0; k < it->n_refs; k++) {
            const struct map_ref *ref = &it->refs[k];
            if (ref->by != BY_FIELD || ref->row < 0) continue;
            int rc = find(x, ref, &places[ref->row], err);
            if (rc < 0) return rc;
            dropped[ref->row] = places[ref->row].id || places[ref->row].draft;
        }
    }
    return 0;
}

static int append(struct resolving *x, struct draft *d) {
    if (!arena_room(&x->b->arena, &x->drafts, &x->cap, x->n + 1, sizeof *x->drafts)) return E_MEMORY;
    x->drafts[x->n++] = d;
    return 0;
}

/* The references by title that lead to this new record lead to it for the rest of the batch. */
static int publish(struct resolving *x, struct row *r, size_t i, size_t index) {
    const struct draft *d = r->drafts[i];
    int rc = r->result.items[i].outside_key.n ? put(x, &x->made, r->result.items[i].key, index, true) : 0;
    if (rc == 0 && r->result.items[i].match && d->reg == x->in->person) rc = remember(x, &r->matches[i], index);
    for (size_t j = 0; rc == 0 && j < r->result.n; j++)
        for (size_t k = 0; rc == 0 && k < r->result.items[j].n_refs; k++) {
            const struct map_ref *ref = &r->result.items[j].refs[k];
            if (ref->by == BY_FIELD && ref->row == (int)i) rc = put(x, &x->made, ref->key, index, true);
        }
    return rc;
}

static int resolve_row(struct resolving *x, struct row *r, struct error *err) {
    size_t n = r->result.n, before = x->n;
    struct place *places = arena_alloc(&x->b->arena, (n + 1) * sizeof *places);
    bool *dropped = arena_alloc(&x->b->arena, n + 1);
    struct map_reason why = {0};
    if (!places || !dropped) return error_memory(err);
    r->lacks = false;
    r->n_matched = 0;
    r->twin_of = r->twin_draft = 0;
    r->twin = 0;
    r->family = false;
    int rc = drop_known(x, r, places, dropped, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!r->drafts[i] || dropped[i]) continue;
        restore(r, i);
        rc = own_key(x, r, i, err);
        if (rc == 0 && !r->result.items[i].own_id) rc = add_to_known(x, r, i, &why);
        if (rc == 0 && r->drafts[i]->verb != DRAFT_CHANGE && r->result.items[i].match && r->result.items[i].reg == x->in->person)
            rc = person(x, r, i, x->n) < 0 ? error_memory(err) : 0;
        if (rc == 0) rc = references(x, r, i, places, &why, err);
        if (rc > 0 && r->result.items[i].optional) {
            rc = x->in->final && batch_note(x->b, NOTE_REFERENCE, r->line, &why) < 0 ? error_memory(err) : 0;
            continue;
        }
        if (rc != 0) break;
        places[i] = (struct place){.draft = (uint32_t)x->n + 1};
        if (r->drafts[i]->verb == DRAFT_CHANGE) places[i] = (struct place){.id = r->drafts[i]->id};
        if (append(x, r->drafts[i]) < 0) return error_memory(err);
    }
    r->resolved = true;
    if (rc < 0) return rc;
    if (rc > 0) {
        x->n = before;
        if (x->in->final || !r->lacks) {
            row_refuse(x->b, r, &why);
        } else {
            r->state = ROW_LATER;
        }
        return 0;
    }
    r->state = ROW_STORED;
    for (size_t i = 0; i < n; i++) {
        const struct map_item *it = &r->result.items[i];
        if (places[i].draft && !dropped[i] && publish(x, r, i, places[i].draft - 1) < 0) return error_memory(err);
        if (places[i].id && it->outside_key.n && cache_put(x->in, it->key, places[i].id) < 0)
            return error_memory(err);
    }
    return 0;
}

int batch_resolve(struct intake *in, struct batch *b, struct error *err) {
    struct resolving x = {.in = in, .b = b};
    for (size_t i = 0; i < b->n; i++)
        if (b->rows[i].state == ROW_STORED) b->rows[i].state = ROW_OPEN;
    int rc = prefetch(&x, err);
    if (rc == 0) rc = match_all(&x, err);
    for (size_t i = 0; rc == 0 && i < b->n; i++)
        if (b->rows[i].state == ROW_OPEN) rc = resolve_row(&x, &b->rows[i], err);
    if (rc < 0) return rc;
    b->drafts = x.drafts;
    b->n_drafts = x.n;
    return 0;
}
