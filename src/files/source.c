#include "files/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { HEAD_MAX = 512, PACKED_MAX = 1 << 17 };

struct source {
    int fd; /* -1 over memory */
    const unsigned char *bytes;
    size_t bytes_n;
    int64_t total, pos; /* pos: next stored byte of the sequential reader, behind the head */
    unsigned char head[HEAD_MAX];
    size_t head_n, head_pos;
    bool seekable, gzip, ended;
    z_stream z;
    unsigned char *packed;
};

static voidpf zip_alloc(voidpf opaque, uInt items, uInt size) {
    (void)opaque;
    return mem_alloc((size_t)items * size);
}

static void zip_free(voidpf opaque, voidpf p) {
    (void)opaque;
    mem_free(p);
}

/* Stored bytes in order, the head first. */
static int64_t stored_read(struct source *s, void *out, size_t n, struct error *err) {
    if (s->head_pos < s->head_n) {
        size_t k = s->head_n - s->head_pos < n ? s->head_n - s->head_pos : n;
        memcpy(out, s->head + s->head_pos, k);
        s->head_pos += k;
        return (int64_t)k;
    }
    if (s->fd < 0) {
        size_t left = s->bytes_n - (size_t)s->pos, k = left < n ? left : n;
        if (k) memcpy(out, s->bytes + s->pos, k);
        s->pos += (int64_t)k;
        return (int64_t)k;
    }
    ssize_t k;
    do k = read(s->fd, out, n);
    while (k < 0 && errno == EINTR);
    if (k < 0)
        return error_set(err, error_from_errno(), NULL, "the file cannot be read: %s", strerror(errno));
    s->pos += k;
    return k;
}

static int source_start(struct source *s, struct error *err) {
    while (s->head_n < HEAD_MAX) {
        size_t keep = s->head_pos = s->head_n; /* read behind the head */
        int64_t k = stored_read(s, s->head + keep, HEAD_MAX - keep, err);
        if (k < 0) return (int)k;
        if (k == 0) break;
        s->head_n += (size_t)k;
    }
    s->head_pos = 0;
    s->gzip = s->head_n >= 3 && s->head[0] == 0x1F && s->head[1] == 0x8B && s->head[2] == 8;
    if (!s->gzip) return 0;
    s->packed = mem_alloc(PACKED_MAX);
    if (!s->packed) return error_memory(err);
    s->z.zalloc = zip_alloc;
    s->z.zfree = zip_free;
    if (inflateInit2(&s->z, 15 + 16) != Z_OK) return error_memory(err);
    return 0;
}

int source_open(const char *path, struct source **ret, struct error *err) {
    struct stat st;
    struct source *s = mem_alloc(sizeof *s);
    if (!s) return error_set(err, E_MEMORY, path, "out of memory");
    int rc = 0;
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) < 0) {
        rc = error_set(err, error_from_errno(), path, "cannot be opened for reading: %s", strerror(errno));
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        rc = error_set(err, E_IO, path, "is a directory, not a file");
        goto out;
    }
    s->seekable = S_ISREG(st.st_mode);
    s->total = s->seekable ? st.st_size : 0;
    rc = source_start(s, err);
    if (rc < 0) goto out;
    *ret = s;
    s = NULL;
out:
    source_close(s);
    return rc;
}

int source_open_bytes(const void *bytes, size_t n, struct source **ret, struct error *err) {
    struct source *s = mem_alloc(sizeof *s);
    if (!s) return error_memory(err);
    s->fd = -1;
    s->bytes = bytes;
    s->bytes_n = n;
    s->total = (int64_t)n;
    s->seekable = true;
    int rc = source_start(s, err);
    if (rc < 0)
        source_close(s);
    else
        *ret = s;
    return rc;
}

void source_close(struct source *s) {
    if (!s) return;
    if (s->z.state) inflateEnd(&s->z);
    mem_free(s->packed);
    if (s->fd >= 0) close(s->fd);
    mem_free(s);
}

struct text source_head(const struct source *s) {
    return (struct text){(const char *)s->head, s->head_n};
}

bool source_gzip(const struct source *s) {
    return s->gzip;
}

static int64_t unpack(struct source *s, void *out, size_t n, struct error *err) {
    s->z.next_out = out;
    s->z.avail_out = (uInt)(n > INT32_MAX ? INT32_MAX : n);
    uInt want = s->z.avail_out;
    while (s->z.avail_out == want) {
        if (s->z.avail_in == 0) {
            int64_t k = stored_read(s, s->packed, PACKED_MAX, err);
            if (k < 0) return k;
            if (k == 0) {
                if (s->ended) return 0;
                return error_set(err, E_SYNTAX, NULL, "the gzip file ends early: it was cut off in transfer");
            }
            s->z.next_in = s->packed;
            s->z.avail_in = (uInt)k;
        }
        if (s->ended) {
            /* another member may follow; padding of zeros may too, and ends the file */
            if (s->z.next_in[0] == 0) {
                s->z.avail_in--;
                s->z.next_in++;
                continue;
            }
            if (s->z.next_in[0] != 0x1F)
                return error_set(err, E_SYNTAX, NULL, "bytes that are not gzip follow the gzip data");
            inflateReset(&s->z);
            s->ended = false;
        }
        int z = inflate(&s->z, Z_NO_FLUSH);
        if (z == Z_STREAM_END)
            s->ended = true;
        else if (z == Z_MEM_ERROR)
            return error_memory(err);
        else if (z != Z_OK && z != Z_BUF_ERROR)
            return error_set(err, E_SYNTAX, NULL, "the gzip data is damaged");
    }
    return want - s->z.avail_out;
}

int64_t source_read(struct source *s, void *out, size_t n, struct error *err) {
    if (n == 0) return 0;
    return s->gzip ? unpack(s, out, n, err) : stored_read(s, out, n, err);
}

int64_t source_at(struct source *s, int64_t offset, void *out, size_t n) {
    if (!s->seekable || offset < 0) return E_IO;
    if (offset >= s->total) return 0;
    if ((int64_t)n > s->total - offset) n = (size_t)(s->total - offset);
    if (s->fd < 0) {
        memcpy(out, s->bytes + offset, n);
        return (int64_t)n;
    }
    size_t got = 0;
    while (got < n) {
        ssize_t k = pread(s->fd, (char *)out + got, n - got, offset + (int64_t)got);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return E_IO;
        if (k == 0) break;
        got += (size_t)k;
    }
    return (int64_t)got;
}

int64_t source_total(const struct source *s) {
    return s->total;
}

int64_t source_done(const struct source *s) {
    int64_t done = s->pos - (int64_t)(s->head_n - s->head_pos) - (s->gzip ? (int64_t)s->z.avail_in : 0);
    return done < 0 ? 0 : done;
}
