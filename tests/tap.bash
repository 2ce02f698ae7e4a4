# Shared by the tests in shell: where the program is, and TAP. Source it with `set -uo pipefail`; it goes to the root of the house.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
root=$PWD
build=${TOCSIN_BUILD:-build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
# shellcheck disable=SC2034
tocsin=$build/tocsin
export TOCSIN_HOME=$root LC_ALL=C.UTF-8
count=0 failed=0
ok() { count=$((count + 1)); echo "ok $count - $1"; }
bad() { count=$((count + 1)) failed=$((failed + 1)); echo "not ok $count - $1"; shift; printf '# %s\n' "$@"; }
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; }
check() { # check 'NAME' COMMAND...
    local name=$1
    shift
    if "$@" >out 2>err; then ok "$name"; else bad "$name" "$(head -c 1500 err)" "$(head -c 1500 out)"; fi
}
# shellcheck disable=SC2154
await() { # await COMMAND...: until it holds, for as long as the script's $server lives
    until "$@" >/dev/null 2>&1; do
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.1
    done
}
