/* Preloaded into a victim: the n-th call that writes to a regular file fails, alone or with all after it. Pipes and terminals are spared.
 *   TOCSIN_NIGHT_FAULT=N[,STICKY[,ERRNO]]   N from 1; STICKY 0 or 1; ERRNO 5 (EIO) when not given */
#undef _FILE_OFFSET_BITS /* both names of each call are wanted */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long calls, at = -1, sticky, number = EIO;

static int fails(int fd) {
    struct stat st;
    if (at < 0) {
        char *s = getenv("TOCSIN_NIGHT_FAULT"), *end = NULL;
        at = s ? strtol(s, &end, 10) : 0;
        if (end && *end == ',') sticky = strtol(end + 1, &end, 10);
        if (end && *end == ',') number = strtol(end + 1, &end, 10);
    }
    if (!at || (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))) return 0;
    calls++;
    if (calls < at || (calls > at && !sticky)) return 0;
    errno = (int)number;
    return 1;
}

#define REAL(type, name, ...)                                                                                \
    static type (*real)(__VA_ARGS__);                                                                        \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

#define WRITE(name)                                                                                          \
    ssize_t name(int fd, const void *bytes, size_t n);                                                       \
    ssize_t name(int fd, const void *bytes, size_t n) {                                                      \
        REAL(ssize_t, name, int, const void *, size_t);                                                      \
        return fails(fd) ? -1 : real(fd, bytes, n);                                                          \
    }
#define PWRITE(name, offset)                                                                                 \
    ssize_t name(int fd, const void *bytes, size_t n, offset from);                                          \
    ssize_t name(int fd, const void *bytes, size_t n, offset from) {                                         \
        REAL(ssize_t, name, int, const void *, size_t, offset);                                              \
        return fails(fd) ? -1 : real(fd, bytes, n, from);                                                    \
    }
#define SYNC(name)                                                                                           \
    int name(int fd);                                                                                        \
    int name(int fd) {                                                                                       \
        REAL(int, name, int);                                                                                \
        return fails(fd) ? -1 : real(fd);                                                                    \
    }
#define CUT(name, offset)                                                                                    \
    int name(int fd, offset to);                                                                             \
    int name(int fd, offset to) {                                                                            \
        REAL(int, name, int, offset);                                                                        \
        return fails(fd) ? -1 : real(fd, to);                                                                \
    }
WRITE(write)
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
SYNC(fsync)
SYNC(fdatasync)
CUT(ftruncate, off_t)
CUT(ftruncate64, off64_t)

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    return fails(-1) ? -1 : real(from, to);
}
