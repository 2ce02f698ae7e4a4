#!/usr/bin/env bash
# The command line from outside: refusals and exit codes first, then what every command must do. Prints TAP.
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/tap.bash"
unset LANG LC_MESSAGES
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit

# refuses CODE 'PATTERN' ARGS...: exits so, with one line "tocsin: ..." that matches, nothing on standard output.
refuses() {
    local code=$1 pattern=$2 got
    shift 2
    "$tocsin" "$@" >out 2>err
    got=$?
    if [ $got -eq "$code" ] && [ "$(wc -l <err)" -eq 1 ] && grep -q '^tocsin: ' err && grep -qE "$pattern" err; then ok "refused $code: $*"
    else bad "refused $code: $*" "exit $got" "$(cat err)"; fi
}
# does 'PATTERN' ARGS...: exits 0 and prints something that matches.
does() {
    local pattern=$1 got
    shift
    "$tocsin" "$@" >out 2>err
    got=$?
    if [ $got -eq 0 ] && grep -qE "$pattern" out; then ok "$*"; else bad "$*" "exit $got" "$(cat err)" "$(head -5 out)"; fi
}
# json 'EXPRESSION over j' ARGS...: exits 0 and prints JSON for which the expression holds.
json() {
    local test=$1
    shift
    "$tocsin" "$@" --json >out 2>err
    if node -e 'const j = JSON.parse(require("fs").readFileSync("out")); process.exit(eval(process.argv[1]) ? 0 : 1)' "$test" 2>>err; then ok "$* --json"
    else bad "$* --json: $test" "$(head -c 300 err)" "$(head -c 300 out)"; fi
}
check() { # check 'NAME' COMMAND...
    local name=$1
    shift
    if "$@" >out 2>err; then ok "$name"; else bad "$name" "$(head -c 500 err)" "$(head -c 300 out)"; fi
}

# ---- calls that are wrong
refuses 64 'no such command' frobnicate
refuses 64 'no such command' policy frobnicate
refuses 64 'is record meant' reocrd case
refuses 64 'is policy diff meant' policy dif a b
refuses 64 'is region meant' due --regoin 310115
refuses 64 'is contact meant' template contcat
refuses 64 'no register "dragon"' help registers dragon
does 'contact .*Contact' help registers --lang en
does 'onset .*date' help registers case
json 'j.fields.find(f => f.field === "disease").codes === "disease"' help registers case
refuses 64 'no such option' due --frobnicate
refuses 64 'given twice' due --desk a --desk b
refuses 64 'takes no value' due --overdue=yes
refuses 64 'needs a value' due --desk
refuses 64 'no whole number' due --limit many
refuses 64 'no time' due --at yesterday-ish
refuses 64 'none of' export case --format pdf
refuses 64 'REGISTER: missing' export
refuses 64 'one argument too many' version please
refuses 64 'no date' policy adopt covid-2022-v9 --from 2022-02-30 --reason x
refuses 64 '^tocsin: --frobnicate: 没有此选项' due --frobnicate --lang zh
refuses 64 'answers for a region' init
refuses 65 'region' init --region nowhere!
refuses 64 'no region 999999 .*no 99' init --region 999999
refuses 64 'no region 319901' init --region 319901
check "a region that is not there makes no node" test ! -e data
does 'is not in the table' init --region 310198 --data newer
does 'regions$' init --region KR --data abroad
refuses 64 'pack|polic|covid-1999' init --region 310199 --policy covid-1999 --data other
for command in due tick verify migrate "report today" "record case" "show case 1" "export case" "person show 1" "person merge 1 2" "person unmerge 1" \
    "person erase 1 --reason x" "undo 1" "backup b" "policy adopt covid-2022-v9 --from 2022-01-01 --reason x"; do
    # shellcheck disable=SC2086
    "$tocsin" $command --data nothing-here >out 2>err
    code=$?
    if [ $code -ge 64 ] && [ $code -le 78 ] && [ "$(wc -l <err)" -eq 1 ]; then ok "no node: $command ($code)"; else bad "no node: $command" "exit $code" "$(cat err)"; fi
done

# ---- pages derived from the table
"$tocsin" help --format markdown >commands.md && "$tocsin" help --format errors >errors.md && "$tocsin" help --format routes >routes.md
check "docs/commands.md is current (make docs)" cmp commands.md "$TOCSIN_HOME/docs/commands.md"
check "docs/errors.md is current (make docs)" cmp errors.md "$TOCSIN_HOME/docs/errors.md"
check "docs/api-routes.md is current (make docs)" cmp routes.md "$TOCSIN_HOME/docs/api-routes.md"
check "completion is bash" bash -n <("$tocsin" help --format bash)
completed=$(bash -c 'source <("$0" help --format bash); COMP_WORDS=(tocsin policy di); COMP_CWORD=2; _tocsin; echo "${COMPREPLY[*]}"' "$tocsin")
[ "$completed" = diff ] && ok "completion of policy di" || bad "completion of policy di" "$completed"
for command in $("$tocsin" help | sed -n 's/^  \([a-z]*\)\( [a-z]*\)\{0,1\}  .*/\1/p' | sort -u); do does "tocsin $command" help "$command"; done
does '警钟' help --lang zh
does 'tocsin 0' version
json 'j.tocsin && j.sqlite' version
does 'good +store' selftest
refuses 64 'no such command' help frobnicate

# ---- a node and its life
now=2022-05-30T16:00
does '3407|regions' init --region 310199 --policy covid-2022-v9 --from 2022-05-28 --at 2022-05-28T00:00
does 'covid-2022-v9 +2022-05-28 +covid-19 +310199' policy list
refuses 69 '.' init --region 310199
[ "$(stat -c %a data/*key* | head -1)" = 600 ] && ok "the key is for its owner only" || bad "the key is for its owner only" "$(ls -l data)"
json 'j.adopted.length === 1 && j.policies.length >= 7' policy list
does 'unverified|central_days' policy show covid-2022-v9
refuses 64 '.' policy show covid-1999
json 'j.rules.length > 5' policy show shannan-2022
printf 'policy: x\n' >bad.yaml
refuses 65 'bad.yaml' policy check bad.yaml
refuses 65 '^tocsin: bad.yaml:1:1: 缺少键 name$' policy check bad.yaml --lang zh
sed 's/value: \[1, 2, 3, 5, 7\], harsher: more,$/value: [1, 2, 3, 5, 9], harsher: more,/' "$TOCSIN_HOME/policies/covid-2022-v9.yaml" >late.yaml
refuses 65 '^tocsin: late.yaml:[0-9]+:[0-9]+: central-tests has day 9' policy check late.yaml
refuses 65 '^tocsin: late.yaml:[0-9]+:[0-9]+: 安排的天数晚于解除日' policy check late.yaml --lang zh
does 'good' policy check "$TOCSIN_HOME/policies/covid-2022-v9.yaml"
refuses 64 'reason' policy adopt covid-2022-20 --from 2022-11-11
refuses 64 'from' policy adopt covid-2022-20 --reason x

check "the demo is made" "$tocsin" demo files --seed 7 --people 1200
check "the demo is made again" "$tocsin" demo again --seed 7 --people 1200
check "same seed, same bytes" diff -r files again
check "another seed" "$tocsin" demo other --seed 8 --people 1200
grep -q '"code":"310' files/shapes.geojson && ok "the demo has a map" || bad "the demo has a map"
cmp -s files/contacts.csv other/contacts.csv && bad "other seed, other bytes" || ok "other seed, other bytes"
refuses 65 'people|days' demo x --people 0
refuses 65 'six digits' demo x --region 31

refuses 64 'no register "dragon"; see tocsin help registers' import dragon files/cases.xlsx
refuses 74 'missing.csv' import case missing.csv
refuses 64 'this map makes' import contact files/contacts.csv --map "$TOCSIN_HOME/examples/maps/tianjin.yaml"
printf 'no,such,columns\n1,2,3\n' >wrong.csv
refuses 65 'header|column' import case wrong.csv

rows_law='j.rows === j.created + j.changed + j.unchanged + j.rejected'
# rows that must be refused are those the generator spoiled
"$tocsin" demo again --seed 7 --people 1200 --json >made.json
refuses 65 'no JSON' region shapes files/contacts.csv
sed 's/"code":"[0-9]*"/"code":"110101"/' files/shapes.geojson >twice.geojson
refuses 65 'twice' region shapes twice.geojson
"$tocsin" import organisation files/organisations.csv --dry-run --at $now --json >out 2>err
node -e 'const j = JSON.parse(require("fs").readFileSync("out")); process.exit(j.import === 0 && j.created > 0 ? 0 : 1)' && ok "a dry run counts" || bad "a dry run counts" "$(cat out err)"
[ "$("$tocsin" export organisation --json | tr -d ' \n')" = '[]' ] && ok "a dry run writes nothing" || bad "a dry run writes nothing"
for pair in region:regions.csv organisation:organisations.csv place:places.csv case:cases.xlsx link:links.csv receipt:receipts.csv contact:contacts.csv \
    membership:memberships.csv measure:orders.csv stay:stays.csv test:tests.csv health_check:checks.csv; do
    "$tocsin" import "${pair%%:*}" "files/${pair#*:}" --at $now --json >out 2>err
    code=$?
    wrong=$(node -e 'console.log(JSON.parse(require("fs").readFileSync("made.json")).files.find(f => f.file === process.argv[1]).wrong)' "${pair#*:}")
    if node -e 'const j = JSON.parse(require("fs").readFileSync("out")); process.exit(eval(process.argv[1]) && j.rejected === +process.argv[2] ? 0 : 1)' "$rows_law" "$wrong" &&
        [ $code -eq "$([ "$wrong" -gt 0 ] && echo 65 || echo 0)" ]; then ok "import $pair: no row is lost, the $wrong wrong ones come back"
    else bad "import $pair" "exit $code, wrong $wrong" "$(cat err out)"; fi
    back=files/$(basename "${pair#*:}" .csv)-errors.csv # what came back is counted in the file, what went in is counted in the register
    [ "$wrong" -eq 0 ] || [ "${pair%%:*}" = case ] || [ "$(if [ "${pair%%:*}" = health_check ]; then iconv -f UTF-16 -t UTF-8 "$back"; else cat "$back"; fi | wc -l)" -eq $((wrong + 1)) ] ||
        bad "$back holds the $wrong refused rows" "$(wc -l "$back")"
    [ "${pair%%:*}" = region ] && continue # the node has those of the country already
    if node -e 'process.exit(JSON.parse(require("fs").readFileSync("out")).created === +process.argv[1] ? 0 : 1)' $(($("$tocsin" export "${pair%%:*}" --columns id | wc -l) - 1)); then
        ok "what $pair created is there"
    else bad "what $pair created is there" "$(cat out)"; fi
done
json 'j.shapes > 3 && j.removed === 0' region shapes files/shapes.geojson --at $now
json 'j.removed > 3' region shapes files/shapes.geojson --whole --at $now
iconv -f GB18030 -t UTF-8 files/contacts-errors.csv >refused.csv; grep -q 'first contact must not be after' refused.csv && ok "the error file is in the file's own shape" ||
    bad "the error file is in the file's own shape"
gzip -c files/contacts.csv >files/packed.csv.gz && cp files/packed.csv.gz files/unsaid.csv
for list in packed.csv unsaid.csv; do
    [ -f files/$list ] && from=files/$list || from=files/$list.gz
    refuses 65 "files/${list%.csv}-errors.csv.gz" import contact "$from" --at $now
    gzip -dc "files/${list%.csv}-errors.csv.gz" | cmp -s - files/contacts-errors.csv && ok "the error file of $from is packed like it" || bad "the error file of $from is packed like it" "$(ls files)"
done
rm files/packed* files/unsaid*
# a list as its map says it is read; what came back goes in again by the same map
again() { # again 'NAME' FILE MAP WRONG RIGHT: one row is refused; put right in the error file, it is created by the same map
    local back=${2%.csv}-errors.csv
    refuses 65 "1 of .* rows were refused" import person "$2" --map "$3" --at $now
    sed -i "s/$4/$5/" "$back"
    json "j.rows === 1 && j.created === 1" import person "$back" --map "$3" --at $now
}
printf 'register: person\nheader: 2\nkey: "low:{no}"\nfields: {birth: born, name: name}\n' >low.yaml
printf 'List of the ward;;\nno;name;born\n1;Ann;1980-01-01\n2;Bo;1980-13-01\n' >low.csv
again "headers in a lower row" low.csv low.yaml 1980-13 1980-12
check "what stood above the headers stands there again" test "$(head -1 low-errors.csv | tr -d '\r')" = 'List of the ward;;'
printf 'register: person\nheader: 0\nkey: "none:{@1}"\nfields: {birth: "@3", name: "@2"}\n' >none.yaml
printf '1;Ann;1980-01-01\n2;Bo;1980-13-01\n' >none.csv
again "no headers" none.csv none.yaml 1980-13 1980-12
printf 'register: person\ncomment: "##"\nkey: "said:{no}"\nfields: {birth: born, name: name}\n' >said.yaml
printf '## made by hand\n## twice\nno;name;born\n1;Ann;1980-13-01\n' >said.csv
again "comments before the headers" said.csv said.yaml 1980-13 1980-12
printf 'register: person\nencoding: windows-1251\nkey: "ru:{no}"\nfields: {birth: born, name: name, community: town}\n' >ru.yaml
printf 'no;name;born;town\n1;Иванов;1980-01-01;Тверь\n2;Петрова;1980-13-01;Клин\n' | iconv -t CP1251 >ru.csv
again "another encoding" ru.csv ru.yaml 1980-13 1980-12
[ "$("$tocsin" export person --columns community --where "community = 'Тверь' OR community = 'Клин'" | wc -l)" -eq 3 ] && ok "is read as the map says, and as its own mark says" || bad "another encoding"
printf 'register: person\nfill: [village, House]\nkey: "hh:{village}:{house}:{name}"\nfields: {name: name, community: village, grid: house}\n' >merged.yaml
printf 'village;house;name\nFoo;1;A\n;;B\n;2;C\nBar;1;D\n;;\n' >merged.csv
json 'j.rows === 4 && j.created === 4' import person merged.csv --map merged.yaml --at $now
[ "$("$tocsin" export person --columns community,grid --where "community = 'Foo' OR community = 'Bar'" | tr -d '\r' | xargs)" = 'community,grid Foo,1 Foo,1 Foo,2 Bar,1' ] && ok "cells merged downwards say what stands above" ||
    bad "cells merged downwards" "$("$tocsin" export person --columns community,grid --where "community = 'Foo' OR community = 'Bar'")"
printf 'register: person\nfill: [hamlet]\nfields: {name: name}\n' >merged.yaml
refuses 65 'no column hamlet' import person merged.csv --map merged.yaml
cp low.csv kept.csv
refuses 64 'is the list itself' import person kept.csv --map low.yaml --errors ./kept.csv --dry-run
check "and is there still" cmp low.csv kept.csv
refuses 64 'pipe' import person <(cat low.csv) --map low.yaml
json 'j.rows === 2 && j.unchanged === 1 && j.rejected === 1' import person <(cat low.csv) --map low.yaml --errors piped.csv --at $now
# in a terminal: how many, how fast, how far, how long still; the rate and the rest must agree with each other
node -e 'console.log("name,sex,birth,address"); for (let i = 0; i < 60000; i++) console.log(`P${i},male,1980-01-01,${i} Long Road of the Town`)' >many.csv
script -qec "'$tocsin' import person many.csv --dry-run --at $now --lang en" /dev/null >terminal 2>err
check "an import in a terminal shows rows, rate, share and time left" node -e '
    const told = [...require("fs").readFileSync("terminal", "utf8").matchAll(/(\d+) rows  (\d+) rows\/s +(\d+) %  (\d+) s left/g)].map(m => m.slice(1).map(Number));
    const [last] = told.slice(-1), before = told.slice(0, -1);
    if (last[0] !== 60000 || last[2] !== 100 || last[3] !== 0 || !last[1]) throw new Error("ends " + last);
    if (!before.some(t => t[0] > 0 && t[2] > 0 && t[2] < 100)) throw new Error("nothing under way: " + told.join("; "));
    told.forEach((t, i) => { if (i && (t[0] < told[i - 1][0] || t[2] < told[i - 1][2])) throw new Error("goes back: " + told.join("; ")); });
    for (const [rows, rate, share, left] of before) {
        const wanted = rows / rate * (100 - share) / share;
        if (rows && share > 5 && Math.abs(left - wanted) > 1 + wanted * 0.2) throw new Error(`${left} s left, not ${wanted}`);
    }'
"$tocsin" import person many.csv --dry-run --at $now 2>err >out
grep -q 'rows/s' err && bad "no progress outside a terminal" || ok "no progress outside a terminal"
unzip -l files/cases-errors.xlsx >/dev/null 2>&1 && ok "an error file of a workbook is a workbook" || bad "an error file of a workbook is a workbook"
"$tocsin" import contact files/contacts.csv --at $now --json >out 2>err
node -e 'const j = JSON.parse(require("fs").readFileSync("out")); process.exit(j.created === 0 && j.changed === 0 ? 0 : 1)' && ok "a repeated import changes nothing" || bad "a repeated import changes nothing" "$(cat out)"
"$tocsin" import test files/tests.csv --at $now --json >out 2>err
node -e 'const j = JSON.parse(require("fs").readFileSync("out")); process.exit(j.created === 0 && j.changed === 0 ? 0 : 1)' && ok "a repeated import of tests changes nothing" || bad "a repeated import of tests changes nothing" "$(cat out)"

json 'j.total.open > 0 && j.total.overdue > 0 && j.total.without_owner === 0' due --at $now
json 'j.duties.length > 0 && j.duties.every(d => d.due && d.late && !d.left)' due --overdue --at $now
json 'j.duties.some(d => d.left) && j.duties.some(d => d.late) && j.duties.every(d => !(d.late && d.left) && !/-/.test(d.late + d.left))' due --list --limit 5000 --at $now
json 'j.duties.length > 0 && j.duties.every(d => d.owner_rule === "handed over" || d.owner_rule.split(" ")[0] === d.owner.split(" ")[0])' due --list --limit 5000 --at $now
does 'closed-loop rate' due --at $now --region 310199
does '闭环率' due --at $now --lang zh
json 'j.owners.length > 3 && j.owners.some(o => o.kind === "unit") && j.owners.every(o => o.timeliness === null || o.timeliness >= 0 && o.timeliness <= 1)' due --by owner --at $now
does '及时率' due --by owner --at $now --lang zh
json 'j.ages.length === 5 && j.ages[4].age === "older" && j.ages[4].open > 0' due --by age --at $now
one=$("$tocsin" due --json --at $now | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).total.open)')
json "j.ages.reduce((n, a) => n + a.open, 0) === $one" due --by age --at $now
refuses 64 'none of' due --by luck
refuses 65 'region code' due --region '!!'
for command in due 'due --list' 'report 2022-05-30' 'export case' 'doubles case' 'tracing board' 'policy diff covid-2021-v8 covid-2022-v9' 'record account login=none title=None'; do
    # shellcheck disable=SC2086 # words of a command
    refuses 64 'no region 999999|没有区划' $command --region 999999
done
refuses 64 'no region 310998' due --region 310998
refuses 65 'no register and no rule of a plan is of desk "nowhere"; the desks are intake, tracing' due --desk nowhere
for desk in Tracing 流调溯源 tracing; do json 'j.rules.length > 0 && j.rules.every(r => r.desk === "tracing")' due --desk $desk --at $now; done
does '[1-9][0-9]* measures ended' tick --at $now
[ "$("$tocsin" export measure --columns id --where "state = 'ordered' AND ends < '2022-05-30'" | wc -l)" -le 1 ] && ok "restrictions end by themselves" || bad "restrictions end by themselves"
[ "$("$tocsin" export measure --columns id --where "state = 'expired' AND ends >= '2022-05-30'" | wc -l)" -le 1 ] && ok "and not before their last day is over" || bad "not before their last day is over"
does ' 0 measures ended' tick --at $now

refuses 64 'no register' record dragon a=b
refuses 64 'no "="' record case nonsense
refuses 64 'colour' record case colour=red
refuses 64 'severity is given twice' record case severity=mild note=a severity=severe
refuses 64 'severity 给出两次' record case severity=mild severity=mild --lang zh
refuses 65 'disease' record case disease=dragon-pox
refuses 65 '^tocsin: 疾病名称\(disease\): .dragon-pox.: 不是代码表中的代码、名称或同义词$' record case disease=dragon-pox --lang zh
refuses 65 '^tocsin: 出生日期\(birth\): .2022-02-30.: 不是存在的日期' record person name=x birth=2022-02-30 --lang zh
refuses 65 'unit_code' record organisation title=x kind=other unit_code=123
refuses 65 'birth|exist|date' record person name=x birth=2022-02-30
refuses 64 'no record|unknown|not' record case --id 99999999 severity=mild
refuses 64 'no record' record case --id C-310199-20220530-9999 severity=mild
refuses 65 'required' record place --id "lis:77" kind=market
json 'j.outcome === "created"' record place --id "lis:77" title=Market kind=market --at $now
json 'j.outcome === "changed" && j.version === 2' record place --id "lis:77" title=Market2 --at $now
json 'j.outcome === "unchanged"' record place --id "lis:77" title=Market2 --at $now
place=$("$tocsin" export place --columns id --where "title = 'Market2'" | sed -n 2p | tr -d '\r')
json "j.outcome === 'changed' && j.id === $place" record place --id "$place" title=Market3 --at $now
json 'j.outcome === "created"' record place title=Stall kind=market --key request-1 --at $now
json 'j.outcome === "created" && j.version === 1' record place title=Stall kind=market --key request-1 --at $now
refuses 69 'request-1|another request|key' record place title=Other kind=market --key request-1 --at $now
[ "$("$tocsin" export place --columns id --where "title = 'Stall'" | wc -l)" -eq 2 ] && ok "a request that comes twice is taken once" || bad "a request that comes twice is taken once"
does 'tocsin record REGISTER' record case --help
does 'tocsin policy adopt PACK' policy --help
does '登记或修改' record -h --lang zh
refuses 64 'declares no doubles' doubles place
who=$("$tocsin" record person name=重卡甲 --json --at $now | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).id)')
json 'j.double === null' record case person="$who" disease=covid-19 classification=suspected report_date=2022-05-20 --at $now
first=$("$tocsin" export case --columns id --where "person = $who" | sed -n 2p | tr -d '\r')
json "j.outcome === 'created' && j.double.id === $first" record case person="$who" disease=covid-19 classification=suspected report_date=2022-05-29 --at $now
json "j.doubles.some(d => d.earlier.id === $first && d.later.date === '2022-05-29')" doubles case
does '可能是重卡' doubles case --lang zh
json 'j.double === null' record person name=护照一 doc_type=passport doc_no=E31415926
does 'the same document' record person name=护照二 doc_type=passport doc_no=e31415926 --lang en
second=$("$tocsin" doubles case --json | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).doubles.find(d => d.earlier.id === +process.argv[1]).later.id)' "$first")
refuses 65 '重卡的病例须转为已排除' record case --id "$second" duplicate_of="$first" --at $now --lang zh
check "a double is settled" "$tocsin" record case --id "$second" duplicate_of="$first" --state excluded --at $now
json "!j.doubles.some(d => d.earlier.id === $first)" doubles case
sure=$("$tocsin" export case --columns id --where "classification = 'confirmed'" | sed -n 2p | tr -d '\r')
refuses 65 '订正报告' record case --id "$sure" classification=suspected --at $now --lang zh
refuses 65 'correction report' record case --id "$sure" classification=excluded --at $now
check "a correction report takes a diagnosis back" "$tocsin" record case --id "$sure" classification=suspected report_kind=correction --at $now
check "and it is confirmed again" "$tocsin" record case --id "$sure" classification=confirmed --at $now
check "an investigator" "$tocsin" record account login=sun title=孙 roles=tracer --region 310199
kase=$("$tocsin" due --list --limit 5000 --at $now --json | node -e 'const d = JSON.parse(require("fs").readFileSync(0)).duties.find(d => d.rule === "full-investigation"); console.log(d ? d.record : 0)')
sun=$("$tocsin" export account --columns id --where "login = 'sun'" | sed -n 2p | tr -d '\r')
check "named for a case" "$tocsin" record case --id "$kase" investigator="$sun" --at $now
does '个人 孙' due --list --limit 5000 --lang zh --at $now
# What is written beside the rows' own records is counted too: the person of an unchanged contact has another address.
printf '姓名,联系电话,现住址,末次接触时间\n周游,13700001111,一路1号,2022-05-28\n' >beside.csv
does '1 rows = 1 created .* 2 records written in all' import contact beside.csv --at $now
sed -i 's/一路1号/二路2号/' beside.csv
does '1 rows = 0 created . 0 changed . 1 unchanged .* 1 records written in all' import contact beside.csv --at $now
"$tocsin" import contact beside.csv --at $now >out 2>&1
check "nothing is written when nothing is new" test -z "$(grep 'records written' out)"
# What somebody owes in person is what his unit owes.
refuses 64 'no organisation is called' account unit sun 没有这个单位 --at $now
refuses 64 'no organisation is called' due --unit 没有这个单位 --at $now
refuses 64 'no organisation is called' due --unit 99999 --at $now
check "of a unit" "$tocsin" account unit sun 县公安局 --at $now
does '县公安局' account list --at $now
does '个人 孙' due --unit 县公安局 --list --limit 5000 --lang zh --at $now
json 'j.duties.length > 0 && j.duties.every(d => /孙|县公安局/.test(d.owner))' due --unit 县公安局 --list --limit 5000 --at $now
check "of none" "$tocsin" account unit sun --at $now
json '!j.duties.some(d => /孙/.test(d.owner))' due --unit 县公安局 --list --limit 5000 --at $now
json 'j.owners.some(o => o.kind === "person")' due --by owner --at $now
before=$("$tocsin" due --at $now --json | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).rules.find(r => r.rule === "place-contact").open)')
contact=$("$tocsin" due --list --limit 5000 --at $now --json | node -e 'const d = JSON.parse(require("fs").readFileSync(0)).duties.find(d => d.rule === "place-contact"); console.log(d ? d.record : 0)')
check "a fact is recorded" "$tocsin" record contact --id "$contact" --state placed --at $now
after=$("$tocsin" due --at $now --json | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).rules.find(r => r.rule === "place-contact").open)')
[ "$after" -lt "$before" ] && ok "and pays what was owed ($before, $after)" || bad "and pays what was owed" "$before $after"
refuses 69 'version|changed' record contact --id "$contact" --version 1 note=x --at $now
json 'j.history.length >= 2 && j.history[0].after.state === "placed"' show contact "$contact" --history
refuses 64 'no record|unknown|not' show contact 99999999
refuses 77 'purpose' show contact "$contact" --open
person=$("$tocsin" show contact "$contact" --json | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).person)')
refuses 77 'purpose' person show "$person" --open
"$tocsin" person show "$person" >out
grep -qE '1[3-9][0-9]{9}|[0-9]{17}[0-9X]' out && bad "sealed fields stay sealed" "$(cat out)" || ok "sealed fields stay sealed"
does '1[3-9][0-9]{9}' person show "$person" --open --purpose test
json 'j.records.length >= 1' person show "$person"

does 'id,number,state' export case
check "export xlsx" "$tocsin" export case --format xlsx --out cases.xlsx --titles --lang zh
refuses 64 'file to go to' export case --format xlsx
does 'id,date_onset,date_reporting' export case --format linelist
check "export epicontacts" "$tocsin" export case --format epicontacts --out epi
[ "$(head -1 epi.contacts.csv | tr -d '\r')" = 'from,to,setting,date' ] && [ "$(wc -l <epi.contacts.csv)" -gt 2 ] && ok "epicontacts pairs" || bad "epicontacts pairs" "$(head -2 epi.contacts.csv)"
refuses 64 'a line list is of cases' export contact --format linelist
refuses 64 'no field' export case --columns onset,colour
refuses 77 'sealed' export person --columns name
refuses 77 'purpose' export person --columns name --open
does '^name' export person --columns name --open --purpose test
refuses 64 'no field colour' export case --where 'colour = 3'
does 'confirmed' export case --columns number,classification --where "classification = 'confirmed'"
check "what was exported can come in again" bash -c '"$0" export organisation >o.csv && "$0" import organisation o.csv --json' "$tocsin"
json 'j.register === "contact" && j.columns.some(c => c.name === "class" && c.codes.some(k => k.code === "close" && k.zh)) && j.columns.at(-1).name === "region"' template contact
check "template xlsx" "$tocsin" template contact --out t.xlsx --lang zh
does '姓名' template contact --format csv --lang zh
refuses 64 'no register' template dragon

refuses 65 'future|day|yet' report 2030-01-01 --at $now
refuses 65 'frozen|freeze' report 2022-05-30 --public --at $now
does 'Daily Report' report 2022-05-30 --at $now
json 'j' report 2022-05-30 --at $now
refuses 64 'PDF needs a file' report 2022-05-30 --format pdf --at $now
check "report as PDF" "$tocsin" report 2022-05-30 --format pdf --out r.pdf --at $now --lang zh
pdftotext r.pdf r.txt 2>/dev/null; grep -q '望江县' r.txt && ok "the PDF can be read" || bad "the PDF can be read"
# a call that cannot be done whole does nothing
refuses 65 'both approvals' report 2022-05-30 --freeze --public --at 2022-05-30T17:00
refuses 64 'PDF needs a file' report 2022-05-30 --freeze --format pdf --at 2022-05-30T17:00
refuses 64 'one step' report 2022-05-30 --freeze --approve --at 2022-05-30T17:00
refuses 65 'not frozen' report 2022-05-30 --rederive --at 2022-05-30T17:00
check "freeze" "$tocsin" report 2022-05-30 --freeze --at 2022-05-30T17:00
refuses 69 '.' report 2022-05-30 --freeze --at 2022-05-30T17:01
refuses 65 '.' report 2022-05-30 --public --at 2022-05-30T17:01
check "returned to a draft" "$tocsin" report 2022-05-30 --return --reason wrong --at 2022-05-30T17:01
refuses 65 '.' report 2022-05-30 --approve --at 2022-05-30T17:01
check "and frozen again" "$tocsin" report 2022-05-30 --freeze --at 2022-05-30T17:01
check "an approver" "$tocsin" record account login=wang title=Wang 'roles=approver;command' --region 310199
check "another" "$tocsin" record account login=zhao title=Zhao roles=approver --region 310199
refuses 65 'first of two approvals' report 2022-05-30 --approve --public --as wang --at 2022-05-30T17:02
refuses 65 'not public' report 2022-05-30 --return --public --as wang --at 2022-05-30T17:02
refuses 64 'stands alone' report 2022-05-30 --approve --rederive --as wang --at 2022-05-30T17:02
refuses 74 'nowhere' report 2022-05-30 --approve --format pdf --out nowhere/r.pdf --as wang --at 2022-05-30T17:02
json 'j[0].state === "submitted" && !j[0].first_approver' export daily_report
does 'Daily Report' report 2022-05-30 --approve --as wang --at 2022-05-30T17:02
refuses 77 '.' report 2022-05-30 --approve --as wang --at 2022-05-30T17:03
refuses 65 'public' report 2022-05-30 --public --at 2022-05-30T17:03
refuses 77 '.' report 2022-05-30 --approve --public --as wang --at 2022-05-30T17:03
does 'Bulletin' report 2022-05-30 --approve --public --as zhao --at 2022-05-30T17:04
for register in person stay link; do refuses 77 'reading register' export $register --as zhao; done
check "nobody" "$tocsin" record account login=none title=None roles=guest --region 310199
for format in csv json linelist; do refuses 77 'reading register' export case --format $format --as none; done
refuses 77 'reading register link' export case --format epicontacts --out nothing --as zhao
refuses 77 'reading register' export person --format xlsx --out nothing.xlsx --as zhao
check "a refused export makes no file" test -z "$(ls nothing* 2>/dev/null)"
does 'Daily Report' report 2022-05-30 --publish --as wang --at 2022-05-30T17:05
does 'Bulletin' report 2022-05-30 --public --at 2022-05-30T17:06
refuses 65 '.' report 2022-05-30 --return --as wang --at 2022-05-30T17:07
does 'equal' report 2022-05-30 --rederive --at 2022-05-30T17:02
json 'j.equal === true && j.differences === ""' report 2022-05-30 --rederive --at 2022-05-30T17:02

refuses 77 'no active account' due --as nobody
check "an account" "$tocsin" record account login=li title=Li roles=auditor --region 310199
refuses 77 'role' record person name=x --as li
does 'id,number' export case --as li
refuses 77 '.' export region --as nobody

refuses 77 'auditor' journal --as wang
refuses 64 '不是流水动作' journal --verb fly --lang zh
json 'j.entries.length >= 1 && j.entries.every(e => e.verb === "OPEN" && e.purpose === "test")' journal --verb open
json "j.entries.length >= 1 && j.entries.every(e => e.record === $person)" journal --record "$person"
json 'j.entries.length === 3' journal --limit 3 --as li
json 'j.entries.length === 0' journal --since 2099-01-01T00:00
json 'j.entries.length === 0' journal --until 2001-01-01T00:00
json 'j.entries.length > 0 && j.entries.every(e => e.at.startsWith("2022-05-28"))' journal --since 2022-05-28T00:00 --until 2022-05-29T00:00
does '查看密封字段' journal --verb open --lang zh

does 'records whole: [1-9][0-9]* as the journal says' verify --all --records
json 'j.whole === true && j.entries > 100' verify
check "backup" "$tocsin" backup b.backup
refuses 69 'there already' backup b.backup
refuses 64 'key' restore b.backup --data new
check "restore" "$tocsin" restore b.backup --key "$(ls data/*key* | head -1)" --data new
json 'j.whole === true && j.records.whole && j.records.rows > 100' verify --records --data new
sqlite3 new/tocsin.db "UPDATE \"case\" SET classification = CASE classification WHEN 'confirmed' THEN 'suspected' ELSE 'confirmed' END WHERE id = (SELECT MIN(id) FROM \"case\")"
json 'j.whole === true' verify --data new
refuses 70 'case [0-9]+ .*: classification is not what entry [0-9]+' verify --records --data new
refuses 70 '病例 [0-9]+ .*:classification 与第 [0-9]+ 条' verify --records --data new --lang zh
sqlite3 new/tocsin.db "UPDATE \"case\" SET classification = CASE classification WHEN 'confirmed' THEN 'suspected' ELSE 'confirmed' END WHERE id = (SELECT MIN(id) FROM \"case\")"
a=$("$tocsin" export case --columns id,number,onset | sort | md5sum) b=$("$tocsin" export case --columns id,number,onset --data new | sort | md5sum)
[ "$a" = "$b" ] && ok "the restored node has the same cases" || bad "the restored node has the same cases"
does 'nothing to change' migrate

diff_words=$("$tocsin" policy diff covid-2022-v9 covid-2022-20 --at $now)
does '^参数 central_days 密接集中隔离天数: 7 天 -> 5 天' policy diff covid-2022-v9 covid-2022-20 --lang zh --at $now
json 'j.live.list.length > 0 && j.live.list.every(c => c.effect && c.rule)' policy diff covid-2022-v9 covid-2022-20 --list --at $now
grep -q 'central_days' <<<"$diff_words" && grep -qE 'lose|gain|sooner|later' <<<"$diff_words" && ok "policy diff, on the live data" || bad "policy diff, on the live data" "$diff_words"
does 'adopted' policy adopt covid-2022-20 --from 2022-05-30 --reason test --at 2022-05-30T18:00
refuses 69 'in force there from that day already' policy adopt covid-2022-20 --from 2022-05-30 --reason again --at 2022-05-30T18:00
import=$("$tocsin" import place files/places.csv --at $now --json | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).import)')
does 'import' undo "$import"
self=$("$tocsin" record person name=王自己 doc_type=passport doc_no=E99887766 --at $now --json | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).id)')
one=$("$tocsin" record case person="$self" disease=covid-19 classification=suspected report_date=2022-05-29 --at $now --json | node -e 'const j = JSON.parse(require("fs").readFileSync(0)); console.log(j.id + "," + j.number)')
printf '姓名,证件类型,证件号码,病例编号,末次接触时间\n王自己,护照,E99887766,%s,2022-05-28\n' "${one#*,}" >self.csv
json 'j.rejected === 1 && j.created === 0' import contact self.csv --at $now --errors self-errors.csv
grep -qE '关联病例|index_case' self-errors.csv && grep -qE 'same person|本人' self-errors.csv && ok "who is named his own contact comes back with the field" || bad "who is named his own contact" "$(cat self-errors.csv out)"
refuses 65 'index_case.*same person|same person.*index_case' record contact person="$self" index_case="${one%,*}" last_contact=2022-05-28 --at $now
refuses 65 'source_case.*itself|itself.*source_case' record case --id "${one%,*}" source_case="${one%,*}" --at $now
printf 'name,community\nU,Undone\nR,Referred\n' >two.csv
import=$("$tocsin" import person two.csv --at $now --json | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).import)')
stays=$("$tocsin" export person --columns id --where "community = 'Referred'" | sed -n 2p | tr -d '\r')
"$tocsin" record case person="$stays" disease=covid-19 classification=suspected report_date=2022-05-30 --at $now >/dev/null
json "j.removed === 1 && j.kept === 1 && j.list.length === 1 && j.list[0].register === 'person' && j.list[0].record === $stays && j.list[0].why" undo "$import"
refuses 69 '.' undo "$import"
refuses 64 'named by its number' undo x
two=$("$tocsin" export person --columns id --where "sex = 'male'" | sed -n '2,3p' | tr -d '\r' | xargs)
# shellcheck disable=SC2086
check "merge" "$tocsin" person merge $two --reason test
# shellcheck disable=SC2086
refuses 69 '.' person merge $two --reason test
check "unmerge" "$tocsin" person unmerge "${two#* }" --reason test
refuses 64 'reason' person erase "${two%% *}"
check "erase" "$tocsin" person erase "${two%% *}" --reason test
does 'records whole: [1-9][0-9]* as the journal says' verify --all --records

# ---- two diseases live at once: each fact is obliged by the plan of its own disease
make() { "$tocsin" record "$@" --data two --at $now --region 310199 --json | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).id)'; }
rules() { "$tocsin" due --list --limit 500 --json --data two --at $now | node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).duties.filter(d => d.record === +process.argv[1]).map(d => d.rule).sort().join(" "))' "$1"; }
"$tocsin" init --data two --region 310199 --policy covid-2022-v9 --from 2022-05-28 --at 2022-05-28T00:00 >/dev/null
hospital=$(make organisation title=hospital kind=hospital)
first=$(make person name=A) second=$(make person name=B) third=$(make person name=C)
covid=$(make case person="$first" disease=covid-19 classification=confirmed detected_at=2022-05-30T10:00 report_date=2022-05-30)
contact=$(make contact person="$second" index_case="$covid" class=close last_contact=2022-05-29 found_at=2022-05-30T12:00)
before=$(rules "$contact")
does 'adopted' policy adopt measles-who --from 2022-05-30 --reason test --data two --at $now
[ -n "$before" ] && [ "$(rules "$contact")" = "$before" ] && ok "the plan of another disease changes nothing for a contact" || bad "the plan of another disease changes nothing for a contact" "$before" "$(rules "$contact")"
measles=$(make case person="$first" disease=measles classification=suspected detected_at=2022-05-30T15:00 report_date=2022-05-30)
both=$(make contact person="$second" index_case="$measles" class=close last_contact=2022-05-29 found_at=2022-05-30T12:00)
[[ $(rules "$both") == *place-contact* && $(rules "$contact") == *place-contact* ]] && ok "a contact of two diseases owes under both plans" || bad "a contact of two diseases owes under both plans" "$(rules "$both")" "$(rules "$contact")"
stay=$(make stay person="$second" kind=central started_at=2022-05-30T14:00 exposure=2022-05-29 contact="$contact")
[[ $(rules "$stay") == *central-tests* ]] && ok "a stay follows the disease of its contact" || bad "a stay follows the disease of its contact" "$(rules "$stay")"
alone=$(make contact person="$third" index_case="$covid" class=close last_contact=2022-05-29 found_at=2022-05-30T12:00)
stay=$(make stay person="$third" kind=central started_at=2022-05-30T14:00 exposure=2022-05-29)
[[ $(rules "$stay") == *central-tests* ]] && ok "a stay that names no contact follows what its person is held by" || bad "a stay that names no contact" "$(rules "$stay")" "$alone"
check "isolation of a contact is judged by his disease's plan" "$tocsin" record measure person="$third" kind=central-isolation subject_class=close legal_basis=law \
    issuer="$hospital" starts=2022-05-30 ends=2022-06-05 --data two --at $now
fourth=$(make person name=D)
make contact person="$fourth" index_case="$measles" class=close last_contact=2022-05-29 found_at=2022-05-30T12:00 >/dev/null
refuses 65 'measles-who' record measure person="$fourth" kind=central-isolation subject_class=close legal_basis=law issuer="$hospital" starts=2022-05-30 ends=2022-06-05 --data two --at $now
make membership person="$first" kind=household unit=H1 since=2022-01-01 >/dev/null
make membership person="$third" kind=household unit=H1 since=2022-01-01 >/dev/null
printf 'person,place,start,end\n%s,shop,2022-05-29 10:00,2022-05-29 11:00\n%s,shop,2022-05-29 10:10,2022-05-29 11:00\n' "$first" "$second" >stays.csv
printf 'person,other,start,end,distance\n%s,%s,2022-05-29 15:00,2022-05-29 15:40,1\n' "$first" "$fourth" >near.csv
refuses 64 'limit' chains --limit -1 --data two
refuses 64 'limit' tracing places --limit 0 --data two
refuses 64 'zone' tracing visitors --place x --zone -3 --data two
refuses 64 'no disease "covid"' chains --disease covid --data two
refuses 65 'more than 512' trace --person "$(seq -s , 513)" --data two
does "^$third .*same household\$" trace "$covid" --data two --at $now
check "stays for a trace" "$tocsin" visits import stays.csv --data two
check "and two devices near each other" "$tocsin" visits import near.csv --data two
does "^$third .*same household\$" trace "$covid" --data two --at $now
does "^$second .*together\$" trace "$covid" --data two --at $now
does "^$fourth .*proximity\$" trace "$covid" --data two --at $now
cafe=$(make place title=cafe kind=restaurant)
printf 'person,place,start,end\nguest,%s,2022-05-29 18:00,2022-05-29 19:00\n' "$cafe" >guest.csv
check "who was at a cafe" "$tocsin" visits import guest.csv --data two
make track person="$first" place="$cafe" day=2022-05-29 starts=2022-05-29T18:10 ends=2022-05-29T18:50 source=interview >/dev/null
does "^guest .*together\$" trace "$covid" --data two --at $now
does "^$third .*同户\$" trace "$covid" --data two --at $now --lang zh
does "^$fourth .*近距离感应\$" trace "$covid" --data two --at $now --lang zh
echo "1..$count"
