/* What an account wants to find again on whatever machine it signs in: views of lists, columns. JSON by name. */
#include "doors/http/inside.h"

struct settings_ask {
    struct account_setting list[ACCOUNT_SETTINGS];
    size_t n;
};

static int list(struct request *r, struct error *err) {
    struct account_seat seat;
    struct account_setting *all = NULL;
    size_t n = 0;
    int rc = request_seat(r, &seat, err);
    if (!rc) rc = account_settings(&seat, &r->session, &r->arena, &all, &n, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"settings\":{");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(b, ',');
        json_put_string(b, all[i].name);
        buf_char(b, ':');
        buf_text(b, all[i].value);
    }
    return buf_str(b, "}}");
}

static int put_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    const struct settings_ask *a = r->state;
    return account_settings_put(seat, &r->session, a->list, a->n, err);
}

static int then_put(struct request *r, struct error *err) {
    (void)err;
    return r->rc < 0 ? r->rc : answer_empty(r, 204);
}

static int add(const char *text, size_t n, void *out) {
    return buf_text(out, (struct text){text, n});
}

/* A merge patch: null takes a setting away, the others stay. */
static int put(struct request *r, struct error *err) {
    struct settings_ask *a = arena_alloc(&r->arena, sizeof *a);
    const char *name;
    json_t *value;
    if (!a) return error_memory(err);
    if (!json_is_object(r->json)) return error_set(err, E_SYNTAX, "/", "must be an object / 应为对象");
    json_object_foreach(r->json, name, value) {
        struct buf text = {.max = 1 << 20};
        if (a->n == ACCOUNT_SETTINGS) return error_set(err, E_TOO_LARGE, "settings", "at most %d settings / 至多 %d 项设置", ACCOUNT_SETTINGS, ACCOUNT_SETTINGS);
        int failed = json_is_null(value) ? 0 : json_dump_callback(value, add, &text, JSON_COMPACT | JSON_ENCODE_ANY);
        a->list[a->n++] = (struct account_setting){arena_text(&r->arena, text_of(name)), arena_text(&r->arena, buf_view(&text))};
        buf_clear(&text);
        if (failed || !a->list[a->n - 1].name.s || !a->list[a->n - 1].value.s) return error_memory(err);
    }
    r->state = a;
    return request_account(r, put_work, then_put, err);
}

const struct route settings_routes[] = {
    {.method = "GET", .path = "/api/v1/session/settings", .who = WHO_ACCOUNT, .run = list, .response = "Settings", .zh = "本人的界面设置（如保存的视图）",
     .en = "What the account wants to find again, such as saved views."},
    {.method = "PATCH", .path = "/api/v1/session/settings", .who = WHO_ACCOUNT, .body = BODY_JSON, .body_max = 1 << 18, .run = put, .request = "SettingsPatch", .status = 204,
     .zh = "修改本人的界面设置（合并补丁，null 为删除）", .en = "Changes some of them (merge patch; null takes one away)."},
    {0},
};

const struct schema settings_schemas[] = {
    {"Settings", "{\"type\":\"object\",\"required\":[\"settings\"],\"properties\":{\"settings\":{\"type\":\"object\",\"additionalProperties\":true}}}"},
    {"SettingsPatch", "{\"type\":\"object\",\"additionalProperties\":true}"},
    {0},
};
