# What people and machines run. Options of a command go through ARGS: make demo ARGS="--exit --dossiers 5"

ARGS ?=
CARGO ?= cargo

.PHONY: help setup build demo test crash-1000 bench-batch bench-chains bench-documents bench-log bench-reads compat-docxtpl lint deny schema clean

help: ## Say what can be made
	@grep -E '^[a-z0-9-]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | expand -t 16

setup: ## Install what is missing (Debian, Ubuntu): PostgreSQL, LibreOffice without GUI, fonts, a C compiler
	@.ci/setup

build: setup ## Build the program
	$(CARGO) build --bin navette

demo: build ## Take real dossiers through the whole chain, with simulated neighbours
	@target/debug/navette demo $(ARGS)

test: setup ## Run the whole suite
	$(CARGO) test --workspace --all-features $(ARGS)

crash-1000: setup ## Kill Navette 1,000 times at random, in batches under way (long)
	NAVETTE_KILLS=1000 $(CARGO) test --workspace --all-features --test crash -- --nocapture at_random_moments

bench-batch: setup ## Measure a batch of 500 letters through the whole chain (QUICK=1: of 60)
	$(CARGO) bench --bench batch

bench-chains: setup ## Measure chains of trivial steps beside DBOS and Restate, and after kill -9 (QUICK=1: less of everything)
	$(CARGO) bench --bench chains $(if $(ARGS),-- $(ARGS))

bench-documents: setup ## Measure merges and PDFs beside docxtpl, docxtemplater, unoserver and others (QUICK=1: fewer)
	$(CARGO) bench --bench documents

bench-log: setup ## Measure the log beside postgres-es, message-db and COPY (QUICK=1: less of everything)
	$(CARGO) bench --bench log $(if $(ARGS),-- $(ARGS))

bench-reads: setup ## Measure pages beside PostGraphile, and exports beside psql, openpyxl and others (QUICK=1: less of all)
	$(CARGO) bench --bench reads $(if $(ARGS),-- $(ARGS))

compat-docxtpl: setup ## Compare with what docxtpl makes of the same templates
	$(CARGO) bench --bench documents -- compat

check-seda: ## Hold the archive transfers of the tests against the official schemas (SEDA 2.0 to 2.2)
	python3 tests/seda/check.py

lint: ## Format, warnings, and the domain on its own
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	$(CARGO) check -p navette-domain

deny: ## Licences, sources and advisories of what we depend on (installs cargo-deny when missing)
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny check

schema: ## Write the GraphQL schema where it is reviewed
	$(CARGO) run --quiet --bin navette -- schema > src/graphql/schema.graphql

clean: ## Remove what was built and the last demonstration
	$(CARGO) clean
	rm -rf "$${TMPDIR:-/tmp}/navette-demo-$$(id -u)"
