/* The night after the evening, a part of bench_chengdu.c: the laboratory's plates, the recall lists, and those who ask for their results. */
#ifndef TOCSIN_BENCH_CHENGDU_NIGHT_H
#define TOCSIN_BENCH_CHENGDU_NIGHT_H

/* The laboratory, a box for every plate there may be, and the tickets. */
static void night(struct evening *c) {
    struct arena a = {0};
    struct draft *d = bench_draft(&c->node, &a, "laboratory");
    set(d, "title", value_str("市疾控"));
    c->laboratory = bench_write(&c->node, d);
    struct draft **list = arena_alloc(&a, BOXES * sizeof *list);
    c->tickets = mem_alloc((size_t)c->city.persons * sizeof *c->tickets);
    if (!list || !c->tickets) exit(1);
    for (int i = 0; i < BOXES; i++) {
        list[i] = bench_draft(&c->node, &a, "box");
        set(list[i], "barcode", value_str(arena_printf(&a, "B%d", i)));
        set(list[i], "laboratory", value_int(c->laboratory));
    }
    bench_apply(&c->node, list, BOXES);
    for (int64_t i = 0; i < c->city.persons; i++) ticket_make(c->node.l->vault, c->city.ids[i], c->tickets[i]);
    arena_clear(&a);
}

/* ---- the night: plates of full tubes; box, run and release are a request each, sent again until they are answered */

static void full_tubes(struct evening *c) {
    for (int i = 0; i < CONNECTIONS; i++) c->full_of[i] = c->in_tube[i] % TUBE ? c->tube_of[i] - 1 : c->tube_of[i];
}

static bool positive(long tube) {
    return tube % 100 == 7;
}

/* The next full tube that is on no plate; the tables take turns. */
static bool tube_next(struct evening *c, int *at, char out[40], bool *ret_positive) {
    for (int looked = 0; looked < CONNECTIONS; looked++, *at = (*at + 1) % CONNECTIONS) {
        int i = *at;
        if (c->plated[i] >= c->full_of[i]) continue;
        snprintf(out, 40, "T%03d%07ld", i, ++c->plated[i]);
        *ret_positive = positive(c->plated[i] + i);
        *at = (*at + 1) % CONNECTIONS;
        return true;
    }
    return false;
}

static char plate_tubes[BOXES][PLATE][40]; /* of each box that was begun */
static bool plate_positive[BOXES][PLATE];

static bool plate_next(struct evening *c, struct plating *p) {
    static int at;
    int n = 0;
    if (c->n_boxes == BOXES) return c->taken++, false;
    p->serial = c->n_boxes;
    while (n < PLATE && tube_next(c, &at, plate_tubes[p->serial][n], &plate_positive[p->serial][n])) n++;
    if (n < PLATE) return c->taken++, false; /* what is left waits for the morning */
    c->n_boxes++;
    p->stage = PLATE_BOX;
    return true;
}

static void plate_wells(struct buf *b, int serial) {
    for (int i = 0; i < PLATE; i++)
        buf_printf(b, "{\"well\":\"%c%d\",\"tube\":\"%s\",\"ct\":{\"orf\":%s,\"n\":%s,\"ic\":28.5}},", 'A' + i / 12, i % 12 + 1, plate_tubes[serial][i], plate_positive[serial][i] ? "28.5" : "null",
                   plate_positive[serial][i] ? "29.5" : "null");
    buf_str(b, "{\"well\":\"H11\",\"tube\":\"NC\",\"ct\":{\"orf\":null,\"n\":null,\"ic\":28.5}},{\"well\":\"H12\",\"tube\":\"PC\",\"ct\":{\"orf\":28.5,\"n\":28.5,\"ic\":28.5}}]}");
}

static struct text plate_ask(void *arg, int i, double now) {
    struct evening *c = arg;
    struct plating *p = &c->plates[i];
    struct buf body = {0};
    char path[80] = "/api/v1/laboratory/boxes";
    if (p->pending) return now < c->device[i].not_before ? (struct text){"", 0} : buf_view(&p->bytes);
    if (p->stage == PLATE_NEXT && !plate_next(c, p)) return (struct text){"", 0};
    if (p->stage == PLATE_BOX) {
        buf_printf(&body, "{\"box\":\"B%d\",\"tubes\":[", p->serial);
        for (int k = 0; k < PLATE; k++) buf_printf(&body, "%s\"%s\"", k ? "," : "", plate_tubes[p->serial][k]);
        buf_str(&body, "]}");
    } else if (p->stage == PLATE_RUN) {
        snprintf(path, sizeof path, "/api/v1/laboratory/runs");
        buf_printf(&body, "{\"laboratory\":%lld,\"plate\":\"P%d\",\"started_at\":\"2022-09-02T17:00\",\"wells\":[", (long long)c->laboratory, p->serial);
        plate_wells(&body, p->serial);
    } else {
        snprintf(path, sizeof path, "/api/v1/laboratory/runs/%lld/release", (long long)p->run);
    }
    buf_reset(&p->bytes);
    load_request(&p->bytes, "POST", path, p->stage == PLATE_RELEASE ? "token-reviewer" : "token-bench-lab", "", p->stage == PLATE_RELEASE ? NULL : "application/json", buf_view(&body));
    if (p->stage == PLATE_RELEASE) {
        buf_reset(&p->bytes);
        load_request(&p->bytes, "POST", path, "token-reviewer", "Content-Length: 0\r\n", NULL, (struct text){"", 0});
    }
    buf_clear(&body);
    p->pending = true;
    return buf_view(&p->bytes);
}

static void plate_answered(void *arg, int i, const struct load_answer *a) {
    struct evening *c = arg;
    struct plating *p = &c->plates[i];
    bool good = a->status == 200 || a->status == 201 || (a->status == 409 && p->lost && p->stage == PLATE_RELEASE);
    if (!a->status || a->status == 503 || a->status == 429) {
        p->lost = p->lost || !a->status;
        c->device[i].not_before = wall_s() + 0.1;
        return;
    }
    c->taken += good;
    if (!good) {
        if (c->bad++ == 0) snprintf(c->first_bad, sizeof c->first_bad, "plate, step %d: %d %.*s", (int)p->stage, a->status, (int)(a->body.n < 240 ? a->body.n : 240), a->body.s);
        p->stage = PLATE_NEXT;
    } else if (p->stage == PLATE_RELEASE) {
        p->stage = PLATE_NEXT;
        c->done++;
    } else {
        if (p->stage == PLATE_RUN) p->run = sampled_member(a->body, "\"id\":");
        p->stage++;
    }
    p->pending = p->lost = false;
}

static struct text recall_ask(void *arg, int i, double now) {
    struct evening *c = arg;
    struct buf *b = &c->device[i].bytes;
    char body[60];
    (void)now;
    for (; c->asked < (long)c->n_boxes * PLATE; c->asked++) {
        if (!plate_positive[c->asked / PLATE][c->asked % PLATE]) continue;
        snprintf(body, sizeof body, "{\"tubes\":[\"%s\"]}", plate_tubes[c->asked / PLATE][c->asked % PLATE]);
        buf_reset(b);
        load_request(b, "POST", "/api/v1/laboratory/recalls", "token-tracer", "Tocsin-Purpose: recall\r\n", "application/json", text_of(body));
        c->asked++;
        return buf_view(b);
    }
    return (struct text){"", 0};
}

static int plates(struct evening *c, bool brief, int kills) {
    struct load_result r, again;
    double seconds = kills ? KILL_PATIENCE_S * kills : brief ? 2 : 10, cpu = serving_cpu_s(&c->serving), whole = 0;
    int missed = 0, done = c->done;
    full_tubes(c);
    for (int i = 0; i < CONNECTIONS; i++) whole += (double)(c->full_of[i] - c->plated[i]) / PLATE;
    c->begun = wall_s();
    c->kills = kills;
    c->kill_after = 1;
    c->taken = 0;
    c->until_killed = kills > 0;
    c->kill_at = KILL_EACH_S;
    c->down_s = 0;
    struct load w = {.port = c->serving.port, .connections = LAB, .seconds = seconds, .rate = kills ? whole * 3 / (kills * 1.5) : 0, .timeout_s = 30, .own_addresses = true, .ask = plate_ask, .answered = plate_answered, .stop = kill_it, .arg = c};
    if (load_run(&w, &r) < 0) exit(1);
    cpu = serving_cpu_s(&c->serving) - cpu;
    double tubes = (double)(c->done - done) * PLATE / r.seconds;
    printf(" plates a laboratory with %d at work: box, results, release by another person\n        %8.0f tubes/s, %.0f people/s (%d plates of %d tubes in %.1f s); no answer %ld; p50 %.1f p99 %.1f worst %.1f ms; %.0f us of processor a tube; %.0f MB (most %.0f)\n",
           LAB, tubes, tubes * TUBE, c->done - done, PLATE, r.seconds, r.unanswered, r.p50_ms, r.p99_ms, r.max_ms, kills || c->done == done ? 0 : cpu * 1e6 / (double)((c->done - done) * PLATE), serving_mb(&c->serving, "VmRSS:"), serving_mb(&c->serving, "VmHWM:"));
    if (kills) printf("        killed %d times, down for %.2f s at most\n", kills - c->kills, c->down_s);
    missed += c->kills > 0;
    c->until_killed = false;
    c->kills = 0;
    for (int turn = 0; turn < 200; turn++) { /* what was begun is brought to its end */
        bool open = false;
        for (int i = 0; i < LAB; i++) open = open || c->plates[i].stage != PLATE_NEXT;
        if (!open) break;
        int boxes = c->n_boxes;
        c->n_boxes = BOXES; /* no new ones */
        w = (struct load){.port = c->serving.port, .connections = LAB, .seconds = 0.2, .timeout_s = 30, .own_addresses = true, .ask = plate_ask, .answered = plate_answered, .arg = c};
        if (load_run(&w, &again) < 0) exit(1);
        c->n_boxes = boxes;
    }
    c->asked = 0;
    w = (struct load){.port = c->serving.port, .connections = 1, .seconds = 5, .timeout_s = 30, .own_addresses = true, .ask = recall_ask, .arg = c};
    if (load_run(&w, &again) < 0) exit(1);
    printf("        recall lists of %ld positive tubes, one after another: p50 %.1f p99 %.1f worst %.1f ms; %ld refused\n", again.by[2], again.p50_ms, again.p99_ms, again.max_ms, again.answers - again.by[2]);
    if (brief || kills) return missed + (again.by[2] != again.answers);
    missed += bench_verdict("tube results a second", tubes, "/s", 250, true);
    missed += bench_verdict("people told a second", tubes * TUBE, "/s", 2650, true);
    missed += bench_verdict("recall list, worst", again.max_ms, "ms", 1000, false);
    return missed + (again.by[2] != again.answers);
}

/* ---- citizens ask for their results */

static struct text ticket_ask(void *arg, int i, double now) {
    struct evening *c = arg;
    struct buf *b = &c->device[i].bytes, body = {0};
    (void)now;
    buf_printf(&body, "{\"ticket\":\"%s\"}", c->tickets[c->asked++ * 7919 % c->city.persons]);
    buf_reset(b);
    load_request(b, "POST", "/public/v1/results", "", "", "application/json", buf_view(&body));
    buf_clear(&body);
    return buf_view(b);
}

static void ticket_answered(void *arg, int i, const struct load_answer *a) {
    struct evening *c = arg;
    (void)i;
    c->early += a->status == 503 && a->retry_after_s < 1;
}

static struct load_result tickets(struct evening *c, const char *what, double rate, double seconds) {
    struct load_result r;
    double cpu = serving_cpu_s(&c->serving);
    struct load w = {.port = c->serving.port, .connections = CONNECTIONS, .seconds = seconds, .rate = rate, .timeout_s = 30, .own_addresses = true, .ask = ticket_ask, .answered = ticket_answered, .arg = c};
    if (load_run(&w, &r) < 0) exit(1);
    printf(" %-45s %8.0f answered/s, %.0f shed/s with 503, no answer %ld; p50 %.1f p99 %.1f p99.9 %.1f worst %.1f ms; %.0f us of processor an answer; %.0f MB\n", what, (double)r.by[2] / r.seconds,
           (double)r.by[0] / r.seconds, r.unanswered, r.p50_ms, r.p99_ms, r.p999_ms, r.max_ms, r.answers ? (serving_cpu_s(&c->serving) - cpu) * 1e6 / (double)r.answers : 0, serving_mb(&c->serving, "VmRSS:"));
    return r;
}

static int queries(struct evening *c, bool brief) {
    struct load_result r = tickets(c, "query  15,000 results a second asked", brief ? 1500 : 15000, brief ? 1 : 10);
    return brief ? r.by[2] != r.answers : bench_verdict("own results a second", (double)r.by[2] / r.seconds, "/s", 14250, true);
}

/* More than the server carries (15,000 a second), then less: what it takes it answers, the rest is told when to come again, and afterwards nobody is turned away. */
static int shed(struct evening *c, bool brief) {
    double seconds = brief ? 1 : 8;
    c->early = 0;
    struct load_result r = tickets(c, "shed   30,000 results a second asked", 30000, seconds), after;
    tickets(c, "       the second after it", 5000, 1);
    after = tickets(c, "       5,000 a second, after the storm", 5000, brief ? 1 : 5);
    int missed = r.unanswered != 0 || c->early != 0 || after.by[0] != 0 || after.by[2] != after.answers;
    printf("        %ld of those turned away were not told when to come again; %s\n", c->early, missed ? "NOT CLEAN" : "recovered by itself");
    return brief ? after.by[2] != after.answers : missed + bench_verdict("answered while shedding", (double)r.by[2] / r.seconds, "/s", 14250, true);
}

#endif
