#!/usr/bin/env bash
# The API from outside: its OpenAPI document lints clean, no rule left out, a client generated from it works, and curl does. Prints TAP.
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/tap.bash"
modules=$root/node_modules
work=$(mktemp -d)
server=
finish() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
cd "$work" || exit

"$tocsin" help --format openapi >openapi.json
if [ -x "$modules/.bin/redocly" ]; then
    export REDOCLY_SUPPRESS_UPDATE_NOTICE=true REDOCLY_TELEMETRY=off
    "$modules/.bin/redocly" lint openapi.json --format json >lint.json 2>err
    check "the OpenAPI document lints clean (Redocly, recommended rules, no warnings)" node -e '
        const t = require("fs").readFileSync("lint.json", "utf8"), r = JSON.parse(t.slice(t.indexOf("{")));
        if (r.totals.errors + r.totals.warnings > 0) { console.error(JSON.stringify(r.problems.slice(0, 5))); process.exit(1); }'
else
    skip "the OpenAPI document lints clean" "npm modules are not installed"
fi
check "of everything that comes it tells what it is" node "$root/tests/answers.mjs" openapi.json

"$tocsin" init --region 310115 --policy covid-2022-v9 --from 2022-05-28 --at 2022-05-28T00:00 >out 2>err || bad "init" "$(cat err)"
echo "token-root root root -" >tokens
"$tocsin" serve --listen 127.0.0.1:0 --dev-tokens tokens --at 2022-05-30T10:00 --lang en >serving 2>log &
server=$!
await grep -q http serving
url=$(sed -n 's/^serving //p' serving)

check "the server says what it serves" grep -q '^serving http://127.0.0.1:' serving
check "it serves that document" sh -c "curl -sf $url/api/openapi.json | cmp - openapi.json"
check "curl makes a record" sh -c "curl -sf -H 'Authorization: Bearer token-root' -H 'Content-Type: application/json' -d '{\"region\":\"310115\",\"fields\":{\"title\":\"一号楼\"}}' \
    $url/api/v1/registers/place/records | grep -q created"
if [ -x "$modules/.bin/openapi-typescript" ]; then
    mkdir client && cp "$root"/tests/client/* client/ && ln -s "$modules" node_modules && echo '{"type":"module"}' >package.json
    check "a TypeScript client is generated from the document" "$modules/.bin/openapi-typescript" openapi.json -o client/api.d.ts
    check "it type-checks" "$modules/.bin/tsc" -p client --outDir made
    check "it works" node made/client.js "$url" token-root
else
    skip "a TypeScript client is generated and works" "npm modules are not installed"
fi
check "what comes is what the document tells" node "$root/tests/answers.mjs" openapi.json "$url" token-root
named() { # what a client was told to name its request by is what the log names it by
    local id
    id=$(curl -si "$url/api/v1/nothing" | tr -d '\r' | sed -n 's/^X-Request-Id: //p')
    [ ${#id} -eq 16 ] && await grep -q "\"request\":\"$id\".*\"status\":404" log
}
check "a request is found in the log by its id" named
check "no token is in the log" sh -c '! grep -q token-root log'
kill -TERM $server
wait $server
check "it ends by itself when told to" test $? -eq 0
server=
check "every line of the log is JSON" node -e 'require("fs").readFileSync("log", "utf8").trim().split("\n").forEach(JSON.parse)'

# ---- TLS: 1.2 and later, a certificate exchanged while it runs
certificate() { # certificate NAME
    certtool --generate-privkey --key-type ecdsa --outfile "$1.key" >/dev/null 2>&1
    printf 'cn = localhost\ndns_name = localhost\nip_address = 127.0.0.1\nserial = %s\nexpiration_days = 2\ntls_www_server\nsigning_key\n' "$2" >template
    certtool --generate-self-signed --load-privkey "$1.key" --template template --outfile "$1.crt" >/dev/null 2>&1
}
certificate a 1
certificate b 2
"$tocsin" serve --listen 127.0.0.1:0 --tls-cert a.crt --tls-key b.key >out 2>err
check "a key that is not the certificate's is refused" test $? -eq 65
cp a.crt tls.crt && cp a.key tls.key
: >serving
"$tocsin" serve --listen 127.0.0.1:0 --tls-cert tls.crt --tls-key tls.key --dev-tokens tokens --lang en >serving 2>log &
server=$!
await grep -q https serving
url=$(sed -n 's/^serving //p' serving)
check "TLS with a certificate that is trusted" curl -sf --cacert a.crt "$url/healthz"
check "it tells clients to stay with TLS" sh -c "curl -sfi --cacert a.crt $url/healthz | grep -qi '^strict-transport-security:'"
signed() { # signed CURL...: the cookies of a first sign-in
    curl -sf --cacert a.crt -o /dev/null -H 'Authorization: Bearer token-root' -H 'Content-Type: application/json' -d '{"login":"li.na","roles":"approver"}' "$url/api/v1/accounts"
    curl -sf --cacert a.crt -o /dev/null -H 'Authorization: Bearer token-root' -H 'Content-Type: application/json' -d '{"password":"first word of all"}' "$url/api/v1/accounts/li.na/password"
    curl -sfi --cacert a.crt -H 'Content-Type: application/json' -d '{"login":"li.na","password":"first word of all"}' "$url/api/v1/session" | tr -d '\r' | grep -i '^set-cookie:' >cookies
    [ "$(grep -c . cookies)" -gt 0 ] && ! grep -viE '^set-cookie: __Host-[a-z_]+=[^;]+; Path=/; HttpOnly; SameSite=Strict; Max-Age=[0-9]+; Secure$' cookies
}
check "over TLS its cookies are Secure and of this host alone" signed
check "TLS 1.1 is refused" sh -c "! gnutls-cli --priority 'NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT' --no-ca-verification -p ${url##*:} 127.0.0.1 </dev/null"
check "TLS 1.2 is taken" sh -c "gnutls-cli --priority 'NORMAL:-VERS-ALL:+VERS-TLS1.2' --no-ca-verification -p ${url##*:} 127.0.0.1 </dev/null"
check "plain HTTP is not answered there" sh -c "! curl -sf http://${url#https://}/healthz"
cp b.crt tls.crt && cp b.key tls.key
kill -HUP $server
await curl -sf --cacert b.crt "$url/healthz"
check "after SIGHUP the new certificate is served" curl -sf --cacert b.crt "$url/healthz"
cp a.key tls.key
kill -HUP $server
await grep -q '"event":"certificate","code":"INVALID"' log
check "a bad exchange leaves the old one in use" sh -c "curl -sf --cacert b.crt $url/healthz && grep -q '\"event\":\"certificate\",\"code\":\"INVALID\"' log"
kill -TERM $server
wait $server
server=
echo "1..$count"
