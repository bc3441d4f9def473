#!/usr/bin/env bash
# Checks a program step after step, and says how far it is. `cargo check-lab` does the same.

command -v cargo >/dev/null || { echo 'check.sh: cargo is missing; install Rust, see https://rustup.rs' >&2; exit 1; }
root=$(dirname -- "$(readlink -f -- "$0")")/..
exec cargo run --quiet --locked --manifest-path "$root/Cargo.toml" -p testing --bin check -- "$@"
