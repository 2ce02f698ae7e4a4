/* desks/bulletin: the struct of figures. */
#include "desks/bulletin/bulletin.h"

void bulletin_init(struct bulletin *b) {
    *b = (struct bulletin){0};
    b->conversions = FIGURE_NONE;
    b->duties.loop_ppm = FIGURE_NONE;
    b->rounds.target = b->rounds.covered = FIGURE_NONE;
    b->previous_as_of = INSTANT_NONE;
    b->zone_s = ZONE_CHINA_S;
}

void bulletin_clear(struct bulletin *b) {
    if (!b) return;
    arena_clear(&b->arena);
    bulletin_init(b);
}

/* A sum with a withheld part is withheld. */
static int64_t sum_of(int64_t a, int64_t b) {
    return a < 0 || b < 0 ? FIGURE_HIDDEN : a + b;
}
int64_t bulletin_class_total(const struct bulletin_cases *c, int class) {
    return sum_of(sum_of(c->n[class][ORIGIN_LOCAL], c->n[class][ORIGIN_IMPORTED]), c->n[class][ORIGIN_UNKNOWN]);
}
int64_t bulletin_origin_total(const struct bulletin_cases *c, int origin) {
    return sum_of(c->n[CLASS_CONFIRMED][origin], c->n[CLASS_ASYMPTOMATIC][origin]);
}
int64_t bulletin_total(const struct bulletin_cases *c) {
    return sum_of(bulletin_class_total(c, CLASS_CONFIRMED), bulletin_class_total(c, CLASS_ASYMPTOMATIC));
}

void bulletin_margins(struct bulletin *b) {
    for (int c = 0; c < CLASSES; c++) b->fresh_class[c] = bulletin_class_total(&b->fresh, c);
    for (int o = 0; o < ORIGINS; o++) b->fresh_origin[o] = bulletin_origin_total(&b->fresh, o);
    b->fresh_total = bulletin_total(&b->fresh);
    for (size_t i = 0; i < b->n_regions; i++)
        for (int c = 0; c < CLASSES; c++) b->regions[i].fresh_total[c] = bulletin_class_total(&b->regions[i].fresh, c);
    for (size_t i = 0; i < b->n_diseases; i++)
        for (int c = 0; c < CLASSES; c++) b->diseases[i].fresh_total[c] = bulletin_class_total(&b->diseases[i].fresh, c);
}
