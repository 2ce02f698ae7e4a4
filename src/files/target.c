#include "files/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static char *copy_of(const char *s, const char *tail) {
    size_t n = strlen(s), k = strlen(tail);
    char *p = mem_alloc(n + k + 1);
    if (p) {
        memcpy(p, s, n);
        memcpy(p + n, tail, k);
    }
    return p;
}

static int failed(const char *path, const char *what, struct error *err) {
    int code = error_from_errno();
    return error_set(err, code, path, "%s: %s / %s: %s", what, strerror(errno), error_zh(what), strerror(errno));
}

int target_open(struct target *t, const char *path, struct error *err) {
    struct stat st;
    char tail[32];
    uint64_t random = 0;
    *t = (struct target){.fd = -1};
    if (strcmp(path, "-") == 0) {
        t->fd = dup(STDOUT_FILENO);
        return t->fd < 0 ? failed("standard output", "cannot be written", err) : 0;
    }
    t->path = copy_of(path, "");
    if (!t->path) return error_set(err, E_MEMORY, path, "out of memory");
    int rc = 0;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        t->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (t->fd < 0) rc = failed(path, "cannot be written", err);
    } else {
        if (getrandom(&random, sizeof random, 0) < 0) random = (uint64_t)getpid();
        snprintf(tail, sizeof tail, ".%016llx.part", (unsigned long long)random);
        t->temporary = copy_of(path, tail);
        if (!t->temporary) {
            rc = error_set(err, E_MEMORY, path, "out of memory");
        } else {
            t->fd = open(t->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            if (t->fd < 0) {
                rc = failed(path, "cannot be created", err);
                mem_free(t->temporary);
                t->temporary = NULL;
            }
        }
    }
    if (rc < 0) target_abandon(t);
    return rc;
}

int target_write(struct target *t, const void *bytes, size_t n, struct error *err) {
    const char *p = bytes;
    while (n) {
        ssize_t k = write(t->fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return failed(t->path ? t->path : "standard output", "cannot be written", err);
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

int target_commit(struct target *t, struct error *err) {
    int rc = 0;
    if (t->temporary) {
        if (fsync(t->fd) < 0 || rename(t->temporary, t->path) < 0) {
            rc = failed(t->path, "cannot be put in place", err);
        } else {
            mem_free(t->temporary);
            t->temporary = NULL;
        }
    }
    target_abandon(t);
    return rc;
}

void target_abandon(struct target *t) {
    if (t->fd >= 0) close(t->fd);
    if (t->temporary) unlink(t->temporary);
    mem_free(t->temporary);
    mem_free(t->path);
    *t = (struct target){.fd = -1};
}
