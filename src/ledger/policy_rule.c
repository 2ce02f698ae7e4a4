/* The section rules: who owes what for which record by when, and what pays it. */
#include "ledger/policy_pack.h"

#include <stdio.h>
#include <string.h>

static int register_of(struct pack *k, const struct yaml *map, const char *key,
                       const struct register_decl **ret) {
    struct text name = {0};
    int rc = yaml_text(map, key, true, &name, k->err);
    if (rc < 0) return rc;
    const struct register_decl *reg = register_find(k->catalog, name);
    if (!reg) return yaml_error(yaml_get(map, key), k->err, E_UNKNOWN, "no register %s", name.s);
    *ret = reg;
    return 0;
}

static int field_of(struct pack *k, const struct yaml *node, const struct register_decl *reg,
                    struct text name, int *ret) {
    int field = register_field(reg, name);
    if (field < 0)
        return yaml_error(node, k->err, E_UNKNOWN, "register %s has no field %.*s", reg->name.s, (int)name.n,
                          name.s);
    *ret = field;
    return 0;
}

static int time_named(struct pack *k, const struct yaml *node, const struct register_decl *reg,
                      struct text name, int *ret) {
    int field = -1, rc = field_of(k, node, reg, name, &field);
    if (rc < 0) return rc;
    if (reg->fields[field].type != FIELD_DATE && reg->fields[field].type != FIELD_INSTANT)
        return yaml_error(node, k->err, E_INVALID, "field %s is neither a date nor an instant", name.s);
    *ret = field;
    return 0;
}

/* A date or instant field; *ret stays when the key is absent. */
static int time_field(struct pack *k, const struct yaml *map, const char *key,
                      const struct register_decl *reg, int *ret) {
    struct text name = {NULL, 0};
    int rc = yaml_text(map, key, false, &name, k->err);
    return rc < 0 || !name.s ? rc : time_named(k, yaml_get(map, key), reg, name, ret);
}

/* ---- owners: "region", "region FIELD", "department CODE", "department CODE FIELD", "unit FIELD", "person FIELD"; those of
 * regions and departments end in province, city or county to begin there */

static int reference_to(struct pack *k, const struct yaml *node, const struct register_decl *reg,
                        struct text name, const char *target, const char *other, int *ret) {
    int field = -1, rc = field_of(k, node, reg, name, &field);
    if (rc < 0) return rc;
    const struct field *f = &reg->fields[field];
    if (f->type != FIELD_REFERENCE || (!text_is(f->target, target) && !text_is(f->target, other)))
        return yaml_error(node, k->err, E_INVALID, "field %.*s does not refer to %s", (int)name.n, name.s,
                          target);
    *ret = field;
    return 0;
}

/* A region, or a reference to a record that has one. */
static int where_field(struct pack *k, const struct yaml *node, const struct register_decl *reg,
                       struct text name, int *ret) {
    int rc = field_of(k, node, reg, name, ret);
    if (rc < 0) return rc;
    enum field_type type = reg->fields[*ret].type;
    if (type == FIELD_REGION || type == FIELD_REFERENCE) return 0;
    return yaml_error(node, k->err, E_INVALID, "field %.*s is neither a region nor a reference", (int)name.n, name.s);
}

/* Cuts "city" off "cdc city". */
static struct text level_of(struct text of, int *ret_level) {
    static const char *const levels[] = {"", "province", "city", "county"};
    const char *space = memrchr(of.s, ' ', of.n);
    struct text last = space ? (struct text){space + 1, of.n - (size_t)(space + 1 - of.s)} : of;
    *ret_level = 0;
    for (int i = 1; i <= 3; i++)
        if (text_is(last, levels[i])) {
            *ret_level = i;
            return text_trim((struct text){of.s, of.n - last.n});
        }
    return of;
}

static int owner(struct pack *k, const struct yaml *node, const struct register_decl *reg,
                 struct owner_rule *ret) {
    if (node->kind != YAML_SCALAR)
        return yaml_error(node, k->err, E_INVALID, "an owner is a text: department CODE, unit FIELD, ...");
    const char *space = memchr(node->text.s, ' ', node->text.n);
    struct text kind = {node->text.s, space ? (size_t)(space - node->text.s) : node->text.n};
    struct text of = space ? text_trim((struct text){space, node->text.n - kind.n}) : (struct text){"", 0};
    of = level_of(of, &ret->level);
    ret->field = -1;
    if (ret->level && !text_is(kind, "region") && !text_is(kind, "department"))
        return yaml_error(node, k->err, E_INVALID, "only a region or a department has a level");
    if (text_is(kind, "region")) {
        ret->kind = OWNER_REGION;
        if (!of.n) return 0;
        return where_field(k, node, reg, of, &ret->field);
    }
    if (!of.n)
        return yaml_error(node, k->err, E_INVALID,
                          "an owner is region, department CODE, unit FIELD or person FIELD");
    if (text_is(kind, "department")) {
        const struct codelist *list = codelist_find(k->catalog, TEXT("department"));
        const char *where = memchr(of.s, ' ', of.n);
        if (where) {
            struct text field = text_trim((struct text){where, of.n - (size_t)(where - of.s)});
            of.n = (size_t)(where - of.s);
            int rc = where_field(k, node, reg, field, &ret->field);
            if (rc < 0) return rc;
        }
        if (list && !code_find(list, of))
            return yaml_error(node, k->err, E_UNKNOWN, "no department %.*s", (int)of.n, of.s);
        ret->kind = OWNER_DEPARTMENT;
        ret->department = arena_text(k->arena, of);
        return ret->department.s ? 0 : pack_memory(k);
    }
    /* the register of organisations itself is its own unit */
    if (text_is(kind, "unit") && text_is(of, "self") && text_is(reg->name, "organisation")) {
        ret->kind = OWNER_UNIT;
        return 0;
    }
    if (text_is(kind, "unit")) {
        ret->kind = OWNER_UNIT;
        return reference_to(k, node, reg, of, "organisation", "organisation", &ret->field);
    }
    if (text_is(kind, "person")) {
        ret->kind = OWNER_PERSON;
        return reference_to(k, node, reg, of, "account", "person", &ret->field);
    }
    return yaml_error(node, k->err, E_INVALID,
                      "an owner is region, department CODE, unit FIELD or person FIELD");
}

static int owners(struct pack *k, const struct yaml *map, struct duty_rule *r) {
    const struct yaml *node = yaml_get(map, "owner");
    if (!node)
        return yaml_error(map, k->err, E_INVALID,
                          "key owner is missing: every duty has somebody who owes it");
    size_t n = node->kind == YAML_LIST ? node->n : 1;
    if (!n || n > DUTY_OWNERS_MAX)
        return yaml_error(node, k->err, E_INVALID, "1 to %d owners, the nearest first", DUTY_OWNERS_MAX);
    for (size_t i = 0; i < n; i++) {
        int rc = owner(k, node->kind == YAML_LIST ? node->items[i] : node, r->on, &r->owners[i]);
        if (rc < 0) return rc;
    }
    r->n_owners = n;
    return 0;
}

static int escalations(struct pack *k, const struct yaml *map, struct duty_rule *r) {
    static const char *const keys[] = {"after", "to", NULL};
    const struct yaml *list = NULL;
    int rc = yaml_list(map, "escalate", false, &list, k->err);
    if (rc < 0 || !list) return rc;
    if (list->n > DUTY_ESCALATIONS_MAX)
        return yaml_error(list, k->err, E_INVALID, "at most %d escalations", DUTY_ESCALATIONS_MAX);
    for (size_t i = 0; !rc && i < list->n; i++) {
        struct escalation *e = &r->escalations[i];
        const struct yaml *node = list->items[i], *to = NULL;
        rc = yaml_only(node, keys, k->err);
        if (!rc && !yaml_get(node, "after")) rc = yaml_error(node, k->err, E_INVALID, "key after is missing");
        if (!rc) rc = pack_duration(k, node, "after", &e->after_s);
        if (!rc && i && e->after_s <= r->escalations[i - 1].after_s)
            rc = yaml_error(yaml_get(node, "after"), k->err, E_INVALID,
                            "escalations must come one after the other");
        if (!rc && !(to = yaml_get(node, "to")))
            rc = yaml_error(node, k->err, E_INVALID, "key to is missing");
        if (!rc) rc = owner(k, to, r->on, &e->to);
        if (!rc) r->n_escalations = i + 1;
    }
    return rc;
}

/* ---- facts that pay or cancel */

static int tie(struct pack *k, const struct yaml *map, const struct duty_rule *r, struct fact_match *m) {
    struct text by = {0};
    int rc = yaml_text(map, "by", true, &by, k->err);
    if (rc < 0) return rc;
    const struct yaml *node = yaml_get(map, "by");
    if (text_is(by, "self")) {
        if (m->reg != r->on)
            return yaml_error(node, k->err, E_INVALID, "self needs the rule's own register %s",
                              r->on->name.s);
        m->by = FACT_BY_SELF;
        return 0;
    }
    if (text_is(by, "region")) {
        m->by = FACT_BY_REGION;
        return 0;
    }
    if (text_is(by, "person")) {
        bool here = r->on->person_field >= 0 || text_is(r->on->name, "person");
        if (!here || (m->reg->person_field < 0 && !text_is(m->reg->name, "person")))
            return yaml_error(node, k->err, E_INVALID, "person needs two registers about somebody: %s and %s",
                              r->on->name.s, m->reg->name.s);
        m->by = FACT_BY_PERSON;
        return 0;
    }
    rc = field_of(k, node, m->reg, by, &m->by);
    if (rc < 0) return rc;
    const struct field *f = &m->reg->fields[m->by];
    if (m->by == m->reg->holder_field && m->by != m->reg->person_field && r->on->holder_field >= 0 && text_eq(r->on->fields[r->on->holder_field].target, f->target)) {
        m->by = FACT_BY_PERSON; /* of the same site, and the like */
        return 0;
    }
    if (f->type != FIELD_REFERENCE || !text_eq(f->target, r->on->name))
        return yaml_error(node, k->err, E_INVALID, "field %s does not refer to %s", by.s, r->on->name.s);
    return 0;
}

/* Which facts of before the duty's clock count as well. */
static int reach(struct pack *k, const struct yaml *map, struct fact_match *m) {
    const struct yaml *until = yaml_get(map, "until"), *back = yaml_get(map, "back"), *since = yaml_get(map, "since");
    bool named = since && since->kind == YAML_SCALAR && !text_is(since->text, "true") && !text_is(since->text, "false");
    m->since = named || m->by == FACT_BY_PERSON || m->by == FACT_BY_REGION;
    m->since_field = m->date_field;
    int rc = named ? time_named(k, since, m->reg, since->text, &m->since_field) : yaml_bool(map, "since", false, &m->since, k->err);
    if (rc < 0) return rc;
    bool asked = since && m->since;
    if (!m->since && (until || back))
        return yaml_error(until ? until : back, k->err, E_INVALID, "until and back are for facts that count since the start / until、back 仅用于 since: true");
    if ((asked || until || back) && m->date_field < 0)
        return yaml_error(asked ? since : until ? until : back, k->err, E_INVALID, "since needs the date it is about");
    rc = pack_duration(k, map, "back", &m->back_s);
    size_t n = !until ? 0 : until->kind == YAML_LIST ? until->n : 1;
    if (!rc && (n > FACT_ENDS_MAX || (until && !n))) return yaml_error(until, k->err, E_INVALID, "until names one or two fields / until 须为一至两个字段");
    for (size_t i = 0; !rc && i < n; i++) {
        const struct yaml *one = until->kind == YAML_LIST ? until->items[i] : until;
        if (one->kind != YAML_SCALAR) return yaml_error(one, k->err, E_INVALID, "until names one or two fields / until 须为一至两个字段");
        rc = time_named(k, one, m->reg, one->text, &m->until[i]);
        if (!rc) m->n_until = i + 1;
    }
    return rc;
}

static int facts(struct pack *k, const struct yaml *map, const char *key, bool required,
                 struct duty_rule *r, struct fact_match **ret, size_t *ret_n) {
    static const char *const keys[] = {"on", "by", "when", "date", "since", "back", "until", NULL};
    const struct yaml *list = NULL;
    int rc = yaml_list(map, key, required, &list, k->err);
    if (rc < 0 || !list) return rc;
    if (required && !list->n) return yaml_error(list, k->err, E_INVALID, "nothing would ever pay this");
    struct fact_match *m = arena_alloc(k->arena, (list->n + 1) * sizeof *m);
    if (!m) return pack_memory(k);
    for (size_t i = 0; !rc && i < list->n; i++) {
        const struct yaml *node = list->items[i];
        m[i].date_field = -1;
        rc = yaml_only(node, keys, k->err);
        if (!rc) rc = register_of(k, node, "on", &m[i].reg);
        if (!rc) rc = tie(k, node, r, &m[i]);
        if (!rc) rc = pack_condition(k, node, "when", m[i].reg, &m[i].when, NULL);
        if (!rc) rc = time_field(k, node, "date", m[i].reg, &m[i].date_field);
        if (!rc) rc = reach(k, node, &m[i]);
        r->from_before = r->from_before || m[i].by == FACT_BY_PERSON;
    }
    *ret = m;
    *ret_n = list->n;
    return rc;
}

/* ---- timing */

static int schedule(struct pack *k, const struct yaml *map, struct duty_rule *r) {
    int64_t after = 0, first = -1, last = -1;
    int rc = pack_days(k, map, "after_days", &after);
    if (!rc) rc = pack_day_list(k, map, "days", after, &r->days);
    if (!rc) rc = pack_days(k, map, "first_day", &first);
    if (!rc) rc = pack_days(k, map, "last_day", &last);
    if (rc < 0 || yaml_get(map, "days")) return rc;
    if (first < 0 || last < 0)
        return yaml_error(map, k->err, E_INVALID, "first_day and last_day go together");
    if (last < first)
        return yaml_error(yaml_get(map, "last_day"), k->err, E_INVALID, "the last day is before the first");
    if (after + last >= DUTY_DAYS_MAX)
        return yaml_error(yaml_get(map, "last_day"), k->err, E_INVALID,
                          "day %lld is past the %d days of a schedule", (long long)(after + last),
                          DUTY_DAYS_MAX);
    for (int64_t d = after + first; d <= after + last; d++) r->days |= (uint64_t)1 << d;
    return 0;
}

static int timing(struct pack *k, const struct yaml *map, struct duty_rule *r) {
    bool within = yaml_get(map, "within"), days = yaml_get(map, "days"),
         span = yaml_get(map, "first_day") || yaml_get(map, "last_day");
    bool daily = false;
    int rc = yaml_bool(map, "daily", false, &daily, k->err);
    if (rc < 0) return rc;
    if (within + days + span + daily != 1)
        return yaml_error(map, k->err, E_INVALID,
                          "one of within, days, first_day with last_day, or daily: true says when");
    r->timing = within ? TIMING_WITHIN : daily ? TIMING_DAILY : TIMING_DAYS;
    int64_t every = 1;
    rc = pack_days(k, map, "every", &every);
    if (rc < 0) return rc;
    if (yaml_get(map, "every") && (!daily || every < 1 || every > DUTY_DAYS_MAX))
        return yaml_error(yaml_get(map, "every"), k->err, E_INVALID, "every is for daily: true, 1 to %d days / every 仅用于 daily: true, 1 至 %d 天", DUTY_DAYS_MAX, DUTY_DAYS_MAX);
    r->every = (int)every;
    static const char *const of_days[] = {"after_days", "due", "lapses", NULL};
    for (int i = 0; of_days[i]; i++) {
        bool allowed = r->timing == TIMING_DAYS || (r->timing == TIMING_DAILY && i > 0);
        if (!allowed && yaml_get(map, of_days[i]))
            return yaml_error(yaml_get(map, of_days[i]), k->err, E_INVALID, "%s is for schedules of days",
                              of_days[i]);
    }
    r->due_time_s = DAY_S;
    r->from_field = -1;
    rc = pack_duration(k, map, "within", &r->within_s);
    if (!rc) rc = pack_time(k, map, "due", &r->due_time_s);
    if (!rc) rc = yaml_bool(map, "lapses", false, &r->lapses, k->err);
    if (!rc) rc = time_field(k, map, "from", r->on, &r->from_field);
    if (!rc && r->timing == TIMING_DAYS) rc = schedule(k, map, r);
    return rc;
}

/* ---- guards */

static int guard(struct pack *k, const struct yaml *map, struct duty_rule *r) {
    static const char *const keys[] = {"on", "state", NULL};
    const struct yaml *node = yaml_get(map, "guard");
    if (!node) return 0;
    struct text state = node->text;
    const struct register_decl *reg = r->on;
    int rc = 0;
    if (node->kind == YAML_MAP) {
        rc = yaml_only(node, keys, k->err);
        if (!rc) rc = register_of(k, node, "on", &reg);
        if (!rc) rc = yaml_text(node, "state", true, &state, k->err);
        if (rc < 0) return rc;
    } else if (node->kind != YAML_SCALAR) {
        return yaml_error(node, k->err, E_INVALID, "guard is a state");
    }
    int at = register_state(reg, state);
    if (at < 0)
        return yaml_error(node, k->err, E_UNKNOWN, "register %s has no state %s", reg->name.s, state.s);
    if (reg != r->on && (reg->person_field < 0 || r->on->person_field < 0))
        return yaml_error(node, k->err, E_INVALID, "%s and %s are not about the same person", reg->name.s,
                          r->on->name.s);
    if (r->timing == TIMING_DAILY)
        return yaml_error(node, k->err, E_INVALID, "a standing duty cannot guard a state");
    r->guard_reg = reg;
    r->guard_state = at;
    return 0;
}

/* ---- the section */

static bool code_good(struct text t) {
    if (!t.n || t.n > DUTY_CODE_MAX || t.s[0] < 'a' || t.s[0] > 'z') return false;
    for (size_t i = 0; i < t.n; i++)
        if (!(t.s[i] >= 'a' && t.s[i] <= 'z') && !(t.s[i] >= '0' && t.s[i] <= '9') && t.s[i] != '-')
            return false;
    return true;
}

/* per: the field that the register's duties are held by. */
static int per_holder(struct pack *k, const struct yaml *m, struct duty_rule *r) {
    struct text per = {0};
    int rc = yaml_text(m, "per", false, &per, k->err);
    if (rc < 0 || !per.n) return rc;
    if (r->on->holder_field < 0 || !text_eq(r->on->fields[r->on->holder_field].name, per))
        return yaml_error(yaml_get(m, "per"), k->err, E_INVALID, "duties of register %s are not held by %s / 该登记册的待办不按此字段归并", r->on->name.s, per.s);
    r->per_person = true;
    return 0;
}

static int rule(struct pack *k, const struct pack_entry *e, struct duty_rule *r) {
    static const char *const keys[] = {
        "zh",         "en",         "on",        "when",      "desk",     "from",  "within",
        "days",       "after_days", "first_day", "last_day",  "daily",    "every", "due",   "lapses",
        "per_person", "per",        "owner",      "pays",      "cancels",   "escalate", "guard", "requires",
        "note",       "source",     "clause",    "certainty", "verified", NULL};
    const struct yaml *m = e->merged;
    r->code = e->name;
    r->from = e->from;
    r->line = e->key->line;
    r->column = e->key->column;
    if (!code_good(e->name))
        return yaml_error(e->key, k->err, E_INVALID, "a rule is named with a-z, 0-9 and -, at most %d",
                          DUTY_CODE_MAX);
    int rc = yaml_only(e->map, keys, k->err);
    if (!rc) rc = yaml_text(m, "zh", true, &r->zh, k->err);
    if (!rc) rc = yaml_text(m, "en", true, &r->en, k->err);
    if (!rc) rc = yaml_text(m, "desk", true, &r->desk, k->err);
    if (!rc) rc = register_of(k, m, "on", &r->on);
    if (!rc) rc = pack_condition(k, m, "when", r->on, &r->when, &r->when_text);
    if (!rc) rc = timing(k, m, r);
    if (!rc) rc = yaml_bool(m, "per_person", false, &r->per_person, k->err);
    if (!rc && r->per_person && r->on->person_field < 0)
        rc = yaml_error(yaml_get(m, "per_person"), k->err, E_INVALID, "register %s is not about somebody",
                        r->on->name.s);
    if (!rc) rc = per_holder(k, m, r);
    if (!rc) rc = owners(k, m, r);
    if (!rc) rc = facts(k, m, "pays", true, r, &r->pays, &r->n_pays);
    if (!rc) rc = facts(k, m, "cancels", false, r, &r->cancels, &r->n_cancels);
    if (!rc) rc = escalations(k, m, r);
    return rc ? rc : guard(k, m, r);
}

static int requires(struct pack *k, const struct pack_entry *e, struct duty_rule *r) {
    const struct yaml *list = NULL;
    int rc = yaml_list(e->merged, "requires", false, &list, k->err);
    if (rc < 0 || !list) return rc;
    if (!r->guard_reg)
        return yaml_error(list, k->err, E_INVALID, "requires needs a guard: the state that waits for them");
    r->requires = arena_alloc(k->arena, (list->n + 1) * sizeof *r->requires);
    if (!r->requires) return pack_memory(k);
    for (size_t i = 0; i < list->n; i++) {
        const struct yaml *node = list->items[i];
        int other = node->kind == YAML_SCALAR ? policy_rule(k->p, node->text) : -1;
        if (other < 0)
            return yaml_error(node, k->err, E_UNKNOWN, "no rule %s in this pack",
                              node->kind == YAML_SCALAR ? node->text.s : "?");
        if (&k->p->rules[other] == r)
            return yaml_error(node, k->err, E_INVALID, "a rule cannot wait for itself");
        r->requires[r->n_requires++] = other;
    }
    return 0;
}

int pack_rules(struct pack *k) {
    struct policy *p = k->p;
    p->rules = arena_alloc(k->arena, (p->n_rules + 1) * sizeof *p->rules);
    if (!p->rules) return pack_memory(k);
    int rc = 0;
    for (size_t i = 0; !rc && i < p->n_rules; i++) rc = rule(k, &k->rules[i], &p->rules[i]);
    for (size_t i = 0; !rc && i < p->n_rules; i++) rc = requires(k, &k->rules[i], &p->rules[i]);
    return rc;
}
