/* Sequences and lists of differences: taken in order and within the reference, or refused; what is written reads back the same. */
#include <stdlib.h>
#include <string.h>

#include "engines/genome.h"
#include "files/fasta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct genome *g) {
    for (size_t i = 0; i < g->n_snps; i++)
        if (!g->snps[i].at || (g->length && g->snps[i].at > g->length) || (i && g->snps[i].at <= g->snps[i - 1].at) || !strchr("ACGT", g->snps[i].base)) abort();
    for (size_t i = 0; i < g->n_unknown; i++)
        if (g->unknown[i].from >= g->unknown[i].to || (g->length && g->unknown[i].to > g->length + 1) || (i && g->unknown[i].from <= g->unknown[i - 1].to)) abort();
}

static void again(const struct genome *g, struct text reference, struct arena *a) {
    struct buf d = {0}, u = {0};
    struct genome h;
    genome_write(g, reference, &d, &u);
    if (genome_read(buf_view(&d), buf_view(&u), g->length, a, &h, NULL) < 0 || h.n_snps != g->n_snps || h.n_unknown != g->n_unknown || genome_distance(g, &h) > 0) abort();
    buf_clear(&d);
    buf_clear(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text rest = {(const char *)data, size < 4096 ? size : 4096}, name;
    struct buf reference = {0}, letters = {0};
    struct arena a = {0};
    struct genome g;
    size_t half = rest.n / 2;
    if (genome_read((struct text){rest.s, half}, (struct text){rest.s + half, rest.n - half}, 0, &a, &g, NULL) == 0) check(&g), again(&g, (struct text){"", 0}, &a);
    if (fasta_next(&rest, &name, &reference))
        while (fasta_next(&rest, &name, &letters))
            if (genome_of(buf_view(&reference), buf_view(&letters), &a, &g, NULL) == 0) check(&g), again(&g, buf_view(&reference), &a);
    buf_clear(&reference);
    buf_clear(&letters);
    arena_clear(&a);
    return 0;
}
