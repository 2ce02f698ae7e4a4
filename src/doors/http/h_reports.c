/* The report of a day: live, frozen, approved, published; as JSON, text or PDF; and the public one, for everybody. */
#include <string.h>

#include "desks/bulletin/bulletin.h"
#include "desks/node.h"
#include "doors/http/inside.h"
#include "doors/http/route.h"
#include "doors/http/write.h"

static int read_day(const struct request *r, int32_t zone_s, day *ret, struct error *err) {
    struct text t = request_param(r, "day");
    if (text_is(t, "today")) return *ret = day_of_instant(r->now, zone_s), 0;
    if (text_is(t, "yesterday")) return *ret = day_of_instant(r->now, zone_s) - 1, 0;
    return day_parse(t, ret) ? 0 : error_set(err, E_UNKNOWN, "day", "is no date; write it as 2022-05-30 / 不是日期,应写作 2022-05-30");
}

enum form { FORM_JSON, FORM_TEXT, FORM_PDF };

/* ?format= says it, else Accept. */
static int read_form(const struct request *r, enum form *ret, struct error *err) {
    struct text t = request_query(r, "format");
    const char *accept = request_header(r, "Accept");
    *ret = FORM_JSON;
    if (text_is(t, "pdf") || (!t.s && accept && strstr(accept, "application/pdf"))) *ret = FORM_PDF;
    else if (text_is(t, "text") || (!t.s && accept && !strncmp(accept, "text/plain", 10))) *ret = FORM_TEXT;
    else if (t.s && !text_is(t, "json")) return error_set(err, E_USAGE, "?format", "json, text or pdf / 应为 json、text 或 pdf");
    return 0;
}

static int put_bulletin(struct request *r, const struct bulletin *b, enum form form, struct error *err) {
    struct bulletin_words words = {0};
    struct buf *out = answer_open(r, 200);
    if (form == FORM_JSON) return bulletin_write_json(b, false, out, err);
    if (form == FORM_TEXT) {
        r->answer.type = "text/plain; charset=utf-8";
        return bulletin_write_text(b, &words, r->zh, 100, out, err);
    }
    r->answer.type = "application/pdf";
    return bulletin_write_pdf(b, &words, r->zh, out, err);
}

static int find_report(struct ledger *l, struct text region, day on, int64_t *ret, struct error *err) {
    int rc = bulletin_find(l, l->db, region, on, ret, err);
    if (rc < 0) return rc;
    return rc ? 0 : error_set(err, E_UNKNOWN, "day", "the figures of that day are not frozen / 该日数字尚未定稿");
}

/* ?version=live (as of now), frozen, public (what may be told outside, after both approvals). */
static int show(struct request *r, struct error *err) {
    struct bulletin b;
    struct bulletin_query q = {.disease = request_query(r, "disease")};
    struct text version = request_query(r, "version");
    struct ledger *l = NULL;
    enum form form;
    int64_t report = 0;
    bool live = !version.s || text_is(version, "live");
    bulletin_init(&b);
    int rc = read_form(r, &form, err);
    if (!rc && !live && !text_is(version, "frozen") && !text_is(version, "public")) rc = error_set(err, E_USAGE, "?version", "live, frozen or public / 应为 live、frozen 或 public");
    if (!rc) rc = request_query_region(r, "region", &q.region, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = read_day(r, l->zone_s, &q.day, err);
    if (!rc && !live) rc = find_report(l, q.region.n ? q.region : l->region, q.day, &report, err);
    if (!rc && live) rc = bulletin_compute(l, l->db, &r->session, &q, &b, err);
    if (!rc && !live && text_is(version, "frozen")) rc = bulletin_frozen(l, l->db, &r->session, report, &b, err);
    if (!rc && !live && text_is(version, "public")) rc = bulletin_public(l, l->db, &r->session, report, 0, &b, err);
    if (!rc) rc = put_bulletin(r, &b, form, err);
    bulletin_clear(&b);
    return rc;
}

static void put_curve(struct buf *b, const char *name, int64_t (*days)[CLASSES], size_t n) {
    static const char *const classes[CLASSES] = {[CLASS_CONFIRMED] = "confirmed", [CLASS_ASYMPTOMATIC] = "asymptomatic", [CLASS_SUSPECTED] = "suspected"};
    buf_printf(b, ",\"%s\":{", name);
    for (int k = 0; k < CLASSES; k++) {
        buf_printf(b, "%s\"%s\":[", k ? "," : "", classes[k]);
        for (size_t i = 0; i < n; i++) buf_printf(b, "%s%lld", i ? "," : "", (long long)days[i][k]);
        buf_char(b, ']');
    }
    buf_char(b, '}');
}

/* The curve by class, of what is recorded now. */
static int curve(struct request *r, struct error *err) {
    struct bulletin_query q = {.disease = request_query(r, "disease")};
    struct bulletin_curve c;
    struct ledger *l = NULL;
    int64_t days = 0;
    char from[DAY_TEXT];
    int rc = request_query_region(r, "region", &q.region, err);
    if (!rc) rc = request_query_int(r, "days", 1, CURVE_DAYS_MAX, CURVE_DAYS, &days, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = read_day(r, l->zone_s, &q.day, err);
    if (!rc) rc = bulletin_curve(l, l->db, &r->session, &q, (size_t)days, &r->arena, &c, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    day_format(c.from, from);
    buf_printf(b, "{\"from\":\"%s\",\"days\":%zu", from, c.n);
    put_curve(b, "report", c.report, c.n);
    put_curve(b, "onset", c.onset, c.n);
    put_curve(b, "without_onset", &c.without_onset, 1);
    return buf_char(b, '}');
}

static int rederive(struct request *r, struct error *err) {
    struct buf differences = {0};
    struct ledger *l = NULL;
    struct text region;
    int64_t report = 0;
    day on;
    int rc = request_query_region(r, "region", &region, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = read_day(r, l->zone_s, &on, err);
    if (!rc) rc = find_report(l, region.n ? region : l->region, on, &report, err);
    if (!rc) rc = bulletin_rederive(l, l->db, &r->session, report, &differences, err);
    if (rc >= 0) {
        struct buf *b = answer_open(r, 200);
        buf_printf(b, "{\"equal\":%s,\"differences\":", rc ? "true" : "false");
        json_put_string(b, buf_view(&differences));
        buf_char(b, '}');
        rc = 0;
    }
    buf_clear(&differences);
    return rc;
}

/* ---- steps */

struct step {
    struct bulletin_query query;
    int64_t report;
    int (*take)(struct ledger *l, const struct session *s, int64_t report, struct error *err); /* NULL: freeze */
    struct draft *frozen;
    struct text state;
};

static int step_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct step *s = r->state;
    struct bulletin b;
    if (!s->take) {
        int rc = record_write(l, &r->session, &s->frozen, 1, err);
        if (!rc) s->report = s->frozen->ret_id;
        if (!rc) s->state = TEXT("submitted");
        return rc;
    }
    int rc = find_report(l, s->query.region, s->query.day, &s->report, err);
    if (!rc) rc = s->take(l, &r->session, s->report, err);
    if (rc < 0) return rc;
    bulletin_init(&b);
    if (bulletin_frozen(l, NULL, &r->session, s->report, &b, NULL) == 0) s->state = arena_text(&r->arena, b.state); /* it is done; its state is a courtesy */
    bulletin_clear(&b);
    return 0;
}

static int stepped(struct request *r, struct error *err) {
    const struct step *s = r->state;
    (void)err;
    if (r->rc < 0) return r->rc;
    struct buf *b = answer_open(r, 200);
    buf_printf(b, "{\"report\":%lld,\"state\":", (long long)s->report);
    json_put_string(b, s->state);
    return buf_char(b, '}');
}

/* A second of computing in a county of a year, beside the writer; then the writer has one record to write. */
static int freeze_compute(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct step *s = r->state;
    int rc = ledger_refresh(seat->ledger, err);
    return rc < 0 ? rc : bulletin_freeze_draft(seat->ledger, &r->session, &s->query, register_find(http_catalog(r->server), TEXT("daily_report")), &r->arena, &s->frozen, err);
}

static int freeze_write(struct request *r, struct error *err) {
    return r->rc < 0 ? r->rc : request_call(r, step_run, stepped, err);
}

static int act(struct request *r, struct error *err) {
    static const struct { const char *name; int (*take)(struct ledger *l, const struct session *s, int64_t report, struct error *err); } steps[] = {
        {"freeze", NULL}, {"approve", bulletin_approve}, {"return", bulletin_return}, {"publish", bulletin_publish}, {"withdraw", bulletin_withdraw}};
    struct step *s = r->state = arena_alloc(&r->arena, sizeof *s);
    struct text name = request_param(r, "step");
    size_t k = 0;
    if (!s) return error_memory(err);
    while (k < sizeof steps / sizeof *steps && !text_is(name, steps[k].name)) k++;
    if (k == sizeof steps / sizeof *steps) return error_set(err, E_UNKNOWN, "step", "freeze, approve, return, publish or withdraw / 应为 freeze、approve、return、publish 或 withdraw");
    s->take = steps[k].take;
    int rc = request_query_region(r, "region", &s->query.region, err);
    if (!rc) rc = read_day(r, http_zone(r->server), &s->query.day, err);
    if (!rc && !s->query.region.n) s->query.region = http_writer(r->server)->region;
    if (rc < 0) return rc;
    return s->take ? request_call(r, step_run, stepped, err) : request_account_on(r, r->server->aside, freeze_compute, freeze_write, err);
}

/* ---- lists */

struct listing {
    struct request *r;
    struct buf *b;
    int day, as_of, organisation;
    int32_t zone_s;
    bool published; /* only these */
    size_t n;
};

static int put_row(const struct record *rec, void *arg) {
    struct listing *x = arg;
    char on[DAY_TEXT];
    if (x->published && !text_is(rec->state, "published")) return 0;
    if (x->organisation >= 0 && value_given(rec->values[x->organisation])) return 0; /* a unit's own */
    if (rec->values[x->day].kind != VALUE_INT) return 0;
    day_format((day)rec->values[x->day].i, on);
    buf_printf(x->b, "%s{\"day\":\"%s\",\"region\":", x->n++ ? "," : "", on);
    json_put_string(x->b, rec->region);
    if (!x->published) {
        buf_printf(x->b, ",\"report\":%lld,\"state\":", (long long)rec->id);
        json_put_string(x->b, rec->state);
        buf_str(x->b, ",\"number\":");
        json_put_string(x->b, rec->number);
    }
    buf_str(x->b, ",\"as_of\":");
    json_put_instant(x->b, rec->values[x->as_of].kind == VALUE_INT ? rec->values[x->as_of].i : INSTANT_NONE, x->zone_s);
    return buf_char(x->b, '}') < 0 ? x->b->failed : 0;
}

static int list_for(struct request *r, const struct session *s, bool published, struct error *err) {
    static const char *const names[] = {"day", "as_of", "organisation", NULL};
    struct ledger *l = NULL;
    struct record_filter f = {0};
    const struct register_decl *reg = NULL;
    int at[3];
    int rc = request_query_region(r, "region", &f.region, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = register_needs(l->catalog, "daily_report", names, at, &reg, err);
    if (rc < 0) return rc;
    struct listing x = {.r = r, .b = answer_open(r, 200), .day = at[0], .as_of = at[1], .organisation = at[2], .zone_s = l->zone_s, .published = published};
    buf_str(x.b, "{\"reports\":[");
    rc = record_list(l, l->db, s, reg, &f, put_row, &x, err);
    buf_str(x.b, "]}");
    return rc < 0 ? rc : 0;
}

static int list(struct request *r, struct error *err) {
    return list_for(r, &r->session, false, err);
}

/* ---- for everybody: nothing but what is published, and of that the public version */

static int public_list(struct request *r, struct error *err) {
    struct session s = node_session(TEXT("public"), r->now, r->zh);
    answer_header(r, "Cache-Control", "public, max-age=60");
    return list_for(r, &s, true, err);
}

static int public_show(struct request *r, struct error *err) {
    struct session s = node_session(TEXT("public"), r->now, r->zh);
    struct bulletin b;
    struct ledger *l = NULL;
    struct text region;
    enum form form;
    int64_t report = 0;
    day on;
    bulletin_init(&b);
    int rc = read_form(r, &form, err);
    if (!rc) rc = request_query_region(r, "region", &region, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = read_day(r, l->zone_s, &on, err);
    if (!rc) rc = find_report(l, region.n ? region : l->region, on, &report, err);
    if (!rc) rc = bulletin_public(l, l->db, &s, report, 0, &b, err);
    if (rc == E_REFUSED || rc == E_UNKNOWN || (!rc && !text_is(b.state, "published"))) { /* one answer for all that is not public */
        *err = (struct error){0};
        rc = error_set(err, E_UNKNOWN, "day", "no report of that day is published / 该日没有已发布的日报");
    }
    if (!rc) {
        answer_header(r, "Cache-Control", "public, max-age=60");
        rc = put_bulletin(r, &b, form, err);
    }
    bulletin_clear(&b);
    return rc;
}

#define FIGURE "{\"type\":[\"integer\",\"null\"]}"
#define DAYS_OF "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}"
#define CLASSES_OF "{\"type\":\"object\",\"properties\":{\"confirmed\":" DAYS_OF ",\"asymptomatic\":" DAYS_OF ",\"suspected\":" DAYS_OF "}}"
const struct schema reports_schemas[] = {
    {"BulletinOrigins", "{\"type\":\"object\",\"properties\":{\"local\":" FIGURE ",\"imported\":" FIGURE ",\"unknown\":" FIGURE "}}"},
    {"BulletinClasses", "{\"type\":\"object\",\"properties\":{\"confirmed\":" FIGURE ",\"asymptomatic\":" FIGURE ",\"suspected\":" FIGURE "}}"},
    {"BulletinCases", "{\"type\":\"object\",\"required\":[\"confirmed\",\"asymptomatic\",\"suspected\"],\"properties\":{\"confirmed\":" SHAPE("BulletinOrigins") ",\"asymptomatic\":" SHAPE("BulletinOrigins")
                      ",\"suspected\":" SHAPE("BulletinOrigins") "}}"},
    {"BulletinRow", "{\"type\":\"object\",\"required\":[\"code\",\"zh\",\"en\",\"new\",\"new_total\",\"cumulative\"],\"properties\":{\"code\":" STRING ",\"zh\":" STRING ",\"en\":" STRING
                    ",\"new\":" SHAPE("BulletinCases") ",\"new_total\":" SHAPE("BulletinClasses") ",\"cumulative\":" SHAPE("BulletinCases") "}}"},
    {"BulletinCount", "{\"type\":\"object\",\"required\":[\"code\",\"zh\",\"en\"],\"properties\":{\"code\":" STRING ",\"zh\":" STRING ",\"en\":" STRING ",\"n\":" FIGURE "}}"},
    {"BulletinSpell", "{\"type\":\"object\",\"properties\":{\"n\":" FIGURE ",\"median_s\":" WHOLE ",\"p90_s\":" WHOLE "}}"},
    {"BulletinTimes", "{\"type\":\"object\",\"properties\":{\"onset_detected\":" SHAPE("BulletinSpell") ",\"detected_reported\":" SHAPE("BulletinSpell") ",\"reported_isolated\":" SHAPE("BulletinSpell")
                      ",\"isolated_treated\":" SHAPE("BulletinSpell") "}}"},
    {"BulletinCurve", "{\"type\":\"object\",\"required\":[\"local\",\"imported\",\"unknown\"],\"properties\":{\"local\":" LIST(WHOLE) ",\"imported\":" LIST(WHOLE) ",\"unknown\":" LIST(WHOLE)
                      "}}"},
    {"BulletinDayBefore", "{\"type\":\"object\",\"required\":[\"new\"],\"properties\":{\"new\":" SHAPE("BulletinCases") ",\"found_under_control\":" FIGURE ",\"found_in_community\":" FIGURE
                          ",\"control_unknown\":" FIGURE "}}"},
    {"BulletinCaseFigures", "{\"type\":\"object\",\"required\":[\"new\",\"new_by_class\",\"new_by_origin\",\"cumulative\",\"discovery\",\"severity\",\"regions\",\"diseases\","
                            "\"times_day\",\"times_week\",\"curve_onset\",\"curve_report\"],\"properties\":{\"new\":" SHAPE("BulletinCases") ",\"new_by_class\":" SHAPE("BulletinClasses")
                            ",\"new_by_origin\":" SHAPE("BulletinOrigins") ",\"new_infections\":" FIGURE ",\"new_infections_yesterday\":" FIGURE ",\"cumulative\":" SHAPE("BulletinCases")
                            ",\"found_under_control\":" FIGURE ",\"found_in_community\":" FIGURE ",\"control_unknown\":" FIGURE ",\"day_before\":" SHAPE("BulletinDayBefore")
                            ",\"conversions\":" FIGURE ",\"excluded\":" FIGURE ",\"active\":" FIGURE ",\"recovered\":" FIGURE ",\"released\":" FIGURE ",\"died\":" FIGURE
                            ",\"recovered_cumulative\":" FIGURE ",\"released_cumulative\":" FIGURE ",\"died_cumulative\":" FIGURE ",\"discovery\":" LIST(SHAPE("BulletinCount"))
                            ",\"severity\":" LIST(SHAPE("BulletinCount")) ",\"regions\":" LIST(SHAPE("BulletinRow")) ",\"diseases\":" LIST(SHAPE("BulletinRow")) ",\"times_day\":" SHAPE("BulletinTimes")
                            ",\"times_week\":" SHAPE("BulletinTimes") ",\"curve_onset\":" SHAPE("BulletinCurve") ",\"curve_report\":" SHAPE("BulletinCurve") "}}"},
    {"BulletinRounds", "{\"type\":\"object\",\"properties\":{\"person_times\":" FIGURE ",\"people\":" FIGURE ",\"tubes\":" FIGURE ",\"tubes_resulted\":" FIGURE ",\"tubes_positive\":" FIGURE
                       ",\"people_decided\":" FIGURE ",\"people_positive\":" FIGURE ",\"target\":" FIGURE ",\"covered\":" FIGURE ",\"voluntary\":" FIGURE "}}"},
    {"BulletinContacts", "{\"type\":\"object\",\"required\":[\"queue\"],\"properties\":{\"found\":" FIGURE ",\"found_secondary\":" FIGURE ",\"cumulative\":" FIGURE
                         ",\"cumulative_secondary\":" FIGURE ",\"observed\":" FIGURE ",\"placed\":" FIGURE ",\"released\":" FIGURE ",\"converted\":" FIGURE ",\"overdue\":" FIGURE
                         ",\"uncontrolled\":" FIGURE ",\"lost\":" FIGURE ",\"queue\":" LIST(STRING) "}}"},
    {"BulletinTests", "{\"type\":\"object\",\"properties\":{\"sampled\":" FIGURE ",\"resulted\":" FIGURE ",\"positive\":" FIGURE ",\"pending\":" FIGURE "}}"},
    {"BulletinRule", "{\"type\":\"object\",\"required\":[\"code\",\"zh\",\"en\"],\"properties\":{\"code\":" STRING ",\"zh\":" STRING ",\"en\":" STRING ",\"open\":" FIGURE
                     ",\"due_within_1h\":" FIGURE ",\"overdue\":" FIGURE ",\"without_owner\":" FIGURE ",\"paid\":" FIGURE "}}"},
    {"BulletinDuties", "{\"type\":\"object\",\"required\":[\"rules\"],\"properties\":{\"open\":" FIGURE ",\"due_within_1h\":" FIGURE ",\"overdue\":" FIGURE ",\"without_owner\":" FIGURE
                       ",\"raised\":" FIGURE ",\"paid\":" FIGURE ",\"paid_late\":" FIGURE ",\"lapsed\":" FIGURE ",\"closed_loop_ppm\":" FIGURE ",\"rules\":" LIST(SHAPE("BulletinRule"))
                       "}}"},
    {"BulletinUnit", "{\"type\":\"object\",\"required\":[\"title\",\"region\"],\"properties\":{\"title\":" STRING ",\"region\":" STRING ",\"organisation\":" WHOLE ",\"submitted_at\":" STRING
                     "}}"},
    {"BulletinUnits", "{\"type\":\"object\",\"required\":[\"list\"],\"properties\":{\"expected\":" FIGURE ",\"reported\":" FIGURE ",\"late\":" FIGURE ",\"list\":" LIST(SHAPE("BulletinUnit"))
                      "}}"},
    {"BulletinRestated", "{\"type\":\"object\",\"required\":[\"day\"],\"properties\":{\"day\":" STRING ",\"was\":" FIGURE ",\"is\":" FIGURE ",\"late\":" FIGURE ",\"swabs_was\":" FIGURE
                         ",\"swabs_is\":" FIGURE "}}"},
    {"BulletinChange", "{\"type\":\"object\",\"required\":[\"figure\",\"in\",\"out\"],\"properties\":{\"figure\":" STRING ",\"before\":" FIGURE ",\"after\":" FIGURE ",\"entered\":" FIGURE
                       ",\"left\":" FIGURE ",\"in\":" LIST(STRING) ",\"out\":" LIST(STRING) "}}"},
    {"Bulletin", "{\"type\":\"object\",\"required\":[\"format\",\"region\",\"day\",\"as_of\",\"state\",\"public\",\"cases\",\"contacts\",\"tests\",\"obligations\",\"units\","
                 "\"restated\",\"changes\"],\"properties\":{\"format\":" WHOLE ",\"region\":" STRING ",\"region_zh\":" STRING ",\"region_en\":" STRING ",\"disease\":" STRING
                 ",\"disease_zh\":" STRING ",\"disease_en\":" STRING ",\"day\":" STRING ",\"zone_s\":" WHOLE ",\"as_of\":" STRING ",\"state\":" STRING ",\"public\":" TRUTH ",\"k\":" FIGURE
                 ",\"serial\":" FIGURE ",\"cases\":" SHAPE("BulletinCaseFigures") ",\"contacts\":" SHAPE("BulletinContacts") ",\"tests\":" SHAPE("BulletinTests") ",\"rounds\":" SHAPE("BulletinRounds")
                 ",\"obligations\":" SHAPE("BulletinDuties") ",\"units\":" SHAPE("BulletinUnits") ",\"restated\":" LIST(SHAPE("BulletinRestated")) ",\"previous_as_of\":" STRING ",\"changes\":" LIST(SHAPE("BulletinChange")) ""
                 "},\"description\":\"The figures of a day; what each means is in docs/report.md. null: withheld from the public; absent: cannot be derived\"}"},
    {"Curve", "{\"type\":\"object\",\"required\":[\"from\",\"days\",\"report\",\"onset\"],\"properties\":{\"from\":{\"type\":\"string\",\"format\":\"date\"},\"days\":{\"type\":\"integer\"},"
              "\"report\":" CLASSES_OF ",\"onset\":" CLASSES_OF ",\"without_onset\":" CLASSES_OF "}}"},
    {"Reports", "{\"type\":\"object\",\"required\":[\"reports\"],\"properties\":{\"reports\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"day\",\"region\"],\"properties\":{\"day\":{\"type\":\"string\","
                "\"format\":\"date\"},\"region\":" STRING ",\"report\":{\"type\":\"integer\",\"format\":\"int64\"},\"state\":" STRING ",\"number\":" STRING ",\"as_of\":{\"type\":[\"string\",\"null\"]}}}}}}"},
    {"ReportStep", "{\"type\":\"object\",\"required\":[\"report\",\"state\"],\"properties\":{\"report\":{\"type\":\"integer\",\"format\":\"int64\"},\"state\":" STRING "}}"},
    {"Rederived", "{\"type\":\"object\",\"required\":[\"equal\",\"differences\"],\"properties\":{\"equal\":{\"type\":\"boolean\"},\"differences\":" STRING "}}"},
    {0},
};

#define REGION {"region", STRING, "行政区划代码;缺省为本级", "region code; the node's own without it"}
#define FORMAT {"format", "{\"type\":\"string\",\"enum\":[\"json\",\"text\",\"pdf\"]}", "格式", "else Accept decides"}
const struct route reports_routes[] = {
    {.method = "GET", .path = "/api/v1/reports", .who = WHO_ACCOUNT, .run = list, .response = "Reports", .zh = "日报列表及其状态", .en = "Reports of days, with their states.", .query = {REGION}},
    {.method = "GET", .path = "/api/v1/reports/{day}", .who = WHO_ACCOUNT, .run = show, .headers = ROUTE_ASIDE, .response = "Bulletin;text/plain;application/pdf", .zh = "某日的日报:实时、定稿或公开版",
     .en = "The report of a day: live, frozen, or the public version; as JSON, text or PDF.",
     .query = {REGION, FORMAT, {"version", "{\"type\":\"string\",\"enum\":[\"live\",\"frozen\",\"public\"]}", "版本", "live without it"}, {"disease", STRING, "病种(仅实时)", "one disease; of the live version"}}},
    {.method = "GET", .path = "/api/v1/reports/{day}/curve", .who = WHO_ACCOUNT, .run = curve, .headers = ROUTE_ASIDE, .response = "Curve", .zh = "截至某日的流行曲线,按病例分类,分报告日与发病日",
     .en = "The epidemic curve up to a day, by class, by day of report and of onset; as recorded now.",
     .query = {REGION, {"days", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":400}", "天数", "how many days; 30 without it"}, {"disease", STRING, "病种", "one disease"}}},
    {.method = "GET", .path = "/api/v1/reports/{day}/rederivation", .who = WHO_ACCOUNT, .run = rederive, .headers = ROUTE_ASIDE, .response = "Rederived", .zh = "由记录重新推导并与定稿比较",
     .en = "Derives the frozen figures again from the records and compares.", .query = {REGION}},
    {.method = "POST", .path = "/api/v1/reports/{day}/actions/{step}", .who = WHO_ACCOUNT, .run = act, .response = "ReportStep", .headers = HEADER_REASON,
     .zh = "定稿、审批、退回、发布、撤回", .en = "freeze, approve (first, then second), return, publish, withdraw.", .query = {REGION}},
    {.method = "GET", .path = "/public/v1/reports", .who = WHO_PUBLIC, .run = public_list, .response = "Reports", .zh = "已发布的日报", .en = "Reports that are published.", .query = {REGION}},
    {.method = "GET", .path = "/public/v1/reports/{day}", .who = WHO_PUBLIC, .run = public_show, .response = "Bulletin;text/plain;application/pdf", .zh = "公开版日报,小数字隐去",
     .en = "The public version of a published report; small cells are hidden.", .query = {REGION, FORMAT}},
    {0},
};
