/* The web console: one page, what it loads, and nothing else; its screens live behind the # of the address. */
#include <stdio.h>

#include "doors/http/inside.h"
#include "doors/http/pages.h"

static int index_page(struct request *r, struct error *err) {
    return pages_answer(r, r->server->pages, TEXT("index.html"), err);
}

static int beside(struct request *r, struct error *err) {
    return pages_answer(r, r->server->pages, r->segments[0], err);
}

static int asset(struct request *r, struct error *err) {
    struct text file = request_param(r, "file");
    char name[300];
    if (file.n > 255) return error_set(err, E_UNKNOWN, NULL, "there is nothing at this path / 此路径不存在");
    int n = snprintf(name, sizeof name, "assets/%.*s", (int)file.n, file.s);
    return pages_answer(r, r->server->pages, (struct text){name, (size_t)n}, err);
}

const struct schema console_schemas[] = {{0}};
const struct route console_routes[] = {
    {.method = "GET", .path = "/", .who = WHO_PUBLIC, .run = index_page, .response = "text/html", .zh = "网页控制台", .en = "The web console."},
    {.method = "GET", .path = "/index.html", .who = WHO_PUBLIC, .run = index_page, .response = "text/html", .zh = "网页控制台", .en = "The web console."},
    {.method = "GET", .path = "/bell.svg", .who = WHO_PUBLIC, .run = beside, .response = "image/svg+xml", .zh = "标志", .en = "The mark."},
    {.method = "GET", .path = "/field.html", .who = WHO_PUBLIC, .run = beside, .response = "text/html", .zh = "采样端", .en = "The field app: sampling at a table."},
    {.method = "GET", .path = "/field-worker.js", .who = WHO_PUBLIC, .run = beside, .response = "text/javascript", .zh = "采样端离线部分", .en = "What keeps the field app working without a network."},
    {.method = "GET", .path = "/field.webmanifest", .who = WHO_PUBLIC, .run = beside, .response = "application/manifest+json", .zh = "采样端的安装说明", .en = "How the field app is installed."},
    {.method = "GET", .path = "/assets/{file}", .who = WHO_PUBLIC, .run = asset, .response = "application/octet-stream", .zh = "控制台的脚本、样式",
     .en = "Scripts and styles of the console."},
    {0},
};
