# Two commands are all a newcomer needs:
#   make demo   builds driftcast and shows a whole life of it in ./driftcast-demo
#   make test   runs the tests
# Both fetch the prebuilt DuckDB library, or fall back to compiling it (.ci/duckdb says which).

CARGO := .ci/duckdb
DEMO ?= driftcast-demo

.PHONY: demo test build check bench clean-demo

demo: build
	@$(CARGO) run --quiet -- --data $(DEMO) demo

build:
	@$(CARGO) build

test:
	@$(CARGO) test

# What CI checks besides the tests.
check:
	@$(CARGO) fmt --check
	@$(CARGO) clippy --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items

release:
	@$(CARGO) build --release

bench:
	@$(CARGO) bench

clean-demo:
	rm -rf $(DEMO)
