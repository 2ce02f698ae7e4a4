/* pooling: how many swabs to one tube. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "desks/testing/testing.h"
#include "doors/cli/commands.h"

/* "0.001", "0.1%", "1/1000"; the rest of the text is returned. */
static bool number(const char **at, double *ret) {
    char *end;
    *ret = strtod(*at, &end);
    if (end == *at) return false;
    if (*end == '%') {
        *ret /= 100;
        end++;
    } else if (*end == '/') {
        char *after;
        double by = strtod(end + 1, &after);
        if (after == end + 1 || by == 0) return false;
        *ret /= by;
        end = after;
    }
    *at = end;
    return isfinite(*ret);
}

static int numbers(struct cli *cli, const char *option, double *ret, int n, struct error *err) {
    const char *at = cli_text(cli, option);
    bool good = at != NULL;
    for (int i = 0; good && i < n; i++) {
        if (i > 0) good = *at++ == ',';
        good = good && number(&at, &ret[i]);
    }
    if (good && *at == 0) return 0;
    if (n > 1) return error_set(err, E_USAGE, option, "--%s takes %d numbers with commas between / --%s 须为逗号分隔的 %d 个数", option, n, option, n);
    return error_set(err, E_USAGE, option, "--%s takes a share: 0.001, 0.1%% or 1/1000 / --%s 须为比例, 如 0.001、0.1%%、1/1000", option, option);
}

static int assumed(struct cli *cli, struct pooling_assumptions *a, double *ret_more, struct error *err) {
    double ct[3], cost[3];
    pooling_assumptions_init(a);
    a->together = !cli_flag(cli, "mixed");
    int rc = numbers(cli, "prevalence", &a->prevalence, 1, err);
    if (rc == 0) rc = numbers(cli, "attack", &a->attack, 1, err);
    if (rc == 0) rc = numbers(cli, "sensitivity", &a->sensitivity, 1, err);
    if (rc == 0) rc = numbers(cli, "specificity", &a->specificity, 1, err);
    if (rc == 0) rc = numbers(cli, "ct", ct, 3, err);
    if (rc == 0) rc = numbers(cli, "more-lost", ret_more, 1, err);
    if (rc == 0) rc = numbers(cli, "cost", cost, 3, err);
    if (rc < 0) return rc;
    a->ct_mean = ct[0], a->ct_sd = ct[1], a->ct_limit = ct[2];
    a->tube_cost = cost[0], a->swab_cost = cost[1], a->hold_cost = cost[2];
    return 0;
}

static int sizes(struct cli *cli, int *ret, int *ret_n, struct error *err) {
    static const int usual[] = {1, 5, 10, 20};
    int n = 0;
    for (; cli_argument(cli, (size_t)n); n++) {
        if (n == TESTING_SIZES_MAX) return error_set(err, E_USAGE, "SIZE", "at most %d sizes / 至多 %d 种规格", TESTING_SIZES_MAX, TESTING_SIZES_MAX);
        const char *word = cli_argument(cli, (size_t)n);
        ret[n] = !strcmp(word, "household") ? POOLING_A_HOUSEHOLD : (int)strtol(word, NULL, 10);
        if (ret[n] == POOLING_A_HOUSEHOLD && strcmp(word, "household") != 0) return error_set(err, E_USAGE, "SIZE", "1 to 64, or household / 1 至 64, 或 household (一户一管)");
    }
    if (n == 0)
        for (; n < 4; n++) ret[n] = usual[n];
    *ret_n = n;
    return 0;
}

enum { CELLS = 9 };

static void as_table(struct cli *cli, const struct testing_pools *p, double people) {
    struct text cells[(TESTING_SIZES_MAX + 1) * CELLS];
    static const char *const zh[] = {"每管人数", "首轮管数", "共检管数", "阳性管", "须管控人", "检出", "漏检", "比单采多漏", "费用"};
    static const char *const en[] = {"size", "tubes first", "tubes tested", "positive", "held", "found", "missed", "more missed", "cost"};
    for (int c = 0; c < CELLS; c++) cells[c] = text_of(cli->zh ? zh[c] : en[c]);
    for (int i = 0; i < p->n; i++) {
        const struct pooling_outcome *o = &p->of[i];
        struct text *row = cells + (i + 1) * CELLS;
        double whole[] = {o->tubes * people, o->tests * people, 0, o->held * people};
        double parts[] = {o->found * people, o->missed * people, (o->missed - o->missed_single) * people, o->cost * people};
        const char *mark = i == p->best ? "* " : p->forbidden[i] ? "x " : "";
        row[0] = text_of(o->size == POOLING_A_HOUSEHOLD ? arena_printf(&cli->arena, "%s%s", mark, cli_word(cli, "一户", "household")) : arena_printf(&cli->arena, "%s%d", mark, o->size));
        for (int c = 0; c < 4; c++) row[1 + c] = text_of(arena_printf(&cli->arena, "%.0f", whole[c]));
        row[3] = text_of(arena_printf(&cli->arena, "%.3f%%", o->positive * 100));
        for (int c = 0; c < 4; c++) row[5 + c] = text_of(arena_printf(&cli->arena, "%.1f", parts[c]));
    }
    cli_table(cli, cells, (size_t)p->n + 1, CELLS);
    if (p->best < p->n) cli_print(cli, "%s", cli_word(cli, "* 漏检在限内而费用最低\n", "* costs least within what may be missed\n"));
    else cli_print(cli, "%s", cli_word(cli, "没有一种规格的漏检在限内\n", "no size keeps what may be missed\n"));
    if (p->most)
        cli_print(cli, cli->zh ? "现行方案 %.*s:每管至多 %lld 人 (%.*s)\n" : "plan in force %.*s: at most %lld swabs in a tube (%.*s)\n", (int)p->pack.n, p->pack.s, (long long)p->most,
                  (int)p->source.n, p->source.s);
}

int cmd_pooling(struct cli *cli, struct error *err) {
    struct pooling_assumptions a;
    struct testing_pools pools;
    int size[TESTING_SIZES_MAX], n = 0;
    double more, people = (double)cli_int(cli, "people");
    const char *disease = cli_text(cli, "disease");
    if (!cli_text(cli, "prevalence")) return error_set(err, E_USAGE, "--prevalence", "say the share of people infected: --prevalence 0.1%% / 请用 --prevalence 给出感染率, 如 0.1%%");
    if (people < 1) return error_set(err, E_USAGE, "--people", "at least 1 / 至少 1 人");
    int rc = sizes(cli, size, &n, err);
    if (rc == 0) rc = assumed(cli, &a, &more, err);
    if (rc == 0) rc = cli_open(cli, err);
    if (rc == 0) rc = testing_pooling(cli->ledger, text_of(disease ? disease : ""), cli->now, &a, size, n, more, &pools, err);
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, testing_pools_json(&pools, people), err);
    as_table(cli, &pools, people);
    return 0;
}
