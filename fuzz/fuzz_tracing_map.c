/* Maps of strangers' tables of visits: any text is a map or an error with a place; any cells through a map are visits or a refusal. The input: the map, a line of ----, rows
 * of cells set apart by commas, the first of them the header. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "desks/tracing/inside.h"
#include "needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CELLS = 32 };

static size_t cut(struct text *rest, struct text cells[CELLS]) {
    size_t n = 0, len = rest->n ? (size_t)((const char *)(memchr(rest->s, '\n', rest->n) ? memchr(rest->s, '\n', rest->n) : rest->s + rest->n) - rest->s) : 0;
    for (size_t i = 0, from = 0; i <= len && n < CELLS; i++)
        if (i == len || rest->s[i] == ',') {
            cells[n++] = (struct text){rest->s + from, i - from};
            from = i + 1;
        }
    size_t used = len < rest->n ? len + 1 : len;
    *rest = (struct text){rest->s + used, rest->n - used};
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int fd = -1;
    static char path[32];
    const char *s = (const char *)data, *mark = size ? memmem(s, size, "\n----\n", 6) : NULL;
    size_t n = mark ? (size_t)(mark - s) + 1 : size;
    struct text rest = mark ? (struct text){mark + 6, size - n - 5} : (struct text){"", 0}, cells[CELLS];
    struct tracing_map m = {0};
    struct error err = {0};
    if (fd < 0) {
        fd = memfd_create("map", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    put_fd(fd, path, s, n);
    if (tracing_map_read(path, 28800, &m, &err) < 0) {
        if (!err.code || !*err.message) abort();
        return 0;
    }
    if (!m.n || m.n > TRACING_GROUPS_MAX) abort();
    size_t k = cut(&rest, cells);
    if (tracing_map_header(&m, cells, k, &err) == 0)
        while (rest.n) {
            k = cut(&rest, cells);
            for (size_t g = 0; g < m.n; g++) {
                struct tracing_row r;
                struct error why = {0};
                int columns[TRACING_COLUMNS];
                for (int c = 0; c < TRACING_COLUMNS; c++) {
                    if (m.cells[g][c].n > TRACING_JOINED_MAX) abort();
                    columns[c] = m.cells[g][c].n ? m.cells[g][c].at[0] : -1;
                    if (columns[c] >= CELLS) abort();
                }
                if (tracing_row_read(&m.how, columns, cells, k, &r, &why) < 0 && !*why.message) abort();
            }
        }
    tracing_map_clear(&m);
    return 0;
}
