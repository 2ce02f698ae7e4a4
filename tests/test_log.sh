#!/usr/bin/env bash
# Nothing of a person is in the server's log, wherever a client put it: query, path, header, body (whole, broken, refused), password, list. Both stores. Prints TAP.
set -uo pipefail
# shellcheck source=tests/nodes.bash
source "$(dirname "$0")/nodes.bash"
cd "$work" || exit
name=欧阳秘密 phone=13987654321 document=11010519491231002X wrong=110105194912310021
query=$(node -p 'encodeURIComponent(process.argv[1])' $name)
stores_find
serial=0
for store in $stores; do
    kind=${store%%:*}
    serial=$((serial + 1))
    new_node "$store" "log$serial$$" || bad "a node on $kind"
    echo "token-root root root -" >tokens
    : >serving
    "$tocsin" serve --data "log$serial$$" --listen 127.0.0.1:0 --dev-tokens tokens --at $now --lang en >serving 2>log &
    server=$!
    await grep -q http serving
    url=$(sed -n 's/^serving //p' serving)
    api=$url/api/v1 records=$url/api/v1/registers/person/records statuses=
    json='Content-Type: application/json'
    ask() { # ask STATUS CURL...: the status that must come
        local status=$1
        shift
        got=$(curl -s -o answer -w '%{http_code}' -H "Authorization: Bearer ${token:-token-root}" "$@")
        statuses+=" $got"
        if [ "$got" = "$status" ]; then ok "$kind: $status"; else bad "$kind: $status of ${*: -1}" "$got" "$(head -c 300 answer)"; fi
    }
    ask 201 -H "$json" -d "{\"region\":\"310199\",\"fields\":{\"name\":\"$name\",\"phone\":\"$phone\",\"doc_type\":\"id-card\",\"doc_no\":\"$document\"}}" "$records"
    id=$(node -p 'JSON.parse(require("fs").readFileSync("answer")).id')
    ask 200 "$records/$id"
    ask 200 -H "$json" -H "Tocsin-Purpose: about $name" -d "{\"phone\":\"$phone\"}" "$api/persons/search"
    ask 422 "$records?where=phone%20%3D%20%27$phone%27%20AND"
    ask 403 "$records?name=$query&phone=$phone&doc_no=$document"
    ask 400 -H "$json" -d "{\"region\":\"310199\",\"fields\":{\"name\":\"$name\",\"doc_no\":\"$document" "$records"
    ask 422 -H "$json" -d "{\"region\":\"310199\",\"fields\":{\"name\":\"$name\",\"doc_type\":\"id-card\",\"doc_no\":\"$wrong\"}}" "$records"
    ask 422 -H "$json" -d "{\"region\":\"310199\",\"fields\":{\"name\":\"$name\",\"birth\":\"$phone\"}}" "$records"
    ask 404 -H "$json" -d "{\"region\":\"310199\",\"fields\":{\"name\":\"x\"}}" "$api/registers/$query/records"
    ask 404 "$records/$phone"
    ask 404 "$records/$document"
    ask 404 "$api/persons/$phone"
    ask 404 "$api/$query/$document"
    ask 401 -H "$json" -d "{\"login\":\"$phone\",\"password\":\"$document\"}" "$api/session"
    ask 404 -H "$json" -d "{\"password\":\"$phone\"}" "$api/accounts/root/password"
    token=$document ask 401 "$records"
    ask 200 -A "$name" -e "http://x/?phone=$phone" -H "X-Request-Id: $document" -H "Cookie: name=$phone" "$records/$id"
    ask 201 -H 'Content-Type: text/csv' --data-binary $'姓名,身份证号,联系电话\n'"$name,$wrong,$phone"$'\n' "$api/imports?register=person&file=$query.csv"
    (exec 3<>"/dev/tcp/127.0.0.1/${url##*:}" && printf 'GET /%s?%s HTTP/9.9\r\n%s\r\n\r\n' "$phone" "$document" "$name" >&3 && timeout 5 head -c 1 <&3) >/dev/null 2>&1
    sleep 1 # the import is looked through
    kill -TERM $server
    wait $server
    server=
    check "$kind: every answer stands in the log" node -e '
        const lines = require("fs").readFileSync("log", "utf8").trim().split("\n").map(JSON.parse).filter(l => l.status).map(l => l.status);
        for (const s of process.argv[1].trim().split(" ")) { const at = lines.indexOf(+s); if (at < 0) throw new Error(s + " is missing"); lines.splice(at, 1); }' "$statuses"
    check "$kind: what was there is named by its id" grep -q "\"path\":\[\"person\",\"$id\"\]" log
    found=
    for word in $name "$query" $phone $document $wrong "$(node -p 'JSON.stringify(process.argv[1]).replace(/[^\x00-\x7f]/g, c => "\\u" + c.charCodeAt(0).toString(16)).slice(1, -1)' $name)" 欧阳; do
        grep -qiF "$word" log serving && found+=" $word"
    done
    [ -z "$found" ] && ok "$kind: nothing of the person is in the log" || bad "$kind: in the log:$found" "$(grep -iF "${found##* }" log | head -3)"
done
plan
