//! `scripts/load.sh`: its table is true, a loss is noticed, and nothing is left behind.
#![cfg(unix)]

use std::process::Command;
use std::sync::Once;

use testing::{build, run, script};

/// `scripts/load.sh` with what it builds built.
fn load(arguments: &[&str]) -> Command {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| build(&["--release".as_ref()]));
    script("load.sh", arguments)
}

/// What the table says in the row of that name.
fn row<'a>(table: &'a [String], name: &str) -> &'a str {
    let value = table.iter().find_map(|line| line.strip_prefix(name));
    value.unwrap_or_else(|| panic!("expected a row {name:?} in {table:?}")).trim()
}

fn count(table: &[String], name: &str) -> u64 {
    row(table, name).parse().unwrap_or_else(|_| panic!("expected a number in {name:?}: {table:?}"))
}

#[test]
fn every_message_is_counted_on_both_sides() {
    for (kind, threads) in [("udp", "1"), ("tcp", "6")] {
        let (status, table, stderr) = run(load(&[kind, "5", "20"]), "");
        assert_eq!((status, stderr), (Some(0), vec![]), "{table:?}");
        assert_eq!(row(&table, &format!("{kind} clients at once")), "5");
        for name in ["messages to send", "printed by the server", "answered "] {
            assert_eq!(row(&table, name), "100", "{name}: {table:?}");
        }
        assert!(count(&table, "answered per second") > 0, "{table:?}");
        if cfg!(target_os = "linux") {
            assert_eq!(row(&table, "threads of the server"), threads, "{table:?}");
            assert!(count(&table, "its peak memory, kB") > 500, "{table:?}");
            // A hundred messages are too few for the kernel's clock, which says so.
            assert!(row(&table, "its CPU per message, microseconds").starts_with("< "));
        }
    }
}

#[test]
fn a_wrong_command_line_gets_the_usage_and_starts_nothing() {
    let wrong: [&[&str]; 11] = [
        &[],
        &["sctp"],
        &["udp", "0"],
        &["udp", "05"],
        &["tcp", "five"],
        &["tcp", "5", ""],
        &["tcp", "5", "-1"],
        &["tcp", "5001", "1"],
        &["tcp", "5000", "2001"],
        &["tcp", "1", "18446744073709551617"], // 2^64 + 1
        &["udp", "5", "20", "third"],
    ];
    for arguments in wrong {
        let (status, stdout, stderr) = run(script("load.sh", arguments), "");
        assert_eq!((status, stdout), (Some(2), vec![]), "{arguments:?}");
        assert!(stderr[0].starts_with("load.sh: "), "{stderr:?}");
        assert_eq!(stderr[1..], ["usage: scripts/load.sh udp|tcp [CLIENTS] [MESSAGES]"]);
    }
}

#[test]
fn the_help_says_how_it_is_called() {
    let (status, stdout, stderr) = run(script("load.sh", &["--help"]), "");
    assert_eq!((status, stderr), (Some(0), vec![]));
    assert!(stdout[0].starts_with("usage: scripts/load.sh"), "{stdout:?}");
}

#[cfg(target_os = "linux")]
mod interrupted {
    use std::fs;
    use std::os::unix::process::ExitStatusExt;
    use std::path::PathBuf;

    use testing::{Program, scratch, signal, signals, wait_until};

    use super::{count, load, row};

    /// Far more messages than are sent before something interrupts them.
    const CLIENTS: &str = "5";
    const MESSAGES: &str = "1000000";
    const TOTAL: u64 = 5_000_000;

    /// A run in the middle of its messages, and the folder that its files are in.
    fn in_the_middle(kind: &str, name: &str) -> (Program, PathBuf) {
        let folder = scratch(&format!("load-{kind}-{name}"));
        fs::create_dir_all(&folder).expect("a folder for the script's files");
        let mut command = load(&[kind, CLIENTS, MESSAGES]);
        command.env("TMPDIR", &folder);
        let script = Program::start(command);
        wait_until("there are replies", || {
            fs::read_dir(&folder).expect("the folder").flatten().any(|work| {
                fs::metadata(work.path().join("replies")).is_ok_and(|replies| replies.len() > 1000)
            })
        });
        (script, folder)
    }

    /// The processes that a process has started and has not waited for.
    fn children(id: u32) -> Vec<u32> {
        let ids = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        ids.split_whitespace().map(|id| id.parse().expect("a process id")).collect()
    }

    /// The program that a process runs, or nothing when it has ended.
    fn program(id: u32) -> String {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let first = line.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(first).rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// All that a script has started, itself not.
    fn started_by(id: u32) -> Vec<u32> {
        let own = children(id);
        own.iter().flat_map(|child| [vec![*child], started_by(*child)].concat()).collect()
    }

    #[test]
    fn a_server_that_dies_is_a_loss_and_told_at_once() {
        for kind in ["udp", "tcp"] {
            let (mut script, folder) = in_the_middle(kind, "dies");
            let name = format!("{kind}-server");
            let servers = children(script.id());
            let server = servers.iter().find(|id| program(**id) == name).expect("the server");
            signal("KILL", *server);
            script.ends_with(1);

            let (table, stderr) = (script.stdout.rest(), script.stderr.rest());
            let printed = count(&table, "printed by the server");
            let answered = count(&table, "answered ");
            assert_eq!(count(&table, "messages to send"), TOTAL);
            assert!(0 < answered && answered <= printed && printed < TOTAL, "{table:?}");
            assert_eq!(row(&table, "its peak memory, kB"), "unknown"); // it went with the server
            let lost = format!(
                "load.sh: {} not printed, {} not answered, 5 clients failed; the server has ended",
                TOTAL - printed,
                TOTAL - answered
            );
            assert_eq!(stderr.last(), Some(&lost), "{stderr:?}");
            assert!(stderr.len() <= 4, "{stderr:?}");
            assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 0, "files are left");
        }
    }

    #[test]
    fn a_signal_leaves_nothing_running() {
        for (name, number) in signals() {
            let (mut script, folder) = in_the_middle("tcp", name);
            let started = started_by(script.id());
            let clients = started.iter().filter(|id| program(**id) == "tcp-client").count();
            assert_eq!(clients, 5);
            signal(name, script.id());
            assert_eq!(script.status().signal(), Some(number));
            script.stdout.expect_end();
            script.stderr.expect_end();
            // The clients have the signal by now, and may still be about to end.
            let has_ended = |id: &u32| program(*id).is_empty();
            wait_until("all processes have ended", || started.iter().all(has_ended));
            assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 0, "files are left");
        }
    }
}
