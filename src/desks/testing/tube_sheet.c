#include "desks/testing/tube_sheet.h"

#include <stdio.h>
#include <string.h>

#include "files/form.h"
#include "files/sheet.h"
#include "ledger/number.h"

/* ---- numbers */

bool tube_number_read(struct text number, int64_t *ret_round, int64_t *ret_table) {
    const char *a = number.n > 1 ? memchr(number.s, '-', number.n) : NULL, *b = a ? memchr(a + 1, '-', number.n - (size_t)(a + 1 - number.s)) : NULL;
    int64_t seq;
    if (!b || number.s[0] != 'P') return false;
    return text_int((struct text){number.s + 1, (size_t)(a - number.s - 1)}, ret_round) && text_int((struct text){a + 1, (size_t)(b - a - 1)}, ret_table) &&
           text_int((struct text){b + 1, number.n - (size_t)(b + 1 - number.s)}, &seq) && *ret_round > 0 && *ret_table > 0 && seq > 0;
}

/* What the session may see of it; its titles. */
static int read_place(struct ledger *l, const struct session *s, struct tube_sheets *t, struct error *err) {
    static const char sql[] = "SELECT r.\"state\",r.\"seq\",r.\"tube_size\",c.\"title\",b.\"state\",b.\"label\",i.\"state\",i.\"title\",i.\"kind\" FROM \"round\" r JOIN \"campaign\" c ON c.\"id\"=r.\"campaign\","
                              "\"site_table\" b JOIN \"site\" i ON i.\"id\"=b.\"site\" WHERE r.\"id\"=?1 AND b.\"id\"=?2";
    const struct register_decl *swab = register_find(l->catalog, TEXT("swab")), *round = register_find(l->catalog, TEXT("round")), *table = register_find(l->catalog, TEXT("site_table"));
    const struct value params[] = {value_int(t->round), value_int(t->table)};
    struct arena a = {0};
    struct record r;
    struct db_cursor *c = NULL;
    const struct value *v = NULL;
    if (!swab || !round || !table || !access_anywhere(s, ACCESS_WRITE, swab)) return error_set(err, E_DENIED, "swab", "this account may not record swabs / 该账户无权登记采样");
    int rc = record_get(l, l->db, s, round, t->round, &a, &r, err);
    if (!rc) rc = record_get(l, l->db, s, table, t->table, &a, &r, err);
    if (!rc) rc = db_query(l->db, sql, params, 2, &c, err);
    if (!rc && (rc = db_next(c, &v, err)) > 0) {
        struct text state = value_view(v[0]), title = value_view(v[3]), label = value_view(v[5]), site = value_view(v[7]);
        rc = text_is(state, "closed") || text_is(state, "cancelled") ? error_set(err, E_REFUSED, "round", "this round is over / 该轮已结束或取消")
             : !text_is(value_view(v[4]), "open") || !text_is(value_view(v[6]), "open") ? error_set(err, E_REFUSED, "table", "this table or its site is closed / 该采样台或采样点已停用") : 0;
        t->seq = value_int_or(v[1], 1);
        t->size = text_is(value_view(v[8]), "isolation") ? 1 : value_int_or(v[2], 10);
        snprintf(t->campaign, sizeof t->campaign, "%.*s", (int)title.n, title.s);
        snprintf(t->site, sizeof t->site, "%.*s", (int)site.n, site.s);
        snprintf(t->label, sizeof t->label, "%.*s", (int)label.n, label.s);
    }
    db_cursor_close(c);
    arena_clear(&a);
    return rc;
}

static int numbers_again(struct ledger *l, struct tube_sheets *t, struct error *err) {
    struct arena a = {0};
    char name[48];
    struct value p, next = value_null();
    snprintf(name, sizeof name, "P%lld-%lld-", (long long)t->round, (long long)t->table);
    p = value_str(name);
    int rc = db_scalar(l->db, &a, "SELECT \"next\" FROM \"counter\" WHERE \"name\"=?1", &p, 1, &next, err);
    if (!rc && t->again + t->count > value_int_or(next, 1))
        rc = error_set(err, E_INVALID, "again", "numbers up to %lld were given for this table and round / 该台该轮只发过至 %lld 号", (long long)value_int_or(next, 1) - 1, (long long)value_int_or(next, 1) - 1);
    for (int64_t i = 0; !rc && i < t->count; i++) snprintf(t->numbers[i], TUBE_NUMBER_MAX, "%s%03lld", name, (long long)(t->again + i));
    arena_clear(&a);
    return rc;
}

static int numbers_new(struct ledger *l, const struct session *s, struct tube_sheets *t, struct error *err) {
    struct arena a = {0};
    char mask[TUBE_NUMBER_MAX + 8];
    bool own = !l->in_transaction;
    snprintf(mask, sizeof mask, "P%lld-%lld-{seq:3}", (long long)t->round, (long long)t->table);
    int rc = own ? ledger_begin(l, err) : 0;
    for (int64_t i = 0; !rc && i < t->count; i++) {
        struct text number;
        rc = number_next(l->numbers, l->db, text_of(mask), l->region, day_of_instant(s->now, l->zone_s), &a, &number, err);
        if (!rc) snprintf(t->numbers[i], TUBE_NUMBER_MAX, "%.*s", (int)number.n, number.s);
    }
    if (own && !rc) rc = ledger_commit(l, s->now, err);
    if (own && rc < 0) ledger_rollback(l);
    arena_clear(&a);
    return rc;
}

int tube_sheets_give(struct ledger *l, const struct session *s, struct tube_sheets *t, struct error *err) {
    if (t->count < 1 || t->count > TUBE_SHEETS_MAX) return error_set(err, E_INVALID, "count", "from 1 to %d sheets / 一次须为 1 至 %d 张", TUBE_SHEETS_MAX, TUBE_SHEETS_MAX);
    if (t->again < 0 || t->again > 1000000) return error_set(err, E_INVALID, "again", "no such number was given / 没有发过此号");
    int rc = read_place(l, s, t, err);
    return rc ? rc : t->again ? numbers_again(l, t, err) : numbers_new(l, s, t, err);
}

/* ---- on paper */

int tube_sheets_pdf(const struct tube_sheets *t, bool zh, instant at, int32_t zone_s, struct buf *out, struct error *err) {
    struct arena a = {0};
    struct text *codes = arena_alloc(&a, (size_t)t->count * sizeof *codes);
    struct form f = {.zh = zh, .at = at, .zone_s = zone_s, .n_columns = 4, .rows = (size_t)t->size, .n_pages = (size_t)t->count, .codes = codes};
    const char *lines[FORM_LINES] = {
        arena_printf(&a, zh ? "检测行动: %s 第 %lld 轮" : "Campaign: %s, round %lld", t->campaign, (long long)t->seq),
        arena_printf(&a, zh ? "采样点: %s  %s 台" : "Site: %s, table %s", t->site, t->label),
        arena_printf(&a, zh ? "本管最多 %lld 人; 一管一张, 管码贴条须与本张一致" : "At most %lld swabs in this tube; one sheet a tube, the label on the tube says the same number", (long long)t->size),
        zh ? "采样日期: ________年____月____日    采样员: ______________    封管时间: ____:____" : "Date: ____-__-__    Sampler: ______________    Closed at: ____:____",
    };
    f.title = zh ? "核酸采样登记单" : "Tube sheet";
    for (int i = 0; i < 4; i++) f.lines[i] = text_of(lines[i]);
    const char *titles[] = {zh ? "姓名" : "Name", zh ? "证件类型及号码" : "Document, number", zh ? "电话" : "Phone", zh ? "采样时间" : "Time"};
    const double shares[] = {22, 42, 26, 14};
    for (int i = 0; i < 4; i++) f.columns[i] = (struct form_column){text_of(titles[i]), shares[i]};
    f.foot = text_of(zh ? "无证件者写临时号并注明; 儿童写监护人证件号。补录: tocsin sampling import" : "Without papers: write the temporary number; children: the guardian's document. Typed up later by: tocsin sampling import");
    for (int64_t i = 0; codes && i < t->count; i++) codes[i] = text_of(t->numbers[i]);
    int rc = codes && lines[0] && lines[1] && lines[2] ? form_write_pdf(&f, out, err) : error_memory(err);
    arena_clear(&a);
    return rc;
}

/* ---- typed up later */

enum { TUBE, DOC_NO, DOC_TYPE, NAME, TEMPORARY, GUARDIAN_DOC, SWABBED_AT, PHONE, SEX, BIRTH, ADDRESS, COMMUNITY, KIND, SIZE, TABLE, ROUND, COLUMNS, WORDS = 6 };
static const char *const words[COLUMNS][WORDS] = {
    [TUBE] = {"tube", "管码", "采样管编号", "管号", "试管编号"}, [DOC_NO] = {"doc_no", "证件号码", "证件号", "身份证号", "身份证号码", "证件类型及号码"}, [DOC_TYPE] = {"doc_type", "证件类型"},
    [NAME] = {"name", "姓名"}, [TEMPORARY] = {"temporary", "临时号"}, [GUARDIAN_DOC] = {"guardian_doc", "监护人证件号", "监护人证件号码"}, [SWABBED_AT] = {"swabbed_at", "采样时间", "时间", "time"},
    [PHONE] = {"phone", "电话", "联系电话", "手机号", "手机"}, [SEX] = {"sex", "性别"}, [BIRTH] = {"birth", "出生日期"}, [ADDRESS] = {"address", "住址", "地址"}, [COMMUNITY] = {"community", "小区", "楼栋", "社区"},
    [KIND] = {"kind", "采样管类别"}, [SIZE] = {"size", "每管人数", "规格"}, [TABLE] = {"table", "采样台"}, [ROUND] = {"round", "轮次"},
};

struct typed_sheet {
    struct typed_usual usual;
    struct sheet *sheet;
    struct arena arena; /* header */
    struct text *header;
    size_t n_header;
    int at[COLUMNS];    /* column of each, -1 not there */
    char tube[200];     /* of the row above */
    instant at_above;   /* when that one says; INSTANT_NONE when it is of another tube */
    bool damaged;
};

static bool folded_same(struct text a, const char *b) {
    char x[WORD_BYTES], y[WORD_BYTES];
    size_t n = 0, m = 0;
    return word_fold(a, x, sizeof x, &n) && word_fold(text_of(b), y, sizeof y, &m) && n == m && !memcmp(x, y, n);
}

static int find_columns(struct typed_sheet *t, struct error *err) {
    for (int k = 0; k < COLUMNS; k++) {
        t->at[k] = -1;
        for (size_t i = 0; i < t->n_header && t->at[k] < 0; i++)
            for (int w = 0; w < WORDS && words[k][w]; w++)
                if (folded_same(text_trim(t->header[i]), words[k][w])) t->at[k] = (int)i;
    }
    return t->at[TUBE] >= 0 ? 0 : error_set(err, E_SYNTAX, "tube", "the sheet has no column tube (管码) / 表中没有列 管码 (tube)");
}

int typed_sheet_open(const char *path, const struct typed_usual *u, struct typed_sheet **ret, struct error *err) {
    struct typed_sheet *t = mem_alloc(sizeof *t);
    if (!t) return error_memory(err);
    t->usual = *u;
    t->at_above = INSTANT_NONE;
    int rc = sheet_open(path, NULL, &t->sheet, err);
    if (!rc) rc = sheet_next_kept(t->sheet, &t->arena, &t->header, &t->n_header, err);
    if (!rc) rc = find_columns(t, err);
    if (rc < 0) typed_sheet_close(t);
    else *ret = t;
    return rc;
}

void typed_sheet_close(struct typed_sheet *t) {
    if (!t) return;
    sheet_close(t->sheet);
    arena_clear(&t->arena);
    mem_free(t);
}

size_t typed_sheet_tube(const struct typed_sheet *t) {
    return (size_t)t->at[TUBE];
}

const struct text *typed_sheet_header(const struct typed_sheet *t, size_t *ret_n) {
    *ret_n = t->n_header;
    return t->header;
}

const struct sheet_info *typed_sheet_about(const struct typed_sheet *t) {
    return sheet_about(t->sheet);
}

static void unread(struct sampling_row *r, const char *where, const char *words_of) {
    if (r->reason) return;
    r->reason = SAMPLING_INVALID;
    error_set(&r->error, E_INVALID, where, "%s", words_of);
}

/* "17:30" is on the day of the sheet, and on the next one where the row above in its tube is of the evening: a tube is filled within hours. Else an instant as everywhere. */
static bool time_read(const struct typed_sheet *t, struct text cell, instant *ret) {
    int h, m, end = 0;
    char word[16];
    if (cell.n < sizeof word) {
        snprintf(word, sizeof word, "%.*s", (int)cell.n, cell.s);
        if (sscanf(word, "%d:%d%n", &h, &m, &end) == 2 && (size_t)end == cell.n && h >= 0 && h < 24 && m >= 0 && m < 60) {
            *ret = instant_of_day(t->usual.on, t->usual.zone_s) + h * 3600 + m * 60;
            if (t->at_above != INSTANT_NONE && *ret < t->at_above - DAY_S / 2) *ret += DAY_S;
            return true;
        }
    }
    return instant_parse(cell, t->usual.zone_s, ret);
}

static void number_read(struct sampling_row *r, struct text cell, const char *where, int64_t most, int64_t *ret) {
    int64_t v = 0;
    if (!cell.n) return;
    if (text_int(cell, &v) && v > 0 && v <= most) *ret = v;
    else unread(r, where, "is no number that may stand here / 数值不合规定");
}

/* Whose the tube is: what the row says, what the caller said, what the number says. */
static void place_read(const struct typed_sheet *t, struct sampling_row *r, const struct text *cell) {
    int64_t round = 0, table = 0;
    r->round = t->usual.round;
    r->table = t->usual.table;
    r->size = t->usual.size;
    if (tube_number_read(r->barcode, &round, &table)) {
        if (!r->round) r->round = round;
        if (!r->table) r->table = table;
    }
    number_read(r, cell[SIZE], "size", 20, &r->size);
    number_read(r, cell[TABLE], "table", INT64_MAX, &r->table);
    number_read(r, cell[ROUND], "round", INT64_MAX, &r->round);
}

int typed_sheet_next(struct typed_sheet *t, struct arena *a, struct sampling_row *ret, int64_t *ret_line, const struct text **ret_cells, size_t *ret_n, struct error *err) {
    const struct text *cells = NULL;
    struct text cell[COLUMNS];
    size_t n = 0;
    for (;;) {
        bool said = false;
        int rc = sheet_next(t->sheet, &cells, &n, ret_line, &t->damaged, err);
        if (rc <= 0) return rc;
        for (int k = 0; k < COLUMNS; k++) {
            cell[k] = t->at[k] >= 0 && (size_t)t->at[k] < n ? text_trim(cells[t->at[k]]) : (struct text){"", 0};
            if (k != TUBE && k < KIND && k != SWABBED_AT && k != DOC_TYPE) said |= cell[k].n > 0;
        }
        if (cell[TUBE].n && !text_is(cell[TUBE], t->tube)) t->at_above = INSTANT_NONE;
        if (cell[TUBE].n && cell[TUBE].n < sizeof t->tube) snprintf(t->tube, sizeof t->tube, "%.*s", (int)cell[TUBE].n, cell[TUBE].s);
        if (said || cell[TUBE].n >= sizeof t->tube) break;
    }
    struct text *const to[KIND + 1] = {&ret->barcode, &ret->doc_no, &ret->doc_type, &ret->name, &ret->temporary, &ret->guardian_doc, NULL, &ret->phone, &ret->sex, &ret->birth, &ret->address, &ret->community, &ret->kind};
    *ret = (struct sampling_row){.swabbed_at = INSTANT_NONE};
    if (!cell[TUBE].n) cell[TUBE] = text_of(t->tube);
    for (int k = 0; k <= KIND; k++)
        if (to[k] && cell[k].n && !(*to[k] = arena_text(a, cell[k])).s) return error_memory(err);
    place_read(t, ret, cell);
    if (cell[TUBE].n >= sizeof t->tube) unread(ret, "tube", "is too long for a tube's number / 管码过长");
    if (t->damaged) unread(ret, "tube", "the row is damaged / 此行已损坏");
    if (!cell[SWABBED_AT].n) ret->swabbed_at = t->at_above;
    else if (!time_read(t, cell[SWABBED_AT], &ret->swabbed_at)) unread(ret, "swabbed_at", "is no instant / 不是时间");
    if (ret->swabbed_at == INSTANT_NONE && t->usual.on != t->usual.today) unread(ret, "swabbed_at", "says no time, and the sheet is of another day / 未写时间, 且登记单不是今天的");
    t->at_above = ret->swabbed_at;
    if (ret_cells) {
        *ret_cells = cells;
        *ret_n = n;
    }
    return 1;
}
