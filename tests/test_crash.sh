#!/usr/bin/env bash
# A few rounds of tests/crash; `make crash` runs 200.
exec "$(dirname "$0")/crash" 9
