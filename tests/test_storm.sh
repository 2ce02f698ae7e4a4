#!/usr/bin/env bash
# A short tests/storm; `make storm` also cuts PostgreSQL off.
exec "$(dirname "$0")/storm" 4
