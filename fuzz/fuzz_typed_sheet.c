/* Typed-up tube sheets: whatever the file, a row has a tube or a reason, its place is what it or its number says, and a refusal names a field in two languages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "desks/testing/tube_sheet.h"
#include "needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct sampling_row *r) {
    int64_t round = 0, table = 0;
    if (r->reason && (!r->error.where[0] || !strstr(r->error.message, " / "))) abort();
    if (r->size < 0 || r->size > 20 || r->table < 0 || r->round < 0) abort();
    if (!r->reason && tube_number_read(r->barcode, &round, &table) && (!r->round || !r->table)) abort();
    if (!r->doc_no.n && !r->name.n && !r->temporary.n && !r->guardian_doc.n && !r->phone.n && !r->sex.n && !r->birth.n && !r->address.n && !r->community.n && !r->reason) abort(); /* says nobody */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct typed_usual u = {.on = 19236, .today = size % 2 ? 19236 : 19237, .zone_s = ZONE_CHINA_S};
    struct typed_sheet *sheet = NULL;
    struct arena a = {0};
    struct sampling_row r;
    int64_t line = 0, last = 0;
    char path[40];
    int fd = memfd_create("sheet", MFD_CLOEXEC), rc;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    put_fd(fd, path, data, size);
    rc = typed_sheet_open(path, &u, &sheet, NULL);
    while (rc == 0 && (rc = typed_sheet_next(sheet, &a, &r, &line, NULL, NULL, NULL)) > 0) {
        look(&r);
        if (line <= last) abort();
        last = line;
        rc = 0;
    }
    typed_sheet_close(sheet);
    close(fd);
    arena_clear(&a);
    return 0;
}
