/* People across registers: everything about one, merging and unmerging, forgetting, finding by a sealed value. */
#include <string.h>

#include "desks/person.h"
#include "doors/http/represent.h"
#include "doors/http/route.h"
#include "doors/http/write.h"

static bool unseen(int rc) {
    return rc == E_UNKNOWN || rc == E_DENIED;
}

/* The person, every record about him that the asker may see, and who may be the same one, among those he may see. */
static int show(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct record person, one;
    struct person_child *children = NULL;
    struct person_twin *twins = NULL;
    size_t n = 0, n_twins = 0;
    int64_t id = 0;
    bool first = true;
    int rc = request_id(r, "id", &id, err);
    if (!rc) rc = request_reader(r, &l, err);
    const struct register_decl *reg = rc ? NULL : register_find(l->catalog, TEXT("person"));
    if (!rc && !reg) rc = error_set(err, E_UNKNOWN, "person", "there is no such register / 没有该登记册");
    if (!rc) rc = record_get(l, l->db, &r->session, reg, id, &r->arena, &person, err);
    if (!rc) rc = person_children(l, l->db, id, &r->arena, &children, &n, err);
    if (!rc) rc = person_twins(l, l->db, &r->session, id, &r->arena, &twins, &n_twins, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"person\":");
    represent_record(b, &person, l->zone_s, NULL);
    buf_str(b, ",\"records\":[");
    for (size_t i = 0; i < n; i++) {
        struct error none = {0};
        rc = record_get(l, l->db, &r->session, children[i].reg, children[i].id, &r->arena, &one, &none);
        if (unseen(rc)) continue;
        if (rc < 0) return error_set(err, rc, none.where, "%s", none.message);
        if (!first) buf_char(b, ',');
        first = false;
        represent_record(b, &one, l->zone_s, NULL);
    }
    buf_str(b, "],\"twins\":[");
    for (size_t i = 0; i < n_twins; i++)
        buf_printf(b, "%s{\"person\":%lld,\"document\":%s,\"phone\":%s,\"name\":%s}", i ? "," : "", (long long)twins[i].person, twins[i].document ? "true" : "false",
                   twins[i].phone ? "true" : "false", twins[i].name ? "true" : "false");
    return buf_str(b, "]}");
}

/* ---- finding: in a body, because a query ends up in logs */

enum { FOUND_MAX = 200 };

static int find(struct request *r, struct error *err) {
    static const struct { const char *name; enum field_blind kind; } kinds[] = {{"document", BLIND_DOCUMENT}, {"phone", BLIND_PHONE}, {"name", BLIND_NAME}};
    struct ledger *l = NULL;
    struct text value = {"", 0};
    enum field_blind kind = BLIND_NONE;
    int64_t *ids = NULL;
    size_t n = 0;
    int rc = 0;
    for (size_t i = 0; !rc && kind == BLIND_NONE && i < sizeof kinds / sizeof *kinds; i++) {
        rc = request_member(r, kinds[i].name, false, &value, err);
        if (!rc && value.n) kind = kinds[i].kind;
    }
    if (!rc && kind == BLIND_NONE) rc = error_set(err, E_INVALID, "/document", "one of document, phone and name is needed / 须给出 document、phone、name 之一");
    if (!rc) rc = request_reader(r, &l, err);
    const struct register_decl *reg = rc ? NULL : register_find(l->catalog, TEXT("person"));
    if (!rc && !reg) rc = error_set(err, E_UNKNOWN, "person", "there is no such register / 没有该登记册");
    if (!rc && !access_anywhere(&r->session, ACCESS_READ, reg)) rc = access_check(&r->session, ACCESS_READ, reg, TEXT(""), err);
    /* to be told that a number is somebody's is a look at it: as in the filters of lists */
    if (!rc && !access_anywhere(&r->session, ACCESS_OPEN, reg)) rc = access_check(&r->session, ACCESS_OPEN, reg, TEXT(""), err);
    if (!rc && !r->session.purpose.n) rc = error_set(err, E_DENIED, "Tocsin-Purpose", "looking for somebody by what is sealed needs a purpose / 按加密字段查找须说明目的");
    if (!rc) rc = person_find(l, l->db, kind, value, &r->arena, &ids, &n, err);
    if (rc < 0) return rc;
    struct look *looks = arena_alloc(&r->arena, (FOUND_MAX + 1) * sizeof *looks);
    size_t n_looks = 0;
    if (!looks) return error_memory(err);
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"persons\":[");
    for (size_t i = 0; i < n && n_looks < FOUND_MAX; i++) {
        struct record one;
        struct error none = {0};
        rc = record_get(l, l->db, &r->session, reg, ids[i], &r->arena, &one, &none);
        if (unseen(rc) || (!rc && access_check(&r->session, ACCESS_OPEN, reg, one.region, NULL) < 0)) continue;
        if (rc < 0) return error_set(err, rc, none.where, "%s", none.message);
        if (n_looks) buf_char(b, ',');
        looks[n_looks++] = (struct look){register_find(http_catalog(r->server), reg->name), one.id};
        represent_record(b, &one, l->zone_s, NULL);
    }
    buf_str(b, "]}");
    return request_looked(r, looks, n_looks, err);
}

/* ---- changes */

struct change {
    int64_t person, from, moved;
};

static int change_read(struct request *r, struct change **ret, struct error *err) {
    struct change *c = r->state = arena_alloc(&r->arena, sizeof *c);
    if (!c) return error_memory(err);
    *ret = c;
    return request_id(r, "id", &c->person, err);
}

static int merge_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct change *c = r->state;
    return person_merge(l, &r->session, c->person, c->from, &c->moved, err);
}

static int unmerge_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct change *c = r->state;
    return person_unmerge(l, &r->session, c->person, &c->moved, err);
}

static int erase_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct change *c = r->state;
    return person_erase(l, &r->session, c->person, err);
}

static int changed(struct request *r, struct error *err) {
    const struct change *c = r->state;
    (void)err;
    if (r->rc < 0) return r->rc;
    return buf_printf(answer_open(r, 200), "{\"person\":%lld,\"moved\":%lld}", (long long)c->person, (long long)c->moved);
}

static int merge(struct request *r, struct error *err) {
    struct change *c = NULL;
    int rc = change_read(r, &c, err);
    if (!rc) rc = request_member_id(r, "from", true, &c->from, err);
    return rc < 0 ? rc : request_call(r, merge_run, changed, err);
}

static int unmerge(struct request *r, struct error *err) {
    struct change *c = NULL;
    int rc = change_read(r, &c, err);
    return rc < 0 ? rc : request_call(r, unmerge_run, changed, err);
}

static int erase(struct request *r, struct error *err) {
    struct change *c = NULL;
    int rc = change_read(r, &c, err);
    return rc < 0 ? rc : request_call(r, erase_run, changed, err);
}

const struct schema persons_schemas[] = {
    {"PersonFile", "{\"type\":\"object\",\"required\":[\"person\",\"records\",\"twins\"],\"properties\":{\"person\":{\"$ref\":\"#/components/schemas/Person\"},\"records\":{\"type\":\"array\",\"items\":{"
                   "\"$ref\":\"#/components/schemas/AnyRecord\"}},\"twins\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"person\":{\"type\":\"integer\","
                   "\"format\":\"int64\"},\"document\":{\"type\":\"boolean\"},\"phone\":{\"type\":\"boolean\"},\"name\":{\"type\":\"boolean\"}}}}}}"},
    {"PersonSearch", "{\"type\":\"object\",\"properties\":{\"document\":{\"type\":\"string\"},\"phone\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"}}}"},
    {"Persons", "{\"type\":\"object\",\"required\":[\"persons\"],\"properties\":{\"persons\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Person\"}}}}"},
    {"PersonMerge", "{\"type\":\"object\",\"required\":[\"from\"],\"properties\":{\"from\":{\"type\":\"integer\",\"format\":\"int64\"}}}"},
    {"PersonChanged", "{\"type\":\"object\",\"required\":[\"person\",\"moved\"],\"properties\":{\"person\":{\"type\":\"integer\",\"format\":\"int64\"},\"moved\":{\"type\":\"integer\"}}}"},
    {0},
};

const struct route persons_routes[] = {
    {.method = "GET", .path = "/api/v1/persons/{id}", .who = WHO_ACCOUNT, .run = show, .response = "PersonFile", .zh = "一个人的全部记录及可能重复者",
     .en = "Everything on record about one person, and who may be the same."},
    {.method = "POST", .path = "/api/v1/persons/search", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = find, .request = "PersonSearch", .response = "Persons", .headers = HEADER_PURPOSE,
     .zh = "按证件号、电话或姓名精确查找(值不进日志);须有查看密封字段的角色并说明目的",
     .en = "Finds by document, phone or name, exactly; needs a purpose and a role that may open them. The value is in the body so that no log has it."},
    {.method = "POST", .path = "/api/v1/persons/{id}/merge", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = merge, .request = "PersonMerge", .response = "PersonChanged", .headers = HEADER_REASON,
     .zh = "并入另一人", .en = "Makes another person part of this one."},
    {.method = "POST", .path = "/api/v1/persons/{id}/unmerge", .who = WHO_ACCOUNT, .run = unmerge, .response = "PersonChanged", .headers = HEADER_REASON, .zh = "撤销合并", .en = "Undoes a merge."},
    {.method = "POST", .path = "/api/v1/persons/{id}/erase", .who = WHO_ACCOUNT, .roles = "root", .run = erase, .response = "PersonChanged", .headers = HEADER_REASON,
     .zh = "销毁此人密钥,个人信息不可恢复;须有理由", .en = "Destroys the person's key: sealed data cannot be read again. Needs a reason."},
    {0},
};
