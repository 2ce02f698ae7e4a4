/* What the journal says of the house's own doing is told in the reader's language; what a person said stays as it was said. */
#include "ledgers.h"

#include "ledger/why.h"

static struct test_ledger t;

static struct text told(int verb, const char *said, bool zh) {
    return why_told(t.l, verb, text_of(said), zh, t.s.now, &t.a);
}

static void assert_told(int verb, const char *said, const char *zh) {
    struct text got = told(verb, said, true);
    if (!text_is(got, zh)) fail_msg("\"%s\": \"%.*s\"", said, (int)got.n, got.s);
}

static void what_a_person_said_stays(void **state) {
    (void)state;
    static const char *const own[] = {"", "流调", "import", "imported by hand", "复核 / 更正", "token made: x", "level 2", "place-contact level 2", "x; y", "here from there", "%s", "visits of [a"};
    EACH_STORE(t, "covid-2022-v9", "2022-07-01T08:00") {
        for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
            assert_told(JOURNAL_CHANGE, own[i], own[i]);
            assert_true(text_is(told(JOURNAL_CHANGE, own[i], false), own[i]));
        }
    }
}

static void sentences_of_the_house_are_told(void **state) {
    (void)state;
    static const struct {
        int verb;
        const char *said, *zh;
    } some[] = {
        {JOURNAL_CREATE, "import files/cases.xlsx", "导入 files/cases.xlsx"},
        {JOURNAL_CREATE, "import a, b: c.csv", "导入 a, b: c.csv"},
        {JOURNAL_REMOVE, "undo of an import", "撤销一批导入"},
        {JOURNAL_SIGN_IN, "password given from 127.0.0.1", "密码通过,来自 127.0.0.1"},
        {JOURNAL_SIGN_IN, "password given, second factor asked from ::1", "密码通过,待验证第二因素,来自 ::1"},
        {JOURNAL_DENY, "wrong password x3 from here", "密码错误 3 次,来自 本机"},
        {JOURNAL_TOKEN, "token 12 made, writes: intake,tracer", "生成令牌 12,可登记: intake,tracer"},
        {JOURNAL_SECRET, "password set by an administrator, to be changed; sessions ended", "管理员设置密码,须修改;会话已结束"},
        {JOURNAL_OPEN, "look at the route, case 12; 流调", "查看活动轨迹,病例 12; 流调"},
        {JOURNAL_OPEN, "look at the places where cases were; from me", "查看病例到过的场所; from me"},
        {JOURNAL_PURGE, "visits of [2022-05-01, 2022-05-03) forgotten", "清除 2022-05-01 至 2022-05-03(不含)的活动轨迹"},
        {JOURNAL_IMPORT, "shapes of 3 regions, 900 positions, in place of 3", "3 个地区的边界,900 个点,替换原有 3 个"},
        {JOURNAL_ESCALATE, "place-contact level 2", "密接落位隔离,第 2 级"},
        {JOURNAL_LAPSE, "no-such-rule level 1", "no-such-rule,第 1 级"},
        {JOURNAL_HANDOVER, "place-contact -> 12: 换班", "密接落位隔离 → #12: 换班"},
    };
    EACH_STORE(t, "covid-2022-v9", "2022-07-01T08:00") {
        for (size_t i = 0; i < sizeof some / sizeof *some; i++) assert_told(some[i].verb, some[i].said, some[i].zh);
        assert_true(text_is(told(JOURNAL_CREATE, "import files/cases.xlsx", false), "import files/cases.xlsx"));
        assert_true(text_is(told(JOURNAL_ESCALATE, "place-contact level 2", false), "Place the contact, level 2"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_person_said_stays),
        cmocka_unit_test(sentences_of_the_house_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
