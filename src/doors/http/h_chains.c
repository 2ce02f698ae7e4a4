/* Chains of transmission over HTTP: the summary, a part around a case, the candidates of a case and the choice between them. What is built from the whole node is kept
 * until the journal grows; each answer shows only cases that the asker may read. */
#include <pthread.h>
#include <string.h>

#include "desks/tracing/chains.h"
#include "doors/http/inside.h"
#include "doors/http/route.h"
#include "doors/http/write.h"

enum { TREES_SHOWN = 50, FAULTS_SHOWN = 300, PART_NODES = 300, PART_NODES_MAX = 2000, KEPT_S = 15 };

/* The last one built, shared by readers; who is last lets it go. */
struct kept {
    struct chains *c;
    int users;
    int64_t built_ns;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, building = PTHREAD_MUTEX_INITIALIZER;

static void release(struct kept *k) {
    if (!k) return;
    pthread_mutex_lock(&lock);
    bool last = --k->users == 0;
    pthread_mutex_unlock(&lock);
    if (!last) return;
    chains_free(k->c);
    mem_free(k);
}

void chains_drop(struct http_server *s) {
    release(s->chains);
    s->chains = NULL;
}

/* The kept one when it is of this disease, and young or nothing was written since. */
static struct kept *kept_take(struct http_server *s, struct text disease, int64_t stamp, int64_t now_ns) {
    pthread_mutex_lock(&lock);
    struct kept *k = s->chains;
    bool good = k && text_eq(k->c->disease, disease) && (k->c->as_of_seq == stamp || now_ns - k->built_ns < KEPT_S * 1000000000LL);
    if (good) k->users++;
    pthread_mutex_unlock(&lock);
    return good ? k : NULL;
}

static int take(struct request *r, struct ledger *l, struct kept **ret, struct error *err) {
    struct http_server *s = r->server;
    struct text disease = request_query(r, "disease");
    const struct register_decl *reg = register_find(l->catalog, TEXT("case"));
    int64_t stamp = 0;
    if (!reg) return error_set(err, E_UNKNOWN, "case", "this catalog has no cases / 没有病例登记册");
    if (!access_anywhere(&r->session, ACCESS_READ, reg)) return access_check(&r->session, ACCESS_READ, reg, TEXT(""), err);
    int rc = disease.n ? chains_disease_known(l, disease, err) : chains_disease(l, &r->arena, &disease, err);
    if (!rc) rc = chains_stamp(l, &stamp, err);
    if (rc < 0) return rc;
    struct kept *k = kept_take(s, disease, stamp, r->started_ns);
    if (k) return *ret = k, 0;
    pthread_mutex_lock(&building);
    k = kept_take(s, disease, stamp, r->started_ns);
    if (!k) {
        k = mem_alloc(sizeof *k);
        rc = k ? chains_build(l, disease, r->now, &k->c, err) : error_memory(err);
        if (rc < 0) {
            mem_free(k);
            k = NULL;
        } else {
            k->users = 2; /* the server's and ours */
            k->built_ns = r->started_ns;
            pthread_mutex_lock(&lock);
            struct kept *old = s->chains;
            s->chains = k;
            pthread_mutex_unlock(&lock);
            release(old);
        }
    }
    pthread_mutex_unlock(&building);
    if (rc == 0) *ret = k;
    return rc;
}

/* ---- cases as JSON */

static void put_day(struct buf *b, const char *name, day d) {
    char at[DAY_TEXT];
    if (d == CHAIN_NO_DAY) {
        buf_printf(b, ",\"%s\":null", name);
        return;
    }
    day_format(d, at);
    buf_printf(b, ",\"%s\":\"%s\"", name, at);
}

static void put_case(struct buf *b, const struct chains *c, uint32_t i) {
    static const char *const classes[] = {"suspected", "confirmed", "asymptomatic", "other"};
    const struct chain_case *x = &c->input.cases[i];
    buf_printf(b, "{\"id\":%lld,\"number\":", (long long)x->id);
    json_put_string(b, c->numbers[i]);
    buf_str(b, ",\"region\":");
    json_put_string(b, c->regions[i]);
    put_day(b, "onset", x->onset);
    put_day(b, "reported", x->reported);
    buf_printf(b, ",\"class\":\"%s\",\"controlled\":%s,\"imported\":%s,\"generation\":%u,\"children\":%u,\"descendants\":%u,\"tree\":%u}", classes[c->class_of[i]], x->controlled ? "true" : "false",
               x->imported ? "true" : "false", c->result.nodes[i].generation, c->result.nodes[i].children, c->result.nodes[i].descendants, c->result.nodes[i].tree);
}

struct seeing {
    const struct ledger *l;
    const struct session *s;
    const struct chains *c;
    struct text last;      /* regions come in runs */
    bool seen;
};
static bool sees(uint32_t i, void *arg) {
    struct seeing *x = arg;
    if (!x->last.n || !text_eq(x->last, x->c->regions[i])) {
        x->last = x->c->regions[i];
        x->seen = chains_seen(x->l, x->s, x->c, i);
    }
    return x->seen;
}

/* ---- the summary */

static void put_counts(struct buf *b, const struct chains *c, struct seeing *see) {
    size_t seen = 0, by[3] = {0}, roots = 0, generations[12] = {0}, outside = 0;
    for (uint32_t i = 0; i < c->input.n; i++) {
        const struct chain_node *x = &c->result.nodes[i];
        if (!sees(i, see)) continue;
        seen++;
        by[x->by]++;
        roots += x->parent == CHAIN_NONE;
        generations[x->generation < 11 ? x->generation : 11]++;
        outside += !c->input.cases[i].controlled;
    }
    buf_printf(b, ",\"cases\":%zu,\"unlinked\":%zu,\"by_machine\":%zu,\"by_analyst\":%zu,\"roots\":%zu,\"outside_control\":%zu,\"generations\":[", seen,
               by[CHAIN_BY_NOBODY], by[CHAIN_BY_MACHINE], by[CHAIN_BY_ANALYST], roots, outside);
    for (int g = 0; g < 12; g++) buf_printf(b, "%s%zu", g ? "," : "", generations[g]);
    buf_char(b, ']');
}

static int summary(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct kept *k = NULL;
    int64_t limit = TREES_SHOWN;
    int rc = request_query_int(r, "limit", 1, 1000, TREES_SHOWN, &limit, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = take(r, l, &k, err);
    if (rc < 0) return rc;
    const struct chains *c = k->c;
    struct seeing see = {.l = l, .s = &r->session, .c = c};
    size_t open = 0, shown = 0, chains = 0, faults = 0, counts[2] = {0};
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"disease\":");
    json_put_string(b, c->disease);
    buf_str(b, ",\"at\":");
    json_put_instant(b, c->at, l->zone_s);
    buf_printf(b, ",\"serial_interval_days\":%.2f,\"serial_interval_sd_days\":%.2f,\"cut_days\":%d,\"long_days\":%d", c->options.si_mean_days, c->options.si_sd_days, c->options.cut_days,
               (int)c->result.long_days);
    put_counts(b, c, &see);
    buf_str(b, ",\"chains\":[");
    for (size_t i = 0; i < c->result.n_trees; i++) {
        const struct chain_tree *t = &c->result.trees[i];
        if (t->size < 2 || !sees(t->root, &see)) continue;
        chains++;
        open += t->open;
        if (shown == (size_t)limit) continue;
        buf_str(b, shown++ ? ",{\"root\":" : "{\"root\":");
        put_case(b, c, t->root);
        buf_printf(b, ",\"size\":%u,\"generations\":%u,\"open\":%s,\"long_gaps\":%u", t->size, t->generations, t->open ? "true" : "false", t->long_gaps);
        put_day(b, "first", t->first);
        put_day(b, "last", t->last);
        put_day(b, "last_outside", t->last_outside);
        buf_char(b, '}');
    }
    buf_printf(b, "],\"n_chains\":%zu,\"open\":%zu,\"cut\":%zu,\"contradictions\":[", chains, open, chains - open);
    /* those that cannot be come first: of choices without a meeting there may be as many as cases */
    for (size_t i = 0, n = c->result.n_contradictions; i < 2 * n; i++) {
        const struct chain_contradiction *x = &c->result.contradictions[i % n];
        bool soft = x->kind == CHAIN_NEVER_MET;
        if (soft != (i >= n) || !sees(x->infectee, &see) || (x->infector != CHAIN_NONE && !sees(x->infector, &see))) continue;
        counts[soft]++;
        if (faults == FAULTS_SHOWN) continue;
        buf_printf(b, "%s{\"kind\":\"%s\",\"days\":%d,\"infectee\":", faults++ ? "," : "", chain_fault_names[x->kind], (int)x->days);
        put_case(b, c, x->infectee);
        if (x->infector != CHAIN_NONE) buf_str(b, ",\"infector\":"), put_case(b, c, x->infector);
        buf_char(b, '}');
    }
    buf_printf(b, "],\"n_contradictions\":%zu,\"n_never_met\":%zu}", counts[0] + counts[1], counts[1]);
    release(k);
    return b->failed ? error_set(err, b->failed, NULL, "the chains are too large to show / 传播链过大") : 0;
}

/* ---- a part */

static int part(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct kept *k = NULL;
    struct chain_part p = {0};
    int64_t steps = 2, limit = PART_NODES, id = 0, percent = 5;
    instant from = INSTANT_NONE, to = INSTANT_NONE;
    int rc = request_query_int(r, "case", 1, INT64_MAX, 0, &id, err);
    if (!rc) rc = request_query_int(r, "steps", 0, 50, 2, &steps, err);
    if (!rc) rc = request_query_int(r, "limit", 1, PART_NODES_MAX, PART_NODES, &limit, err);
    if (!rc) rc = request_query_int(r, "percent", 0, 200, 5, &percent, err);
    if (!rc) rc = request_query_instant(r, "from", &from, err);
    if (!rc) rc = request_query_instant(r, "to", &to, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = take(r, l, &k, err);
    if (rc < 0) return rc;
    struct seeing see = {.l = l, .s = &r->session, .c = k->c};
    struct chain_look look = {.centre = id ? chains_find(k->c, id) : CHAIN_NONE, .steps = (int)steps, .max_nodes = (size_t)limit, .candidates = (double)percent / 100, .seen = sees, .arg = &see,
                              .from = from == INSTANT_NONE ? CHAIN_NO_DAY : day_of_instant(from, l->zone_s), .to = to == INSTANT_NONE ? CHAIN_NO_DAY : day_of_instant(to, l->zone_s)};
    if (id && (look.centre == CHAIN_NONE || !sees(look.centre, &see))) rc = error_set(err, E_UNKNOWN, "case", "no such case in the chains / 传播链中没有该病例");
    if (!rc) rc = chain_look(&k->c->input, &k->c->result, &look, &p, err);
    if (!rc) {
        struct buf *b = answer_open(r, 200);
        size_t cases = 0; /* that he may see: how many there are elsewhere is nobody's but theirs */
        for (uint32_t i = 0; i < k->c->input.n; i++) cases += sees(i, &see);
        buf_str(b, "{\"nodes\":[");
        for (size_t i = 0; i < p.n_nodes; i++) {
            if (i) buf_char(b, ',');
            put_case(b, k->c, p.nodes[i]);
        }
        buf_str(b, "],\"edges\":[");
        static const char *const by[] = {"candidate", "machine", "analyst"};
        for (size_t i = 0; i < p.n_edges; i++)
            buf_printf(b, "%s{\"infector\":%lld,\"infectee\":%lld,\"chance\":%.4f,\"by\":\"%s\"}", i ? "," : "", (long long)k->c->input.cases[p.edges[i].infector].id,
                       (long long)k->c->input.cases[p.edges[i].infectee].id, p.edges[i].chance, by[p.edges[i].by]);
        buf_printf(b, "],\"more\":%s,\"hidden\":%zu,\"cases\":%zu}", p.more ? "true" : "false", p.hidden, cases);
        if (b->failed) rc = error_set(err, b->failed, NULL, "the part is too large to show / 范围过大");
    }
    chain_part_clear(&p);
    release(k);
    return rc;
}

/* ---- the candidates of one case */

static int candidates(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct kept *k = NULL;
    int64_t id = 0;
    size_t hidden = 0, shown = 0;
    int rc = request_id(r, "id", &id, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = take(r, l, &k, err);
    if (rc < 0) return rc;
    const struct chains *c = k->c;
    struct seeing see = {.l = l, .s = &r->session, .c = c};
    uint32_t at = chains_find(c, id);
    if (at == CHAIN_NONE || !sees(at, &see)) {
        release(k);
        return error_set(err, E_UNKNOWN, "case", "no such case in the chains / 传播链中没有该病例");
    }
    static const char *const by[] = {"nobody", "machine", "analyst"};
    const struct chain_node *x = &c->result.nodes[at];
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"case\":");
    put_case(b, c, at);
    buf_printf(b, ",\"by\":\"%s\",\"source\":", by[x->by]);
    if (x->parent != CHAIN_NONE && sees(x->parent, &see)) put_case(b, c, x->parent);
    else buf_str(b, "null");
    buf_printf(b, ",\"unknown\":%.4f,\"candidates\":[", x->outside);
    for (uint32_t i = 0; i < x->n_candidates && i < 200; i++) {
        const struct chain_candidate *m = &c->result.candidates[x->candidates + i];
        if (!sees(m->infector, &see)) {
            hidden++;
            continue;
        }
        buf_printf(b, "%s{\"rank\":%u,\"chance\":%.4f,\"days\":%d,\"exposure\":%.4f,\"timing\":%.4f,\"genomes\":%.4f,", shown++ ? "," : "", i + 1, m->chance, (int)m->days, m->exposure, m->timing,
                   m->genomes);
        if (m->differences >= 0) buf_printf(b, "\"differences\":%d,\"case\":", (int)m->differences);
        else buf_str(b, "\"case\":");
        put_case(b, c, m->infector);
        buf_char(b, '}');
    }
    buf_printf(b, "],\"hidden\":%zu}", hidden);
    release(k);
    return b->failed ? error_set(err, b->failed, NULL, "too large to show / 过大") : 0;
}

/* ---- the choice, kept beside what the machine says now */

static int set(struct request *r, struct draft *d, const char *field, const char *text, struct error *err) {
    return draft_set(http_writer(r->server), d, &r->arena, text_of(field), text_of(text), err);
}

static int chosen(struct request *r, struct error *err) {
    const struct draft *d = r->submission.drafts[0];
    (void)err;
    if (r->rc < 0) return r->rc;
    return buf_printf(answer_open(r, 200), "{\"record\":%lld,\"version\":%d}", (long long)d->ret_id, (int)d->ret_version);
}

static int machine_says(struct request *r, struct draft *d, int64_t id, int64_t infector, struct error *err) {
    struct ledger *l = NULL;
    struct kept *k = NULL;
    int rc = request_reader(r, &l, err);
    if (!rc) rc = take(r, l, &k, err);
    if (rc < 0) return rc;
    struct seeing see = {.l = l, .s = &r->session, .c = k->c};
    uint32_t at = chains_find(k->c, id);
    if (at == CHAIN_NONE || !sees(at, &see)) rc = error_set(err, E_UNKNOWN, "case", "no such case in the chains / 传播链中没有该病例");
    const struct chain_node *x = rc < 0 ? NULL : &k->c->result.nodes[at];
    for (uint32_t i = 0; rc == 0 && i < x->n_candidates; i++) {
        const struct chain_candidate *m = &k->c->result.candidates[x->candidates + i];
        char word[32];
        int64_t who = k->c->input.cases[m->infector].id;
        if (i == 0 && sees(m->infector, &see)) {
            snprintf(word, sizeof word, "%lld", (long long)who);
            rc = set(r, d, "machine_infector", word, err);
            snprintf(word, sizeof word, "%.4f", m->chance);
            if (rc == 0) rc = set(r, d, "machine_chance", word, err);
        }
        if (rc == 0 && who == infector) {
            snprintf(word, sizeof word, "%u", i + 1);
            rc = set(r, d, "machine_rank", word, err);
        }
    }
    release(k);
    return rc;
}

static int choose(struct request *r, struct error *err) {
    const struct register_decl *reg = register_find(http_catalog(r->server), TEXT("source_choice"));
    struct draft **list = arena_alloc(&r->arena, sizeof *list);
    struct text kind = {"", 0}, reason = {"", 0}, certainty = {"", 0};
    int64_t id = 0, infector = 0;
    char at[INSTANT_TEXT];
    if (!reg) return error_set(err, E_UNKNOWN, "source_choice", "there is no such register / 没有该登记册");
    struct draft *d = list ? draft_new(&r->arena, reg, DRAFT_UPSERT) : NULL;
    if (!d) return error_memory(err);
    list[0] = d;
    int rc = request_id(r, "id", &id, err);
    if (!rc) rc = request_member(r, "kind", true, &kind, err);
    if (!rc) rc = request_member(r, "reason", true, &reason, err);
    if (!rc) rc = request_member(r, "certainty", false, &certainty, err);
    if (!rc) rc = request_member_id(r, "infector", false, &infector, err);
    if (!rc) rc = machine_says(r, d, id, infector, err);
    instant_format(r->now, http_zone(r->server), at);
    const struct { const char *field; const char *text; } cells[] = {
        {"infectee", arena_printf(&r->arena, "%lld", (long long)id)}, {"infector", infector ? arena_printf(&r->arena, "%lld", (long long)infector) : ""},
        {"kind", arena_printf(&r->arena, "%.*s", (int)kind.n, kind.s)}, {"reason", arena_printf(&r->arena, "%.*s", (int)reason.n, reason.s)},
        {"certainty", arena_printf(&r->arena, "%.*s", (int)certainty.n, certainty.s)}, {"chosen_at", at},
        {"chosen_by", arena_printf(&r->arena, "%.*s", (int)r->session.account.n, r->session.account.s)}};
    for (size_t i = 0; rc == 0 && i < sizeof cells / sizeof *cells; i++) rc = cells[i].text ? set(r, d, cells[i].field, cells[i].text, err) : error_memory(err);
    return rc < 0 ? rc : request_submit(r, list, 1, false, chosen, err);
}

#define MAYBE "{\"type\":[\"string\",\"null\"]}"
#define OBJECT(required, members) "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" members "}}"
const struct schema chains_schemas[] = {
    {"ChainCase", OBJECT("\"id\",\"number\",\"region\",\"onset\",\"reported\",\"class\",\"controlled\",\"imported\",\"generation\",\"children\",\"descendants\",\"tree\"", "\"id\":" ID
                  ",\"number\":" STRING ",\"region\":" STRING ",\"onset\":" MAYBE ",\"reported\":" MAYBE ",\"class\":" STRING ",\"controlled\":" TRUTH ",\"imported\":" TRUTH
                  ",\"generation\":" WHOLE ",\"children\":" WHOLE ",\"descendants\":" WHOLE ",\"tree\":" WHOLE)},
    {"ChainTree", OBJECT("\"root\",\"size\",\"generations\",\"open\",\"long_gaps\",\"first\",\"last\",\"last_outside\"", "\"root\":" SHAPE("ChainCase") ",\"size\":" WHOLE
                  ",\"generations\":" WHOLE ",\"open\":" TRUTH ",\"long_gaps\":" WHOLE ",\"first\":" MAYBE ",\"last\":" MAYBE ",\"last_outside\":" MAYBE)},
    {"ChainFault", OBJECT("\"kind\",\"days\",\"infectee\"", "\"kind\":" STRING ",\"days\":" WHOLE ",\"infectee\":" SHAPE("ChainCase") ",\"infector\":" SHAPE("ChainCase"))},
    {"ChainSummary", OBJECT("\"disease\",\"at\",\"serial_interval_days\",\"serial_interval_sd_days\",\"cut_days\",\"long_days\",\"cases\",\"unlinked\",\"by_machine\","
                     "\"by_analyst\",\"roots\",\"outside_control\",\"generations\",\"chains\",\"contradictions\",\"n_chains\",\"open\",\"cut\",\"n_contradictions\",\"n_never_met\"",
                     "\"disease\":" STRING ",\"at\":" STRING ",\"serial_interval_days\":" NUMBER ",\"serial_interval_sd_days\":" NUMBER ",\"cut_days\":" WHOLE ",\"long_days\":" WHOLE
                     ",\"cases\":" WHOLE ",\"unlinked\":" WHOLE ",\"by_machine\":" WHOLE ",\"by_analyst\":" WHOLE ",\"roots\":" WHOLE ",\"outside_control\":" WHOLE
                     ",\"generations\":" LIST(WHOLE) ",\"chains\":" LIST(SHAPE("ChainTree")) ",\"n_chains\":" WHOLE ",\"open\":" WHOLE ",\"cut\":" WHOLE ",\"n_contradictions\":" WHOLE
                     ",\"n_never_met\":" WHOLE ",\"contradictions\":" LIST(SHAPE("ChainFault")))},
    {"ChainEdge", OBJECT("\"infector\",\"infectee\",\"chance\",\"by\"", "\"infector\":" ID ",\"infectee\":" ID ",\"chance\":" NUMBER ",\"by\":" STRING)},
    {"ChainPart", OBJECT("\"nodes\",\"edges\",\"more\",\"hidden\",\"cases\"", "\"nodes\":" LIST(SHAPE("ChainCase")) ",\"edges\":" LIST(SHAPE("ChainEdge")) ",\"more\":" TRUTH ",\"hidden\":" WHOLE
                  ",\"cases\":" WHOLE)},
    {"ChainCandidate", OBJECT("\"rank\",\"chance\",\"days\",\"exposure\",\"timing\",\"genomes\",\"case\"", "\"rank\":" WHOLE ",\"chance\":" NUMBER ",\"days\":" WHOLE ",\"exposure\":" NUMBER
                       ",\"timing\":" NUMBER ",\"genomes\":" NUMBER ",\"differences\":" WHOLE ",\"case\":" SHAPE("ChainCase"))},
    {"ChainSources", "{\"type\":\"object\",\"required\":[\"case\",\"by\",\"source\",\"unknown\",\"candidates\",\"hidden\"],\"properties\":{\"case\":" SHAPE("ChainCase") ",\"by\":" STRING
                     ",\"source\":{\"anyOf\":[" SHAPE("ChainCase") ",{\"type\":\"null\"}]},\"unknown\":" NUMBER ",\"candidates\":" LIST(SHAPE("ChainCandidate")) ",\"hidden\":" WHOLE "}}"},
    {"ChainChoice", "{\"type\":\"object\",\"required\":[\"kind\",\"reason\"],\"properties\":{\"kind\":" STRING ",\"infector\":" ID ",\"reason\":" STRING ",\"certainty\":" STRING "}}"},
    {"ChainChosen", "{\"type\":\"object\",\"required\":[\"record\",\"version\"],\"properties\":{\"record\":" ID ",\"version\":" WHOLE "}}"},
    {0},
};

#define DISEASE {"disease", STRING, "病种;缺省为病例最多者", "disease; the one with most cases without it"}
const struct route chains_routes[] = {
    {.method = "GET", .path = "/api/v1/tracing/chains", .who = WHO_ACCOUNT, .run = summary, .response = "ChainSummary", .zh = "传播链:规模、代次、开断、矛盾", .en = "Chains of transmission: sizes, generations, open or cut, contradictions.",
     .query = {DISEASE, {"limit", WHOLE, "链的条数", "how many chains"}}},
    {.method = "GET", .path = "/api/v1/tracing/chains/part", .who = WHO_ACCOUNT, .run = part, .response = "ChainPart", .zh = "某病例周围的传播网络,或各链首例", .en = "The network around a case, or the first cases of the chains.",
     .query = {DISEASE, {"case", ID, "中心病例", "the case in the middle"}, {"steps", WHOLE, "步数", "links away"}, {"limit", WHOLE, "最多病例", "how many cases"},
               {"percent", WHOLE, "候选关系不低于百分之几;超过 100 则不列", "candidates from this percentage on; past 100 none"}, {"from", STRING, "自某日", "from this day"}, {"to", STRING, "至某日前", "before this day"}}},
    {.method = "GET", .path = "/api/v1/tracing/cases/{id}/sources", .who = WHO_ACCOUNT, .run = candidates, .response = "ChainSources", .zh = "某病例的可能传染来源,按概率排序", .en = "Who may have infected a case, ranked, beside the choice.",
     .query = {DISEASE}},
    {.method = "PUT", .path = "/api/v1/tracing/cases/{id}/source", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = choose, .request = "ChainChoice", .response = "ChainChosen", .headers = HEADER_KEY | HEADER_REASON,
     .zh = "分析员判定传染来源;机器首选一并留存", .en = "The analyst's choice of the source; what the machine said stands beside it.", .query = {DISEASE}},
    {0},
};
