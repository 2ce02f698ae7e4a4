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
echo "1..$((2 * ${#stores[@]}))"
ninja -C "$build" tocsin bench/programs/bench_chengdu >"$log" 2>&1 || cat "$log"
n=0
law() { # law NAME ARGUMENT...
    local name=$1
    shift
    n=$((n + 1))
    if TOCSIN_PROGRAM=$build/tocsin "$build/bench/programs/bench_chengdu" --short "$@" >"$log" 2>&1; then
        echo "ok $n - $name"
    else
        sed 's/^/# /' "$log"
        echo "not ok $n - $name"
    fi
}
for store in "${stores[@]}"; do
    law "${store%%:*}: nothing acknowledged is lost, nothing is double, the journal verifies" --store "$store"
    law "${store%%:*}: nor when the server is killed $rounds times in the burst and $rounds times between plates" --kills "$rounds" --store "$store" kill plates
done
