/* doors/http: the files of the web console, read once at start and served from memory: compressed before the first request, with an ETag by content;
 * files whose names carry a hash are kept by browsers for ever. The console is a client of the API like any other: nothing here knows what it shows. */
#ifndef TOCSIN_DOORS_HTTP_PAGES_H
#define TOCSIN_DOORS_HTTP_PAGES_H

#include "doors/http/request.h"

enum { PAGES_MAX = 500, PAGE_BYTES_MAX = 8 << 20 };

struct pages;
/* Reads index.html, the files beside it and those in assets/. dir NULL: where the build puts them (build/console under home, or console/ of an
 * installation). A folder that is not there is no error: *ret then says so to whoever asks for a page. Owned: pages_free. */
int pages_read(const char *home, const char *dir, struct pages **ret, struct error *err);
void pages_free(struct pages *p);
/* Answers with the file ("index.html", "assets/x.js"); E_UNKNOWN. */
int pages_answer(struct request *r, const struct pages *p, struct text name, struct error *err);

#endif
