#include "ledger/grant.h"

#include <string.h>

bool grant_held(const struct session *s, const char *role, struct text region) {
    for (size_t i = 0; i < s->n_grants; i++)
        if ((text_is(s->grants[i].role, role) || text_is(s->grants[i].role, "root")) && region_within(region, s->grants[i].region)) return true;
    return false;
}

bool grant_among(struct text roles, struct text role) {
    for (size_t at = 0; at < roles.n;) {
        const char *end = memchr(roles.s + at, ';', roles.n - at);
        size_t n = end ? (size_t)(end - roles.s) - at : roles.n - at;
        if (text_eq((struct text){roles.s + at, n}, role)) return true;
        at += n + 1;
    }
    return false;
}

static int denied(const char *field, const char *words, struct error *err) {
    return error_set(err, E_DENIED, field, "%s", words);
}

/* Root is given, changed and taken away by root alone. */
static int check_root(const struct session *s, const struct record *r, struct error *err) {
    if (!r || !grant_among(record_text(r, "roles"), TEXT("root")) || grant_held(s, "root", r->region)) return 0;
    return denied("roles", "an account with role root is changed by root alone / 含 root 角色的账户只能由 root 变更", err);
}

/* Who the journal says when nobody signed in: at the machine itself, when a time has come, on the way of something else. */
static int check_login(struct text login, struct error *err) {
    if (!text_is(login, "root") && !text_is(login, "clock") && !text_is(login, "system")) return 0;
    return error_set(err, E_INVALID, "login", "this login means the house itself / 该登录名为系统保留");
}

static int check_made(const struct session *s, const struct record *after, struct error *err) {
    int rc = check_login(record_text(after, "login"), err);
    if (rc < 0) return rc;
    if (!grant_held(s, "system", after->region)) return denied("login", "accounts are made by role system / 账户由系统管理员建立", err);
    if (!text_is(record_text(after, "roles"), "guest") && !grant_held(s, "security", after->region))
        return denied("roles", "roles are given by role security; without it a new account is a guest / 角色由安全管理员授予,新账户只能为访客", err);
    return 0;
}

static int check_changed(const struct session *s, const struct record *before, const struct record *after, struct error *err) {
    bool rights = !text_eq(record_text(before, "roles"), record_text(after, "roles")) || !text_eq(before->region, after->region);
    bool switched = record_int(before, "active", 1) != record_int(after, "active", 1), renamed = !text_eq(record_text(before, "login"), record_text(after, "login"));
    if ((rights || switched || renamed) && text_eq(record_text(before, "login"), s->account))
        return denied("roles", "nobody changes the rights of the own account / 不得变更本人账户的权限", err);
    if (rights && !(grant_held(s, "security", before->region) && grant_held(s, "security", after->region)))
        return denied("roles", "roles and their region are given by role security / 角色及其区域由安全管理员授予", err);
    if (!renamed) return 0;
    int rc = check_login(record_text(after, "login"), err);
    if (rc < 0) return rc;
    return grant_held(s, "system", before->region) ? 0 : denied("login", "accounts are named by role system / 账户由系统管理员命名", err);
}

int grant_check(const struct session *s, const struct record *before, const struct record *after, struct error *err) {
    const struct record *one = after ? after : before;
    if (!text_is(one->reg->name, "account")) return 0;
    int rc = check_root(s, before, err);
    if (!rc) rc = check_root(s, after, err);
    if (rc < 0) return rc;
    if (!before) return check_made(s, after, err);
    if (after) return check_changed(s, before, after, err);
    if (text_eq(record_text(before, "login"), s->account)) return denied("login", "nobody removes the own account / 不得删除本人账户", err);
    return grant_held(s, "system", before->region) ? 0 : denied("login", "accounts are removed by role system / 账户由系统管理员删除", err);
}
