/* desks/drill: the made-up county (engines/city.h) as the files a real county gets: a workbook of report cards, a contact list in GB18030,
 * test results with a byte-order mark, stays, health checks and control orders in three more shapes, and a list of organisations. Headers are the
 * words people use; some cells are full-width or carry blanks; a handful of rows is wrong on purpose, so that the error file of
 * the import is seen. Same options, same bytes (of the text files; a workbook carries its parts' order and nothing of the clock).
 *
 * Files of DIR, to be imported in this order: regions.csv, organisations.csv, places.csv, cases.xlsx, links.csv, receipts.csv, contacts.csv,
 * memberships.csv, orders.csv, stays.csv, fives.csv, tests.csv, checks.csv, releases.csv, status.csv. Beside them shapes.geojson: outlines of the county and its streets for `tocsin region shapes`. */
#ifndef TOCSIN_DESKS_DRILL_DEMO_H
#define TOCSIN_DESKS_DRILL_DEMO_H

#include "engines/city.h"

enum { DEMO_FILES = 15 };

struct demo_options {
    struct city_options city;
    bool plain; /* no deliberate faults and no untidy cells */
};

struct demo_file {
    const char *name;          /* "contacts.csv" */
    const char *register_name; /* "contact" */
    int64_t rows;              /* without the header */
    int64_t wrong;             /* rows that must be refused */
};

struct demo_result {
    struct demo_file files[DEMO_FILES]; /* in the order of import */
    instant end;                        /* the story's now */
    size_t persons, infections, cases, contacts;
};

/* Makes DIR if it is not there and writes the files into it, each whole or not at all. Errors: those of city_make, E_IO, E_FULL. */
int demo_write(const char *dir, const struct demo_options *o, struct demo_result *ret, struct error *err);

#endif
