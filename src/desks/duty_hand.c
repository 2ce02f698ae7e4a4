/* desks: handing duties over. */
#include "desks/duty.h"

/* A party one may hand to: one that is read, one above the own region, and for who reads no register of them whoever there is. */
static bool may_know(const struct session *s, const struct register_decl *reg, struct text region) {
    bool above = false;
    for (size_t i = 0; i < s->n_grants; i++) above = above || region_within(s->grants[i].region, region);
    return above || !reg || access_check(s, ACCESS_READ, reg, region, NULL) == 0 || !access_anywhere(s, ACCESS_READ, reg);
}

/* The party: it must be there, and an account must not be locked out. */
static int party_find(struct ledger *l, const struct session *s, int kind, int64_t id, struct arena *a, struct owner *ret, struct error *err) {
    bool person = kind == OWNER_PERSON;
    const struct register_decl *reg = register_find(l->catalog, person ? TEXT("account") : TEXT("organisation"));
    struct value p = value_int(id);
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = db_query(l->db, person ? "SELECT \"region\",COALESCE(\"active\",1) FROM \"account\" WHERE \"id\" = ?1" : "SELECT \"region\",1 FROM \"organisation\" WHERE \"id\" = ?1", &p, 1, &c, err);
    if (rc < 0) return rc;
    rc = db_next(c, &row, err);
    if (rc > 0) {
        *ret = (struct owner){.kind = kind, .step = OWNER_STEP_HANDED, .id = id, .region = arena_text(a, value_view(row[0]))};
        if (!ret->region.s) rc = error_memory(err);
        else if (!may_know(s, reg, ret->region)) rc = 0;
        else if (!value_int_or(row[1], 1)) rc = error_set(err, E_REFUSED, "to", "this account is not in use / 该账户已停用");
    }
    if (!rc)
        rc = error_set(err, E_INVALID, "to", "there is no such party / 没有该责任主体");
    db_cursor_close(c);
    return rc < 0 ? rc : 0;
}

/* Looks for the party when a duty is his to hand over: who may hand over nothing is told of nobody. */
static int hand_one(struct ledger *l, const struct session *s, struct duty_hand *h, int kind, int64_t id, struct owner *to, struct arena *a) {
    const struct register_decl *organisations = register_find(l->catalog, TEXT("organisation"));
    struct record r;
    struct error denied = {0};
    int rc = record_get(l, l->db, s, h->reg, h->record, a, &r, &h->error);
    if (rc < 0) return rc;
    rc = access_check(s, ACCESS_WRITE, h->reg, r.region, &denied);
    if (rc < 0 && organisations && access_check(s, ACCESS_WRITE, organisations, r.region, NULL) == 0) rc = 0;
    if (rc < 0) {
        h->error = denied;
        return rc;
    }
    if (!to->id) rc = party_find(l, s, kind, id, a, to, &h->error);
    return rc < 0 ? rc : book_hand(l, s, &r, h->rule, to, &h->error);
}

int duty_hand_over(struct ledger *l, const struct session *s, struct duty_hand *list, size_t n, int kind, int64_t to, struct error *err) {
    struct arena a = {0};
    struct owner party = {0};
    if (!text_trim(s->reason).n) return error_set(err, E_INVALID, "reason", "a reason is needed / 须写明理由");
    if (n < 1 || n > DUTY_HANDS_MAX) return error_set(err, E_TOO_LARGE, "duties", "from 1 to %d / 应为 1 至 %d 项", DUTY_HANDS_MAX, DUTY_HANDS_MAX);
    if (kind != OWNER_UNIT && kind != OWNER_PERSON) return error_set(err, E_INVALID, "to", "there is no such party / 没有该责任主体");
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    for (size_t i = 0; !rc && i < n; i++) {
        list[i].rc = hand_one(l, s, &list[i], kind, to, &party, &a);
        if (list[i].rc == E_UNKNOWN || list[i].rc == E_DENIED || list[i].rc == E_CONFLICT || !list[i].rc) continue;
        rc = error_set(err, list[i].rc, list[i].error.where, "%s", list[i].error.message);
    }
    rc = ledger_end(l, rc, s->now, err);
    arena_clear(&a);
    return rc;
}
