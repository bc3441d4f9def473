#!/usr/bin/env bash
# Checks a program step after step, and says where it stands.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/check.sh [--watch] CRATE [PROGRAM [ARGUMENT...]]

Checks the program of the exercise CRATE (udp-server, udp-client, tcp-server or tcp-client), or any
PROGRAM in its place, such as: scripts/check.sh udp-server python3 server.py

The steps are those of the sheet. It stops after the first one that fails and says there what was
expected and what the program did. --watch does it again whenever a file of the program changes. It
speaks Chinese where LANG does. The status is 0 when all steps passed.'

. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

need cargo 'install Rust, see https://rustup.rs'
built=$(cargo build --quiet --locked -p testing --bin check \
    --message-format=json-render-diagnostics </dev/null) || exit 1
check=$(sed -n 's|.*"executable":"\([^"]*\)".*|\1|p' <<<"$built")
cd -- "$from" || exit 1
TMPDIR=$work "$check" "$@"
