#!/usr/bin/env bash
# A store brought to changed registers, and back: nothing is changed before a backup or a word against one, and the program from before restores that backup whole. Both stores. Prints TAP.
set -uo pipefail
# shellcheck source=tests/nodes.bash
source "$(dirname "$0")/nodes.bash"
cd "$work" || exit
export LANG=C.UTF-8
mkdir house && cp -r "$home/registers" "$home/codes" "$home/policies" house/ && ln -s "$home/build" house/build
# of the next program: a register more, a field more, and one that is declared no longer
sed -i '/name: note,/d; s/^fields:$/fields:\n  - {name: doors, zh: 出入口数, en: Doors, type: integer}/' house/registers/tracing/place.yaml
printf '%s\n' 'register: well' 'zh: 水井' 'en: Well' 'desk: testing' 'keep: {days: 0, basis: test}' 'readers: [tester]' 'writers: [tester]' 'fields:' '  - {name: title, zh: 名称, en: Title, type: text}' >house/registers/testing/well.yaml
refuses() { # refuses CODE PATTERN ARGUMENTS...
    local code=$1 pattern=$2 got
    shift 2
    "$tocsin" "$@" >out 2>err
    got=$?
    if [ $got -eq "$code" ] && grep -qE -- "$pattern" err && ! [ -s out ]; then ok "$kind: refused $code: $*"; else bad "$kind: refused $code: $*" "exit $got" "$(cat err out | head -c 600)"; fi
}
stores_find
for base in $stores; do
    kind=${base%%:*} now=2022-05-30T16:00
    node=old$$$kind
    new_node "$base" "$node" || bad "$kind: a node"
    before() { TOCSIN_HOME=$home "$tocsin" "$@"; }
    after() { TOCSIN_HOME=$work/house "$tocsin" "$@"; }
    before record place title=东门 note=夜间开放 --data "$node" --at $now >/dev/null
    before record person name=张三 phone=13900000001 --data "$node" --at $now >/dev/null
    was=$(before export place --data "$node" --columns title,note | md5sum)
    export TOCSIN_HOME=$work/house
    refuses 69 'tocsin migrate' export place --data "$node"
    after migrate --data "$node" >plan
    check "$kind: the change is shown" grep -q 'ADD COLUMN "doors"' plan
    refuses 64 'nothing was changed.*--backup FILE' migrate --apply --data "$node"
    refuses 64 'goes with --apply' migrate --backup b.gz --data "$node"
    refuses 64 'goes with --apply' migrate --apply --backup b.gz --no-backup --data "$node"
    touch taken.gz
    refuses 69 'there already' migrate --apply --backup taken.gz --data "$node"
    refuses 74 '.' migrate --apply --backup nowhere/b.gz --data "$node"
    check "$kind: what was refused changed nothing" cmp plan <(after migrate --data "$node")
    after migrate --apply --backup "$kind.gz" --data "$node" --lang en >told
    check "$kind: migrated, with a backup, which it tells" grep -qE "^$kind.gz: [0-9]+ tables" told
    check "$kind: the new field is there" after record place title=西门 doors=2 --data "$node" --at $now
    check "$kind: and the new register" after record well title=井 --data "$node" --at $now
    check "$kind: what the tables hold is what the journal says" after verify --records --data "$node"
    check "$kind: nothing is left to change" grep -q 'nothing to change\|^-- kept' <(after migrate --data "$node" --lang en)
    check "$kind: so no backup is asked for" after migrate --apply --data "$node"
    export TOCSIN_HOME=$home
    check "$kind: the program from before restores it" before restore "$kind.gz" --key "$node/tocsin.key" --data "back$kind"
    if [ "$(before export place --data "back$kind" --columns title,note | md5sum)" = "$was" ]; then ok "$kind: with everything, the field that went too"; else bad "$kind: with everything" "$(before export place --data "back$kind")"; fi
    check "$kind: and it is whole" before verify --all --records --data "back$kind"
    new_node "$base" "$node"b
    TOCSIN_HOME=$work/house check "$kind: or none, said explicitly" after migrate --apply --no-backup --data "$node"b
done
plan
