/* desks/drill: the rows of each demo file. Private to demo.c and demo_rows.c. */
#ifndef TOCSIN_DESKS_DRILL_DEMO_ROWS_H
#define TOCSIN_DESKS_DRILL_DEMO_ROWS_H

#include "desks/drill/demo.h"
#include "files/sheet.h"

enum { DEMO_CELLS_MAX = 48 };

/* One row under construction. Texts live in the arena until the next row. */
struct demo_row {
    const struct city *c;
    struct rng *r;       /* untidiness only: never decides a fact */
    bool plain;
    struct arena arena;
    struct text cells[DEMO_CELLS_MAX];
    size_t n;
    bool failed;         /* out of memory */
};

/* A deliberate fault: a copy of row `row` in which `column` holds `text` instead. */
struct demo_fault {
    size_t row;
    const char *column, *text; /* text NULL: the last digit of what is there is changed */
};

struct demo_table {
    const char *name, *register_name;
    struct sheet_info shape;
    const char *const *headers; /* NULL-ended */
    size_t (*count)(const struct city *c);
    void (*row)(struct demo_row *row, size_t i);
    const struct demo_fault *faults;
    size_t n_faults;
};

extern const struct demo_table demo_tables[DEMO_FILES];
/* Writes shapes.geojson into the folder. */
int demo_shapes_write(const char *dir, const struct city *c, struct error *err);

#endif
