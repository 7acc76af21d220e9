# The few commands. Plain: what runs is what you read.

CARGO ?= cargo

.PHONY: demo run release test chaos crash lint bench fmt fresh

# A server on a temporary database, two receivers and live traffic. Ctrl-C stops it. Not quiet: the first time it compiles
# for minutes, and shows how far it is.
demo:
	@test -x target/release/posthaste || echo "Compiling, 6 to 10 minutes on two slow cores. Meanwhile: docs/receivers.md, docs/dialects.md"
	$(CARGO) run --release --bin posthaste -- demo

# A server for development: data in ./posthaste-data, receivers on this machine allowed.
run:
	$(CARGO) run --bin posthaste -- serve --allow-http --allow-network 127.0.0.0/8

# The server as it is released, in target/dist: built twice, the second time by what it did under load. Twenty minutes.
release:
	release/build.sh

# Everything that must hold: lints, installs what the tests need, tests, and tests again what is on a database on
# PostgreSQL, with the same binaries.
test: lint
	tests/install.sh
	$(CARGO) test --workspace
	POSTHASTE_TEST_ON=postgres $(CARGO) test --workspace --test conformance --test it

# Half an hour of killing, stopping and cutting off the nodes of a cluster under load, and restarting its database.
chaos:
	$(CARGO) test --workspace --test chaos -- --ignored --nocapture

# Five minutes of power cuts and failing disks, at every write of the embedded database; `make test` takes a sample of them.
crash:
	POSTHASTE_TEST_CRASH=all $(CARGO) test --package store --test conformance -- crash --nocapture

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- --deny warnings
	bash -n release/build.sh

# How fast the released server is on this machine, in about fifteen minutes once it is built: every scenario on SQLite, with
# fewer deliveries stored before *growth* than its figure asks for. See docs/benchmarks.md.
bench: release
	$(CARGO) run --release --quiet --package bench -- --server target/dist/posthaste --stored 500000

fmt:
	$(CARGO) fmt --all

# Rewrites the files that the binary prints. `make test` fails when they are stale.
fresh:
	$(CARGO) run --quiet --bin posthaste -- openapi > openapi.json
	$(CARGO) run --quiet --bin posthaste -- config print > config.example.toml
