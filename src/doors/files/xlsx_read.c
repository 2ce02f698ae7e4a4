#include "doors/files/xlsx.h"

int xlsx_open(struct source *src, const struct sheet_options *o, struct sheet_info *info, struct xlsx **ret,
              struct error *err) {
    return error_set(err, E_UNSUPPORTED, NULL, "workbooks cannot be read yet: save the sheet as CSV UTF-8");
}
int xlsx_next(struct xlsx *x, const struct text **ret_cells, size_t *ret_n, int64_t *ret_line, bool *ret_damaged,
              struct error *err) {
    return error_set(err, E_UNSUPPORTED, NULL, "workbooks cannot be read yet");
}
void xlsx_progress(const struct xlsx *x, int64_t *ret_done, int64_t *ret_total) {
    *ret_done = *ret_total = 0;
}
void xlsx_close(struct xlsx *x) {
}
