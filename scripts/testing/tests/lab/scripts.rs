//! What every script does with its command line, its environment, and a signal.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use testing::{is_running, limited, run, scratch_folder, script};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The name of a folder, which is none of the easy ones.
const FOLDER: &str = "文件 夹";

#[test]
fn the_help_is_printed_and_a_wrong_command_line_refused() {
    // Between the bars command lines; a space at an end comes before an empty argument.
    let talk = "upd 你好||udp |tcp \r|tcp 你好 a\n\nb";
    let load = "|sctp|udp 0|udp 05|tcp five|tcp 5 |tcp 5 -1|tcp 5001 1|tcp 5000 2001|\
                tcp 1 18446744073709551617|udp 5 20 third";
    for (name, arguments, wrong) in [
        ("pair.sh", "[udp|tcp] [MESSAGE...]", talk),
        ("calls.sh", "udp|tcp [MESSAGE...]", talk),
        ("packets.sh", "udp|tcp [MESSAGE...]", talk),
        ("load.sh", "udp|tcp [CLIENTS] [MESSAGES]", load),
        ("platforms.sh", "[FOLDER]", "-x|a b"),
        ("check.sh", "[--watch] CRATE [PROGRAM [ARGUMENT...]]", "|udp|--now udp-server"),
        ("grade.sh", "FOLDER [RESULTS]", "|a b c"),
        ("handout.sh", "DIR", "|a b"),
        ("test.sh", "[ARGUMENT...]", ""), // what is wrong, cargo says
    ] {
        let usage = format!("usage: scripts/{name} {arguments}");
        let (status, stdout, stderr) = run(script(name, &["--help"]), "");
        assert_eq!((status, &stdout[0], stderr), (Some(0), &usage, vec![]));
        for wrong in wrong.split_terminator('|') {
            let arguments: Vec<_> = wrong.split(' ').collect();
            let (status, stdout, stderr) = run(script(name, &arguments), "");
            assert_eq!((status, stdout), (Some(2), vec![]), "{name} {wrong:?}");
            assert!(stderr[0].starts_with(&format!("{name}: ")), "{stderr:?}");
            assert_eq!(stderr[1..], [usage.as_str()], "{name} {wrong:?}");
        }
    }
}

#[test]
fn a_link_to_the_script_and_the_callers_settings_of_bash_do_no_harm() {
    let folder = scratch_folder(FOLDER);
    symlink(format!("{SCRIPTS}/pair.sh"), folder.join("first")).expect("a link");
    symlink("first", folder.join("second")).expect("a link to the link");
    fs::write(folder.join("settings"), "set -f; shopt -s nocasematch").expect("a file");
    script("pair.sh", &[]); // builds
    let mut command = Command::new("bash");
    command.args(["second", "tcp", "你好"]).current_dir(&folder);
    command.env("SHELLOPTS", "errexit:noclobber:noglob:nounset:pipefail");
    command.env("BASHOPTS", "failglob:nullglob:xpg_echo").env("BASH_ENV", folder.join("settings"));
    command.env("CDPATH", "/").env("GREP_OPTIONS", "-v").env("TMPDIR", ".");
    let (status, stdout, stderr) = run(command, "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    assert_eq!(stdout.len(), 5, "{stdout:?}");

    // Without lib.sh it is nothing.
    fs::copy(format!("{SCRIPTS}/pair.sh"), folder.join("alone")).expect("a copy");
    let mut command = Command::new("bash");
    command.args(["alone", "udp", "你好"]).current_dir(&folder);
    let (status, stdout, stderr) = run(command, "");
    assert_eq!((status, stdout, stderr.len()), (Some(1), vec![], 1), "{stderr:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_stdout_that_cannot_be_written_is_a_failure() {
    for arguments in [&["udp", "你好"][..], &["--help"]] {
        let full = limited("exec >/dev/full", &script("pair.sh", arguments));
        let said = vec!["pair.sh: stdout cannot be written".to_owned()];
        assert_eq!(run(full, ""), (Some(1), vec![], said), "{arguments:?}");
    }
}

#[test]
fn a_job_that_has_ended_is_not_among_those_that_are_killed() {
    let mut bash = Command::new("bash");
    // Nothing but builtins: bash forgets a job when it next waits for a program.
    let job = ". \"$0\"; start true; until has_ended \"$job\"; do :; done; jobs_left";
    bash.args(["-p", "-c", job]);
    bash.arg(format!("{SCRIPTS}/lib.sh"));
    assert_eq!(run(bash, ""), (Some(0), vec![], vec![]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_leaves_nothing() {
    use testing::{build_release, has_tool, may_capture};

    build_release();
    let can_trace = has_tool("strace") && has_tool("python3");
    // What keeps each at work, and the file that comes in the middle of it, with so many bytes.
    let cases = [
        ("pair.sh", &["tcp"][..], true, "log", 100),
        ("load.sh", &["tcp", "5", "1000000"], true, "replies", 1000),
        ("calls.sh", &["tcp"], can_trace, "client", 1),
        ("packets.sh", &["tcp"], may_capture() && has_tool("python3"), "replies", 0),
    ];
    std::thread::scope(|scope| {
        for (name, arguments, _, file, size) in cases.into_iter().filter(|case| case.2) {
            scope.spawn(move || {
                for (file, size) in [("log", 0), ("notes", 1), (file, size)] {
                    check_signals(name, arguments, file, size);
                }
            });
        }
    });
}

/// Signals that come when the script of that name has written `size` bytes of a `file`.
#[cfg(target_os = "linux")]
fn check_signals(name: &str, arguments: &[&str], file: &str, size: u64) {
    use std::os::unix::process::ExitStatusExt;
    use std::time::{Duration, Instant};
    use testing::{A_SCRIPT, Program, signal, signals, wait_within};

    for (signal_name, number) in signals() {
        let folder = scratch_folder(FOLDER);
        let mut command = script(name, arguments);
        command.env("TMPDIR", &folder);
        if !["pair.sh", "load.sh"].contains(&name) {
            command.env("TCP_CLIENT", "tail -f /dev/null"); // never leaves
        }
        let mut program = Program::start(command);
        program.types("你好\n"); // and there may be more
        wait_within(A_SCRIPT, &format!("{name} writes {file}"), || {
            let works = fs::read_dir(&folder).expect("the folder").flatten();
            let mut files = works.map(|work| fs::metadata(work.path().join(file)));
            files.any(|file| file.is_ok_and(|file| file.len() >= size))
        });
        signal(signal_name, program.id());
        // bash may lose a signal that comes while it reads a command, and says so.
        let mut again = Some(Instant::now() + Duration::from_secs(3));
        wait_within(A_SCRIPT, &format!("{name} ends, after {file}"), || {
            if again.take_if(|again| *again < Instant::now()).is_some() {
                signal(signal_name, program.id());
            }
            !program.is_running()
        });
        assert_eq!(program.status().signal(), Some(number), "{name}, {file}");
        assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 0, "{name}, {file}");
        let environment = format!("TMPDIR={}\0", folder.display());
        wait_within(A_SCRIPT, &format!("{name} has ended all, after {file}"), || {
            !is_running("environ", &environment)
        });
    }
}
