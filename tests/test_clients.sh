#!/usr/bin/env bash
# Clients of the API as docs/ shows them: every block of shell, R, TypeScript in the pages of the API is taken out and run against a server, and what Excel's
# "from web" does is done as Excel does it. Prints TAP. R is used when it is there (apt-get install r-base-core), else its part is skipped aloud.
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/tap.bash"
work=$(mktemp -d)
server=
finish() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
cd "$work" || exit
blocks() { # blocks LANGUAGE PAGE: writes block-1, block-2, ...
    rm -f block-*
    awk -v language="$1" '$0 == "```" language { n++; on = 1; next } /^```/ { on = 0 } on { print > ("block-" n) }' "$root/docs/$2"
}

# ---- a node with accounts, cases and links
"$tocsin" init --region 310115 --policy covid-2022-v9 --from 2022-05-28 --at 2022-05-28T00:00 --demo >out 2>err || bad "init" "$(cat err)"
"$tocsin" account demo --region 310115 >accounts 2>err || "$tocsin" account demo >accounts 2>err || bad "accounts" "$(cat err)"
check "there is a demonstration account for every role but root" sh -c "grep -oE 'code: [a-z]+' '$root/codes/role.yaml' | sed 's/code: //' | grep -vx root | while read -r role; do grep -q \"demo-\$role \" accounts || { echo \"none for \$role\" >&2; exit 1; }; done"
password_of() { awk -v who="$1" '$0 ~ who { for (i = 1; i <= NF; i++) if ($i == who) { print $(i + 1); exit } }' accounts; }
PASSWORD=$(password_of demo-tracer)
echo "token-of-a-machine machine intake;tracer 310115" >tokens
"$tocsin" serve --listen 127.0.0.1:0 --dev-tokens tokens --at 2022-05-30T10:00 --lang en >serving 2>log &
server=$!
await grep -q http serving
BASE=$(sed -n 's/^serving //p' serving)
export BASE PASSWORD TOKEN=token-of-a-machine TOCSIN_TOKEN=token-of-a-machine
post() { curl -sf -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d "$2" "$BASE/api/v1/registers/$1/records" | jq -r .id; }
first=
for i in 1 2 3; do
    person=$(post person "{\"fields\":{\"name\":\"李娜$i\",\"sex\":\"female\",\"age\":3$i,\"age_unit\":\"year\",\"address_region\":\"310115001\"}}")
    case=$(post case "{\"region\":\"310115001\",\"fields\":{\"person\":$person,\"disease\":\"covid-19\",\"classification\":\"confirmed\",\"onset\":\"2022-05-2$i\",\"report_date\":\"2022-05-29\"}}")
    [ -n "$first" ] && post link "{\"region\":\"310115001\",\"fields\":{\"infector\":$first,\"infectee\":$case,\"exposure_date\":\"2022-05-20\"}}" >/dev/null
    [ -n "$first" ] || first=$case
done
check "three cases and two links are there" test "$(curl -sf -H "Authorization: Bearer $TOKEN" "$BASE/api/v1/registers/link/export?format=epicontacts" | wc -l)" -eq 3

# ---- curl
for page in api.md api-lists.md api-jobs.md api-events.md; do
    blocks sh $page
    for block in block-*; do
        [ -f "$block" ] || continue
        mkdir -p "run" && check "$page: the shell of ${block} runs" bash -euo pipefail -c "cd run && . ../$block"
    done
done
check "the conversation made a place with 120 seats" sh -c "curl -sf -H 'Authorization: Bearer $TOKEN' '$BASE/api/v1/registers/place/export?format=json' | jq -e '.[] | select(.capacity == 120)'"

# ---- R
if command -v Rscript >/dev/null; then
    page=api-lists.md
    blocks r $page
    n=$(find . -maxdepth 1 -name 'block-*' | wc -l)
    cat block-* >script.R
    # shellcheck disable=SC2016 # R's own dollars
    echo 'stopifnot(nrow(x) == 3, identical(sort(format(x$date_onset)), c("2022-05-21", "2022-05-22", "2022-05-23")), all(x$gender == "female"), identical(sort(x$age), 31:33))
          stopifnot(nrow(contacts) == 2, all(contacts$from %in% x$id), all(contacts$to %in% x$id))' >>script.R
    check "$page: its $n blocks of R read the line list and the pairs by URL" Rscript --vanilla script.R
else
    skip "R reads the line list by URL" "R is not installed (apt-get install r-base-core)"
fi

# ---- Excel, From Web: no page, no script, no cookie; a header it was told, and whatever Power Query sends besides
excel() { curl -s -D head -o body --http1.1 --compressed -A 'Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)' -H 'Accept:' "$@"; }
url=$(sed -n 's/.*Web.Contents("https:\/\/HOST".*RelativePath = "\([^"]*\)".*/\1/p' "$root/docs/api-lists.md")
check "the formula for Excel names an address" test -n "$url"
excel -H "Authorization: Bearer $TOKEN" "$BASE/$url?titles=zh&region=310115"
check "Excel gets CSV at once, without being sent elsewhere" sh -c "head -1 head | grep -q ' 200 ' && grep -qi '^content-type: text/csv; charset=utf-8' head"
check "with a name to save it under" grep -qi '^content-disposition: attachment; filename="case.csv"' head
check "with the mark by which it knows UTF-8" sh -c "head -c 3 body | od -An -tx1 | grep -q 'ef bb bf'"
check "with Chinese headers and words for codes" sh -c "head -1 body | grep -q 病例分类 && grep -q 确诊 body"
check "as many columns in every row" sh -c "python3 -c 'import csv,sys; r = list(csv.reader(open(\"body\", encoding=\"utf-8-sig\"))); sys.exit(not (len(r) == 4 and len({len(x) for x in r}) == 1))'"
excel "$BASE/$url?titles=zh"
check "without its header it is asked for one" sh -c "head -1 head | grep -q ' 401 ' && grep -qi '^www-authenticate: Bearer' head"
excel -u someone:word "$BASE/$url?titles=zh"
check "a name and password in its dialogue are refused, not tried" sh -c "head -1 head | grep -q ' 401 '"
excel -H "Authorization: Bearer $TOKEN" "$BASE/$url?format=xlsx"
check "a workbook it can open" sh -c "unzip -tqq body && unzip -p body xl/workbook.xml | grep -q '<sheet '"

# ---- what the log holds after all this
kill -TERM $server
wait $server
server=
check "no name, password, token or cookie is in the log" sh -c "! grep -qE '李娜|$TOKEN|$PASSWORD|tocsin_session|Bearer' log"
echo "1..$count"
