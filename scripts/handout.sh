#!/usr/bin/env bash
# Makes the students' copy of this repository: scripts/handout.sh --help
scripts=$(dirname -- "$(readlink -f -- "$0")")
command -v python3 >/dev/null || { echo 'handout.sh: Python is missing: sudo apt-get install python3' >&2 && exit 1; }
exec python3 -B "$scripts/handout.py" "$@"
