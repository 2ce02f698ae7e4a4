/* The append log, the file of names and the manifest of the visit store, as a torn write or a stranger leaves them. What is read lies inside the input; a frame that is
 * written comes back as it was. */
#include <stdlib.h>
#include <string.h>

#include "visits/frames.h"
#include "visits/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct text *outer, struct text t) {
    if (t.n && (t.s < outer->s || t.s + t.n > outer->s + outer->n)) abort();
}

static int visit(void *arg, const struct frame *f, struct error *err) {
    const struct text *all = arg;
    struct text piece = f->persons, name;
    uint32_t n = 0, place;
    uint8_t class_of;
    inside(all, f->persons);
    inside(all, f->places);
    inside(all, f->changes);
    inside(all, f->rows);
    while (frame_name_next(&piece, &name, &class_of)) inside(all, name), n++;
    if (n != f->n_persons) abort();
    piece = f->changes;
    for (n = 0; frame_change_next(&piece, &place, &class_of); n++) continue;
    if (n != f->n_changes) abort();
    for (uint32_t i = 0; i < f->n_rows; i++) (void)frame_row_at(f, i);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text all = {(const char *)data, size};
    struct manifest m;
    struct buf log = {0};
    size_t end;
    int damaged;
    if (frames_replay(data, size, visit, &all, &end, &damaged, NULL) < 0 || end > size) abort();
    if (manifest_parse(all, &m, NULL) == 0) manifest_clear(&m);
    /* two frames of our own, the input as their pieces, with rubbish in between and the second one cut */
    struct frame f = {.n_rows = (uint32_t)(size / FRAME_ROW), .rows = {(const char *)data, size / FRAME_ROW * FRAME_ROW}}, again;
    size_t at = 0;
    if (frame_write(&log, 1, &f) < 0) abort();
    size_t first = log.n;
    if (frame_read((const uint8_t *)log.s, log.n, &at, &again) != 1 || at != first || again.n_rows != f.n_rows || !text_eq(again.rows, f.rows)) abort();
    buf_add(&log, data, size < 64 ? size : 64);
    while (log.n % 8) buf_char(&log, 'x');
    if (frame_write(&log, 2, &f) < 0) abort();
    all = buf_view(&log);
    for (size_t cut = 0; cut < 3; cut++)
        if (frames_replay((const uint8_t *)log.s, log.n - cut * (size % 37), visit, &all, &end, &damaged, NULL) < 0 || end < (cut && log.n - cut * (size % 37) < first ? 0 : first)) abort();
    buf_clear(&log);
    return 0;
}
