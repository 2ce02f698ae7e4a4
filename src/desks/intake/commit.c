/* One prepared batch written in a transaction of its own; then outcomes counted, refused rows handed back. */
#include <stdio.h>
#include <string.h>

#include "desks/intake/batch.h"

void intake_note(struct intake *in, const struct intake_note *n) {
    in->counts.notes++;
    if (in->o.noted) in->o.noted(in->o.arg, n);
}

int batch_note(struct batch *b, enum intake_note_kind kind, int64_t line, const struct map_reason *why) {
    if (!arena_room(&b->arena, &b->notes, &b->cap_notes, b->n_notes + 1, sizeof *b->notes)) return E_MEMORY;
    struct text zh = arena_text(&b->arena, text_of(why->zh)), en = arena_text(&b->arena, text_of(why->en));
    if (!zh.s || !en.s) return E_MEMORY;
    b->notes[b->n_notes++] = (struct intake_note){.kind = kind, .line = line, .field = why->field, .zh = zh.s, .en = en.s};
    return 0;
}

static void refuse(struct intake *in, const struct row *r) {
    if (r->counted) { /* it is stored; only the second look failed */
        intake_note(in, &(struct intake_note){NOTE_REFERENCE, r->line, r->reason->field, r->reason->zh, r->reason->en, 0, 0});
        return;
    }
    in->counts.rows++;
    in->counts.rejected++;
    if (!in->o.rejected) return;
    struct intake_reject out = {.line = r->line, .n = r->n_cells, .cells = r->cells, .reason = r->reason};
    in->o.rejected(in->o.arg, &out);
}

/* ---- the writer's side */

static bool of_row(const struct row *r, const struct draft *d) {
    for (size_t k = 0; k < r->result.n; k++)
        if (r->drafts[k] == d) return true;
    return false;
}

/* Is one refused because it names a record of another row that was? What it names may be there all the same, and is looked for again without that row. */
static bool for_another(const struct batch *b, const struct row *r) {
    for (size_t k = 0; k < r->result.n; k++) {
        const struct draft *d = r->drafts[k];
        if (!d || d->outcome != OUTCOME_REJECTED || !d->links) continue;
        for (size_t f = 0; f < d->reg->n_fields; f++) {
            const struct draft *to = d->links[f] ? b->drafts[d->links[f] - 1] : NULL;
            if (to && to->outcome == OUTCOME_REJECTED && !of_row(r, to)) return true;
        }
    }
    return false;
}

/* What the apply said, row by row. Sets *ret_again when a refused row left something behind, or another was refused for it (once: it is the last word). */
static int verdicts(struct batch *b, bool once, bool *ret_again) {
    for (size_t i = 0; i < b->n; i++) {
        struct row *r = &b->rows[i];
        if (r->state != ROW_STORED) continue;
        bool left = false;
        if (!once && for_another(b, r)) {
            *ret_again = true;
            continue;
        }
        for (size_t k = 0; k < r->result.n; k++) {
            struct draft *d = r->drafts[k];
            if (!d) continue;
            left = left || d->outcome == OUTCOME_CREATED || d->outcome == OUTCOME_CHANGED;
            if (d->outcome != OUTCOME_REJECTED) continue;
            struct map_reason why;
            reason_of(&why, d->reg, &d->error);
            if (!r->result.items[k].optional) {
                row_refuse(b, r, &why);
                continue;
            }
            if (batch_note(b, NOTE_CELL, r->line, &why) < 0) return E_MEMORY;
            r->drafts[k] = NULL;
        }
        if (r->state == ROW_REJECTED && left) *ret_again = true;
    }
    return 0;
}

static int write_batch(struct intake *in, struct batch *b, struct error *err) {
    struct ledger *l = in->ledger;
    for (;;) {
        bool again = false;
        size_t told = b->n_notes;
        int rc = l->in_transaction ? 0 : ledger_begin(l, err);
        if (rc == 0) rc = batch_resolve(in, b, err);
        size_t resolved = b->n_notes;
        if (rc == 0 && b->n_drafts) rc = record_apply(l, &in->session, b->drafts, b->n_drafts, err);
        if (rc == 0 && verdicts(b, in->o.dry_run, &again) < 0) rc = error_memory(err);
        if (rc < 0) {
            ledger_rollback(l);
            return rc;
        }
        if (in->o.dry_run) return 0;
        if (!again) return ledger_commit(l, in->session.now, err);
        ledger_rollback(l); /* the refused rows are marked; the others are written without them, and what resolving said of them is said again */
        if (b->n_notes > resolved) memmove(b->notes + told, b->notes + resolved, (b->n_notes - resolved) * sizeof *b->notes);
        b->n_notes -= resolved - told;
    }
}

/* Later rows may refer to its records by what the list calls them. */
static int remember(struct intake *in, const struct row *r) {
    for (size_t k = 0; k < r->result.n; k++) {
        const struct draft *d = r->drafts[k];
        if (d && d->ret_id && r->result.items[k].outside_key.n && cache_put(in, d->key, d->ret_id) < 0) return E_MEMORY;
    }
    return 0;
}

/* A piece of a dry run: it never was, and neither was what it taught. */
static void forget_piece(struct intake *in) {
    ledger_rollback(in->ledger);
    arena_reset(&in->cache_arena);
    in->cache = (struct idmap){0};
    in->regions = (struct idmap){0};
}

int batch_write(struct intake *in, struct batch *b, struct error *err) {
    int rc = b->rc < 0 ? error_set(err, b->rc, NULL, "out of memory") : write_batch(in, b, err);
    if (rc == 0 && in->o.dry_run && in->o.pieces) {
        forget_piece(in);
        return 0;
    }
    for (size_t i = 0; rc == 0 && i < b->n; i++)
        if (b->rows[i].state == ROW_STORED && remember(in, &b->rows[i]) < 0) rc = error_memory(err);
    return rc;
}

/* ---- the door's side */

static int wait_for_end(struct intake *in, const struct row *r) {
    if (!mem_room(&in->waiting, &in->cap_waiting, in->n_waiting + 1, sizeof *in->waiting)) return E_MEMORY;
    struct waiting w = {.line = r->line, .content = r->content, .occurrence = r->occurrence, .counted = r->counted, .n_cells = r->n_cells};
    w.cells = arena_alloc(&in->waiting_arena, (r->n_cells + 1) * sizeof *w.cells);
    if (!w.cells) return E_MEMORY;
    for (size_t i = 0; i < r->n_cells; i++) {
        w.cells[i] = arena_text(&in->waiting_arena, r->cells[i]);
        if (!w.cells[i].s) return E_MEMORY;
    }
    in->waiting[in->n_waiting++] = w;
    return 0;
}

static void count_stored(struct intake *in, struct row *r) {
    const struct map_item *main_item = &r->result.items[r->result.main];
    enum draft_outcome outcome = OUTCOME_UNCHANGED;
    for (size_t k = 0; k < r->result.n; k++) {
        const struct draft *d = r->drafts[k];
        if (!d) continue;
        if (d->outcome == OUTCOME_CREATED || d->outcome == OUTCOME_CHANGED) in->counts.records++;
        if (r->result.items[k].reg != main_item->reg || r->result.items[k].only_new != main_item->only_new) continue;
        if (d->outcome == OUTCOME_CREATED) outcome = OUTCOME_CREATED;
        if (d->outcome == OUTCOME_CHANGED && outcome != OUTCOME_CREATED) outcome = OUTCOME_CHANGED;
    }
    if (r->counted) return;
    r->counted = true;
    in->counts.rows++;
    in->counts.matched += (int64_t)r->n_matched;
    in->counts.repaired += (int64_t)r->result.n_repairs;
    if (outcome == OUTCOME_CREATED)
        in->counts.created++;
    else if (outcome == OUTCOME_CHANGED)
        in->counts.changed++;
    else
        in->counts.unchanged++;
    for (size_t k = 0; k < r->result.n_notes; k++) {
        const struct map_reason *why = k < MAP_NOTES_MAX ? &r->result.notes[k] : NULL;
        if (why)
            intake_note(in, &(struct intake_note){NOTE_CELL, r->line, why->field, why->zh, why->en, 0, 0});
        else
            in->counts.notes++;
    }
}

static void tell_twin(struct intake *in, const struct row *r, struct draft **drafts, size_t n) {
    if (!r->twin_of || r->twin_of > n || (!r->twin && !r->twin_draft)) return;
    int64_t own = drafts[r->twin_of - 1]->ret_id, other = r->twin ? r->twin : r->twin_draft <= n ? drafts[r->twin_draft - 1]->ret_id : 0;
    if (!own || !other || own == other || drafts[r->twin_of - 1]->outcome != OUTCOME_CREATED) return;
    in->counts.candidates++;
    const char *zh = r->family ? "电话相同、姓名同音，但性别或年龄不同：可能是一家人，也可能重复，未合并" : "姓名、出生日期、性别与另一人相同，可能重复，未合并";
    const char *en = r->family ? "phone and sound of the name are those of another person, sex or age is not: of one family or perhaps the same, not merged"
                               : "name, birth date and sex are those of another person: perhaps the same, not merged";
    intake_note(in, &(struct intake_note){NOTE_DUPLICATE, r->line, TEXT("person"), zh, en, own, other});
}

/* What the ledger takes for a double is stored and told; so is what a row says otherwise of a known person. */
static void tell_similar(struct intake *in, const struct row *r) {
    for (size_t k = 0; k < r->result.n; k++) {
        const struct draft *d = r->drafts[k];
        bool person = d && d->reg == in->person;
        if (d && d->ret_aside)
            intake_note(in, &(struct intake_note){NOTE_OTHERWISE, r->line, d->reg->name,
                                                  person ? "已知人员，本行所报姓名、性别、出生日期或电话与已知不同，已存入“另报信息”" : "已有记录，本行所报与已存内容不同：已存内容不变，另存备查",
                                                  person ? "a known person, of whom the row says another name, sex, birth date or phone: kept under Also given"
                                                         : "a known record, of which the row says otherwise: what is known stays, the other word is noted in it",
                                                  d->ret_id, 0});
        if (!d || !d->ret_similar) continue;
        const struct similar *why = &d->reg->similar[d->ret_similar_rule];
        in->counts.similar++;
        intake_note(in, &(struct intake_note){NOTE_SIMILAR, r->line, d->reg->name, why->zh.s, why->en.s, d->ret_id, d->ret_similar});
    }
}

int batch_tell(struct intake *in, struct batch *b, struct error *err) {
    for (size_t i = 0; i < b->n_notes; i++) intake_note(in, &b->notes[i]);
    for (size_t i = 0; i < b->n; i++) {
        struct row *r = &b->rows[i];
        if (r->state == ROW_SKIPPED) {
            in->counts.skipped++;
            continue;
        }
        bool waits = !in->final && (r->state == ROW_LATER || (r->state == ROW_STORED && r->lacks));
        if (waits && in->waiting_arena.used > WAITING_BYTES_MAX) {
            waits = false;
            static const struct map_reason many = {
                .code = E_TOO_LARGE, .field = {"", 0}, .zh = "等待后文记录的行过多", .en = "too many rows wait for records further down"};
            if (r->state == ROW_LATER) row_refuse(b, r, &many);
        }
        if (r->state == ROW_STORED) {
            count_stored(in, r);
            tell_twin(in, r, b->drafts, b->n_drafts);
            tell_similar(in, r);
        }
        if (r->state == ROW_REJECTED) refuse(in, r);
        if (waits && wait_for_end(in, r) < 0) return error_memory(err);
    }
    return 0;
}
