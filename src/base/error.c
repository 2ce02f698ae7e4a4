#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int code;
    int exit_code;
    int http;
    const char *name;
    const char *en;
    const char *zh;
} errors[] = {
#define X(name, value, exit_code, http, en, zh) {value, exit_code, http, #name, en, zh},
    ERROR_MAP(X)
#undef X
};

static int error_index(int code) {
    int i = -code - 1;
    if (i < 0 || i >= (int)(sizeof errors / sizeof errors[0])) return -1;
    return i;
}

int error_set(struct error *err, int code, const char *where, const char *format, ...) {
    if (!err || err->code) return code;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    err->where[0] = '\0';
    if (where) snprintf(err->where, sizeof err->where, "%s", where);
    return code;
}

void error_within(struct error *err, const char *outer) {
    if (!err || !outer || !err->code) return;
    char joined[ERROR_WHERE_MAX * 2];
    if (err->where[0])
        snprintf(joined, sizeof joined, "%s, %s", outer, err->where);
    else
        snprintf(joined, sizeof joined, "%s", outer);
    memcpy(err->where, joined, sizeof err->where - 1);
    err->where[sizeof err->where - 1] = '\0';
}

const char *error_name(int code) {
    int i = error_index(code);
    return i < 0 ? "OK" : errors[i].name;
}

const char *error_text(int code) {
    int i = error_index(code);
    return i < 0 ? (code ? "unknown error" : "ok") : errors[i].en;
}

const char *error_text_zh(int code) {
    int i = error_index(code);
    return i < 0 ? (code ? "未知错误" : "正常") : errors[i].zh;
}

int error_exit(int code) {
    int i = error_index(code);
    return i < 0 ? (code ? 70 : 0) : errors[i].exit_code;
}

int error_http(int code) {
    int i = error_index(code);
    return i < 0 ? (code ? 500 : 200) : errors[i].http;
}

int error_from_errno(void) {
    switch (errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return E_FULL;
    case ENOMEM:
        return E_MEMORY;
    default:
        return E_IO;
    }
}
