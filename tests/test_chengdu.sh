#!/usr/bin/env bash
# The city's evening and night in short (bench/bench_chengdu.c), on both stores: burst, retry storm, batches, plates, results by ticket, shedding; then a server that is killed again and
# again in the burst and between plates (TOCSIN_NIGHT_ROUNDS times each, else 3). Every acknowledged swab is in the store once, every member of a recalled tube is to be held once.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
build=${TOCSIN_BUILD:-build}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
read -ra stores <<<"${TOCSIN_TEST_STORES:-sqlite}"
rounds=${TOCSIN_NIGHT_ROUNDS:-3}
echo "1..${#stores[@]}"
ninja -C "$build" tocsin bench/programs/bench_chengdu >"$log" 2>&1 || cat "$log"
for i in "${!stores[@]}"; do
    store=${stores[$i]}
    name="${store%%:*}: nothing acknowledged is lost, nothing is double, the journal verifies, killed $rounds times in the burst and $rounds times between plates"
    if TOCSIN_PROGRAM=$build/tocsin "$build/bench/programs/bench_chengdu" --short --kills "$rounds" --store "$store" >"$log" 2>&1; then
        grep -E 'kill|stored' "$log" | sed 's/^/# /' # how much a night was
        echo "ok $((i + 1)) - $name"
    else
        sed 's/^/# /' "$log"
        echo "not ok $((i + 1)) - $name"
    fi
done
