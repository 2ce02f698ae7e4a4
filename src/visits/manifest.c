#include "visits/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

void manifest_clear(struct manifest *m) {
    mem_free(m->forgotten);
    mem_free(m->segments);
    *m = (struct manifest){0};
}

bool manifest_forgot(const struct manifest *m, day d) {
    for (size_t i = 0; i < m->n_forgotten; i++)
        if (d >= m->forgotten[i].from && d < m->forgotten[i].until) return true;
    return false;
}

int manifest_forget(struct manifest *m, struct day_range r) {
    struct day_range *list = mem_realloc(m->forgotten, (m->n_forgotten + 1) * sizeof *list);
    size_t n = 0;
    if (!list) return E_MEMORY;
    m->forgotten = list;
    for (size_t i = 0; i < m->n_forgotten; i++) {
        if (list[i].from <= r.until && r.from <= list[i].until) {
            if (list[i].from < r.from) r.from = list[i].from;
            if (list[i].until > r.until) r.until = list[i].until;
        } else list[n++] = list[i];
    }
    if (n >= MANIFEST_FORGOTTEN_MAX) return E_TOO_LARGE;
    size_t at = n;
    for (; at > 0 && list[at - 1].from > r.from; at--) list[at] = list[at - 1];
    list[at] = r;
    m->n_forgotten = n + 1;
    return 0;
}

int manifest_add(struct manifest *m, const struct manifest_segment *s) {
    struct manifest_segment *list = mem_realloc(m->segments, (m->n_segments + 1) * sizeof *list);
    if (!list) return E_MEMORY;
    m->segments = list;
    size_t at = m->n_segments++;
    for (; at > 0 && list[at - 1].day > s->day; at--) list[at] = list[at - 1];
    list[at] = *s;
    return 0;
}

void manifest_remove(struct manifest *m, const char *name) {
    size_t n = 0;
    for (size_t i = 0; i < m->n_segments; i++)
        if (strcmp(m->segments[i].name, name) != 0) m->segments[n++] = m->segments[i];
    m->n_segments = n;
}

int manifest_copy(const struct manifest *m, struct manifest *ret) {
    struct manifest c = *m;
    c.forgotten = mem_alloc((m->n_forgotten + 1) * sizeof *c.forgotten);
    c.segments = mem_alloc((m->n_segments + 1) * sizeof *c.segments);
    if (!c.forgotten || !c.segments) {
        manifest_clear(&c);
        return E_MEMORY;
    }
    if (m->n_forgotten) memcpy(c.forgotten, m->forgotten, m->n_forgotten * sizeof *c.forgotten);
    if (m->n_segments) memcpy(c.segments, m->segments, m->n_segments * sizeof *c.segments);
    *ret = c;
    return 0;
}

/* Nothing but the characters of our own file names: a manifest never leads out of its folder. */
static bool name_valid(const char *s) {
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(s) && *s != '.';
}

static int line_take(struct manifest *m, const char *line, struct error *err) {
    struct manifest_segment s = {0};
    struct day_range r;
    unsigned long long a, b;
    int end = -1;
    if (sscanf(line, "zone %d%n", &m->zone_s, &end) == 1 && end >= 0) return 0;
    if (sscanf(line, "generation %llu%n", &a, &end) == 1 && end >= 0) return m->generation = a, 0;
    if (sscanf(line, "log %u%n", &m->log, &end) == 1 && end >= 0) return 0;
    if (sscanf(line, "names %31s %llu %u %u%n", m->names, &a, &m->n_persons, &m->n_places, &end) == 4 && end >= 0 && name_valid(m->names)) return m->names_bytes = a, 0;
    if (sscanf(line, "forgotten %d %d%n", &r.from, &r.until, &end) == 2 && end >= 0 && r.from < r.until && r.until <= DAY_MAX)
        return manifest_forget(m, r);
    if (sscanf(line, "segment %d %31s %llu %llu%n", &s.day, s.name, &a, &b, &end) == 4 && end >= 0 && name_valid(s.name) && s.day >= DAY_MIN && s.day <= DAY_MAX) {
        s.rows = a;
        s.bytes = b;
        return manifest_add(m, &s);
    }
    return error_set(err, E_CORRUPT, "manifest", "the list of the visit store has a line that is none of its own / 出入记录清单有无法识别的行");
}

int manifest_parse(struct text t, struct manifest *ret, struct error *err) {
    static const char first[] = "tocsin visits ";
    struct manifest m = {0};
    char line[160];
    size_t at = 0, crc_at = 0;
    int rc = 0, version = 0;
    bool ended = false;
    for (int n = 0; rc == 0 && at < t.n && !ended; n++) {
        const char *nl = memchr(t.s + at, '\n', t.n - at);
        size_t len = nl ? (size_t)(nl - (t.s + at)) : t.n - at;
        if (!nl || len >= sizeof line || memchr(t.s + at, 0, len)) {
            rc = error_set(err, E_CORRUPT, "manifest", "the list of the visit store is cut short / 出入记录清单不完整");
            break;
        }
        memcpy(line, t.s + at, len);
        line[len] = 0;
        crc_at = at;
        at += len + 1;
        if (n == 0) {
            if (strncmp(line, first, sizeof first - 1) != 0) rc = error_set(err, E_CORRUPT, "manifest", "not the list of a visit store / 不是出入记录清单");
            else if ((version = atoi(line + sizeof first - 1)) != 1)
                rc = error_set(err, E_UNSUPPORTED, "manifest", "a visit store of version %d; this program reads 1 / 出入记录库版本不符", version);
        } else if (strncmp(line, "end ", 4) == 0) {
            ended = true;
            if ((uint32_t)strtoul(line + 4, NULL, 16) != (uint32_t)crc32(0, (const Bytef *)t.s, (uInt)crc_at))
                rc = error_set(err, E_CORRUPT, "manifest", "the list of the visit store is damaged / 出入记录清单已损坏");
        } else rc = line_take(&m, line, err);
    }
    if (rc == 0 && !ended) rc = error_set(err, E_CORRUPT, "manifest", "the list of the visit store is cut short / 出入记录清单不完整");
    if (rc < 0) {
        if (err && !err->code) error_set(err, rc, "manifest", "no memory for the list of the visit store / 内存不足");
        manifest_clear(&m);
    } else *ret = m;
    return rc;
}

int manifest_read(const char *dir, struct manifest *ret, struct error *err) {
    char path[1200];
    struct buf b = {0};
    snprintf(path, sizeof path, "%s/manifest", dir);
    if (access(path, F_OK) < 0 && errno == ENOENT) return error_set(err, E_UNKNOWN, dir, "there is no visit store here / 此处没有出入记录库");
    int rc = file_read(path, MANIFEST_BYTES_MAX, &b, err);
    if (rc == 0) rc = manifest_parse(buf_view(&b), ret, err);
    buf_clear(&b);
    return rc;
}

int folder_sync(const char *dir, struct error *err) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? error_from_errno() : 0;
    if (rc < 0) error_set(err, rc, dir, "the folder of visits cannot be synced: %s / 无法同步目录", strerror(errno));
    if (fd >= 0) close(fd);
    return rc;
}

int manifest_write(const char *dir, const struct manifest *m, struct error *err) {
    char tmp[1200], path[1200];
    struct buf b = {0};
    buf_printf(&b, "tocsin visits 1\nzone %d\ngeneration %llu\nlog %u\n", m->zone_s, (unsigned long long)m->generation, m->log);
    if (*m->names) buf_printf(&b, "names %s %llu %u %u\n", m->names, (unsigned long long)m->names_bytes, m->n_persons, m->n_places);
    for (size_t i = 0; i < m->n_forgotten; i++) buf_printf(&b, "forgotten %d %d\n", m->forgotten[i].from, m->forgotten[i].until);
    for (size_t i = 0; i < m->n_segments; i++)
        buf_printf(&b, "segment %d %s %llu %llu\n", m->segments[i].day, m->segments[i].name, (unsigned long long)m->segments[i].rows, (unsigned long long)m->segments[i].bytes);
    uint32_t crc = b.failed ? 0 : (uint32_t)crc32(0, (const Bytef *)b.s, (uInt)b.n);
    buf_printf(&b, "end %08x\n", crc);
    if (b.failed) {
        int rc = b.failed;
        buf_clear(&b);
        return error_set(err, rc, dir, "no memory for the list of the visit store / 内存不足");
    }
    snprintf(tmp, sizeof tmp, "%s/manifest.tmp", dir);
    snprintf(path, sizeof path, "%s/manifest", dir);
    int fd = open(tmp, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600), rc = fd < 0 ? error_from_errno() : 0;
    for (size_t at = 0; rc == 0 && at < b.n;) {
        ssize_t done = write(fd, b.s + at, b.n - at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) rc = error_from_errno();
        else at += (size_t)done;
    }
    if (rc == 0 && fsync(fd) < 0) rc = error_from_errno();
    if (rc == 0 && rename(tmp, path) < 0) rc = error_from_errno();
    if (rc < 0) error_set(err, rc, path, "the list of the visit store cannot be written: %s / 无法写入出入记录清单", strerror(errno));
    if (fd >= 0) close(fd);
    if (rc < 0) unlink(tmp);
    buf_clear(&b);
    return rc < 0 ? rc : folder_sync(dir, err);
}
