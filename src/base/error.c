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

/* Whether a message brings Chinese of its own: CJK and its punctuation lie beyond E3 in UTF-8. */
static bool has_chinese(const char *s) {
    for (; *s; s++)
        if ((unsigned char)*s >= 0xE3) return true;
    return false;
}

void error_write(char *out, size_t n, const char *format, va_list args) {
    bool plain = strcmp(format, "%s") == 0;
    const char *zh = plain || has_chinese(format) ? NULL : error_zh(format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(out, n, format, args);
    if (plain && size >= 0 && (size_t)size < n) zh = error_zh(out);
    if (zh && size >= 0 && (size_t)size + 4 < n) {
        memcpy(out + size, " / ", 4);
        if (plain)
            snprintf(out + size + 3, n - (size_t)size - 3, "%s", zh);
        else
            vsnprintf(out + size + 3, n - (size_t)size - 3, zh, again);
    }
    va_end(again);
}

int error_set(struct error *err, int code, const char *where, const char *format, ...) {
    if (!err || err->code) return code;
    err->code = code;
    va_list args;
    va_start(args, format);
    error_write(err->message, sizeof err->message, format, args);
    va_end(args);
    err->where[0] = '\0';
    if (where) snprintf(err->where, sizeof err->where, "%s", where);
    return code;
}

int error_memory(struct error *err) {
    return error_set(err, E_MEMORY, NULL, "%s / %s", error_text(E_MEMORY), error_text_zh(E_MEMORY));
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

/* Where the Chinese half begins: after the last " / " that a character beyond Latin follows. NULL: there is none. */
static const char *chinese_half(const char *message) {
    const char *found = NULL;
    for (const char *p = strstr(message, " / "); p; p = strstr(p + 1, " / ")) {
        const char *end = strstr(p + 3, " / ");
        for (const char *c = p + 3; *c && c != end; c++)
            if ((unsigned char)*c >= 0xE3) found = p;
    }
    return found;
}

void error_meant(struct error *err, int n, const char *name) {
    char told[2 * ERROR_MESSAGE_MAX];
    if (!err || !err->code) return;
    const char *half = chinese_half(err->message);
    int size = half ? (int)(half - err->message) : (int)strlen(err->message);
    int all = half ? snprintf(told, sizeof told, "%.*s; is %.*s meant?%s;是否指 %.*s?", size, err->message, n, name, half, n, name)
                   : snprintf(told, sizeof told, "%s; is %.*s meant?", err->message, n, name);
    if (all > 0 && (size_t)all < sizeof err->message) memcpy(err->message, told, (size_t)all + 1);
}

/* Length of the quoted value that begins a message, with what joins it to the rest; 0 when none does. */
static size_t quoted_start(const char *message, const char *end) {
    char quote = *message;
    const char *p = message;
    if (quote != '"' && quote != '\'') return 0;
    do p++;
    while (p < end && *p != quote);
    if (p >= end) return 0;
    for (p++; p < end && strchr(".: ", *p);) p++;
    return (size_t)(p - message);
}

void error_words(int code, const char *message, bool zh, char *out, size_t n) {
    const char *half = chinese_half(message);
    int size = half ? (int)(half - message) : (int)strlen(message);
    if (n == 0) return;
    if (!zh)
        snprintf(out, n, "%.*s", size, message);
    else if (error_zh(message)) /* told as it is, without error_set */
        snprintf(out, n, "%s", error_zh(message));
    else if (half)
        snprintf(out, n, "%.*s%s", (int)quoted_start(message, half), message, half + 3);
    else if (strcmp(message, error_text(code)) == 0)
        snprintf(out, n, "%s", error_text_zh(code));
    else
        snprintf(out, n, "%s: %s", error_text_zh(code), message);
    size_t end = strlen(out), start = end;
    while (start > 0 && ((unsigned char)out[start - 1] & 0xC0) == 0x80) start--;
    if (start == 0 || (unsigned char)out[start - 1] < 0xC0) return;
    unsigned char lead = (unsigned char)out[start - 1];
    size_t whole = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (end - (start - 1) < whole) out[start - 1] = 0;
}

void error_place(const char *where, bool zh, char *out, size_t n) {
    static const struct {
        const char *en, *before, *after; /* after: behind the word that follows; NULL: none belongs to it */
    } words[] = {{"row ", "第 ", " 行"}, {"line ", "第 ", " 行"}, {"column ", "第 ", " 列"}, {"entry ", "第 ", " 条"}, {"field ", "字段 ", ""}, {"body, ", "正文,", NULL}, {", ", ",", NULL}};
    size_t at = 0, all = zh ? sizeof words / sizeof *words : 0;
    if (n) out[0] = '\0';
    for (const char *p = where; *p && at + 1 < n;) {
        size_t k = 0;
        while (k < all && !((p == where || p[-1] == ' ' || *p == ',') && strncmp(p, words[k].en, strlen(words[k].en)) == 0)) k++;
        const char *after = k < all && words[k].after ? words[k].after : "";
        if (k < all) p += strlen(words[k].en);
        size_t own = k == all ? 1 : words[k].after ? strcspn(p, ", ") : 0;
        snprintf(out + at, n - at, "%s%.*s%s", k < all ? words[k].before : "", (int)own, p, after);
        at += strlen(out + at);
        p += own;
    }
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
