#!/usr/bin/env bash
# The project with Debian stable's own Rust, and as Windows programs.
# shellcheck source-path=SCRIPTDIR disable=SC2317 # start calls the functions

usage='usage: scripts/platforms.sh [FOLDER]

Makes a root of Debian 13 in FOLDER, or takes the one that it made there before, and clones into it
what is committed in this repository. There, with that Debian'\''s Rust, as an ordinary user and on
a network of its own, it runs every test, then the tests for Windows under wine, and lets clients and
servers of both systems talk.

It needs Linux on x86-64, the rights of root, debootstrap, git, Rust, and 6 GB, and fetches packages
from Debian and crates.io. Without FOLDER the root is in TMPDIR and removed at the end. The status is
0 when all passed, 1 when any did not.'
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh" || exit 1

case ${1-} in -*) refuse "unknown option '$1'" ;; esac
[ $# -le 1 ] || refuse "unexpected argument '$2'"
debian=$(realpath -m -- "${1:-$work/debian}")
cd -- "$root" || exit 1
packages=cargo,libc6-dev,rust-src,gcc-mingw-w64-x86-64-posix,wine64 # debootstrap finds no libc-dev
packages=$packages,$(cut -d ' ' -f 2 scripts/tools.txt | sort -u | paste -sd , -)
target=x86_64-pc-windows-gnu
wine=/usr/lib/wine/wine64
boot="/usr/lib/wine/wineserver -p && $wine wineboot" # so that no program waits for it
home=/home/student # the user's, in the root

# make_root: Debian with its packages for the project, and what its Rust lacks for Windows.
make_root() {
    local mirror object lib=/usr/lib/rustlib
    # shellcheck disable=SC2016 # apt reads the dollar
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | head -n 1)
    unshare --mount --pid --fork --kill-child debootstrap --variant=minbase --include="$packages" \
        trixie "$debian" ${mirror:+"$mirror"} &&
        chroot "$debian" apt-get clean &&
        chroot "$debian" useradd --create-home student &&
        mkdir "$debian$lib/$target" "$debian$lib/$target/lib" || return
    for object in rsbegin rsend; do
        RUSTC_BOOTSTRAP=1 chroot "$debian" rustc --target "$target" --emit obj \
            -o "$lib/$target/lib/$object.o" "$lib/src/rust/library/rtstartup/$object.rs" || return
    done
    touch "$debian/made-by-platforms.sh"
}

# fill_root: the clone, and all crates, also those of Rust's std: the root has no network.
fill_root() {
    local std
    std=$(realpath "$debian"/usr/src/rustc-*/library/Cargo.toml)
    rm -rf "$debian$home/clone"
    git clone --quiet --no-hardlinks . "$debian$home/clone" &&
        RUSTC_BOOTSTRAP=1 cargo vendor --quiet --locked --respect-source-config --sync "$std" \
            --manifest-path "$debian$home/clone/Cargo.toml" "$debian$home/crates" >/dev/null &&
        mkdir -p "$debian$home/.cargo" "$debian$home/.wine" || return
    cat >"$debian$home/.cargo/config.toml" <<END
source.crates-io.replace-with = "fetched"
source.fetched.directory = "$home/crates"

[target.$target]
linker = "x86_64-w64-mingw32-gcc"
# One test after the other: under wine a program that a test starts inherits, and keeps open, the
# connections that other tests have accepted.
runner = ["env", "UNDER_WINE=1", "RUST_TEST_THREADS=1", "$wine"]
END
    chroot "$debian" chown -R student: "$home"
}

# in_root COMMAND: runs it in the clone, as the user, with the loopback as the only network. chroot is
# not enough: in it ordinary users get no namespaces, which some tests need.
in_root() {
    # shellcheck disable=SC2016 # the inner bash reads the dollars; it stays to wait for what others leave
    unshare --mount --pid --fork --kill-child --net bash -euc '
        mount --bind "$0" "$0"
        cd "$0"
        mount -t proc proc proc
        mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
        pivot_root . mnt
        cd /
        umount -l mnt
        ip link set lo up
        runuser -u student -- "$@" || exit' "$debian" \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" SHELL=/bin/bash LANG=C.UTF-8 \
        CARGO_TARGET_DIR="$home/target" WINEDEBUG=-all bash -o pipefail -c "cd ~/clone && $1"
}

# check WHAT COMMAND: runs the command in the root, and adds to the summary whether it passed.
check() {
    local verdict=passed began=$SECONDS
    printf '\n== %s\n' "$1"
    start in_root "$2" </dev/null # as a job, which a signal to this script ends immediately
    wait "$job" || verdict=FAILED status=1
    summary="$summary$verdict: $1 ($((SECONDS - began)) s)"$'\n'
}

[ "$(id -u)" = 0 ] || fail 'it needs the rights of root'
need debootstrap
need git
need cargo 'install Rust, see https://rustup.rs'
if [ ! -e "$debian/made-by-platforms.sh" ]; then
    [ -z "$(ls -A "$debian" 2>/dev/null)" ] || fail "there is something else in $debian"
    make_root || fail 'no root could be made'
fi
fill_root || fail 'the root could not be filled'

summary='' status=0
check "every test, with $(chroot "$debian" rustc --version | cut -d ' ' -f -2)" scripts/test.sh
check 'every test for Windows, under wine' \
    "$boot && RUSTC_BOOTSTRAP=1 scripts/test.sh -Zbuild-std --target $target" # Debian 13 lacks this std
windows="$wine $home/target/$target/debug"
for kind in udp tcp; do
    server="${kind^^}_SERVER='$windows/$kind-server.exe'"
    client="${kind^^}_CLIENT='$windows/$kind-client.exe'"
    talk="scripts/pair.sh $kind | tee ~/said && grep -q '^\[client\] 我是' ~/said"
    check "$kind, Windows to Windows" "$boot && export $server $client && $talk"
    check "$kind, Windows to Linux" "$boot && export $client && $talk"
    check "$kind, Linux to Windows" "$boot && export $server && $talk"
done
printf '\n%s' "$summary"
exit "$status"
