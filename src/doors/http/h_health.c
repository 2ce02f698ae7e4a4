/* Is it alive, may it be asked. */
#include "doors/http/inside.h"

static int healthz(struct request *r, struct error *err) {
    (void)err;
    return answer_text(r, 200, "application/json", TEXT("{\"status\":\"alive\"}"));
}

static int readyz(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct text region;
    if (http_stopping(r->server)) return error_set(err, E_BUSY, NULL, "is stopping / 正在停止");
    int rc = request_reader(r, &l, err);
    if (!rc) rc = ledger_setting(l, l->db, "region", &r->arena, &region, err);
    return rc < 0 ? rc : answer_text(r, 200, "application/json", TEXT("{\"status\":\"ready\"}"));
}

static int metrics(struct request *r, struct error *err) {
    struct buf *b = answer_open(r, 200);
    (void)err;
    r->answer.type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(r->server, b);
    return 0;
}

const struct route health_routes[] = {
    {.method = "GET", .path = "/metrics", .who = WHO_ACCOUNT, .roles = "system;monitor", .run = metrics, .response = "text/plain", .zh = "Prometheus 指标", .en = "What is counted, for Prometheus."},
    {.method = "GET", .path = "/healthz", .who = WHO_PUBLIC, .run = healthz, .response = "Status", .zh = "进程存活", .en = "The process is alive."},
    {.method = "GET", .path = "/readyz", .who = WHO_PUBLIC, .run = readyz, .response = "Status", .zh = "可以接受请求:数据库可读", .en = "Requests may be sent: the store answers."},
    {0},
};

const struct schema health_schemas[] = {
    {"Status", "{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{\"status\":{\"type\":\"string\"}}}"},
    {0},
};
