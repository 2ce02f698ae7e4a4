#!/usr/bin/env bash
# The console as somebody sees it: Chromium (console/tests) goes through every screen of a served county made up for it, and through what is refused.
# Pictures of every screen stay in build/screens. Prints TAP. TOCSIN_WALKS="screens" takes some of the walks only.
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/tap.bash"
absent() { echo "ok 1 - the console, walked through # SKIP $1"; echo "1..1"; exit 0; }
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || absent "chromium is not installed (scripts/setup)"
command -v node >/dev/null || absent "node is not installed (scripts/setup)"
[ -d console/node_modules/playwright-core ] || absent "the packages of the console are not installed (scripts/setup)"
[ -f build/console/index.html ] || absent "the console is not built (scripts/build)"
[ -z "${TOCSIN_SANITIZE:-}" ] || absent "not under sanitizers: they watch the server in test_http_*"

work=$(mktemp -d)
# shellcheck disable=SC2317
finish() {
    [ -f "$work/pid" ] && kill "$(cat "$work/pid")" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
# A home with one register more, which no code has heard of: the one of docs/registers.md.
mkdir "$work/home" && for at in *; do ln -s "$root/$at" "$work/home/$at"; done
rm "$work/home/registers" && cp -r registers "$work/home/registers"
awk '/^```yaml$/ { take = !done; next } /^```$/ { if (take) done = 1; take = 0 } take' docs/registers.md >"$work/home/registers/testing/water_sample.yaml"
export TOCSIN_HOME=$work/home
TOCSIN_DEMO=$work/demo TOCSIN_PROGRAM=$build/tocsin scripts/demo >"$work/demo.log" 2>&1 || { tail -5 "$work/demo.log" | sed 's/^/# /'; echo "not ok 1 - the county is made"; echo "1..1"; exit 1; }

# The walks stop and start the server themselves, on the same port.
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
# Its clock goes on while it is away: what was recorded before it went would else lie in its future, and a report as of now would not count it.
began=$(date +%s)
cat >"$work/server" <<END
#!/usr/bin/env bash
cd "$work/demo" || exit
case \$1 in
start)
    at=\$(date -u -d "2022-05-30 17:05 UTC + \$((\$(date +%s) - $began)) seconds" +%FT%T)
    "$build/tocsin" serve --listen 127.0.0.1:$port --at "\$at" --lang en --quiet >"$work/serving" 2>>"$work/log" &
    echo \$! >"$work/pid"
    for _ in \$(seq 300); do grep -q http "$work/serving" && exit 0; sleep 0.1; done
    exit 1
    ;;
stop)
    kill "\$(cat "$work/pid")"
    for _ in \$(seq 300); do kill -0 "\$(cat "$work/pid")" 2>/dev/null || exit 0; sleep 0.1; done
    exit 1
    ;;
esac
END
chmod +x "$work/server"
"$work/server" start || { tail -5 "$work/log" | sed 's/^/# /'; echo "not ok 1 - it is served"; echo "1..1"; exit 1; }
# shellcheck disable=SC2086
CHROMIUM=$browser TOCSIN_URL=http://127.0.0.1:$port TOCSIN_ACCOUNTS=$work/demo/accounts.txt TOCSIN_SERVER=$work/server TOCSIN_PICTURES=$root/build/screens \
    node console/tests/run.mjs ${TOCSIN_WALKS:-}
