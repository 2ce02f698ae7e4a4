/* What must hold between the rules of a pack, and between a local pack and its parent. */
#include "ledger/policy_pack.h"

static int last_day(uint64_t days) {
    return days ? 63 - __builtin_clzll(days) : -1;
}

/* The place of a rule's schedule: where the topmost file says it, or where it names the rule. */
static const struct yaml *schedule_place(const struct pack_entry *e) {
    static const char *const keys[] = {"days", "last_day", "after_days"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (yaml_get(e->merged, keys[i])) return yaml_get(e->merged, keys[i]);
    return e->key;
}

static bool waits_for(const struct duty_rule *r, int other) {
    for (size_t i = 0; i < r->n_requires; i++)
        if (r->requires[i] == other) return true;
    return false;
}

/* A test or visit that could only be paid after the person is free binds nobody, or keeps him longer than the
 * plan says. */
static int check_release(struct pack *k, const struct duty_rule *release, size_t other) {
    const struct duty_rule *r = &k->p->rules[other];
    if (release->timing != TIMING_DAYS || r->timing != TIMING_DAYS || r == release) return 0;
    if (r->on != release->on || r->from_field != release->from_field) return 0;
    if (!waits_for(release, (int)other) && !text_eq(r->when_text, release->when_text)) return 0;
    if (last_day(r->days) <= last_day(release->days)) return 0;
    return yaml_error(schedule_place(&k->rules[other]), k->err, E_INVALID,
                      "%s has day %d, after %s on day %d / 安排的天数晚于解除日", r->code.s, last_day(r->days), release->code.s,
                      last_day(release->days));
}

int pack_check(struct pack *k) {
    for (size_t i = 0; i < k->p->n_rules; i++) {
        if (!k->p->rules[i].guard_reg) continue;
        for (size_t j = 0; j < k->p->n_rules; j++) {
            int rc = check_release(k, &k->p->rules[i], j);
            if (rc < 0) return rc;
        }
    }
    return 0;
}

/* ---- 九不准: nothing longer, wider or harsher than the parent, unless somebody stands for it until a day */

static bool parameter_harsher(const struct parameter *a, const struct parameter *under) {
    if (a->is_list != under->is_list) return a->harsher != 0;
    int64_t longer = a->value - under->value;
    if (!a->is_list) return longer * a->harsher > 0;
    int64_t more = (int64_t)a->n_list - (int64_t)under->n_list;
    return longer * a->harsher > 0 || more * a->harsher > 0;
}

static const struct yaml *place_of(const struct pack_entry *e, const char *key) {
    const struct yaml *node = yaml_get(e->map, key);
    return node ? node : e->key;
}

static int deviates(struct pack *k, const struct yaml *at, const char *what, struct text name) {
    if (k->p->deviation_approver.n) return 0;
    return yaml_error(at, k->err, E_REFUSED,
                      "%s is %s than in %s: a deviation needs approver, reason and until (九不准) / 严于上级方案:须有批准人、理由和期限(九不准)", name.s,
                      what, k->p->parent.s);
}

static int check_rule(struct pack *k, const struct pack_entry *e, const struct duty_rule *r,
                      const struct policy *parent) {
    int at = policy_rule(parent, r->code);
    bool binds = r->timing == TIMING_DAYS || r->guard_reg;
    if (at < 0) return binds ? deviates(k, e->key, "wider", r->code) : 0;
    const struct duty_rule *under = &parent->rules[at];
    binds = binds || under->timing == TIMING_DAYS || under->guard_reg;
    if (last_day(r->days) > last_day(under->days) ||
        __builtin_popcountll(r->days) > __builtin_popcountll(under->days))
        return deviates(k, place_of(e, "days"), "longer", r->code);
    if ((r->guard_reg && !under->guard_reg) || r->n_requires > under->n_requires)
        return deviates(k, place_of(e, "requires"), "harsher", r->code);
    /* nobody can compute whether another condition is wider, so another condition is */
    if (binds && !text_eq(r->when_text, under->when_text))
        return deviates(k, place_of(e, "when"), "wider", r->code);
    return 0;
}

static int check_limit(struct pack *k, const struct pack_entry *e, const struct limit *l,
                       const struct policy *parent) {
    const struct limit *under = policy_limit(parent, l->measure, l->subject);
    if (!under || !l->allowed) return 0;
    bool longer = under->max_days && (!l->max_days || l->max_days > under->max_days);
    return !under->allowed || longer ? deviates(k, place_of(e, "max_days"), "longer", e->name) : 0;
}

int pack_check_parent(struct pack *k, const struct policy *parent) {
    int rc = 0;
    for (size_t i = 0; !rc && i < k->p->n_parameters; i++) {
        const struct parameter *a = &k->p->parameters[i], *under = policy_parameter(parent, a->name);
        if (under && parameter_harsher(a, under))
            rc = deviates(k, place_of(&k->parameters[i], "value"), "harsher", a->name);
    }
    for (size_t i = 0; !rc && i < k->p->n_rules; i++)
        rc = check_rule(k, &k->rules[i], &k->p->rules[i], parent);
    for (size_t i = 0; !rc && i < k->p->n_limits; i++)
        rc = check_limit(k, &k->limits[i], &k->p->limits[i], parent);
    return rc;
}
