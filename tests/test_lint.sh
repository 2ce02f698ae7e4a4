#!/usr/bin/env bash
# The quick half of scripts/lint as one test.
echo 1..1
if out=$(scripts/lint --quick); then echo "ok 1 - lint"; else printf '%s\n' "$out"; echo "not ok 1 - lint"; fi
