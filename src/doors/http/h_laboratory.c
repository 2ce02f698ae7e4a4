/* The laboratory, and the boxes on their way to it: packing, arrival, plates as JSON or as the instrument's own file, release, correction, recall, clocks. */
#include <string.h>
#include <unistd.h>

#include "desks/testing/bench.h"
#include "desks/testing/lab_json.h"
#include "desks/testing/packing.h"
#include "desks/testing/sampling.h"
#include "doors/http/route.h"
#include "doors/http/write.h"

struct lab_asked {
    struct lab_run run;
    struct packing pack;
    struct text box, tube, verdict;
    struct text *tubes;
    size_t n;
    instant at;
    struct plate *plate; /* freed when the answer is made */
    struct lab_report report;
    struct lab_recall recall;
};

static int asked_new(struct request *r, struct lab_asked **ret, struct error *err) {
    *ret = r->state = arena_alloc(&r->arena, sizeof **ret);
    return *ret ? 0 : error_memory(err);
}

static int member_instant(const struct request *r, const char *name, instant otherwise, instant *ret, struct error *err) {
    struct text t = {"", 0};
    int rc = request_member(r, name, false, &t, err);
    *ret = otherwise;
    if (rc < 0 || !t.n || instant_parse(t, http_zone(r->server), ret)) return rc;
    return error_set(err, E_INVALID, name, "is no time: 2022-09-01T18:00 / 不是时间");
}

static int member_tubes(struct request *r, bool required, struct lab_asked *x, struct error *err) {
    const json_t *list = json_object_get(r->json, "tubes");
    if (!list && !required) return 0;
    if (!json_is_array(list)) return error_set(err, E_SYNTAX, "/tubes", "is no array of bar codes / 应为管码数组");
    if (json_array_size(list) > LAB_TUBES_MAX) return error_set(err, E_TOO_LARGE, "/tubes", "at most %d tubes / 至多 %d 管", LAB_TUBES_MAX, LAB_TUBES_MAX);
    x->n = json_array_size(list);
    x->tubes = arena_alloc(&r->arena, (x->n + 1) * sizeof *x->tubes);
    if (!x->tubes) return error_memory(err);
    for (size_t i = 0; i < x->n; i++) {
        const json_t *t = json_array_get(list, i);
        if (!json_is_string(t)) return error_set(err, E_SYNTAX, "/tubes", "a bar code is a text / 管码应为文本");
        x->tubes[i] = (struct text){json_string_value(t), json_string_length(t)};
    }
    return 0;
}

static int told(struct request *r, struct error *err) {
    struct lab_asked *x = r->state;
    int rc = r->rc;
    if (x->plate) plate_clear(x->plate);
    mem_free(x->plate);
    x->plate = NULL;
    if (rc >= 0) rc = answer_json(r, 200, lab_report_json(&x->report, r->zh), err);
    lab_report_clear(&x->report);
    return rc;
}

/* ---- boxes */

static int receive_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct lab_asked *x = r->state;
    return lab_receive(l, &r->session, x->box, x->tubes, x->n, x->at, &x->report, err);
}

static int receive(struct request *r, struct error *err) {
    struct lab_asked *x = NULL;
    int rc = asked_new(r, &x, err);
    if (!rc) rc = request_member(r, "box", true, &x->box, err);
    if (!rc) rc = member_tubes(r, true, x, err);
    if (!rc) rc = member_instant(r, "at", r->now, &x->at, err);
    return rc < 0 ? rc : request_call(r, receive_run, told, err);
}

static int pack_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct lab_asked *x = r->state;
    return box_pack(l, &r->session, &x->pack, &x->report, err);
}

static int pack(struct request *r, struct error *err) {
    const struct register_decl *box = register_find(http_catalog(r->server), TEXT("box"));
    struct lab_asked *x = NULL;
    instant at, sent_at;
    if (!box || !access_anywhere(&r->session, ACCESS_WRITE, box)) return error_set(err, E_DENIED, "box", "this account may not pack boxes / 该账户无权装箱");
    int rc = asked_new(r, &x, err);
    if (!rc) rc = request_member(r, "box", true, &x->pack.box, err);
    if (!rc) rc = request_member_id(r, "site", false, &x->pack.site, err);
    if (!rc) rc = request_member_id(r, "laboratory", false, &x->pack.laboratory, err);
    if (!rc) rc = member_tubes(r, true, x, err);
    if (!rc) rc = member_instant(r, "at", INSTANT_NONE, &at, err);
    if (!rc) rc = member_instant(r, "sent_at", INSTANT_NONE, &sent_at, err);
    if (rc < 0) return rc;
    x->pack.tubes = x->tubes;
    x->pack.n = x->n;
    x->pack.seal = json_is_true(json_object_get(r->json, "seal"));
    x->pack.at = sampling_moment(at, sent_at, r->now);
    return request_call(r, pack_run, told, err);
}

/* ---- plates */

static int results_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct lab_asked *x = r->state;
    return lab_results(l, &r->session, &x->run, x->plate, &x->report, err);
}

/* The plate is freed by `told`, or here when it never comes to that. */
static int send_plate(struct request *r, struct lab_asked *x, int rc, struct error *err) {
    if (!rc) rc = request_call(r, results_run, told, err);
    if (rc >= 0 || !x->plate) return rc;
    plate_clear(x->plate);
    mem_free(x->plate);
    x->plate = NULL;
    return rc;
}

static int results(struct request *r, struct error *err) {
    struct lab_asked *x = NULL;
    int rc = asked_new(r, &x, err);
    if (!rc) rc = request_member_id(r, "run", false, &x->run.run, err);
    if (!rc) rc = request_member_id(r, "laboratory", false, &x->run.laboratory, err);
    if (!rc) rc = request_member(r, "plate", false, &x->run.plate, err);
    if (!rc) rc = request_member(r, "instrument", false, &x->run.instrument, err);
    if (!rc) rc = member_instant(r, "started_at", r->now, &x->run.started_at, err);
    if (!rc) rc = member_instant(r, "resulted_at", r->now, &x->run.resulted_at, err);
    if (!rc && !(x->plate = mem_alloc(sizeof *x->plate))) rc = error_memory(err);
    if (!rc) rc = plate_read_json(json_object_get(r->json, "wells"), x->plate, err);
    return x ? send_plate(r, x, rc, err) : rc;
}

/* The instrument's file as it is: read as any file is, from memory. */
static int body_plate(struct request *r, const struct plate_options *o, struct plate *p, struct error *err) {
    char path[REQUEST_PATH];
    int fd = -1, rc = request_body_file(r, &fd, path, err);
    if (!rc) rc = plate_read(path, o, p, err);
    if (fd >= 0) close(fd);
    return rc;
}

static int file(struct request *r, struct error *err) {
    struct lab_asked *x = NULL;
    struct plate_options o = plate_options_usual;
    int64_t laboratory = 0;
    int rc = asked_new(r, &x, err);
    if (!rc) rc = request_query_int(r, "laboratory", 1, INT64_MAX, 0, &laboratory, err);
    if (rc < 0) return rc;
    x->run = (struct lab_run){.laboratory = laboratory, .plate = request_query(r, "plate"), .instrument = request_query(r, "instrument")};
    rc = request_query_instant(r, "started_at", &x->run.started_at, err);
    if (!rc) rc = request_query_instant(r, "resulted_at", &x->run.resulted_at, err);
    if (!rc && request_query(r, "dyes").n) rc = plate_dyes(request_query(r, "dyes"), &o, err);
    if (x->run.started_at == INSTANT_NONE) x->run.started_at = r->now;
    if (x->run.resulted_at == INSTANT_NONE) x->run.resulted_at = r->now;
    o.blank_is_none = request_query_flag(r, "blank_is_none");
    if (!rc && !(x->plate = mem_alloc(sizeof *x->plate))) rc = error_memory(err);
    if (!rc) rc = body_plate(r, &o, x->plate, err);
    return send_plate(r, x, rc, err);
}

/* ---- release, correction */

static int release_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct lab_asked *x = r->state;
    return lab_release(l, &r->session, x->run.run, &x->report, err);
}

static int release(struct request *r, struct error *err) {
    struct lab_asked *x = NULL;
    int rc = asked_new(r, &x, err);
    if (!rc) rc = request_id(r, "id", &x->run.run, err);
    return rc < 0 ? rc : request_call(r, release_run, told, err);
}

static int correct_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct lab_asked *x = r->state;
    return lab_correct(l, &r->session, x->tube, x->verdict, err);
}

static int corrected(struct request *r, struct error *err) {
    (void)err;
    return r->rc < 0 ? r->rc : answer_empty(r, 204);
}

static int correct(struct request *r, struct error *err) {
    struct lab_asked *x = NULL;
    int rc = asked_new(r, &x, err);
    if (!rc) rc = request_member(r, "tube", true, &x->tube, err);
    if (!rc) rc = request_member(r, "result", true, &x->verdict, err);
    if (!rc) rc = request_member(r, "reason", true, &r->session.reason, err);
    return rc < 0 ? rc : request_call(r, correct_run, corrected, err);
}

/* ---- recall */

static int recall_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct lab_asked *x = r->state;
    return lab_recall(l, &r->session, x->tubes, x->n, &x->recall, err);
}

static int recalled(struct request *r, struct error *err) {
    struct lab_asked *x = r->state;
    int rc = r->rc < 0 ? r->rc : answer_json(r, 200, lab_recall_json(&x->recall, http_zone(r->server)), err);
    lab_recall_clear(&x->recall);
    return rc;
}

static int recall(struct request *r, struct error *err) {
    struct lab_asked *x = NULL;
    int rc = asked_new(r, &x, err);
    if (!rc) rc = member_tubes(r, false, x, err);
    return rc < 0 ? rc : request_call(r, recall_run, recalled, err);
}

/* ---- what waits */

static int waiting(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct lab_waiting *w = arena_alloc(&r->arena, sizeof *w);
    int64_t round = 0;
    int rc = w ? request_query_int(r, "round", 1, INT64_MAX, 0, &round, err) : error_memory(err);
    if (!rc && !round) rc = error_set(err, E_USAGE, "round", "which round / 须写明轮次");
    if (!rc) rc = request_reader(r, &l, err);
    if (rc < 0) return rc;
    rc = lab_waiting_of(l, l->db, &r->session, round, w, err);
    if (!rc) rc = answer_json(r, 200, lab_waiting_json(w), err);
    lab_waiting_clear(w);
    return rc;
}

/* ---- what lies on the bench */

static int listed(struct request *r, size_t most, int64_t *ret_laboratory, int64_t *ret_limit, struct ledger **ret, struct error *err) {
    int rc = request_query_int(r, "laboratory", 1, INT64_MAX, 0, ret_laboratory, err);
    if (!rc) rc = request_query_int(r, "limit", 1, (int64_t)most, 50, ret_limit, err);
    return rc < 0 ? rc : request_reader(r, ret, err);
}

static int boxes(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    json_t *j = NULL;
    int64_t laboratory = 0, limit = 0;
    int rc = listed(r, BENCH_BOXES, &laboratory, &limit, &l, err);
    if (!rc) rc = bench_boxes(l, &r->session, laboratory, (size_t)limit, &j, err);
    return rc < 0 ? rc : answer_json(r, 200, j, err);
}

static int box(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    json_t *j = NULL;
    int64_t id = 0;
    int rc = request_id(r, "id", &id, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = bench_box(l, &r->session, id, &j, err);
    return rc < 0 ? rc : answer_json(r, 200, j, err);
}

static int runs(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    json_t *j = NULL;
    int64_t laboratory = 0, limit = 0;
    int rc = listed(r, BENCH_RUNS, &laboratory, &limit, &l, err);
    if (!rc) rc = bench_runs(l, &r->session, laboratory, (size_t)limit, r->zh, &j, err);
    return rc < 0 ? rc : answer_json(r, 200, j, err);
}

static int run(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    json_t *j = NULL;
    int64_t id = 0;
    int rc = request_id(r, "id", &id, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = bench_run(l, &r->session, id, r->zh, &j, err);
    return rc < 0 ? rc : answer_json(r, 200, j, err);
}

static int recalled_tubes(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    json_t *j = NULL;
    int64_t round = 0;
    int rc = request_query_int(r, "round", 1, INT64_MAX, 0, &round, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = bench_recalls(l, &r->session, round, &j, err);
    return rc < 0 ? rc : answer_json(r, 200, j, err);
}

#define MAYBE "{\"type\":[\"string\",\"null\"]}"
#define COUNT "{\"type\":\"integer\"}"
#define MAYBE_COUNT "{\"type\":[\"integer\",\"null\"]}"
#define BOX "\"id\":" ID ",\"barcode\":" STRING ",\"state\":" STRING ",\"site\":" MAYBE ",\"laboratory\":" MAYBE_COUNT ",\"laboratory_title\":" MAYBE ",\"sealed_at\":" MAYBE ",\"received_at\":" MAYBE ",\"declared\":" MAYBE_COUNT \
    ",\"listed\":" COUNT ",\"here\":" COUNT ",\"missing\":" MAYBE_COUNT ",\"extra\":" MAYBE_COUNT
#define RUN "\"id\":" ID ",\"plate\":" STRING ",\"instrument\":" MAYBE ",\"laboratory\":" ID ",\"state\":" STRING ",\"started_at\":" MAYBE ",\"finished_at\":" MAYBE ",\"positive_control\":" MAYBE ",\"negative_control\":" MAYBE \
    ",\"operator\":" MAYBE ",\"reviewer\":" MAYBE ",\"reviewed_at\":" MAYBE ",\"tubes\":" COUNT ",\"unreleased\":" COUNT ",\"results\":{\"type\":\"object\",\"additionalProperties\":" COUNT "},\"may_release\":" TRUTH ",\"why_not\":" STRING
#define CODES "{\"type\":\"array\",\"maxItems\":10000,\"items\":" STRING "}"
#define CT "{\"description\":\"a number up to 60, null for no amplification, or the instrument's word\",\"type\":[\"number\",\"null\",\"string\"]}"
const struct schema laboratory_schemas[] = {
    {"BoxArrived", "{\"type\":\"object\",\"required\":[\"box\",\"tubes\"],\"properties\":{\"box\":" STRING ",\"tubes\":" CODES ",\"at\":" STRING "}}"},
    {"BoxPacked", "{\"type\":\"object\",\"required\":[\"box\",\"tubes\"],\"properties\":{\"box\":" STRING ",\"site\":" ID ",\"laboratory\":" ID ",\"tubes\":{\"type\":\"array\",\"maxItems\":2000,\"items\":" STRING "},\"seal\":" TRUTH ",\"at\":" STRING
                  ",\"sent_at\":" STRING "},\"description\":\"A box that is not there is begun at site. seal: nothing is added any more. at: when, by the device's clock; sent_at: that clock when it sent.\"}"},
    {"Plate", "{\"type\":\"object\",\"required\":[\"wells\"],\"properties\":{\"run\":" ID ",\"laboratory\":" ID ",\"plate\":" STRING ",\"instrument\":" STRING ",\"started_at\":" STRING ",\"resulted_at\":" STRING
              ",\"wells\":{\"type\":\"array\",\"maxItems\":384,\"items\":{\"type\":\"object\",\"properties\":{\"well\":" STRING ",\"tube\":" STRING ",\"role\":" STRING
              ",\"ct\":{\"type\":\"object\",\"properties\":{\"orf\":" CT ",\"n\":" CT ",\"ic\":" CT "}}}}}}}"},
    {"LabReport", "{\"type\":\"object\",\"required\":[\"id\",\"failed\",\"counts\",\"rows\"],\"properties\":{\"id\":" ID ",\"failed\":{\"type\":\"boolean\"},\"controls\":{\"type\":\"object\",\"properties\":{\"code\":" STRING ",\"where\":"
                  STRING ",\"detail\":" STRING "}},\"counts\":{\"type\":\"object\",\"additionalProperties\":" COUNT "},\"results\":{\"type\":\"object\",\"additionalProperties\":" COUNT "},\"declared\":" COUNT ",\"listed\":" COUNT
                  ",\"recalled\":" COUNT ",\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"row\",\"tube\",\"outcome\"],\"properties\":{\"row\":" COUNT ",\"tube\":" MAYBE
                  ",\"outcome\":{\"type\":\"string\",\"enum\":[\"taken\",\"again\",\"extra\",\"missing\",\"refused\"]},\"result\":" STRING ",\"id\":" ID ",\"code\":" STRING ",\"where\":" STRING ",\"detail\":" STRING ",\"packed_in\":" MAYBE "}}}}}"},
    {"ResultCorrection", "{\"type\":\"object\",\"required\":[\"tube\",\"result\",\"reason\"],\"properties\":{\"tube\":" STRING ",\"result\":" STRING ",\"reason\":" STRING "}}"},
    {"RecallAsked", "{\"type\":\"object\",\"properties\":{\"tubes\":" CODES "}}"},
    {"RecallList", "{\"type\":\"object\",\"required\":[\"tubes\",\"members\"],\"properties\":{\"tubes\":" COUNT ",\"members\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"tube\",\"person\",\"swab\"],\"properties\":{\"tube\":" MAYBE ",\"person\":" ID ",\"swab\":" ID
                   ",\"name\":" MAYBE ",\"phone\":" MAYBE ",\"address\":" MAYBE ",\"community\":" MAYBE ",\"region\":" MAYBE ",\"swabbed_at\":" MAYBE ",\"hold\":" MAYBE ",\"resample\":" MAYBE "}}}}}"},
    {"LabWaiting", "{\"type\":\"object\",\"required\":[\"stages\",\"tubes\"],\"properties\":{\"stages\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"stage\",\"tubes\",\"oldest_s\",\"limit_s\",\"late\"],\"properties\":{\"stage\":" STRING ",\"tubes\":" COUNT ",\"oldest_s\":" COUNT
                   ",\"limit_s\":" COUNT ",\"late\":" COUNT "}}},\"tubes\":{\"type\":\"array\",\"maxItems\":100,\"items\":{\"type\":\"object\",\"required\":[\"tube\",\"id\",\"stage\",\"waits_s\",\"late\"],\"properties\":{\"tube\":" MAYBE ",\"id\":" ID ",\"stage\":" STRING ",\"waits_s\":" COUNT
                   ",\"late\":{\"type\":\"boolean\"}}}}}}"},
    {"BenchBox", "{\"type\":\"object\",\"required\":[\"id\",\"barcode\",\"state\",\"listed\",\"here\"],\"properties\":{" BOX ",\"manifest\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"barcode\",\"outcome\"],"
               "\"properties\":{\"id\":" ID ",\"barcode\":" STRING ",\"swabs\":" MAYBE_COUNT ",\"outcome\":{\"enum\":[\"received\",\"missing\",\"expected\",\"elsewhere\",\"extra\"]},\"received_at\":" MAYBE ",\"packed_in\":" MAYBE ",\"came_in\":" MAYBE "}}}}}"},
    {"BenchBoxes", "{\"type\":\"object\",\"required\":[\"boxes\"],\"properties\":{\"boxes\":" LIST(SHAPE("BenchBox")) "}}"},
    {"BenchRun", "{\"type\":\"object\",\"required\":[\"id\",\"plate\",\"laboratory\",\"state\",\"tubes\",\"unreleased\",\"results\",\"may_release\"],\"properties\":{" RUN ",\"wells\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"role\",\"ct\"],"
               "\"properties\":{\"well\":" MAYBE ",\"role\":{\"enum\":[\"sample\",\"negative\",\"positive\",\"standard\"]},\"ct\":{\"type\":\"array\",\"minItems\":3,\"maxItems\":3,\"items\":{\"type\":[\"number\",\"null\"]},\"description\":"
               "\"ORF1ab, N, internal control; null: no amplification\"},\"tube\":" MAYBE ",\"id\":" MAYBE_COUNT ",\"swabs\":" MAYBE_COUNT ",\"result\":" MAYBE ",\"verdict\":" MAYBE ",\"released\":" TRUTH "}}}}}"},
    {"BenchRuns", "{\"type\":\"object\",\"required\":[\"runs\"],\"properties\":{\"runs\":" LIST(SHAPE("BenchRun")) "}}"},
    {"RecalledTube", "{\"type\":\"object\",\"required\":[\"id\",\"tube\",\"verdict\",\"members\",\"duties\"],\"properties\":{\"id\":" ID ",\"tube\":" STRING ",\"result\":" STRING ",\"verdict\":" STRING ",\"size\":" COUNT ",\"members\":" COUNT ",\"released_at\":" MAYBE
                     ",\"traced_at\":" MAYBE ",\"site\":" MAYBE ",\"region\":" MAYBE ",\"round\":" ID ",\"duties\":{\"type\":\"object\",\"description\":\"by rule of the plan\",\"additionalProperties\":{\"type\":\"object\",\"required\":[\"open\",\"overdue\",\"done\"],"
                     "\"properties\":{\"open\":" COUNT ",\"overdue\":" COUNT ",\"done\":" COUNT "}}}}}"},
    {"RecalledTubes", "{\"type\":\"object\",\"required\":[\"tubes\",\"all\"],\"properties\":{\"all\":{\"type\":\"integer\",\"description\":\"how many there are; the list has at most 200, those that nobody traces yet first\"},\"tubes\":" LIST(SHAPE("RecalledTube")) "}}"},
    {0},
};

#define LABORATORY {"laboratory", "{\"type\":\"integer\"}", "实验室编号", "id of the laboratory"}
#define LIMIT {"limit", "{\"type\":\"integer\"}", "最多条数", "how many"}
#define TEXT_QUERY "{\"type\":\"string\"}"
const struct route laboratory_routes[] = {
    {.method = "POST", .path = "/api/v1/sampling/boxes", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = pack, .request = "BoxPacked", .response = "LabReport",
     .zh = "装箱:管归入转运箱,即其清单;封箱;逐管告知未接受的", .en = "Tubes go into a box: its manifest; sealed when told; each tube that cannot be is told."},
    {.method = "POST", .path = "/api/v1/laboratory/boxes", .who = WHO_ACCOUNT, .roles = "laboratory;tester", .body = BODY_JSON, .run = receive, .request = "BoxArrived", .response = "LabReport",
     .zh = "接收转运箱:逐管核对,缺管、多管、不明管逐行告知", .en = "A box arrives: tubes against the manifest; missing, extra and unknown ones are told row by row."},
    {.method = "POST", .path = "/api/v1/laboratory/runs", .who = WHO_ACCOUNT, .roles = "laboratory;tester", .body = BODY_JSON, .run = results, .request = "Plate", .response = "LabReport",
     .zh = "一板结果,每孔各靶标 Ct;对照不合格则整板无结果", .en = "Results of a plate with a Ct per target; a plate whose controls fail gives none."},
    {.method = "POST", .path = "/api/v1/laboratory/runs/file", .who = WHO_ACCOUNT, .roles = "laboratory;tester", .body = BODY_BYTES, .run = file, .request = "text/csv", .response = "LabReport",
     .zh = "仪器导出文件(CSV、XLSX)原样提交", .en = "The same as the instrument's own file, CSV or XLSX.",
     .query = {{"laboratory", "{\"type\":\"integer\"}", "实验室编号", "id of the laboratory"}, {"plate", TEXT_QUERY, "板号", "plate"}, {"instrument", TEXT_QUERY, "仪器", "instrument"},
               {"started_at", TEXT_QUERY, "上机时间", "when it was started; now without it"}, {"resulted_at", TEXT_QUERY, "出结果时间", "time of the results; now without it"},
               {"dyes", TEXT_QUERY, "只写荧光通道的表:FAM=ORF1ab,VIC=N,CY5=IC", "for tables that name dyes only: FAM=ORF1ab,VIC=N,CY5=IC"},
               {"blank_is_none", "{\"type\":\"boolean\"}", "空白 Ct 即未扩增", "an empty Ct means no amplification"}}},
    {.method = "POST", .path = "/api/v1/laboratory/runs/{id}/release", .who = WHO_ACCOUNT, .roles = "laboratory;tester", .body = BODY_NONE, .run = release, .response = "LabReport",
     .zh = "审核发布一板结果(方案要求时须另一人)", .en = "A second person releases the results of a run to everybody in its tubes."},
    {.method = "POST", .path = "/api/v1/laboratory/corrections", .who = WHO_ACCOUNT, .roles = "laboratory;tester", .body = BODY_JSON, .run = correct, .request = "ResultCorrection", .status = 204,
     .zh = "更正已发布的管检结果,须有理由", .en = "A released result was wrong: corrected, with a reason; duties that followed from it go."},
    {.method = "POST", .path = "/api/v1/laboratory/recalls", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = recall, .request = "RecallAsked", .response = "RecallList", .headers = HEADER_PURPOSE,
     .zh = "召回名单:管内人员、住址、管控与复采进度;不写管码即流调席未接报的全部", .en = "Who is in recalled tubes, with addresses; without tubes all that the tracing desk has not taken up. Needs a purpose; each look is journalled."},
    {.method = "GET", .path = "/api/v1/laboratory/boxes", .who = WHO_ACCOUNT, .headers = ROUTE_ASIDE, .run = boxes, .response = "BenchBoxes", .zh = "转运箱:清单、已到、缺管、多管",
     .en = "Boxes: manifest, received, missing, extra; those on their way first.", .query = {LABORATORY, LIMIT}},
    {.method = "GET", .path = "/api/v1/laboratory/boxes/{id}", .who = WHO_ACCOUNT, .headers = ROUTE_ASIDE, .run = box, .response = "BenchBox", .zh = "一箱逐管:已到、缺、待到、到了别箱、多出", .en = "A box tube by tube: received, missing, expected, come in another box, extra."},
    {.method = "GET", .path = "/api/v1/laboratory/runs", .who = WHO_ACCOUNT, .headers = ROUTE_ASIDE, .run = runs, .response = "BenchRuns", .zh = "检测批次:结果数、能否由本人审核发布",
     .en = "Runs: counts of results, and whether who asks may release them, and why not.", .query = {LABORATORY, LIMIT}},
    {.method = "GET", .path = "/api/v1/laboratory/runs/{id}", .who = WHO_ACCOUNT, .headers = ROUTE_ASIDE, .run = run, .response = "BenchRun", .zh = "一板逐孔:管、质控与 Ct", .en = "A run well by well: tubes and controls with their Ct."},
    {.method = "GET", .path = "/api/v1/laboratory/recalls", .who = WHO_ACCOUNT, .headers = ROUTE_ASIDE, .run = recalled_tubes, .response = "RecalledTubes", .zh = "阳性、可疑管:人数与各项待办进度,不含姓名",
     .en = "Positive and inconclusive tubes: members and what is owed for them, without names.", .query = {{"round", "{\"type\":\"integer\"}", "轮次编号", "id of the round"}}},
    {.method = "GET", .path = "/api/v1/laboratory/waiting", .who = WHO_ACCOUNT, .headers = ROUTE_ASIDE, .run = waiting, .response = "LabWaiting", .zh = "一轮检测在途的管:各环节积压、最久者、超时者",
     .en = "Tubes of a round on their way: how many in each stage, those that wait longest, those that are late.",
     .query = {{"round", "{\"type\":\"integer\"}", "轮次编号", "id of the round"}}},
    {0},
};
