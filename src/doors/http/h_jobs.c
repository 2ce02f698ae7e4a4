/* Long work: what an account has asked for, how far it is, what came of it; and imports, which begin with an upload. */
#include <string.h>

#include "doors/http/inside.h"
#include "doors/http/jobs.h"

#define UPLOAD_MAX ((size_t)512 << 20)

struct jobs *http_jobs(struct http_server *s) {
    return s->jobs;
}

const char *jobs_id(struct request *r) {
    struct text id = request_param(r, "id");
    const char *copy = arena_text(&r->arena, id).s;
    return copy ? copy : "";
}

static const char *path_of(struct request *r, const char *kind, const char *id) {
    return arena_printf(&r->arena, !strcmp(kind, "import") ? "/api/v1/imports/%s" : "/api/v1/jobs/%s", id);
}

int jobs_answer(struct request *r, int status, const char *kind, const char *id, struct error *err) {
    json_t *o = NULL;
    int rc = job_show(http_jobs(r->server), &r->session, kind, id, &o, err);
    if (rc < 0) return rc;
    const char *state = json_string_value(json_object_get(o, "state"));
    if (!strcmp(state, "queued") || !strcmp(state, "running")) answer_header(r, "Retry-After", "1");
    if (status == 202 || status == 201) answer_header(r, "Location", path_of(r, json_string_value(json_object_get(o, "kind")), id));
    return answer_json(r, status, o, err);
}

int jobs_begin(struct request *r, const char *kind, const char *step, json_t *params, struct error *err) {
    char id[JOB_ID_BYTES];
    int rc = job_make(http_jobs(r->server), &r->session, kind, params, id, err);
    if (rc == 0) rc = job_ask(http_jobs(r->server), &r->session, kind, id, step, NULL, err);
    return rc < 0 ? rc : jobs_answer(r, 202, kind, id, err);
}

int jobs_step(struct request *r, const char *kind, const char *step, json_t *params, struct error *err) {
    const char *id = jobs_id(r);
    int rc = job_ask(http_jobs(r->server), &r->session, kind, id, step, params, err);
    return rc < 0 ? rc : jobs_answer(r, 202, kind, id, err);
}

/* ---- any job */

static int list_of(struct request *r, const char *kind, struct error *err) {
    json_t *list = NULL;
    int rc = job_list(http_jobs(r->server), &r->session, kind, &list, err);
    return rc < 0 ? rc : answer_json(r, 200, json_pack("{s:o}", "jobs", list), err);
}

static int list(struct request *r, struct error *err) {
    return list_of(r, NULL, err);
}

/* Kinds of work that are asked for here, and what each may be told. Who may is the desks' word, in the job. */
static int ask(struct request *r, struct error *err) {
    static const struct {
        const char *kind, *step, *params[7];
    } works[] = {{"policy", "diff", {"policy", "region"}},
                 {"policy", "adopt", {"policy", "region", "from", "reason", "approver"}},
                 {"report", "draft", {"day", "region", "disease"}},
                 {"report", "freeze", {"day", "region"}},
                 {"export", "run", {"register", "format", "region", "where", "columns", "titles", "open"}},
                 {"audit", "verify", {"records"}}};
    struct text kind, step;
    const json_t *given = json_object_get(r->json, "params");
    const char *name;
    json_t *value;
    int rc = request_member(r, "kind", true, &kind, err);
    if (rc == 0) rc = request_member(r, "step", true, &step, err);
    size_t w = 0;
    while (w < sizeof works / sizeof *works && !(text_is(kind, works[w].kind) && text_is(step, works[w].step))) w++;
    if (rc == 0 && w == sizeof works / sizeof *works) rc = error_set(err, E_UNKNOWN, "/kind", "there is no such job / 没有该任务");
    if (rc == 0 && given && !json_is_object(given)) rc = error_set(err, E_SYNTAX, "/params", "must be an object / 应为对象");
    if (rc < 0) return rc;
    json_object_foreach((json_t *)given, name, value) {
        bool known = false;
        for (size_t i = 0; i < 7 && works[w].params[i]; i++) known = known || !strcmp(name, works[w].params[i]);
        if (!known) return error_set(err, E_UNKNOWN, arena_printf(&r->arena, "/params/%.70s", name), "is not known here / 此处无此项");
        if (!json_is_string(value)) return error_set(err, E_SYNTAX, arena_printf(&r->arena, "/params/%.70s", name), "must be a string / 应为字符串");
    }
    return jobs_begin(r, works[w].kind, works[w].step, given ? json_deep_copy(given) : json_object(), err);
}

/* By what the name ends in. */
static int file_of(struct request *r, const char *kind, const char *which, struct error *err) {
    static const char *const types[][2] = {{".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}, {".json", "application/json"}, {".csv", "text/csv"}, {".gz", "application/gzip"}};
    char path[JOB_PATH_BYTES], name[256];
    int rc = job_file(http_jobs(r->server), &r->session, kind, jobs_id(r), which, path, name, err);
    if (rc < 0) return rc;
    const char *type = "application/octet-stream", *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof types / sizeof *types; i++)
        if (!strcmp(ending, types[i][0])) type = types[i][1];
    return file_answer(r, path, type, name, err);
}

static int result_file(struct request *r, struct error *err) {
    return file_of(r, NULL, "result", err);
}

static int show(struct request *r, struct error *err) {
    return jobs_answer(r, 200, NULL, jobs_id(r), err);
}

static int events(struct request *r, struct error *err) {
    return jobs_events(r, NULL, err);
}

static int import_events(struct request *r, struct error *err) {
    return jobs_events(r, "import", err);
}

static int cancel_of(struct request *r, const char *kind, struct error *err) {
    int rc = job_cancel(http_jobs(r->server), &r->session, kind, jobs_id(r), err);
    return rc < 0 ? rc : jobs_answer(r, 202, kind, jobs_id(r), err);
}

static int cancel(struct request *r, struct error *err) {
    return cancel_of(r, NULL, err);
}

static int drop_of(struct request *r, const char *kind, struct error *err) {
    int rc = job_delete(http_jobs(r->server), &r->session, kind, jobs_id(r), err);
    return rc < 0 ? rc : answer_empty(r, 204);
}

static int drop(struct request *r, struct error *err) {
    return drop_of(r, NULL, err);
}

/* ---- imports */

static int imports(struct request *r, struct error *err) {
    return list_of(r, "import", err);
}

static int import_show(struct request *r, struct error *err) {
    return jobs_answer(r, 200, "import", jobs_id(r), err);
}

static int import_cancel(struct request *r, struct error *err) {
    return cancel_of(r, "import", err);
}

static int import_drop(struct request *r, struct error *err) {
    return drop_of(r, "import", err);
}

static int import_new(struct request *r, struct error *err) {
    char id[JOB_ID_BYTES];
    int rc = upload_end(r, id, err);
    return rc < 0 ? rc : jobs_answer(r, 201, "import", id, err);
}

/* What the asker chose: register, map, sheet. */
static int import_step(struct request *r, const char *step, struct error *err) {
    json_t *params = json_object();
    const char *name;
    json_t *value;
    int rc = params ? 0 : error_memory(err);
    json_object_foreach((json_t *)r->json, name, value) {
        struct text t;
        rc = request_member(r, name, false, &t, err);
        if (rc < 0) break;
        json_object_set_new(params, name, json_stringn(t.s, t.n));
    }
    if (rc < 0) {
        json_decref(params);
        return rc;
    }
    return jobs_step(r, "import", step, params, err);
}

static int import_look(struct request *r, struct error *err) {
    return import_step(r, "look", err);
}

static int import_check(struct request *r, struct error *err) {
    return import_step(r, "check", err);
}

static int import_run(struct request *r, struct error *err) {
    return import_step(r, "run", err);
}

static int import_undo(struct request *r, struct error *err) {
    return import_step(r, "undo", err);
}

static int import_errors(struct request *r, struct error *err) {
    return file_of(r, "import", "errors", err);
}

#define JOBS "/api/v1/jobs"
#define IMPORTS "/api/v1/imports"
#define STEP(word, function, zh_words, en_words)                                                                                                                       \
    {.method = "POST", .path = IMPORTS "/{id}/" word, .who = WHO_ACCOUNT, .body = BODY_JSON_MAYBE, .run = function, .request = "ImportStep", .response = "Job", .status = 202, .zh = zh_words, .en = en_words}

const struct route jobs_routes[] = {
    {.method = "GET", .path = JOBS, .who = WHO_ACCOUNT, .run = list, .response = "Jobs", .zh = "本账户的长任务", .en = "The account's own long jobs, newest first."},
    {.method = "POST", .path = JOBS, .who = WHO_ACCOUNT, .body = BODY_JSON, .run = ask, .request = "JobWanted", .response = "Job", .status = 202, .zh = "提交长任务：方案比较或采用、日报推算或固定、导出成文件、流水核验",
     .en = "Asks for long work: a plan compared or adopted, a report worked out or frozen, an export to a file, the journal proved."},
    {.method = "GET", .path = JOBS "/{id}", .who = WHO_ACCOUNT, .run = show, .response = "Job", .zh = "任务的状态、进度和结果", .en = "State, progress and result of a job."},
    {.method = "GET", .path = JOBS "/{id}/events", .who = WHO_ACCOUNT, .run = events, .response = "text/event-stream", .zh = "任务的进展（事件流），至其结束", .en = "The job whenever something is new, until it is at work no more."},
    {.method = "GET", .path = JOBS "/{id}/result", .who = WHO_ACCOUNT, .run = result_file, .response = "text/csv;application/json;application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
     .zh = "任务产生的文件", .en = "The file a job has made."},
    {.method = "POST", .path = JOBS "/{id}/cancel", .who = WHO_ACCOUNT, .run = cancel, .response = "Job", .status = 202, .zh = "取消任务", .en = "Cancels a job."},
    {.method = "DELETE", .path = JOBS "/{id}", .who = WHO_ACCOUNT, .run = drop, .status = 204, .zh = "删除任务及其文件", .en = "Deletes a job and its files."},
    {.method = "GET", .path = IMPORTS, .who = WHO_ACCOUNT, .run = imports, .response = "Jobs", .zh = "本账户上传的名单", .en = "What the account has uploaded, newest first."},
    {.method = "POST",
     .path = IMPORTS,
     .who = WHO_ACCOUNT,
     .body = BODY_STREAM,
     .body_max = UPLOAD_MAX,
     .run = import_new,
     .request = "application/octet-stream",
     .response = "Job",
     .status = 201,
     .zh = "上传名单（原文件或表单），随即识别编码、表头并试读前 100 行",
     .en = "Uploads a list (the file itself, or a form with one file); its encoding, headers and first 100 rows are looked at.",
     .query = {{"file", "{\"type\":\"string\"}", "文件名", "name of the file"},
               {"register", "{\"type\":\"string\"}", "登记册", "register"},
               {"map", "{\"type\":\"string\"}", "映射名称", "name of a map"},
               {"map_text", "{\"type\":\"string\"}", "映射内容 (YAML)", "a map, YAML"},
               {"sheet", "{\"type\":\"string\"}", "工作表", "sheet of a workbook"}}},
    {.method = "GET", .path = IMPORTS "/{id}", .who = WHO_ACCOUNT, .run = import_show, .response = "Job", .zh = "导入的状态、进度和结果", .en = "State, progress and result of an import."},
    STEP("look", import_look, "按所选登记册或映射重新识别", "Looks at it again, as another register or through another map."),
    STEP("check", import_check, "试运行全部行，不作任何改动", "Checks every row and changes nothing."),
    STEP("run", import_run, "导入", "Imports."),
    STEP("undo", import_undo, "撤销整批导入", "Takes the whole import back."),
    {.method = "POST", .path = IMPORTS "/{id}/cancel", .who = WHO_ACCOUNT, .run = import_cancel, .response = "Job", .status = 202, .zh = "中止导入，已存入的可撤销", .en = "Stops it; what is stored can be taken back."},
    {.method = "GET", .path = IMPORTS "/{id}/events", .who = WHO_ACCOUNT, .run = import_events, .response = "text/event-stream", .zh = "导入的进展（事件流），至其结束", .en = "The import whenever something is new, until it is at work no more."},
    {.method = "GET", .path = IMPORTS "/{id}/errors", .who = WHO_ACCOUNT, .run = import_errors, .response = "text/csv;application/gzip;application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", .zh = "退回的行及原因，格式同原文件", .en = "The refused rows with their reasons, in the format of the upload."},
    {.method = "DELETE", .path = IMPORTS "/{id}", .who = WHO_ACCOUNT, .run = import_drop, .status = 204, .zh = "删除上传文件", .en = "Deletes the upload and its files."},
    {0},
};

#define EFFECTS "\"gain\":" WHOLE ",\"lose\":" WHOLE ",\"sooner\":" WHOLE ",\"later\":" WHOLE
const struct schema jobs_schemas[] = {
    {"Job", "{\"type\":\"object\",\"required\":[\"id\",\"kind\",\"state\",\"params\",\"result\"],\"properties\":{\"id\":" STRING ",\"kind\":" STRING ",\"step\":" STRING ","
            "\"state\":{\"type\":\"string\",\"enum\":[\"new\",\"queued\",\"running\",\"done\",\"failed\",\"cancelled\",\"interrupted\"]},\"created_at\":" STRING ","
            "\"finished_at\":" STRING ",\"deleted_at\":" STRING ",\"progress\":{\"type\":\"object\",\"required\":[\"done\",\"total\",\"rows\",\"seconds\"],\"properties\":{\"done\":" WHOLE ",\"total\":" WHOLE ","
            "\"rows\":" WHOLE ",\"seconds\":{\"type\":\"number\"},\"left_s\":{\"type\":\"number\"}}},\"error\":{\"type\":\"object\",\"required\":[\"code\",\"detail\",\"where\"],\"properties\":{\"code\":" STRING ","
            "\"detail\":" STRING ",\"where\":" STRING "}},\"params\":" SHAPE("JobParams") ",\"result\":" SHAPE("JobResult") "}}"},
    {"JobParams", "{\"type\":\"object\",\"description\":\"What was asked; of an upload also its name, size and digest.\",\"properties\":{\"file\":" STRING ",\"bytes\":" ID ",\"digest\":" STRING ",\"register\":" STRING
                  ",\"map\":" STRING ",\"map_text\":" STRING ",\"sheet\":" STRING ",\"reason\":" STRING ",\"policy\":" STRING ",\"region\":" STRING ",\"from\":" STRING ",\"approver\":" STRING ",\"day\":" STRING
                  ",\"disease\":" STRING ",\"format\":" STRING ",\"where\":" STRING ",\"columns\":" STRING ",\"titles\":" STRING ",\"open\":" STRING ",\"records\":" STRING "}}"},
    {"JobResult", "{\"type\":\"object\",\"description\":\"A member for each step that has been done.\",\"properties\":{\"look\":" SHAPE("ImportLook") ",\"check\":" SHAPE("ImportCounts") ",\"run\":" SHAPE("ImportCounts")
                  ",\"undo\":" SHAPE("ImportUndone") ",\"imports\":{\"type\":\"array\",\"description\":\"what the upload has become, a run each\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"whole\",\"undone\"],"
                  "\"properties\":{\"id\":" ID ",\"whole\":" TRUTH ",\"undone\":" TRUTH "}}},\"errors\":{\"type\":\"object\",\"required\":[\"file\"],\"properties\":{\"file\":" STRING "}},\"diff\":" SHAPE("PlanDiff")
                  ",\"adopt\":" SHAPE("PlanDiff") ",\"draft\":{\"type\":\"object\",\"required\":[\"figures\"],\"properties\":{\"figures\":" SHAPE("Bulletin") "}},\"freeze\":{\"type\":\"object\",\"required\":[\"report\"],"
                  "\"properties\":{\"report\":" ID "}},\"result\":{\"type\":\"object\",\"required\":[\"file\",\"rows\"],\"properties\":{\"file\":" STRING ",\"rows\":" WHOLE "}},\"verify\":" SHAPE("JournalVerdict") "}}"},
    {"ImportLook", "{\"type\":\"object\",\"required\":[\"format\",\"encoding\",\"confidence\",\"delimiter\",\"sheet\",\"gzip\",\"headers\",\"suggestions\"],\"properties\":{\"format\":{\"enum\":[\"csv\",\"xlsx\"]},"
                   "\"encoding\":" STRING ",\"confidence\":{\"type\":\"number\"},\"delimiter\":" STRING ",\"sheet\":" STRING ",\"gzip\":" TRUTH ",\"headers\":" LIST(STRING) ",\"suggestions\":{\"type\":\"array\",\"items\":{"
                   "\"type\":\"object\",\"required\":[\"register\"],\"properties\":{\"register\":" STRING ",\"map\":" STRING ",\"matched\":" WHOLE ",\"unmatched\":" STRING "}}},\"first_rows\":" SHAPE("ImportCounts")
                   ",\"register\":" STRING ",\"means\":" LIST(STRING) ",\"trouble\":" STRING "}}"},
    {"ImportCounts", "{\"type\":\"object\",\"required\":[\"rows\",\"created\",\"changed\",\"unchanged\",\"refused\",\"skipped\",\"undecided\",\"records\",\"persons_known\",\"repaired\",\"reasons\",\"notes\",\"register\"],"
                     "\"properties\":{\"rows\":" WHOLE ",\"created\":" WHOLE ",\"changed\":" WHOLE ",\"unchanged\":" WHOLE ",\"refused\":" WHOLE ",\"skipped\":" WHOLE ",\"undecided\":" WHOLE ",\"records\":" WHOLE
                     ",\"persons_known\":" WHOLE ",\"repaired\":" WHOLE ",\"reasons\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"row\",\"field\",\"reason\"],\"properties\":{\"row\":" WHOLE
                     ",\"field\":" STRING ",\"reason\":" STRING "}}},\"notes\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"field\",\"note\"],\"properties\":{\"row\":" WHOLE ",\"field\":" STRING
                     ",\"note\":" STRING "}}},\"register\":" STRING ",\"import\":" ID "}}"},
    {"ImportUndone", "{\"type\":\"object\",\"required\":[\"removed\",\"restored\",\"kept\",\"kept_records\"],\"properties\":{\"removed\":" WHOLE ",\"restored\":" WHOLE ",\"kept\":" WHOLE ",\"kept_records\":{"
                     "\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"register\",\"id\",\"why\"],\"properties\":{\"register\":" STRING ",\"id\":" ID ",\"why\":" STRING "}}}}}"},
    {"PlanDiff", "{\"type\":\"object\",\"required\":[\"records\",\"total\",\"rules\"],\"properties\":{\"records\":" WHOLE ",\"total\":{\"type\":\"object\",\"required\":[\"gain\",\"lose\",\"sooner\",\"later\"],"
                 "\"properties\":{" EFFECTS "}},\"rules\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"rule\",\"gain\",\"lose\",\"sooner\",\"later\"],\"properties\":{\"rule\":" STRING "," EFFECTS
                 "}}},\"changes\":{\"type\":\"array\",\"description\":\"the first 500\",\"items\":{\"type\":\"object\",\"required\":[\"effect\",\"register\",\"id\",\"number\",\"region\",\"rule\"],\"properties\":{"
                 "\"effect\":{\"enum\":[\"gain\",\"lose\",\"sooner\",\"later\"]},\"register\":" STRING ",\"id\":" ID ",\"number\":" STRING ",\"region\":" STRING ",\"rule\":" STRING ",\"old_due\":" STRING
                 ",\"new_due\":" STRING "}}},\"adoption\":" ID "}}"},
    {"JournalVerdict", "{\"type\":\"object\",\"required\":[\"whole\",\"entries\",\"blocks\",\"bad_entry\",\"what\",\"head\"],\"properties\":{\"whole\":" TRUTH ",\"entries\":" ID ",\"blocks\":" ID
                       ",\"bad_entry\":{\"type\":\"integer\",\"format\":\"int64\",\"description\":\"the first that was altered; 0: none\"},\"what\":" STRING ",\"head\":" STRING
                       ",\"records\":" SHAPE("RecordsVerdict") "}}"},
    {"RecordsVerdict", "{\"type\":\"object\",\"description\":\"What the tables hold that the journal does not say; when that was asked and the journal is whole.\",\"required\":[\"whole\",\"rows\",\"findings\",\"more\"],"
                       "\"properties\":{\"whole\":" TRUTH ",\"rows\":" WHOLE ",\"more\":" TRUTH ",\"findings\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"register\",\"id\",\"number\",\"field\",\"what\"],"
                       "\"properties\":{\"register\":" STRING ",\"id\":" ID ",\"number\":" STRING ",\"field\":" STRING ",\"what\":" STRING "}}}}}"},
    {"Jobs", "{\"type\":\"object\",\"required\":[\"jobs\"],\"properties\":{\"jobs\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Job\"}}}}"},
    {"JobWanted", "{\"type\":\"object\",\"required\":[\"kind\",\"step\"],\"properties\":{\"kind\":{\"type\":\"string\",\"enum\":[\"policy\",\"report\",\"export\",\"audit\"]},"
                  "\"step\":{\"type\":\"string\",\"enum\":[\"diff\",\"adopt\",\"draft\",\"freeze\",\"run\",\"verify\"]},\"params\":{\"type\":\"object\",\"properties\":{\"policy\":{\"type\":\"string\"},"
                  "\"region\":{\"type\":\"string\"},\"from\":{\"type\":\"string\"},\"reason\":{\"type\":\"string\"},\"approver\":{\"type\":\"string\"},\"day\":{\"type\":\"string\"},"
                  "\"disease\":{\"type\":\"string\"},\"register\":{\"type\":\"string\"},\"format\":{\"type\":\"string\"},\"where\":{\"type\":\"string\"},\"columns\":{\"type\":\"string\"},"
                  "\"titles\":{\"type\":\"string\"},\"open\":{\"type\":\"string\"},"
                  "\"records\":{\"type\":\"string\",\"description\":\"true: then every record is held against the journal\"}}}}}"},
    {"ImportStep", "{\"type\":\"object\",\"properties\":{\"register\":{\"type\":\"string\"},\"map\":{\"type\":\"string\"},\"map_text\":{\"type\":\"string\"},\"columns\":{\"type\":\"string\"},"
                   "\"sheet\":{\"type\":\"string\"}}}"},
    {0},
};
