#!/usr/bin/env bash
# Every test of the project, and what they came to.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/test.sh [ARGUMENT...]

Runs every test, also when one fails: those of the programs, and those of the commands and pages.
At the end it lists those that failed and what the skipped ones need, and says how many tests passed,
failed and were skipped. ARGUMENTs are cargo test'\''s, such as -p tcp-server; then it runs no others.
The status is 0 when no test failed.'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

# count passed|failed|ignored: how many tests were.
count() {
    grep '^test result: ' "$log" | grep -o "[0-9]* $1;" | awk '{ sum += $1 } END { print sum + 0 }'
}

need cargo 'install Rust, see https://rustup.rs'
PATH=$PATH:/usr/sbin:/sbin # where Debian has ip, but not in a user's PATH
cd -- "$root" || exit 1
LC_ALL=C.UTF-8 cargo test --locked --no-fail-fast "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
if [[ $# -eq 0 && -d scripts/tests ]]; then # the students' copy has none
    if command -v python3 >/dev/null; then
        python3 -B scripts/tests
    else
        echo 'test commands and pages ... ignored (not checked: this needs python3)'
        echo 'test result: ok. 0 passed; 0 failed; 1 ignored;'
    fi 2>&1 | tee -a "$log"
    [ "${PIPESTATUS[0]}" = 0 ] || status=1
fi

echo
sed -nE 's/^test (.*[^ ]) +\.\.\. FAILED$/FAILED: \1/p' "$log"
if [ "$(count ignored)" -gt 0 ]; then
    echo "$(count ignored) tests were skipped. They need:"
    sed -nE 's/.*ignored \(not checked: this needs (.*)\)$/\1/p' "$log" | sort | uniq -c |
        sed -E 's/^ *([0-9]+) (.*)/  \2 (\1)/'
    packages=$(while read -r tool package; do
        command -v "$tool" >/dev/null || echo "$package"
    done <scripts/tools.txt | sort -u | paste -sd ' ' -)
    [ -z "$packages" ] || echo "To install the tools: sudo apt-get install $packages"
fi
echo "$(count passed) passed, $(count failed) failed, $(count ignored) skipped"
exit "$status"
