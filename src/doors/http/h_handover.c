/* Duties of one record, open and done; and duties handed over to another party: one by one or a selection, a result for each. */
#include "desks/duty.h"
#include "doors/http/represent.h"
#include "doors/http/route.h"
#include "doors/http/write.h"

struct hand {
    struct duty_hand *list;
    size_t n;
    int kind;
    int64_t to;
};

static int run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct hand *h = r->state;
    return duty_hand_over(l, &r->session, h->list, h->n, h->kind, h->to, err);
}

static int handed(struct request *r, struct error *err) {
    const struct hand *h = r->state;
    size_t done = 0;
    (void)err;
    if (r->rc < 0) return r->rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"rows\":[");
    for (size_t i = 0; i < h->n; i++) {
        const struct duty_hand *one = &h->list[i];
        done += one->rc == 0;
        buf_printf(b, "%s{\"row\":%zu,\"outcome\":\"%s\"", i ? "," : "", i, one->rc ? "rejected" : "handed");
        if (one->rc < 0) {
            char words[ERROR_MESSAGE_MAX + 200];
            error_words(one->rc, one->error.message, r->zh, words, sizeof words);
            buf_printf(b, ",\"code\":\"%s\",\"detail\":", error_name(one->rc));
            json_put_string(b, text_of(words));
        }
        buf_char(b, '}');
    }
    return buf_printf(b, "],\"handed\":%zu,\"rejected\":%zu}", done, h->n - done);
}

static int read_duty(struct request *r, const json_t *j, size_t i, struct duty_hand *ret, struct error *err) {
    const json_t *reg = json_object_get(j, "register"), *rule = json_object_get(j, "rule"), *record = json_object_get(j, "record");
    char at[40];
    snprintf(at, sizeof at, "/duties/%zu", i);
    if (!json_is_string(reg) || !json_is_string(rule) || !json_is_integer(record))
        return error_set(err, E_INVALID, at, "needs register, record and rule / 须含 register、record、rule");
    *ret = (struct duty_hand){.reg = register_find(http_catalog(r->server), (struct text){json_string_value(reg), json_string_length(reg)}),
                              .record = json_integer_value(record),
                              .rule = {json_string_value(rule), json_string_length(rule)}};
    return ret->reg ? 0 : error_set(err, E_INVALID, at, "there is no such register / 没有该登记册");
}

static int hand_over(struct request *r, struct error *err) {
    struct hand *h = r->state = arena_alloc(&r->arena, sizeof *h);
    const json_t *duties = json_object_get(r->json, "duties");
    int64_t organisation = 0, account = 0;
    struct text reason = {"", 0};
    if (!h) return error_memory(err);
    *h = (struct hand){.n = json_array_size(duties)};
    int rc = request_member(r, "reason", true, &reason, err);
    if (!rc) rc = request_member_id(r, "organisation", false, &organisation, err);
    if (!rc) rc = request_member_id(r, "account", false, &account, err);
    if (!rc && !organisation == !account) rc = error_set(err, E_INVALID, "/organisation", "either an organisation or an account takes it over / 须且只须写明接手的机构或账户");
    if (!rc && (!h->n || h->n > DUTY_HANDS_MAX)) rc = error_set(err, E_INVALID, "/duties", "an array of 1 to %d duties / 应为 1 至 %d 项的数组", DUTY_HANDS_MAX, DUTY_HANDS_MAX);
    if (rc < 0) return rc;
    h->kind = organisation ? OWNER_UNIT : OWNER_PERSON;
    h->to = organisation ? organisation : account;
    r->session.reason = reason;
    h->list = arena_alloc(&r->arena, h->n * sizeof *h->list);
    if (!h->list) return error_memory(err);
    for (size_t i = 0; !rc && i < h->n; i++) rc = read_duty(r, json_array_get(duties, i), i, &h->list[i], err);
    return rc < 0 ? rc : request_call(r, run, handed, err);
}

/* ---- everything that was owed for a record */

struct listing {
    struct request *r;
    struct ledger *l;
    struct export_names *names;
    struct buf *b;
    struct error *err;
    size_t n;
};

/* The days of a schedule, each with what became of it. */
static void put_days(struct buf *b, const struct duty *d) {
    char on[DAY_TEXT];
    const char *comma = "";
    buf_str(b, ",\"days\":[");
    for (int k = 0; k < 64; k++) {
        uint64_t bit = UINT64_C(1) << k;
        if (!((d->owed | d->paid | d->missed) & bit)) continue;
        day_format(d->anchor + k, on);
        buf_printf(b, "%s{\"day\":%d,\"date\":\"%s\",\"state\":\"%s\"}", comma, k, on, d->paid & bit ? "paid" : d->missed & bit ? "missed" : "owed");
        comma = ",";
    }
    buf_char(b, ']');
}

static int put_duty(const struct obligation *o, const struct duty_rule *rule, void *arg) {
    struct listing *x = arg;
    struct buf *b = x->b;
    if (x->n++) buf_char(b, ',');
    int rc = represent_duty(b, o, rule, x->names, x->r, x->l->zone_s, x->err);
    if (rc < 0) return rc;
    json_put_text(b, "state", o->state);
    json_put_moment(b, "raised_at", o->duty.raised_at, x->l->zone_s);
    json_put_moment(b, "closed_at", o->closed_at, x->l->zone_s);
    buf_printf(b, ",\"late\":%s", o->late ? "true" : "false");
    if (rule && rule->timing == TIMING_DAYS) put_days(b, &o->duty);
    return buf_char(b, '}') < 0 ? b->failed : 0;
}

static int of_record(struct request *r, struct error *err) {
    struct listing x = {.r = r, .err = err};
    const struct register_decl *reg = NULL;
    int64_t id = 0;
    int rc = request_register(r, &reg, err);
    if (!rc) rc = request_id(r, "id", &id, err);
    if (!rc) rc = request_reader(r, &x.l, err);
    if (!rc) rc = export_names_new(x.l, x.l->db, &r->session, &x.names, err);
    if (rc < 0) return rc;
    x.b = answer_open(r, 200);
    buf_str(x.b, "{\"obligations\":[");
    rc = duty_of_record(x.l, x.l->db, &r->session, register_find(x.l->catalog, reg->name), id, &r->arena, put_duty, &x, err);
    buf_str(x.b, "]}");
    export_names_free(x.names);
    return rc < 0 ? rc : 0;
}

#define MAYBE "{\"type\":[\"string\",\"null\"]}"
const struct schema handover_schemas[] = {
    {"Handover", "{\"type\":\"object\",\"required\":[\"duties\",\"reason\"],\"properties\":{\"duties\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":500,\"items\":{\"type\":\"object\",\"required\":[\"register\",\"record\",\"rule\"],"
                 "\"properties\":{\"register\":" STRING ",\"record\":" ID ",\"rule\":" STRING "}}},\"organisation\":" ID ",\"account\":" ID ",\"reason\":" STRING "}}"},
    {"RecordDuties", "{\"type\":\"object\",\"required\":[\"obligations\"],\"properties\":{\"obligations\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"rule\",\"register\",\"record\",\"state\"],"
                     "\"properties\":{\"rule\":" STRING ",\"title\":" STRING ",\"desk\":" STRING ",\"register\":" STRING ",\"record\":" ID ",\"number\":" STRING ",\"region\":" STRING ",\"state\":" STRING
                     ",\"raised_at\":" MAYBE ",\"due_at\":" MAYBE ",\"closed_at\":" MAYBE ",\"overdue\":{\"type\":\"boolean\"},\"late\":{\"type\":\"boolean\"},\"level\":{\"type\":\"integer\"},\"adoption\":" ID
                     ",\"handed\":{\"type\":\"boolean\"},\"owner\":" REPRESENT_OWNER_SCHEMA ",\"days\":{\"type\":\"array\",\"items\":{"
                     "\"type\":\"object\",\"properties\":{\"day\":{\"type\":\"integer\"},\"date\":{\"type\":\"string\",\"format\":\"date\"},\"state\":" STRING "}}}}}}}}"},
    {"HandoverResult", "{\"type\":\"object\",\"required\":[\"rows\",\"handed\",\"rejected\"],\"properties\":{\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"row\",\"outcome\"],\"properties\":{"
                       "\"row\":{\"type\":\"integer\"},\"outcome\":{\"type\":\"string\",\"enum\":[\"handed\",\"rejected\"]},\"code\":" STRING ",\"detail\":" STRING "}}},\"handed\":{\"type\":\"integer\"},\"rejected\":{\"type\":\"integer\"}}}"},
    {0},
};

const struct route handover_routes[] = {
    {.method = "POST", .path = "/api/v1/obligations/handover", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = hand_over, .request = "Handover", .response = "HandoverResult",
     .zh = "将未办事项移交给另一机构或账户,须有理由,逐项给出结果", .en = "Hands open duties over to an organisation or an account, with a reason; a result for each."},
    {.method = "GET", .path = "/api/v1/registers/{register}/records/{id}/obligations", .who = WHO_ACCOUNT, .run = of_record, .response = "RecordDuties",
     .zh = "为此记录及其人员产生过的全部待办,含已办结、已逾期、已取消", .en = "Everything that was owed for this record and its person: open, paid, lapsed, cancelled."},
    {0},
};
