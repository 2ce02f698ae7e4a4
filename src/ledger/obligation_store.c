/* How duties lie in the store. A row of `duty` is numbers and its region; its id is its holder's with a count behind it, so that the duties of a
 * holder lie together and need no index. What a rule is called, on which register it stands and whose desk it is are the
 * same for thousands of duties and stand once, in `duty_kind`. `duty_wake` says on which pages of holders the clock has to look, and from when on: one
 * row for all duties of a page that wake at the same second, where an index of wake times would have one for each; so the duties still to come stand in the
 * order of their time there. A page without a row has no open duty. Those that the clock has found late stand in an index of their own (duty_late), which costs only the clock. `duty_term` says on which pages what is
 * rarely asked for may be: a region's duties, a kind's, a party's.
 * Readers see none of this: the view `obligation` shows duties in words, the view `obligation_open` those that are open or standing. For counting many,
 * `phase` is the state and `kind` the rule, desk, register and plan as they are kept, in numbers: a word of each row costs more than the pass itself. */
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "ledger/book.h"

/* ---- tables. Most duties have nothing paid, missed, late or escalated, and their owner is of their own region: those cells are NULL, which
 * reads as 0 (owner_region: as region). An empty cell costs the writer next to nothing. */

#define LATE(d) d "\"state\" = 0 AND " d "\"wake_at\" IS DISTINCT FROM " d "\"due_at\""

const struct db_table *duty_table(void) {
    static const struct db_column columns[DU_COLUMNS] = {
        [DU_ID] = {"id", COLUMN_INT, true},                 [DU_REGION] = {"region", COLUMN_TEXT, true},
        [DU_RECORD] = {"record", COLUMN_INT, true},         [DU_KIND] = {"kind", COLUMN_INT, true},
        [DU_OCCURRENCE] = {"occurrence", COLUMN_INT, false},
        [DU_OWNER_KIND] = {"owner_kind", COLUMN_INT, true}, [DU_OWNER_STEP] = {"owner_step", COLUMN_INT, false},
        [DU_OWNER] = {"owner", COLUMN_INT, false},          [DU_OWNER_REGION] = {"owner_region", COLUMN_TEXT, false},
        [DU_RAISED_AT] = {"raised_at", COLUMN_INT, true},   [DU_ANCHOR] = {"anchor", COLUMN_INT, true},
        [DU_OWED] = {"owed", COLUMN_INT, true},             [DU_PAID] = {"paid", COLUMN_INT, false},
        [DU_MISSED] = {"missed", COLUMN_INT, false},        [DU_DUE_AT] = {"due_at", COLUMN_INT, false},
        [DU_WAKE_AT] = {"wake_at", COLUMN_INT, false},      [DU_LEVEL] = {"level", COLUMN_INT, false},
        [DU_STATE] = {"state", COLUMN_INT, true},           [DU_CLOSED_AT] = {"closed_at", COLUMN_INT, false},
        [DU_LATE] = {"late", COLUMN_INT, false},            [DU_PAID_BY] = {"paid_by", COLUMN_INT, false},
    };
    static const struct db_index indexes[] = {{"duty_closed", "closed_at", false, "\"closed_at\" IS NOT NULL"}, {"duty_late", "due_at", false, LATE("")}};
    static const struct db_table table = {.name = "duty", .key = "id", .partition = "region",
                                          .n_columns = DU_COLUMNS, .columns = columns, .n_indexes = 2, .indexes = indexes};
    return &table;
}

const struct db_table *duty_kind_table(void) {
    static const struct db_column columns[] = {{"id", COLUMN_INT, true}, {"pack", COLUMN_INT, true}, {"rule", COLUMN_TEXT, true}, {"register", COLUMN_TEXT, true},
                                               {"desk", COLUMN_TEXT, true}};
    static const struct db_table table = {.name = "duty_kind", .key = "id", .n_columns = 5, .columns = columns};
    return &table;
}

const struct db_table *duty_wake_table(void) {
    static const struct db_column columns[] = {{"at", COLUMN_INT, true}, {"page", COLUMN_INT, true}};
    static const struct db_table table = {.name = "duty_wake", .key = "at, page", .clustered = true, .n_columns = 2, .columns = columns};
    return &table;
}

const struct db_table *duty_term_table(void) {
    static const struct db_column columns[] = {{"what", COLUMN_TEXT, true}, {"page", COLUMN_INT, true}};
    static const struct db_table table = {.name = "duty_term", .key = "what, page", .clustered = true, .n_columns = 2, .columns = columns};
    return &table;
}

/* ---- views */

_Static_assert(DUTY_COUNT == 65536 && DUTY_PAGE == 16, "said in SQL");
#define WORD_CELLS                                                                                                                             \
    "SELECT d.\"region\" AS \"region\",d.\"id\" / 65536 AS \"holder\",k.\"rule\" AS \"rule\",d.\"record\" AS \"record\","                  \
    "COALESCE(d.\"occurrence\",0) AS \"occurrence\",k.\"register\" AS \"register\",k.\"pack\" AS \"pack\",k.\"desk\" AS \"desk\","         \
    "d.\"owner_kind\" AS \"owner_kind\",COALESCE(d.\"owner_step\",0) AS \"owner_step\",COALESCE(d.\"owner\",0) AS \"owner\","              \
    "COALESCE(d.\"owner_region\",d.\"region\") AS \"owner_region\",d.\"raised_at\" AS \"raised_at\",d.\"anchor\" AS \"anchor\","           \
    "d.\"owed\" AS \"owed\",COALESCE(d.\"paid\",0) AS \"paid\",COALESCE(d.\"missed\",0) AS \"missed\",d.\"due_at\" AS \"due_at\","         \
    "d.\"wake_at\" AS \"wake_at\",COALESCE(d.\"level\",0) AS \"level\",CASE d.\"state\" WHEN 0 THEN 'open' WHEN 1 THEN 'standing' "        \
    "WHEN 2 THEN 'paid' WHEN 3 THEN 'lapsed' ELSE 'cancelled' END AS \"state\",d.\"closed_at\" AS \"closed_at\","                          \
    "COALESCE(d.\"late\",0) AS \"late\",COALESCE(d.\"paid_by\",0) AS \"paid_by\",d.\"id\" AS \"id\","                    \
    "d.\"state\" AS \"phase\",d.\"kind\" AS \"kind\""
#define WORDS WORD_CELLS " FROM "
/* CROSS JOIN: SQLite then goes from the left to the right. With a plain JOIN to the few kinds it went from them to an index of all duties made on the spot, and a
 * day's report of a year of city data took minutes instead of a second. */
#define KIND "\"duty\" d CROSS JOIN \"duty_kind\" k WHERE k.\"id\" = d.\"kind\""
#define OF_PAGE " CROSS JOIN " KIND " AND d.\"id\" >= w.\"page\" * 1048576 AND d.\"id\" < w.\"page\" * 1048576 + 1048576"
#define OF_HOLDER " CROSS JOIN " KIND " AND d.\"id\" >= h.\"column1\" * 65536 AND d.\"id\" < h.\"column1\" * 65536 + 65536"
#define PAGES_DUE "SELECT DISTINCT \"page\" FROM \"duty_wake\" WHERE \"at\" <= ?1 AND \"page\" > ?2 ORDER BY \"page\" LIMIT ?3"

const struct db_view *obligation_views(size_t *ret_n) {
    static const struct db_view views[] = {
        {"obligation", WORDS KIND},
        {"obligation_open", WORDS "(SELECT DISTINCT \"page\" FROM \"duty_wake\") w" OF_PAGE " AND d.\"state\" < 2"},
    };
    *ret_n = sizeof views / sizeof *views;
    return views;
}

#define CELLS                                                                                                                         \
    "\"region\",\"holder\",\"rule\",\"record\",\"occurrence\",\"register\",\"pack\",\"desk\",\"owner_kind\",\"owner_step\",\"owner\","     \
    "\"owner_region\",\"raised_at\",\"anchor\",\"owed\",\"paid\",\"missed\",\"due_at\",\"wake_at\",\"level\",\"state\",\"closed_at\","    \
    "\"late\",\"paid_by\""
const char *const obligation_words = CELLS;
const char *const obligation_columns = CELLS ",\"id\",\"phase\",\"kind\"";

/* ?1: now, ?2: the last page looked at, ?3: so many pages at most. */
const char *const duty_pages_sql = PAGES_DUE;
const char *const duty_due_sql =
    WORDS "(" PAGES_DUE ") w" OF_PAGE " AND (d.\"wake_at\" <= ?1 OR d.\"wake_at\" = 253402300799) ORDER BY d.\"wake_at\",d.\"id\"";

/* +: no index of all duties is made on the spot for it. */
const char *const duty_late_sql = WORDS KIND " AND " LATE("d.");
const char *const duty_ahead_sql =
    WORD_CELLS ",w.\"at\" AS \"at\",w.\"page\" AS \"page\" FROM \"duty_wake\" w" OF_PAGE " AND +d.\"state\" = 0 AND +d.\"wake_at\" = w.\"at\" AND +d.\"due_at\" = w.\"at\"";
const char *const duty_of_term_sql = WORDS "(SELECT DISTINCT \"page\" FROM \"duty_term\" WHERE %s) w" OF_PAGE " AND +d.\"state\" = 0";

int duty_values_sql(struct buf *sql, size_t n) {
    buf_str(sql, "(VALUES ");
    for (size_t i = 1; i <= n; i++) buf_printf(sql, "%s(CAST(?%zu AS BIGINT))", i > 1 ? "," : "", i);
    return buf_str(sql, ") h");
}

int duty_of_holders_sql(struct buf *sql, enum db_kind kind, size_t n) {
    buf_str(sql, WORDS);
    /* each holder by itself, then the kind of what he has: PostgreSQL takes any range of ids for a two-hundredth of the table, would read it whole for so many
     * of them, and with few kinds asked for each holder once a kind */
    if (kind == DB_POSTGRES)
        return buf_str(sql, "unnest(CAST(?1 AS bigint[])) AS h(\"column1\"), LATERAL (SELECT x.* FROM \"duty\" x WHERE x.\"id\" >= h.\"column1\" * 65536 AND x.\"id\" < h.\"column1\" * 65536 + 65536 "
                            "OFFSET 0) d, LATERAL (SELECT x.* FROM \"duty_kind\" x WHERE x.\"id\" = d.\"kind\" OFFSET 0) k");
    duty_values_sql(sql, n);
    return buf_str(sql, OF_HOLDER);
}

/* ---- states */

static const struct text states[] = {{"open", 4}, {"standing", 8}, {"paid", 4}, {"lapsed", 6}, {"cancelled", 9}};
enum { STATES = sizeof states / sizeof *states };

struct text duty_state(int64_t number) {
    return states[number >= 0 && number < STATES ? number : STATES - 1];
}

static int state_number(struct text state) {
    for (int i = 0; i < STATES; i++)
        if (state.n == states[i].n && memcmp(state.s, states[i].s, state.n) == 0) return i;
    return -1;
}

/* ---- kinds */

void book_kinds_forget(struct obligation_book *b) {
    arena_reset(&b->kinds_arena);
    memset(b->kinds_recent, 0, sizeof b->kinds_recent);
    b->kinds = NULL;
    b->n_kinds = b->cap_kinds = 0;
    b->kinds_made = false;
}

static int kind_keep(struct obligation_book *b, const struct duty_kind *k, struct duty_kind **ret, struct error *err) {
    if (!arena_room(&b->kinds_arena, &b->kinds, &b->cap_kinds, b->n_kinds + 1, sizeof *b->kinds)) return error_memory(err);
    struct duty_kind *kept = arena_alloc(&b->kinds_arena, sizeof *kept);
    if (!kept) return error_memory(err);
    *kept = *k;
    kept->rule = arena_text(&b->kinds_arena, k->rule);
    kept->reg = arena_text(&b->kinds_arena, k->reg);
    kept->desk = arena_text(&b->kinds_arena, k->desk);
    if (!kept->rule.s || !kept->reg.s || !kept->desk.s) return error_memory(err);
    b->kinds[b->n_kinds++] = kept;
    *ret = kept;
    return 0;
}

/* Also those that another process made since. */
static int kinds_load(struct ledger *l, struct error *err) {
    struct obligation_book *b = l->book;
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value known = value_int(b->n_kinds ? b->kinds[b->n_kinds - 1]->id : 0);
    int rc = db_query(l->db, "SELECT \"id\",\"pack\",\"rule\",\"register\",\"desk\" FROM \"duty_kind\" WHERE \"id\" > ?1 ORDER BY \"id\"", &known, 1,
                      &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct duty_kind *kept, k = {.id = row[0].i, .pack = row[1].i, .rule = value_view(row[2]), .reg = value_view(row[3]), .desk = value_view(row[4])};
        rc = kind_keep(b, &k, &kept, err);
    }
    db_cursor_close(c);
    return rc;
}

static bool same_text(struct text a, struct text b) {
    return a.n == b.n && (a.s == b.s || memcmp(a.s, b.s, a.n) == 0);
}

static bool same_kind(const struct duty_kind *k, const struct obligation *o) {
    return k->pack == o->pack && same_text(k->rule, o->rule) && same_text(k->reg, o->reg) && same_text(k->desk, o->desk);
}

static struct duty_kind *kind_find(const struct obligation_book *b, const struct obligation *o) {
    for (size_t i = 0; i < b->n_kinds; i++)
        if (same_kind(b->kinds[i], o)) return b->kinds[i];
    return NULL;
}

static int kind_make(struct ledger *l, const struct obligation *o, struct duty_kind **ret, struct error *err) {
    static const uint16_t all[] = {0, 1, 2, 3, 4};
    struct obligation_book *b = l->book;
    struct duty_kind k = {.id = b->n_kinds ? b->kinds[b->n_kinds - 1]->id + 1 : 1, .pack = o->pack, .rule = o->rule, .reg = o->reg, .desk = o->desk};
    struct value cells[] = {value_int(k.id), value_int(k.pack), value_text(k.rule), value_text(k.reg), value_text(k.desk)};
    int rc = db_batch(l->db, DB_INSERT, duty_kind_table(), all, 5, cells, 1, NULL, err);
    b->kinds_made = true;
    return rc < 0 ? rc : kind_keep(b, &k, ret, err);
}

int obligation_kind(struct ledger *l, const struct obligation *o, const struct duty_kind **ret, struct error *err) {
    struct obligation_book *b = l->book;
    size_t at = ((size_t)o->pack * 31 + o->rule.n * 7 + (o->rule.n ? (unsigned char)o->rule.s[0] : 0)) % KINDS_RECENT;
    struct duty_kind *k = b->kinds_recent[at];
    int rc = 0;
    if (!k || !same_kind(k, o)) {
        k = kind_find(b, o);
        if (!k) {
            rc = kinds_load(l, err);
            if (!rc) k = kind_find(b, o);
        }
        if (!rc && !k) rc = kind_make(l, o, &k, err);
        if (rc < 0) return rc;
        b->kinds_recent[at] = k;
    }
    *ret = k;
    return 0;
}

/* ---- rows */

static struct value none_or_instant(instant t) {
    return t == INSTANT_NONE ? value_null() : value_int(t);
}

static struct value none_or_number(int64_t i) {
    return i ? value_int(i) : value_null();
}

_Static_assert(DU_PAID_BY - DU_OWNER_KIND == OB_PAID_BY - OB_OWNER_KIND && DU_WAKE_AT - DU_OWNER_KIND == OB_WAKE_AT - OB_OWNER_KIND, "the same columns in the same order");

void obligation_cells(const struct value *from_owner_kind, struct obligation *ret) {
    const struct value *row = from_owner_kind - OB_OWNER_KIND;
    ret->owner_kind = (int)row[OB_OWNER_KIND].i;
    ret->owner_step = (int)value_int_or(row[OB_OWNER_STEP], 0);
    ret->owner = value_int_or(row[OB_OWNER], 0);
    ret->closed_at = value_int_or(row[OB_CLOSED_AT], INSTANT_NONE);
    ret->late = value_int_or(row[OB_LATE], 0) != 0;
    ret->paid_by = value_int_or(row[OB_PAID_BY], 0);
    ret->duty.rule = -1;
    ret->duty.raised_at = row[OB_RAISED_AT].i;
    ret->duty.anchor = (day)row[OB_ANCHOR].i;
    ret->duty.owed = (uint64_t)row[OB_OWED].i;
    ret->duty.paid = (uint64_t)value_int_or(row[OB_PAID], 0);
    ret->duty.missed = (uint64_t)value_int_or(row[OB_MISSED], 0);
    ret->duty.due_at = value_int_or(row[OB_DUE_AT], INSTANT_NONE);
    ret->duty.wake_at = value_int_or(row[OB_WAKE_AT], WAKE_NEVER) < WAKE_NEVER ? row[OB_WAKE_AT].i : INSTANT_NONE;
    ret->duty.level = (int)value_int_or(row[OB_LEVEL], 0);
}

void obligation_of_row(const struct value *row, struct obligation *ret) {
    *ret = (struct obligation){
        .region = value_view(row[OB_REGION]),
        .rule = value_view(row[OB_RULE]),
        .reg = value_view(row[OB_REGISTER]),
        .desk = value_view(row[OB_DESK]),
        .owner_region = value_view(row[row[OB_OWNER_REGION].kind == VALUE_TEXT ? OB_OWNER_REGION : OB_REGION]),
        .state = value_view(row[OB_STATE]),
        .id = row[OB_ID].i,
        .holder = row[OB_HOLDER].i,
        .record = row[OB_RECORD].i,
        .pack = row[OB_PACK].i,
        .duty = {.occurrence = (int32_t)row[OB_OCCURRENCE].i},
    };
    obligation_cells(row + OB_OWNER_KIND, ret);
    duty_cell_of(ret, (int)value_int_or(row[OB_PHASE], 0), value_int_or(row[OB_KIND], 0), &ret->was);
}

static struct text copy_of(struct arena *a, struct text t, struct text known) {
    if (!t.n) return TEXT("");
    return text_eq(t, known) ? known : arena_text(a, t);
}

int obligation_copy(struct ledger *l, struct arena *a, const struct obligation *o, struct obligation *ret, struct error *err) {
    const struct duty_kind *k = NULL;
    int state = state_number(o->state), rc = obligation_kind(l, o, &k, err);
    if (rc < 0) return rc;
    struct obligation copy = *o;
    copy.rule = k->rule;
    copy.reg = k->reg;
    copy.desk = k->desk;
    copy.region = arena_text(a, o->region);
    copy.owner_region = copy_of(a, o->owner_region, copy.region);
    copy.was.region = copy_of(a, o->was.region, copy.region);
    copy.was.whose = copy_of(a, o->was.whose, copy.owner_region);
    copy.state = state < 0 ? arena_text(a, o->state) : states[state];
    if (!copy.region.s || !copy.owner_region.s || !copy.state.s || !copy.was.region.s || !copy.was.whose.s) return error_memory(err);
    *ret = copy;
    return 0;
}

static int row_of(struct ledger *l, const struct obligation *o, struct value *row, struct error *err) {
    const struct duty_kind *k = NULL;
    int state = state_number(o->state), rc = obligation_kind(l, o, &k, err);
    if (!rc && state < 0) rc = error_set(err, E_INVALID, "duty", "%.*s is no state of a duty / 待办没有此状态", (int)(o->state.n < 40 ? o->state.n : 40), o->state.s);
    if (rc < 0) return rc;
    row[DU_ID] = value_int(o->id);
    row[DU_REGION] = value_text(o->region);
    row[DU_RECORD] = value_int(o->record);
    row[DU_KIND] = value_int(k->id);
    row[DU_OCCURRENCE] = none_or_number(o->duty.occurrence);
    row[DU_OWNER_KIND] = value_int(o->owner_kind);
    row[DU_OWNER_STEP] = none_or_number(o->owner_step);
    row[DU_OWNER] = none_or_number(o->owner);
    row[DU_OWNER_REGION] = text_eq(o->owner_region, o->region) ? value_null() : value_text(o->owner_region);
    row[DU_RAISED_AT] = value_int(o->duty.raised_at);
    row[DU_ANCHOR] = value_int(o->duty.anchor);
    row[DU_OWED] = value_int((int64_t)o->duty.owed);
    row[DU_PAID] = none_or_number((int64_t)o->duty.paid);
    row[DU_MISSED] = none_or_number((int64_t)o->duty.missed);
    row[DU_DUE_AT] = none_or_instant(o->duty.due_at);
    row[DU_WAKE_AT] = !obligation_is_open(o) ? value_null() : value_int(o->duty.wake_at == INSTANT_NONE ? WAKE_NEVER : o->duty.wake_at);
    row[DU_LEVEL] = none_or_number(o->duty.level);
    row[DU_STATE] = value_int(state);
    row[DU_CLOSED_AT] = none_or_instant(o->closed_at);
    row[DU_LATE] = none_or_number(o->late);
    row[DU_PAID_BY] = none_or_number(o->paid_by);
    return 0;
}

/* ---- writing */

struct bucket {
    int64_t at, page;
};

static int bucket_cmp(const void *a, const void *b) {
    const struct bucket *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return (x->page > y->page) - (x->page < y->page);
}

/* Where nothing happens by itself any more the clock looks once in a while, so that pages without open duties drop out. */
static instant slot_of(const struct obligation *o, instant now) {
    if (o->duty.wake_at != INSTANT_NONE) return o->duty.wake_at;
    return (now / LOOK_AGAIN_S + 2) * LOOK_AGAIN_S;
}

/* Tells the clock where to look. */
static int schedule(struct ledger *l, struct obligation *const *list, size_t n, instant now, struct error *err) {
    static const uint16_t all[] = {0, 1};
    struct bucket *b = mem_realloc(NULL, (n + 1) * sizeof *b);
    size_t k = 0, distinct = 0;
    bool sorted = true;
    if (!b) return error_memory(err);
    for (size_t i = 0; i < n; i++) {
        if (!obligation_is_open(list[i])) continue;
        struct bucket one = {slot_of(list[i], now), list[i]->holder / DUTY_PAGE};
        bool known = false; /* neighbours share a page and few moments */
        for (size_t j = k; j > 0 && k - j < 4 && !known; j--) known = b[j - 1].at == one.at && b[j - 1].page == one.page;
        if (known) continue;
        sorted = sorted && (!k || bucket_cmp(&b[k - 1], &one) < 0);
        b[k++] = one;
    }
    if (!sorted) qsort(b, k, sizeof *b, bucket_cmp);
    for (size_t i = 0; i < k; i++)
        if (!distinct || bucket_cmp(&b[distinct - 1], &b[i]) != 0) b[distinct++] = b[i];
    struct value *cells = distinct ? mem_realloc(NULL, distinct * 2 * sizeof *cells) : NULL;
    for (size_t i = 0; cells && i < distinct; i++) {
        cells[2 * i] = value_int(b[i].at);
        cells[2 * i + 1] = value_int(b[i].page);
    }
    int rc = !distinct ? 0 : cells ? db_batch(l->db, DB_UPSERT, duty_wake_table(), all, 2, cells, distinct, NULL, err) : error_memory(err);
    mem_free(cells);
    mem_free(b);
    return rc;
}

/* A word of duty_term: a region as it is written, kind 12 as k12, party 7 as o7, nobody accountable as o0. */
struct term {
    char letter; /* 0: a region */
    int64_t id, page;
    struct text region;
};

static int term_cmp(const void *a, const void *b) {
    const struct term *x = a, *y = b;
    if (x->letter != y->letter) return x->letter - y->letter;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    int c = text_cmp(x->region, y->region);
    return c ? c : (x->page > y->page) - (x->page < y->page);
}

static size_t terms_of(const struct obligation *o, const struct duty_kind *k, struct term out[3]) {
    int64_t page = o->holder / DUTY_PAGE;
    out[0] = (struct term){.page = page, .region = o->region};
    out[1] = (struct term){.letter = 'k', .id = k->id, .page = page};
    out[2] = (struct term){.letter = 'o', .id = o->owner, .page = page};
    return o->owner || o->owner_kind == OWNER_NONE ? 3 : 2;
}

static int terms_write(struct ledger *l, const struct term *t, size_t n, struct error *err) {
    static const uint16_t all[] = {0, 1};
    struct arena a = {0};
    struct value *cells = arena_alloc(&a, (n + 1) * 2 * sizeof *cells);
    size_t k = 0;
    int rc = cells ? 0 : error_memory(err);
    for (size_t i = 0; !rc && i < n; i++) {
        if (i && term_cmp(&t[i - 1], &t[i]) == 0) continue;
        struct text word = t[i].letter ? arena_words(&a, "%c%lld", t[i].letter, (long long)t[i].id) : t[i].region;
        if (t[i].letter && !word.s) rc = error_memory(err);
        cells[2 * k] = value_text(word);
        cells[2 * k++ + 1] = value_int(t[i].page);
    }
    if (!rc && k) rc = db_batch(l->db, DB_UPSERT, duty_term_table(), all, 2, cells, k, NULL, err);
    arena_clear(&a);
    return rc;
}

/* Tells who asks for few where to look. */
static int index_terms(struct ledger *l, struct obligation *const *list, size_t n, struct error *err) {
    enum { RECENT = 8 };
    struct term *t = NULL;
    size_t k = 0, cap = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        const struct duty_kind *kind = NULL;
        struct term own[3];
        if (!obligation_is_open(list[i])) continue;
        rc = obligation_kind(l, list[i], &kind, err);
        size_t m = rc ? 0 : terms_of(list[i], kind, own);
        for (size_t j = 0; !rc && j < m; j++) {
            bool known = false; /* neighbours share a page and few words */
            for (size_t p = k; p > 0 && k - p < RECENT && !known; p--) known = term_cmp(&t[p - 1], &own[j]) == 0;
            if (known) continue;
            if (!mem_room(&t, &cap, k + 1, sizeof *t)) rc = error_memory(err);
            else t[k++] = own[j];
        }
    }
    if (k) qsort(t, k, sizeof *t, term_cmp);
    if (!rc && k) rc = terms_write(l, t, k, err);
    mem_free(t);
    return rc;
}

int duty_terms_sweep(struct ledger *l, struct error *err) {
    return db_run(l->db, "DELETE FROM \"duty_term\" WHERE \"page\" IN (SELECT \"page\" FROM \"duty_term\" EXCEPT SELECT \"page\" FROM \"duty_wake\")", NULL, 0, NULL, err);
}

/* Ids for new duties that have none yet. Their holders' last ones are asked for many at a time. */
enum { ASK = 128 };

static int last_ids(struct ledger *l, struct arena *a, struct idmap *last, const struct value *holders, struct error *err) {
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    buf_str(&sql, "SELECT h.\"column1\",(SELECT MAX(d.\"id\") FROM \"duty\" d WHERE d.\"id\" >= h.\"column1\" * 65536 AND d.\"id\" < h.\"column1\" * 65536 + 65536) FROM ");
    duty_values_sql(&sql, ASK);
    int rc = sql.failed ? error_memory(err) : db_query(l->db, buf_cstr(&sql), holders, ASK, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct idmap_slot *slot = idmap_put(last, a, row[0].i, NULL);
        if (slot) slot->value.i = value_int_or(row[1], row[0].i * DUTY_COUNT - 1);
        rc = slot ? 0 : error_memory(err);
    }
    db_cursor_close(c);
    buf_clear(&sql);
    return rc;
}

int obligation_number(struct obligation *o, int64_t *next, struct error *err) {
    if (*next / DUTY_COUNT != o->holder) return error_set(err, E_TOO_LARGE, "duty", "%lld has had %d duties / 待办过多", (long long)o->holder, DUTY_COUNT);
    o->id = (*next)++;
    return 0;
}

static int give_ids(struct ledger *l, struct obligation *const *list, size_t n, struct error *err) {
    struct arena a = {0};
    struct idmap last = {0};
    struct value holders[ASK];
    size_t k = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i <= n; i++) {
        bool fresh = false;
        if (i < n && !list[i]->id && !idmap_put(&last, &a, list[i]->holder, &fresh)) rc = error_memory(err);
        if (fresh) holders[k++] = value_int(list[i]->holder);
        if (!k || (k < ASK && i < n)) continue;
        while (k < ASK) holders[k++] = value_int(0);
        if (!rc) rc = last_ids(l, &a, &last, holders, err);
        k = 0;
    }
    for (size_t i = 0; !rc && i < n; i++) {
        if (list[i]->id) continue;
        int64_t next = ++idmap_find(&last, list[i]->holder)->value.i;
        rc = obligation_number(list[i], &next, err);
    }
    arena_clear(&a);
    return rc;
}

static int recount(struct duty_counts *d, enum db_verb verb, struct obligation *o, const struct value *row, struct error *err) {
    struct duty_cell cell = {0};
    if (verb != DB_DELETE) duty_cell_of(o, (int)row[DU_STATE].i, row[DU_KIND].i, &cell);
    int rc = duty_counts_move(d, verb == DB_INSERT ? NULL : &o->was, &cell, err);
    o->was = cell;
    return rc;
}

/* In pieces that stay in the processor's cache between us and the store. */
enum { WRITE_ROWS = 2048 };

int obligation_write(struct ledger *l, enum db_verb verb, enum duty_part part, struct obligation *const *list, size_t n, instant now, struct error *err) {
    static const uint16_t all[DU_COLUMNS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    static const uint16_t clock[] = {DU_ID, DU_MISSED, DU_DUE_AT, DU_WAKE_AT, DU_LEVEL, DU_STATE, DU_CLOSED_AT};
    const uint16_t *given = part == DUTY_CLOCK ? clock : all;
    size_t width = verb == DB_DELETE ? 1 : part == DUTY_CLOCK ? sizeof clock / sizeof *clock : DU_COLUMNS;
    struct duty_counts counts = {0};
    if (!n) return 0;
    int rc = verb == DB_INSERT ? give_ids(l, list, n, err) : 0;
    size_t piece = n < WRITE_ROWS ? n : WRITE_ROWS, k = 0;
    struct value *cells = rc ? NULL : mem_realloc(NULL, piece * width * sizeof *cells);
    if (!rc && !cells) rc = error_memory(err);
    for (size_t i = 0; !rc && i < n; i++) {
        struct value full[DU_COLUMNS], *row = cells + k * width;
        bool whole = width == DU_COLUMNS;
        rc = row_of(l, list[i], whole ? row : full, err);
        if (!rc) rc = recount(&counts, verb, list[i], whole ? row : full, err);
        for (size_t c = 0; !whole && c < width; c++) row[c] = full[given[c]];
        if (rc || (++k < piece && i + 1 < n)) continue;
        rc = db_batch(l->db, verb, duty_table(), given, width, cells, k, NULL, err);
        k = 0;
    }
    mem_free(cells);
    if (!rc) rc = duty_counts_write(l, &counts, err);
    duty_counts_clear(&counts);
    if (!rc && verb != DB_DELETE) rc = schedule(l, list, n, now, err);
    return rc < 0 || verb == DB_DELETE || part == DUTY_CLOCK ? rc : index_terms(l, list, n, err);
}
