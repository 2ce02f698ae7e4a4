/* What the policies in force say about tracing, the store of the node, and forgetting. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "desks/tracing/inside.h"

static const char *const classes[] = {"",         "home",   "school", "workplace",     "care-home", "hospital", "shop",    "restaurant",   "transport",      "station", "market",
                                      "hotel",    "entertainment", "sport", "worship", "factory", "construction", "kindergarten", "isolation-site", "test-site", "detention",
                                      "compound", "village", "public", "other", "area", "" /* TRACING_NEAR */};
_Static_assert(sizeof classes / sizeof *classes == TRACING_NEAR + 1 && (int)TRACING_NEAR < (int)VISITS_CLASSES, "classes");

uint8_t tracing_class(struct text code) {
    if (!code.n) return 0;
    for (size_t i = 1; i < sizeof classes / sizeof *classes; i++)
        if (text_is(code, classes[i])) return (uint8_t)i;
    return 0;
}

const char *tracing_class_name(uint8_t class_of) {
    return class_of < sizeof classes / sizeof *classes ? classes[class_of] : "";
}

static const struct policy *policy_of(const struct ledger *l, struct text disease, day on) {
    const struct adoption *a = ledger_policy_here(l, disease, on);
    return a ? a->policy : NULL;
}

int64_t tracing_parameter(const struct ledger *l, struct text disease, instant now, const char *name, int64_t otherwise) {
    return policy_number(policy_of(l, disease, day_of_instant(now, l->zone_s)), name, otherwise);
}

/* As the policy has it for this class of place (contact_overlap_school), else for all; seats are asked on vehicles only, unless for a class. */
static int64_t class_parameter(const struct policy *p, const char *name, int class_of, int64_t otherwise) {
    char own[80];
    const char *word = tracing_class_name((uint8_t)class_of);
    bool seats = strcmp(name, "contact_seat_rows") == 0;
    int64_t all = !seats || class_of == TRACING_TRANSPORT ? policy_number(p, name, otherwise) : otherwise;
    if (!*word) return all;
    snprintf(own, sizeof own, "%s_%s", name, word);
    for (char *c = own; *c; c++)
        if (*c == '-') *c = '_';
    return policy_number(p, own, all);
}

void tracing_rules(const struct ledger *l, struct text disease, instant now, struct tracing_rules *ret) {
    day on = day_of_instant(now, l->zone_s);
    const struct policy *p = policy_of(l, disease, on);
    struct tracing_rules r = {.keep_days = (int)policy_number(p, "visits_days", 28),
                              .lookback_days = (int)policy_number(p, "lookback_days", 14)};
    contact_options_init(&r.contact);
    for (int c = 0; c < CONTACT_CLASSES; c++) {
        struct contact_rule *k = &r.contact.rules[c];
        k->overlap_s = (int32_t)class_parameter(p, "contact_overlap", c, 15 * 60);
        k->after_s = (int32_t)class_parameter(p, "contact_linger", c, 0);
        /* a whole city is a venue however few are known to have been there */
        k->crowd = (uint32_t)(c == TRACING_AREA ? policy_number(p, "contact_venue_stays_area", 1) : class_parameter(p, "contact_venue_stays", c, 0));
        if (c == TRACING_NEAR) k->crowd = 0; /* two devices, however often they heard each other, are no crowd */
        k->rows = (int32_t)class_parameter(p, "contact_seat_rows", c, -1);
        r.dwell_s[c] = class_parameter(p, "scan_dwell", c, 30 * 60);
    }
    for (unsigned k = CONTACT_HOUSEHOLD; k < CONTACT_KINDS; k++) {
        char name[80];
        snprintf(name, sizeof name, "contact_%s", contact_kind_word(k));
        r.contact.daily_s[k] = (int32_t)policy_number(p, name, r.contact.daily_s[k]);
        snprintf(name, sizeof name, "contact_%s_close", contact_kind_word(k));
        r.ties.close[k] = policy_number(p, name, k != CONTACT_PHONE && k != CONTACT_WORK) != 0;
    }
    r.ties.seat_rows = (int32_t)policy_number(p, "contact_seat_rows", 3);
    r.ties.unit_members = policy_number(p, "contact_unit_members", 200);
    r.ties.shared_members = policy_number(p, "contact_shared_members", 20);
    struct contact_rule *transport = &r.contact.rules[TRACING_TRANSPORT];
    if (transport->rows < 0) transport->rows = 3;
    /* no policy in force may lose what it still needs */
    for (size_t i = 0; i < l->n_adoptions; i++) {
        int days = (int)policy_number(l->adoptions[i].policy, "visits_days", 28);
        if (l->adoptions[i].from <= on && days > r.keep_days) r.keep_days = days;
    }
    *ret = r;
}

void tracing_how_of(const struct ledger *l, instant now, struct tracing_how *ret) {
    struct tracing_rules rules;
    struct text any = {"", 0};
    tracing_rules(l, any, now, &rules);
    *ret = (struct tracing_how){.zone_s = l->zone_s, .latest = now + DAY_S /* clocks of devices go wrong */, .near_s = tracing_parameter(l, any, now, "proximity_interval", 5 * 60),
                                .near_m = (double)tracing_parameter(l, any, now, "contact_distance", 2), .kinds = codelist_find(l->catalog, TEXT("place_kind"))};
    memcpy(ret->dwell_s, rules.dwell_s, sizeof ret->dwell_s);
}

int tracing_open(struct ledger *l, const struct session *s, bool create, bool read_only, struct visits **ret, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("contact"));
    char dir[1024];
    if (!reg) return error_set(err, E_UNKNOWN, "contact", "this catalog has no contacts / 没有接触者登记册");
    int rc = access_check(s, ACCESS_WRITE, reg, l->region, err);
    if (rc < 0) return rc;
    if (snprintf(dir, sizeof dir, "%s/visits", l->dir) >= (int)sizeof dir) return error_set(err, E_INVALID, l->dir, "the path is too long / 路径过长");
    /* where the ledger is: in a folder of the node, or, when several machines share a PostgreSQL, there; a folder that is there already is kept to */
    bool shared = strncmp(l->url, "postgres", 8) == 0 && access(dir, F_OK) < 0;
    char region[32];
    snprintf(region, sizeof region, "%.*s", (int)l->region.n, l->region.s ? l->region.s : "");
    struct visits_options o = {.dir = shared ? l->url : dir, .region = region, .create = create, .read_only = read_only, .zone_s = l->zone_s};
    return visits_open(&o, ret, err);
}

int tracing_journal(struct ledger *l, const struct session *s, enum journal_verb verb, const char *what, struct error *err) {
    return tracing_journal_of(l, s, verb, 0, what, err);
}

int tracing_journal_of(struct ledger *l, const struct session *s, enum journal_verb verb, int64_t which, const char *what, struct error *err) {
    struct buf reason = {0};
    buf_str(&reason, what);
    if (which) buf_printf(&reason, ", case %lld", (long long)which);
    if (s->reason.n) buf_str(&reason, "; "), buf_text(&reason, s->reason);
    int rc = reason.failed ? error_memory(err) : ledger_begin(l, err);
    struct journal_entry e = {.at = s->now, .verb = (int)verb, .actor = s->account, .reason = buf_view(&reason), .purpose = s->purpose, .reg = TEXT("visits"), .region = l->region};
    if (rc == 0) rc = ledger_end(l, journal_append(&l->journal, &e, NULL, err), s->now, err);
    buf_clear(&reason);
    return rc;
}

int tracing_forget(struct ledger *l, const struct session *s, struct visits *v, day from, day until, uint64_t *ret_rows, day *ret_until, struct error *err) {
    struct tracing_rules r;
    char what[160], first[DAY_TEXT], last[DAY_TEXT];
    uint64_t rows = 0;
    bool by_policy = until == DAY_MIN;
    tracing_rules(l, (struct text){"", 0}, s->now, &r);
    if (by_policy) until = day_of_instant(s->now, l->zone_s) - r.keep_days;
    if (until > day_of_instant(s->now, l->zone_s) + 1) return error_set(err, E_INVALID, "--before", "days to come cannot be forgotten / 不能清除未来的日期");
    /* written before it happens: an attempt that fails half-way is on record, and can be repeated */
    day_format(from == DAY_MIN ? until : from, first);
    day_format(until, last);
    if (by_policy) snprintf(what, sizeof what, "visits before %s forgotten: kept %d days by policy", last, r.keep_days);
    else if (from == DAY_MIN) snprintf(what, sizeof what, "visits before %s forgotten", last);
    else snprintf(what, sizeof what, "visits of [%s, %s) forgotten", first, last);
    int rc = tracing_journal(l, s, JOURNAL_PURGE, what, err);
    if (rc == 0) rc = visits_forget(v, from, until, &rows, err);
    if (rc == 0) *ret_rows = rows, *ret_until = until;
    return rc;
}
