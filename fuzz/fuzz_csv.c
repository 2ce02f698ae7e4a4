/* files: any bytes are rows or an error with a reason; cells of undamaged rows are UTF-8 within the
 * stated sizes. */
#include "files/sheet_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const uint8_t *data, size_t size, const struct sheet_options *o) {
    struct sheet *s = NULL;
    struct error err = {0};
    int rc = sheet_open_bytes(data, size, o, &s, &err);
    if (rc < 0 && !err.code) __builtin_trap();
    if (rc < 0) return;
    const struct text *cells;
    size_t n;
    int64_t line, before = 0;
    bool damaged;
    while ((rc = sheet_next(s, &cells, &n, &line, &damaged, &err)) > 0) {
        if (n == 0 || n > SHEET_COLUMNS_MAX || line <= before) __builtin_trap();
        before = line;
        for (size_t i = 0; i < n; i++)
            if (cells[i].n > SHEET_CELL_MAX * 3 || (!damaged && !text_utf8_valid(cells[i]))) __builtin_trap();
    }
    if (rc < 0 && !err.code) __builtin_trap();
    int64_t done, total;
    sheet_progress(s, &done, &total);
    if (done < 0 || done > total || total != (int64_t)size) __builtin_trap();
    sheet_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const encodings[] = {NULL, "UTF-8", "GB18030", "UTF-16", "BIG5", "CP1252"};
    /* a workbook has its own target */
    if (size >= 2 && data[0] == 'P' && data[1] == 'K') return 0;
    read_all(data, size, NULL);
    struct sheet_options o = {
        .encoding = encodings[size % 6], .delimiter = ",;\t|"[size / 6 % 4], .max_bytes = 1 << 20};
    read_all(data, size, &o);
    return 0;
}
