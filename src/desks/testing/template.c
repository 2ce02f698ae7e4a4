#include "desks/testing/template.h"

#include "desks/node.h"
#include "desks/testing/testing.h"

/* Days of each template, from the first round on. */
static const struct {
    const char *code;
    size_t n;
    int days[TEMPLATE_ROUNDS];
} templates[] = {{"single", 1, {0}}, {"three-in-three", 3, {0, 1, 2}}, {"two-in-three", 2, {0, 2}}, {"daily-five", 5, {0, 1, 2, 3, 4}}, {"one-three-five", 3, {0, 2, 4}}};

static const char *const campaign_fields[] = {"template", "disease", "tube_size", "starts_at", "ends_at", NULL};
enum { C_TEMPLATE, C_DISEASE, C_SIZE, C_STARTS, C_ENDS, CAMPAIGN_FIELDS };
static const char *const round_fields[] = {"campaign", "seq", "starts_at", "ends_at", "tube_size", NULL};
enum { R_CAMPAIGN, R_SEQ, R_STARTS, R_ENDS, R_SIZE, ROUND_FIELDS };
static const char *const scope_fields[] = {"campaign", "round", "area", NULL};
enum { S_CAMPAIGN, S_ROUND, S_AREA, SCOPE_FIELDS };

struct making {
    struct ledger *l;
    const struct session *s;
    const struct template_asked *asked;
    struct arena a;
    struct record campaign;
    const struct register_decl *round, *scope;
    int c[CAMPAIGN_FIELDS], r[ROUND_FIELDS], o[SCOPE_FIELDS];
    size_t template;
    struct template_made made;
};

static struct value cell(const struct making *m, int field) {
    return m->campaign.values[m->c[field]];
}

static int read_campaign(struct making *m, struct error *err) {
    const struct register_decl *reg = NULL;
    int rc = register_needs(m->l->catalog, "campaign", campaign_fields, m->c, &reg, err);
    if (!rc) rc = register_needs(m->l->catalog, "round", round_fields, m->r, &m->round, err);
    if (!rc) rc = register_needs(m->l->catalog, "round_scope", scope_fields, m->o, &m->scope, err);
    if (!rc) rc = record_get(m->l, m->l->db, m->s, reg, m->asked->campaign, &m->a, &m->campaign, err);
    if (!rc && !text_is(m->campaign.state, "planned") && !text_is(m->campaign.state, "running"))
        rc = error_set(err, E_REFUSED, "campaign", "this campaign is over / 该检测行动已完成或取消");
    return rc;
}

static int find_template(struct making *m, struct error *err) {
    struct text code = m->asked->code.n ? m->asked->code : value_view(cell(m, C_TEMPLATE));
    const struct codelist *list = codelist_find(m->l->catalog, TEXT("round_template"));
    const struct code *known = list && code.n ? code_find_any(list, code) : NULL;
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        if (known ? text_is(known->code, templates[i].code) : !code.n && !i) {
            m->template = i;
            return 0;
        }
    return error_set(err, E_UNKNOWN, "template", "%.*s is no template of rounds / 没有此轮次模板", (int)(code.n < 40 ? code.n : 40), code.s ? code.s : "");
}

static int find_size(struct making *m, struct error *err) {
    int64_t most = testing_pool_most(m->l, value_view(cell(m, C_DISEASE)), m->campaign.region, m->s->now), size = m->asked->size;
    if (!size) size = value_int_or(cell(m, C_SIZE), most && most < 10 ? most : 10);
    if (size < 1 || size > 20) return error_set(err, E_INVALID, "tube_size", "from 1 to 20 / 须为 1 至 20");
    if (most && size > most)
        return error_set(err, E_REFUSED, "tube_size", "the plan in force does not allow %lld to a tube, at most %lld / 现行方案不许 %lld 混 1, 最多 %lld", (long long)size, (long long)most, (long long)size, (long long)most);
    m->made.size = size;
    m->made.most = most;
    return 0;
}

static int find_days(struct making *m, struct error *err) {
    const struct template_asked *q = m->asked;
    int64_t hours = q->hours ? q->hours : TEMPLATE_HOURS;
    instant begins = value_int_or(cell(m, C_STARTS), 0), over = value_int_or(cell(m, C_ENDS), INSTANT_NONE), first = q->starts_at == INSTANT_NONE ? begins : q->starts_at;
    if (hours < 1 || hours > 96) return error_set(err, E_INVALID, "hours", "a round lasts from 1 to 96 hours / 一轮须为 1 至 96 小时");
    if (first < begins) return error_set(err, E_INVALID, "starts_at", "before the campaign starts / 早于检测行动开始");
    m->made.n = templates[m->template].n;
    for (size_t i = 0; i < m->made.n; i++) {
        struct template_round *r = &m->made.rounds[i];
        r->starts_at = first + (instant)templates[m->template].days[i] * DAY_S;
        r->ends_at = r->starts_at + hours * 3600;
        if (i && r->starts_at < r[-1].ends_at) return error_set(err, E_CONFLICT, "hours", "the rounds of this template would overlap / 该模板各轮将重叠");
        if (over != INSTANT_NONE && r->ends_at > over) return error_set(err, E_REFUSED, "ends_at", "round %zu would end after the campaign / 第 %zu 轮晚于检测行动的完成时间", i + 1, i + 1);
    }
    return 0;
}

/* Against the rounds that are there; the numbers go on from theirs. */
static int find_place(struct making *m, struct error *err) {
    struct value campaign = value_int(m->asked->campaign);
    struct db_cursor *c = NULL;
    const struct value *row = NULL;
    int64_t seq = 0;
    int rc = db_query(m->l->db, "SELECT \"seq\",\"starts_at\",\"ends_at\",\"state\" FROM \"round\" WHERE \"campaign\"=?1 ORDER BY \"seq\"", &campaign, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        instant from = value_int_or(row[1], 0), to = value_int_or(row[2], from + TEMPLATE_HOURS * 3600);
        seq = row[0].i;
        rc = 0;
        for (size_t i = 0; !rc && i < m->made.n && !text_is(value_view(row[3]), "cancelled"); i++)
            if (m->made.rounds[i].starts_at < to && from < m->made.rounds[i].ends_at)
                rc = error_set(err, E_CONFLICT, "starts_at", "overlaps round %lld of the campaign / 与该行动第 %lld 轮重叠", (long long)seq, (long long)seq);
    }
    db_cursor_close(c);
    for (size_t i = 0; i < m->made.n; i++) m->made.rounds[i].seq = seq + 1 + (int64_t)i;
    return rc;
}

/* A round of nobody is none: a place that is not there, or not of the campaign, is a slip of the pen. */
static int area_check(struct making *m, const char *code, struct error *err) {
    struct error why = {0};
    int rc = node_region(m->l, text_of(code), &why);
    if (rc < 0) return error_set(err, rc, "areas", "%s", why.message);
    if (region_within(text_of(code), m->campaign.region)) return 0;
    return error_set(err, E_INVALID, "areas", "%s lies outside of the campaign's region / %s 不在该检测行动的地区内", code, code);
}

static int scope_draft(struct making *m, struct draft **drafts, size_t *n, size_t round, struct text area, struct error *err) {
    struct draft *d = draft_new(&m->a, m->scope, DRAFT_CREATE);
    char code[REGION_MAX + 1];
    if (!d || !(d->links = arena_alloc(&m->a, m->scope->n_fields * sizeof *d->links))) return error_memory(err);
    if (!region_canonical(area, code)) return error_set(err, E_INVALID, "areas", "%.*s is no region code / 不是行政区划代码", (int)(area.n < 20 ? area.n : 20), area.s);
    int rc = area_check(m, code, err);
    if (rc < 0) return rc;
    d->values[m->o[S_CAMPAIGN]] = value_int(m->asked->campaign);
    d->links[m->o[S_ROUND]] = (uint32_t)round + 1;
    struct text kept = arena_text(&m->a, text_of(code));
    d->values[m->o[S_AREA]] = value_text(kept);
    d->region = m->campaign.region;
    drafts[(*n)++] = d;
    return kept.s ? 0 : error_memory(err);
}

static int write_all(struct making *m, struct error *err) {
    size_t n = 0;
    struct draft **drafts = arena_alloc(&m->a, m->made.n * (1 + m->asked->n_areas) * sizeof *drafts);
    if (!drafts) return error_memory(err);
    for (size_t i = 0; i < m->made.n; i++) {
        struct draft *d = draft_new(&m->a, m->round, DRAFT_CREATE);
        if (!d) return error_memory(err);
        const struct template_round *r = &m->made.rounds[i];
        const struct value values[ROUND_FIELDS] = {value_int(m->asked->campaign), value_int(r->seq), value_int(r->starts_at), value_int(r->ends_at), value_int(m->made.size)};
        for (int k = 0; k < ROUND_FIELDS; k++) d->values[m->r[k]] = values[k];
        d->region = m->campaign.region;
        drafts[n++] = d;
    }
    int rc = 0;
    for (size_t i = 0; i < m->made.n; i++)
        for (size_t k = 0; !rc && k < m->asked->n_areas; k++) rc = scope_draft(m, drafts, &n, i, m->asked->areas[k], err);
    m->made.scopes = n - m->made.n;
    if (!rc && !m->asked->only_show) rc = record_write(m->l, m->s, drafts, n, err);
    for (size_t i = 0; !rc && i < m->made.n; i++) m->made.rounds[i].id = drafts[i]->ret_id;
    return rc;
}

int template_rounds(struct ledger *l, const struct session *s, const struct template_asked *asked, struct template_made *ret, struct error *err) {
    struct making m = {.l = l, .s = s, .asked = asked};
    int rc = asked->n_areas > TEMPLATE_AREAS ? error_set(err, E_TOO_LARGE, "areas", "at most %d / 最多 %d 个", TEMPLATE_AREAS, TEMPLATE_AREAS) : 0;
    if (!rc) rc = read_campaign(&m, err);
    if (!rc) rc = find_template(&m, err);
    if (!rc) rc = find_size(&m, err);
    if (!rc) rc = find_days(&m, err);
    if (!rc) rc = find_place(&m, err);
    if (!rc) rc = write_all(&m, err);
    arena_clear(&m.a);
    if (!rc) *ret = m.made;
    return rc;
}

json_t *template_made_json(const struct template_made *m, int32_t zone_s) {
    json_t *list = json_array();
    for (size_t i = 0; i < m->n; i++) {
        char from[INSTANT_TEXT], to[INSTANT_TEXT];
        instant_format(m->rounds[i].starts_at, zone_s, from);
        instant_format(m->rounds[i].ends_at, zone_s, to);
        json_t *r = json_pack("{s:I, s:s, s:s}", "seq", (json_int_t)m->rounds[i].seq, "starts_at", from, "ends_at", to);
        if (m->rounds[i].id) json_object_set_new(r, "id", json_integer(m->rounds[i].id));
        json_array_append_new(list, r);
    }
    return json_pack("{s:o, s:I, s:I, s:I}", "rounds", list, "tube_size", (json_int_t)m->size, "pooling_max", (json_int_t)m->most, "scopes", (json_int_t)m->scopes);
}
