/* How the node is: for who looks after it. And what is past its time, for who answers for that. */
#include <string.h>
#include <sys/statvfs.h>

#include "desks/retention.h"
#include "doors/http/inside.h"

static void put_number(struct buf *b, const char *name, int64_t n) {
    buf_printf(b, ",\"%s\":%lld", name, (long long)n);
}

static void put_time(struct buf *b, const char *name, instant t, int32_t zone_s) {
    buf_printf(b, ",\"%s\":", name);
    json_put_instant(b, t, zone_s);
}

/* Of the file system that the node's folder lies on. */
static void put_disk(struct buf *b, const char *dir) {
    struct statvfs fs;
    if (statvfs(dir, &fs) != 0) return;
    put_number(b, "disk_bytes", (int64_t)(fs.f_blocks * fs.f_frsize));
    put_number(b, "disk_free_bytes", (int64_t)(fs.f_bavail * fs.f_frsize));
}

static int journal_of(struct request *r, struct ledger *l, struct buf *b, struct error *err) {
    struct value seq = value_null();
    int rc = db_scalar(l->db, &r->arena, "SELECT MAX(\"next\") FROM \"journal_tip\"", NULL, 0, &seq, err);
    if (rc == 0) put_number(b, "journal_entries", value_int_or(seq, 1) - 1);
    return rc;
}

static int show(struct request *r, struct error *err) {
    struct http_server *s = r->server;
    struct ledger *l = NULL;
    struct text region = {"", 0};
    struct queue_counts q;
    struct job_counts jobs;
    char id[LEDGER_NODE_BYTES];
    int connections = 0;
    int64_t cut = 0;
    int rc = request_reader(r, &l, err);
    if (rc == 0) rc = ledger_setting(l, l->db, "region", &r->arena, &region, err);
    if (rc < 0) return rc;
    ledger_queue_counts(s->queue, &q);
    jobs_count(s->jobs, &jobs);
    watch_counts(s->watch, &connections, &cut);
    ledger_node(l, id);
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"node\":");
    json_put_string(b, text_of(id));
    json_put_text(b, "region", region);
    json_put_text(b, "store", text_of(db_kind_of(l->db) == DB_SQLITE ? "sqlite" : "postgresql"));
    put_time(b, "now", r->now, http_zone(s));
    if (s->clock_at) put_time(b, "clock_at", s->clock_at, http_zone(s));
    put_number(b, "uptime_s", (monotonic_ns() - s->started_ns) / 1000000000);
    put_number(b, "registers", (int64_t)http_catalog(s)->n_registers);
    put_number(b, "duties_open", s->duties_open);
    put_number(b, "connections", connections);
    put_number(b, "connections_cut", cut);
    put_number(b, "queue_waiting", (int64_t)ledger_queue_waiting(s->queue));
    put_number(b, "commits", q.commits);
    put_number(b, "records_taken", q.drafts);
    put_number(b, "jobs_queued", jobs.queued);
    put_number(b, "jobs_running", jobs.running);
    put_number(b, "jobs_kept", jobs.kept);
    put_disk(b, l->dir);
    rc = journal_of(r, l, b, err);
    buf_char(b, '}');
    return rc < 0 ? rc : b->failed;
}

static int retention(struct request *r, struct error *err) {
    struct retention_report report;
    struct ledger *l = NULL;
    int rc = request_reader(r, &l, err);
    if (rc == 0) rc = retention_run(l, &r->session, false, &report, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"registers\":[");
    for (size_t i = 0; i < report.n; i++) {
        const struct retention_count *c = &report.registers[i];
        buf_printf(b, "%s{\"name\":\"%s\",\"zh\":", i ? "," : "", c->reg->name.s);
        json_put_string(b, c->reg->zh);
        json_put_text(b, "en", c->reg->en);
        put_number(b, "days", c->reg->keep_days);
        json_put_text(b, "from", c->reg->keep_from >= 0 ? c->reg->fields[c->reg->keep_from].name : TEXT("changed_at"));
        json_put_text(b, "basis", c->reg->keep_basis);
        put_number(b, "due", c->due);
        buf_char(b, '}');
    }
    retention_report_clear(&report);
    return buf_str(b, "]}");
}

#define LOOK_AFTER "system;security;auditor"

const struct route node_routes[] = {
    {.method = "GET", .path = "/api/v1/node", .who = WHO_ACCOUNT, .roles = LOOK_AFTER, .run = show, .response = "Node", .zh = "节点运行状况", .en = "How the node is."},
    {.method = "GET", .path = "/api/v1/node/retention", .who = WHO_ACCOUNT, .roles = LOOK_AFTER, .run = retention, .response = "Retention",
     .zh = "各登记册的保存期限及已到期条数", .en = "How long each register is kept, why, and how many records are past their time."},
    {0},
};

#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"

const struct schema node_schemas[] = {
    {"Node", "{\"type\":\"object\",\"required\":[\"node\",\"store\",\"now\",\"uptime_s\"],\"properties\":{\"node\":" STRING ",\"region\":" STRING ",\"store\":" STRING
             ",\"now\":" TIME ",\"clock_at\":" TIME ",\"uptime_s\":" ID ",\"registers\":" ID ",\"duties_open\":" ID ",\"connections\":" ID
             ",\"connections_cut\":" ID ",\"queue_waiting\":" ID ",\"commits\":" ID ",\"records_taken\":" ID ",\"jobs_queued\":" ID
             ",\"jobs_running\":" ID ",\"jobs_kept\":" ID ",\"disk_bytes\":" ID ",\"disk_free_bytes\":" ID ",\"journal_entries\":" ID "}}"},
    {"Retention", "{\"type\":\"object\",\"required\":[\"registers\"],\"properties\":{\"registers\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\",\"days\",\"due\"],"
                  "\"properties\":{\"name\":" STRING ",\"zh\":" STRING ",\"en\":" STRING ",\"days\":" ID ",\"from\":" STRING ",\"basis\":" STRING ",\"due\":" ID "}}}}}"},
    {0},
};
