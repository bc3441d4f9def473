#!/usr/bin/env bash
# Every test of the project, and what they came to.
# shellcheck source-path=SCRIPTDIR

usage='usage: scripts/test.sh [ARGUMENT...]

Runs every test, also when one fails, and ends with how many passed, which failed, and which did
nothing because this machine lacks a tool or a right. ARGUMENTs are cargo test'\''s, such as
-p tcp-server. The status is cargo'\''s: 0 when no test failed.'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

need cargo 'install Rust, see https://rustup.rs'
export SKIPPED_TESTS=$work/skipped # a line for each test and what it lacks
export RUST_LIB_BACKTRACE=0 # a test meets a million errors, none of which wants one
export RUST_TEST_THREADS=${RUST_TEST_THREADS-16} # most tests do little but wait
PATH=$PATH:/usr/sbin:/sbin # where Debian has ip, and no user looks
: >"$SKIPPED_TESTS"

# count passed|failed: how many tests did.
count() {
    grep '^test result: ' "$log" | grep -o "[0-9]* $1;" | awk '{ sum += $1 } END { print sum + 0 }'
}

cargo test --locked --no-fail-fast "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}

echo
sed -n 's/^test \(.*\) \.\.\. FAILED$/FAILED: \1/p' "$log" | sort -u
idle=$(cut -d ' ' -f 1 "$SKIPPED_TESTS" | sort -u | grep -c '')
if [ "$idle" -gt 0 ]; then
    echo "$idle tests did nothing here, for want of"
    sed 's/.* for want of //' "$SKIPPED_TESTS" | sort | uniq -c | sed -E 's/^ *([0-9]+) (.*)/  \2 (\1)/'
    packages=$(while read -r tool package; do
        command -v "$tool" >/dev/null || echo "$package"
    done <scripts/tools.txt | sort -u | paste -sd ' ' -)
    [ -z "$packages" ] || echo "To install what is missing: sudo apt-get install $packages"
fi
echo "$(count passed) tests passed, $idle of them without doing anything; $(count failed) failed"
exit "$status"
