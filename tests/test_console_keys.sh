#!/usr/bin/env bash
# The console by keyboard alone, what opens over its screens, what is stopped, refused and without a server, the acts of my work under the plan that the county began with, and answers that come late: walks over a county of their own.
TOCSIN_WALKS=${TOCSIN_WALKS:-keys opens gone acts turns} exec "$(dirname "$0")/test_console.sh"
