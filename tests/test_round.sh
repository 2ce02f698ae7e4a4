#!/usr/bin/env bash
# Out and in again. What a node wrote changes nothing there; on another node it makes the same records, and what an id or a number of
# the one means never leads to a stranger on the other. For every register, on both stores.
set -uo pipefail
# shellcheck source=tests/nodes.bash
source "$(dirname "$0")/nodes.bash"
cd "$work" || exit
order='region organisation account person place case link receipt contact measure stay test health_check daily_report adoption import'
stores_find
"$tocsin" demo files --seed 7 --people 300 >/dev/null

run() { local node=$1; shift; "$tocsin" "$@" --data "$node" --at $now; }
# Without a program of its own: it is asked three hundred times.
counts() { tr -d ' \n' | sed -E 's/.*"created":([0-9]+),"changed":([0-9]+),"unchanged":([0-9]+),"rejected":([0-9]+).*/created \1 changed \2 unchanged \3 refused \4/'; }
# same NAME A B: two exports of a register are the same records, whatever ids and numbers the nodes give.
same() { node "$home/tests/round.mjs" "$@"; }

n=0
for base in $stores; do
    n=$((n + 1)) a=a$n b=b$n c=c$n
    new_node "$base" $a
    for pair in $files; do run $a import "${pair%%:*}" "files/${pair#*:}" --quiet >/dev/null 2>&1; done
    run $a record account login=li title=Li roles=tester --region 310199 >/dev/null
    run $a record account login=wang title=Wang 'roles=approver;command' --region 310199 >/dev/null
    check=$(run $a export health_check --columns id | sed -n 2p | tr -d '\r')
    run $a record health_check --id "$check" checker="$(run $a export account --columns id --where "login = 'li'" | sed -n 2p | tr -d '\r')" >/dev/null
    place=$(run $a export place --columns id | sed -n 2p | tr -d '\r')
    run $a record place --id "$place" note="=1+1, \"quoted\" － / 不详" >/dev/null
    run $a report 2022-05-30 --freeze >/dev/null
    for kind in csv xlsx zh.csv zh.xlsx en.csv en.xlsx; do
        for register in $order; do
            case $kind in
            csv) run $a export "$register" --out "$register-$a.csv" --open --purpose round 2>/dev/null; file=$register-$a.csv ;;
            xlsx) run $a export "$register" --format xlsx --out "$register-$a.xlsx" 2>/dev/null; file=$register-$a.xlsx ;;
            *) file=$register-$a-$kind; run $a export "$register" --titles --lang "${kind%.*}" --format "${kind#*.}" --out "$file" 2>/dev/null ;;
            esac
            # a cell of a workbook holds 32,767 characters: a plan's text does not go in
            case $kind:$register in *xlsx:adoption) continue ;; esac
            rows=$(run $a export "$register" --columns id 2>/dev/null | tail -n +2 | grep -c .)
            got=$(run $a import "$register" "$file" --json 2>"$work/err" | counts)
            if [ "$got" = "created 0 changed 0 unchanged $rows refused 0" ] && [ "$rows" -gt 0 ]; then ok "$kind of $register into the node it came from: $rows unchanged"
            else bad "$kind of $register into the node it came from" "$got of $rows" "$(head -3 "$work/err")" "$(head -3 "$register-$a-errors.csv" 2>/dev/null | cut -c1-300)"; fi
        done
    done
    # another node, which has records of its own under the same ids and numbers
    (cd "$work" && "$tocsin" init --data $c --store "$(store_url "$base" $c)" --region 310199 --at 2022-05-28T00:00 >/dev/null)
    for _ in 1 2 3 4 5 6 7 8 9 10; do run $c record person name=stranger >/dev/null; done
    who=$(run $c export person --columns id | sed -n 2p | tr -d '\r')
    run $c record case person="$who" disease=covid-19 classification=confirmed report_date=2022-05-28 >/dev/null
    got=$(run $c import contact "contact-$a.csv" --json 2>/dev/null | counts)
    case $got in "created 0 changed 0 unchanged 0 refused "[1-9]*) ok "contacts alone link to nobody on another node" ;; *) bad "contacts alone link to nobody on another node" "$got" ;; esac
    # a fresh node, whose ids differ
    (cd "$work" && "$tocsin" init --data $b --store "$(store_url "$base" $b)" --region 310199 --at 2022-05-28T00:00 >/dev/null)
    run $b record person name=first >/dev/null
    for register in $order; do
        [ "$register" = import ] && continue
        run $b import "$register" "$register-$a.csv" --json >"$work/out" 2>"$work/err"
        if [ "$register" = daily_report ]; then # figures are this node's own desk's to work out: nobody brings them in from outside
            case $(counts <"$work/out") in "created 0 changed 0 unchanged 0 refused "[1-9]*) ok "reports of another node are refused" ;; *) bad "reports of another node are refused" "$(counts <"$work/out")" ;; esac
            continue
        fi
        run $b export "$register" --out "$register-$b.csv" --open --purpose round 2>/dev/null
        if why=$(same "$register" $a $b); then ok "$register on a fresh node: the same records"; else bad "$register on a fresh node" "$(counts <"$work/out")" "$why" "$(head -3 "$work/err")"; fi
        got=$(run $b import "$register" "$register-$a.csv" --json 2>/dev/null | counts)
        case $got in "created 0 changed 0 "*" refused 0") ok "$register a second time: nothing changes" ;; *) bad "$register a second time" "$got" ;; esac
    done
    run $b verify --records >/dev/null && ok "the journal is whole, and the records are what it says" || bad "the journal is whole, and the records are what it says" "$(cat "$work/out")"
done
plan
