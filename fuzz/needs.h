/* What a target needs of the machine it runs on: files, folders, memory, a port. What is not to be had (a full /tmp) is said and ends the program: it tells nothing
 * about an input. */
#ifndef TOCSIN_FUZZ_NEEDS_H
#define TOCSIN_FUZZ_NEEDS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Right after the call, while errno is its own. */
static inline void need(bool got, const char *what) {
    if (got) return;
    printf("not ok 1 - the machine, not the input: %s: %s\n", what, strerror(errno));
    exit(74);
}

/* All of a file, made or made anew. */
static inline void put_file(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    need(f && fwrite(bytes, 1, n, f) == n, path);
    need(fclose(f) == 0, path);
}

/* The same through a descriptor that stays. */
static inline void put_fd(int fd, const char *path, const void *bytes, size_t n) {
    need(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, bytes, n, 0) == (ssize_t)n, path);
}

#endif
