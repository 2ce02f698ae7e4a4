#include "desks/intake/match.h"

#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"

enum { CHUNK = 128 };

static int out_of_memory(struct error *err) {
    return error_set(err, E_MEMORY, NULL, "out of memory");
}

void match_of(const struct draft *d, struct match *ret) {
    struct match m = {.sex = {"", 0}};
    for (size_t i = 0; i < d->n_blind; i++) {
        if (d->blind_kind[i] == BLIND_DOCUMENT && !m.has_document) m.has_document = true, m.document = d->blind[i];
        if (d->blind_kind[i] == BLIND_PHONE && !m.has_phone) m.has_phone = true, m.phone = d->blind[i];
        if (d->blind_kind[i] == BLIND_NAME && !m.has_name) m.has_name = true, m.name = d->blind[i];
    }
    int birth = register_field(d->reg, TEXT("birth")), sex = register_field(d->reg, TEXT("sex"));
    if (birth >= 0 && d->values[birth].kind == VALUE_INT) m.has_birth = true, m.birth = (day)d->values[birth].i;
    if (sex >= 0) m.sex = value_view(d->values[sex]);
    *ret = m;
}

static int int_cmp(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Calls `found` with the two integers of every row of a query whose IN list holds the keys, CHUNK at a time. sql ends before the list. */
static int look_up(struct ledger *l, struct arena *a, const char *sql, const char *tail, int kind, int64_t *keys, size_t n,
                   int (*found)(void *arg, int64_t x, int64_t y), void *arg, struct error *err) {
    struct buf text = {0};
    struct value params[CHUNK + 1];
    int rc = 0;
    if (!n) return 0;
    qsort(keys, n, sizeof *keys, int_cmp);
    buf_str(&text, sql);
    for (int i = 0; i < CHUNK; i++) buf_printf(&text, "%s?%d", i ? "," : "(", i + 2);
    buf_printf(&text, ")%s", tail);
    char *whole = text.failed ? NULL : arena_str(a, buf_cstr(&text));
    buf_clear(&text);
    if (!whole) return out_of_memory(err);
    params[0] = value_int(kind);
    for (size_t from = 0; rc == 0 && from < n; from += CHUNK) {
        struct db_cursor *c = NULL;
        const struct value *row = NULL;
        for (size_t i = 0; i < CHUNK; i++) params[i + 1] = value_int(keys[from + i < n ? from + i : n - 1]);
        rc = db_query(l->db, whole, params, CHUNK + 1, &c, err);
        while (rc == 0 && (rc = db_next(c, &row, err)) > 0) rc = found(arg, value_int_or(row[0], 0), value_int_or(row[1], 0));
        db_cursor_close(c);
    }
    return rc;
}

struct hits {
    struct arena *arena;
    struct idmap map;
};

static int keep_first(void *arg, int64_t hash, int64_t holder) {
    struct hits *h = arg;
    bool fresh = false;
    struct idmap_slot *s = idmap_put(&h->map, h->arena, hash, &fresh);
    if (!s) return E_MEMORY;
    if (fresh || holder < s->value.i) s->value.i = holder;
    return 0;
}

static int by_document(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err) {
    struct hits h = {.arena = a};
    int64_t *keys = arena_alloc(a, (n + 1) * sizeof *keys);
    size_t k = 0;
    if (!keys) return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        if (m[i].has_document) keys[k++] = m[i].document;
    int rc = look_up(l, a, "SELECT \"hash\",\"holder\" FROM \"blind\" WHERE \"kind\"=?1 AND \"hash\" IN ", "", BLIND_DOCUMENT, keys, k, keep_first, &h, err);
    if (rc < 0) return rc == E_MEMORY ? out_of_memory(err) : rc;
    for (size_t i = 0; i < n; i++) {
        struct idmap_slot *s = m[i].has_document ? idmap_find(&h.map, m[i].document) : NULL;
        if (!s) continue;
        m[i].id = s->value.i;
        m[i].kind = MATCH_DOCUMENT;
    }
    return 0;
}

struct pair {
    int64_t hash, holder;
};

struct pairs {
    struct arena *arena;
    struct pair *p;
    size_t n, cap;
};

static int keep_pair(void *arg, int64_t hash, int64_t holder) {
    struct pairs *x = arg;
    if (x->n == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 256;
        struct pair *grown = arena_alloc(x->arena, cap * sizeof *grown);
        if (!grown) return E_MEMORY;
        if (x->n) memcpy(grown, x->p, x->n * sizeof *grown);
        x->p = grown;
        x->cap = cap;
    }
    x->p[x->n++] = (struct pair){hash, holder};
    return 0;
}

static int pair_cmp(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    if (x->hash != y->hash) return x->hash > y->hash ? 1 : -1;
    return (x->holder > y->holder) - (x->holder < y->holder);
}

/* Does this person carry this name? */
static int named(struct ledger *l, struct arena *a, int64_t holder, int64_t name, bool *ret, struct error *err) {
    struct value params[] = {value_int(BLIND_NAME), value_int(name), value_int(holder)}, v = value_null();
    int rc = db_scalar(l->db, a, "SELECT 1 FROM \"blind\" WHERE \"kind\"=?1 AND \"hash\"=?2 AND \"holder\"=?3", params, 3, &v, err);
    *ret = v.kind == VALUE_INT;
    return rc;
}

static int without_document(struct ledger *l, struct arena *a, int64_t holder, bool *ret, struct error *err) {
    struct value param = value_int(holder), v = value_null();
    int rc = db_scalar(l->db, a, "SELECT 1 FROM \"person\" WHERE \"id\"=?1 AND \"doc_no\" IS NULL", &param, 1, &v, err);
    *ret = v.kind == VALUE_INT;
    return rc;
}

static int by_phone(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err) {
    struct pairs x = {.arena = a};
    int64_t *keys = arena_alloc(a, (n + 1) * sizeof *keys);
    size_t k = 0;
    if (!keys) return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        if (!m[i].id && m[i].has_phone && m[i].has_name) keys[k++] = m[i].phone;
    int rc = look_up(l, a, "SELECT \"hash\",\"holder\" FROM \"blind\" WHERE \"kind\"=?1 AND \"hash\" IN ", "", BLIND_PHONE, keys, k, keep_pair, &x, err);
    if (rc < 0) return rc == E_MEMORY ? out_of_memory(err) : rc;
    if (!x.n) return 0;
    qsort(x.p, x.n, sizeof *x.p, pair_cmp);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (m[i].id || !m[i].has_phone || !m[i].has_name) continue;
        size_t low = 0, high = x.n;
        while (low < high) {
            size_t mid = (low + high) / 2;
            if (x.p[mid].hash < m[i].phone)
                low = mid + 1;
            else
                high = mid;
        }
        for (; rc == 0 && !m[i].id && low < x.n && x.p[low].hash == m[i].phone; low++) {
            bool same = false, free_of = true;
            rc = named(l, a, x.p[low].holder, m[i].name, &same, err);
            if (rc == 0 && same && m[i].has_document) rc = without_document(l, a, x.p[low].holder, &free_of, err);
            if (rc < 0 || !same || !free_of) continue;
            m[i].id = x.p[low].holder;
            m[i].kind = MATCH_PHONE_NAME;
        }
    }
    return rc;
}

/* Same name, birth and sex among those without a document in the row: with one, the document decides. */
static int candidates(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (m[i].id || m[i].has_document || !m[i].has_name || !m[i].has_birth || !m[i].sex.n) continue;
        struct value params[] = {value_int(BLIND_NAME), value_int(m[i].name), value_int(m[i].birth), value_text(m[i].sex)}, v = value_null();
        rc = db_scalar(l->db, a,
                       "SELECT p.\"id\" FROM (SELECT \"holder\" FROM \"blind\" WHERE \"kind\"=?1 AND \"hash\"=?2 ORDER BY \"holder\" LIMIT 50) b "
                       "JOIN \"person\" p ON p.\"id\"=b.\"holder\" WHERE p.\"birth\"=?3 AND p.\"sex\"=?4 LIMIT 1",
                       params, 4, &v, err);
        m[i].candidate = value_int_or(v, 0);
    }
    return rc;
}

/* A person that was merged is the one it was merged into. */
static int follow_merged(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err) {
    int64_t *keys = arena_alloc(a, (n + 1) * sizeof *keys);
    if (!keys) return out_of_memory(err);
    for (int round = 0; round < 8; round++) {
        struct hits h = {.arena = a};
        size_t k = 0;
        bool any = false;
        for (size_t i = 0; i < n; i++)
            if (m[i].id) keys[k++] = m[i].id;
        int rc = look_up(l, a, "SELECT \"id\",\"merged_into\" FROM \"person\" WHERE 0=?1 AND \"merged_into\" IS NOT NULL AND \"id\" IN ", "", 0, keys, k,
                         keep_first, &h, err);
        if (rc < 0) return rc == E_MEMORY ? out_of_memory(err) : rc;
        for (size_t i = 0; i < n; i++) {
            struct idmap_slot *s = m[i].id ? idmap_find(&h.map, m[i].id) : NULL;
            if (!s) continue;
            m[i].id = s->value.i;
            any = true;
        }
        if (!any) return 0;
    }
    return 0;
}

int match_persons(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err) {
    int rc = by_document(l, m, n, a, err);
    if (rc == 0) rc = by_phone(l, m, n, a, err);
    if (rc == 0) rc = follow_merged(l, m, n, a, err);
    if (rc == 0) rc = candidates(l, m, n, a, err);
    return rc;
}
