/* base: the one list of errors, and the struct that carries their text upwards.
 * Comes from whoever knows the cause first; goes to doors, which alone print, log or exit. */
#ifndef TOCSIN_BASE_ERROR_H
#define TOCSIN_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* name, value, exit code (sysexits(3) where one fits), HTTP status, English, Chinese.
 * The enum, its texts, its exit codes, its HTTP statuses and docs/errors.md come from this list. */
#define ERROR_MAP(X)                                                                                         \
    X(INVALID, -1, 65, 422, "the input breaks a rule of its register or policy", "输入不符合登记册或方案规定") \
    X(SYNTAX, -2, 65, 400, "the input cannot be read as what it should be", "输入格式无法识别")               \
    X(UNKNOWN, -3, 64, 404, "no such register, field, code, policy or record", "登记册、字段、代码、方案或记录不存在") \
    X(USAGE, -4, 64, 400, "the command or request is called wrongly", "命令或请求用法错误")                   \
    X(DENIED, -5, 77, 403, "this role may not do that there", "无此权限")                                     \
    X(CONFLICT, -6, 69, 409, "somebody else changed it first", "记录已被他人修改")                            \
    X(REFUSED, -7, 65, 409, "the policy in force does not allow it yet", "现行方案条件尚未满足")              \
    X(TOO_LARGE, -8, 65, 413, "larger than the stated maximum", "超过规定上限")                               \
    X(MEMORY, -9, 71, 503, "out of memory", "内存不足")                                                       \
    X(IO, -10, 74, 500, "a file or socket failed", "文件或网络读写失败")                                      \
    X(FULL, -11, 74, 507, "the disk is full", "磁盘已满")                                                     \
    X(BUSY, -12, 75, 503, "the store is busy; try again", "数据库忙,请稍后重试")                             \
    X(STORE, -13, 69, 503, "the store failed or went away", "数据库故障或连接中断")                           \
    X(CORRUPT, -14, 70, 500, "stored data is damaged or was altered", "存储数据损坏或被篡改")                 \
    X(CRYPTO, -15, 70, 500, "a sealed value cannot be opened", "密文无法解密")                                \
    X(UNSUPPORTED, -16, 65, 415, "understood, but not handled here", "暂不支持")                              \
    X(REJECTED, -17, 65, 422, "some rows were rejected; see the error file", "部分行被退回,见错误文件")           \
    X(SIGN_IN, -18, 77, 401, "sign in first", "请先登录")                                                     \
    X(RATE, -19, 75, 429, "too many requests; wait a little", "请求过于频繁,请稍候")

enum error_code {
    E_OK = 0,
#define X(name, value, exit_code, http, en, zh) E_##name = value,
    ERROR_MAP(X)
#undef X
};

enum { ERROR_MESSAGE_MAX = 480, ERROR_WHERE_MAX = 160 };

/* One failure. `message` says what and why in one sentence without personal data; `where` names the place:
 * "row 12, field onset" or "policies/x.yaml:14:7" or a JSON pointer. Zero-initialise: struct error err = {0}. */
struct error {
    int code;
    char message[ERROR_MESSAGE_MAX];
    char where[ERROR_WHERE_MAX];
};

/* Fills err (may be NULL) once: a second call on a filled err keeps the first. where may be NULL.
 * Returns code, so that `return error_set(...)` reads well. Never allocates. */
int error_set(struct error *err, int code, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

int error_memory(struct error *err); /* E_MEMORY */

/* Asks behind a filled err whether the n bytes of `name` are meant, in both languages (near.h finds it). NULL err is fine; a message without room stays. */
void error_meant(struct error *err, int n, const char *name);

/* The same for functions that take a format themselves: writes the English, and behind " / " the Chinese when the format has none and words.c knows it. */
void error_write(char *out, size_t n, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
/* The Chinese of an English message or format (words.c); NULL when there is none. */
const char *error_zh(const char *english);

/* Puts a wider place before err->where ("contacts.csv" before "row 12"). NULL err is fine. */
void error_within(struct error *err, const char *outer);

/* E_OK and codes not on the list give "ok" / "unknown error"; 0 and 70; 200 and 500. */
const char *error_name(int code);
const char *error_text(int code);
const char *error_text_zh(int code);
int error_exit(int code);
int error_http(int code);

/* The half of a message that is in the asked language. Messages are "English / 中文" inside; a quoted value that begins one
 * (`"2022-02-30" is no date / 不是日期`, `'x': is no code / 没有该代码`) belongs to both halves. What has no Chinese half is given in Chinese as the meaning
 * of its code, then the English. out is cut at n bytes, never inside a character. */
void error_words(int code, const char *message, bool zh, char *out, size_t n);

/* `where` in the asked language: "row 12, field onset" is "第 12 行,字段 onset"; what names a place by itself (a file:14:7, a JSON pointer, an option) stays. */
void error_place(const char *where, bool zh, char *out, size_t n);

/* Maps errno after a failed system call: ENOSPC, EDQUOT and EFBIG (a limit on files) are E_FULL, ENOMEM is E_MEMORY, else E_IO. */
int error_from_errno(void);

#endif
