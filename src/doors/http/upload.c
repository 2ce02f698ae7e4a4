/* An upload on its way from the connection into the spool: nothing of it is held in memory. */
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doors/http/inside.h"
#include "doors/http/jobs.h"

enum { FORM_BYTES = 16 << 10, FIELD_MAX = 1 << 20 };

struct uploading {
    struct request *r;
    struct job_upload *upload;
    struct MHD_PostProcessor *form;
    struct buf field;        /* a text field of the form on its way */
    char name[32];
    int files;
    int rc;
    struct error error;
};

static void upload_drop(void *arg) {
    struct uploading *x = arg;
    if (x->form) MHD_destroy_post_processor(x->form);
    job_upload_abandon(x->upload);
    buf_clear(&x->field);
    mem_free(x);
}

static bool known_field(const char *name) {
    static const char *const names[] = {"register", "map", "map_text", "sheet"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) return true;
    return false;
}

/* A field is whole when the next begins, or the form ends. */
static void field_end(struct uploading *x) {
    if (*x->name && x->field.n && text_utf8_valid(buf_view(&x->field))) job_upload_param(x->upload, x->name, buf_view(&x->field));
    buf_reset(&x->field);
    *x->name = 0;
}

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *key, const char *filename, const char *type, const char *encoding, const char *data,
                                uint64_t off, size_t n) {
    struct uploading *x = cls;
    (void)kind, (void)type, (void)encoding;
    if (x->rc < 0) return MHD_NO;
    if (filename) {
        if (!off) {
            field_end(x);
            if (x->files++) x->rc = error_set(&x->error, E_USAGE, "body", "one file at a time / 一次只能上传一个文件");
            job_upload_name(x->upload, filename);
        }
        if (!x->rc && n) x->rc = job_upload_add(x->upload, data, n, &x->error);
        return x->rc < 0 ? MHD_NO : MHD_YES;
    }
    if (!key || !known_field(key)) {
        x->rc = error_set(&x->error, E_UNKNOWN, "body", "a form has a file, register, map, map_text and sheet / 表单仅含文件及 register、map、map_text、sheet");
        return MHD_NO;
    }
    if (strcmp(x->name, key) != 0) field_end(x);
    snprintf(x->name, sizeof x->name, "%s", key);
    if (x->field.n + n > FIELD_MAX) x->rc = error_set(&x->error, E_TOO_LARGE, "body", "more than %d bytes / 超过 %d 字节", FIELD_MAX, FIELD_MAX);
    if (!x->rc && buf_add(&x->field, data, n) < 0) x->rc = error_set(&x->error, E_MEMORY, NULL, "out of memory");
    return x->rc < 0 ? MHD_NO : MHD_YES;
}

int upload_begin(struct request *r, struct error *err) {
    const char *type = request_header(r, "Content-Type");
    struct text file = request_query(r, "file");
    struct uploading *x = mem_alloc(sizeof *x);
    if (!x) return error_memory(err);
    x->r = r;
    r->answer.end = upload_drop;
    r->answer.arg = x;
    json_t *params = json_object();
    for (size_t i = 0; i < r->n_query; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)r->query[i].name.n, r->query[i].name.s);
        if (known_field(name) && r->query[i].value.n) json_object_set_new(params, name, json_stringn(r->query[i].value.s, r->query[i].value.n));
    }
    char *name = file.s ? arena_printf(&r->arena, "%.*s", (int)file.n, file.s) : NULL;
    int rc = job_upload_begin(http_jobs(r->server), &r->session, name, params, &x->upload, err);
    if (rc == 0 && type && !strncasecmp(type, "multipart/form-data", 19)) {
        x->form = MHD_create_post_processor(r->connection, FORM_BYTES, on_field, x);
        if (!x->form) rc = error_set(err, E_SYNTAX, "Content-Type", "the form has no boundary / 表单缺少分隔符");
    }
    return rc;
}

int upload_piece(struct request *r, const char *bytes, size_t n, struct error *err) {
    struct uploading *x = r->answer.arg;
    if (!x->form) return job_upload_add(x->upload, bytes, n, err);
    if (MHD_post_process(x->form, bytes, n) == MHD_YES && x->rc == 0) return 0;
    if (x->rc < 0) return error_set(err, x->rc, x->error.where, "%s", x->error.message);
    return error_set(err, E_SYNTAX, "body", "the form cannot be read / 表单无法读取");
}

int upload_end(struct request *r, char ret_id[JOB_ID_BYTES], struct error *err) {
    struct uploading *x = r->answer.arg;
    int rc = 0;
    if (x->form) {
        struct MHD_PostProcessor *form = x->form;
        x->form = NULL;
        if (MHD_destroy_post_processor(form) != MHD_YES) rc = error_set(err, E_SYNTAX, "body", "the form is cut short / 表单不完整");
        field_end(x);
        if (rc == 0 && !x->files) rc = error_set(err, E_USAGE, "body", "the form has no file / 表单中没有文件");
    }
    struct job_upload *u = x->upload;
    if (rc == 0) {
        x->upload = NULL;
        rc = job_upload_end(u, ret_id, err);
    }
    r->answer.end = NULL;
    upload_drop(x);
    return rc;
}

/* ---- a file as an answer, whole or a range of it (RFC 9110, 14): who was cut off goes on where he was */

struct sending {
    int fd;
    int64_t left;
};

static int64_t send_read(void *arg, char *out, size_t n) {
    struct sending *x = arg;
    if (!x->left) return -1;
    ssize_t got = read(x->fd, out, (int64_t)n < x->left ? n : (size_t)x->left);
    if (got <= 0) return -2;
    x->left -= got;
    return got;
}

static void send_end(void *arg) {
    struct sending *x = arg;
    close(x->fd);
    mem_free(x);
}

/* 206 for one range that can be read, 416 for one beyond the end; anything else, or another file than If-Range means, is the whole: 200. */
static int range_of(struct request *r, int64_t size, const char *etag, int64_t *from, int64_t *to) {
    const char *h = request_header(r, "Range"), *same = request_header(r, "If-Range");
    *from = 0;
    *to = size - 1;
    if (!h || strncmp(h, "bytes=", 6) != 0 || (same && strcmp(same, etag) != 0)) return 200;
    const char *dash = strchr(h += 6, '-');
    if (!dash || strlen(h) > 40) return 200;
    int64_t first = -1, last = -1;
    struct text left = {h, (size_t)(dash - h)}, right = text_of(dash + 1);
    if ((left.n && (!text_int(left, &first) || first < 0)) || (right.n && (!text_int(right, &last) || last < 0)) || (!left.n && !right.n)) return 200;
    if (left.n && right.n && last < first) return 200;
    if (!left.n) { /* the last so many bytes */
        if (!last || !size) return 416;
        *from = last < size ? size - last : 0;
        return 206;
    }
    if (first >= size) return 416;
    *from = first;
    if (right.n && last < size) *to = last;
    return 206;
}

int file_answer(struct request *r, const char *path, const char *type, const char *name, struct error *err) {
    struct sending *x = mem_alloc(sizeof *x);
    struct buf b = {0};
    struct stat st;
    if (!x) return error_memory(err);
    x->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (x->fd < 0 || fstat(x->fd, &st) != 0) {
        if (x->fd >= 0) close(x->fd);
        mem_free(x);
        return error_set(err, E_UNKNOWN, "file", "there is no such file / 文件不存在");
    }
    const char *etag = arena_printf(&r->arena, "\"%llx-%llx-%llx\"", (unsigned long long)st.st_ino, (unsigned long long)st.st_mtim.tv_sec * 1000000000u + (unsigned long long)st.st_mtim.tv_nsec,
                                    (unsigned long long)st.st_size);
    int64_t from = 0, to = 0;
    int status = etag ? range_of(r, st.st_size, etag, &from, &to) : 200;
    if (status == 416 || (from && lseek(x->fd, from, SEEK_SET) < 0)) {
        send_end(x);
        answer_header(r, "Content-Range", arena_printf(&r->arena, "bytes */%lld", (long long)st.st_size));
        return answer_empty(r, 416);
    }
    x->left = to - from + 1;
    if (status == 206) answer_header(r, "Content-Range", arena_printf(&r->arena, "bytes %lld-%lld/%lld", (long long)from, (long long)to, (long long)st.st_size));
    answer_header(r, "Accept-Ranges", "bytes");
    answer_header(r, "ETag", etag);
    buf_str(&b, "attachment; filename*=UTF-8''");
    for (const char *p = name; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '.' || *p == '-' || *p == '_';
        buf_printf(&b, plain ? "%c" : "%%%02X", (unsigned char)*p);
    }
    answer_header(r, "Content-Disposition", arena_str(&r->arena, buf_cstr(&b)));
    buf_clear(&b);
    r->answer.status = status;
    r->answer.type = type;
    r->answer.read = send_read;
    r->answer.end = send_end;
    r->answer.arg = x;
    r->answer.size = x->left;
    return 0;
}
