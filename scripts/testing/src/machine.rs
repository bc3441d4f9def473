//! What this machine has to test with, and Linux's tools around a program.

use std::env;
use std::net::UdpSocket;
use std::process::Command;

/// Whether this machine has what a test needs: a tool, or one of the things that are named here.
pub fn has(need: &str) -> bool {
    match need {
        "Linux" => cfg!(target_os = "linux"),
        "the signals of Unix" => cfg!(unix),
        "IPv6" => UdpSocket::bind("[::1]:0").is_ok(),
        // wine does not say that nobody has a UDP port; Windows does.
        "a system that reports unused UDP ports" => env::var_os("UNDER_WINE").is_none(),
        tool => {
            let path = env::var_os("PATH").unwrap_or_default();
            env::split_paths(&path).any(|folder| folder.join(tool).is_file())
        }
    }
}

/// Sends `signal` (TERM, KILL, …) to the process `id`. There are none on Windows.
pub fn signal(signal: &str, id: u32) {
    let kill = format!("kill -s {signal} {id}"); // the shell's own: kill(1) is not on every machine
    let _ = Command::new("sh").args(["-c", &kill]).status();
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

fn under(tool: &str, options: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(tool);
    outer.args(options).arg(command.get_program()).args(command.get_args());
    // A locale that is always there: bash complains of one that is not, and strace translates.
    outer.env("LC_ALL", "C.UTF-8");
    outer
}
