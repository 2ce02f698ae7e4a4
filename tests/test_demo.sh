#!/usr/bin/env bash
# The demonstration county a second time: put back byte for byte and shown again in seconds while what it is made from is the same, made anew when it is not. Prints TAP.
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/tap.bash"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$tocsin" "$work/tocsin"
export TOCSIN_DEMO=$work/demo TOCSIN_PROGRAM=$work/tocsin TOCSIN_PEOPLE=600
bytes() { (cd "$TOCSIN_DEMO" && find . -path ./.made -prune -o -type f -print0 | sort -z | xargs -0 sha256sum); }
begins() { # begins 'NAME' PATTERN ARGUMENTS...: what a run says first; it is cut there
    local name=$1 pattern=$2
    shift 2
    scripts/demo "$@" 2>&1 | head -n 3 >"$work/first"
    if grep -q "$pattern" "$work/first"; then ok "$name"; else bad "$name" "$(cat "$work/first")"; fi
}
if scripts/demo >"$work/one" 2>&1; then ok "the county is made"; else bad "the county is made" "$(tail -5 "$work/one")"; fi
bytes >"$work/made"
start=$(date +%s%N)
scripts/demo >"$work/two" 2>&1 && ok "and a second time" || bad "and a second time" "$(tail -5 "$work/two")"
ms=$((($(date +%s%N) - start) / 1000000))
[ $ms -lt 10000 ] && ok "in seconds (a quiet machine: about one)" || bad "in seconds" "$ms ms"
bytes | cmp -s - "$work/made" && ok "the same bytes" || bad "the same bytes" "$(bytes | diff - "$work/made" | head -5)"
grep -q 'Nothing that this county was made from has changed' "$work/two" && ok "which it says" || bad "which it says" "$(head -5 "$work/two")"
for words in 'What was taken in' 'rows = [0-9]* created' 'What is owed at' 'closed-loop rate' 'The most overdue' 'The report of the day' 'Epidemic curve' 'journal whole'; do
    [ "$(grep -c "$words" "$work/two")" -ge "$(grep -c "$words" "$work/one")" ] && grep -q "$words" "$work/one" && ok "it shows: $words" || bad "it shows: $words"
done
now=2022-05-30T17:30
(cd "$TOCSIN_DEMO" && "$tocsin" record place title=新来 --region 310199 --at $now >/dev/null && rm -r files && echo x >report.pdf)
bytes | cmp -s - "$work/made" && bad "somebody worked in it" || ok "somebody worked in it"
scripts/demo >"$work/two" 2>&1
bytes | cmp -s - "$work/made" && ok "it is put back as it was made" || bad "it is put back as it was made" "$(bytes | diff - "$work/made" | head -5)"
cp -a "$TOCSIN_DEMO" "$work/again"
anew() { # anew 'NAME' WHAT...: after WHAT it is made anew
    rm -rf "$TOCSIN_DEMO" && cp -a "$work/again" "$TOCSIN_DEMO"
    begins "$1" 'A county with an outbreak' "${@:2}"
}
anew "--anew makes it anew" --anew
begins "one that was cut is no county: anew" 'A county with an outbreak'
TOCSIN_PEOPLE=601 anew "other people: anew"
TOCSIN_LANG=zh anew "another language: anew"
echo >>"$work/tocsin"
anew "another program: anew"
cp "$tocsin" "$work/tocsin"
rm -rf "$TOCSIN_DEMO" && cp -a "$work/again" "$TOCSIN_DEMO" && echo x >>"$TOCSIN_DEMO/.made/county/files/contacts.csv"
begins "a copy that was altered: anew" 'A county with an outbreak'
rm -rf "$TOCSIN_DEMO" && cp -a "$work/again" "$TOCSIN_DEMO"
begins "and the same again: put back" 'Nothing that this county'
echo "1..$count"
[ $failed -eq 0 ]
