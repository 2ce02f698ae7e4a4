/* region shapes: outlines for maps. */
#include "desks/shape/shape.h"
#include "doors/cli/commands.h"

int cmd_region_shapes(struct cli *cli, struct error *err) {
    const char *path = cli_argument(cli, 0);
    struct shape_report report = {0};
    struct shapes shapes = {0};
    struct buf file = {0};
    int rc = cli_open(cli, err);
    if (rc == 0) rc = file_read(path, SHAPE_FILE_MAX, &file, err);
    if (rc == 0) {
        rc = shapes_parse(buf_view(&file), cli_text(cli, "key"), &shapes, err);
        if (rc == 0) rc = shapes_import(cli->ledger, &cli->session, &shapes, cli_flag(cli, "whole"), &report, err);
        if (rc < 0) error_within(err, path);
    }
    shapes_clear(&shapes);
    buf_clear(&file);
    if (rc < 0) return rc;
    if (cli->json)
        return cli_json(cli, json_pack("{s:I, s:I, s:I}", "shapes", (json_int_t)report.shapes, "positions", (json_int_t)report.positions, "removed", (json_int_t)report.removed), err);
    cli_print(cli, cli->zh ? "%s: 轮廓 %lld 个, 坐标 %lld 个\n" : "%s: %lld shapes, %lld positions\n", path, (long long)report.shapes, (long long)report.positions);
    return 0;
}
