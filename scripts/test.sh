#!/usr/bin/env bash
# Every test of the project. Arguments are cargo test's: scripts/test.sh -p tcp-server
# shellcheck source-path=SCRIPTDIR
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

need cargo 'install Rust, see https://rustup.rs'
cargo test --locked --workspace "$@"
