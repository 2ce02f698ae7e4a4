/* Printing for people (aligned, East Asian characters two cells wide) and for programs (JSON). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doors/cli/cli.h"

enum { FLUSH_AT = 1 << 16 };

int cli_flush(struct cli *cli, struct error *err) {
    int rc = cli->out.failed;
    if (rc < 0) rc = error_set(err, rc, NULL, "the output is too large for memory");
    for (size_t at = 0; rc == 0 && !cli->broken_pipe && at < cli->out.n;) {
        ssize_t n = write(STDOUT_FILENO, cli->out.s + at, cli->out.n - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EPIPE) cli->broken_pipe = true; /* the reader has seen enough */
        else if (n < 0) rc = error_set(err, error_from_errno(), "standard output", "%s", strerror(errno));
        else at += (size_t)n;
    }
    buf_reset(&cli->out);
    return rc;
}

void cli_write(struct cli *cli, struct text t) {
    buf_text(&cli->out, t);
    if (cli->out.n >= FLUSH_AT) (void)cli_flush(cli, NULL);
}

void cli_print(struct cli *cli, const char *format, ...) {
    char line[1024];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (n < 0) return;
    if ((size_t)n < sizeof line) {
        cli_write(cli, (struct text){line, (size_t)n});
        return;
    }
    va_start(list, format);
    char *longer = mem_alloc((size_t)n + 1);
    if (longer) {
        vsnprintf(longer, (size_t)n + 1, format, list);
        cli_write(cli, (struct text){longer, (size_t)n});
    } else {
        cli->out.failed = E_MEMORY;
    }
    va_end(list);
    mem_free(longer);
}

void cli_note(const struct cli *cli, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
}

json_t *cli_json_text(struct text t) {
    json_t *j = json_stringn(t.s ? t.s : "", t.n);
    return j ? j : json_string("");
}

static int json_out(const char *bytes, size_t n, void *arg) {
    cli_write(arg, (struct text){bytes, n});
    return 0;
}

int cli_json(struct cli *cli, json_t *j, struct error *err) {
    int failed = j ? json_dump_callback(j, json_out, cli, JSON_INDENT(2) | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY) : -1;
    json_decref(j);
    if (failed) return error_set(err, E_MEMORY, NULL, "out of memory for JSON");
    cli_write(cli, TEXT("\n"));
    return 0;
}

size_t cli_width(struct text t) {
    size_t cells = 0;
    for (size_t at = 0; at < t.n;) {
        uint32_t c = text_codepoint(t, &at);
        bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                    (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x20000 && c <= 0x3FFFD);
        cells += wide ? 2 : 1;
    }
    return cells;
}

const char *cli_duration(struct cli *cli, int64_t seconds) {
    char text[INSTANT_TEXT];
    struct buf out = {0};
    duration_format(seconds, text);
    for (const char *p = text; *p; p++) {
        const char *zh = !cli->zh ? NULL : *p == 'd' ? "天" : *p == 'h' ? "小时" : *p == 'm' ? "分" : *p == 's' ? "秒" : NULL;
        if (zh) buf_str(&out, zh);
        else buf_char(&out, *p);
    }
    const char *kept = arena_str(&cli->arena, buf_cstr(&out));
    buf_clear(&out);
    return kept ? kept : "";
}

struct text cli_state(const struct cli *cli, const struct register_decl *reg, struct text state) {
    int i = register_state(reg, state);
    return i < 0 ? state : cli->zh ? reg->states[i].zh : reg->states[i].en;
}

struct text cli_desk(const struct cli *cli, struct text desk) {
    const struct codelist *desks = codelist_find(cli->ledger->catalog, TEXT("desk"));
    const struct code *c = desks ? code_find(desks, desk) : NULL;
    return !c ? desk : cli->zh ? c->zh : c->en;
}

static bool number_like(struct text t) {
    for (size_t i = 0; i < t.n; i++)
        if (!strchr("0123456789.,-%* ", t.s[i])) return false;
    return t.n > 0;
}

void cli_table(struct cli *cli, const struct text *cells, size_t rows, size_t columns) {
    enum { COLUMNS = 32 };
    size_t widths[COLUMNS] = {0};
    bool right[COLUMNS];
    if (columns > COLUMNS) columns = COLUMNS;
    for (size_t k = 0; k < columns; k++) {
        right[k] = rows > 1;
        for (size_t i = 0; i < rows; i++) {
            struct text t = cells[i * columns + k];
            size_t w = cli_width(t);
            if (w > widths[k]) widths[k] = w;
            if (i && t.n && !number_like(t)) right[k] = false;
        }
    }
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < columns; k++) {
            struct text t = cells[i * columns + k];
            int pad = (int)(widths[k] - cli_width(t));
            bool last = k + 1 == columns;
            if (right[k]) cli_print(cli, "%*s", pad, "");
            cli_write(cli, t);
            if (!last) cli_print(cli, "%*s", (right[k] ? 0 : pad) + 2, "");
        }
        cli_write(cli, TEXT("\n"));
    }
}
