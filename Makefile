# Every target is a script of scripts/, which also runs alone. Variables: PG_CONFIG (default: the one on PATH), or
# PG=18 for a PostgreSQL of that major version, built when there is none.
export PG_CONFIG PG

.DEFAULT_GOAL := build
.PHONY: help build install install-mysql demo demo-stop demo-mysql demo-mysql-stop test test-all parity bench quality lint instructions clean

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 25

build: ## build the release library
	@scripts/build

install: ## build and install into the PostgreSQL of PG_CONFIG=... (asks for sudo when it has to)
	@scripts/install

install-mysql: ## build and install into a running MySQL or MariaDB: MYSQL_CLIENT="mariadb --socket=..." DATABASE=...
	@scripts/install-mysql

demo: ## build, start a private server, train and predict on two public tables
	@scripts/demo

demo-stop: ## stop the demo's server and remove its data
	@scripts/demo-stop

demo-mysql: ## the same inside a private MariaDB
	@scripts/demo-mysql

demo-mysql-stop: ## stop that server and remove its data
	@scripts/demo-mysql-stop

test: ## run every ring of tests; ends with 'N passed, N failed'; PG=17 or PG=18 takes that PostgreSQL
	@scripts/test

test-all: ## the same also on PostgreSQL 17 and 18 and on MySQL, which it fetches, and the longest tests
	@scripts/test --all

parity: ## compare with Keras and PyTorch from PyPI: numbers, layers, models both ways; ends with 'N passed, N failed'
	@scripts/parity

bench: ## measure tablenet and its peers side by side; writes docs/benchmarks.md (bench/run says what can be set)
	@bench/run

quality: ## train on 41 tables with nothing but a query and a target, and scikit-learn on the same rows (docs/defaults.md)
	@bench/quality/run

lint: ## rustfmt, clippy with warnings as errors, shellcheck
	@scripts/lint

instructions: ## count the instructions of two training steps and a scored row, and compare with the committed ones
	@scripts/instructions

clean: ## remove everything that the other targets built
	@scripts/clean
