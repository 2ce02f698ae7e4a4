#!/usr/bin/env bash
# A register's table cut by region on PostgreSQL (examples/partition.sql): the program notices nothing, and rows follow their region.
set -uo pipefail
# shellcheck source=tests/nodes.bash
source "$(dirname "$0")/nodes.bash"
stores_find
for base in $stores; do
    [ "$base" = sqlite ] && continue
    new_node "$base" cut
    url=$(store_url "$base" cut)
    cd "$work" || exit
    "$tocsin" demo files --seed 7 --people 300 >/dev/null
    run() { "$tocsin" "$@" --data cut --at $now; }
    for pair in region:regions.csv organisation:organisations.csv place:places.csv case:cases.xlsx; do run import "${pair%%:*}" "files/${pair#*:}" --quiet >/dev/null 2>&1; done
    run import contact files/contacts.csv --quiet >/dev/null 2>&1
    before=$(run export contact | md5sum)
    if psql -q "$url" -v table=contact -v part=310199001 -v until=310199002 -f "$home/examples/partition.sql" >err 2>&1; then ok "the table is cut"; else bad "the table is cut" "$(cat err)"; fi
    run migrate --apply --no-backup >/dev/null && ok "its indexes are made anew" || bad "its indexes are made anew"
    run migrate | grep -q 'nothing to change' && ok "and nothing else differs" || bad "and nothing else differs" "$(run migrate)"
    [ "$(run export contact | md5sum)" = "$before" ] && ok "the same records" || bad "the same records"
    id=$(run export contact --columns id --where "region = '310199001'" | sed -n 2p | tr -d '\r')
    run record contact --id "$id" --region 310199002 >out 2>&1 && [ "$(psql -At "$url" -c "SELECT tableoid::regclass::text LIKE '%rest' FROM contact WHERE id = $id")" = t ] &&
        ok "a record that changes its region changes its part" || bad "a record that changes its region changes its part" "$id" "$(cat out)"
    run import contact files/contacts.csv --json >out 2>err; node -e 'const j = JSON.parse(require("fs").readFileSync("out")); process.exit(j.created === 0 ? 0 : 1)' &&
        ok "a repeated import makes nothing" || bad "a repeated import makes nothing" "$(head -c 400 out err)"
    run verify --records >out 2>&1 && ok "the journal is whole, and the records are what it says" || bad "the journal is whole, and the records are what it says" "$(cat out)"
done
[ "$count" -gt 0 ] || ok "PostgreSQL is not there # SKIP"
plan
