//! What this machine has to test with, and Linux's tools around a program.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{ToSocketAddrs, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::program;

/// Whether `tool` is on this machine; see [`is_there_or_skipped`].
pub fn has_tool(tool: &str) -> bool {
    is_there_or_skipped(path_of(tool).is_some(), tool)
}

/// Where `tool` is on this machine.
pub fn path_of(tool: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|place| place.join(tool)).find(|file| file.is_file())
}

/// The same for OpenBSD's netcat. Other programs are called `nc` too, and have other options.
pub fn has_netcat() -> bool {
    let help = Command::new("nc").arg("-h").output();
    let is_openbsd = |help: Output| String::from_utf8_lossy(&help.stderr).contains("OpenBSD");
    is_there_or_skipped(help.is_ok_and(is_openbsd), "nc")
}

/// The same for a network of one's own: Linux's network namespace, for root or in a user namespace.
pub fn has_own_network() -> bool {
    has_tool("unshare")
        && has_tool("ip")
        && is_there_or_skipped(own_network().is_some(), "the right to make a network")
}

/// How unshare(1) makes one: by root's right, so that a program can still become another user there,
/// or else in a user namespace.
fn own_network() -> Option<&'static str> {
    static OPTION: OnceLock<Option<&str>> = OnceLock::new();
    let works = |option: &&str| succeeds("unshare", &[option, "true"]);
    *OPTION.get_or_init(|| ["-n", "-rn"].into_iter().find(works))
}

/// The same for IPv6.
pub fn has_ipv6() -> bool {
    is_there_or_skipped(UdpSocket::bind("[::1]:0").is_ok(), "IPv6")
}

/// The same for the name `localhost`, which is in /etc/hosts as a rule.
pub fn has_localhost() -> bool {
    is_there_or_skipped(("localhost", 0).to_socket_addrs().is_ok(), "the name localhost")
}

/// The same for the word that nobody has a UDP port: wine loses it as a rule, Windows does not.
/// `scripts/platforms.sh` says where it is wine.
pub fn has_udp_refusals() -> bool {
    is_there_or_skipped(env::var_os("UNDER_WINE").is_none(), "UDP refusals, which wine loses")
}

/// The same for capturing packets.
pub fn may_capture() -> bool {
    has_tool("tcpdump")
        && is_there_or_skipped(succeeds("tcpdump", &["-Lilo"]), "the right to capture packets")
}

/// Whether that command ends with status 0.
pub fn succeeds(tool: &str, arguments: &[&str]) -> bool {
    Command::new(tool).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Whether `what` a test needs is there. Where it is not the test does nothing and says so: on
/// stderr, and to test.sh, which counts. In CI nothing may be skipped.
pub fn is_there_or_skipped(is_there: bool, what: &str) -> bool {
    assert!(
        is_there || env::var_os("CI").is_none(),
        "nothing may be skipped here: {what} is missing"
    );
    if !is_there {
        let test = thread::current().name().unwrap_or_default().to_owned();
        let line = format!("{test} does nothing here, for want of {what}\n");
        let list = env::var_os("SKIPPED_TESTS").map(|list| File::options().append(true).open(list));
        let _ = match list {
            Some(Ok(mut list)) => list.write_all(line.as_bytes()),
            // libtest keeps what eprintln! prints, and shows it only of a test that fails.
            _ => io::stderr().write_all(line.as_bytes()),
        };
    }
    is_there
}

/// A place of its own, among what cargo builds, for a file of that name or a folder.
pub fn scratch(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the test's own file"); // target/debug/deps/test-…
    let folder = test.ancestors().nth(3).expect("the folder that cargo builds in").join("tmp");
    fs::create_dir_all(&folder).expect("a folder for the tests' files");
    scratch_in(&folder, name)
}

/// A new folder among what cargo builds.
pub fn scratch_folder(name: &str) -> PathBuf {
    let folder = scratch(name);
    fs::create_dir(&folder).expect("a new folder");
    folder
}

/// Writes a program that can be executed: its `text`.
#[cfg(unix)]
pub fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).expect("the program's file");
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("its mode");
}

/// The same as [`scratch`] in that `folder`.
pub fn scratch_in(folder: &Path, name: &str) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    folder.join(format!("{name}-{}-{number}", process::id()))
}

/// SIGINT and SIGTERM, less what programs started here ignore, as the test itself does (proc(5)): a
/// job of a script ignores SIGINT (signal(7)).
pub fn signals() -> Vec<(&'static str, i32)> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap_or(0);
    let mut signals = vec![("INT", 2), ("TERM", 15)];
    signals.retain(|(_, number)| (ignored >> (number - 1)) & 1 == 0);
    signals
}

/// Sends `signal` (TERM, INT, STOP, …) to the process `id`.
pub fn signal(signal: &str, id: u32) {
    assert!(try_signal(signal, id), "the process {id} takes no signal");
}

/// The same, where the process may have ended: whether there was one.
pub(crate) fn try_signal(signal: &str, id: u32) -> bool {
    // The shell's own, as kill(1) is not on every machine.
    let mut kill = Command::new("bash");
    kill.args(["-c", "kill -s \"$0\" \"$1\"", signal, &id.to_string()]);
    kill.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// `command` under strace, with `options` that say what it shows or does to the system calls. The
/// program stays the test's own child (`-D`), so that killing it leaves no strace behind.
pub fn strace(options: &[&str], command: &Command) -> Command {
    under("strace", &[&["-D"], options].concat(), command)
}

/// `command` in a shell that runs `limits` first, such as `ulimit -n 20`.
pub fn limited(limits: &str, command: &Command) -> Command {
    under("bash", &["-c", &format!("{limits}\nexec \"$0\" \"$@\"")], command)
}

/// `command` on a network of its own, Linux's network namespace, in a shell that runs `first`.
pub(crate) fn on_own_network(first: &str, command: &Command) -> Command {
    let option = own_network().unwrap_or("-rn");
    under("unshare", &[option], &limited(&format!("ip link set lo up\n{first}"), command))
}

/// Checks the `body` of this test in another run of the test's program, which has a network to
/// itself, in a shell that runs `first`.
pub fn with_own_network(first: &str, body: impl Fn()) {
    if env::var_os("ON_OWN_NETWORK").is_some() {
        return body();
    }
    if !has_own_network() {
        return;
    }
    let mut this = Command::new(env::current_exe().expect("this test's program"));
    this.args(["--exact", thread::current().name().expect("the test's name")]);
    let mut again = on_own_network(first, &this);
    // There the test is root, whose home is another one. cargo asks for it where HOME is not set.
    #[allow(deprecated)] // until Rust 1.87
    if let Some(home) = env::home_dir() {
        again.env("HOME", home);
    }
    let output = again.env("ON_OWN_NETWORK", "1").output().expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{why}");
}

/// A locale that is always there: bash complains of one that is not, and strace translates.
pub const UTF_8: &str = "C.UTF-8";

/// Marks the command of a script of this repository, which runs where it is called and takes down
/// itself what it has started.
pub const OF_THIS_REPOSITORY: &str = "OF_THIS_REPOSITORY";

/// The script of that name, in bash, with the programs built that it starts.
pub fn script(name: &str, arguments: &[&str]) -> Command {
    build();
    let mut command = Command::new("bash");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/..").to_owned() + "/" + name).args(arguments);
    command.env("LC_ALL", UTF_8).env(OF_THIS_REPOSITORY, "yes");
    command
}

/// `command` at a terminal that script(1) makes; what it shows comes out on stdout.
pub fn at_terminal(command: &Command) -> Command {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line: Vec<_> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    let mut outer = Command::new("script");
    outer.args(["-q", "-e", "-c", &line.join(" "), "/dev/null"]);
    outer
}

fn under(tool: &str, options: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(tool);
    outer.args(options).arg(command.get_program()).args(command.get_args());
    outer.env("LC_ALL", UTF_8);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}

/// Whether a process runs in whose `cmdline` or `environ` (proc(5)) there is that text.
pub fn is_running(file: &str, text: &str) -> bool {
    fs::read_dir("/proc").into_iter().flatten().flatten().any(|process| {
        let found = fs::read(process.path().join(file)).unwrap_or_default();
        String::from_utf8_lossy(&found).contains(text)
    })
}

/// The most memory that the process `id` has had, in KiB (VmHWM in proc(5)).
pub fn peak_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its figures");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory");
    line.trim_end_matches("kB").trim().parse().expect("a figure in kB")
}

/// The workspace's program called `name`, for tests outside its own crate.
pub fn workspace_program(name: &str) -> Command {
    let mut paths = executables(build());
    let own = paths.find(|path| Path::new(path).file_stem() == Some(name.as_ref()));
    program(name, &own.expect("cargo has built the program"))
}

/// The files that cargo `said` it has built, in its messages in JSON.
pub fn executables(said: &str) -> impl Iterator<Item = String> {
    let paths = said.split("\"executable\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    paths.map(|path| path.replace(r"\\", r"\")) // Windows' backslashes are escaped there
}

/// Builds all programs: what cargo prints, which says where they are. What a test waits for has no time
/// for it, and some tests have no network.
pub fn build() -> &'static str {
    static SAID: OnceLock<String> = OnceLock::new();
    SAID.get_or_init(|| said_by_build("--profile=dev"))
}

/// The same in release mode.
pub fn build_release() {
    static SAID: OnceLock<String> = OnceLock::new();
    SAID.get_or_init(|| {
        let _ = writeln!(io::stderr(), "(building in release mode, which takes a minute or so)");
        said_by_build("--release")
    });
}

fn said_by_build(option: &str) -> String {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--workspace", option]);
    cargo.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let built = cargo.output().expect("cargo starts");
    assert!(built.status.success(), "the programs cannot be built");
    String::from_utf8_lossy(&built.stdout).into_owned()
}
