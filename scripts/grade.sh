#!/usr/bin/env bash
# Marks the programs of a whole class: scripts/grade.sh --help
scripts=$(dirname -- "$(readlink -f -- "$0")")
command -v python3 >/dev/null || { echo 'grade.sh: Python is missing: sudo apt-get install python3' >&2 && exit 1; }
exec python3 -B "$scripts/grade.py" "$@"
