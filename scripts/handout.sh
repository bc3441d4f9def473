#!/usr/bin/env bash
# Makes the copy of this repository that students get.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/handout.sh DIR

Copies this repository to DIR, a new folder, without what a student is to find out: each main.rs is a
skeleton (in examples of its crate) that says what is to be done in which step, the answers
are gone from the sheets, and so are the history and what is the teacher'\''s alone. The answers go to
DIR-answers.md.'

. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

[[ $# -eq 1 && -n ${1-} ]] || refuse 'one argument, a new folder'
need python3
cd -- "$from" || exit 1
python3 -B "$root/scripts/handout.py" "$root" "$1"
