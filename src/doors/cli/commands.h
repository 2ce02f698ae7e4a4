/* doors/cli: the handlers, one file a group. See commands.c for what each is called and takes. */
#ifndef TOCSIN_DOORS_CLI_COMMANDS_H
#define TOCSIN_DOORS_CLI_COMMANDS_H

#include "doors/cli/cli.h"

#define HANDLERS(X)                                                                                                                  \
    X(init) X(import) X(undo) X(record) X(show) X(doubles) X(journal) X(export) X(template) X(due) X(tick) X(report) X(policy_list) X(policy_show)         \
    X(policy_check) X(policy_diff) X(policy_adopt) X(region_shapes) X(person_show) X(person_merge) X(person_unmerge) X(person_erase) X(verify)        \
    X(backup) X(restore) X(retention) X(migrate) X(serve) X(account_list) X(account_add) X(account_unit) X(account_roles)               \
    X(account_password) X(account_lock) X(account_unlock) X(account_totp) X(account_sessions) X(account_token) X(account_tokens)         \
    X(account_revoke) X(account_demo) X(selftest) X(version) X(demo) X(help)                                                 \
    X(lab_receive) X(lab_results) X(lab_release) X(lab_correct) X(lab_recall) X(lab_waiting) X(lab_ticket) \
    X(visits_import) X(visits_status) X(visits_forget) X(visits_demo) X(trace) X(tracing_board) X(tracing_places) X(tracing_visitors) X(genomes_import) X(chains) X(city_generate) X(pooling) X(campaign_plan) \
    X(campaign_figures) X(campaign_missing) X(campaign_recount) X(campaign_rounds) X(campaign_forecast) X(sampling_sheets) X(sampling_import) X(sampling_pack)
#define X(name) int cmd_##name(struct cli *cli, struct error *err);
HANDLERS(X)
#undef X

#endif
