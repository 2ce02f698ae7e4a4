#!/usr/bin/env bash
# The city's evening in short (bench/bench_chengdu.c), on both stores: burst, retry storm, batches, a killed server; every acknowledged swab is in the store once.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
build=${TOCSIN_BUILD:-build}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
read -ra stores <<<"${TOCSIN_TEST_STORES:-sqlite}"
echo "1..${#stores[@]}"
ninja -C "$build" tocsin bench/programs/bench_chengdu >"$log" 2>&1 || cat "$log"
for i in "${!stores[@]}"; do
    store=${stores[$i]}
    name="${store%%:*}: nothing acknowledged is lost, nothing is double, the journal verifies"
    if TOCSIN_PROGRAM=$build/tocsin "$build/bench/programs/bench_chengdu" --short --store "$store" >"$log" 2>&1; then
        echo "ok $((i + 1)) - $name"
    else
        sed 's/^/# /' "$log"
        echo "not ok $((i + 1)) - $name"
    fi
done
