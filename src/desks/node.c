#include "desks/node.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "desks/plan.h"
#include "ledger/region.h"

enum { BATCH = 1000, PATH_BYTES = 1024 };

const struct grant node_root_grant = {.role = {"root", 4}, .region = {"", 0}};

struct session node_session(struct text account, instant now, bool zh) {
    return (struct session){.account = account, .n_grants = 1, .grants = &node_root_grant, .now = now, .zh = zh};
}

/* The next field of a line without quotes: our own build makes this file. */
static struct text cut(struct text *line) {
    const char *comma = memchr(line->s, ',', line->n);
    size_t n = comma ? (size_t)(comma - line->s) : line->n;
    struct text field = {line->s, n};
    *line = comma ? (struct text){comma + 1, line->n - n - 1} : (struct text){line->s + line->n, 0};
    return text_trim(field);
}

/* All provinces, cities and counties; streets and villages inside the node's region only. */
static bool wanted(struct text code, struct text region) {
    return region_level(code) <= 3 || (region.n && region_within(code, region)) || (region.n && region_within(region, code));
}

static int apply_batch(struct ledger *l, const struct session *s, struct draft **drafts, size_t n, struct error *err) {
    int rc = n ? record_apply(l, s, drafts, n, err) : 0;
    for (size_t i = 0; !rc && i < n; i++)
        if (drafts[i]->outcome == OUTCOME_REJECTED) {
            rc = drafts[i]->error.code;
            if (err) *err = drafts[i]->error;
        }
    return rc;
}

static int seed_regions(struct ledger *l, const struct session *s, struct text file, int64_t *ret_n, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("region"));
    struct arena a = {0};
    struct draft *drafts[BATCH];
    size_t n = 0;
    int64_t total = 0, line_no = 0;
    int rc = 0;
    if (!reg) return error_set(err, E_UNKNOWN, "region", "the register is not declared");
    int f_code = register_field(reg, TEXT("code")), f_title = register_field(reg, TEXT("title")), f_en = register_field(reg, TEXT("title_en")),
        f_level = register_field(reg, TEXT("level")), f_parent = register_field(reg, TEXT("parent"));
    if (f_code < 0 || f_title < 0 || f_level < 0) return error_set(err, E_UNKNOWN, "region", "needs the fields code, title and level");
    while (!rc && file.n) {
        const char *end = memchr(file.s, '\n', file.n);
        struct text line = {file.s, end ? (size_t)(end - file.s) : file.n};
        file = (struct text){file.s + line.n + (end ? 1 : 0), file.n - line.n - (end ? 1 : 0)};
        line_no++;
        line = text_trim(line);
        if (line_no == 1 || !line.n) continue;
        struct text code = cut(&line), title = cut(&line), title_en = cut(&line), level = cut(&line), parent = cut(&line);
        char canonical[REGION_MAX + 1], where[48];
        snprintf(where, sizeof where, "regions.csv line %lld", (long long)line_no);
        if (!region_canonical(code, canonical)) {
            rc = error_set(err, E_INVALID, where, "%.*s is no region code / 不是行政区划代码", (int)(code.n < 20 ? code.n : 20), code.s);
            break;
        }
        if (!wanted(text_of(canonical), l->region)) continue;
        struct draft *d = draft_new(&a, reg, DRAFT_UPSERT);
        struct text own = arena_text(&a, text_of(canonical));
        int64_t depth = region_level(own);
        if (!d || !own.s) {
            rc = error_memory(err);
            break;
        }
        text_int(level, &depth);
        d->region = own;
        d->values[f_code] = value_text(own);
        d->values[f_title] = value_text(title);
        if (f_en >= 0 && title_en.n) d->values[f_en] = value_text(title_en);
        d->values[f_level] = value_int(depth);
        if (f_parent >= 0 && parent.n) d->values[f_parent] = value_text(parent);
        drafts[n++] = d;
        total++;
        if (n == BATCH) {
            rc = apply_batch(l, s, drafts, n, err);
            if (rc < 0) error_within(err, where);
            n = 0;
            arena_reset(&a);
        }
    }
    if (!rc) rc = apply_batch(l, s, drafts, n, err);
    arena_clear(&a);
    if (!rc) *ret_n = total;
    return rc;
}

static const char *find_regions(const char *home, const char *given, char out[PATH_BYTES]) {
    if (given) return given;
    snprintf(out, PATH_BYTES, "%s/build/regions.csv", home);
    if (access(out, R_OK) == 0) return out;
    snprintf(out, PATH_BYTES, "%s/regions.csv", home);
    return access(out, R_OK) == 0 ? out : NULL;
}

/* Whether the table has `code`, and whether it has anything beside it (in the same province, or another province). */
static void table_has(struct text file, struct text code, bool *ret_there, bool *ret_beside) {
    struct text within = region_parent(code);
    *ret_there = *ret_beside = false;
    while (file.n && !*ret_there) {
        const char *end = memchr(file.s, '\n', file.n);
        struct text line = {file.s, end ? (size_t)(end - file.s) : file.n};
        file = (struct text){file.s + line.n + (end ? 1 : 0), file.n - line.n - (end ? 1 : 0)};
        struct text one = cut(&line);
        *ret_there = text_eq(one, code);
        *ret_beside |= one.n == code.n && text_starts(one, within) && *one.s >= '0' && *one.s <= '9' && *code.s >= '0' && *code.s <= '9';
    }
}

/* A node's own region: its province and city are those of the table, as far as that goes into them. A county may be newer than the table, or made for a drill; what a
 * country calls its parts is for its own table to say. */
static int region_known(struct text file, const char *given, int *ret_listed, struct error *err) {
    char canonical[REGION_MAX + 1];
    if (!given || !region_canonical(text_of(given), canonical)) return 0; /* ledger_init says what is wrong with it */
    struct text code = text_of(canonical);
    bool there, beside;
    table_has(file, code, &there, &beside);
    *ret_listed = there || !beside;
    for (struct text at = code; at.n; at = region_parent(at)) {
        if (region_level(at) > 2) continue;
        table_has(file, at, &there, &beside);
        if (!there && beside)
            return error_set(err, E_UNKNOWN, "--region", "there is no region %s in the table of regions: it has no %.*s / 区划表中没有区划 %s: 没有 %.*s", canonical, (int)at.n, at.s, canonical, (int)at.n, at.s);
    }
    return 0;
}

int node_init(const struct node_options *o, struct node_report *ret, struct error *err) {
    struct node_report report = {0};
    struct ledger *l = NULL;
    struct buf file = {0};
    char path[PATH_BYTES];
    struct arena a = {0};
    char *home = ledger_home(&a, o->ledger.home);
    const char *regions = home ? find_regions(home, o->regions, path) : NULL;
    int listed = 1, rc = regions ? file_read(regions, 64 << 20, &file, err) : 0;
    if (!rc) rc = region_known(buf_view(&file), o->ledger.region, &listed, err);
    if (!rc) rc = ledger_init(&o->ledger, err);
    if (!rc) rc = ledger_open(&o->ledger, &l, err);
    if (rc < 0) goto out;
    struct session s = node_session(o->account.n ? o->account : TEXT("system"), o->now, o->zh);
    report.region_listed = listed;
    if (regions) {
        snprintf(report.regions_from, sizeof report.regions_from, "%s", regions);
        rc = ledger_begin(l, err);
        if (rc < 0) goto out;
        rc = seed_regions(l, &s, buf_view(&file), &report.regions, err);
        rc = ledger_end(l, rc, s.now, err);
        if (rc < 0) goto out;
    }
    if (!rc && o->policy && !l->n_adoptions) { /* an init that was cut may have come so far */
        struct plan_adoption first = {.pack = text_of(o->policy), .region = l->region, .from = o->from ? o->from : day_of_civil((struct civil){1900, 1, 1}),
                                  .reason = o->zh ? TEXT("建立节点时已在执行") : TEXT("in force when the node was made")};
        rc = plan_adopt(l, &s, &first, &report.adoption, NULL, err);
    }
out:
    arena_clear(&a);
    buf_clear(&file);
    ledger_close(l);
    if (!rc) *ret = report;
    return rc;
}

/* ---- is there such a region? */

/* Whether the register has a region in this one; inside: other than it itself. Of the root: one that begins with a digit, or with a letter, as `like` does. */
static int listed(struct ledger *l, struct text region, bool inside, char like, bool *ret, struct error *err) {
    char end[REGION_MAX + 2] = "A", last[] = "ZZ";
    bool digit = like >= '0' && like <= '9';
    struct value n = value_null();
    struct arena a = {0};
    if (!region.n && !digit) region = TEXT("A");
    else if (region.n) (void)region_end(region, end);
    const struct value params[] = {value_text(region), value_str(digit || strcmp(end, "A") ? end : last)};
    int rc = db_scalar(l->db, &a, inside ? "SELECT 1 FROM \"region\" WHERE \"code\" > ?1 AND \"code\" < ?2 LIMIT 1" : "SELECT 1 FROM \"region\" WHERE \"code\" >= ?1 AND \"code\" < ?2 LIMIT 1",
                       params, 2, &n, err);
    *ret = n.kind == VALUE_INT;
    arena_clear(&a);
    return rc;
}

int node_region(struct ledger *l, struct text code, struct error *err) {
    bool there = !register_find(l->catalog, TEXT("region")), beside = false;
    int rc = 0;
    for (struct text at = code; !rc && !there && !beside; at = region_parent(at)) {
        there = !at.n || region_within(l->region, at);
        if (!there) rc = listed(l, at, false, *at.s, &there, err);
        if (!rc && !there) rc = listed(l, region_parent(at), true, *at.s, &beside, err);
    }
    if (rc < 0 || there) return rc;
    return error_set(err, E_UNKNOWN, "region", "there is no region %.*s in the register / 登记册中没有区划 %.*s", (int)code.n, code.s, (int)code.n, code.s);
}
