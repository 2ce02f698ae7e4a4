/* Sequences of cases become records; see genomes.h. */
#include "desks/tracing/genomes.h"

#include <stdio.h>
#include <string.h>

#include "desks/tracing/inside.h"
#include "engines/genome.h"
#include "files/fasta.h"
#include "files/source.h"

enum { BATCH = 100 };

struct taking {
    struct ledger *l;
    const struct session *s;
    const struct register_decl *genome, *kase;
    struct text reference, reference_name, key;
    struct arena arena;
    struct draft *drafts[BATCH];
    struct text names[BATCH];
    size_t n;
    void (*refused)(struct text name, const struct error *why, void *arg);
    void *arg;
    struct tracing_genomes done;
};

static void refuse(struct taking *t, struct text name, const struct error *why) {
    t->done.refused++;
    if (t->refused) t->refused(name, why, t->arg);
}

static int write(struct taking *t, struct error *err) {
    int rc = t->n ? ledger_begin(t->l, err) : 0;
    if (t->n && rc == 0) rc = ledger_end(t->l, record_apply(t->l, t->s, t->drafts, t->n, err), t->s->now, err);
    for (size_t i = 0; rc == 0 && i < t->n; i++) {
        enum draft_outcome o = t->drafts[i]->outcome;
        t->done.made += o == OUTCOME_CREATED;
        t->done.changed += o == OUTCOME_CHANGED;
        t->done.same += o == OUTCOME_UNCHANGED;
        if (o == OUTCOME_REJECTED) refuse(t, t->names[i], &t->drafts[i]->error);
    }
    t->n = 0;
    arena_reset(&t->arena);
    return rc;
}

static struct draft *draft_of(struct taking *t, const struct record *kase, struct text name, const struct genome *g, struct error *err) {
    struct draft *d = draft_new(&t->arena, t->genome, DRAFT_UPSERT);
    struct buf differences = {0}, unknown = {0};
    genome_write(g, t->reference, &differences, &unknown);
    int rc = d && !differences.failed && !unknown.failed ? 0 : error_memory(err);
    if (rc == 0) {
        d->region = kase->region;
        struct text a = arena_text(&t->arena, buf_view(&differences)), b = arena_text(&t->arena, buf_view(&unknown)), own = arena_text(&t->arena, name);
        const struct { const char *name; struct value v; } cells[] = {{"case", value_int(kase->id)}, {"accession", value_text(own)},
                                                                     {"reference", value_text(t->reference_name)}, {"length", value_int(g->length)},
                                                                     {"differences", a.n ? value_text(a) : value_null()}, {"unknown", b.n ? value_text(b) : value_null()}};
        rc = a.s && b.s && own.s ? 0 : error_memory(err);
        for (size_t i = 0; rc == 0 && i < sizeof cells / sizeof *cells; i++) rc = draft_put(d, cells[i].name, cells[i].v, err);
    }
    buf_clear(&differences);
    buf_clear(&unknown);
    return rc < 0 ? NULL : d;
}

static int one(struct taking *t, struct text name, struct text letters, struct error *err) {
    struct record kase;
    struct genome g;
    struct error why = {0};
    int64_t id;
    char keyed[256];
    t->done.sequences++;
    snprintf(keyed, sizeof keyed, "%.*s%.*s", (int)(t->key.n < 100 ? t->key.n : 100), t->key.s, (int)(name.n < 150 ? name.n : 150), name.s);
    int rc = t->key.n ? record_by_number(t->l, t->l->db, t->s, t->kase, text_of(keyed), &t->arena, &kase, &why) : text_int(name, &id) ? record_get(t->l, t->l->db, t->s, t->kase, id, &t->arena, &kase, &why) : record_by_number(t->l, t->l->db, t->s, t->kase, name, &t->arena, &kase, &why);
    if (rc == 0) rc = genome_of(t->reference, letters, &t->arena, &g, &why);
    if (rc == E_MEMORY) return *err = why, rc;
    if (rc < 0) return refuse(t, name, &why), 0;
    struct draft *d = draft_of(t, &kase, name, &g, err);
    if (!d) return err->code;
    t->names[t->n] = arena_text(&t->arena, name);
    t->drafts[t->n++] = d;
    return t->n == BATCH ? write(t, err) : 0;
}

/* A file, as stored or unpacked. */
static int bytes_read(const char *path, struct buf *b, struct error *err) {
    enum { PIECE = 1 << 20 };
    struct source *in = NULL;
    char *piece = mem_alloc(PIECE);
    int64_t n = 1;
    int rc = piece ? source_open(path, &in, err) : error_memory(err);
    while (rc == 0 && (n = source_read(in, piece, PIECE, err)) > 0)
        if (b->n + (size_t)n > TRACING_GENOMES_BYTES) rc = error_set(err, E_TOO_LARGE, path, "more than %d bytes of sequences / 序列文件过大", TRACING_GENOMES_BYTES);
        else if (buf_add(b, piece, (size_t)n) < 0) rc = error_memory(err);
    source_close(in);
    mem_free(piece);
    return rc == 0 && n < 0 ? (int)n : rc;
}

int tracing_genomes_import(struct ledger *l, const struct session *s, const char *reference, const char *path, const char *key, void (*refused)(struct text name, const struct error *why, void *arg),
                           void *arg, struct tracing_genomes *ret, struct error *err) {
    struct taking t = {.l = l, .s = s, .genome = register_find(l->catalog, TEXT("genome")), .kase = register_find(l->catalog, TEXT("case")), .refused = refused, .arg = arg, .key = text_of(key)};
    struct buf file = {0}, base = {0}, letters = {0};
    struct text name, rest;
    struct error own = {0};
    if (!err) err = &own;
    if (!t.genome || !t.kase) return error_set(err, E_UNKNOWN, "genome", "this catalog has no genomes / 没有基因组登记册");
    if (!access_anywhere(s, ACCESS_WRITE, t.genome)) return access_check(s, ACCESS_WRITE, t.genome, l->region, err);
    int rc = bytes_read(reference, &file, err);
    rest = buf_view(&file);
    if (rc == 0 && (!fasta_next(&rest, &name, &base) || !base.n || base.n > GENOME_LENGTH_MAX))
        rc = error_set(err, E_INVALID, reference, "no reference sequence of at most %d letters / 没有长度不超过 %d 的参考序列", GENOME_LENGTH_MAX, GENOME_LENGTH_MAX);
    char *kept = rc == 0 ? mem_alloc(name.n + 1) : NULL;
    if (rc == 0 && !kept) rc = error_memory(err);
    if (rc == 0) {
        memcpy(kept, name.s, name.n);
        t.reference_name = (struct text){kept, name.n < 100 ? name.n : 100};
        t.reference = buf_view(&base);
        file.n = 0;
        rc = bytes_read(path, &file, err);
        rest = buf_view(&file);
    }
    while (rc == 0 && fasta_next(&rest, &name, &letters)) rc = letters.failed ? error_memory(err) : one(&t, name, buf_view(&letters), err);
    if (rc == 0) rc = write(&t, err);
    arena_clear(&t.arena);
    mem_free(kept);
    buf_clear(&file);
    buf_clear(&base);
    buf_clear(&letters);
    if (rc == 0) *ret = t.done;
    return rc;
}
