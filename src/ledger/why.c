/* The sentences, a value for each %s, and the Chinese with the same values in the same order; a longer one stands before the one it begins with. */
#include "ledger/why.h"

#include <string.h>

static const struct {
    const char *en, *zh;
} sentences[] = {
    {"import %s", "导入 %s"},
    {"undo of an import", "撤销一批导入"},
    {"in force when the node was made", "建立节点时已在执行"},
    {"init", "初始化时采用"},
    /* desks/account */
    {"password given", "密码通过"},
    {"password given, second factor asked", "密码通过,待验证第二因素"},
    {"second factor given", "第二因素通过"},
    {"recovery code used", "使用恢复码"},
    {"proved by the provider", "由统一认证登录"},
    {"proved by the provider, with a second factor", "由统一认证登录,含第二因素"},
    {"first sign-in by the provider", "经统一认证首次登录"},
    {"password changed by its owner, other sessions ended", "本人修改密码,其他会话已结束"},
    {"password set by an administrator, to be changed; sessions ended", "管理员设置密码,须修改;会话已结束"},
    {"password of a demonstration account set", "设置演示账户的密码"},
    {"second factor begun", "开始启用第二因素"},
    {"second factor in force, recovery codes made", "第二因素已启用,恢复码已生成"},
    {"second factor taken away, sessions ended", "第二因素已取消,会话已结束"},
    {"session ended", "会话结束"},
    {"all sessions ended, devices forgotten", "全部会话已结束,设备不再记住"},
    {"locked, sessions ended", "已锁定,会话已结束"},
    {"unlocked", "已解锁"},
    {"wrong password x%s from %s", "密码错误 %s 次,来自 %s"},
    {"unknown login x%s from %s", "登录名不存在 %s 次,来自 %s"},
    {"wrong code x%s from %s", "验证码错误 %s 次,来自 %s"},
    {"refused: sign-in by the provider x%s from %s", "统一认证登录被拒绝 %s 次,来自 %s"},
    {"token %s made, writes, opens: %s", "生成令牌 %s,可登记、可打开密封信息: %s"},
    {"token %s made, writes: %s", "生成令牌 %s,可登记: %s"},
    {"token %s made, opens: %s", "生成令牌 %s,可打开密封信息: %s"},
    {"token %s made: %s", "生成令牌 %s: %s"},
    {"token %s revoked", "收回令牌 %s"},
    /* desks/tracing, desks/shape */
    {"look at the places where cases were", "查看病例到过的场所"},
    {"look at the route, case %s", "查看活动轨迹,病例 %s"},
    {"look at the route", "查看活动轨迹"},
    {"trace of %s cases and %s persons, degree %s, reverse, case %s", "追踪 %s 例、%s 人,%s 级,反向,病例 %s"},
    {"trace of %s cases and %s persons, degree %s, reverse", "追踪 %s 例、%s 人,%s 级,反向"},
    {"trace of %s cases and %s persons, degree %s, case %s", "追踪 %s 例、%s 人,%s 级,病例 %s"},
    {"trace of %s cases and %s persons, degree %s", "追踪 %s 例、%s 人,%s 级"},
    {"visitors of %s, %s to %s", "查看 %s 的到访者,%s 至 %s"},
    {"visits before %s forgotten: kept %s days by policy", "清除 %s 之前的活动轨迹,按方案保存 %s 天"},
    {"visits before %s forgotten", "清除 %s 之前的活动轨迹"},
    {"visits of [%s, %s) forgotten", "清除 %s 至 %s(不含)的活动轨迹"},
    {"visits: %s rows, %s taken, %s refused", "活动轨迹 %s 行,接收 %s,退回 %s"},
    {"visits of the demonstration", "演示用的活动轨迹"},
    {"shapes of %s regions, %s positions, in place of %s", "%s 个地区的边界,%s 个点,替换原有 %s 个"},
    {"shapes of %s regions, %s positions", "%s 个地区的边界,%s 个点"},
};

enum { VALUES = 4 };

/* The values of a sentence; false: it is another one. A value ends where what follows it in the format begins. */
static bool matches(const char *format, struct text said, struct text value[VALUES]) {
    size_t n = 0;
    for (const char *f = format; *f; f++) {
        if (f[0] != '%' || f[1] != 's') {
            if (!said.n || *said.s != *f) return false;
            said.s++, said.n--;
            continue;
        }
        const char *next = f + 2, *end = strstr(next, "%s");
        size_t fixed = end ? (size_t)(end - next) : strlen(next), at = 0;
        if (!end && (said.n < fixed || memcmp(said.s + said.n - fixed, next, fixed) != 0)) return false;
        if (!end) at = said.n - fixed; /* the last takes all there is */
        else
            while (at + fixed <= said.n && memcmp(said.s + at, next, fixed) != 0) at++;
        if (at + fixed > said.n || n == VALUES) return false;
        value[n++] = (struct text){said.s, at};
        said.s += at, said.n -= at;
        f++;
    }
    return !said.n;
}

static bool told(struct text said, struct buf *out) {
    struct text value[VALUES];
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        if (!matches(sentences[i].en, said, value)) continue;
        size_t n = 0;
        for (const char *f = sentences[i].zh; *f; f++) {
            if (f[0] == '%' && f[1] == 's') buf_text(out, text_is(value[n], "here") ? TEXT("本机") : value[n]), n++, f++;
            else buf_char(out, *f);
        }
        return true;
    }
    return false;
}

static struct text rule_title(const struct ledger *l, struct text code, bool zh, instant now) {
    const struct adoption *here = ledger_policy_here(l, TEXT(""), day_of_instant(now, l->zone_s));
    int i = here && here->policy ? policy_rule(here->policy, code) : -1;
    if (i < 0) return code;
    return zh ? here->policy->rules[i].zh : here->policy->rules[i].en;
}

/* "RULE level 2" of a duty that was late, "RULE -> 12: reason" of one handed over. */
static bool of_duty(const struct ledger *l, int verb, struct text said, bool zh, instant now, struct buf *out) {
    struct text v[VALUES];
    if (verb == JOURNAL_HANDOVER) {
        if (!matches("%s -> %s: %s", said, v)) return false;
        buf_text(out, rule_title(l, v[0], zh, now));
        buf_printf(out, " → #%.*s: %.*s", (int)v[1].n, v[1].s, (int)v[2].n, v[2].s);
        return true;
    }
    if ((verb != JOURNAL_ESCALATE && verb != JOURNAL_LAPSE) || !matches("%s level %s", said, v)) return false;
    buf_text(out, rule_title(l, v[0], zh, now));
    buf_printf(out, zh ? ",第 %.*s 级" : ", level %.*s", (int)v[1].n, v[1].s);
    return true;
}

/* Where `mark` begins in the text for the last time; its length when it does not. */
static size_t last(struct text t, const char *mark) {
    size_t n = strlen(mark);
    for (size_t i = t.n; i-- > 0;)
        if (i + n <= t.n && memcmp(t.s + i, mark, n) == 0) return i;
    return t.n;
}

struct text why_told(const struct ledger *l, int verb, struct text said, bool zh, instant now, struct arena *a) {
    struct buf out = {0};
    bool found = of_duty(l, verb, said, zh, now, &out);
    if (!found && zh && said.n) {
        size_t from = last(said, " from "), own = last(said, "; ");
        found = told(said, &out);
        if (!found && from < said.n && told((struct text){said.s, from}, &out)) {
            struct text where = {said.s + from + 6, said.n - from - 6};
            buf_str(&out, ",来自 ");
            buf_text(&out, where);
            found = true;
        }
        if (!found && own < said.n && told((struct text){said.s, own}, &out)) { /* what the asker gave stands behind it */
            buf_text(&out, (struct text){said.s + own, said.n - own});
            found = true;
        }
    }
    struct text kept = found && !out.failed ? arena_text(a, buf_view(&out)) : (struct text){NULL, 0};
    buf_clear(&out);
    return kept.s ? kept : said;
}
