#!/usr/bin/env bash
# The console over a register of a million rows: time to the first screens, frames a second while it scrolls (console/tests/trace.mjs).
# The store is the one of bench_list; ROWS=1000000, NODE: a folder where that store is kept between runs.
set -euo pipefail
cd "$(dirname "$0")/.." || exit
build=${TOCSIN_BENCH_BUILD:-$PWD/build-bench}
rows=${ROWS:-1000000}
browser=$(command -v chromium || command -v google-chrome) || { echo "   not measured: chromium is not installed (scripts/setup)"; exit 0; }
[ -d console/node_modules/playwright-core ] && [ -f build/console/index.html ] || { echo "   not measured: the console is not built (make build)"; exit 0; }
node=${NODE:-${TOCSIN_TEST_WORK:-$(mktemp -d)}/console-node}
[ -d "$node" ] || "$build/bench/programs/bench_list" "$rows" sqlite "$node" >/dev/null || [ -d "$node" ]
echo "token-root root root -" >"$node/tokens"
TOCSIN_HOME=$PWD "$build/tocsin" serve --data "$node" --listen 127.0.0.1:0 --dev-tokens "$node/tokens" --lang en --quiet >"$node/serving" 2>"$node/log" &
server=$!
# shellcheck disable=SC2064
trap "kill $server 2>/dev/null; rm -f '$node/serving' '$node/log'" EXIT
for _ in $(seq 300); do grep -q http "$node/serving" && break; sleep 0.1; done
CHROMIUM=$browser TOCSIN_URL=$(sed -n 's/^serving //p' "$node/serving") ROWS=$rows node console/tests/trace.mjs
