#!/usr/bin/env bash
# The console over a register of a million rows: time to the first screens, frames a second while it scrolls (console/tests/trace.mjs); and what the command
# board asks of the server in a county with a year of data (15,000 cases, 100,000 duties: a twentieth of bench_report; console/tests/board.mjs).
# The stores are those of bench_list and bench_report; ROWS=1000000, NODE: a folder where that store is kept between runs.
set -euo pipefail
cd "$(dirname "$0")/.." || exit
build=${TOCSIN_BENCH_BUILD:-$PWD/build-bench}
rows=${ROWS:-1000000}
browser=$(command -v chromium || command -v google-chrome) || { echo "   not measured: chromium is not installed (scripts/setup)"; exit 0; }
[ -d console/node_modules/playwright-core ] && [ -f build/console/index.html ] || { echo "   not measured: the console is not built (make build)"; exit 0; }
node=${NODE:-${TOCSIN_TEST_WORK:-$(mktemp -d)}/console-node}
[ -d "$node" ] || "$build/bench/programs/bench_list" "$rows" sqlite "$node" >/dev/null || [ -d "$node" ]
year=$node-year
[ -d "$year" ] || "$build/bench/programs/bench_report" 20 "$year" >/dev/null || [ -d "$year" ]
server=
trap 'kill $server 2>/dev/null || :; rm -f "$node"/{serving,log} "$year"/{serving,log}' EXIT
missed=0
# served NODE SCRIPT: runs the script against a server over that node.
served() {
    echo "token-root root root -" >"$1/tokens"
    TOCSIN_HOME=$PWD "$build/tocsin" serve --data "$1" --listen 127.0.0.1:0 --dev-tokens "$1/tokens" --at 2022-05-30T17:05 --lang en --quiet >"$1/serving" 2>"$1/log" &
    server=$!
    for _ in $(seq 300); do grep -q http "$1/serving" && break; sleep 0.1; done
    CHROMIUM=$browser TOCSIN_URL=$(sed -n 's/^serving //p' "$1/serving") ROWS=$rows node "console/tests/$2" || missed=1
    kill "$server"
    wait "$server" 2>/dev/null || :
}
served "$node" trace.mjs
served "$year" board.mjs
exit $missed
