/* What a job's folder remembers: whatever stands in job.json after a crash or a hand, the server starts, shows a job or none, and gives no file from outside the
 * folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "desks/job/job.h"
#include "needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID "0123456789abcdef"
static char folder[] = "/tmp/fuzz-job-XXXXXX", spool[64], at[96], file[128];

static void end(void) {
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) fprintf(stderr, "%s was not removed\n", folder);
}

static void begin(void) {
    need(digest_init(NULL) == 0 && mkdtemp(folder), folder);
    snprintf(spool, sizeof spool, "%s/spool", folder);
    snprintf(at, sizeof at, "%s/" ID, spool);
    snprintf(file, sizeof file, "%s/job.json", at);
    need(mkdir(spool, 0700) == 0, spool);
    atexit(end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool ready;
    struct error err = {0};
    struct jobs *jobs = NULL;
    struct grant root = {TEXT("root"), TEXT("")};
    struct session s = {.account = TEXT("fuzz"), .n_grants = 1, .grants = &root, .now = 1653876000};
    struct jobs_options o = {.ledger = {.dir = folder, .home = "."}, .workers = 1};
    char path[JOB_PATH_BYTES], name[256];
    json_t *shown = NULL;
    if (!ready) begin(), ready = true;
    mkdir(at, 0700);
    put_file(file, data, size);
    if (jobs_open(&o, &jobs, &err) < 0) abort();
    if (job_show(jobs, &s, NULL, ID, &shown, &err) == 0) {
        const char *state = json_string_value(json_object_get(shown, "state"));
        if (!state || !strcmp(state, "queued") || !strcmp(state, "running")) abort(); /* nothing runs that nobody asked for now */
        json_decref(shown);
        if (job_file(jobs, &s, NULL, ID, "result", path, name, &err) == 0 && strncmp(path, at, strlen(at)) != 0) abort();
        if (job_list(jobs, &s, NULL, &shown, &err) == 0) json_decref(shown);
        if (job_delete(jobs, &s, NULL, ID, &err) < 0) abort();
    }
    jobs_close(jobs);
    if (access(at, F_OK) == 0) abort(); /* neither shown nor swept */
    return 0;
}
