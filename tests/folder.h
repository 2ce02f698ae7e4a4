/* A temporary folder of declared files, for tests of what reads them. */
#ifndef TOCSIN_TESTS_FOLDER_H
#define TOCSIN_TESTS_FOLDER_H

#include "check.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64], registers[80], codes[80];
};

static inline void folder_make(struct folder *f) {
    snprintf(f->path, sizeof f->path, "/tmp/tocsin-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->registers, sizeof f->registers, "%s/registers", f->path);
    snprintf(f->codes, sizeof f->codes, "%s/codes", f->path);
    assert_int_equal(mkdir(f->registers, 0700), 0);
    assert_int_equal(mkdir(f->codes, 0700), 0);
}

static inline void folder_write(const char *dir, const char *name, const char *content) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, strlen(content), file), strlen(content));
    assert_int_equal(fclose(file), 0);
}

static inline int folder_forget(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static inline void folder_remove(const char *path) {
    nftw(path, folder_forget, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
