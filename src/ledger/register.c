#include "ledger/effect.h"
#include "ledger/hold.h"
#include "ledger/count.h"
#include "ledger/tally.h"
#include "ledger/similar.h"

#include <string.h>

/* Tables of the house that no register may take (ledger/journal.h, vault.h, ledger.h). */
static bool table_reserved(struct text t) {
    static const char *const words[] = {"journal",       "blind",         "vault_key", "node",      "obligation", "sequence", "idempotency", "merge", "lookup_front", "lookup_shard",
                                        "lookup_bucket", "lookup_filter", "duty",      "duty_kind", "duty_wake", "duty_term",  "duty_count", "obligation_open", "region_shape", "account_setting"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(t, words[i])) return true;
    return text_starts(t, TEXT("sqlite_")) || text_starts(t, TEXT("pg_"));
}

/* Where a list's i-th word stands. */
static const struct yaml *item_at(const struct yaml *map, const char *key, size_t i) {
    const struct yaml *node = yaml_get(map, key);
    return node && node->kind == YAML_LIST ? node->items[i] : node;
}

/* Roles must be codes of list `role`, when the catalog has one. */
static int declare_roles(struct catalog *c, const struct yaml *map, const char *key, struct text **ret,
                         size_t *ret_n, struct error *err) {
    int rc = declare_words(&c->arena, map, key, ret, ret_n, err);
    const struct codelist *roles = codelist_find(c, TEXT("role"));
    for (size_t i = 0; !rc && roles && i < *ret_n; i++)
        if (!code_find(roles, (*ret)[i]))
            rc = yaml_error(item_at(map, key, i), err, E_UNKNOWN, "role %s is not declared", (*ret)[i].s);
    return rc;
}

/* Index of the field that `key` names, of one of two types; *ret stays when absent. */
static int declare_pointer(const struct register_decl *r, const struct yaml *map, const char *key,
                           enum field_type a, enum field_type b, int *ret, struct error *err) {
    struct text name = {NULL, 0};
    int rc = declare_text(map, key, false, &name, err);
    if (rc || !name.s) return rc;
    int i = register_field(r, name);
    const struct yaml *at = yaml_get(map, key);
    if (i < 0) return yaml_error(at, err, E_UNKNOWN, "field %s is not declared", name.s);
    if (r->fields[i].type != a && r->fields[i].type != b)
        return yaml_error(at, err, E_INVALID, "field %s has the wrong type for %s", name.s, key);
    *ret = i;
    return 0;
}

static int declare_fields(struct catalog *c, const struct yaml *root, struct register_decl *r,
                          struct error *err) {
    const struct yaml *list = NULL;
    int rc = yaml_list(root, "fields", true, &list, err);
    if (rc) return rc;
    if (list->n == 0 || list->n > FIELDS_MAX)
        return yaml_error(list, err, E_INVALID, "a register has 1 to %d fields", FIELDS_MAX);
    r->fields = arena_alloc(&c->arena, list->n * sizeof *r->fields);
    if (!r->fields) return error_set(err, E_MEMORY, root->file, "out of memory");
    for (size_t i = 0; !rc && i < list->n; i++) {
        rc = field_declare(c, list->items[i], &r->fields[i], err);
        if (!rc && register_field(r, r->fields[i].name) >= 0)
            rc = yaml_error(yaml_get(list->items[i], "name"), err, E_INVALID, "field %s is declared twice",
                            r->fields[i].name.s);
        if (!rc) r->n_fields = i + 1;
    }
    return rc;
}

static int declare_state(const struct yaml *node, struct state *ret, struct error *err) {
    static const char *const keys[] = {"name", "zh", "en", "initial", "final", NULL};
    int rc = yaml_only(node, keys, err);
    if (!rc) rc = declare_text(node, "name", true, &ret->name, err);
    for (size_t i = 0; !rc && i < ret->name.n; i++) {
        char ch = ret->name.s[i];
        if (!((ch >= 'a' && ch <= 'z') || (i && ch >= '0' && ch <= '9') || (i && ch == '-')) ||
            i >= NAME_MAX_CHARS)
            rc = yaml_error(yaml_get(node, "name"), err, E_INVALID,
                            "a state's name is [a-z][a-z0-9-]*, at most %d", NAME_MAX_CHARS);
    }
    if (!rc) rc = declare_text(node, "zh", true, &ret->zh, err);
    if (!rc) rc = declare_text(node, "en", true, &ret->en, err);
    if (!rc) rc = yaml_bool(node, "initial", false, &ret->initial, err);
    if (!rc) rc = yaml_bool(node, "final", false, &ret->final, err);
    return rc;
}

static int declare_states(struct catalog *c, const struct yaml *root, struct register_decl *r,
                          struct error *err) {
    const struct yaml *list = NULL;
    int rc = yaml_list(root, "states", false, &list, err);
    if (rc || !list) return rc;
    if (list->n == 0 || list->n > 64) return yaml_error(list, err, E_INVALID, "states has 1 to 64 items");
    r->states = arena_alloc(&c->arena, list->n * sizeof *r->states);
    if (!r->states) return error_set(err, E_MEMORY, root->file, "out of memory");
    for (size_t i = 0; !rc && i < list->n; i++) {
        rc = declare_state(list->items[i], &r->states[i], err);
        if (!rc && register_state(r, r->states[i].name) >= 0)
            rc = yaml_error(yaml_get(list->items[i], "name"), err, E_INVALID, "state %s is declared twice",
                            r->states[i].name.s);
        if (!rc && r->states[i].initial && register_initial(r) >= 0)
            rc = yaml_error(yaml_get(list->items[i], "initial"), err, E_INVALID,
                            "two initial states: %s and %s", r->states[register_initial(r)].name.s,
                            r->states[i].name.s);
        if (!rc) r->n_states = i + 1;
    }
    if (!rc && register_initial(r) < 0) rc = yaml_error(list, err, E_INVALID, "no state is initial");
    return rc;
}

static int declare_move(struct catalog *c, const struct yaml *node, const struct register_decl *r,
                        struct move *ret, struct error *err) {
    static const char *const keys[] = {"from", "to", "roles", "sets", "value", NULL};
    struct text from = {0}, to = {0}, sets = {0};
    int rc = yaml_only(node, keys, err);
    if (!rc) rc = declare_text(node, "from", true, &from, err);
    if (!rc) rc = declare_text(node, "to", true, &to, err);
    if (!rc) rc = declare_text(node, "sets", yaml_get(node, "value") != NULL, &sets, err);
    if (rc) return rc;
    ret->sets = sets.n ? register_field(r, sets) : -1;
    if (sets.n && (ret->sets < 0 || r->fields[ret->sets].type != FIELD_CODE || !yaml_get(node, "value")))
        return yaml_error(yaml_get(node, "sets"), err, E_INVALID, "sets is a code field of the register, and value its code / sets 应为代码字段, value 为其代码");
    if (sets.n && (rc = declare_value(c, node, "value", &r->fields[ret->sets], &ret->value, err)) < 0) return rc;
    ret->from = text_is(from, "any") ? -1 : register_state(r, from);
    ret->to = register_state(r, to);
    if (ret->from < 0 && !text_is(from, "any"))
        return yaml_error(yaml_get(node, "from"), err, E_UNKNOWN, "state %s is not declared", from.s);
    if (ret->to < 0)
        return yaml_error(yaml_get(node, "to"), err, E_UNKNOWN, "state %s is not declared", to.s);
    return declare_roles(c, node, "roles", &ret->roles, &ret->n_roles, err);
}

/* A state that no move reaches would be a trap for whoever declared it. */
static int check_reached(const struct yaml *root, const struct register_decl *r, struct error *err) {
    for (size_t i = 0; i < r->n_states; i++) {
        bool reached = r->states[i].initial;
        for (size_t k = 0; !reached && k < r->n_moves; k++) reached = r->moves[k].to == (int)i;
        if (!reached)
            return yaml_error(yaml_get(root, "states")->items[i], err, E_INVALID, "no move leads to state %s",
                              r->states[i].name.s);
    }
    return 0;
}

static int declare_moves(struct catalog *c, const struct yaml *root, struct register_decl *r,
                         struct error *err) {
    const struct yaml *list = NULL;
    int rc = yaml_list(root, "moves", false, &list, err);
    if (!rc && list) {
        if (!r->n_states) return yaml_error(list, err, E_INVALID, "moves without states");
        r->moves = arena_alloc(&c->arena, (list->n + 1) * sizeof *r->moves);
        if (!r->moves) return error_set(err, E_MEMORY, root->file, "out of memory");
        for (size_t i = 0; !rc && i < list->n; i++)
            rc = declare_move(c, list->items[i], r, &r->moves[i], err);
        if (!rc) r->n_moves = list->n;
    }
    return rc ? rc : check_reached(root, r, err);
}

/* A code field of the register, by the name that stands under key. */
static int code_field(const struct register_decl *r, const struct yaml *node, const char *key, int *ret, struct error *err) {
    struct text name = {0};
    int rc = declare_text(node, key, true, &name, err);
    if (rc) return rc;
    *ret = register_field(r, name);
    if (*ret >= 0 && r->fields[*ret].type == FIELD_CODE && !r->fields[*ret].multiple) return 0;
    return yaml_error(yaml_get(node, key), err, E_UNKNOWN, "field %s is not a field of one code", name.s);
}

/* {field: severity, among: [none, unknown], when: classification, is: asymptomatic}: the condition it stands for is written here. */
static int declare_codes_check(struct catalog *c, const struct yaml *node, const struct register_decl *r, struct rule_check *ret, struct error *err) {
    int rc = code_field(r, node, "field", &ret->field, err);
    if (!rc) rc = code_field(r, node, "when", &ret->when, err);
    if (!rc) rc = declare_text(node, "is", true, &ret->is, err);
    if (!rc) rc = declare_words(&c->arena, node, "among", &ret->among, &ret->n_among, err);
    if (rc) return rc;
    const struct codelist *mine = r->fields[ret->field].codes, *other = r->fields[ret->when].codes;
    if (!code_find(other, ret->is)) return yaml_error(yaml_get(node, "is"), err, E_UNKNOWN, "%s is no code of list %s", ret->is.s, other->name.s);
    if (!ret->n_among) return yaml_error(node, err, E_INVALID, "key %s is missing", "among");
    struct buf b = {0};
    rc = buf_printf(&b, "%s <> '%s' OR %s IN (", r->fields[ret->when].name.s, ret->is.s, r->fields[ret->field].name.s);
    for (size_t i = 0; !rc && i < ret->n_among; i++) {
        if (!code_find(mine, ret->among[i]))
            rc = yaml_error(item_at(node, "among", i), err, E_UNKNOWN, "%s is no code of list %s", ret->among[i].s, mine->name.s);
        else
            rc = buf_printf(&b, "%s'%s'", i ? ", " : "", ret->among[i].s);
    }
    if (!rc) rc = buf_char(&b, ')');
    if (!rc) ret->condition = arena_text(&c->arena, (struct text){b.s, b.n});
    buf_clear(&b);
    return rc || ret->condition.s ? rc : error_memory(err);
}

static int declare_checks(struct catalog *c, const struct yaml *root, struct register_decl *r,
                          struct error *err) {
    static const char *const keys[] = {"that", "was", "field", "among", "when", "is", "zh", "en", NULL};
    const struct yaml *list;
    int rc = declare_list(&c->arena, root, "checks", sizeof *r->checks, &list, &r->checks, err);
    for (size_t i = 0; !rc && list && i < list->n; i++) {
        struct rule_check *check = &r->checks[i];
        const struct yaml *of_codes = yaml_get(list->items[i], "field");
        check->field = check->when = -1;
        rc = yaml_only(list->items[i], keys, err);
        if (!rc && of_codes) rc = declare_codes_check(c, list->items[i], r, check, err);
        if (!rc && !of_codes) rc = declare_text(list->items[i], "that", true, &check->condition, err);
        if (!rc) rc = declare_text(list->items[i], "was", false, &check->was, err);
        if (!rc) rc = declare_text(list->items[i], "zh", true, &check->zh, err);
        if (!rc) rc = declare_text(list->items[i], "en", true, &check->en, err);
        if (rc) break;
        const struct yaml *place = of_codes ? of_codes : yaml_get(list->items[i], "that");
        check->line = place->line;
        check->column = place->column;
        r->n_checks = i + 1;
    }
    return rc;
}

/* Plain characters and {region}, {date}, {seq:1..9}; exactly one {seq}, or numbers could not differ. */
static bool mask_valid(struct text t) {
    int seqs = 0;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.s[i];
        struct text rest = {t.s + i, t.n - i};
        if (text_starts(rest, TEXT("{region}")))
            i += 7;
        else if (text_starts(rest, TEXT("{date}")))
            i += 5;
        else if (rest.n >= 7 && text_starts(rest, TEXT("{seq:")) && rest.s[5] >= '1' && rest.s[5] <= '9' &&
                 rest.s[6] == '}') {
            i += 6;
            seqs++;
        } else if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '/' || c == '.'))
            return false;
    }
    return seqs == 1 && t.n <= 60;
}

static int declare_key(struct catalog *c, const struct yaml *root, struct register_decl *r,
                       struct error *err) {
    struct text *names = NULL;
    size_t n = 0;
    int rc = declare_words(&c->arena, root, "key", &names, &n, err);
    if (rc || n == 0) return rc;
    r->key = arena_alloc(&c->arena, n * sizeof *r->key);
    if (!r->key) return error_set(err, E_MEMORY, root->file, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const struct yaml *at = item_at(root, "key", i);
        int field = register_field(r, names[i]);
        if (text_is(names[i], "region") && !r->key_region) {
            r->key_region = true;
            continue;
        }
        if (field < 0)
            return yaml_error(at, err, E_UNKNOWN, "key names field %s, which is not declared or named before",
                              names[i].s);
        if (r->fields[field].sealed)
            return yaml_error(at, err, E_INVALID, "key names sealed field %s; a key must be readable",
                              names[i].s);
        for (size_t k = 0; k < r->n_key; k++)
            if (r->key[k] == field)
                return yaml_error(at, err, E_INVALID, "key names field %s twice", names[i].s);
        r->key[r->n_key++] = field;
    }
    if (r->n_key == 0)
        return yaml_error(yaml_get(root, "key"), err, E_INVALID, "a key needs a field beside the region");
    return 0;
}

static int check_index(const struct register_decl *r, struct text list, const struct yaml *at,
                       struct error *err) {
    for (size_t from = 0; from <= list.n;) {
        size_t to = from;
        while (to < list.n && list.s[to] != ',') to++;
        struct text name = text_trim((struct text){list.s + from, to - from});
        int field = register_field(r, name);
        bool column = text_is(name, "region") || text_is(name, "state") || text_is(name, "created_at") ||
                      text_is(name, "changed_at");
        if (field < 0 && !column)
            return yaml_error(at, err, E_UNKNOWN, "index names field %.*s, which is not declared",
                              (int)(name.n > 60 ? 60 : name.n), name.s);
        if (field >= 0 && r->fields[field].sealed)
            return yaml_error(at, err, E_INVALID, "index names sealed field %s", r->fields[field].name.s);
        from = to + 1;
    }
    return 0;
}

static bool word_known(const struct register_decl *r, int field, struct text word) {
    if (field >= 0) return r->fields[field].type == FIELD_CODE && code_find(r->fields[field].codes, word);
    return register_state(r, word) >= 0;
}

/* "round where state open closed": only rows in these states, or with these codes, stand in the index; "region where community": only those that say it; "round where turn 2": only those with
 * so much or more. What precedes is left in *list. */
static int declare_where(struct catalog *c, const struct register_decl *r, struct text *list, const struct yaml *at, struct text *ret, struct error *err) {
    static const char word[] = " where ";
    const char *found = strstr(list->s, word);
    struct buf sql = {0};
    int field = -1;
    *ret = TEXT("");
    if (!found) return 0;
    struct text rest = text_trim(text_of(found + sizeof word - 1));
    list->n = (size_t)(found - list->s);
    for (size_t n = 0; rest.n || !n; n++) {
        size_t to = 0;
        while (to < rest.n && rest.s[to] != ' ') to++;
        struct text one = {rest.s, to};
        if (!n) field = register_field(r, one);
        int64_t least;
        bool number = field >= 0 && r->fields[field].type == FIELD_INTEGER && n == 1 && text_int(one, &least) && to == rest.n;
        if (n && number) {
            buf_reset(&sql);
            buf_printf(&sql, "\"%s\" >= %lld", r->fields[field].name.s, (long long)least);
            break;
        }
        if (n ? !word_known(r, field, one) : field < 0 && !text_is(one, "state")) {
            buf_clear(&sql);
            return yaml_error(at, err, E_UNKNOWN, "an index is of rows where state, or a code, is one of those declared / 条件索引须为已声明的状态或代码");
        }
        rest = text_trim((struct text){rest.s + to, rest.n - to});
        if (n) buf_printf(&sql, "%s'%.*s'%s", n > 1 ? "," : "", (int)one.n, one.s, rest.n ? "" : ")");
        else buf_printf(&sql, "\"%.*s\" %s", (int)one.n, one.s, rest.n ? "IN (" : "IS NOT NULL");
    }
    *ret = sql.failed ? (struct text){NULL, 0} : arena_text(&c->arena, buf_view(&sql));
    buf_clear(&sql);
    return ret->s ? 0 : error_memory(err);
}

static int declare_indexes(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err) {
    int rc = declare_words(&c->arena, root, "indexes", &r->indexes, &r->n_indexes, err);
    if (!rc && !(r->index_where = arena_alloc(&c->arena, (r->n_indexes + 1) * sizeof *r->index_where))) rc = error_memory(err);
    for (size_t i = 0; !rc && i < r->n_indexes; i++) {
        const struct yaml *at = item_at(root, "indexes", i);
        rc = declare_where(c, r, &r->indexes[i], at, &r->index_where[i], err);
        if (!rc) rc = check_index(r, r->indexes[i], at, err);
    }
    return rc;
}

static int declare_keep(struct catalog *c, const struct yaml *root, struct register_decl *r,
                        struct error *err) {
    static const char *const keys[] = {"days", "from", "basis", NULL};
    const struct yaml *keep = NULL;
    int64_t days = 0;
    int rc = yaml_map(root, "keep", true, &keep, err);
    if (!rc) rc = yaml_only(keep, keys, err);
    if (!rc) rc = yaml_int(keep, "days", true, &days, err);
    if (!rc && (days < 0 || days > 36525))
        rc = yaml_error(yaml_get(keep, "days"), err, E_INVALID, "days is 0 (for ever) to 36525");
    if (!rc) rc = declare_pointer(r, keep, "from", FIELD_DATE, FIELD_INSTANT, &r->keep_from, err);
    if (!rc) rc = declare_text(keep, "basis", true, &r->keep_basis, err);
    r->keep_days = (int)days;
    return rc;
}

static int declare_head(const struct yaml *root, struct register_decl *r, struct error *err) {
    int rc = declare_text(root, "register", true, &r->name, err);
    if (!rc && !name_valid(r->name))
        rc = yaml_error(yaml_get(root, "register"), err, E_INVALID,
                        "a register's name is [a-z][a-z0-9_]*, at most %d", NAME_MAX_CHARS);
    if (!rc && table_reserved(r->name))
        rc = yaml_error(yaml_get(root, "register"), err, E_INVALID, "%s is reserved for a table of the house",
                        r->name.s);
    if (!rc) rc = declare_text(root, "zh", true, &r->zh, err);
    if (!rc) rc = declare_text(root, "en", true, &r->en, err);
    if (!rc) rc = declare_text(root, "desk", true, &r->desk, err);
    if (!rc) rc = declare_text(root, "standard", false, &r->standard, err);
    if (!rc) rc = declare_text(root, "source", false, &r->source, err);
    return rc;
}

/* What the fields mean to the register as a whole. */
static int declare_uses(struct catalog *c, const struct yaml *root, struct register_decl *r,
                        struct error *err) {
    int rc = declare_text(root, "number", false, &r->number_mask, err);
    if (!rc && r->number_mask.n && !mask_valid(r->number_mask))
        rc = yaml_error(
            yaml_get(root, "number"), err, E_INVALID,
            "number is letters, digits, '-', '/', '.', {region}, {date} and exactly one {seq:1} to {seq:9}");
    if (!rc) rc = declare_pointer(r, root, "region_field", FIELD_REGION, FIELD_REGION, &r->region_field, err);
    if (!rc)
        rc =
            declare_pointer(r, root, "person_field", FIELD_REFERENCE, FIELD_REFERENCE, &r->person_field, err);
    if (!rc) rc = declare_pointer(r, root, "holder_field", FIELD_REFERENCE, FIELD_REFERENCE, &r->holder_field, err);
    if (!rc && r->holder_field >= 0 && r->person_field >= 0)
        rc = yaml_error(yaml_get(root, "holder_field"), err, E_INVALID, "a record about somebody is held by its person / 有 person_field 时不得有 holder_field");
    if (!rc && r->holder_field < 0) r->holder_field = r->person_field;
    if (!rc) rc = declare_pointer(r, root, "date_field", FIELD_DATE, FIELD_INSTANT, &r->date_field, err);
    if (!rc)
        rc = declare_words(&c->arena, root, "region_synonyms", &r->region_synonyms, &r->n_region_synonyms,
                           err);
    if (!rc) rc = declare_key(c, root, r, err);
    if (!rc) rc = declare_indexes(c, root, r, err);
    r->role_names = codelist_find(c, TEXT("role"));
    if (!rc) rc = declare_roles(c, root, "readers", &r->readers, &r->n_readers, err);
    if (!rc) rc = yaml_bool(root, "read_below", false, &r->below, err);
    if (!rc) rc = declare_roles(c, root, "writers", &r->writers, &r->n_writers, err);
    if (!rc) rc = declare_roles(c, root, "openers", &r->openers, &r->n_openers, err);
    if (!rc) rc = declare_keep(c, root, r, err);
    return rc;
}

const char *const register_keys[] = {
    "register",        "zh",     "en",           "desk",         "standard",
    "source",          "number", "region_field", "person_field", "date_field",  "holder_field",
    "region_synonyms", "key",    "indexes",      "readers",      "writers",
    "openers",         "keep",   "fields",       "states",       "moves",
    "checks",          "effects", "similar",     "holds",        "tally",
    "counts",          "read_below",
    NULL};

int register_declare(struct catalog *c, const struct yaml *root, struct register_decl *ret,
                     struct error *err) {
    struct register_decl r = {
        .region_field = -1, .person_field = -1, .holder_field = -1, .date_field = -1, .keep_from = -1, .file = root->file};
    int rc = yaml_only(root, register_keys, err);
    if (!rc) rc = declare_head(root, &r, err);
    if (!rc) rc = declare_fields(c, root, &r, err);
    if (!rc) rc = declare_states(c, root, &r, err);
    if (!rc) rc = declare_moves(c, root, &r, err);
    if (!rc) rc = declare_checks(c, root, &r, err);
    if (!rc) rc = effect_declare(c, root, &r, err);
    if (!rc) rc = hold_declare(c, root, &r, err);
    if (!rc) rc = tally_declare(c, root, &r, err);
    if (!rc) rc = count_declare(c, root, &r, err);
    if (!rc) rc = similar_declare(c, root, &r, err);
    if (!rc) rc = declare_uses(c, root, &r, err);
    if (!rc) rc = headers_check(root, &r, err);
    if (!rc) *ret = r;
    return rc;
}

/* copy: reference.field, read when the record is made. */
static int resolve_copy(struct catalog *c, const struct yaml *node, struct register_decl *r, struct field *f,
                        struct error *err) {
    struct text path = {NULL, 0};
    int rc = declare_text(node, "copy", false, &path, err);
    if (rc || !path.s) return rc;
    const struct yaml *at = yaml_get(node, "copy");
    const char *dot = memchr(path.s, '.', path.n);
    if (!dot) return yaml_error(at, err, E_INVALID, "copy is reference.field");
    struct text name = {path.s, (size_t)(dot - path.s)}, there = {dot + 1, path.n - name.n - 1};
    int reference = register_field(r, name);
    if (reference < 0 || r->fields[reference].type != FIELD_REFERENCE)
        return yaml_error(at, err, E_UNKNOWN, "copy %s does not begin with a reference of this register",
                          path.s);
    const struct register_decl *target = register_find(c, r->fields[reference].target);
    int from = target ? register_field(target, there) : -1;
    if (from < 0)
        return yaml_error(at, err, E_UNKNOWN, "copy %s names no field of register %s", path.s,
                          r->fields[reference].target.s);
    const struct field *source = &target->fields[from];
    if (source->type != f->type || source->codes != f->codes || source->scale != f->scale)
        return yaml_error(at, err, E_INVALID, "copy %s: the two fields differ in type", path.s);
    if (source->sealed || f->sealed) return yaml_error(at, err, E_INVALID, "a sealed field is not copied");
    f->copy_reference = reference;
    f->copy_field = from;
    return 0;
}

int register_resolve(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err) {
    const struct yaml *fields = yaml_get(root, "fields");
    int rc = 0;
    for (size_t i = 0; !rc && i < r->n_fields; i++) {
        struct field *f = &r->fields[i];
        if (f->type == FIELD_REFERENCE && !register_find(c, f->target))
            rc = yaml_error(yaml_get(fields->items[i], "target"), err, E_UNKNOWN,
                            "target register %s is not declared", f->target.s);
        const struct register_decl *target = !rc && f->other_person ? register_find(c, f->target) : NULL;
        if (target && (r->person_field < 0 || (target->person_field < 0 && !text_is(target->name, "person"))))
            rc = yaml_error(yaml_get(fields->items[i], "other_person"), err, E_INVALID, "other_person: both this register and %s must be about a person / 本登记册和 %s 都须是关于人员的", target->name.s, target->name.s);
        if (!rc) rc = resolve_copy(c, fields->items[i], r, f, err);
    }
    if (!rc && r->person_field >= 0 && !text_is(r->fields[r->person_field].target, "person"))
        rc = yaml_error(yaml_get(root, "person_field"), err, E_INVALID,
                        "person_field must be a reference to register person");
    return rc;
}
