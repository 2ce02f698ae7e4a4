/* desks: handing duties over. */
#include "desks/duty.h"

/* The party: it must be there, and an account must not be locked out. */
static int party_find(struct ledger *l, int kind, int64_t id, struct arena *a, struct owner *ret, struct error *err) {
    bool person = kind == OWNER_PERSON;
    struct value p = value_int(id);
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = db_query(l->db, person ? "SELECT \"region\",COALESCE(\"active\",1) FROM \"account\" WHERE \"id\" = ?1" : "SELECT \"region\",1 FROM \"organisation\" WHERE \"id\" = ?1", &p, 1, &c, err);
    if (rc < 0) return rc;
    rc = db_next(c, &row, err);
    if (rc > 0) {
        *ret = (struct owner){.kind = kind, .step = OWNER_STEP_HANDED, .id = id, .region = arena_text(a, value_view(row[0]))};
        rc = !ret->region.s ? error_memory(err)
             : value_int_or(row[1], 1) ? 0
                                       : error_set(err, E_REFUSED, "to", "this account is not in use / 该账户已停用");
    } else if (!rc)
        rc = error_set(err, E_INVALID, "to", "there is no such party / 没有该责任主体");
    db_cursor_close(c);
    return rc;
}

static int hand_one(struct ledger *l, const struct session *s, struct duty_hand *h, const struct register_decl *organisations, const struct owner *to, struct arena *a) {
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
    return book_hand(l, s, &r, h->rule, to, &h->error);
}

int duty_hand_over(struct ledger *l, const struct session *s, struct duty_hand *list, size_t n, int kind, int64_t to, struct error *err) {
    struct arena a = {0};
    struct owner party;
    const struct register_decl *organisations = register_find(l->catalog, TEXT("organisation"));
    if (!text_trim(s->reason).n) return error_set(err, E_INVALID, "reason", "a reason is needed / 须写明理由");
    if (n < 1 || n > DUTY_HANDS_MAX) return error_set(err, E_TOO_LARGE, "duties", "from 1 to %d / 应为 1 至 %d 项", DUTY_HANDS_MAX, DUTY_HANDS_MAX);
    if (kind != OWNER_UNIT && kind != OWNER_PERSON) return error_set(err, E_INVALID, "to", "there is no such party / 没有该责任主体");
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = party_find(l, kind, to, &a, &party, err);
    for (size_t i = 0; !rc && i < n; i++) {
        list[i].rc = hand_one(l, s, &list[i], organisations, &party, &a);
        if (list[i].rc == E_UNKNOWN || list[i].rc == E_DENIED || list[i].rc == E_CONFLICT || !list[i].rc) continue;
        rc = error_set(err, list[i].rc, list[i].error.where, "%s", list[i].error.message);
    }
    rc = ledger_end(l, rc, s->now, err);
    arena_clear(&a);
    return rc;
}
