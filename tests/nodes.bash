# Shared by tests/crash and tests/storm: nodes on either store, counted and compared. Source it; it makes $work and prints TAP.
# shellcheck source=tests/tap.bash
source "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
export LANG=C.UTF-8
home=$root
now=2022-05-30T16:00
files='region:regions.csv organisation:organisations.csv place:places.csv case:cases.xlsx link:links.csv receipt:receipts.csv contact:contacts.csv
    membership:memberships.csv measure:orders.csv stay:stays.csv test:tests.csv health_check:checks.csv'
work=$(mktemp -d /tmp/tocsin-nodes.XXXXXX)
chmod 755 "$work"
own_pg=
cleanup() { [ -n "$own_pg" ] && "$home/tests/pg" stop "$own_pg" >/dev/null 2>&1; rm -rf "$work"; }
trap cleanup EXIT
trap 'exit 130' INT TERM
plan() { echo "1..$count"; [ "$failed" -eq 0 ]; }

# The stores to try, in $stores: TOCSIN_TEST_STORES as tests/run sets it, else both, with a cluster of our own.
stores_find() {
    stores=${TOCSIN_TEST_STORES:-}
    [ -n "$stores" ] && return
    own_pg=$work/pg
    stores="sqlite $("$home/tests/pg" start "$own_pg")"
}
# store_url BASE NAME: what init --store takes; a schema of its own on PostgreSQL.
store_url() {
    case $1 in
    sqlite) echo sqlite ;;
    *)
        psql -q "$1" -c "CREATE SCHEMA $2" >/dev/null 2>&1
        case $1 in *\?*) echo "$1&options=-csearch_path%3D$2" ;; *) echo "$1?options=-csearch_path%3D$2" ;; esac ;;
    esac
}
new_node() { # new_node BASE NAME: makes the node NAME in $work
    (cd "$work" && "$tocsin" init --data "$2" --store "$(store_url "$1" "$2")" --region 310199 --policy covid-2022-v9 --from 2022-05-28 --at 2022-05-28T00:00 >/dev/null)
}
run() { (cd "$work" && "$tocsin" "$@"); }
take() { run import "${2%%:*}" "files/${2#*:}" --data "$1" --at $now --quiet >/dev/null 2>>"$work/take.err"; } # take NODE REGISTER:FILE
take_all() { # take_all NODE: every file, in order
    local pair
    for pair in $files; do take "$1" "$pair"; done
}
# Everything that must be equal in two nodes that learned the same: records per register, duties per rule and state.
summary() {
    local pair
    for pair in $files; do echo "${pair%%:*} $(run export "${pair%%:*}" --columns id --data "$1" | wc -l)"; done
    run due --json --data "$1" --at $now | node -e '
        for (const r of JSON.parse(require("fs").readFileSync(0)).rules)
            console.log(r.rule, r.open, r.overdue, r.without_owner, r.paid, r.lapsed, r.cancelled)'
}
whole() { run verify --records --data "$1" 2>&1; }
