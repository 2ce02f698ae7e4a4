/* An upload on its way into the spool: written as it comes, hashed, and a job only when it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "desks/job/inside.h"

struct job_upload {
    struct jobs *jobs;
    struct arena arena;
    struct session s;
    char id[JOB_ID_BYTES]; /* of the job it becomes */
    int fd;
    int64_t n;
    struct digest digest;
    json_t *params;
};

void job_upload_abandon(struct job_upload *u) {
    if (!u) return;
    if (u->fd >= 0) close(u->fd);
    if (*u->id) {
        char path[JOB_PATH_BYTES];
        job_path(u->jobs, u->id, "", path);
        strncat(path, ".part", sizeof path - strlen(path) - 1);
        unlink(path);
    }
    json_decref(u->params);
    arena_clear(&u->arena);
    mem_free(u);
}

static void part_path(const struct job_upload *u, char path[JOB_PATH_BYTES]) {
    job_path(u->jobs, u->id, "", path);
    strncat(path, ".part", JOB_PATH_BYTES - strlen(path) - 1);
}

/* The bare name: what a browser sends may be a path of its machine. */
void job_upload_name(struct job_upload *u, const char *file) {
    const char *bare = file;
    for (const char *p = file; *p; p++)
        if (*p == '/' || *p == '\\') bare = p + 1;
    struct text name = {bare, strlen(bare) < 200 ? strlen(bare) : 200};
    while (name.n && !text_utf8_valid(name)) name.n--;
    json_object_set_new(u->params, "file", name.n ? json_stringn(name.s, name.n) : json_string("upload"));
}

int job_upload_param(struct job_upload *u, const char *name, struct text value) {
    return json_object_set_new(u->params, name, json_stringn(value.s, value.n)) == 0 ? 0 : E_MEMORY;
}

int job_upload_begin(struct jobs *j, const struct session *s, const char *file, json_t *params, struct job_upload **ret, struct error *err) {
    struct job_upload *u = mem_alloc(sizeof *u);
    char path[JOB_PATH_BYTES];
    int rc = 0;
    if (!u) {
        json_decref(params);
        return error_memory(err);
    }
    *u = (struct job_upload){.jobs = j, .fd = -1, .params = params ? params : json_object()};
    if (!u->params || !session_copy(s, &u->arena, &u->s)) rc = error_memory(err);
    if (rc == 0) {
        job_random_id(j, u->id);
        job_upload_name(u, file ? file : "");
        part_path(u, path);
        u->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (u->fd < 0) rc = error_set(err, error_from_errno(), "spool", "cannot be written: %s / 无法写入", strerror(errno));
    }
    if (rc < 0) {
        job_upload_abandon(u);
        return rc;
    }
    *ret = u;
    return 0;
}

int job_upload_add(struct job_upload *u, const void *bytes, size_t n, struct error *err) {
    const char *p = bytes;
    if ((int64_t)n > u->jobs->o.upload_max - u->n)
        return error_set(err, E_TOO_LARGE, "body", "more than %lld bytes / 超过 %lld 字节", (long long)u->jobs->o.upload_max, (long long)u->jobs->o.upload_max);
    digest_add(&u->digest, (struct text){bytes, n});
    u->n += (int64_t)n;
    while (n) {
        ssize_t wrote = write(u->fd, p, n);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return error_set(err, error_from_errno(), "spool", "cannot be written: %s / 无法写入", strerror(errno));
        p += wrote;
        n -= (size_t)wrote;
    }
    return 0;
}

int job_upload_end(struct job_upload *u, char ret_id[JOB_ID_BYTES], struct error *err) {
    unsigned char digest[DIGEST_BYTES];
    char hex[2 * DIGEST_BYTES + 1], part[JOB_PATH_BYTES], path[JOB_PATH_BYTES], id[JOB_ID_BYTES];
    int rc = u->n ? 0 : error_set(err, E_USAGE, "body", "the upload is empty / 上传内容为空");
    digest_end(&u->digest, digest);
    hex_of(digest, sizeof digest, hex);
    json_object_set_new(u->params, "digest", json_string(hex));
    json_object_set_new(u->params, "bytes", json_integer(u->n));
    if (rc == 0 && fsync(u->fd) != 0) rc = error_set(err, error_from_errno(), "spool", "cannot be written: %s / 无法写入", strerror(errno));
    if (rc == 0) rc = job_make(u->jobs, &u->s, "import", json_incref(u->params), id, err);
    if (rc == 0) {
        part_path(u, part);
        job_path(u->jobs, id, "upload", path);
        if (rename(part, path) != 0) rc = error_set(err, error_from_errno(), "spool", "cannot be written: %s / 无法写入", strerror(errno));
        if (rc == 0) rc = job_ask(u->jobs, &u->s, "import", id, "look", NULL, err);
        if (rc < 0) job_delete(u->jobs, &u->s, "import", id, NULL);
    }
    if (rc == 0) memcpy(ret_id, id, sizeof id);
    job_upload_abandon(u);
    return rc;
}
