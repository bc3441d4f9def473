#!/usr/bin/env bash
# Marks the programs of a whole class.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/grade.sh FOLDER [RESULTS]

FOLDER has a folder a student, and that has up to four programs, named after the exercises:
udp-server.py, tcp_client.js, tcp-server.jar, udp_client.sh, udp-server.rs (a main.rs of this
repository), or without an ending a program that can be executed. A folder of the name, udp-server/,
has main.py, main.js, main.rs, src/main.rs, or for any other language an executable file run.

Each program goes through all steps of its sheet, several programs at a time. The points of a step
are in scripts/points.txt. RESULTS (grades) is a folder for grades.csv, junit.xml and a report for
each student. As root each program runs as a user of its own and on a network of its own.'

. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

[[ $# -ge 1 && $# -le 2 && -n $1 ]] || refuse 'FOLDER, and RESULTS if it is not to be grades'
need cargo 'install Rust, see https://rustup.rs'
need python3
chmod 711 "$work" # a student's program runs in there, and is not to look around
cd -- "$from" || exit 1
python3 -B "$root/scripts/grade.py" "$root" "$work" "$@"
