# The front door of the repository. Every target installs what is missing first (scripts/setup), so a fresh
# Debian needs nothing but `make` and the right to use apt.
SHELL := /bin/bash
BUILD ?= build
SECONDS_EACH ?= 60
ROUNDS ?= 200

.PHONY: help setup build run demo test bench fuzz lint format clean
.PHONY: check-asan check-ubsan check-tsan check-alloc storm crash nights docs

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## install what is missing: compiler, libraries, PostgreSQL, fonts
	@scripts/setup

build: setup ## compile everything into build/
	@scripts/build $(BUILD)

run: build ## make a demo county with an outbreak, run the main job on it, and serve it on 127.0.0.1:8460 until Ctrl-C
	@scripts/demo
	@scripts/serve-demo

demo: build ## the same without serving
	@scripts/demo

test: setup ## every test, on SQLite and PostgreSQL; closes with "N passed, N failed"
	@TOCSIN_BUILD=$(BUILD) tests/run

bench: setup ## every benchmark, release build, in build-bench/
	@bench/run

fuzz: setup ## every fuzz target under libFuzzer, SECONDS_EACH=60 each, in build-fuzz/
	@fuzz/run $(SECONDS_EACH)

lint: setup ## include directions, file sizes, words, documentation, shell, a clang build
	@scripts/lint

check-asan: setup ## the tests under AddressSanitizer and LeakSanitizer, in build-asan/
	@TOCSIN_BUILD=build-asan TOCSIN_SANITIZE=address tests/run

check-ubsan: setup ## the tests under UndefinedBehaviorSanitizer, in build-ubsan/
	@TOCSIN_BUILD=build-ubsan TOCSIN_SANITIZE=undefined tests/run

check-tsan: setup ## the tests under ThreadSanitizer, in build-tsan/
	@TOCSIN_BUILD=build-tsan TOCSIN_SANITIZE=thread tests/run

check-alloc: setup ## every test program with the n-th allocation failing, n spread over the run, in build-asan/
	@tests/alloc

nights: setup ## long form: ROUNDS=200 kills of one who records and imports, of the HTTP server under load, in the burst of a city's evening and between plates, full disks, failing writes, PostgreSQL restarts
	@TOCSIN_BUILD=$(BUILD) TOCSIN_NIGHT_ROUNDS=$(ROUNDS) TOCSIN_TIMEOUT=7200 TOCSIN_JOBS=1 tests/run nights nights_disk nights_server http_nights http_swabs_nights chengdu

storm: build ## long form: retry storms, two processes on one store, PostgreSQL cut off under load
	@tests/storm

crash: build ## long form: 200 times kill -9 during imports and recording, and a full disk
	@tests/crash
	@TOCSIN_CRASH_ROUNDS=200 tests/run visits_crash

docs: build ## write the generated pages of docs/ again
	@scripts/docs

format: ## clang-format over the C files changed since main
	@git diff --name-only --diff-filter=d main -- '*.c' '*.h' | xargs -r clang-format -i

clean: ## remove what was built; keeps data/
	@rm -rf build build-* demo
