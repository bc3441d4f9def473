//! What this machine has to test with, and Linux's tools around a program.

use std::env;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Whether this machine has what a test needs: a tool, or one of the things that are named here.
pub fn has(need: &str) -> bool {
    match need {
        "Linux" => cfg!(target_os = "linux"),
        "signals" => cfg!(unix),
        "IPv6" => UdpSocket::bind("[::1]:0").is_ok(),
        // wine does not say that nobody has a UDP port; Windows does.
        "a system that reports unused UDP ports" => env::var_os("UNDER_WINE").is_none(),
        "a network of its own" => {
            has("unshare") && has("ip") && has("setpriv") && own_network().is_some()
        }
        "the right to capture packets" => has("tcpdump") && succeeds("tcpdump", &["-Lilo"]),
        "a sandbox" => succeeds(
            "bwrap",
            &["--unshare-user", "--unshare-all", "--disable-userns", "--ro-bind", "/", "/", "true"],
        ),
        "room for 10,000 clients" => {
            let limits = "for limit in $(ulimit -Hn) $(ulimit -Hu); do \
                          [ $limit = unlimited ] || [ $limit -gt 10100 ] || exit; done";
            cfg!(target_pointer_width = "64") && succeeds("bash", &["-ec", limits])
        }
        tool => path_of(tool).is_some(),
    }
}

/// Where `tool` is on this machine.
pub fn path_of(tool: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|place| place.join(tool)).find(|file| file.is_file())
}

/// Whether that command ends with status 0.
pub fn succeeds(tool: &str, arguments: &[&str]) -> bool {
    Command::new(tool).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// How unshare(1) makes a network of its own: by root's right, or else in a user namespace.
fn own_network() -> Option<&'static str> {
    static OPTION: OnceLock<Option<&str>> = OnceLock::new();
    let works = |option: &&str| succeeds("unshare", &[option, "true"]);
    *OPTION.get_or_init(|| ["-n", "-rn"].into_iter().find(works))
}

/// `command` on a network of its own, Linux's network namespace, in a shell that runs `first` as root;
/// the command itself has no right of root's, so that a program that it starts cannot look into it.
pub(crate) fn on_own_network(first: &str, command: &Command) -> Command {
    let plain = under("setpriv", &["--bounding-set=-all", "--inh-caps=-all"], command);
    let ready = limited(&format!("ip link set lo up\n{first}"), &plain);
    under("unshare", &[own_network().unwrap_or("-rn")], &ready)
}

/// Sends `signal` (TERM, INT, STOP, …) to the process `id`. There are none on Windows.
pub fn signal(signal: &str, id: u32) {
    #[cfg(unix)]
    {
        use nix::{sys::signal, unistd::Pid};
        let signal: signal::Signal = format!("SIG{signal}").parse().expect("a signal's name");
        let _ = signal::kill(Pid::from_raw(id.try_into().expect("a process id")), signal);
    }
    #[cfg(not(unix))]
    unreachable!("no {signal} for the process {id}")
}

/// `command` under strace, with `options` that say what it shows or does to the system calls. The
/// program stays the test's own child (`-D`).
pub fn strace(options: &[&str], command: &Command) -> Command {
    under("strace", &[&["-D"], options].concat(), command)
}

/// `command` in a shell that runs `limits` first, such as `ulimit -n 20`.
pub fn limited(limits: &str, command: &Command) -> Command {
    under("bash", &["-c", &format!("{limits}\nexec \"$0\" \"$@\"")], command)
}

/// `command` at a terminal that script(1) makes; what it shows comes out on stdout.
pub fn at_terminal(command: &Command) -> Command {
    under("bash", &["-c", "exec script -qec \"${*@Q}\" /dev/null", "script"], command)
}

/// A locale that is always there: bash complains of one that is not, and strace translates.
pub const UTF_8: &str = "C.UTF-8";

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
