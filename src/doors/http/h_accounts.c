/* Accounts, for those who administer them. What each may is decided in desks/account and ledger/grant. */
#include <string.h>

#include "doors/http/inside.h"

struct ask {
    struct account_wish wish;
    struct text login, roles, region, password;
    bool flag;
    char made[40];
    int64_t id, unit;
};

void http_put_unit(struct buf *b, const struct account_unit *u) {
    if (!u->id) return;
    buf_printf(b, ",\"organisation\":{\"id\":%lld,\"title\":", (long long)u->id);
    json_put_string(b, u->title);
    buf_char(b, '}');
}

static int ask_new(struct request *r, struct ask **ret, struct error *err) {
    struct ask *a = arena_alloc(&r->arena, sizeof *a);
    if (!a) return error_memory(err);
    a->login = request_param(r, "login");
    r->state = a;
    *ret = a;
    return 0;
}

static int then_nothing(struct request *r, struct error *err) {
    (void)err;
    return r->rc < 0 ? r->rc : answer_empty(r, 204);
}

static int list(struct request *r, struct error *err) {
    struct account_seat seat;
    struct account_row *rows = NULL;
    size_t n = 0;
    int rc = request_seat(r, &seat, err);
    if (!rc) rc = account_list(&seat, &r->session, &r->arena, &rows, &n, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"items\":[");
    for (size_t i = 0; i < n; i++) {
        const struct account_row *a = &rows[i];
        const struct { const char *name; struct text value; } texts[] = {{"login", a->login}, {"title", a->title}, {"region", a->region}, {"roles", a->roles}};
        const struct { const char *name; bool value; } flags[] = {{"active", a->active}, {"locked", a->locked}, {"has_password", a->has_password},
                                                                  {"must_change", a->must_change}, {"has_factor", a->has_factor}, {"needs_factor", a->needs_factor}};
        buf_printf(b, "%s{\"id\":%lld,\"failures\":%lld,\"sessions\":%lld", i ? "," : "", (long long)a->id, (long long)a->failures, (long long)a->sessions);
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            buf_printf(b, ",\"%s\":", texts[k].name);
            json_put_string(b, texts[k].value);
        }
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) buf_printf(b, ",\"%s\":%s", flags[k].name, flags[k].value ? "true" : "false");
        http_put_unit(b, &a->unit);
        if (a->signed_at != INSTANT_NONE) {
            buf_str(b, ",\"signed_at\":");
            json_put_instant(b, a->signed_at, http_zone(r->server));
        }
        buf_char(b, '}');
    }
    buf_str(b, "]}");
    return 0;
}

static int add_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct ask *a = r->state;
    return account_add(seat, &r->session, &a->wish, &a->id, err);
}

static int then_added(struct request *r, struct error *err) {
    struct ask *a = r->state;
    return r->rc < 0 ? r->rc : answer_json(r, 201, json_pack("{s:I}", "id", (json_int_t)a->id), err);
}

static int add(struct request *r, struct error *err) {
    struct ask *a = NULL;
    int rc = ask_new(r, &a, err);
    if (!rc) rc = request_member(r, "login", true, &a->wish.login, err);
    if (!rc) rc = request_member(r, "title", false, &a->wish.title, err);
    if (!rc) rc = request_member(r, "roles", false, &a->wish.roles, err);
    if (!rc) rc = request_member(r, "region", false, &a->wish.region, err);
    if (!rc) rc = request_member_id(r, "organisation", false, &a->wish.organisation, err);
    return rc ? rc : request_account(r, add_work, then_added, err);
}

static int roles_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct ask *a = r->state;
    return account_set_roles(seat, &r->session, a->login, a->roles, a->region, err);
}

static int roles(struct request *r, struct error *err) {
    struct ask *a = NULL;
    int rc = ask_new(r, &a, err);
    if (!rc) rc = request_member(r, "roles", false, &a->roles, err);
    if (!rc) rc = request_member(r, "region", false, &a->region, err);
    if (!rc && !a->roles.n && !a->region.n) rc = error_set(err, E_INVALID, "/roles", "roles, region or both / 须给出角色或区域");
    return rc ? rc : request_account(r, roles_work, then_nothing, err);
}

static int unit_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct ask *a = r->state;
    return account_set_unit(seat, &r->session, a->login, a->unit, err);
}

static int unit(struct request *r, struct error *err) {
    struct ask *a = NULL;
    int rc = ask_new(r, &a, err);
    if (!rc) rc = request_member_id(r, "organisation", !json_is_null(json_object_get(r->json, "organisation")), &a->unit, err);
    return rc ? rc : request_account(r, unit_work, then_nothing, err);
}

static int password_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct ask *a = r->state;
    return account_set_password(seat, &r->session, a->login, a->password, a->made, err);
}

static int then_password(struct request *r, struct error *err) {
    struct ask *a = r->state;
    if (r->rc < 0) return r->rc;
    return a->made[0] ? answer_json(r, 200, json_pack("{s:s}", "password", a->made), err) : answer_json(r, 200, json_object(), err);
}

static int password(struct request *r, struct error *err) {
    struct ask *a = NULL;
    int rc = ask_new(r, &a, err);
    if (!rc) rc = request_member(r, "password", false, &a->password, err);
    return rc ? rc : request_account(r, password_work, then_password, err);
}

static int lock_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct ask *a = r->state;
    return account_lock(seat, &r->session, a->login, a->flag, err);
}

static int lock(struct request *r, struct error *err) {
    struct ask *a = NULL;
    const json_t *locked = json_object_get(r->json, "locked");
    int rc = ask_new(r, &a, err);
    if (!rc && !json_is_boolean(locked)) rc = error_set(err, E_INVALID, "/locked", "true or false / 须为 true 或 false");
    if (!rc) a->flag = json_is_true(locked);
    return rc ? rc : request_account(r, lock_work, then_nothing, err);
}

static int reset_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct ask *a = r->state;
    return account_factor_reset(seat, &r->session, a->login, err);
}

static int reset(struct request *r, struct error *err) {
    struct ask *a = NULL;
    int rc = ask_new(r, &a, err);
    return rc ? rc : request_account(r, reset_work, then_nothing, err);
}

const struct route accounts_routes[] = {
    {"GET", "/api/v1/accounts", WHO_ACCOUNT, NULL, BODY_NONE, 0, list, NULL, "Accounts", 0, 0, "账户列表", "accounts one may read", {{0}}},
    {"POST", "/api/v1/accounts", WHO_ACCOUNT, "system", BODY_JSON, 16384, add, "AccountWish", "Made", 201, 0, "建立账户", "make an account", {{0}}},
    {"POST", "/api/v1/accounts/{login}/roles", WHO_ACCOUNT, "security", BODY_JSON, 16384, roles, "AccountRoles", NULL, 204, 0, "授予角色与区域", "give roles and a region", {{0}}},
    {"POST", "/api/v1/accounts/{login}/unit", WHO_ACCOUNT, "system;security", BODY_JSON, 4096, unit, "AccountUnit", NULL, 204, 0, "设定所属单位,null 为无", "set the organisation it works for, null for none", {{0}}},
    {"POST", "/api/v1/accounts/{login}/password", WHO_ACCOUNT, "system", BODY_JSON_MAYBE, 4096, password, "AccountPassword", "AccountPasswordMade", 0, 0, "设置初始密码,首次登录须修改",
     "set a first password, to be changed; makes one when none is given", {{0}}},
    {"POST", "/api/v1/accounts/{login}/lock", WHO_ACCOUNT, "system;security", BODY_JSON, 4096, lock, "AccountLock", NULL, 204, 0, "锁定或解锁", "lock or unlock", {{0}}},
    {"DELETE", "/api/v1/accounts/{login}/factor", WHO_ACCOUNT, "security", BODY_NONE, 0, reset, NULL, NULL, 204, 0, "重置双因素", "take the second factor away", {{0}}},
    {0},
};


const struct schema accounts_schemas[] = {
    {"Accounts", "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"login\",\"title\",\"region\",\"roles\",\"active\",\"locked\",\"has_password\",\"must_change\",\"has_factor\",\"needs_factor\",\"failures\",\"sessions\"],\"properties\":{"
                 "\"id\":{\"type\":\"integer\"},\"login\":" STRING ",\"title\":" STRING ",\"region\":" STRING ",\"roles\":" STRING ",\"active\":" TRUTH ",\"locked\":" TRUTH
                 ",\"has_password\":" TRUTH ",\"must_change\":" TRUTH ",\"organisation\":" HTTP_UNIT_SCHEMA ",\"has_factor\":" TRUTH ",\"needs_factor\":" TRUTH
                 ",\"failures\":{\"type\":\"integer\"},\"sessions\":{\"type\":\"integer\"},\"signed_at\":" STRING "}}}}}"},
    {"AccountWish", "{\"type\":\"object\",\"required\":[\"login\"],\"properties\":{\"login\":" STRING ",\"title\":" STRING ",\"roles\":" STRING ",\"region\":" STRING
                    ",\"organisation\":{\"type\":\"integer\"}}}"},
    {"AccountRoles", "{\"type\":\"object\",\"properties\":{\"roles\":" STRING ",\"region\":" STRING "}}"},
    {"AccountUnit", "{\"type\":\"object\",\"required\":[\"organisation\"],\"properties\":{\"organisation\":{\"type\":[\"integer\",\"null\"]}}}"},
    {"AccountPassword", "{\"type\":\"object\",\"properties\":{\"password\":{\"type\":\"string\",\"format\":\"password\"}}}"},
    {"AccountPasswordMade", "{\"type\":\"object\",\"properties\":{\"password\":" STRING "}}"},
    {"AccountLock", "{\"type\":\"object\",\"required\":[\"locked\"],\"properties\":{\"locked\":" TRUTH "}}"},
    {"Made", "{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"integer\"}}}"},
    {0},
};
