/* Opening and closing, names, what there is. */
#include "visits/inside.h"
#include "visits/remote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_ROWS = 1 << 20, MERGE_ROWS = 1 << 25, OPEN_TRIES = 5 };

/* ---- a file as bytes */
struct mapped {
    const uint8_t *bytes;
    size_t n;
};

static int mapped_open(const char *path, struct mapped *ret, struct error *err) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    *ret = (struct mapped){0};
    if (fd < 0 || fstat(fd, &st) < 0) rc = error_set(err, errno == ENOENT ? E_CORRUPT : error_from_errno(), path, "cannot be opened: %s / 无法打开", strerror(errno));
    else if (st.st_size > 0) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) rc = error_set(err, error_from_errno(), path, "cannot be mapped: %s / 无法映射", strerror(errno));
        else *ret = (struct mapped){map, (size_t)st.st_size};
    }
    if (fd >= 0) close(fd);
    return rc;
}

static void mapped_close(struct mapped *m) {
    if (m->bytes) munmap((void *)(uintptr_t)m->bytes, m->n);
}

/* ---- replay */
static int names_take(struct names *m, struct text piece, uint32_t first, uint32_t n) {
    struct text name;
    uint8_t class_of;
    int rc = 0;
    while (rc == 0 && names_count(m) < first && names_count(m) < first + n) rc = names_append(m, (struct text){"", 0}, 0); /* lost to damage */
    for (uint32_t i = 0; rc == 0 && i < n && frame_name_next(&piece, &name, &class_of); i++)
        if (first + i >= names_count(m)) rc = names_append(m, name, class_of);
    return rc;
}

struct replay {
    struct visits *v;
    struct group g;
    bool names_only;
};

static int frame_take(void *arg, const struct frame *f, struct error *err) {
    struct replay *r = arg;
    struct visits *v = r->v;
    struct buffer *b = v->active;
    struct text changes = f->changes;
    uint32_t place;
    uint8_t class_of;
    int rc = names_take(&v->persons, f->persons, f->first_person, f->n_persons);
    if (rc == 0) rc = names_take(&v->places, f->places, f->first_place, f->n_places);
    while (rc == 0 && frame_change_next(&changes, &place, &class_of)) names_set_class(&v->places, place, class_of);
    if (rc == 0 && !r->names_only) rc = buf_text(&v->unsaved, f->changes);
    r->g.n_pieces = 0;
    for (uint32_t i = 0; rc == 0 && i < f->n_rows; i++) {
        struct frame_row row = frame_row_at(f, i);
        size_t first = r->g.n_pieces;
        if (row.person >= (1u << 28) || row.place >= (1u << 28) || row.start < -(int64_t)200000 * DAY_S || row.start > (int64_t)DAY_MAX * DAY_S ||
            row.length_s > (uint32_t)VISITS_DAYS_MAX * DAY_S)
            return error_set(err, E_CORRUPT, "log", "a row of the append log is impossible / 追加日志中有不可能的记录");
        rc = pieces_add(&r->g, v->zone_s, &row);
        while (r->g.n_pieces > first && manifest_forgot(&v->manifest, r->g.pieces[r->g.n_pieces - 1].day)) r->g.n_pieces--;
        while (rc == 0 && names_count(&v->persons) <= row.person) rc = names_append(&v->persons, (struct text){"", 0}, 0);
        while (rc == 0 && names_count(&v->places) <= row.place) rc = names_append(&v->places, (struct text){"", 0}, 0);
    }
    if (rc == 0) rc = buffer_reserve(b, r->g.pieces, r->g.n_pieces);
    if (rc < 0) return error_set(err, rc, NULL, "no memory for the append log / 内存不足");
    buffer_add(b, r->g.pieces, r->g.n_pieces);
    v->log.next = f->number + 1;
    return 0;
}

static int names_load(struct visits *v, struct error *err) {
    char path[1200];
    struct mapped m;
    struct replay r = {.v = v, .names_only = true};
    size_t end;
    int damaged, rc;
    if (!*v->manifest.names) return 0;
    snprintf(path, sizeof path, "%s/%s", v->dir, v->manifest.names);
    if ((rc = mapped_open(path, &m, err)) < 0) return rc;
    if (m.n < v->manifest.names_bytes) rc = error_set(err, E_CORRUPT, path, "the names of the visit store are cut short / 名称表不完整");
    if (rc == 0) rc = frames_replay(m.bytes, (size_t)v->manifest.names_bytes, frame_take, &r, &end, &damaged, err);
    if (rc == 0 && damaged) v->log_damaged += damaged;
    while (rc == 0 && names_count(&v->persons) < v->manifest.n_persons) rc = names_append(&v->persons, (struct text){"", 0}, 0), v->log_damaged |= 1;
    while (rc == 0 && names_count(&v->places) < v->manifest.n_places) rc = names_append(&v->places, (struct text){"", 0}, 0), v->log_damaged |= 1;
    mem_free(r.g.pieces);
    mapped_close(&m);
    return rc < 0 ? error_set(err, rc, path, "no memory for names / 内存不足") : 0;
}

static int logs_load(struct visits *v, uint32_t last, uint64_t *ret_end, struct error *err) {
    struct replay r = {.v = v};
    int rc = 0;
    *ret_end = 0;
    for (uint32_t n = v->manifest.log; rc == 0 && n <= last; n++) {
        char name[24], path[1200];
        struct mapped m;
        size_t end = 0;
        int damaged = 0;
        frames_name(n, name);
        snprintf(path, sizeof path, "%s/%s", v->dir, name);
        if (access(path, F_OK) < 0) continue;
        if ((rc = mapped_open(path, &m, err)) < 0) break;
        rc = frames_replay(m.bytes, m.n, frame_take, &r, &end, &damaged, err);
        v->log_damaged += damaged;
        *ret_end = end;
        mapped_close(&m);
    }
    mem_free(r.g.pieces);
    return rc;
}

/* ---- the folder */
/* Largest log in the folder, at least `least`; with `clean`, files that the manifest does not name go. */
static uint32_t folder_look(struct visits *v, uint32_t least, bool clean) {
    DIR *d = opendir(v->dir);
    uint32_t last = least;
    for (struct dirent *e; d && (e = readdir(d));) {
        unsigned n;
        int end = -1;
        bool mine = false, kept = false;
        if (sscanf(e->d_name, "log-%8u%n", &n, &end) == 1 && end >= 0 && !e->d_name[end]) {
            mine = true;
            kept = n >= v->manifest.log;
            if (n > last) last = n;
        } else if (strncmp(e->d_name, "names-", 6) == 0) mine = true, kept = strcmp(e->d_name, v->manifest.names) == 0;
        else if (e->d_name[0] == 'd' && strstr(e->d_name, ".seg")) {
            mine = true;
            for (size_t i = 0; i < v->manifest.n_segments && !kept; i++) kept = strcmp(e->d_name, v->manifest.segments[i].name) == 0;
        } else mine = strcmp(e->d_name, "manifest.tmp") == 0;
        if (clean && mine && !kept) unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d) closedir(d);
    return last;
}

static int lock_take(struct visits *v, struct error *err) {
    char path[1200];
    snprintf(path, sizeof path, "%s/lock", v->dir);
    v->lock_fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (v->lock_fd < 0) return error_set(err, error_from_errno(), path, "the visit store cannot be opened: %s / 无法打开出入记录库", strerror(errno));
    if (flock(v->lock_fd, LOCK_EX | LOCK_NB) == 0) return 0;
    return error_set(err, E_BUSY, v->dir, "another process writes to this visit store / 另一进程正在写入出入记录库");
}

static int segments_load(struct visits *v, struct view *w, struct error *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < v->manifest.n_segments; i++) {
        const struct manifest_segment *m = &v->manifest.segments[i];
        struct segment *s = NULL;
        if (segment_open(v->dir, m->name, &s, NULL) < 0) s = NULL; /* set aside: the rest is served */
        if (s && s->head.day != m->day) segment_close(s), s = NULL;
        rc = view_add(w, s, m->day);
        if (rc < 0) segment_close(s);
    }
    return rc < 0 ? error_set(err, rc, v->dir, "no memory for the visit store / 内存不足") : 0;
}

static int store_make(struct visits *v, const struct visits_options *o, struct error *err) {
    struct manifest m = {.zone_s = o->zone_s, .log = 1};
    if (mkdir(o->dir, 0700) < 0 && errno != EEXIST)
        return error_set(err, error_from_errno(), o->dir, "the visit store cannot be made: %s / 无法建立出入记录库", strerror(errno));
    int rc = lock_take(v, err);
    if (rc == 0 && manifest_read(o->dir, &v->manifest, NULL) == 0) return 0; /* somebody was faster */
    if (rc == 0) rc = manifest_write(o->dir, &m, err);
    if (rc == 0) v->manifest = m;
    return rc;
}

static void *upkeep_thread(void *arg) {
    struct visits *v = arg;
    pthread_mutex_lock(&v->lock);
    for (;;) {
        while (!v->wanted && !v->ending) pthread_cond_wait(&v->moved, &v->lock);
        if (v->ending) break;
        v->wanted = false;
        pthread_mutex_unlock(&v->lock);
        (void)visits_flush(v, NULL); /* what fails stays in the log and the buffer, and is tried again with the next full one */
        pthread_mutex_lock(&v->lock);
    }
    pthread_mutex_unlock(&v->lock);
    return NULL;
}

/* Reads everything the manifest names. A reader beside a writer may find files gone: the caller tries again. */
static int store_load(struct visits *v, struct error *err) {
    struct buffer *b = buffer_new();
    struct view *w = b ? view_make(NULL, NULL, b) : NULL;
    uint64_t end = 0;
    if (!w) {
        buffer_free(b);
        return error_set(err, E_MEMORY, v->dir, "no memory for the visit store / 内存不足");
    }
    atomic_store(&v->view, w);
    v->active = b;
    v->zone_s = v->manifest.zone_s;
    v->log.next = 1;
    int rc = names_load(v, err);
    v->log.next = 1;
    if (rc == 0) rc = segments_load(v, w, err);
    uint32_t last = folder_look(v, v->manifest.log, !v->read_only);
    if (rc == 0) rc = logs_load(v, last, &end, err);
    if (rc == 0 && !v->read_only) rc = frames_open(v->dir, last, end, v->log.next, &v->log, err);
    if (rc == 0 && !v->read_only) rc = folder_sync(v->dir, err);
    v->logged_persons = names_count(&v->persons);
    v->logged_places = names_count(&v->places);
    return rc;
}

static int store_open(const struct visits_options *o, struct visits **ret, struct error *err) {
    struct visits *v = mem_alloc(sizeof *v);
    struct error why = {0};
    if (!v) return error_set(err, E_MEMORY, o->dir, "no memory for the visit store / 内存不足");
    snprintf(v->dir, sizeof v->dir, "%s", o->dir);
    v->lock_fd = v->log.fd = -1;
    v->read_only = o->read_only;
    v->buffer_rows = o->buffer_rows ? o->buffer_rows : BUFFER_ROWS;
    v->merge_rows = o->merge_rows ? o->merge_rows : MERGE_ROWS;
    pthread_mutex_init(&v->names_lock, NULL);
    pthread_mutex_init(&v->lock, NULL);
    pthread_mutex_init(&v->upkeep, NULL);
    pthread_cond_init(&v->moved, NULL);
    names_init(&v->persons, 0x5bd1e9955bd1e995ull);
    names_init(&v->places, 0x5bd1e9955bd1e995ull);
    if (remote_url(o->dir)) {
        snprintf(v->dir, sizeof v->dir, "postgresql");
        int opened = remote_open(v, o, &why);
        if (opened < 0) {
            visits_close(v);
            if (err && !err->code) *err = why;
        } else *ret = v;
        return opened;
    }
    int rc = manifest_read(o->dir, &v->manifest, &why);
    if (rc == E_UNKNOWN && o->create && !o->read_only) {
        why = (struct error){0};
        rc = store_make(v, o, &why);
    } else if (rc == 0 && !o->read_only) {
        rc = lock_take(v, &why);
        if (rc == 0) { /* it may have changed before the lock was ours */
            manifest_clear(&v->manifest);
            rc = manifest_read(o->dir, &v->manifest, &why);
        }
    }
    if (rc == 0) rc = store_load(v, &why);
    if (rc == 0 && o->background && !o->read_only) {
        v->background = pthread_create(&v->thread, NULL, upkeep_thread, v) == 0;
        if (!v->background) rc = error_set(&why, E_MEMORY, NULL, "no thread for the visit store / 无法建立线程");
    }
    if (rc < 0) {
        visits_close(v);
        if (err && !err->code) *err = why;
    } else *ret = v;
    return rc;
}

/* Whether a writer replaced the manifest while it was being read. */
static bool store_moved(const struct visits *v) {
    struct manifest now;
    if (manifest_read(v->dir, &now, NULL) < 0) return false;
    bool moved = now.generation != v->manifest.generation || now.log != v->manifest.log;
    manifest_clear(&now);
    return moved;
}

int visits_open(const struct visits_options *o, struct visits **ret, struct error *err) {
    struct visits *v = NULL;
    for (int tries = 0;; tries++) {
        struct error why = {0};
        int rc = store_open(o, &v, &why);
        if (rc == 0 && (v->remote || !o->read_only || tries == OPEN_TRIES || !store_moved(v))) break;
        if (rc < 0 && (!o->read_only || remote_url(o->dir) || tries == OPEN_TRIES || rc != E_CORRUPT)) {
            if (err && !err->code) *err = why;
            return rc;
        }
        visits_close(v);
        v = NULL;
    }
    *ret = v;
    return 0;
}

void visits_close(struct visits *v) {
    if (!v) return;
    remote_close(v->remote);
    if (v->background) {
        pthread_mutex_lock(&v->lock);
        v->ending = true;
        pthread_cond_broadcast(&v->moved);
        pthread_mutex_unlock(&v->lock);
        pthread_join(v->thread, NULL);
    }
    view_free(atomic_load(&v->view));
    views_reclaim(v, true);
    frames_close(&v->log);
    if (v->lock_fd >= 0) close(v->lock_fd);
    names_clear(&v->persons);
    names_clear(&v->places);
    buf_clear(&v->changes);
    buf_clear(&v->unsaved);
    manifest_clear(&v->manifest);
    group_free(v->open);
    pthread_mutex_destroy(&v->names_lock);
    pthread_mutex_destroy(&v->lock);
    pthread_mutex_destroy(&v->upkeep);
    pthread_cond_destroy(&v->moved);
    mem_free(v);
}

bool visits_writable(const struct visits *v) {
    return !v->read_only;
}

int32_t visits_zone(const struct visits *v) {
    return v->zone_s;
}

/* ---- names */
int visits_name(struct visits *v, enum visits_kind kind, struct text name, uint32_t *ret, struct error *err) {
    struct names *m = kind == VISITS_PERSON ? &v->persons : &v->places;
    bool fresh;
    if (v->remote) return remote_names(v, kind, &name, 1, ret, err);
    uint32_t id = names_find(m, name);
    int rc = 0;
    if (id == NAME_NONE) {
        pthread_mutex_lock(&v->names_lock);
        rc = names_put(m, name, &id, &fresh);
        pthread_mutex_unlock(&v->names_lock);
    }
    if (rc < 0) return error_set(err, rc, NULL, rc == E_INVALID ? "a name is empty or longer than 200 bytes / 名称为空或过长" : "no room for a name / 名称过多或内存不足");
    *ret = id;
    return 0;
}

int visits_names(struct visits *v, enum visits_kind kind, const struct text *names, size_t n, uint32_t *ret, struct error *err) {
    int rc = 0;
    if (v->remote) return remote_names(v, kind, names, n, ret, err);
    names_find_many(kind == VISITS_PERSON ? &v->persons : &v->places, names, n, ret);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (ret[i] == NAME_NONE) rc = visits_name(v, kind, names[i], &ret[i], err);
    return rc;
}

bool visits_find(const struct visits *v, enum visits_kind kind, struct text name, uint32_t *ret) {
    uint32_t id = names_find(kind == VISITS_PERSON ? &v->persons : &v->places, name);
    if (id != NAME_NONE) *ret = id;
    return id != NAME_NONE;
}

struct text visits_text(const struct visits *v, enum visits_kind kind, uint32_t id) {
    return names_text(kind == VISITS_PERSON ? &v->persons : &v->places, id);
}

uint32_t visits_count(const struct visits *v, enum visits_kind kind) {
    return names_count(kind == VISITS_PERSON ? &v->persons : &v->places);
}

uint8_t visits_class(const struct visits *v, uint32_t place) {
    return names_class(&v->places, place);
}

void visits_set_class(struct visits *v, uint32_t place, uint8_t class_of) {
    uint8_t change[5];
    if (names_class(&v->places, place) == class_of) return;
    pthread_mutex_lock(&v->names_lock);
    names_set_class(&v->places, place, class_of);
    memcpy(change, &place, 4);
    change[4] = class_of;
    buf_add(&v->changes, change, 5);
    if (!v->remote) buf_add(&v->unsaved, change, 5);
    pthread_mutex_unlock(&v->names_lock);
}

/* ---- what there is */
static struct visits_day *status_day(struct visits_status *s, day d) {
    if (!s->n_days || s->days[s->n_days - 1].day != d) s->days[s->n_days++] = (struct visits_day){.day = d};
    return &s->days[s->n_days - 1];
}

int visits_status(struct visits *v, bool verify, struct visits_status *ret, struct error *err) {
    if (v->remote) return remote_status(v, ret, err);
    struct visits_status s = {.persons = visits_count(v, VISITS_PERSON), .places = visits_count(v, VISITS_PLACE), .forgotten_until = DAY_MIN};
    pthread_mutex_lock(&v->upkeep); /* files stay while they are looked at */
    struct view *w = atomic_load(&v->view);
    s.days = arena_alloc(&s.arena, (w->n + 1) * sizeof *s.days);
    if (!s.days) {
        pthread_mutex_unlock(&v->upkeep);
        return error_memory(err);
    }
    for (size_t i = 0; i < w->n; i++) {
        struct segment *g = w->segments[i].segment;
        struct visits_day *d = status_day(&s, w->segments[i].day);
        if (g && verify) (void)segment_check(g, NULL); /* remembers the damage itself */
        d->files++;
        d->damaged |= !g || atomic_load(&g->damaged);
        d->rows += g ? g->head.rows : 0;
        d->bytes += g ? g->bytes : 0;
        s.rows += g ? g->head.rows : 0;
        s.bytes += g ? g->bytes : 0;
    }
    for (int k = 0; k < w->n_buffers; k++) s.buffered += buffer_count(w->buffers[k]);
    pthread_mutex_lock(&v->lock);
    lead_begin(v);
    s.log_bytes = v->log.at;
    lead_end(v);
    s.log_damaged = v->log_damaged;
    for (size_t i = 0; i < v->manifest.n_forgotten; i++) s.forgotten_until = v->manifest.forgotten[i].until;
    pthread_mutex_unlock(&v->lock);
    pthread_mutex_unlock(&v->upkeep);
    *ret = s;
    return 0;
}

void visits_status_clear(struct visits_status *s) {
    arena_clear(&s->arena);
}
