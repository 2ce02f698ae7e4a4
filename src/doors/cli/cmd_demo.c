/* demo: the files of a made-up county. */
#include <stdio.h>
#include <string.h>

#include "desks/drill/demo.h"
#include "doors/cli/commands.h"

int cmd_demo(struct cli *cli, struct error *err) {
    struct demo_options o = {.city = {.seed = (uint64_t)cli_int(cli, "seed"), .zone_s = ZONE_CHINA_S}, .plain = cli_flag(cli, "plain")};
    const char *dir = cli_argument(cli, 0), *region = cli_text(cli, "region");
    struct demo_result made = {0};
    int64_t people = cli_int(cli, "people"), days = cli_int(cli, "days");
    day until;
    if (cli_day(cli, "--until", cli_text(cli, "until"), &until, err) < 0) return err->code;
    if (people < 1 || people > CITY_PERSONS_MAX || days < 1 || days > CITY_DAYS_MAX)
        return error_set(err, E_INVALID, "--people", "up to %d people and %d days / 人口或天数超出范围", CITY_PERSONS_MAX, CITY_DAYS_MAX);
    if (strlen(region) != 6) return error_set(err, E_INVALID, "--region", "a county code has six digits / 县区代码为六位数字");
    memcpy(o.city.region, region, 7);
    o.city.persons = (int)people;
    o.city.days = (int)days;
    o.city.first = until - (day)days + 1;
    int rc = demo_write(dir, &o, &made, err);
    if (rc < 0) return rc;
    char end[INSTANT_TEXT];
    instant_format(made.end, ZONE_CHINA_S, end);
    if (cli->json) {
        json_t *files = json_array();
        for (size_t i = 0; i < DEMO_FILES; i++)
            json_array_append_new(files, json_pack("{s:s, s:s, s:I, s:I}", "file", made.files[i].name, "register", made.files[i].register_name,
                                                   "rows", (json_int_t)made.files[i].rows, "wrong", (json_int_t)made.files[i].wrong));
        return cli_json(cli, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "folder", dir, "now", end, "persons", (json_int_t)made.persons,
            "infections", (json_int_t)made.infections, "cases", (json_int_t)made.cases, "contacts", (json_int_t)made.contacts, "files", files), err);
    }
    cli_print(cli, cli->zh ? "虚构县 %s: %zu 人, 感染 %zu, 已发现 %zu, 密接 %zu; 此刻为 %s\n"
                           : "county %s: %zu people, %zu infected, %zu found, %zu contacts; it is now %s\n",
              region, made.persons, made.infections, made.cases, made.contacts, end);
    for (size_t i = 0; i < DEMO_FILES; i++)
        cli_print(cli, cli->zh ? "  %s/%-18s %6lld 行, 其中故意写错 %lld 行\n" : "  %s/%-18s %6lld rows, %lld of them wrong on purpose\n", dir,
                  made.files[i].name, (long long)made.files[i].rows, (long long)made.files[i].wrong);
    return 0;
}
