/* The accounts of a demonstration: one a role, over the node's whole region. Only on a node that was made with --demo. */
#include <stdio.h>
#include <string.h>

#include "desks/account/inside.h"

struct making {
    const struct session *s;
    const struct account_demo *made;
    char hash[crypto_pwhash_STRBYTES];
    int64_t id;
};

static int settle(struct ledger *l, void *arg, struct error *err) {
    struct making *m = arg;
    struct arena a = {0};
    struct secret secret;
    int rc = secret_read(l, m->id, &a, &secret, err);
    if (!rc) {
        secret.hash = text_of(m->hash);
        secret.must_change = false;
        secret.set_at = m->s->now;
        rc = secret_write(l, &secret, err);
    }
    if (!rc) rc = account_event(l, m->s, JOURNAL_SECRET, m->id, "password of a demonstration account set", err);
    arena_clear(&a);
    return rc;
}

static int make_one(const struct account_seat *seat, const struct session *s, const struct code *role, struct account_demo *made, struct error *err) {
    struct making m = {.s = s, .made = made};
    char title[200];
    snprintf(title, sizeof title, "%.*s %.*s", (int)role->zh.n, role->zh.s, (int)role->en.n, role->en.s); /* whoever looks on speaks one of the two */
    struct account_wish w = {.login = text_of(made->login), .title = text_of(title), .roles = role->code};
    int rc = account_add(seat, s, &w, &m.id, err);
    if (rc < 0) return rc;
    password_make(&seat->ledger->secret, made->password);
    rc = password_hash(seat->accounts, text_of(made->password), m.hash, err);
    return rc ? rc : seat_write(seat, settle, &m, s->now, err);
}

int account_demo_make(const struct account_seat *seat, const struct session *s, struct arena *a, struct account_demo **ret, size_t *ret_n, struct error *err) {
    const struct codelist *roles = codelist_find(seat->ledger->catalog, TEXT("role"));
    if (!seat->accounts->demo)
        return error_set(err, E_REFUSED, "demo", "only a node made with `tocsin init --demo` has demonstration accounts / 仅以 init --demo 建立的节点可有演示账户");
    if (!roles) return error_set(err, E_UNKNOWN, "role", "no roles are declared / 未声明角色");
    struct account_demo *list = arena_alloc(a, (roles->n + 1) * sizeof *list);
    size_t n = 0;
    int rc = list ? 0 : error_memory(err);
    for (size_t i = 0; !rc && i < roles->n; i++) {
        const struct code *role = &roles->codes[i];
        if (text_is(role->code, "root")) continue; /* root is who sits at the machine */
        size_t holders = text_is(role->code, "approver") ? 2 : 1; /* a report takes two */
        for (size_t k = 0; !rc && k < holders; k++) {
            struct account_demo *made = &list[n];
            made->role = role->code;
            made->title_zh = role->zh;
            made->title_en = role->en;
            snprintf(made->login, sizeof made->login, "demo-%.*s%s", (int)role->code.n, role->code.s, k ? "-2" : "");
            rc = make_one(seat, s, role, made, err);
            if (!rc) n++;
        }
    }
    if (rc < 0) return rc;
    *ret = list;
    *ret_n = n;
    return 0;
}
