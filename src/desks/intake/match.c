#include "desks/intake/match.h"

#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "desks/person.h"
#include "ledger/lookup.h"

/* A phone or a name of very many people is compared with the first of them; merges lead on at most so often. */
enum { NAMESAKES = 50, PHONE_HOLDERS = 200, MERGES = 8 };
/* Birth dates and ages are mistyped by years; parent and child lie further apart. */
enum { GENERATION = 13 };

static int64_t years_of(struct value age, struct text unit) {
    return !unit.n || text_is(unit, "year") ? age.i : 0;
}

static bool told(struct text sex) {
    return sex.n && !text_is(sex, "unknown") && !text_is(sex, "unspecified");
}

bool match_against(const struct match *a, const struct match *b) {
    bool sexes = told(a->sex) && told(b->sex) && !text_eq(a->sex, b->sex);
    int64_t apart = a->has_birth && b->has_birth ? ((int64_t)a->birth - b->birth) / 365 : a->has_age && b->has_age ? a->age - b->age : 0;
    return sexes || apart >= GENERATION || apart <= -GENERATION;
}

void match_learn(struct match *a, const struct match *b) {
    if (!a->sex.n) a->sex = b->sex;
    if (!a->has_birth) a->has_birth = b->has_birth, a->birth = b->birth;
    if (!a->has_age) a->has_age = b->has_age, a->age = b->age;
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
    int age = register_field(d->reg, TEXT("age")), unit = register_field(d->reg, TEXT("age_unit"));
    if (age >= 0 && d->values[age].kind == VALUE_INT) m.has_age = true, m.age = years_of(d->values[age], unit >= 0 ? value_view(d->values[unit]) : (struct text){"", 0});
    *ret = m;
}

struct answer {
    size_t match;
    int64_t holder;
    bool good, against;
};

/* What is asked of the lookup for some of the matches, and who answered. */
struct asking {
    struct match *m;
    size_t *index; /* of each asked entry: the match that asks */
    struct lookup_entry *asked;
    size_t n;
    struct arena *arena;
    struct answer *answers;
    size_t n_answers, cap;
};

static int asking_new(struct asking *q, struct match *m, size_t n, struct arena *a, struct error *err) {
    *q = (struct asking){.m = m, .arena = a};
    q->index = arena_alloc(a, (n + 1) * sizeof *q->index);
    q->asked = arena_alloc(a, (n + 1) * sizeof *q->asked);
    return q->index && q->asked ? 0 : error_memory(err);
}

static void ask(struct asking *q, enum field_blind kind, int64_t hash, int64_t holder, size_t index) {
    q->asked[q->n] = lookup_entry_of(lookup_blind(kind), hash, holder);
    q->index[q->n++] = index;
}

static int keep_document(void *arg, size_t asked, int64_t holder, struct error *err) {
    struct asking *q = arg;
    struct match *m = &q->m[q->index[asked]];
    (void)err;
    if (!m->id || holder < m->id) m->id = holder;
    m->kind = MATCH_DOCUMENT;
    return 0;
}

static int by_document(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err) {
    struct asking q;
    int rc = asking_new(&q, m, n, a, err);
    for (size_t i = 0; !rc && i < n; i++)
        if (m[i].has_document) ask(&q, BLIND_DOCUMENT, m[i].document, 0, i);
    return rc ? rc : lookup_find_many(l->db, q.asked, q.n, 0, keep_document, &q, err);
}

static int keep_answer(void *arg, size_t asked, int64_t holder, struct error *err) {
    struct asking *q = arg;
    if (!arena_room(q->arena, &q->answers, &q->cap, q->n_answers + 1, sizeof *q->answers)) return error_memory(err);
    q->answers[q->n_answers++] = (struct answer){q->index[asked], holder, false, false};
    return 0;
}

static int answer_cmp(const void *a, const void *b) {
    const struct answer *x = a, *y = b;
    if (x->match != y->match) return x->match < y->match ? -1 : 1;
    return (x->holder > y->holder) - (x->holder < y->holder);
}

/* Here the index of an asked entry is that of the answer it is about. */
static int name_fits(void *arg, size_t asked, int64_t holder, struct error *err) {
    struct asking *q = arg;
    (void)holder, (void)err;
    q->answers[q->index[asked]].good = true;
    return 0;
}

/* Neither this person nor who it was merged into has a document. */
static int without_document(struct ledger *l, int64_t holder, bool *ret, struct error *err) {
    *ret = true;
    for (int round = 0; *ret && holder && round < MERGES; round++) {
        struct value param = value_int(holder);
        struct db_cursor *c = NULL;
        const struct value *row;
        int rc = db_query(l->db, "SELECT \"merged_into\" FROM \"person\" WHERE \"id\"=?1 AND \"doc_no\" IS NULL", &param, 1, &c, err);
        if (!rc) rc = db_next(c, &row, err);
        *ret = rc > 0;
        if (rc > 0) holder = value_int_or(row[0], 0);
        db_cursor_close(c);
        if (rc < 0) return rc;
    }
    return 0;
}

/* Who answered to the phones and carries the name too: which answers are good. */
static int phones_with_names(struct ledger *l, struct match *m, size_t n, struct arena *a, struct asking *q, struct error *err) {
    int rc = asking_new(q, m, n, a, err);
    for (size_t i = 0; !rc && i < n; i++)
        if (!m[i].id && m[i].has_phone && m[i].has_name) ask(q, BLIND_PHONE, m[i].phone, 0, i);
    if (!rc) rc = lookup_find_many(l->db, q->asked, q->n, PHONE_HOLDERS, keep_answer, q, err);
    if (rc < 0 || !q->n_answers) return rc;
    qsort(q->answers, q->n_answers, sizeof *q->answers, answer_cmp);
    struct asking names;
    rc = asking_new(&names, m, q->n_answers, a, err);
    names.answers = q->answers;
    for (size_t i = 0; !rc && i < q->n_answers; i++) ask(&names, BLIND_NAME, m[q->answers[i].match].name, q->answers[i].holder, i);
    return rc ? rc : lookup_find_many(l->db, names.asked, names.n, 1, name_fits, &names, err);
}

/* One who answered, as he is known. */
static int known(void *arg, const struct value *row, struct error *err) {
    struct asking *q = arg;
    struct match m = {.sex = value_view(row[1]), .has_birth = row[2].kind == VALUE_INT, .has_age = row[3].kind == VALUE_INT};
    if (m.has_birth) m.birth = (day)row[2].i;
    if (m.has_age) m.age = years_of(row[3], value_view(row[4]));
    (void)err;
    for (size_t i = 0; i < q->n_answers; i++)
        if (q->answers[i].holder == row[0].i) q->answers[i].against = match_against(&q->m[q->answers[i].match], &m);
    return 0;
}

/* What is known of who answered may stand against it. A few hundred at a time, so that each row read is compared with few answers. */
static int compare(struct ledger *l, struct asking *q, struct error *err) {
    enum { CHUNK = 128 };
    int rc = 0;
    for (size_t from = 0, to; !rc && from < q->n_answers; from = to) {
        struct asking some = {.m = q->m, .answers = q->answers + from};
        int64_t ids[CHUNK];
        size_t n = 0;
        for (to = from; to < q->n_answers && n < CHUNK; to++) {
            const struct match *m = &q->m[q->answers[to].match];
            if (q->answers[to].good && (m->sex.n || m->has_birth || m->has_age)) ids[n++] = q->answers[to].holder;
        }
        some.n_answers = to - from;
        if (n) rc = db_query_in(l->db, "SELECT \"id\",\"sex\",\"birth\",\"age\",\"age_unit\" FROM \"person\" WHERE \"id\"", "", ids, ids_distinct(ids, n), known, &some, err);
    }
    return rc;
}

static int by_phone(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err) {
    struct asking q;
    int rc = phones_with_names(l, m, n, a, &q, err);
    if (!rc) rc = compare(l, &q, err);
    for (size_t i = 0; !rc && i < q.n_answers; i++) {
        struct match *one = &m[q.answers[i].match];
        bool free_of = true;
        if (one->id || !q.answers[i].good) continue;
        if (q.answers[i].against) {
            if (!one->candidate) one->candidate = q.answers[i].holder, one->family = true;
            continue;
        }
        if (one->has_document) rc = without_document(l, q.answers[i].holder, &free_of, err);
        if (rc < 0 || !free_of) continue;
        one->id = q.answers[i].holder;
        one->kind = MATCH_PHONE_NAME;
    }
    return rc;
}

/* One of these persons with this birth date and sex; where it was merged, who it is now. */
static int alike(struct ledger *l, struct arena *a, const struct answer *list, size_t n, struct match *m, struct error *err) {
    static const char select[] = "SELECT \"id\" FROM \"person\" WHERE \"birth\"=?1 AND \"sex\"=?2 AND \"id\" IN (";
    struct buf sql = {0};
    struct value params[NAMESAKES + 2], v = value_null();
    size_t shape = n <= 4 ? 4 : NAMESAKES, k = 2;
    params[0] = value_int(m->birth);
    params[1] = value_text(m->sex);
    for (size_t i = 0; i < n && k < shape + 2; i++)
        if (!i || list[i].holder != list[i - 1].holder) params[k++] = value_int(list[i].holder);
    for (; k < shape + 2; k++) params[k] = params[k - 1];
    buf_str(&sql, select);
    for (size_t i = 2; i < shape + 2; i++) buf_printf(&sql, "%s?%zu", i > 2 ? "," : "", i + 1);
    buf_str(&sql, ") ORDER BY \"id\" LIMIT 1");
    int rc = sql.failed ? error_memory(err) : db_scalar(l->db, a, buf_cstr(&sql), params, k, &v, err);
    buf_clear(&sql);
    for (int round = 0; !rc && v.kind == VALUE_INT && round < MERGES; round++) {
        m->candidate = v.i;
        rc = db_scalar(l->db, a, "SELECT \"merged_into\" FROM \"person\" WHERE \"id\"=?1", &(struct value){.kind = VALUE_INT, .i = m->candidate}, 1, &v, err);
    }
    return rc;
}

/* Same name, birth and sex among those without a document in the row: with one, the document decides. */
static int candidates(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err) {
    struct asking q;
    int rc = asking_new(&q, m, n, a, err);
    for (size_t i = 0; !rc && i < n; i++)
        if (!m[i].id && !m[i].candidate && !m[i].has_document && m[i].has_name && m[i].has_birth && m[i].sex.n) ask(&q, BLIND_NAME, m[i].name, 0, i);
    if (!rc) rc = lookup_find_many(l->db, q.asked, q.n, NAMESAKES, keep_answer, &q, err);
    if (rc < 0 || !q.n_answers) return rc;
    qsort(q.answers, q.n_answers, sizeof *q.answers, answer_cmp);
    for (size_t from = 0, to; !rc && from < q.n_answers; from = to) {
        for (to = from + 1; to < q.n_answers && q.answers[to].match == q.answers[from].match;) to++;
        rc = alike(l, a, q.answers + from, to - from, &m[q.answers[from].match], err);
    }
    return rc;
}

/* A person that was merged is the one it was merged into. */
static int follow_merged(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err) {
    int64_t *ids = arena_alloc(a, (n + 1) * sizeof *ids);
    size_t k = 0;
    if (!ids) return error_memory(err);
    for (size_t i = 0; i < n; i++)
        if (m[i].id) ids[k++] = m[i].id;
    int rc = person_now(l->db, ids, k, err);
    for (size_t i = k = 0; !rc && i < n; i++)
        if (m[i].id) m[i].id = ids[k++];
    return rc;
}

int match_persons(struct ledger *l, struct match *m, size_t n, struct arena *a, struct error *err) {
    int rc = by_document(l, m, n, a, err);
    if (rc == 0) rc = by_phone(l, m, n, a, err);
    if (rc == 0) rc = follow_merged(l, m, n, a, err);
    if (rc == 0) rc = candidates(l, m, n, a, err);
    return rc;
}
