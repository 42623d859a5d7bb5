# Two commands are all a newcomer needs:
#   make demo   builds driftcast and shows a whole life of it in ./driftcast-demo
#   make test   runs the tests
# Both link the prebuilt DuckDB library, or fall back to compiling it; .ci/duckdb says which.

CARGO := .ci/duckdb
DEMO ?= driftcast-demo
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/driftcast
export CARGO_TARGET_DIR ?= $(CACHE)/target
# Property tests try the same cases each time; another number tries others.
export PROPTEST_RNG_SEED ?= 7

.PHONY: demo test web build release check bench fuzz mutations clean-demo

demo: build
	@$(CARGO_TARGET_DIR)/debug/driftcast --data $(DEMO) demo

# With the test binary, so that the dependencies are built once: cargo gives
# some of them more features when something is to be tested.
build:
	@$(CARGO) build --bin driftcast --test it

test:
	@$(CARGO) test

# Sample reports in a real browser: layout, console, requests, accessibility.
# Skipped with a word where no Chromium or no node is installed.
AXE := $(CACHE)/web/node_modules/axe-core/axe.min.js
web:
	@command -v node >/dev/null || { echo "SKIPPED: no node is installed, so no page was looked at."; exit 0; }; \
	test -f $(AXE) || timeout 120 npm install --silent --no-save --ignore-scripts --prefix $(CACHE)/web axe-core@4.14.1 || true; \
	rm -rf $(CACHE)/web/look && \
	DRIFTCAST_LOOK=$(CACHE)/web/look $(CARGO) test --test it reports::look && \
	node tests/web/check.mjs $(CACHE)/web/look $(AXE)

# What CI checks besides the tests.
check:
	@$(CARGO) fmt --check
	@$(CARGO) clippy --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items

# The program to install: $(CARGO_TARGET_DIR)/release/driftcast.
release:
	@$(CARGO) build --release

bench:
	@$(CARGO) bench

# Each target for SECONDS_EACH (60) seconds; a long run: make fuzz SECONDS_EACH=3600.
fuzz:
	@fuzz/run

# MUTATIONS (a million) of the recordings of all platforms, SEED (1) and following:
# a release build of the readers alone, then minutes on all cores.
mutations:
	@cargo run --quiet --release --locked --manifest-path fuzz/Cargo.toml --example mutations -- $(or $(MUTATIONS),1000000) $(or $(SEED),1)

clean-demo:
	rm -rf $(DEMO)
