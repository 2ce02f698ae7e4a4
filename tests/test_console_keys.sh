#!/usr/bin/env bash
# The console by keyboard alone, and what opens over its screens: walks over a county of their own.
TOCSIN_WALKS=${TOCSIN_WALKS:-keys opens} exec "$(dirname "$0")/test_console.sh"
