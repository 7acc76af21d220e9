#!/usr/bin/env bash
# Builds the server as it is released, into target/dist: compiled twice, the second time by what a loaded server did in
# between (profile-guided optimisation). It is the program that `cargo build --release` makes, and takes 0.9 of its
# processor time. Building it takes twenty minutes. Debug information stands beside it, in posthaste.debug: as long as that
# file is in the same directory, backtraces have lines too, and debuggers find it.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
root=$PWD/target/pgo
counts=$root/counts
server=$root/$host/release/posthaste

# LLVM's tool for its counts: Rust's own where it is installed, or another LLVM's that knows the format.
llvm_profdata() {
    local tool own
    own=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
    for tool in "$own" llvm-profdata-{22,21,20,19}; do
        if command -v "$tool"; then return; fi
    done
    return 1
}

. tests/need.sh
need llvm_profdata llvm-19
need "command -v objcopy" binutils
profdata=$(llvm_profdata)

# The target is named so that what runs at build time is compiled as usual. C is: SQLite gains nothing that can be measured,
# and cryptography is better left as its authors compile it.
build() { # build RUSTFLAGS
    RUSTFLAGS=$1 CARGO_PROFILE_RELEASE_DEBUG=line-tables-only CARGO_PROFILE_RELEASE_STRIP=none \
        cargo build --release --quiet --bin posthaste --target "$host" --target-dir "$root"
}

split_debug() { # split_debug PROGRAM: what only debuggers and backtraces read goes into PROGRAM.debug
    objcopy --only-keep-debug "$1" "$1.debug"
    chmod 644 "$1.debug"
    # By its name alone, so that both can be moved.
    (cd "$(dirname "$1")" && objcopy --strip-debug --add-gnu-debuglink="$(basename "$1").debug" "$(basename "$1")")
}

# What a server is busy with: taking events in one by one and in batches, delivering to one and to many, failing.
loads() {
    target/release/bench "$@" --server "$server" --seconds 6 --bare-seconds 1 --json "$root/loads.json" >/dev/null
}

echo "building the load"
cargo build --release --quiet --package bench
echo "building the server that counts"
rm -rf "$counts"
build "-Cprofile-generate=$counts"
echo "loading it"
loads single batch steady fan-out neighbours
if compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
    loads single batch steady --postgres
else
    echo "no PostgreSQL is installed here: what is about it is compiled for size" >&2
fi
"$profdata" merge --sparse -o "$counts.profdata" "$counts"
echo "building the server"
build "-Cprofile-use=$counts.profdata"
install -D -m 755 "$server" target/dist/posthaste
split_debug target/dist/posthaste
echo "target/dist/posthaste, and beside it its debug information"
