#!/usr/bin/env bash
# The marks of a whole class.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/grade.sh [--zh] [--trust] FOLDER [RESULTS]

Marks the programs of a class. FOLDER has a folder for each student. That has up to four programs,
named after the exercises: udp-server.py, tcp_client.js, tcp-server.jar, udp_client.sh, udp-server.rs
(a main.rs of this repository), or a program for Linux without an ending. A folder of that name,
udp-server/, has main.py, main.js, main.jar, main.sh, main.rs, src/main.rs, or an executable file run.

Each program goes through all steps of its sheet, in a sandbox that bubblewrap makes; with --trust
without one, and then marks can be forged. RESULTS (grades) gets grades.csv, results.json and a report
for each student. The points are in scripts/points.txt. --zh speaks Chinese 使用中文.'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

need python3
start python3 -B "$root/scripts/grade.py" "$work" "$@"
wait "$job"
