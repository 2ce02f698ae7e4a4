/* Lists of any register: a page at a time, by cursor. What may be seen, and every parameter, is for desks/list. */
#include "desks/list/list.h"
#include "doors/http/represent.h"
#include "doors/http/route.h"
#include "doors/http/write.h"

static void put_cursor(struct buf *b, const char *name, struct text cursor) {
    buf_printf(b, ",\"%s\":", name);
    if (cursor.n) json_put_string(b, cursor);
    else buf_str(b, "null");
}

/* To be found by what is sealed is to be looked at: whom the rows are about is in the journal before they go out. */
static int found_by_sealed(struct request *r, const struct list_query *q, const struct list_page *page, struct error *err) {
    if (!list_sealed_term(q)) return 0;
    const struct catalog *c = http_catalog(r->server);
    const struct register_decl *reg = register_find(c, q->reg->name), *people = register_find(c, TEXT("person"));
    struct look *looks = arena_alloc(&r->arena, (page->n + 1) * sizeof *looks);
    size_t n = 0;
    if (!looks) return error_memory(err);
    for (size_t i = 0; i < page->n; i++) {
        const struct record *row = &page->rows[i];
        int64_t person = reg->person_field >= 0 ? value_int_or(row->values[reg->person_field], 0) : 0;
        struct look one = person ? (struct look){people, person} : (struct look){reg, row->id};
        bool twice = false;
        for (size_t k = 0; k < n && !twice; k++) twice = looks[k].reg == one.reg && looks[k].id == one.id;
        if (!twice) looks[n++] = one;
    }
    return request_looked(r, looks, n, err);
}

static int list(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct list_query q;
    struct list_page page = {0};
    int rc = request_reader(r, &l, err);
    if (rc < 0) return rc;
    const struct register_decl *reg = register_find(l->catalog, request_param(r, "register"));
    if (!reg) return error_set(err, E_UNKNOWN, "register", "there is no such register / 没有该登记册");
    struct list_param *params = arena_alloc(&r->arena, (r->n_query + 1) * sizeof *params);
    if (!params) return error_memory(err);
    for (size_t i = 0; i < r->n_query; i++) params[i] = (struct list_param){r->query[i].name, r->query[i].value};
    rc = list_query_parse(l, reg, params, r->n_query, &r->arena, &q, err);
    if (!rc) rc = list_page(l, l->db, &r->session, &q, &r->arena, &page, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"rows\":[");
    for (size_t i = 0; i < page.n; i++) {
        if (i) buf_char(b, ',');
        rc = represent_record(b, &page.rows[i], http_zone(r->server), NULL);
        if (rc < 0) return rc;
    }
    buf_str(b, "]");
    put_cursor(b, "next", page.next);
    put_cursor(b, "previous", page.previous);
    buf_printf(b, ",\"more\":%s", page.more ? "true" : "false");
    if (page.count >= 0) buf_printf(b, ",\"count\":%lld,\"count_is\":\"%s\"", (long long)page.count, page.count_bounded ? "at least" : "exact");
    buf_char(b, '}');
    if (b->failed) return error_set(err, b->failed, NULL, "the page is too large; ask for fewer rows or fields / 页面过大,请减少行数或字段");
    return found_by_sealed(r, &q, &page, err);
}

const struct schema list_schemas[] = {
    {"{Register}Page",
     "{\"type\":\"object\",\"required\":[\"rows\",\"next\",\"previous\",\"more\"],\"properties\":{\"rows\":{\"type\":\"array\",\"items\":{\"$ref\":"
     "\"#/components/schemas/{Register}\"}},\"next\":{\"type\":[\"string\",\"null\"],\"description\":\"cursor of the next page\"},\"previous\":{\"type\":[\"string\",\"null\"]},"
     "\"more\":{\"type\":\"boolean\",\"description\":\"there is a next page; a short page with more used up its share of work\"},"
     "\"count\":{\"type\":\"integer\"},\"count_is\":{\"type\":\"string\",\"enum\":[\"exact\",\"at least\"]}}}"},
    {0},
};

const struct route list_routes[] = {
    {.method = "GET",
     .path = "/api/v1/registers/{register}/records",
     .who = WHO_ACCOUNT,
     .run = list,
     .response = "{Register}Page",
     .headers = HEADER_PURPOSE | FIELD_FILTERS,
     .zh = "记录列表,按游标翻页;字段名即筛选条件,见 docs/api-lists.md",
     .en = "Records, a page at a time by cursor; the names of fields are filters, see docs/api-lists.md.",
     .query = {{"sort", "{\"type\":\"string\"}", "排序:id、changed_at 或有索引的日期,前加 - 为降序;缺省 -id", "id, changed_at or an indexed date; - before it descends; -id when left out"},
               {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":500,\"default\":50}", "每页行数", "rows of a page"},
               {"cursor", "{\"type\":\"string\"}", "上一页给出的 next 或 previous", "next or previous of another page"},
               {"fields", "{\"type\":\"string\"}", "只要这些字段,逗号分隔", "only these fields, comma separated"},
               {"where", "{\"type\":\"string\",\"maxLength\":4096}", "条件表达式", "a condition over the fields"},
               {"region", "{\"type\":\"string\"}", "区划及其下级,逗号分隔", "regions and what is below them, comma separated"},
               {"changed_since", "{\"type\":\"string\",\"format\":\"date-time\"}", "此时以后有变更", "changed since then"},
               {"count", "{\"type\":\"string\",\"enum\":[\"estimate\",\"exact\"]}", "附带总数", "with a count"}}},
    {0},
};
